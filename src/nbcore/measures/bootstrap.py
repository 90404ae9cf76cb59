"""Bootstrap draws and the estimates made of them.

Draw 0 is what was observed; the others resample images with replacement, and stand for other seeds
as `seed_weights` says.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from nbcore.measures.estimate import Estimate
from nbcore.measures.robustness import clopper_pearson


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Compute the percentile interval of bootstrap draws."""
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


Floats = NDArray[np.float64]

#: what an interval covers, see `Estimate.over`
IMAGES, IMAGES_AND_SEEDS = "images", "images and seeds"
NETWORKS_FIXED, EXAMPLES_AND_NETWORKS = "examples; networks fixed", "examples and networks"
NETWORKS = "networks; examples fixed"


@lru_cache(maxsize=6)
def draw_weights(n: int, resamples: int, seed: int = 0) -> NDArray[np.float32]:
    """Draw (1 + resamples, n): ones, then how often each of n examples was drawn.

    Drawn with replacement. The array is shared and read-only.
    """
    rng = np.random.default_rng([seed, n])
    out = np.ones((resamples + 1, n), np.float32)
    for row in out[1:]:
        row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
    out.setflags(write=False)  # it is shared
    return out


def seed_weights(seeds: int, resamples: int, rng: np.random.Generator) -> Floats:
    """Draw (1 + resamples, seeds) weights, each row summing to 1, whose means are draws over seeds.

    Row 0 is the plain mean. Over the other rows the weighted mean of any numbers by seed spreads
    around their mean m as Student's t does, m + t s / sqrt(seeds) with seeds - 1 degrees of freedom
    (jointly so for several numbers: multivariate t). Resampling few seeds with replacement would
    spread too little, by a factor of sqrt(1/2) for two seeds even before the tails. A single seed
    says nothing about others: its weight is 1 in every row. Rows come in pairs on opposite sides of
    the mean, their distances at evenly spaced quantiles, so that 95 % intervals do not depend on
    few random tails.
    """
    deviation = np.zeros((resamples + 1, seeds))
    pairs = (resamples + 1) // 2
    if seeds > 1 and pairs:
        free = seeds - 1
        towards = rng.standard_normal((pairs, seeds))
        towards -= towards.mean(1, keepdims=True)
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        quantiles = rng.permutation((np.arange(pairs) + 0.5) / pairs)
        # a multivariate t of `free` dimensions: its squared length over them is F distributed
        length = np.sqrt(free * stats.f.ppf(quantiles, free, free))
        one = towards * (length / np.sqrt(free * seeds))[:, None]
        deviation[1:] = np.stack([one, -one], 1).reshape(-1, seeds)[:resamples]
    return 1 / seeds + deviation


def standard_errors(draws: Floats, level: float = 0.95) -> Floats:
    """Measure the width of the middle `level` of draws (draw, point), in normal units: (point,).

    Not the standard deviation, which the tails of `seed_weights` make infinite for few seeds.
    """
    tail = (1 - level) / 2
    high, low = np.quantile(draws[1:], [1 - tail, tail], axis=0)
    return (high - low) / (2 * stats.norm.isf(tail))


def simultaneous(draws: Floats, level: float = 0.95) -> float:
    """Return how many standard errors wide a band must be to hold all points at once.

    draws (draw, point). In every draw the largest deviation over points, in units of each point's
    `standard_errors`, is taken; the result is the quantile of these that chance exceeds in
    (1 - level) / 2 of the draws on the worse of the two sides. It is 1.96 for one point, more for
    several, less so if they rise and fall together. Points that do not vary are left out.
    """
    return _ratio(draws, standard_errors(draws, level), level)


def _ratio(draws: Floats, error: Floats, level: float) -> float:
    tail = (1 - level) / 2
    z, varies = stats.norm.isf(tail), error > 0
    if varies.sum() < 2:
        return float(z)
    scaled = (draws[1:] - draws[0])[:, varies] / error[varies]
    ends = np.quantile([scaled.max(1), -scaled.min(1)], 1 - tail, axis=1)
    return float(max(*ends, z))


