"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np
from scipy import stats

from nbcore.chapters.honest_science import holdout
from nbcore.exercises import Exercise


def _samples_needed() -> float:
    """Find the least n at which a million queries are allowed at a margin of .1."""
    return float(next(n for n in range(1, 10_000) if holdout.allowed(n, 0.1) >= 1e6))


def _mean_of_nine() -> float:
    """Accuracy of a mean of nine features, right with chance .55, moved by .3."""
    # the mean (2 k - 9) / 9 of k that agree has to stay above .3
    return float(stats.binom.sf(np.floor(9 * 1.3 / 2), 9, 0.55))


EXERCISES = {
    "honest-samples": Exercise(
        _samples_needed,
        lambda truth: 1,
        "Solve level · exp(2 n margin²) = 1,000,000 for n, with level .05 and margin .1.",
    ),
    "honest-path": Exercise(
        lambda: (1 - 0.5**3) / 2,
        lambda truth: 0.002,
        "The product of three answers is right with chance (1 + δ³) / 2.",
    ),
    "honest-nine": Exercise(
        _mean_of_nine,
        lambda truth: 0.002,
        "With k features that agree the mean is (2 k - 9) / 9; which k keep it above .3?",
    ),
}
