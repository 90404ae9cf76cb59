"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question
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
        first=(
            "An answer on a training image is no evidence about the image; whose answers are left?"
        ),
    ),
    "difficulty-members": Exercise(
        _networks_needed,
        lambda truth: 1.0,
        "Solve .95 = f r / (1 + (f - 1) r) for f with r = .8, and multiply by the ten networks.",
        first="Averages over more networks agree better; one formula says by how much.",
    ),
    "difficulty-trade": Exercise(
        _going_on,
        lambda truth: 0.002,
        "The line divides odds by three: at 86 % it expects odds of (.86 / .14) / 3.",
        first=(
            "Effective robustness is taken at the model's own accuracy: the expectation moves too."
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        (
            "All networks that were trained on an image get it right; nobody held it out. "
            "What is its C-score?"
        ),
        ("1", "It has none", "0"),
        1,
        (
            "An answer on a training image may be memory. Without a network that has not seen"
            " the image nothing is known."
        ),
    ),
    "The scores": Question(
        "Very many images have the highest score. What does choosing the easiest amount to?",
        ("A choice by class", "A draw among them", "A choice of the best photographs"),
        1,
        (
            "Images that every network gets right cannot be told apart by the score. More "
            "networks of the kind hardly help."
        ),
    ),
    "Training on what was chosen": Question(
        "What is the control with the scores shuffled within each class for?",
        (
            "It measures the accuracy of scores",
            "It should beat hard examples",
            "It should behave as random examples do",
        ),
        2,
        (
            "It chooses by the same way but at random. If it differs from random examples by "
            "more than chance, so may everything else."
        ),
    ),
    "Phasing out the easy examples": Question(
        "Why is a schedule compared with all examples trained in as many phases?",
        (
            "Because phases are random",
            "To double the steps",
            "So that only the examples differ, not rates and restarts",
        ),
        2,
        (
            "Restarting a rate changes a network by itself. A comparison should differ in the"
            " one thing that is asked about."
        ),
    ),
    "Going on with hard examples": Question(
        (
            "Accuracy falls on both test sets and effective robustness rises. Was anything "
            "new solved?"
        ),
        (
            "Not necessarily: the shifted accuracy fell by less than expected",
            "Yes, since it is more robust",
        ),
        0,
        (
            "A worse model is expected to do worse. Falling by less than the line asks for "
            "counts as a rise."
        ),
    ),
    "More pretraining images: a stand-in": Question(
        "The stand-in shows no growth. What does that say about the paper's claim?",
        (
            "It is refuted",
            "It is confirmed",
            "Little: other pictures, a small network, a short training",
        ),
        2,
        "A stand-in can lend support, but its failure may be its own.",
    ),
    "What could be wrong": Question(
        "Hard examples hold more wrong labels. What does training on them therefore cost?",
        ("Nothing, labels are averaged", "Only time", "Accuracy, whatever becomes of robustness"),
        2,
        "A network learns the labels that it is given, also those that are wrong.",
    ),
}
