"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise
from nbcore.measures import robustness


def _networks_needed() -> float:
    from nbcore.measures.cscores import spearman_brown

    sizes = np.arange(10, 1000)
    return float(sizes[np.argmax([spearman_brown(0.8, n / 10) >= 0.95 for n in sizes])])


def _going_on() -> float:
    fit = robustness.fit_line([0.50, 0.75, 0.90], [0.25, 0.50, 0.75])
    before, after = robustness.effective_robustness([0.90, 0.86], [0.78, 0.74], fit)
    return float(after - before)


EXERCISES = {
    "difficulty-score": Exercise(
        lambda: 3 / 5,
        lambda truth: 0.005,
        "Only the networks that did not train on the image count, above and below the fraction.",
    ),
    "difficulty-members": Exercise(
        _networks_needed,
        lambda truth: 1.0,
        "Solve .95 = f r / (1 + (f - 1) r) for f with r = .8, and multiply by the ten networks.",
    ),
    "difficulty-trade": Exercise(
        _going_on,
        lambda truth: 0.002,
        "The line divides odds by three: at 86 % it expects odds of (.86 / .14) / 3.",
    ),
}
