"""Accuracy profiles of single examples: how right models are on one, by how right they are on all.

After Kaplun et al. 2022. A profile rises where better models do better on the example, and falls
where they do worse.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def profile_correlation(correct: ArrayLike, accuracy: ArrayLike) -> Floats:
    """Correlate being right on each example with accuracy, over models: (example,).

    correct (model, example) bool, accuracy (model,) in [0, 1]. NaN where all models are right or
    all wrong, or where all are equally accurate. ValueError: other shapes, fewer than three models.
    """
    right, known = _checked(correct, accuracy)
    y, x = right - right.mean(0), known - known.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x @ y) / np.sqrt((x**2).sum() * (y**2).sum(0))


def set_correlation(correct: ArrayLike, accuracy: ArrayLike) -> float:
    """Correlate accuracy on a set of examples with accuracy, over models; NaN as above."""
    right, known = _checked(correct, accuracy)
    return float(profile_correlation(right.mean(1, keepdims=True), known)[0])


def falling(correct: ArrayLike, accuracy: ArrayLike, n: int) -> NDArray[np.int64]:
    """Choose the n examples whose profiles fall most: ascending indices.

    ValueError where fewer than n have a profile that falls at all.
    """
    found = profile_correlation(correct, accuracy)
    below = int((found < 0).sum())
    if below < n:
        raise ValueError(
            f"{below} examples have a profile that falls, not the {n} that were asked for; ask for "
            "fewer, or take more models."
        )
    return np.sort(np.argsort(np.where(np.isnan(found), np.inf, found), kind="stable")[:n])


def equally_hard(
    correct: ArrayLike, chosen: ArrayLike, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw, for each chosen example, another that as many models get right: ascending indices.

    Where none is left with just as many, the nearest number is taken. ValueError where there are
    not enough examples beside the chosen ones.
    """
    solved = np.asarray(correct).sum(0)
    chosen = np.asarray(chosen)
    free = rng.permutation(np.setdiff1d(np.arange(len(solved)), chosen))
    if len(free) < len(chosen):
        raise ValueError(
            f"Beside the {len(chosen)} chosen examples there are {len(free)}; choose fewer."
        )
    taken = []
    for example in chosen:
        k = int(np.abs(solved[free] - solved[example]).argmin())
        taken.append(free[k])
        free = np.delete(free, k)
    return np.sort(np.array(taken, np.int64))


def binned_profile(correct: ArrayLike, accuracy: ArrayLike, bins: int) -> tuple[Floats, Floats]:
    """Average models of like accuracy: (bin,) accuracies and (bin, example) shares that are right.

    Bins hold equally many models, one more in the first where they do not divide. ValueError for
    more bins than models.
    """
    right, known = _checked(correct, accuracy)
    if not 1 <= bins <= len(known):
        raise ValueError(f"{len(known)} models make 1 to {len(known)} bins, not {bins}.")
    parts = np.array_split(np.argsort(known, kind="stable"), bins)
    return np.array([known[p].mean() for p in parts]), np.array([right[p].mean(0) for p in parts])


def _checked(correct: ArrayLike, accuracy: ArrayLike) -> tuple[Floats, Floats]:
    right, known = np.asarray(correct, float), np.asarray(accuracy, float)
    if right.ndim != 2 or known.shape != right.shape[:1] or len(known) < 3:
        raise ValueError(
            f"Profiles need (model, example) of three models or more and an accuracy for each, not "
            f"{right.shape} and {known.shape}."
        )
    if known.min() < 0 or known.max() > 1:
        raise ValueError(f"Accuracies are fractions in [0, 1], not up to {known.max():g}.")
    return right, known
