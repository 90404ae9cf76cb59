"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise


def _scatter() -> float:
    share = np.array([1, 5, 2]) / 8
    return float(-(share * np.log(share)).sum())


def _by_chance() -> float:
    from scipy.stats import binom

    return float(binom.cdf(3, 5, 0.9))


EXERCISES = {
    "bounds-consensus": Exercise(
        lambda: 5 / 8,
        lambda truth: 0.005,
        "Count the answers of the most frequent class, whatever the label is, and divide by eight.",
    ),
    "bounds-entropy": Exercise(
        _scatter,
        lambda truth: 0.005,
        "Sum -p ln p over the shares 1/8, 5/8 and 2/8, with the natural logarithm.",
    ),
    "bounds-noise": Exercise(
        _by_chance,
        lambda truth: 0.002,
        "Add the binomial probabilities of 0 to 3 such answers out of five, at .9 each.",
    ),
}
