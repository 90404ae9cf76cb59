"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question
from nbcore.measures.calibration.binned import binned_ece
from nbcore.measures.calibration.distance import distance_from_calibration
from nbcore.measures.calibration.smooth import smooth_calibration_error


def calibrated_sample(n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Draw n predictions evenly, and outcomes with just these chances."""
    rng = np.random.default_rng(13)
    p = rng.random(n)
    return p, (rng.random(n) < p).astype(float)


EXERCISES = {
    "probability-three": Exercise(
        lambda: distance_from_calibration([0.5, 0.5, 0.9], [0.1, 0.9, 0.5]),
        lambda truth: 0.005,
        "A calibrated predictor has the mean chance of a block on each of its blocks: try the five "
        "ways of putting three inputs into blocks.",
        first=(
            "A calibrated predictor may leave inputs together that differ; which of these three had"
            " better stay together?"
        ),
    ),
    "probability-bins": Exercise(
        lambda: binned_ece(*calibrated_sample(), 100) / binned_ece(*calibrated_sample(), 10),
        lambda truth: 0.1,
        "Call binned_ece(p, y, 100) and binned_ece(p, y, 10) on the sample; it is calibrated by "
        "construction.",
        first=(
            "Nothing is wrong with these predictions; how far is a bin off by chance alone, if it"
            " holds many samples, and if it holds few?"
        ),
    ),
    "probability-shift": Exercise(
        lambda: smooth_calibration_error([0.2, 0.6], [0.4, 0.4]),
        lambda truth: 0.005,
        "One half is too low by .2, the other too high by .2, and their predictions are .4 apart: "
        "how much may η differ between them?",
        first=(
            "The best η is as high as it may be where a prediction is too low, and as low as it"
            " may be where one is too high."
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        (
            "Two coins, of which one never shows heads and one always, were given .5 each and are"
            " now given .499 and .501. What do the measures say?"
        ),
        (
            "All of them jump to nearly one half",
            "All of them stay near 0",
            "The expected calibration error jumps to nearly one half, distance and smooth error "
            "stay near 0",
        ),
        2,
        (
            "The expected error looks at each predicted value by itself, and these two are now "
            "told apart. A calibrated predictor, .5 for both, is still only .001 away."
        ),
    ),
    "The experiment": Question(
        "No `p + η(p)`, with η of slope at most 1, has less squared loss than `p`. What follows?",
        (
            "Its smooth calibration error is 0",
            "It is calibrated within every group",
            "It is as accurate as a model can be",
        ),
        0,
        (
            "With a smooth error of s, s times the best η would gain s² or more. It says nothing "
            "of what the prediction does not show: groups can be off in opposite directions, and "
            "one prediction for all can be calibrated."
        ),
    ),
    "What could be wrong": Question(
        "In a group of three hundred rows SmoothECE is two points. What does that show?",
        (
            "That the group needs a remedy",
            "Little, as a calibrated model may show as much in so few rows",
            "That the model is off over all rows, too",
        ),
        1,
        (
            "No sample shows an error of 0, and small ones show more by chance. What a remedy "
            "changes on the same rows is safer to read than a level."
        ),
    ),
}
