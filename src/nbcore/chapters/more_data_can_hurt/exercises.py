"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question
from nbcore.measures.generalization.ridge import exact_risk, optimal_ridge


def _turning_point() -> float:
    """Find the n below d = 100 with the least risk, for ||β|| = 1 and σ = .5."""
    risks = [bias + 0.25 * noise for bias, noise in (exact_risk(n, 100) for n in range(1, 99))]
    return float(1 + np.argmin(risks))


def _examples_needed() -> float:
    """Find the n above d = 100 from which the risk is below that of fitting nothing, 1."""
    beyond = (n for n in range(102, 1000) if 0.25 * exact_risk(n, 100)[1] < 1)
    return float(next(beyond))


EXERCISES = {
    "more-turn": Exercise(
        _turning_point,
        lambda truth: 1,
        "Add bias and σ² times variance of exact_risk(n, 100) for n = 1 … 98, and look where the "
        "sum is least.",
        first="The risk is a sum of a part that falls with n and one that grows towards d.",
    ),
    "more-needed": Exercise(
        _examples_needed,
        lambda truth: 1,
        "Beyond d there is no bias: solve σ² d / (n - d - 1) = ‖β‖² for n.",
        first=(
            "Who answers zero everywhere has the risk of the truth's own size; when is "
            "fitting better than that?"
        ),
    ),
    "more-ridge": Exercise(
        lambda: optimal_ridge(100, 0.5, seen=4.0),
        lambda truth: 0.01,
        "The best ridge is the variance of the noise over that of one coordinate of β.",
        first=(
            "A ridge is a belief about how large each coordinate of the truth is, against"
            " the noise."
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        "Which part of the risk rises as n comes near d from below?",
        ("Both", "The bias", "The variance"),
        2,
        (
            "Each example takes from the bias. The variance explodes since the last "
            "directions are those in which inputs hardly vary."
        ),
    ),
    "The experiment": Question(
        "Which ridge makes every further example help in expectation?",
        ("The largest one", "That which fits the noise and the size of the truth", "None at all"),
        1,
        (
            "It shrinks those directions in which the noise would blow up, by as much as the "
            "noise deserves."
        ),
    ),
    "What could be wrong": Question(
        "The peaks of features and networks are measured with a fifth of the labels wrong. What "
        "does that do?",
        ("It hides them", "It moves them to the input", "It makes them tall"),
        2,
        "What peaks is the cost of fitting noise, and wrong labels are noise.",
    ),
}
