"""How alike models err: dominance (ER §5.4, after Mania & Sra 2020) and what nobody solves.

And how alike the members of an ensemble answer for an example they were not trained on: consensus,
consistency and entropy (PD §3.1, A.6.2, C.2).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

#: which of the classes with most votes is the consensus
CONSENSUS_TIES = ("label", "lowest", "highest")


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
    """Return the share of examples that `lower` gets right and `higher` wrong (ER eq. 2).

    lower, higher: (example,) bool, right or wrong, of the less and the more accurate model.
    """
    low, high = _correct(lower, 1, "lower"), _correct(higher, 1, "higher")
    if low.shape != high.shape:
        raise ValueError(f"Both models need the same examples, got {low.size} and {high.size}.")
    return float((low & ~high).mean())


def dominance_matrix(correct: ArrayLike) -> NDArray[np.float64]:
    """Compute [i, j], the share of examples that model i gets right and model j wrong.

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
    """Compare every pair once: accuracy difference >= 0, and dominance of the less accurate.

    Shapes (model * (model - 1) / 2,), as the points of ER figure 5a.
    """
    right = _correct(correct, 2, "correct")
    accuracy = right.mean(axis=1)
    order = np.argsort(accuracy, kind="stable")
    matrix = dominance_matrix(right[order])
    i, j = np.triu_indices(len(order), k=1)
    return accuracy[order][j] - accuracy[order][i], matrix[i, j]


