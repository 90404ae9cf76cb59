"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question


def _scatter() -> float:
    share = np.array([1, 5, 2]) / 8
    return float(-(share * np.log(share)).sum())


def _by_chance() -> float:
    from scipy.stats import binom

    return float(binom.cdf(3, 5, 0.9))


EXERCISES = {
    "bounds-consensus": Exercise(
        lambda: 5 / 8,
        lambda truth: 0.005,
        "Count the answers of the most frequent class, whatever the label is, and divide by eight.",
        first="Find the consensus first: the label has no say in it.",
    ),
    "bounds-entropy": Exercise(
        _scatter,
        lambda truth: 0.005,
        "Sum -p ln p over the shares 1/8, 5/8 and 2/8, with the natural logarithm.",
        first=(
            "Turn the counts into shares; how surprised each share would leave you is its"
            " logarithm."
        ),
    ),
    "bounds-noise": Exercise(
        _by_chance,
        lambda truth: 0.002,
        "Add the binomial probabilities of 0 to 3 such answers out of five, at .9 each.",
        first="Which counts out of five give such a share or less, and how likely is each?",
    ),
}

QUESTIONS = {
    "The idea": Question(
        (
            "All five networks say dog, the label is cat. What are consistency and consensus-"
            "consistency?"
        ),
        ("0 and 1", "1 and 0", "Both are 0"),
        0,
        (
            "None says the label, and all say the consensus. Agreement and being right are "
            "two things."
        ),
    ),
    "The experiment": Question(
        "Why is the bound scored on networks that did not fit it?",
        (
            "To save time",
            "The paper has too few images",
            "A line fitted under a cloud always lies under that cloud",
        ),
        2,
        (
            "A bound that was drawn under points cannot fail on them. It says something only "
            "where it could have failed."
        ),
    ),
    "What one network tells": Question(
        "What does this section ask that the mean over networks does not?",
        (
            "Whether depth grows with training",
            "Whether networks are equally deep",
            "Whether the depth in a single trained network already tells something",
        ),
        2,
        (
            "A mean depth costs an ensemble. A practitioner has one network, and wants to "
            "know what its own depth is worth."
        ),
    ),
    "How steep it is depends on the task": Question(
        "Two data sets give a rank correlation of one. How strong is that evidence?",
        ("Very: it cannot be larger", "Hardly any: with two points it is always one or minus one"),
        1,
        (
            "Two points have an order and no more. A coin would give the expected sign in "
            "half of all cases."
        ),
    ),
    "What could be wrong": Question(
        "Close to depth 0 a high agreement follows from the definition. Why?",
        (
            "Entropy is never negative",
            "Networks that decide at the input all answer as the nearest neighbours do",
            "Easy images are rare",
        ),
        1,
        (
            "Neighbours among raw images are nearly the same for all networks, since these "
            "share most of their training images."
        ),
    ),
}
