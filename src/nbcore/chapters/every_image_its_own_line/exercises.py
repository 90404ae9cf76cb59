"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.chapters.every_image_its_own_line import observe, runs
from nbcore.chapters.every_image_its_own_line.config import EveryImageItsOwnLine
from nbcore.exercises import Exercise
from nbcore.measures.generalization.profiles import profile_correlation


def _table():
    return runs.load_profiles(EveryImageItsOwnLine.book().profiles).table("imagenetv2")


def _by_hand() -> float:
    """Correlate being right by the two weakest of four models with their accuracies."""
    return float(profile_correlation([[1], [1], [0], [0]], [0.6, 0.7, 0.8, 0.9])[0])


EXERCISES = {
    "own-hand": Exercise(
        _by_hand,
        lambda truth: 0.005,
        "Deviations from the means are ±.5 for the answers and ±.05, ±.15 for the accuracies.",
    ),
    "own-unsolved": Exercise(
        lambda: float(np.isnan(_table()["correlation"].values).mean()),
        lambda truth: 0.005,
        "Count images that are NaN in `correlation`: all models are right on them, or all wrong.",
    ),
    "own-networks": Exercise(
        lambda: observe.held_out(_table(), runs.NETWORKS, runs.CHOSEN).value,
        lambda truth: 0.02,
        "Take `held_out` of the models without Fisher vectors, and the median over splits.",
    ),
}