def mean_dominance(
    model: ArrayLike, others: ArrayLike, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Average a model's dominance probability over its pairs with other models (ER C.10).

    model (example,), others (other, example): bool, right or wrong. Of each pair, the model that is
    less accurate on these examples is the lower one; of equals, both have the same dominance.
    weights (example, draw): how often each example counts in a draw, which does not change which
    model is the lower one. Returns (draw,), a single draw without weights. ValueError without
    other models.
    """
    mine, theirs = _correct(model, 1, "model"), _correct(others, 2, "others")
    if mine.shape != theirs.shape[1:] or not len(theirs):
        raise ValueError(f"{mine.size} examples need other models on them, got {theirs.shape}.")
    lower = theirs.sum(axis=1, dtype=np.int64) <= mine.sum(dtype=np.int64)
    events = np.where(lower[:, None], theirs & ~mine, ~theirs & mine)
    counts = np.ones((mine.size, 1)) if weights is None else np.asarray(weights)
    return (events.mean(axis=0) @ counts) / counts.sum(axis=0, dtype=float)


def independent_dominance(accuracy_low: ArrayLike, accuracy_high: ArrayLike) -> NDArray[np.float64]:
    """Compute the dominance if the two models' errors were independent: low * (1 - high)."""
    return np.asarray(accuracy_low, float) * (1 - np.asarray(accuracy_high, float))


def solved_counts(correct: ArrayLike) -> NDArray[np.int64]:
    """Count the models that get each example right: (example,); 0 marks those nobody solves."""
    return _correct(correct, 2, "correct").sum(axis=0, dtype=np.int64)


def consensus_class(
    predictions: ArrayLike,
    labels: ArrayLike,
    held_out: ArrayLike,
    n_classes: int,
    tie: str = "label",
) -> NDArray[np.int64]:
    """Return the class most members predict for an example held out from them (PD §3.1).

    Returns (example,). predictions (member, example) and labels (example,), the ground truth:
    classes from 0 to n_classes - 1; held_out (member, example) bool: only these predictions count,
    the others may be anything. -1 where an example was never held out. Of tied classes tie="label"
    takes the ground truth if it is among them and otherwise the lowest (PD A.6.2); "lowest" and
    "highest" do not look at the label. ValueError for other shapes, no member, or a class out of
    range.
    """
    votes, truth = _votes(predictions, labels, held_out, n_classes)
    leading = votes == votes.max(axis=1, keepdims=True)
    chosen = leading.argmax(axis=1)
    if tie == "label":
        chosen = np.where(leading[np.arange(len(truth)), truth], truth, chosen)
    elif tie == "highest":
        chosen = n_classes - 1 - leading[:, ::-1].argmax(axis=1)
    elif tie != "lowest":
        raise ValueError(f"tie must be one of {', '.join(CONSENSUS_TIES)}, not {tie!r}.")
    return np.where(votes.any(axis=1), chosen, -1)


def consistency_score(
    predictions: ArrayLike, labels: ArrayLike, held_out: ArrayLike, n_classes: int
) -> NDArray[np.float64]:
    """Return (example,) the share of held-out predictions that are the label (PD eq. 1).

    A share in [0, 1]. Arguments and errors as `consensus_class`; NaN where an example was never
    held out.
    """
    votes, truth = _votes(predictions, labels, held_out, n_classes)
    return _shares(votes)[np.arange(len(truth)), truth]


def consensus_consistency(
    predictions: ArrayLike,
    labels: ArrayLike,
    held_out: ArrayLike,
    n_classes: int,
    tie: str = "label",
) -> NDArray[np.float64]:
    """Return (example,) the share of held-out predictions that are the consensus (PD eq. 2).

    A share in (0, 1]. Arguments and errors as `consensus_class`; NaN where an example was never
    held out. Tied classes have equally many votes, so the score is the same under every tie rule.
    """
    votes, _ = _votes(predictions, labels, held_out, n_classes)
    consensus = consensus_class(predictions, labels, held_out, n_classes, tie)
    return _shares(votes)[np.arange(len(consensus)), consensus]


def prediction_entropy(
    predictions: ArrayLike, labels: ArrayLike, held_out: ArrayLike, n_classes: int
) -> NDArray[np.float64]:
    """Compute (example,) the entropy in nats of the held-out predictions' histogram (PD eq. 3).

    From 0, all alike, to log(n_classes). Arguments and errors as `consensus_class` (labels are
    checked but not used); NaN where an example was never held out.
    """
    votes, _ = _votes(predictions, labels, held_out, n_classes)
    return special.entr(_shares(votes)).sum(axis=1)


def held_out_mean(values: ArrayLike, held_out: ArrayLike) -> NDArray[np.float64]:
    """Average `values` over the members for which `held_out` is true: (example,).

    values, held_out (member, example); give ~held_out for the mean in training. Values that are NaN
    are left out (so an undefined depth must come as NaN, not as -1), and NaN is the mean of none.
    """
    numbers = np.asarray(values, float)
    counts = _role(held_out, numbers.shape) & ~np.isnan(numbers)
    n = counts.sum(axis=0)
    total = np.where(counts, numbers, 0.0).sum(axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _shares(votes: NDArray[np.int64]) -> NDArray[np.float64]:
    total = votes.sum(axis=1, keepdims=True)
    return np.where(total > 0, votes / np.maximum(total, 1), np.nan)


def _votes(
    predictions: ArrayLike, labels: ArrayLike, held_out: ArrayLike, n_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count (example, class) held-out predictions of each class; return the checked labels too."""
    said, truth = np.asarray(predictions), np.asarray(labels)
    counts = _role(held_out, said.shape)
    if truth.shape != said.shape[1:]:
        raise ValueError(
            f"{said.shape[1]} examples need as many labels, but labels have the shape "
            f"{truth.shape}."
        )
    member, example = np.nonzero(counts)
    for name, array in {"labels": truth, "held-out predictions": said[member, example]}.items():
        if not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"The {name} must be whole numbers, not {array.dtype}.")
        if array.size and (array.min() < 0 or array.max() >= n_classes):
            raise ValueError(
                f"The {name} must be classes from 0 to {n_classes - 1}, but they run from "
                f"{array.min()} to {array.max()}."
            )
    flat = example * n_classes + said[member, example]
    votes = np.bincount(flat, minlength=len(truth) * n_classes)
    return votes.reshape(len(truth), n_classes), truth.astype(np.int64)


def _role(held_out: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"Give (member, example) with a member and an example, not {shape}.")
    mask = _correct(held_out, 2, "held_out")
    if mask.shape != shape:
        raise ValueError(f"held_out must have the members' shape {shape}, not {mask.shape}.")
    return mask
