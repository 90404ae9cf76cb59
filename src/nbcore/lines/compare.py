"""What is said of a curve's peak and of several curves, with intervals that allow for choices.

A peak is the highest of several noisy checkpoints, so it lies higher the more checkpoints there
are. Its interval allows for the choice (`bootstrap.peak_estimate`), and two curves are compared on
equally many checkpoints.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from nbcore.lines.curves import Curve
from nbcore.measures import robustness
from nbcore.measures.bootstrap import (
    IMAGES,
    IMAGES_AND_SEEDS,
    Floats,
    estimate,
    interval,
    peak_estimate,
    simultaneous,
)
from nbcore.measures.estimate import Estimate

Ints = np.ndarray


def over(*curves: Curve) -> str:
    """Say what a number over these curves covers: seeds only if each was trained with several."""
    return IMAGES_AND_SEEDS if all(c.seeds > 1 for c in curves) else IMAGES


def number(draws: Floats, *curves: Curve) -> Estimate:
    """Estimate a fraction from these curves' (draw,); n is the fewest seeds of any curve."""
    return estimate(draws, min(c.seeds for c in curves), "fraction", over(*curves))


def peak(curve: Curve) -> Estimate:
    """Estimate the highest effective robustness of the covered checkpoints."""
    return peak_estimate(curve.er[:, curve.covered], curve.seeds, "fraction", curve.over)


def rise(curve: Curve) -> Estimate:
    """Estimate the rise in effective robustness from the first covered checkpoint to the peak."""
    return _above(curve, curve.start)


def fall(curve: Curve) -> Estimate:
    """Estimate the fall in effective robustness from the peak to the last covered checkpoint."""
    return _above(curve, curve.end)


def _above(curve: Curve, at: int) -> Estimate:
    draws = curve.er[:, curve.covered] - curve.er[:, [at]]
    return peak_estimate(draws, curve.seeds, "fraction", curve.over)


def matched(a: Curve, b: Curve) -> tuple[Ints, Ints]:
    """Pick equally many covered checkpoints of two curves, to compare their peaks fairly.

    All of the shorter curve's, and those of the longer one that are nearest to them in ID accuracy,
    each used once. Nearest in accuracy and not in steps, since steps of different rates are not
    alike. Returns the indices for both curves, in ascending order.
    """
    i, j = (np.flatnonzero(c.covered) for c in (a, b))
    apart = np.abs(a.id[0, i][:, None] - b.id[0, j])
    rows, columns = optimize.linear_sum_assignment(apart)
    return np.sort(i[rows]), np.sort(j[columns])


def peak_difference(a: Curve, b: Curve, level: float = 0.95) -> Estimate:
    """Estimate the peak of `a` minus the peak of `b`, over the checkpoints of `matched`."""
    i, j = matched(a, b)
    seeds = min(a.seeds, b.seeds)
    return peak_estimate(a.er[:, i], seeds, "fraction", over(a, b), b.er[:, j], level)


def beyond(a: Curve, b: Curve, level: float = 0.95) -> Estimate:
    """Estimate the absolute difference of two peaks minus the testbed's half-width at them."""
    i, j = matched(a, b)
    band = max(c.band[at[c.er[0, at].argmax()]] for c, at in ((a, i), (b, j)))
    return shifted(absolute(peak_difference(a, b, level)), -band)


def absolute(seen: Estimate) -> Estimate:
    """Take the absolute value of a number; its interval starts at 0 if the number's spans it."""
    ends = sorted((abs(seen.low), abs(seen.high)))
    low = 0.0 if seen.low <= 0 <= seen.high else ends[0]
    return Estimate(abs(seen.value), low, ends[1], seen.n, seen.unit, seen.over)


def shifted(seen: Estimate, by: float) -> Estimate:
    """Add a constant to a number and its interval."""
    value, low, high = (x + by for x in (seen.value, seen.low, seen.high))
    return Estimate(value, low, high, seen.n, seen.unit, seen.over)


def least(seen: Sequence[Estimate]) -> Estimate:
    """Take the smallest value and the smallest interval ends of numbers that hold jointly."""
    value, low, high = (min(getattr(e, k) for e in seen) for k in ("value", "low", "high"))
    label = IMAGES if any(e.over == IMAGES for e in seen) else seen[0].over
    return Estimate(value, low, high, min(e.n for e in seen), seen[0].unit, label)


def largest(seen: Sequence[Estimate]) -> Estimate:
    """Take the largest of several numbers whose intervals hold jointly, see `least`."""
    found = least([Estimate(-e.value, -e.high, -e.low, e.n, e.unit, e.over) for e in seen])
    return Estimate(-found.value, -found.high, -found.low, found.n, found.unit, found.over)


