"""A straight line that a score seldom crosses at any depth: PD's linear bounds (§3.1, C.2).

The paper sees the lines by eye; here they are fitted, and judged on members that took no part in
the fit.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: examples that a depth bin needs for its percentile to count
BIN_EXAMPLES = 20
#: scores are shares of a few members, so many lie exactly on a line: rounding must not move them
ROUNDING = 1e-9

Floats = NDArray[np.float64]
Interval = tuple[float, float]


class TooFewExamples(ValueError):
    """The examples do not fill two depth bins, so no bound can be fitted to them."""


@dataclass(frozen=True)
class Bound:
    """The line slope * depth + intercept; side "lower": few scores lie below it, or "upper"."""

    slope: float
    intercept: float
    side: str

    def predict(self, depth: ArrayLike) -> Floats:
        """Return the bound at each depth (any shape), in the score's unit; it is not clipped."""
        return self.slope * np.asarray(depth, float) + self.intercept

    def share_beyond(self, depth: ArrayLike, score: ArrayLike) -> float:
        """Return the share in [0, 1] of examples strictly beyond the line.

        Pairs with NaN are left out; NaN where none is left.
        """
        x, y = _pairs(depth, score)
        kept = np.isfinite(x + y)
        return float(_beyond(self.side, y[kept] - self.predict(x[kept]))) if kept.any() else np.nan


@dataclass(frozen=True)
class BoundResult:
    """A bound fitted on half a of the members, and how it fares on half b; 95 % intervals.

    n: examples with depth and score in both halves. share: of them beyond the bound in half b.
    control_share: the same after half b's depths were shuffled among examples. at_lowest: the bound
    at the smallest depth of half a.
    """

    bound: Bound
    n: int
    slope_interval: Interval
    share_beyond: float
    share_interval: Interval
    control_share: float
    control_interval: Interval
    at_lowest: float


class _Half(NamedTuple):
    """Examples sorted by depth bin, then by score: bin and the two numbers, each (n,)."""

    bin: NDArray[np.int64]
    depth: Floats
    score: Floats

    def at(self, rows: NDArray[np.int64]) -> "_Half":
        return _Half(self.bin[rows], self.depth[rows], self.score[rows])


def fit_bound(
    depth: ArrayLike, score: ArrayLike, side: str = "lower", share: float = 0.05, bins: int = 20
) -> Bound:
    """Fit the linear bound below (or above) which lies at most `share` of the scores.

    depth, score (n,); pairs with NaN are left out. In two steps: the 100 * share-th percentile of
    the score ("upper": its mirror, the 95th; median-unbiased) is taken in each of `bins` depth bins
    of equal width that holds 20 examples, and a line is fitted to these percentiles over the bins'
    mean depths by least squares, weighted by the bins' counts. Then the line is moved, its slope
    kept, to the tightest height at which at most `share` of all n scores lie strictly beyond it.
    Where fewer than two bins hold 20 examples, bins are halved in number until two do.
    TooFewExamples where they never do; ValueError: an unknown side, share outside [0, 0.5), unequal
    lengths.
    """
    x, y = _pairs(depth, score)
    kept = np.isfinite(x + y)
    _check(side, share, bins)
    half, _ = _sort(x[kept], y[kept], bins)
    slope, intercept = _fit(half, side, share)
    return Bound(slope, intercept, side)


def score_bound(
    depth_a: ArrayLike,
    score_a: ArrayLike,
    depth_b: ArrayLike,
    score_b: ArrayLike,
    side: str = "lower",
    share: float = 0.05,
    resamples: int = 500,
    seed: int = 0,
    bins: int = 20,
) -> BoundResult:
    """Fit a bound on one half of the members and score it on the other, with a shuffled control.

    All four (example,), the same examples in the same order, mean depth and score in either half;
    examples with a NaN in any are left out. Intervals are bootstrap percentiles over examples: each
    of `resamples` draws examples with replacement, the same for both halves, fits the bound on half
    a anew (in the depth bins of all examples) and takes the share beyond it in half b, then that
    after shuffling half b's depths. `control_share` is the mean over the shuffles. A draw in which
    fewer than two bins hold 20 examples is left out. ValueError as `fit_bound`.
    """
    a, b = _pairs(depth_a, score_a), _pairs(depth_b, score_b)
    _check(side, share, bins)
    if a[0].shape != b[0].shape:
        raise ValueError(
            f"Both halves need the same examples, but have {a[0].size} and {b[0].size}."
        )
    if resamples < 1:
        raise ValueError(f"resamples must be 1 or more, not {resamples}.")
    kept = np.isfinite(a[0] + a[1] + b[0] + b[1])
    half, order = _sort(a[0][kept], a[1][kept], bins)
    other = b[0][kept][order], b[1][kept][order]
    bound = Bound(*_fit(half, side, share), side)
    draws = _bootstrap(half, other, side, share, resamples, np.random.default_rng(seed))
    slope, beyond, control = np.nanpercentile(draws, [2.5, 97.5], axis=0).T
    return BoundResult(
        bound,
        len(order),
        _interval(slope),
        bound.share_beyond(*other),
        _interval(beyond),
        float(np.nanmean(draws[:, 2])),
        _interval(control),
        float(bound.predict(half.depth.min())),
    )


