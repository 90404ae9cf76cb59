"""Kernels on the unit sphere, and what fitting noise with them costs.

Laplace's kernel and the tangent kernel of a ReLU network have a power law as spectrum, the Gaussian
one falls off faster than any. The latter's matrices are singular in floating point long before it
becomes interesting, so it is solved in decimal arithmetic.
"""

from decimal import Decimal, localcontext

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

Floats = NDArray[np.float64]


def laplace(a: ArrayLike, b: ArrayLike, width: float = 1.0) -> Floats:
    """Compute exp(-|a - b| / width) for all pairs of unit vectors (n, k), (m, k): (n, m)."""
    inner = np.asarray(a) @ np.asarray(b).T
    return np.exp(-np.sqrt(np.maximum(2 - 2 * inner, 0)) / width)


def relu_tangent(a: ArrayLike, b: ArrayLike, hidden: int = 2) -> Floats:
    """Compute the tangent kernel of a wide ReLU network with `hidden` layers: (n, m), 1 at a = b.

    Unit vectors (n, k), (m, k). By the arc-cosine recursion: with s the covariance of a layer and
    t the kernel so far, s' = (√(1 - s²) + s (π - arccos s)) / π and t' = s' + t (π - arccos s) / π.
    """
    s = np.clip(np.asarray(a) @ np.asarray(b).T, -1, 1)
    tangent = s
    for _ in range(hidden):
        slope = (np.pi - np.arccos(s)) / np.pi
        s = np.clip(np.sqrt(1 - s**2) / np.pi + s * slope, -1, 1)
        tangent = s + tangent * slope
    return tangent / (hidden + 1)


def fitted(kernel: ArrayLike, cross: ArrayLike, y: ArrayLike, ridge: float = 0.0) -> Floats:
    """Predict with kernel ridge regression: cross (m, n) of (kernel (n, n) + ridge I)⁻¹ y: (m,).

    ValueError where the matrix is singular in double precision.
    """
    matrix = np.asarray(kernel, float) + ridge * np.eye(len(np.asarray(y)))
    try:
        factor = linalg.cho_factor(matrix)
    except linalg.LinAlgError:
        raise ValueError(
            f"The kernel's matrix of {len(matrix)} inputs is singular in double precision; add a "
            "ridge, use a narrower kernel, or solve it in decimal arithmetic (gaussian_fit)."
        ) from None
    return np.asarray(cross) @ linalg.cho_solve(factor, np.asarray(y, float))


def gaussian_fit(
    x: ArrayLike, query: ArrayLike, y: ArrayLike, width: float, digits: int = 100
) -> tuple[Floats, float]:
    """Interpolate y by the kernel exp(-|a - b|² / 2 width²) in decimal arithmetic.

    x (n, k), query (m, k), y (n,). Returns predictions (m,) and the largest error at the n inputs,
    which says whether `digits` were enough. Cost: about n³ / 3 products, a second for n = 128.
    """
    with localcontext() as context:
        context.prec = digits
        inputs, asked, target = _exact(x), _exact(query), _exact(y)
        scale = -1 / (2 * Decimal(width) ** 2)
        matrix = _exp(scale * _squared(inputs, inputs))
        solution = _solve(matrix.copy(), target.copy())
        residual = max(abs(r) for r in matrix.dot(solution) - target)
        predicted = _exp(scale * _squared(asked, inputs)).dot(solution)
        return np.array([float(p) for p in predicted]), float(residual)


def _exact(values: ArrayLike) -> NDArray[np.object_]:
    """Turn doubles into the decimals that they are."""
    array = np.asarray(values, float)
    return np.array([Decimal(v) for v in array.ravel().tolist()], object).reshape(array.shape)


def _squared(a: NDArray[np.object_], b: NDArray[np.object_]) -> NDArray[np.object_]:
    return sum((a[:, None, k] - b[None, :, k]) ** 2 for k in range(a.shape[1]))


_exp = np.frompyfunc(Decimal.exp, 1, 1)


def _solve(matrix: NDArray[np.object_], y: NDArray[np.object_]) -> NDArray[np.object_]:
    """Solve a positive definite system by elimination, overwriting both; no pivots are needed."""
    n = len(y)
    for k in range(n - 1):
        ratio = matrix[k + 1 :, k] / matrix[k, k]
        matrix[k + 1 :, k + 1 :] -= ratio[:, None] * matrix[k, k + 1 :]
        y[k + 1 :] -= ratio * y[k]
    for k in range(n - 1, -1, -1):
        y[k] = (y[k] - matrix[k, k + 1 :].dot(y[k + 1 :])) / matrix[k, k]
    return y


def kernel_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Compute 1 - <A, B> / (|A| |B|) of two kernel matrices (n, n): 0 up to a factor, at most 1.

    ValueError for matrices of unequal shape, or of zeros.
    """
    first, second = np.asarray(a, float), np.asarray(b, float)
    scale = np.linalg.norm(first) * np.linalg.norm(second)
    if first.shape != second.shape or not scale > 0:
        raise ValueError(
            f"Kernels of shapes {first.shape} and {second.shape} cannot be compared; give two "
            "matrices of the same inputs that are not zero."
        )
    return float(1 - (first * second).sum() / scale)
