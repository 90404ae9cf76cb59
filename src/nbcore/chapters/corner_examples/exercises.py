"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question


def _how_far() -> float:
    from nbcore.measures.corners import scaled_plane

    # the ends of the axes, and the example
    x, y = scaled_plane([0, 12, 9], [1, 11, 3])[:, 2]
    return float(np.hypot(x - 1, y))


EXERCISES = {
    "corners-far": Exercise(
        _how_far,
        lambda truth: 0.005,
        "Scale both depths to 0 … 1; the corner is at (1, 0): late held out, early trained on.",
        first=(
            "The corner plane is made of two depths; bring both to the same scale before "
            "you measure."
        ),
    ),
    "corners-crossing": Exercise(
        lambda: 1 + 0.2 / 0.3,  # the lead is .2 at layer 1 and -.1 at layer 2
        lambda truth: 0.02,
        "Subtract the two rows; go from the last positive difference down to 0 in a straight line.",
        first=(
            "The lines cross where their difference changes its sign, and between two "
            "layers a line is straight."
        ),
    ),
    "corners-overall": Exercise(
        lambda: 100 * (0.98 - 0.25) / 50_000,
        lambda truth: 0.00002,
        "Only 100 of the 50,000 images change: count the answers gained and divide by all.",
        first=(
            "Compare what changes with all of the images, not with the hundred that were chosen."
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        (
            "An image is decided early when held out and late when trained on. What is to be "
            "suspected?"
        ),
        ("Its label", "Its size", "The network"),
        0,
        (
            "Without its label it looks like one thing at once; with its label the network "
            "has to work. The label may name another thing."
        ),
    ),
    "The experiment": Question(
        "Consensus and label agree. What does the paper expect of the two depths?",
        ("That they are alike", "Nothing", "That validation is deeper by far"),
        0,
        (
            "Then the label is what the networks see anyway, so that training on it is no "
            "further work."
        ),
    ),
    "On the way through the network": Question(
        "Where do early layers vote for an image's own class, and late layers against it?",
        ("Ambiguous unless labelled", "Easy", "Looks like another class"),
        0,
        (
            "There the early neighbours are of the label's class, and the network talks "
            "itself out of it later."
        ),
    ),
    "A middle layer to the rescue?": Question(
        (
            "Images whose training depth is small are rescued by an early probe. Why is that "
            "no surprise?"
        ),
        (
            "Small training depth means that an early probe agrees with the label",
            "Early probes are more accurate",
            "They are few",
        ),
        0,
        (
            "Whoever chooses by training depth has looked at the label. Only where other "
            "networks choose, or a rule without labels, is something shown."
        ),
    ),
    "Wrong labels": Question(
        "As many labels are inspected as are wrong. What is then true of precision and recall?",
        ("They add up to one", "Recall is higher", "They are equal"),
        2,
        "Both divide the wrong labels that were found by the same number.",
    ),
    "What could be wrong": Question(
        "Images drawn at random pass a check on a corner as well. What does the check say?",
        ("That corners are real", "That the draw was unlucky", "Little about the corner"),
        2,
        "A check is about corners only if it fails for what is none.",
    ),
}
