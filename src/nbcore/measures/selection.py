"""Which examples to train on: class-balanced choices by difficulty, and schedules (ER §5.3, C.9).

Scores are read as C-scores are: low is hard. Any other measure of difficulty fits once its sign is
turned so, such as minus the prediction depth.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

KINDS = ("hard", "random", "easy")


def select(
    kind: str, scores: ArrayLike | None, labels: ArrayLike, n: int, seed: int = 0
) -> NDArray[np.int64]:
    """Choose the hardest, the easiest or random examples, equally many of each class.

    Returns (n,) ascending indices. kind: "hard" (lowest scores), "easy" (highest) or "random" (the
    scores are not looked at, so they may be None or NaN); scores, labels (example,). Examples with
    equal scores come in an order drawn with `seed`, the same one for "hard" and "easy", so that
    these two never meet as long as n is at most half of every class. ValueError: unknown kind,
    wrong lengths, n that does not divide by the number of classes or is more than the smallest
    class allows (named), NaN.
    """
    if kind not in KINDS:
        raise ValueError(f"Examples are chosen by {', '.join(KINDS)}, not {kind!r}.")
    labels = _labels(labels)
    share = _per_class(labels, n)
    if kind == "random":
        ranked = np.random.default_rng(seed).permutation(len(labels))
    else:
        ranked = _hardest_first(scores, labels, seed)[:: 1 if kind == "hard" else -1]
    return _first_per_class(ranked, labels, share)


def phase_out(
    scores: ArrayLike, labels: ArrayLike, sizes, seed: int = 0
) -> list[NDArray[np.int64]]:
    """Choose the examples of each phase of a schedule that drops the easiest, class by class.

    Returns ascending indices per phase. sizes: how many examples each phase has, falling; each
    phase is part of the one before. A phase of all examples keeps the classes as they are, any
    smaller one is balanced as in `select`, whose "hard" with the same seed it equals. ValueError:
    as `select`; sizes that rise or are none.
    """
    labels = _labels(labels)
    sizes = [int(size) for size in np.atleast_1d(sizes)]
    if not sizes or sorted(sizes, reverse=True) != sizes:
        raise ValueError(f"The sizes of a phase-out fall from phase to phase, not as {sizes}.")
    ranked = _hardest_first(scores, labels, seed)
    return [
        np.arange(size)
        if size == len(labels)
        else _first_per_class(ranked, labels, _per_class(labels, size))
        for size in sizes
    ]


def falling_sizes(n: int, last: int, phases: int, classes: int) -> list[int]:
    """Compute sizes for `phase_out`: from all n down to `last`, by one factor, whole per class.

    ValueError: fewer than two phases, or `last` above n or not a multiple of `classes`.
    """
    if phases < 2 or not classes <= last <= n or last % classes:
        raise ValueError(
            f"A schedule falls from {n} examples in at least two phases to a multiple of "
            f"{classes}, not in {phases} to {last}."
        )
    between = n * (last / n) ** (np.arange(1, phases - 1) / (phases - 1))
    return [n, *(max(last, int(size) // classes * classes) for size in between), last]


def shuffled_within_class(
    scores: ArrayLike, labels: ArrayLike, seed: int = 0
) -> NDArray[np.float64]:
    """Deal the scores out anew among the examples of each class: (example,).

    The control for a choice by difficulty: every class keeps its scores and the choice its sizes,
    and which example is called hard says nothing any more.
    """
    labels = _labels(labels)
    out = _scores(scores, labels).copy()
    rng = np.random.default_rng(seed)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        out[mine] = out[rng.permutation(mine)]
    return out


def _hardest_first(scores: ArrayLike | None, labels: NDArray, seed: int) -> NDArray[np.int64]:
    """Sort (example,) indices from the lowest score up, equal ones in a drawn order."""
    scores = _scores(scores, labels)
    if missing := int(np.isnan(scores).sum()):
        raise ValueError(
            f"{missing} of {len(scores)} scores are NaN, so these examples are neither hard nor "
            "easy; add members until each was held out, or choose among the others."
        )
    drawn = np.random.default_rng(seed).permutation(len(scores))
    return drawn[np.argsort(scores[drawn], kind="stable")]


def _first_per_class(ranked: NDArray, labels: NDArray, share: int) -> NDArray[np.int64]:
    """Return, ascending, the first `share` of each class in the order `ranked`."""
    by_class = [ranked[labels[ranked] == label][:share] for label in np.unique(labels)]
    return np.sort(np.concatenate(by_class))


def _per_class(labels: NDArray, n: int) -> int:
    """Say how many of each class make n examples; ValueError where that cannot be."""
    names, counts = np.unique(labels, return_counts=True)
    share = n // len(names)
    if n < 1 or n % len(names):
        raise ValueError(
            f"{n} examples cannot be shared equally by {len(names)} classes; ask for a multiple "
            f"of {len(names)}."
        )
    if share > counts.min():
        raise ValueError(
            f"{n} examples are {share} of each class, and class {names[counts.argmin()]} has "
            f"{counts.min()}; ask for {counts.min() * len(names)} or fewer."
        )
    return share


def _labels(labels: ArrayLike) -> NDArray:
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels are one class per example, not of the shape {labels.shape}.")
    return labels


def _scores(scores: ArrayLike | None, labels: NDArray) -> NDArray[np.float64]:
    scores = np.asarray(scores, float)
    if scores.shape != labels.shape:
        raise ValueError(
            f"There must be one score per example, {len(labels)}, not scores of the shape "
            f"{scores.shape}."
        )
    return scores


def balanced_subset(labels: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """Choose `n` examples as evenly over the classes as they allow; indices in random order.

    ValueError for n outside 1 to the number of examples.
    """
    if not 0 < n <= len(labels):
        raise ValueError(f"A subset of {n} examples was asked of {len(labels)}; ask for fewer.")
    order = np.random.default_rng(seed).permutation(len(labels))
    turn = np.empty(len(labels), int)  # how many of its class come before each example
    for k in np.unique(labels):
        members = order[labels[order] == k]
        turn[members] = np.arange(len(members))
    return order[np.argsort(turn[order], kind="stable")[:n]]