def _bootstrap(
    half: _Half,
    other: tuple[Floats, Floats],
    side: str,
    share: float,
    resamples: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw (resample, 3): slope, share beyond in the other half, and that with depths shuffled."""
    n = len(half.depth)
    out = np.full((resamples, 3), np.nan)
    for row in out:
        # repeated in order, so that the draw is sorted as the whole is
        drawn = np.repeat(np.arange(n), np.bincount(rng.integers(n, size=n), minlength=n))
        slope, intercept = _fit(half.at(drawn), side, share)
        depth, score = (values[drawn] for values in other)
        if np.isfinite(slope):
            height = score - intercept
            row[:] = (
                slope,
                _beyond(side, height - slope * depth),
                _beyond(side, height - slope * rng.permutation(depth)),
            )
    return out


def _fit(half: _Half, side: str, share: float) -> tuple[float, float]:
    """Fit slope and intercept as `fit_bound` says; NaN where fewer than two bins are full."""
    count = np.bincount(half.bin)
    used = count >= BIN_EXAMPLES
    if used.sum() < 2:
        return np.nan, np.nan
    start = (np.cumsum(count) - count)[used]
    centre = np.bincount(half.bin, half.depth)[used] / count[used]
    count = count[used]
    # the percentile, numpy's "median_unbiased", of scores already sorted within their bin: the
    # usual one lies too far inside in small bins, which would tilt the line
    at = (share if side == "lower" else 1 - share) * (count + 1 / 3) - 2 / 3
    at = np.clip(at, 0, count - 1)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, count - 1)
    low, high = half.score[start + below], half.score[start + above]
    level = low + (at - below) * (high - low)
    x, y = centre - np.average(centre, weights=count), level - np.average(level, weights=count)
    slope = float((count * x * y).sum() / (count * x * x).sum())
    rest = half.score - slope * half.depth
    outside = int(share * len(rest) + ROUNDING)
    place = outside if side == "lower" else len(rest) - 1 - outside
    return slope, float(np.partition(rest, place)[place])


def _sort(depth: Floats, score: Floats, bins: int) -> tuple[_Half, NDArray[np.int64]]:
    """Sort the examples into the order that `_fit` needs; return that order as indices too."""
    n, width = len(depth), np.ptp(depth) if len(depth) else 0.0
    while bins >= 2 and width > 0:
        place = ((depth - depth.min()) / width * bins).astype(int)
        place = np.minimum(place, bins - 1)
        if (np.bincount(place) >= BIN_EXAMPLES).sum() >= 2:
            order = np.lexsort((score, place))
            return _Half(place[order], depth[order], score[order]), order
        bins //= 2
    raise TooFewExamples(
        f"A bound needs two depth bins with {BIN_EXAMPLES} examples each, which the {n} examples "
        "with a depth and a score do not fill; give more examples."
    )


def _beyond(side: str, height: Floats) -> float:
    """Return the share of heights above the line that are on its wrong side."""
    return (height < -ROUNDING if side == "lower" else height > ROUNDING).mean()


def _interval(ends: Floats) -> Interval:
    return float(ends[0]), float(ends[1])


def _check(side: str, share: float, bins: int) -> None:
    if side not in ("lower", "upper"):
        raise ValueError(f'side must be "lower" or "upper", not {side!r}.')
    if not 0 <= share < 0.5:
        raise ValueError(f"share must be a fraction from 0 to below 0.5, not {share!r}.")
    if bins < 2:
        raise ValueError(f"bins must be 2 or more, not {bins}.")


def _pairs(depth: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(depth, float), np.asarray(score, float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"depth and score must be (example,) and equally long, not {x.shape} and {y.shape}."
        )
    return x, y
