"""C-scores: how often networks that never saw an example classify it rightly (Jiang et al., 2021).

A C-score of 1 is an example that follows from the others; 0 is one that has to be memorised. It is
an accuracy of held-out predictions, so it is estimated by training many networks on random shares
of a training set and asking each only about what it did not see.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata


@dataclass(frozen=True)
class CScores:
    """What the held-out predictions say of each example; every array is (example,).

    score: share of the members without the example that got it right, in [0, 1], low is hard;
    standard_error: of that share; count: how many members it was held out in.
    """

    score: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    count: NDArray[np.int64]


def c_scores(correct: ArrayLike, held_out: ArrayLike) -> CScores:
    """Compute the held-out accuracy of every example, NaN where no member held it out.

    correct, held_out (member, example) bool: whether a member's prediction is the label, and
    whether the example was outside its training set; `correct` counts only there. The standard
    error is the binomial sqrt(s (1 - s) / count). It is 0 where all members agree, which does not
    make those scores exact: after k agreeing members, rates up to about 3 / k remain possible.
    ValueError: not two tables of one shape, of truth values, with an example and a member.
    """
    right, held = _tables(correct, held_out)
    count = held.sum(axis=0)
    with np.errstate(invalid="ignore"):
        score = (right & held).sum(axis=0) / count
        error = np.sqrt(score * (1 - score) / count)
    return CScores(score, error, count)


def split_half_reliability(
    correct: ArrayLike, held_out: ArrayLike, sizes, draws: int = 50, seed: int = 0
) -> NDArray[np.float64]:
    """Correlate (Spearman) the scores of two disjoint groups of `size` members: (size, draw).

    Tables as for `c_scores`; every draw picks two groups anew, the same ones in every call with
    the same seed, and correlates over the examples that were held out in both. It tells how well a
    ranking from `size` members repeats itself; what a ranking by all the members would reach is
    `spearman_brown(..., 2)` of half of them. NaN where a group gives every example the same score.
    ValueError: as `c_scores`; a size below 1 or above half of the members; draws below 1.
    """
    right, held = _tables(correct, held_out)
    sizes = [int(size) for size in np.atleast_1d(sizes)]
    if draws < 1 or min(sizes) < 1 or 2 * max(sizes) > len(held):
        raise ValueError(
            f"Two disjoint groups need sizes from 1 to {len(held) // 2} for {len(held)} members "
            f"and at least one draw, not sizes {sizes} and {draws} draws."
        )
    rng = np.random.default_rng(seed)
    out = np.empty((len(sizes), draws))
    for row, size in zip(out, sizes, strict=True):
        for draw in range(draws):
            first, second = rng.permutation(len(held))[: 2 * size].reshape(2, size)
            one = c_scores(right[first], held[first]).score
            other = c_scores(right[second], held[second]).score
            row[draw] = spearman(one, other)
    return out


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Compute the rank correlation of pairs without NaN; NaN for under two or a constant side."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    both = ~np.isnan(x) & ~np.isnan(y)
    if both.sum() < 2 or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(x[both]), rankdata(y[both]))[0, 1])


def spearman_brown(reliability: ArrayLike, factor: float) -> NDArray[np.float64]:
    """Predict the reliability of `factor` times as many members: f r / (1 + (f - 1) r).

    Exact for means of members that are alike; for rank correlations a good approximation.
    """
    r = np.asarray(reliability, float)
    return factor * r / (1 + (factor - 1) * r)


def _tables(correct: ArrayLike, held_out: ArrayLike) -> tuple[NDArray, NDArray]:
    right, held = np.asarray(correct), np.asarray(held_out)
    if right.shape != held.shape or right.ndim != 2 or right.size == 0:
        raise ValueError(
            "C-scores need `correct` and `held_out` of one shape (member, example), not "
            f"{right.shape} and {held.shape}."
        )
    if right.dtype != bool or held.dtype != bool:
        raise ValueError(
            f"`correct` and `held_out` are truth values, not {right.dtype} and {held.dtype}; "
            "compare the predictions with the labels first."
        )
    return right, held