def peak_estimate(
    draws: Floats,
    n: int,
    unit: str,
    over: str = IMAGES,
    less: Floats | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the highest of several points (draw, point), with an interval for the choice.

    less (draw, point): the highest of these, paired by draw, is subtracted. The observed highest
    point is higher than the true one where chance decides which it is, and the highest of a draw
    is higher still, so percentiles of these would lie above the truth. Instead the lower end is the
    highest lower end of a band that holds all points at once (`simultaneous`), the upper end the
    highest upper end of the points' own intervals; against every point of `less` in turn, of which
    the least favourable is taken. Whichever points are truly highest, the interval holds the
    difference with at least the chance `level`.
    """
    other = np.zeros((len(draws), 1)) if less is None else less
    value = float(draws[0].max() - other[0].max())
    low = min(_highest_lower(draws - rival[:, None], level) for rival in other.T)
    if other.shape[1] == 1:  # what follows for one rival, in one step
        error = standard_errors(draws - other, level)
        high = float((draws[0] - other[0] + stats.norm.isf((1 - level) / 2) * error).max())
    else:
        high = -min(_highest_lower(other - point[:, None], level) for point in draws.T)
    return Estimate(value, min(low, value), max(high, value), n, unit, over)


def _highest_lower(draws: Floats, level: float) -> float:
    error = standard_errors(draws, level)
    return float((draws[0] - _ratio(draws, error, level) * error).max())


def estimate(draws: Floats, n: int, unit: str, over: str = NETWORKS_FIXED) -> Estimate:
    """Make an estimate of draws: the first, with the 95 % percentile interval of the others.

    The interval is widened to hold the first; over n networks. Draws in which the number is not
    defined are left out of the interval.
    """
    value, rest = float(draws[0]), draws[1:][np.isfinite(draws[1:])]
    low, high = interval(rest) if len(rest) else (value, value)
    return Estimate(value, min(low, value), max(high, value), n, unit, over)


def ensemble_mean_draws(values: Floats, resamples: int, seed: int = 0) -> Floats:
    """Average (member, example) over examples, then over members, in each draw: (draw,).

    NaN is left out. Examples are drawn, the same for every member, and other members stand in as in
    `seed_weights`.
    """
    known, w = ~np.isnan(values), draw_weights(values.shape[1], resamples, seed)
    total = w @ np.where(known, values, 0.0).astype(np.float32).T
    per_member = total / np.maximum(w @ known.astype(np.float32).T, 1)
    by = seed_weights(len(values), resamples, np.random.default_rng([seed, 1]))
    return (by * per_member).sum(1)


def mean_draws(values: Floats, weights: NDArray) -> Floats:
    """Compute weighted means (draw, ...) of (example, ...), NaN rows left out."""
    known = ~np.isnan(values).reshape(len(values), -1).any(1)
    kept, some = weights[:, known].astype(float), values[known]
    total = np.tensordot(kept, some, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / kept.sum(1).reshape((-1,) + (1,) * (some.ndim - 1))


def auroc_draws(scores: Floats, wrong: NDArray[np.bool_], resamples: int, seed: int = 0) -> Floats:
    """Compute the chance that a wrong example's score is the larger one, per draw: (draw,).

    The mean over members. scores (member, example), NaN left out; wrong (example,). Ties count
    half, as in scikit-learn's roc_auc_score. Draws as in `ensemble_mean_draws`.
    """
    w, out = draw_weights(scores.shape[1], resamples, seed), []
    for score in scores:
        known = ~np.isnan(score)
        levels, at = np.unique(score[known], return_inverse=True)
        place = np.eye(len(levels), dtype=np.float32)[at]
        bad, good = wrong[known], ~wrong[known]
        below = w[:, known][:, good] @ place[good]
        above = w[:, known][:, bad] @ place[bad]
        beaten = np.cumsum(below, 1, dtype=float) - below / 2
        out.append((above * beaten).sum(1) / (above.sum(1, dtype=float) * below.sum(1)))
    by = seed_weights(len(scores), resamples, np.random.default_rng([seed, 1]))
    return (by * np.stack(out, 1)).sum(1)


def members_label(n: int) -> str:
    """Say what an interval from `ensemble_mean_draws` or `auroc_draws` covers, for n members.

    One network says nothing about others.
    """
    return EXAMPLES_AND_NETWORKS if n > 1 else NETWORKS_FIXED


def roc_points(score: Floats, wrong: NDArray[np.bool_]) -> pd.DataFrame:
    """Compute false alarms (x) and hits (y) of "at least so deep", from deep to shallow."""
    known = ~np.isnan(score)
    marks = np.unique(score[known])[::-1]
    rates = [[(score[known & part] >= mark).mean() for mark in marks] for part in (~wrong, wrong)]
    return pd.DataFrame({"x": [0.0, *rates[0]], "y": [0.0, *rates[1]]})


def share(values: Floats, n: int) -> Estimate:
    """Average shares in [0, 1] by example, over n networks, with Clopper and Pearson's interval.

    The interval takes each example as one throw of a coin; shares between 0 and 1 vary less.
    """
    known = values[~np.isnan(values)]
    mean = float(known.mean())
    low, high = clopper_pearson(min(max(known.sum(), 0.0), len(known)), len(known))
    return Estimate(
        mean, min(float(low), mean), max(float(high), mean), n, "fraction", NETWORKS_FIXED
    )
