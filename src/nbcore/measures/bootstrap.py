"""Bootstrap draws and the estimates made of them.

Draw 0 is what was observed; the others resample with replacement.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nbcore.measures.estimate import Estimate
from nbcore.measures.robustness import clopper_pearson


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap draws."""
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


Floats = NDArray[np.float64]


@lru_cache(maxsize=6)
def draw_weights(n: int, resamples: int, seed: int = 0) -> NDArray[np.float32]:
    """(1 + resamples, n): ones, then how often each of n examples was drawn with replacement."""
    rng = np.random.default_rng([seed, n])
    out = np.ones((resamples + 1, n), np.float32)
    for row in out[1:]:
        row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
    out.setflags(write=False)  # it is shared
    return out


def estimate(draws: Floats, n: int, unit: str) -> Estimate:
    """Draw 0 and the 95 % percentile interval of the others, widened to hold it; over n networks.

    Draws in which the number is not defined are left out of the interval.
    """
    value, rest = float(draws[0]), draws[1:][np.isfinite(draws[1:])]
    low, high = interval(rest) if len(rest) else (value, value)
    return Estimate(value, min(low, value), max(high, value), n, unit)


def ensemble_mean_draws(values: Floats, resamples: int, seed: int = 0) -> Floats:
    """(draw,) mean over members of the mean over examples of (member, example); NaN is left out.

    Both members and examples are drawn; of the examples every member gets the same.
    """
    known, w = ~np.isnan(values), draw_weights(values.shape[1], resamples, seed)
    total = w @ np.where(known, values, 0.0).astype(np.float32).T
    per_member = total / np.maximum(w @ known.astype(np.float32).T, 1)
    by = draw_weights(len(values), resamples, seed + 1)
    return (by * per_member).sum(1).astype(float) / by.sum(1)


def mean_draws(values: Floats, weights: NDArray) -> Floats:
    """(draw, ...) weighted means of (example, ...), NaN rows left out."""
    known = ~np.isnan(values).reshape(len(values), -1).any(1)
    kept, some = weights[:, known].astype(float), values[known]
    total = np.tensordot(kept, some, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / kept.sum(1).reshape((-1,) + (1,) * (some.ndim - 1))


def auroc_draws(scores: Floats, wrong: NDArray[np.bool_], resamples: int, seed: int = 0) -> Floats:
    """(draw,) mean over members of the chance that a wrong example's score is the larger one.

    scores (member, example), NaN left out; wrong (example,). Ties count half, as in scikit-learn's
    roc_auc_score. Members and examples are drawn.
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
    by = draw_weights(len(scores), resamples, seed + 1)
    return (by * np.stack(out, 1)).sum(1) / by.sum(1)


def roc_points(score: Floats, wrong: NDArray[np.bool_]) -> pd.DataFrame:
    """False alarms (x) and hits (y) of "at least so deep", for every depth from deep to shallow."""
    known = ~np.isnan(score)
    marks = np.unique(score[known])[::-1]
    rates = [[(score[known & part] >= mark).mean() for mark in marks] for part in (~wrong, wrong)]
    return pd.DataFrame({"x": [0.0, *rates[0]], "y": [0.0, *rates[1]]})


def share(values: Floats, n: int) -> Estimate:
    """Mean of shares in [0, 1] by example, over n networks, with Clopper and Pearson's interval.

    As if each example were one throw of a coin: shares between 0 and 1 vary less than that.
    """
    known = values[~np.isnan(values)]
    mean = float(known.mean())
    low, high = clopper_pearson(min(max(known.sum(), 0.0), len(known)), len(known))
    return Estimate(mean, min(float(low), mean), max(float(high), mean), n, "fraction")
