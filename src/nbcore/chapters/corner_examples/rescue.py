"""Claim B39, asked in four ways: does a middle layer's vote rescue examples, and is that of use?

(i) as in the paper: examples chosen and scored on all networks; (ii) chosen on one half of the
networks and scored on the other; (iii) the best single probe for all examples; (iv) a rule that
does not look at the label. Whatever is chosen is chosen on other networks than those scored.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nbcore.chapters.corner_examples.study import CornerView, TooFewNetworks, paths
from nbcore.measures.bootstrap import Floats, mean_draws

CORNER = "ambiguous_unless_labelled"
#: the ways to choose the examples, and what tables call them
SAME, OTHER = (
    "(i) chosen and scored on all networks",
    "(ii) chosen on one half, scored on the other",
)
LATE, ALL = "control: as late when held out, any training depth", "all examples"
SHORT = {SAME: "(i) all networks", OTHER: "(ii) other half", LATE: "control", ALL: "all"}
#: cells along each axis of the rule's two thresholds
STEPS = 24


class Rescue(NamedTuple):
    """(draw,) accuracy of the networks' own answers, of the middle probe's, and of the best single
    probe's, for the same held-out predictions; how many examples."""

    network: Floats
    middle: Floats
    best: Floats
    examples: int

    @property
    def gain(self) -> Floats:
        """(draw,) what the middle probe adds."""
        return self.middle - self.network


class Overall(NamedTuple):
    """(draw,) accuracy over all examples of a way to answer, and of what it is compared with."""

    words: str
    accuracy: Floats
    before: Floats

    @property
    def gain(self) -> Floats:
        return self.accuracy - self.before


def right_of_network(s: CornerView, half: int | None = None) -> Floats:
    """Compute the share of a half's held-out predictions that are right.

    Returns (example,), NaN where the half never held an example out.
    """
    held = s.held_out & s.in_half(half)[:, None]
    right = (s.members["final"].values == s.label) & held
    n = held.sum(0)
    return np.divide(right.sum(0), n, out=np.full(len(n), np.nan), where=n > 0)


def right_of_probes(s: CornerView, half: int | None = None) -> Floats:
    """Compute the share of a half's held-out networks whose probe gives the label.

    Returns (example, probe), NaN without networks.
    """
    return paths(s.votes, np.arange(len(s.label)), s.label, half).accuracy


def best_probe(s: CornerView, half: int | None = None) -> int:
    """Find the probe before the softmax that is right most often over all held-out predictions."""
    return int(np.nanmean(right_of_probes(s, half)[:, : s.last], 0).argmax())


def by_halves(s: CornerView) -> list[NDArray[np.int64]]:
    """Find the corner's examples by each half of the networks; two lists or none.

    Empty where one of the halves leaves too few examples with a place.
    """
    try:
        return [s.find(half=half)[CORNER] for half in (0, 1)]
    except TooFewNetworks:
        return []


def rescues(s: CornerView) -> dict[str, Rescue]:
    """Compute per way the accuracies on the corner's examples, on a control and on all examples.

    Chosen and scored on halves: both ways round, joined. The control replaces each chosen example
    by one of the same depth when held out; its training depth (which knows the label) may be
    anything.
    """
    out = {SAME: _rescue(s, [(s.corners[CORNER], None, None)])}
    if chosen := by_halves(s):
        pairs = [(chosen[h], h, 1 - h) for h in (0, 1)]
        out[OTHER] = _rescue(s, pairs)
        late = [(as_late(s, chosen[h], h), h, 1 - h) for h in (0, 1)]
        out[LATE] = _rescue(s, late)
        everything = np.flatnonzero(s.placed)
        out[ALL] = _rescue(s, [(everything, h, 1 - h) for h in (0, 1)])
    return out


def as_late(s: CornerView, chosen: NDArray, half: int) -> NDArray[np.int64]:
    """Draw for each chosen example another one, of nearly the same validation depth in this half.

    None is drawn twice; fewer are returned where the others run out.
    """
    depth = s.depth("val", half)
    free = ~np.isnan(depth) & ~np.isnan(s.depth("train", half))
    free[chosen] = False
    rng, out = np.random.default_rng([s.seed, 8]), []
    for i in rng.permutation(chosen):
        others = np.flatnonzero(free)
        if not len(others):
            break
        away = np.abs(depth[others] - depth[i])
        pick = rng.choice(others[away == away.min()])
        out.append(pick)
        free[pick] = False
    return np.array(out, int)


def _rescue(s: CornerView, sets: Sequence[tuple[NDArray, int | None, int | None]]) -> Rescue:
    """Compute the accuracies over sets of (examples, half that chose them, half that is scored)."""
    parts = []
    for examples, chooser, half in sets:
        probes = right_of_probes(s, half)[examples]
        network = right_of_network(s, half)[examples]
        columns = [network, probes[:, s.middle], probes[:, best_probe(s, chooser)]]
        parts.append(np.stack(columns, 1))
    values = np.concatenate(parts)
    draws = mean_draws(values, s.weights(len(values)))
    network, middle, best = draws.T
    return Rescue(network, middle, best, len(np.unique(np.concatenate([e for e, *_ in sets]))))


