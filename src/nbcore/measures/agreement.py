"""How alike models err: dominance (ER §5.4, after Mania & Sra 2020) and what nobody solves."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _correct(values: ArrayLike, ndim: int, name: str) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.dtype != bool:
        if not np.isin(array, (0, 1)).all():
            raise ValueError(
                f"{name} must say right or wrong (bool, or 0 and 1), not {array.dtype}."
            )
        array = array.astype(bool)
    if array.ndim != ndim or array.shape[-1] == 0:
        raise ValueError(f"{name} must have {ndim} dimension(s) and examples, got {array.shape}.")
    return array


def dominance_probability(lower: ArrayLike, higher: ArrayLike) -> float:
    """Share of examples that `lower` gets right and `higher` gets wrong (ER eq. 2).

    lower, higher: (example,) bool, right or wrong, of the less and the more accurate model.
    """
    low, high = _correct(lower, 1, "lower"), _correct(higher, 1, "higher")
    if low.shape != high.shape:
        raise ValueError(f"Both models need the same examples, got {low.size} and {high.size}.")
    return float((low & ~high).mean())


def dominance_matrix(correct: ArrayLike) -> NDArray[np.float64]:
    """[i, j] = share of examples that model i gets right and model j gets wrong.

    correct: (model, example) bool. One symmetric matrix product: exact, as counts below 2**24
    are whole in float32 (beyond, float64 is used).
    """
    right = _correct(correct, 2, "correct")
    n = right.shape[1]
    precision: type[np.floating] = np.float32 if n < 2**24 else np.float64
    dense = right.astype(precision)
    both = np.matmul(dense, dense.T).astype(np.float64)
    return (right.sum(axis=1, dtype=np.int64)[:, None] - both) / n


def dominance_pairs(correct: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every pair once: (accuracy difference >= 0, dominance probability of the less accurate).

    Shapes (model * (model - 1) / 2,), as the points of ER figure 5a.
    """
    right = _correct(correct, 2, "correct")
    accuracy = right.mean(axis=1)
    order = np.argsort(accuracy, kind="stable")
    matrix = dominance_matrix(right[order])
    i, j = np.triu_indices(len(order), k=1)
    return accuracy[order][j] - accuracy[order][i], matrix[i, j]


def independent_dominance(accuracy_low: ArrayLike, accuracy_high: ArrayLike) -> NDArray[np.float64]:
    """Dominance if the two models' errors were independent: low * (1 - high)."""
    return np.asarray(accuracy_low, float) * (1 - np.asarray(accuracy_high, float))


def solved_counts(correct: ArrayLike) -> NDArray[np.int64]:
    """(example,) number of models that get each example right; 0 marks those nobody solves."""
    return _correct(correct, 2, "correct").sum(axis=0, dtype=np.int64)
