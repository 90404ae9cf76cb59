"""Chapter 4's tables: measures by hand, the ensembles, the bounds, attempts to break them."""

import numpy as np
import pandas as pd

from nbcore.chapters.depth_bounds.scores import Floats, halves, scores
from nbcore.chapters.depth_bounds.study import SHARE, Bounds, Study, attempt, only
from nbcore.depths.roster import nice_name
from nbcore.measures import agreement
from nbcore.measures.bounds import fit_bound
from nbcore.measures.estimate import Estimate

#: draws of the halves beside the one that is recorded
DRAWS = 20
RECORDED, SHUFFLED = "as recorded", "depths shuffled (control)"


def by_hand(answers: list[list[str]], labels: list[str], classes: list[str]) -> pd.DataFrame:
    """Tabulate per image what each network says of it, and the chapter's four measures.

    answers (image, network) and labels (image,) are names from `classes`, which are numbered in
    their order.
    """
    number = {name: i for i, name in enumerate(classes)}
    said = np.array([[number[a] for a in row] for row in answers]).T
    label = np.array([number[name] for name in labels])
    args = said, label, np.ones(said.shape, bool), len(classes)
    return pd.DataFrame(
        {
            "answers": [", ".join(row) for row in answers],
            "label": labels,
            "consensus": [classes[i] for i in agreement.consensus_class(*args)],
            "consistency": agreement.consistency_score(*args),
            "consensus-consistency": agreement.consensus_consistency(*args),
            "entropy": agreement.prediction_entropy(*args),
        }
    )


def summary(result: Study) -> pd.DataFrame:
    """Tabulate per ensemble its size, how often an example was held out, and what came of it."""
    rows = []
    for key, sample in result.samples.items():
        s, held = scores(sample), sample.predictions
        defined = np.isfinite(sample.depth[sample.held_out])
        rows.append(
            {
                "ensemble": nice_name(key),
                "networks": sample.networks,
                "examples": len(sample.label),
                "held out": f"{held.min()}–{held.max()}" if np.ptp(held) else str(held[0]),
                "accuracy": np.nanmean(s.consistency),
                "consensus = label": (s.consensus == sample.label)[s.consensus >= 0].mean(),
                "no depth": 1 - defined.mean(),
                "mean depth": np.nanmean(s.depth),
                "used": "yes" if key in result.found else "too few",
            }
        )
    return pd.DataFrame(rows)


def fitted(result: Study) -> pd.DataFrame:
    """Tabulate per bound its line, and the share beyond it where it is scored, with intervals."""
    rows = []
    for key, found in result.found.items():
        for words, bound in named(found).items():
            if bound is None:
                continue
            low, high = (100 * x for x in bound.share_interval)
            control_low, control_high = bound.control_interval
            rows.append(
                {
                    "ensemble": nice_name(key),
                    "bound on": words,
                    "slope": f"{bound.bound.slope:+.2f} [{bound.slope_interval[0]:+.2f}, "
                    f"{bound.slope_interval[1]:+.2f}]",
                    "at the lowest depth": bound.at_lowest,
                    "beyond, %": f"{100 * bound.share_beyond:.1f} [{low:.1f}, {high:.1f}]",
                    "shuffled, %": f"{100 * bound.control_share:.1f} "
                    f"[{100 * control_low:.1f}, {100 * control_high:.1f}]",
                    "examples": bound.n,
                }
            )
    return pd.DataFrame(rows)


def named(found: Bounds) -> dict:
    """Name the three scored bounds as the page does."""
    return {
        "consistency, consensus = label": found.lower,
        "consensus-consistency": found.agreement,
        "entropy (upper)": found.entropy,
    }


