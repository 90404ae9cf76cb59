"""What is asked of replay and of paths. Written before anything of this chapter was evaluated.

How the ledger's words are taken, and what is asked beside it:

all        no number where the line's testbed has no models of such accuracy. Several networks make
           one number: the largest (or smallest) of them, each interval at a level at which all hold
           together.
A31        right answers of the old head on test images of the old set, at the end of training. The
           share kept is that divided by what the pretrained network had.
A32        effective robustness with replay minus that without: at the end of both; and at equal
           accuracy, at the replaying network's last checkpoint of an accuracy that the other one
           passed, less the testbed's half-width there.
A33        the same of last layers: at the end against a fresh head, at equal accuracy against the
           mapped head without replay.
A path     no claim of the paper. Its chosen point is, of those whose mean ID accuracy is at most
           `COST` below that of the trained end, the one nearest to the pretrained end. What it
           gains is its effective robustness minus that of training stopped early, at equal
           accuracy. Where training never was as accurate, its end is what it is compared with. A
           gain counts if its whole interval lies above 0.
Controls   replay of shuffled labels keeps a smaller share of the old accuracy than true replay. A
           path of equal length in a random direction gains no ID accuracy: at its best point at
           most `COST` above its start.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nbcore.chapters.holding_on import heads as last
from nbcore.chapters.holding_on import replay as small
from nbcore.chapters.holding_on.study import Held, old_right
from nbcore.lines import compare
from nbcore.lines.curves import Curve
from nbcore.measures.bootstrap import (
    IMAGES,
    IMAGES_AND_SEEDS,
    ensemble_mean_draws,
    estimate,
    peak_estimate,
)
from nbcore.measures.estimate import Estimate
from nbcore.runs.run import Run

#: ID accuracy that a chosen point of a path may cost
COST = 0.01
Observed = dict[str, Estimate]


class Chosen(NamedTuple):
    """A path's chosen point: its number, and what it gains over training stopped early."""

    at: int
    gain: Estimate
    band: float

    @property
    def counts(self) -> bool:
        """Whether the whole interval of the gain lies above 0."""
        return self.gain.low > 0


def point(draws: np.ndarray, level: float, *curves: Curve) -> Estimate:
    """Estimate one difference (draw,) of these curves at a level."""
    seeds = min(c.seeds for c in curves)
    return peak_estimate(draws[:, None], seeds, "fraction", compare.over(*curves), level=level)


def choose(path: Curve) -> int:
    """Choose the point nearest to the pretrained end that costs at most `COST` of ID accuracy."""
    cheap = path.covered & (path.id[0] >= path.id[0, -1] - COST)
    return int(np.flatnonzero(cheap)[0])


def path_gain(path: Curve, training: Curve, level: float = 0.95) -> Chosen | None:
    """Compare a path's chosen point with training stopped at the same ID accuracy.

    None where the line does not cover either, or training was never so weak.
    """
    if not (path.covered.any() and path.covered[-1] and training.covered[-1]):
        return None
    k = choose(path)
    found = compare.at_equal_accuracy(path, training)
    if k in found.at:
        draws = found.draws[:, list(found.at).index(k)]
    elif path.id[0, k] > training.id[0, training.covered].max():
        draws = path.er[:, k] - training.er[:, -1]
    else:
        return None
    return Chosen(k, point(draws, level, path, training), float(path.band[k]))


def equal_gain(a: Curve, base: Curve, level: float = 0.95) -> tuple[Estimate, float] | None:
    """Estimate a curve's gain at its last checkpoint of an accuracy that `base` passed, and band.

    None where there is no such checkpoint.
    """
    found = compare.at_equal_accuracy(a, base)
    if found.reason:
        return None
    return point(found.draws[:, -1], level, a, base), float(found.band[-1])


def end_gain(a: Curve, base: Curve, level: float = 0.95) -> Estimate | None:
    """Estimate a curve's gain at the end of both beyond the interval; None outside the line."""
    if not (a.covered[-1] and base.covered[-1]):
        return None
    return compare.shifted(point(a.er[:, -1] - base.er[:, -1], level, a, base), -a.band[-1])


