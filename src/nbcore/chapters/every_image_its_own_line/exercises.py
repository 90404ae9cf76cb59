"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.chapters.every_image_its_own_line import observe, runs
from nbcore.chapters.every_image_its_own_line.config import EveryImageItsOwnLine
from nbcore.exercises import Exercise, Question
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
        first=(
            "A correlation compares deviations from two means; write down both columns of"
            " deviations."
        ),
    ),
    "own-unsolved": Exercise(
        lambda: float(np.isnan(_table()["correlation"].values).mean()),
        lambda truth: 0.005,
        "Count images that are NaN in `correlation`: all models are right on them, or all wrong.",
        first=(
            "A correlation with a constant does not exist: for which images are all "
            "answers the same?"
        ),
    ),
    "own-networks": Exercise(
        lambda: observe.held_out(_table(), runs.NETWORKS, runs.CHOSEN).value,
        lambda truth: 0.02,
        "Take `held_out` of the models without Fisher vectors, and the median over splits.",
        first=(
            "The chapter judges chosen images on models that did not choose them; leave a"
            " group of models out."
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        "If models had one ability and images one difficulty, which profiles could not exist?",
        ("Rising ones", "Falling ones", "Flat ones"),
        1,
        (
            "A more able model would never be less likely to be right. One image on which "
            "better models do worse refutes the picture."
        ),
    ),
    "The experiment": Question(
        (
            "As many profiles fall as with shuffled accuracies. How can it be shown that some"
            " fall for a reason?"
        ),
        (
            "By their pictures",
            "By counting more images",
            "By whether the chosen ones fall again on models that had no part in the choice",
        ),
        2,
        (
            "Luck does not repeat. An image that fell by chance for some models is, for others, "
            "like any image that is as hard: it mostly rises."
        ),
    ),
    "What could be wrong": Question(
        "Three very weak models decide a correlation. What is that called, and what helps?",
        (
            "Leverage; leaving them out and saying so",
            "Bias; more seeds",
            "Noise; a longer training",
        ),
        0,
        (
            "Points far from the rest pull a correlation. The row without them is shown, and "
            "decides nothing since the check did not ask for it."
        ),
    ),
}
