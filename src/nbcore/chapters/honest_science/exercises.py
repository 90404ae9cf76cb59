"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np
from scipy import stats

from nbcore.chapters.honest_science import holdout
from nbcore.exercises import Exercise, Question


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
        first="How many queries a threshold allows grows exponentially with the number of samples.",
    ),
    "honest-path": Exercise(
        lambda: (1 - 0.5**3) / 2,
        lambda truth: 0.002,
        "The product of three answers is right with chance (1 + δ³) / 2.",
        first="A product is wrong if an odd number of its answers is.",
    ),
    "honest-nine": Exercise(
        _mean_of_nine,
        lambda truth: 0.002,
        "With k features that agree the mean is (2 k - 9) / 9; which k keep it above .3?",
        first="The opponent lowers the mean by as much as each feature; how many must agree then?",
    ),
}

QUESTIONS = {
    "The idea": Question(
        "Why may the chances of false discoveries be added up if the answer is only yes or no?",
        (
            "Because features are independent",
            "Because until the first yes the next question is known beforehand",
            "Because a bit has no noise",
        ),
        1,
        "After a no nothing new is known, so the questions are as good as fixed in advance.",
    ),
    "The experiment": Question(
        "A bit for each feature, whether it is right more often than not, soon does as much harm "
        "as a score. What then protects in yes and no at a threshold?",
        ("That the answer is short", "That it is almost always the same", "That it is exact"),
        1,
        "An answer that is nearly always no carries nearly no information about the samples.",
    ),
    "This book under its own tools": Question(
        "A check asks for a rise to the peak, and the peak is read off the same curve. What does a "
        "shuffled curve do?",
        ("It passes often", "It never passes", "It has no peak"),
        0,
        "Any wiggle has a highest point above an earlier one, and shuffling makes large wiggles.",
    ),
    "What could be wrong": Question(
        "Two halves of the seeds of one run agree. What is not tested by that?",
        ("Luck in the seeds", "Luck in the data that both halves share", "The number of seeds"),
        1,
        "Both halves were trained and tested on the same images; other images were not drawn.",
    ),
}
