"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

from nbcore.chapters.sampling_unseen import guidance, weighted
from nbcore.exercises import Exercise, Question


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
        first="Compare how guided DDPM moves with what both steps move together.",
    ),
    "sampling-ddim": Exercise(
        lambda: guidance.closed_form(guidance.DDIM, 2.0),
        lambda truth: 0.005,
        "DDIM's variance is the conditional one times a power of the ratio of the two.",
        first="Integrate the guided score from much noise to none: a product of powers is left.",
    ),
    "sampling-cool": Exercise(
        _left,
        lambda truth: 0.005,
        "A normal of variance v to the power p has mass proportional to v to the (1 - p) / 2.",
        first="Cooling favours high densities, and narrow modes are high.",
    ),
}

QUESTIONS = {
    "The idea": Question(
        "Why is a small reverse step nearly normal, whatever the target?",
        (
            "Because the target is nearly normal",
            "Because the log density is nearly straight over so short a distance",
            "Because noise was added many times",
        ),
        1,
        "A narrow normal factor times the exponential of a straight line is a normal again.",
    ),
    "The experiment": Question(
        "Conditions show one object each. When do their scores add up to all objects at once?",
        (
            "If each changes features of its own and leaves the rest as in the background",
            "If the background is the mixture of all conditions",
            "Always, since noise is added to all alike",
        ),
        0,
        "Then all densities factorize, at every noise, and the sum is the score of the product.",
    ),
    "What could be wrong": Question(
        "Scores are exact here. Where would a learned one be least reliable?",
        ("Near its training data", "Where guidance and composition lead", "At the most noise"),
        1,
        "They lead to places that no training example was near.",
    ),
}
