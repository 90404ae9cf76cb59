"""Least squares and ridge on isotropic Gaussian inputs: exact risk, and the errors of one draw.

y = <x, β> + noise, x ~ N(0, I) in d dimensions. Every risk here is an excess risk, E ||estimate -
β||²: the noise of a new answer, σ², is not in it.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def exact_risk(n: int, d: int) -> tuple[float, float]:
    """Compute the expected bias and variance of the least-norm least-squares fit: two shares.

    Bias is a share of ||β||², variance of σ². With n < d inputs the fit is the projection of β onto
    n random directions, so that 1 - n / d of it is missing; n > d fits miss nothing. The variance
    is E tr (XXᵀ)⁻¹ or E tr (XᵀX)⁻¹, the mean of an inverse Wishart matrix: n / (d - n - 1) or
    d / (n - d - 1). ValueError: fewer than one, or n within one of d, where it is infinite.
    """
    if n < 1 or d < 1:
        raise ValueError(f"A fit needs one image and one dimension or more, not n={n} and d={d}.")
    if abs(n - d) <= 1:
        raise ValueError(
            f"With n={n} within one of d={d} the expected risk is infinite; ask for an n that is "
            "two or more away from d."
        )
    return (1 - n / d, n / (d - n - 1)) if n < d else (0.0, d / (n - d - 1))


def optimal_ridge(d: int, sigma: float, seen: float = 1.0, unseen: float = 0.0) -> float:
    """Compute the ridge with the least expected risk, the same for every n.

    The estimate is (XᵀX + ridge I)⁻¹ Xᵀy. Averaged over the direction of β it is the posterior mean
    of β with `seen` = ||β||² spread evenly over d dimensions, so the ridge is the noise's variance
    over that of one coordinate: d (σ² + unseen) / seen. unseen: squared norm of the part of β in
    dimensions that the fit does not see, which is noise to it. ValueError for seen of 0 or less.
    """
    if seen <= 0:
        raise ValueError(f"No ridge is best for a β of squared norm {seen}; give one above 0.")
    return d * (sigma**2 + unseen) / seen


def ridge_errors(
    x: ArrayLike, beta: ArrayLike, noise: ArrayLike, ridges: ArrayLike
) -> tuple[Floats, Floats]:
    """Compute the two parts of estimate - β for each ridge: (ridge, d) bias, (ridge, d) noise.

    x (n, d), beta (d,), noise (n,); their sum is the whole error. A ridge of 0 is the least-norm
    fit, to which gradient descent from 0 goes. ValueError for a ridge below 0.
    """
    x, beta, noise, ridges = (np.asarray(a, float) for a in (x, beta, noise, ridges))
    if (ridges < 0).any():
        raise ValueError(f"A ridge is 0 or more, not {ridges.min():g}.")
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    s = np.where(s > s.max() * max(x.shape) * np.finfo(float).eps, s, 0.0)
    weight = s / np.where(s > 0, s**2 + ridges[:, None], 1.0)  # (ridge, direction)
    bias = (weight * s * (vt @ beta)) @ vt - beta
    return bias, (weight * (u.T @ noise)) @ vt