def jointly(pairs: int, level: float = 0.95) -> float:
    """Return the level at which to take each of several intervals, for all to hold at `level`."""
    return 1 - (1 - level) / max(pairs, 1)


def ever_significant(curves: Sequence[Curve]) -> Estimate:
    """Estimate the largest excess over the testbed's interval at any covered checkpoint.

    It is the largest of all curves. One of many checkpoints leaves a 95 % interval by chance, so
    the interval is widened: by the ratio of the width at which all checkpoints of all curves are
    inside together, in 95 % of the draws, to that of a single one (`bootstrap.simultaneous`). The
    testbed's interval is that of the images, so the ratio is taken from draws of images alone: what
    seeds add would widen it further, and excuse more.
    """
    er, these = (
        np.concatenate([getattr(c, name)[:, c.covered] for c in curves], axis=1)
        for name in ("er", "er_of_these")
    )
    band = np.concatenate([c.band[c.covered] for c in curves])
    wider = simultaneous(these) / stats.norm.isf(0.025)
    seeds = min(c.seeds for c in curves)
    return peak_estimate(er - wider * band, seeds, "fraction", over(*curves))


class Difference(NamedTuple):
    """Effective robustness of one curve minus another's at equal ID accuracy.

    at: checkpoints of the first (point,); accuracy: its ID accuracy there; draws (draw, point);
    band (point,): the testbed's half-width there; reason: why there are no points, if so.
    """

    at: Ints
    accuracy: Floats
    draws: Floats
    band: Floats
    reason: str = ""


def at_equal_accuracy(a: Curve, b: Curve) -> Difference:
    """Compare `a` at each of its checkpoints with `b` where it passes the same ID accuracy.

    Only `b` is interpolated over accuracy, and only along `rising(b)`: along a curve that falls and
    rises again, one accuracy stands for several networks. `a` may take any course. Checkpoints of
    `a` that neither the line nor that stretch covers are left out.
    """
    along = rising(b)
    none = Difference(np.empty(0, int), np.empty(0), np.empty((len(a.er), 0)), np.empty(0))
    if len(along) < 2:
        return none._replace(reason=f"The accuracy of {b.name} rises along no two checkpoints.")
    x, y = np.maximum.accumulate(b.id[:, along], axis=1), b.er[:, along]
    inside = a.covered & (a.id[0] >= x[0, 0]) & (a.id[0] <= x[0, -1])
    if not inside.any():
        return none._replace(reason=f"{a.name} is never as accurate as {b.name} was.")
    at = np.flatnonzero(inside)
    theirs = np.stack([np.interp(*one) for one in zip(a.id[:, at], x, y, strict=True)])
    return Difference(at, a.id[0, at], a.er[:, at] - theirs, a.band[at])


def rising(curve: Curve) -> Ints:
    """Find the longest run of covered checkpoints in which ID accuracy nowhere falls beyond noise.

    A fall is one from the highest accuracy so far whose 95 % interval leaves 0. Of equally long
    runs the first; empty where the line covers nothing.
    """
    runs: list[list[int]] = []
    for k in np.flatnonzero(curve.covered):
        top = max(runs[-1], key=lambda i: curve.id[0, i]) if runs else k
        fell = curve.id[:, top] - curve.id[:, k]
        if not runs or k != runs[-1][-1] + 1 or (fell[0] > 0 and interval(fell[1:])[0] > 0):
            runs.append([])
        runs[-1].append(int(k))
    return np.array(max(runs, key=len, default=[]), int)


def largest_beyond(parts: Sequence[Difference], *curves: Curve) -> Estimate:
    """Estimate the largest absolute difference at any point minus the testbed's half-width."""
    sides = [s * d.draws - d.band for d in parts for s in (1, -1)]
    seeds = min(c.seeds for c in curves)
    return peak_estimate(np.concatenate(sides, axis=1), seeds, "fraction", over(*curves))


def peak_spreads(curve: Curve, bins: int = 100) -> tuple[float, float]:
    """Compute the standard deviation of binned ER over runs, at the peak and at its largest.

    The two error bars of ER appendix B.5, in the peak's bin and in the bin where it is largest,
    over 100 equal bins of ID accuracy from 0 to 1.
    """
    inside = curve.covered
    binned = robustness.binned_average(
        curve.id_by_seed[:, inside], curve.er_by_seed[:, inside], bins, range=(0.0, 1.0)
    )
    return float(binned.std[np.nanargmax(binned.mean)]), float(np.nanmax(binned.std))
