"""How well one classifier explains what another one knows: mutual information of predictions.

With F what a network predicts, L what a simple classifier predicts and Y the label, the performance
correlation is I(F; Y) - I(F; Y | L): of what F tells about Y, the part that L tells already. It is
the same the other way round, I(L; Y) - I(L; Y | F). All from counts, in nats; with n examples the
plug-in value is too high by about (a - 1)(b - 1) / 2n on average.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def joint_counts(*variables: ArrayLike, sizes: int | None = None) -> NDArray[np.int64]:
    """Count how often values occur together: variables (example,) of whole numbers from 0 on.

    Returns an array with one dim of length `sizes` (largest value + 1 if None) for each variable.
    ValueError for unequal lengths, none at all, or values that are not classes.
    """
    arrays = [np.asarray(v) for v in variables]
    lengths = sorted({a.shape for a in arrays})
    if len(lengths) != 1 or arrays[0].ndim != 1 or arrays[0].size == 0:
        raise ValueError(
            f"Predictions and labels must be given for the same examples, not {lengths}; give one "
            "whole number for each example in each of them."
        )
    if any(a.dtype.kind not in "iub" or a.min() < 0 for a in arrays):
        raise ValueError("Predictions and labels must be classes 0, 1, …; give whole numbers.")
    top = max(int(a.max()) for a in arrays) + 1
    if sizes is not None and sizes < top:
        raise ValueError(f"There are classes up to {top - 1}, but sizes is {sizes}; raise it.")
    counts = np.zeros((sizes or top,) * len(arrays), np.int64)
    np.add.at(counts, tuple(a.astype(np.int64) for a in arrays), 1)
    return counts


def mutual_information(counts: ArrayLike) -> Floats:
    """Compute I(A; B) in nats from joint counts (..., a, b): (...)."""
    p = _shares(counts, 2)
    return _entropy(p.sum(-1), 1) + _entropy(p.sum(-2), 1) - _entropy(p, 2)


def conditional_information(counts: ArrayLike) -> Floats:
    """Compute I(A; B | C) in nats from joint counts (..., a, b, c): (...)."""
    p = _shares(counts, 3)
    return (
        _entropy(p.sum(-2), 2)
        + _entropy(p.sum(-3), 2)
        - _entropy(p, 3)
        - _entropy(p.sum((-3, -2)), 1)
    )


def performance_correlation(counts: ArrayLike) -> Floats:
    """Compute I(F; Y) - I(F; Y | L) in nats from counts (..., prediction, label, explainer): (...).

    Below 0 where the two together tell more than each alone adds up to.
    """
    p = np.asarray(counts)
    return mutual_information(p.sum(-1)) - conditional_information(p)


def explained_share(counts: ArrayLike) -> Floats:
    """Compute the share of I(F; Y) that the explainer explains: counts as above, (...).

    NaN where the prediction tells nothing about the label.
    """
    whole = mutual_information(np.asarray(counts).sum(-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 1e-12, performance_correlation(counts) / whole, np.nan)


def retained_share(counts: ArrayLike) -> Floats:
    """Compute the share of I(L; Y) that the prediction still has: counts as above, (...)."""
    return explained_share(np.moveaxis(np.asarray(counts), -1, -3).swapaxes(-1, -2))


def _shares(counts: ArrayLike, dims: int) -> Floats:
    table = np.asarray(counts, float)
    if table.ndim < dims or (table < 0).any():
        raise ValueError(f"Counts need {dims} dims or more and none below 0, not {table.shape}.")
    total = table.sum(tuple(range(-dims, 0)), keepdims=True)
    if (total <= 0).any():
        raise ValueError("A table of counts is empty; count some examples.")
    return table / total


def _entropy(p: Floats, dims: int) -> Floats:
    """Compute the entropy in nats over the last `dims` dims."""
    terms = np.where(p > 0, -p * np.log(np.where(p > 0, p, 1.0)), 0.0)
    return terms.sum(tuple(range(-dims, 0)))
