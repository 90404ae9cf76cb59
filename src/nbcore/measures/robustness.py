"""Effective robustness: the line through a testbed, and a model's distance from it.

ER = Andreassen et al. 2022. The baseline is a straight line between scaled accuracies
(ER appendix A, eq. 5); effective robustness is the height above it (ER §3, eq. 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
Transform = Callable[..., Floats]


class NoLine(ValueError):
    """These models give no line on this scale: too few, all alike, or with an infinite logit."""


def _identity(x: ArrayLike) -> Floats:
    return np.asarray(x, dtype=float)


#: scale name -> (accuracy to scale, scale to accuracy); ER appendix A, eq. 3 and 4
SCALES: dict[str, tuple[Transform, Transform]] = {
    "linear": (_identity, _identity),
    "probit": (special.ndtri, special.ndtr),
    "logit": (special.logit, special.expit),
}


def _accuracies(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=float)
    if np.isnan(array).any():
        raise ValueError(f"{name} holds NaN; give accuracies in [0, 1] for every model.")
    if ((array < 0) | (array > 1)).any():
        worst = array.flat[int(np.argmax(np.abs(array - 0.5)))]
        raise ValueError(
            f"{name} must hold fractions in [0, 1], but holds {worst:g}; divide percentages by 100."
        )
    return array


def _pair(id_acc: ArrayLike, ood_acc: ArrayLike) -> tuple[Floats, Floats]:
    x, y = _accuracies(id_acc, "id_acc"), _accuracies(ood_acc, "ood_acc")
    if x.shape != y.shape:
        raise ValueError(
            f"id_acc and ood_acc must list the same models, but have shapes {x.shape}, {y.shape}."
        )
    return x, y


@dataclass(frozen=True)
class Line:
    """A testbed's baseline: scale(ood) = slope * scale(id) + intercept (ER eq. 5).

    `r2`, `slope_se`, `intercept_se` are ordinary least squares values in the scaled space;
    `n` is the number of models and `id_range` their lowest and highest ID accuracy.
    """

    slope: float
    intercept: float
    r2: float
    slope_se: float
    intercept_se: float
    scale: str
    n: int
    id_range: tuple[float, float]

    def predict(self, x: ArrayLike) -> Floats:
        """Predict the OOD accuracy at ID accuracy `x` (any shape); 0 and 1 map to their limits."""
        forward, backward = SCALES[self.scale]
        scaled = forward(_accuracies(x, "x"))
        # slope 0 times an infinite logit is NaN: the limit is the constant line
        flat = np.zeros_like(scaled) if self.slope == 0 else self.slope * scaled
        return np.clip(backward(flat + self.intercept), 0.0, 1.0)

    def covers(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Say whether `x` lies in the ID range; only there is effective robustness reported."""
        low, high = self.id_range
        array = np.asarray(x, dtype=float)
        return (array >= low) & (array <= high)


def fit_line(id_acc: ArrayLike, ood_acc: ArrayLike, scale: str = "logit") -> Line:
    """Fit the least-squares line through a testbed's scaled accuracies (ER appendix A).

    id_acc, ood_acc: (model,) fractions; scale: "linear", "probit" or "logit".
    Raises NoLine for fewer than three models, equal ID accuracies, and 0 or 1 where the scale is
    infinite there; ValueError for unequal lengths, NaN, and values outside [0, 1].
    """
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}, not {scale!r}.")
    x, y = _pair(id_acc, ood_acc)
    if x.ndim != 1:
        raise ValueError(f"A line needs its models in one list, not of shape {x.shape}.")
    if x.size < 3:
        raise NoLine(f"A line needs at least three models in one list, but got {x.size}.")
    ends = ((x <= 0) | (x >= 1) | (y <= 0) | (y >= 1)).sum()
    if scale != "linear" and ends:
        raise NoLine(
            f"{ends} of {x.size} models have an accuracy of exactly 0 or 1, where the {scale}"
            " scale is infinite; leave them out or fit with scale='linear'."
        )
    if np.ptp(x) == 0:
        raise NoLine(f"All {x.size} models have the same ID accuracy {x[0]:g}; a line needs two.")
    forward, _ = SCALES[scale]
    fit = stats.linregress(forward(x), forward(y))
    return Line(
        slope=float(fit.slope),
        intercept=float(fit.intercept),
        r2=float(fit.rvalue**2),
        slope_se=float(fit.stderr),
        intercept_se=float(fit.intercept_stderr),
        scale=scale,
        n=int(x.size),
        id_range=(float(x.min()), float(x.max())),
    )


def residuals(id_acc: ArrayLike, ood_acc: ArrayLike, line: Line) -> Floats:
    """Return vertical distances from the line in its own scaled space, one per model."""
    x, y = _pair(id_acc, ood_acc)
    forward, _ = SCALES[line.scale]
    return forward(y) - (line.slope * forward(x) + line.intercept)


def effective_robustness(id_acc: ArrayLike, ood_acc: ArrayLike, line: Line) -> Floats:
    """Subtract the line's prediction from OOD accuracy (ER §3, eq. 1); fraction, any shape.

    Outside `line.id_range` this extrapolates: report a value only where `line.covers(id_acc)`.
    """
    x, y = _pair(id_acc, ood_acc)
    return y - line.predict(x)


