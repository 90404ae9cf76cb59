"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

from nbcore.chapters.sampling_unseen import guidance, weighted
from nbcore.exercises import Exercise


def _left() -> float:
    """Compute the share of the left mode after cooling the chapter's mixture."""
    ((mixture, power),) = weighted.factors(weighted.COOLED)
    masses = mixture.weights**power * mixture.variances[:, 0] ** ((1 - power) / 2)
    return float(masses[0] / masses.sum())


EXERCISES = {
    "sampling-corrector": Exercise(
        lambda: guidance.corrector(2.0),
        lambda truth: 0.01,
        "Half of the corrector's drift and half of the predictor's are that of guided DDPM.",
    ),
    "sampling-ddim": Exercise(
        lambda: guidance.closed_form(guidance.DDIM, 2.0),
        lambda truth: 0.005,
        "DDIM's variance is the conditional one times a power of the ratio of the two.",
    ),
    "sampling-cool": Exercise(
        _left,
        lambda truth: 0.005,
        "A normal of variance v to the power p has mass proportional to v to the (1 - p) / 2.",
    ),
}
