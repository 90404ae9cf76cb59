"""Prediction depth (PD §2.1): from which layer on the neighbours already give the final answer."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nbcore.measures.neighbours import Array, nearest

#: how a vote that is tied is decided
TIES = ("lowest", "highest", "nearest")


def knn_votes(
    train_embeddings: Array,
    train_labels: ArrayLike,
    query_embeddings: Array,
    k: int = 30,
    exclude_self: bool = False,
    n_classes: int | None = None,
    backend: str = "torch",
) -> NDArray[np.int64]:
    """Count how many of the k nearest training examples belong to each class: (query, class).

    train_embeddings (n, d), train_labels (n,) from 0, query_embeddings (q, d); n_classes: from the
    labels unless given (a class that is absent gets no votes). Otherwise as `neighbours.nearest`.
    """
    found = nearest(train_embeddings, query_embeddings, k, exclude_self, backend)
    return count_votes(_labels(train_labels, len(train_embeddings), n_classes)[found], n_classes)


def count_votes(neighbour_labels: ArrayLike, n_classes: int | None = None) -> NDArray[np.int64]:
    """Count labels (query, k) of each query's neighbours by class: (query, class)."""
    found = np.asarray(neighbour_labels)
    classes = int(n_classes or found.max() + 1)
    flat = found + np.arange(len(found))[:, None] * classes
    return np.bincount(flat.ravel(), minlength=len(found) * classes).reshape(-1, classes)


def knn_predict(
    train_embeddings: Array,
    train_labels: ArrayLike,
    query_embeddings: Array,
    k: int = 30,
    exclude_self: bool = False,
    n_classes: int | None = None,
    tie: str = "lowest",
    backend: str = "torch",
) -> NDArray[np.int64]:
    """Predict for each query the class with most votes: (query,).

    Of tied classes the "lowest" or "highest" number wins, or with tie="nearest" the one that has
    the nearest neighbour. Otherwise as `knn_votes`.
    """
    if tie not in TIES:
        raise ValueError(f"tie must be one of {', '.join(TIES)}, not {tie!r}.")
    labels = _labels(train_labels, len(train_embeddings), n_classes)
    found = labels[nearest(train_embeddings, query_embeddings, k, exclude_self, backend)]
    return vote(found, n_classes, tie)


def vote(
    neighbour_labels: ArrayLike, n_classes: int | None = None, tie: str = "lowest"
) -> NDArray[np.int64]:
    """Choose the class by majority of (query, k) labels, the nearest first: (query,).

    Ties as in `knn_predict`.
    """
    found = np.asarray(neighbour_labels)
    votes = count_votes(found, n_classes)
    if tie == "lowest":
        return votes.argmax(1)
    if tie == "highest":
        return votes.shape[1] - 1 - votes[:, ::-1].argmax(1)
    leading = np.take_along_axis(votes, found, 1) == votes.max(1, keepdims=True)
    return found[np.arange(len(found)), leading.argmax(1)]


def prediction_depth(
    probe_predictions: ArrayLike, final_prediction: ArrayLike
) -> NDArray[np.int64]:
    """Find the first probe from which all probes give the network's answer; 0 is the input.

    Returns (example,). probe_predictions (example, probe), the input first and the softmax last;
    final_prediction (example,). -1 is undefined: the last probe already disagrees with the network
    (A.6.1).
    """
    probes, final = np.asarray(probe_predictions), np.asarray(final_prediction)
    if probes.ndim != 2 or probes.shape[1] == 0 or final.shape != probes.shape[:1]:
        raise ValueError(
            "prediction_depth needs (example, probe) and (example,), not "
            f"{probes.shape} and {final.shape}."
        )
    agrees = probes == final[:, None]
    steady = np.logical_and.accumulate(agrees[:, ::-1], axis=1).sum(1)
    return np.where(steady == 0, -1, probes.shape[1] - steady)


def _labels(labels: ArrayLike, n: int, n_classes: int | None) -> NDArray[np.int64]:
    y = np.asarray(labels)
    if y.shape != (n,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"{n} training examples need {n} whole-number labels, not {y.shape}.")
    if y.min() < 0 or (n_classes is not None and y.max() >= n_classes):
        raise ValueError(
            f"Labels run from 0 to n_classes - 1, but they are {y.min()} to {y.max()} "
            f"and n_classes is {n_classes}."
        )
    return y.astype(np.int64)
