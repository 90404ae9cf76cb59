"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise

EXERCISES = {
    "learning-when": Exercise(
        lambda: 40.0,
        lambda truth: 0.5,
        "Go back from the last evaluation while the answer is cat; the dog before it is too late.",
    ),
    "learning-margin": Exercise(
        lambda: 2.0,  # 10 over the length 5 of the gradient (3, 4)
        lambda truth: 0.005,
        "Divide the difference of the logits by the length of its gradient, (3, 4).",
    ),
    "learning-log": Exercise(
        lambda: float(np.log(5 / 3)),
        lambda truth: 0.005,
        "The mean margin is 5; the mean of the logarithms is that of the geometric mean, 3.",
    ),
}
