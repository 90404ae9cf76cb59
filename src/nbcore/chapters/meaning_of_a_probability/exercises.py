"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise
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
    ),
    "probability-bins": Exercise(
        lambda: binned_ece(*calibrated_sample(), 100) / binned_ece(*calibrated_sample(), 10),
        lambda truth: 0.1,
        "Call binned_ece(p, y, 100) and binned_ece(p, y, 10) on the sample; it is calibrated by "
        "construction.",
    ),
    "probability-shift": Exercise(
        lambda: smooth_calibration_error([0.2, 0.6], [0.4, 0.4]),
        lambda truth: 0.005,
        "One half is too low by .2, the other too high by .2, and their predictions are .4 apart: "
        "how much may η differ between them?",
    ),
}