def overall(s: CornerView) -> list[Overall]:
    """Compute the accuracy over all examples, as a practitioner would ask, with halves apart.

    Single networks: their own answers against the best single probe's. Halves of the ensemble by
    majority: against the middle probe in the corner, as if its examples were known (they are not),
    and against the rule. Empty where the halves cannot be compared.
    """
    known = [~np.isnan(right_of_network(s, half)) for half in (0, 1)]
    both = np.flatnonzero(known[0] & known[1])
    chosen = by_halves(s)
    if not chosen or len(both) < 4:
        return []
    voters, parts = [voting(s, half) for half in (0, 1)], []
    for half in (0, 1):
        inside = np.isin(np.arange(len(s.label)), chosen[1 - half])
        network, middle = (voters[half][name] for name in ("network", "middle"))
        probes = right_of_probes(s, half)[:, best_probe(s, 1 - half)]
        told = np.where(inside, middle, network)
        parts.append(np.stack([right_of_network(s, half), probes, network, told], 1)[both])
    weights = s.weights(len(both))
    single, probes, network, told = mean_draws(np.stack(parts).mean(0), weights).T
    ruled = network + mean_draws(rule(s, voters, both)[0], weights)
    return [
        Overall("single networks: the best single probe instead", probes, single),
        Overall("majority vote: middle probe in the corner, if one knew it", told, network),
        Overall("majority vote: middle probe by a rule without the label", ruled, network),
    ]


def voting(s: CornerView, half: int) -> dict[str, NDArray]:
    """Compute how one half of the networks votes on the examples it held out, each (example,).

    `network`: whether the majority of the networks is right; `middle`: whether the summed votes of
    the middle probe are; `depth`: the mean depth of those predictions; `confidence`: the share of
    the middle probe's votes that its class has. Only the first two look at the label.
    """
    held = s.held_out & s.in_half(half)[:, None]
    final = s.members["final"].values
    counts = np.stack([((final == c) & held).sum(0) for c in range(len(s.classes))], 1)
    votes = s.votes["votes"].values[half, :, s.middle].astype(float)
    asked = np.maximum(votes.sum(-1), 1)
    return {
        "network": (counts.argmax(1) == s.label).astype(float),
        "middle": (votes.argmax(-1) == s.label).astype(float),
        "depth": s.depth("val", half),
        "confidence": votes.max(-1) / asked,
    }


def rule(
    s: CornerView, voters: list[dict[str, NDArray]], both: NDArray
) -> tuple[Floats, list[tuple[float, float] | None]]:
    """Compute what each example of `both` gains (-1 to 1) by a rule that needs no label.

    The middle probe answers where depth and confidence of its vote are at least two thresholds.
    Also returns the four pairs of thresholds (None: never), chosen on one half of the networks and
    of the examples, and scored on the other halves of both, in all four ways.
    """
    gain = np.zeros(len(both))
    part = np.random.default_rng([s.seed, 9]).permutation(len(both)) % 2
    chosen: list[tuple[float, float] | None] = []
    for chooser in (0, 1):
        learn, score = (_places(voters[h], both, s.last) for h in (chooser, 1 - chooser))
        for side in (0, 1):
            at = _best(learn[:, part == side])
            chosen.append((at[0] / STEPS * s.last, at[1] / STEPS) if at else None)
            if at:
                used = (score[0] >= at[0]) & (score[1] >= at[1]) & (part != side)
                gain += np.where(used, score[2], 0) / 2
    return gain, chosen


def _places(voter: dict[str, NDArray], both: NDArray, last: int) -> NDArray[np.int64]:
    """Place the examples on the grid of thresholds.

    Returns (3, example): steps of depth, steps of confidence, and what the middle probe gains (-1,
    0 or 1).
    """
    depth = np.nan_to_num(voter["depth"][both], nan=0.0) / last
    steps = [
        np.minimum((v * STEPS).astype(int), STEPS - 1) for v in (depth, voter["confidence"][both])
    ]
    return np.stack([*steps, (voter["middle"] - voter["network"])[both].astype(int)])


def _best(places: NDArray[np.int64]) -> tuple[int, int] | None:
    """Find the two thresholds, in steps, that gain most; None where none gains."""
    cells = np.zeros((STEPS, STEPS), int)
    np.add.at(cells, (places[0], places[1]), places[2])
    above = cells[::-1, ::-1].cumsum(0).cumsum(1)[::-1, ::-1]
    at = np.unravel_index(int(above.argmax()), above.shape)
    return (int(at[0]), int(at[1])) if above[at] > 0 else None