def kept(run: Run, condition: str, resamples: int, at: int = -1, table: str = "curves") -> Estimate:
    """Estimate the share of the old accuracy that is left: at the end, or at a point of a path."""
    then, start = (old_right(run, condition, k, table) for k in (at, 0))
    draws = ensemble_mean_draws(then, resamples) / ensemble_mean_draws(start, resamples)
    over = IMAGES_AND_SEEDS if len(then) > 1 else IMAGES
    return estimate(draws, len(then), "fraction", over)


def old_difference(run: Run, a: str, b: str, resamples: int) -> Estimate:
    """Estimate how much more old accuracy `a` ends with than `b`, paired by image and seed."""
    one, other = (old_right(run, name, -1) for name in (a, b))
    n = min(len(one), len(other))
    draws = ensemble_mean_draws(one[:n] - other[:n], resamples)
    return estimate(draws, n, "fraction", IMAGES_AND_SEEDS if n > 1 else IMAGES)


def ledger_name(condition: str) -> str:
    """Name a condition of replay as the ledger does: a weight of 100 as 100 batches."""
    if condition.startswith(small.WEIGHT):
        return small.batches(round(float(condition.removeprefix(small.WEIGHT))))
    return condition


def remembering(held: Held, resamples: int) -> Observed:
    """Observe the checks of A31."""
    names = set(held.curves.curves)
    replaying = [n for n in names if n.split(" ")[-1] in ("batch", "batches")]
    if small.NONE not in names or not replaying:
        return {}
    more = [old_difference(held.run, n, small.NONE, resamples) for n in replaying]
    out = {
        "replay minus no replay pretraining-set accuracy": compare.least(more),
        "share kept without replay": kept(held.run, small.NONE, resamples),
    }
    if small.batches(1) in replaying:
        out["share kept with 1 batch"] = kept(held.run, small.batches(1), resamples)
    return out


def robustness_of_replay(held: Held) -> Observed:
    """Observe the checks of A32, of the conditions that the ledger names."""
    base, out = held.curve(small.NONE), {}
    for name, curve in held.curves.curves.items():
        called = ledger_name(name)
        if base is None or called not in map(small.batches, (1, 10, 100)):
            continue
        if (gain := end_gain(curve, base)) is not None:
            out[f"{called} end gain beyond the interval"] = gain
        if equal := equal_gain(curve, base):
            beyond = compare.shifted(equal[0], -equal[1])
            out[f"{called} gain at equal accuracy beyond the interval"] = beyond
    return out


def shared_heads(held: Held, networks: Sequence[str]) -> Observed:
    """Observe the replay checks of A33, the largest over networks."""
    level, out = compare.jointly(len(networks)), {}
    for what, end, equal in (
        (last.REPLAY, "mapped head with replay", "replay"),
        (last.WEIGHTED, "mapped head with replay x100", "replay x100"),
    ):
        ends, equals = [], []
        for network in networks:
            three = [
                held.curve(last.condition(network, w)) for w in (what, last.FRESH, last.MAPPED)
            ]
            mine, fresh, mapped = three
            if mine is None:
                continue
            if fresh is not None and (gain := end_gain(mine, fresh, level)):
                ends.append(gain)
            if mapped is not None and (found := equal_gain(mine, mapped, level)):
                equals.append(compare.shifted(found[0], -found[1]))
        if ends:
            out[f"{end} end gain beyond the interval"] = compare.largest(ends)
        if equals:
            out[f"{equal} gain at equal accuracy beyond the interval"] = compare.largest(equals)
    return out


def random_rise(path: Curve) -> Estimate:
    """Estimate how far ID accuracy at its best on a random path is above that at its start."""
    seeds = path.seeds
    return peak_estimate(path.id - path.id[:, :1], seeds, "fraction", path.over)