def clopper_pearson(
    correct: ArrayLike, total: ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Compute the exact binomial interval (low, high) of correct of total.

    Any broadcastable shapes. `correct` may be fractional (an expected count). Raises ValueError
    unless 0 <= correct <= total, total > 0 and 0 < level < 1.
    """
    k, n = np.broadcast_arrays(np.asarray(correct, float), np.asarray(total, float))
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level!r}.")
    if not (np.isfinite(k) & np.isfinite(n) & (n > 0) & (k >= 0) & (k <= n)).all():
        raise ValueError("Every count must satisfy 0 <= correct <= total with total > 0.")
    tail = (1 - level) / 2
    # beta quantiles are undefined at the ends, where the bound is 0 or 1
    low = np.where(k > 0, stats.beta.ppf(tail, np.maximum(k, 1e-12), n - k + 1), 0.0)
    high = np.where(k < n, stats.beta.isf(tail, k + 1, np.maximum(n - k, 1e-12)), 1.0)
    return low, high


def chance_band(
    id_acc: ArrayLike, total: int, line: Line, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the effective robustness (low, high) in which a model *on* the line stays by chance.

    What a binomial draw of `total` OOD images leaves undecided at the predicted accuracy: a model
    is above the band exactly when its Clopper-Pearson interval lies above the line.
    """
    expected, tail = line.predict(id_acc), (1 - level) / 2
    low, high = (q(tail, total, expected) / total for q in (stats.binom.ppf, stats.binom.isf))
    return low - expected, high - expected


def scatter_band(
    at: ArrayLike, id_acc: ArrayLike, ood_acc: ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the effective robustness (low, high) in which one more model of the testbed stays.

    The prediction interval of the least-squares line in logits (Student's t): where the testbed's
    own models scatter beyond what chance does to their images, `chance_band` is too narrow to call
    a height unusual. at: ID accuracies, any shape; id_acc, ood_acc: (model,) of the line. Raises as
    `fit_line` does.
    """
    line, forward = fit_line(id_acc, ood_acc), SCALES["logit"][0]
    x = forward(_accuracies(id_acc, "id_acc"))
    left = residuals(id_acc, ood_acc, line)
    spread = np.sqrt((left**2).sum() / (line.n - 2))
    place = forward(_accuracies(at, "at"))
    apart = (place - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
    half = stats.t.ppf((1 + level) / 2, line.n - 2) * spread * np.sqrt(1 + 1 / line.n + apart)
    middle = line.slope * place + line.intercept
    low, high = special.expit(middle - half), special.expit(middle + half)
    return low - line.predict(at), high - line.predict(at)


def is_significant(
    id_acc: ArrayLike, ood_acc: ArrayLike, total: int, line: Line, level: float = 0.95
) -> NDArray[np.bool_]:
    """Say whether effective robustness counts: by ER §3 it must exceed the binomial interval.

    True where the lower end of the Clopper-Pearson interval of `ood_acc` on `total` images lies
    above the line, and `id_acc` within the testbed's range.
    """
    x, y = _pair(id_acc, ood_acc)
    lowest, _ = clopper_pearson(np.rint(y * total), total, level)
    return (lowest > line.predict(x)) & line.covers(x)


class Binned(NamedTuple):
    """Per-bin centre, mean and standard deviation of y (NaN where empty), and counts: (bins,)."""

    centers: Floats
    mean: Floats
    std: Floats
    counts: NDArray[np.int64]


def binned_average(
    x: ArrayLike, y: ArrayLike, bins: int = 100, range: tuple[float, float] | None = None
) -> Binned:
    """Average y over equal-width bins of x, pooled over runs (ER appendix B.5).

    x, y: any equal shapes, flattened; range: ends of the bins, by default those of x. Values
    outside are left out; the last bin includes its right end, as in scipy's binned_statistic.
    """
    xs, ys = np.ravel(np.asarray(x, float)), np.ravel(np.asarray(y, float))
    if xs.shape != ys.shape or not xs.size:
        raise ValueError(
            f"x and y must be non-empty and equally long, got {xs.size} and {ys.size}."
        )
    if np.isnan(xs).any() or np.isnan(ys).any():
        raise ValueError("x or y holds NaN; drop undefined points before averaging.")
    edges = np.histogram_bin_edges(xs, bins=bins, range=range)
    index = np.searchsorted(edges, xs, side="right") - 1
    index[xs == edges[-1]] = bins - 1
    inside = (index >= 0) & (index < bins)
    index, ys = index[inside], ys[inside]
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(index, ys, bins) / count
        spread = np.bincount(index, (ys - mean[index]) ** 2, bins) / count
    return Binned((edges[:-1] + edges[1:]) / 2, mean, np.sqrt(spread), count)


def gap_fraction(id_acc: ArrayLike, ood_acc: ArrayLike, line: Line) -> Floats:
    """Divide effective robustness by the gap between y = x and the line (ER appendix D).

    1 on y = x, 0 on the line; NaN where the two meet.
    """
    x, y = _pair(id_acc, ood_acc)
    gap = x - line.predict(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap == 0, np.nan, (y - line.predict(x)) / gap)


def mixed_classifier(low: ArrayLike, high: ArrayLike, alpha: ArrayLike) -> Floats:
    """Return the accuracy of answering with the low model for a share `alpha` (ER appendix D.1).

    alpha: of the examples. low, high: accuracies, or (id, ood) pairs, of equal shape; the result
    has shape alpha.shape + low.shape and runs on the straight chord from `high` (0) to `low` (1).
    """
    bottom, top = _pair(low, high)
    share = _accuracies(alpha, "alpha")
    return np.multiply.outer(share, bottom) + np.multiply.outer(1 - share, top)
