"""Smooth measures: SmoothECE, smooth calibration error, and the post-processing gap.

SmoothECE smooths residuals with a Gaussian kernel whose width is the error itself. The smooth
calibration error smCE is the largest correlation of residuals with a function of the prediction
that is 1-Lipschitz and within ±1. The post-processing gap pGap is how much the squared loss falls
when predictions p are replaced by the best p + η(p), η 1-Lipschitz; smCE² ≤ pGap ≤ 2 smCE.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft, optimize, sparse

from nbcore.measures.calibration.binned import Floats, by_value

#: points of [0, 1] on which is smoothed; SmoothECE below two of their distances is not resolved
GRID = 4096


def spread(values: Floats, mass: Floats, grid: int = GRID) -> Floats:
    """Put masses at values in [0, 1] onto midpoints (k + ½) / grid, half-way ones onto both.

    Sums and, but for the outermost half steps, first moments stay: (grid,).
    """
    place = np.clip(values * grid - 0.5, 0, grid - 1)
    left = np.minimum(place.astype(int), grid - 2)
    right = place - left
    out = np.bincount(left, mass * (1 - right), grid) + np.bincount(left + 1, mass * right, grid)
    return np.asarray(out, float)


def smooth(mass: Floats, sigma: float) -> Floats:
    """Smooth masses (grid,) on [0, 1] with a Gaussian of width sigma, reflected at 0 and 1.

    Reflected Gaussians are heat that no wall lets through: cosines decay at their own rates.
    """
    k = np.arange(len(mass))
    decay = np.exp(-0.5 * (np.pi * k * sigma) ** 2)
    return fft.idct(fft.dct(mass) * decay)


def smooth_ece_at(p: ArrayLike, y: ArrayLike, sigma: float) -> float:
    """Compute the total of |smoothed residuals| over [0, 1] for one width sigma above 0."""
    if not sigma > 0:
        raise ValueError(f"A kernel has a width above 0, not {sigma}.")
    values, share, residual = by_value(p, y)
    return float(np.abs(smooth(spread(values, share * residual), sigma)).sum())


def smooth_ece(p: ArrayLike, y: ArrayLike, grid: int = GRID) -> float:
    """Compute SmoothECE: the total error at the width sigma that equals it.

    The error falls with sigma, from E |E[y | p] - p| to |E[y - p]|, so there is one such sigma.
    Values below 2 / grid are not resolved and given as the error at that width.
    """
    values, share, residual = by_value(p, y)
    mass = spread(values, share * residual, grid)

    def above(sigma: float) -> float:
        return float(np.abs(smooth(mass, sigma)).sum()) - sigma

    least = 2 / grid
    if above(least) <= 0:
        return above(least) + least
    return float(optimize.brentq(above, least, 1.0, xtol=1e-7))


def smooth_reliability(
    p: ArrayLike, y: ArrayLike, sigma: float, at: ArrayLike
) -> tuple[Floats, Floats]:
    """Smooth outcomes over predictions with width sigma: outcome and density at points (at,).

    The outcome is at + smoothed residual / density, so that the distance from the diagonal,
    weighted by the density, totals the smooth error.
    """
    values, share, residual = by_value(p, y)
    points = np.asarray(at, float)
    middle = (np.arange(GRID) + 0.5) / GRID
    density = np.interp(points, middle, smooth(spread(values, share), sigma) * GRID)
    off = np.interp(points, middle, smooth(spread(values, share * residual), sigma) * GRID)
    return points + off / np.maximum(density, 1e-12), density


def smooth_calibration_error(p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Compute smCE: the most of E[η(p) (y - p)] over η that are 1-Lipschitz and within ±1.

    A linear programme with one unknown per predicted value; only neighbours bind each other.
    """
    return float(_witness(*by_value(p, y, weight))[0])


def _witness(values: Floats, share: Floats, residual: Floats) -> tuple[float, Floats]:
    n = len(values)
    step = sparse.diags_array([-np.ones(n), np.ones(n)], offsets=[0, 1], shape=(n - 1, n))
    both, gaps = sparse.vstack([step, -step]), np.diff(values)
    gain = share * residual
    scale = np.abs(gain).max() or 1.0  # the solver's tolerances are absolute
    options = {"A_ub": both.tocsr(), "b_ub": np.tile(gaps, 2)} if n > 1 else {}
    found = optimize.linprog(-gain / scale, bounds=(-1, 1), method="highs", **options)
    return float(gain @ found.x), found.x


def post_processing_gap(p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Compute pGap: squared loss of p minus the least of p + η(p), η 1-Lipschitz.

    The best p + η(p) stays in [0, 1] by itself: cutting it there is 1-Lipschitz and loses nothing.
    """
    values, share, residual = by_value(p, y, weight)
    best = closest_lipschitz(values, share, residual)
    return float(share @ (residual**2 - (residual - best) ** 2))


def closest_lipschitz(values: ArrayLike, weight: ArrayLike, target: ArrayLike) -> Floats:
    """Fit the 1-Lipschitz function that is closest to targets in weighted squares: (n,).

    values rising. Exact, from left to right: the slope of the least cost so far is a rising
    broken line over the function's value. A step of length d lets the function move by d, so the
    part left of the minimum shifts by -d, the part right of it by +d; then the next cost is added.
    From right to left each value is the one nearest to its minimum that its neighbour allows.
    """
    x, w, goal = (np.asarray(a, float) for a in (values, weight, target))
    best = np.empty(len(x))
    lowest = float(goal.min())
    # knots and the line's heights there; beyond the ends it goes on with the slope 2 * total
    knots, heights, total = np.array([lowest]), np.array([0.0]), 0.0
    for k in range(len(x)):
        if k:
            d, zero = x[k] - x[k - 1], best[k - 1]
            left, right = knots < zero, knots > zero
            knots = np.concatenate([knots[left] - d, [zero - d, zero + d], knots[right] + d])
            heights = np.concatenate([heights[left], [0.0, 0.0], heights[right]])
        heights = heights + 2 * w[k] * (knots - goal[k])
        total += w[k]
        best[k] = _root(knots, heights, 2 * total)
    out = best.copy()
    for k in range(len(x) - 2, -1, -1):
        d = x[k + 1] - x[k]
        out[k] = np.clip(best[k], out[k + 1] - d, out[k + 1] + d)
    return out


def _root(knots: Floats, heights: Floats, slope: float) -> float:
    """Find where a rising broken line, of this slope beyond its ends, is 0."""
    at = int(np.searchsorted(heights, 0.0))
    if at == 0:
        return float(knots[0] - heights[0] / slope)
    if at == len(knots):
        return float(knots[-1] - heights[-1] / slope)
    low, high = heights[at - 1], heights[at]
    return float(knots[at - 1] - low * (knots[at] - knots[at - 1]) / (high - low))
