"""Claims B29 to B38 as the ledger checks them, on one ensemble with its corners."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from nbcore import claims
from nbcore.chapters.corner_examples.study import NAMES, Corners, CornerView
from nbcore.measures.bootstrap import Floats, estimate, mean_draws, share
from nbcore.measures.correlation import over_depths
from nbcore.measures.estimate import Estimate

Observed = dict[str, Estimate]
SIGNS = {claims.HELD: "✓", claims.MISSED: "✗", claims.UNDECIDED: "?"}
#: the corners where held-out networks agree, and those where they do not (B34)
CLEAR, UNCLEAR = ("easy", "looks_like_another_class"), ("ambiguous_unless_labelled", "ambiguous")


class Curves(NamedTuple):
    """(draw, probe) means over a corner's examples, toward the label or the consensus class."""

    confidence: Floats
    accuracy: Floats


def curves(s: CornerView, examples: NDArray, toward: str) -> Curves:
    """Average `CornerView.paths` over examples, toward their "label" or their "consensus" class."""
    chosen = s.label if toward == "label" else s.consensus
    weights = s.weights(len(examples))
    return Curves(*(mean_draws(v, weights) for v in s.paths(examples, chosen[examples])))


def crossing(label: Floats, consensus: Floats) -> Floats:
    """Find, per draw, the layer from which on the consensus class has more votes than the label.

    label, consensus (draw, probe): mean confidence. Returns (draw,), in layers, interpolated
    between probes by a straight line; 0 where the label never leads, NaN where it still leads at
    the softmax.
    """
    lead = label - consensus
    out = np.full(len(lead), np.nan)
    for i, row in enumerate(lead):
        ahead = np.flatnonzero(row > 0)
        if not len(ahead):
            out[i] = 0.0
        elif ahead[-1] + 1 < len(row):
            at = ahead[-1]
            out[i] = at + row[at] / (row[at] - row[at + 1])
    return out


def differences(s: CornerView) -> Estimate | None:
    """Estimate the ratio of B29; None where one of its two groups is empty or does not differ.

    It is the mean |validation - training depth| of the examples whose consensus is not their label,
    divided by that of the examples whose consensus is their label.
    """
    like = (s.consensus == s.label)[s.placed]
    apart = np.abs(s.plane[0] - s.plane[1])[s.placed]
    weights = s.weights(len(like)).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [(weights @ (apart * m)) / (weights @ m.astype(float)) for m in (~like, like)]
        ratio = means[0] / means[1]
    return estimate(ratio, s.networks, "1") if np.isfinite(ratio[0]) else None


def networks_disagree(s: CornerView, corners: Corners) -> Observed:
    """Estimate B34: four differences in consensus-consistency, clear minus ambiguous corners."""
    draws = {c: mean_draws(s.agreeing[at], s.weights(len(at))) for c, at in corners.items()}
    apart = np.stack([draws[a] - draws[b] for a in CLEAR for b in UNCLEAR])
    p = [
        stats.mannwhitneyu(s.agreeing[corners[a]], s.agreeing[corners[b]], alternative="greater")
        for a in CLEAR
        for b in UNCLEAR
    ]
    return {
        "smallest clear minus ambiguous consensus-consistency": estimate(
            apart.min(0), s.networks, "fraction"
        ),
        "largest p-value of the four comparisons": Estimate.exact(
            max(float(one.pvalue) for one in p), s.networks
        ),
    }