def attempts(found: Bounds) -> pd.DataFrame:
    """Try the bound on consensus-consistency under other choices, one row each.

    Columns variant, slope, value, low, high (share beyond it where it is scored), at_lowest.
    """
    bound = found.agreement
    if bound is None:
        return pd.DataFrame(columns=["variant", "slope", "value", "low", "high", "at_lowest"])
    (a, b), sample = found.parts, found.sample
    half = halves(sample.held_out)
    one = [_one(sample.depth, sample.held_out & (half == i)[:, None]) for i in (0, 1)]
    layer = 1 / sample.layers - 1e-9
    deep = (a.depth > layer) & (b.depth > layer)
    cases = {
        "halves change places": (b.depth, b.agreement, a.depth, a.agreement),
        "depth and score from different halves": (a.depth, b.agreement, b.depth, a.agreement),
        "one network's depth, the other half's score": (one[0], b.agreement, one[1], a.agreement),
        "without examples below one layer": (
            only(a.depth, deep),
            a.agreement,
            only(b.depth, deep),
            b.agreement,
        ),
    }
    rows = [
        _row(
            RECORDED, bound.bound.slope, bound.share_beyond, *bound.share_interval, bound.at_lowest
        )
    ]
    rows += [row for words, case in cases.items() if (row := _tried(words, *case))]
    drawn = []
    for seed in range(DRAWS):
        side = halves(sample.held_out, seed)
        u, v = (scores(sample.some(side == i)) for i in (0, 1))
        if row := _tried("", u.depth, u.agreement, v.depth, v.agreement):
            drawn.append(row)
    if drawn:
        table = pd.DataFrame(drawn)
        middle, share = table.mean(numeric_only=True), table["value"]
        rows.append(
            _row(
                f"{len(drawn)} other draws of the halves (range)",
                middle["slope"],
                share.mean(),
                share.min(),
                share.max(),
                middle["at_lowest"],
            )
        )
    rows.append(
        _row(
            SHUFFLED,
            bound.bound.slope,
            bound.control_share,
            *bound.control_interval,
            bound.at_lowest,
        )
    )
    return pd.DataFrame(rows)


def _row(*values: object) -> dict[str, object]:
    names = ("variant", "slope", "value", "low", "high", "at_lowest")
    return dict(zip(names, values, strict=True))


def _tried(words: str, x: Floats, u: Floats, y: Floats, v: Floats) -> dict[str, object] | None:
    """Fit a bound on (x, u), and estimate the share of (y, v) below it (binomial interval)."""
    bound = attempt(fit_bound, x, u, "lower", SHARE)
    known = np.isfinite(y + v)
    if bound is None or not known.any():
        return None
    total = int(known.sum())
    seen = Estimate.share(round(bound.share_beyond(y, v) * total), total, total)
    lowest = float(bound.predict(np.nanmin(x)))
    return _row(words, bound.slope, seen.value, seen.low, seen.high, lowest)


def _one(depth: Floats, held_out: np.ndarray) -> Floats:
    """Take the depth in the first network of those that held an example out, (example,).

    NaN where none did.
    """
    first = held_out.argmax(0)
    return only(depth[first, np.arange(depth.shape[1])], held_out.any(0))


def by_definition(result: Study) -> pd.DataFrame:
    """Compare the line that follows from the definition alone with the fitted one, per ensemble.

    A mean depth of m layers leaves at least a share 1 - m of the networks that decide at the input
    (Markov's inequality), and these answer as the image's nearest neighbours do, nearly alike.
    """
    rows = []
    for key, found in result.found.items():
        if found.agreement is None:
            continue
        line, layers = found.agreement.bound, found.sample.layers
        meet = (1 - line.intercept) / (line.slope + layers)
        sure = 1 - layers * found.whole.depth
        kept = np.isfinite(sure)
        rows.append(
            {
                "ensemble": nice_name(key),
                "slope by definition": -float(layers),
                "fitted slope": line.slope,
                "fitted at one layer": float(line.predict(1 / layers)),
                "fitted is higher from layer": max(float(meet * layers), 0.0),
                "below the line by definition": (found.whole.agreement < sure - 1e-9)[kept].mean(),
            }
        )
    return pd.DataFrame(rows)
