"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise
from nbcore.measures.generalization.ridge import exact_risk, optimal_ridge


def _turning_point() -> float:
    """Find the n below d = 100 with the least risk, for ||β|| = 1 and σ = .5."""
    risks = [bias + 0.25 * noise for bias, noise in (exact_risk(n, 100) for n in range(1, 99))]
    return float(1 + np.argmin(risks))


def _examples_needed() -> float:
    """Find the n above d = 100 from which the risk is below that of fitting nothing, 1."""
    beyond = (n for n in range(102, 1000) if 0.25 * exact_risk(n, 100)[1] < 1)
    return float(next(beyond))


EXERCISES = {
    "more-turn": Exercise(
        _turning_point,
        lambda truth: 1,
        "Add bias and σ² times variance of exact_risk(n, 100) for n = 1 … 98, and look where the "
        "sum is least.",
    ),
    "more-needed": Exercise(
        _examples_needed,
        lambda truth: 1,
        "Beyond d there is no bias: solve σ² d / (n - d - 1) = ‖β‖² for n.",
    ),
    "more-ridge": Exercise(
        lambda: optimal_ridge(100, 0.5, seen=4.0),
        lambda truth: 0.01,
        "The best ridge is the variance of the noise over that of one coordinate of β.",
    ),
}
