"""Residuals by predicted value, and the expected calibration error in bins."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
WAYS = ("width", "mass")


def checked(p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> tuple[Floats, ...]:
    """Return p, y and weights summing to 1, as arrays (n,).

    ValueError: nothing, lengths that differ, values outside [0, 1], weights that are negative or
    all 0.
    """
    p, y = np.asarray(p, float), np.asarray(y, float)
    w: Floats = np.ones(p.shape) if weight is None else np.asarray(weight, float)
    if p.ndim != 1 or not p.shape == y.shape == w.shape or not len(p):
        raise ValueError(
            "Predictions, outcomes and weights are three lists of one length, not of shapes "
            f"{p.shape}, {y.shape} and {w.shape}."
        )
    for name, values in (("Predicted probabilities", p), ("Outcomes", y)):
        if not ((values >= 0) & (values <= 1)).all():
            worst = values[np.argmax(np.nan_to_num(np.abs(values - 0.5), nan=np.inf))]
            raise ValueError(f"{name} lie in [0, 1], but one is {worst:g}; give shares.")
    if not (w >= 0).all() or w.sum() <= 0:
        raise ValueError("Weights are 0 or more, and one of them above 0.")
    return p, y, w / w.sum()


def confidence(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    """Take the probability of the predicted class, and whether it was right: two (n,).

    probabilities (n, class), labels (n,). Of tied classes the first is predicted.
    """
    shares = np.asarray(probabilities, float)
    said = shares.argmax(1)
    return shares.max(1), (said == np.asarray(labels)).astype(float)


def by_value(
    p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """Sort and merge equal predictions: (value,) values, shares, mean residuals y - p.

    Every measure that is a function of the predictions alone is one of these three.
    """
    p, y, w = checked(p, y, weight)
    values, at = np.unique(p, return_inverse=True)
    share = np.bincount(at, w)
    known = share > 0
    mean = np.bincount(at, w * (y - p))[known] / share[known]
    return values[known], np.asarray(share[known], float), mean


def reliability(
    p: ArrayLike, y: ArrayLike, bins: int = 15, by: str = "width"
) -> tuple[Floats, Floats, Floats]:
    """Average in bins: (bin,) mean prediction, mean outcome, share; empty bins are left out.

    by: "width", bins [k, k + 1) / bins of [0, 1], the last one closed; "mass", equally many
    predictions in each, equal ones in their order. ValueError: no bins, another way.
    """
    if bins < 1 or by not in WAYS:
        raise ValueError(
            f"Bins are one or more, of equal {' or '.join(WAYS)}, not {bins} by {by!r}."
        )
    p, y, w = checked(p, y)
    if by == "width":
        at = np.minimum((p * bins).astype(int), bins - 1)
    else:
        at = np.empty(len(p), int)
        at[np.argsort(p, kind="stable")] = np.arange(len(p)) * bins // len(p)
    share = np.bincount(at, w)
    known = share > 0
    sums = (np.bincount(at, w * v)[known] for v in (p, y))
    mean, outcome = (s / share[known] for s in sums)
    return mean, outcome, np.asarray(share[known], float)


def binned_ece(p: ArrayLike, y: ArrayLike, bins: int = 15, by: str = "width") -> float:
    """Compute the expected calibration error in bins: sum of shares times |outcome - prediction|.

    by as in `reliability`.
    """
    mean, outcome, share = reliability(p, y, bins, by)
    return float(share @ np.abs(outcome - mean))


def expected_calibration_error(
    p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None
) -> float:
    """Compute E |E[y | p] - p|, the error without bins: each value is its own.

    It is what is meant for a predictor with few values whose y are chances. It is not continuous in
    p, and no sample estimates it where values are many.
    """
    _, share, residual = by_value(p, y, weight)
    return float(share @ np.abs(residual))