def along_layers(s: CornerView, corners: Corners) -> dict[str, Observed]:
    """Estimate B35 to B38: what the probes say on the way through the network."""
    n = s.networks
    label = {c: curves(s, at, "label") for c, at in corners.items()}
    agreed = {c: curves(s, at, "consensus") for c, at in corners.items()}

    def extreme(corner: str, toward: NDArray, largest: bool = False) -> Estimate:
        at = corners[corner]
        accuracy = s.paths(at, toward[at]).accuracy
        mean = np.nanmean(accuracy, 0)
        return share(accuracy[:, mean.argmax() if largest else mean.argmin()], n)

    def rise(curve: Floats) -> Estimate:
        return estimate(curve[:, -1] - curve[:, 0], n, "fraction")

    easy, unless, unclear = "easy", "ambiguous_unless_labelled", "ambiguous"
    look, smallest = "looks_like_another_class", "smallest accuracy over layers for the consensus"
    at = corners[unclear]
    mine, theirs = (s.paths(at, c[at]).accuracy for c in (s.label, s.consensus))
    lead = label[unless].confidence - agreed[unless].confidence
    cross = crossing(label[unless].confidence, agreed[unless].confidence) / s.last
    order = over_depths(agreed[easy].confidence)
    out = {
        "B35": {
            smallest: extreme(easy, s.consensus),
            "rise of the consensus's confidence": rise(agreed[easy].confidence),
        },
        "B36": {
            smallest: extreme(look, s.consensus),
            "largest accuracy over layers for the label": extreme(look, s.label, True),
        },
        "B37": {
            "label minus consensus confidence at the first layer": estimate(
                lead[:, 0], n, "fraction"
            ),
            "label minus consensus confidence at the softmax": estimate(lead[:, -1], n, "fraction"),
        },
        "B38": {
            "label accuracy at the input": share(mine[:, 0], n),
            "consensus accuracy at the input": share(theirs[:, 0], n),
            "rise of the consensus's accuracy": rise(agreed[unclear].accuracy),
            "consensus accuracy at the softmax": share(theirs[:, -1], n),
        },
    }
    if np.isfinite(order[0]):
        out["B35"]["spearman over layers of the consensus's confidence"] = estimate(order, n, "1")
    if np.isfinite(cross[0]):
        out["B37"]["crossing layer as a share of all layers"] = estimate(cross, n, "fraction")
    return out


def observed(s: CornerView, corners: Corners | None = None) -> dict[str, Observed]:
    """Estimate the checks of B29 to B38: claim -> check -> estimate.

    The check of B31 on wrong labels is not here, see `noise.smallest_enrichment`.
    """
    found = corners or s.corners
    right = "share of held-out predictions right"
    out: dict[str, Observed] = {}
    if ratio := differences(s):
        out["B29"] = {"ratio of mean absolute depth differences": ratio}
    for claim, corner in zip(("B30", "B31", "B32"), NAMES, strict=False):
        out[claim] = {right: share(s.right[found[corner]], s.networks)}
    return out | {"B34": networks_disagree(s, found)} | along_layers(s, found)


def at_random(s: CornerView, seed: int = 0) -> Corners:
    """Draw the control: corners of as many examples, from all that have a place in the plane."""
    rng = np.random.default_rng([s.seed, seed, 10])
    drawn = rng.permutation(np.flatnonzero(s.placed))[: 4 * s.corner]
    parts = np.array_split(drawn, 4)
    return {corner: parts[i] for i, corner in enumerate(NAMES)}


def comparison(variants: Mapping[str, Mapping[str, Observed]]) -> pd.DataFrame:
    """Tabulate the checks of B29 to B38: a row per check, a column per variant, mark and value."""
    rows: list[dict[str, str]] = []
    for claim_id in [f"B{i}" for i in range(29, 39)]:
        claim = claims.get(claim_id)
        for check in claim.checks:
            seen = {v: found.get(claim_id, {}).get(check.name) for v, found in variants.items()}
            if any(seen.values()):
                cells = {v: _cell(check, e) for v, e in seen.items()}
                rows.append(
                    {"claim": claim_id, "check": check.name, "wanted": check.wanted()} | cells
                )
    return pd.DataFrame(rows)


def _cell(check: claims.Check, seen: Estimate | None) -> str:
    if seen is None:
        return "–"
    value = round(seen.value, 3) if abs(seen.value) >= 0.001 else seen.value
    return f"{SIGNS[check.outcome(seen)]} {claims.show_number(value, check.unit)}"
