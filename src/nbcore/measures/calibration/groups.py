"""Calibration in groups, and remedies: Platt's scaling, isotonic regression, multicalibration.

A remedy is fitted on predictions that were made for examples not trained on, and returned as a
function (p, groups) -> p. groups (n, group) says who belongs to which; they may overlap.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize
from scipy.special import expit, logit

from nbcore.measures.calibration.binned import Floats, checked
from nbcore.measures.calibration.smooth import smooth_ece

Remedy = Callable[[Floats, NDArray[np.bool_]], Floats]
#: probabilities nearer to 0 or 1 are moved here before a logit is taken
EDGE = 1e-6


def group_errors(p: ArrayLike, y: ArrayLike, groups: ArrayLike) -> Floats:
    """Compute SmoothECE within each group: (group,), NaN for an empty one."""
    p, y, _ = checked(p, y)
    members = np.asarray(groups, bool)
    return np.array([smooth_ece(p[m], y[m]) if m.any() else np.nan for m in members.T])


def platt(p: ArrayLike, y: ArrayLike) -> Remedy:
    """Fit a logistic curve in the logit of p, to targets that are drawn in as Platt proposed.

    With k of n outcomes 1, a 1 is fitted as (k + 1) / (k + 2), a 0 as 1 / (n - k + 2).
    """
    p, y, _ = checked(p, y)
    ones = y.sum()
    target = np.where(y > 0.5, (ones + 1) / (ones + 2), 1 / (len(y) - ones + 2))
    x = _logit(p)

    def loss(at: Floats) -> tuple[float, Floats]:
        z = at[0] * x + at[1]
        off = expit(z) - target
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.array(
            [np.mean(off * x), off.mean()]
        )

    slope, shift = optimize.minimize(loss, [1.0, 0.0], jac=True, method="BFGS").x
    return lambda q, groups: expit(slope * _logit(q) + shift)


def isotonic(p: ArrayLike, y: ArrayLike) -> Remedy:
    """Fit the rising step function that is closest to outcomes, straight between its steps."""
    p, y, _ = checked(p, y)
    order = np.argsort(p, kind="stable")
    values, at = np.unique(p[order], return_inverse=True)
    count = np.bincount(at)
    fit = optimize.isotonic_regression(np.bincount(at, y[order]) / count, weights=count).x
    return lambda q, groups: np.interp(q, values, fit)


def multicalibrate(
    p: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    levels: int = 10,
    alpha: float = 0.01,
    rounds: int = 1000,
) -> Remedy:
    """Patch the worst level set of the worst group until none is off by more than alpha.

    Predictions are sorted into `levels` of equal width. A cell is a level of a group; being off is
    |mean residual in it| times its share of all examples. The cell that is most off is shifted by
    its mean residual, then levels are made anew; each patch lowers the squared loss by more than
    alpha². Everybody is the first group. The patches are what is learned, and applied in order.
    ValueError: no levels, alpha of 0 or less.
    """
    if levels < 1 or not alpha > 0:
        raise ValueError(f"Give one level or more, and alpha above 0, not {levels} and {alpha:g}.")
    p, y, _ = checked(p, y)
    members, now, patches = with_all(groups, len(p)), p.copy(), []
    for _ in range(rounds):
        level = _level(now, levels)
        cells = np.eye(levels)[level]
        count, off = members.T @ cells, members.T @ (cells * (y - now)[:, None])
        group, at = np.unravel_index(np.abs(off).argmax(), off.shape)
        if np.abs(off[group, at]) <= alpha * len(p):
            break
        shift = float(off[group, at] / count[group, at])
        patches.append((int(group), int(at), shift))
        now = _patch(now, members[:, group] & (level == at), shift)

    def apply(q: Floats, theirs: NDArray[np.bool_]) -> Floats:
        own, out = with_all(theirs, len(q)), np.asarray(q, float).copy()
        for group, at, shift in patches:
            out = _patch(out, own[:, group] & (_level(out, levels) == at), shift)
        return out

    return apply


def with_all(groups: ArrayLike, n: int) -> NDArray[np.bool_]:
    """Put everybody before the groups (n, group): (n, 1 + group)."""
    members = np.asarray(groups, bool).reshape(n, -1)
    return np.concatenate([np.ones((n, 1), bool), members], 1)


def _level(p: Floats, levels: int) -> NDArray[np.int_]:
    return np.minimum((p * levels).astype(int), levels - 1)


def _patch(p: Floats, cell: NDArray[np.bool_], shift: float) -> Floats:
    return np.clip(np.where(cell, p + shift, p), 0, 1)


def _logit(p: ArrayLike) -> Floats:
    return logit(np.clip(np.asarray(p, float), EDGE, 1 - EDGE))
