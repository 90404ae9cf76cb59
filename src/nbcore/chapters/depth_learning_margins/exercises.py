"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question

EXERCISES = {
    "learning-when": Exercise(
        lambda: 40.0,
        lambda truth: 0.5,
        "Go back from the last evaluation while the answer is cat; the dog before it is too late.",
        first="The first right answer does not count if a wrong one follows it.",
    ),
    "learning-margin": Exercise(
        lambda: 2.0,  # 10 over the length 5 of the gradient (3, 4)
        lambda truth: 0.005,
        "Divide the difference of the logits by the length of its gradient, (3, 4).",
        first=(
            "A boundary is where two logits are equal; how fast does their difference "
            "change on the way there?"
        ),
    ),
    "learning-log": Exercise(
        lambda: float(np.log(5 / 3)),
        lambda truth: 0.005,
        "The mean margin is 5; the mean of the logarithms is that of the geometric mean, 3.",
        first=("Compute both numbers: the logarithm of a mean, and the mean of two logarithms."),
    ),
}

QUESTIONS = {
    "The idea": Question(
        "For which classifier is the first-order input margin exact?",
        ("For a linear one", "For none", "For every one"),
        0,
        (
            "There logits change evenly along the way to the boundary. Elsewhere the gradient"
            " at the image only begins the way."
        ),
    ),
    "The experiment": Question(
        "Which networks give the margins of test images?",
        (
            "One chosen network",
            "Those trained on the whole pool",
            "Those that held the image out by turns",
        ),
        1,
        (
            "Test images are held out by everyone, so all networks on the whole pool can be "
            "averaged."
        ),
    ),
    "Decided early, learned early?": Question(
        "Why is the relation shown again among right answers within each class?",
        (
            "Being right makes an image shallow and early, which alone gives a relation",
            "To have more points",
            "Wrong answers have no depth",
        ),
        0,
        (
            "Where two quantities both follow from a third one, they agree without having to "
            "do with each other. Holding it fixed shows what is left."
        ),
    ),
    "Decided early, wide margins?": Question(
        (
            "Margins get smaller with depth and so does their variance. Which test takes the "
            "first out of the second?"
        ),
        ("The variance over data sets", "The variance of the logarithms", "A larger sample"),
        1,
        "A factor that shrinks all margins leaves differences of logarithms as they are.",
    ),
    "Separable, or clustered?": Question(
        "Why does a linear probe not serve for depth on training images?",
        (
            "It calls nearly all of them decided after the first layer",
            "It is slow",
            "It needs labels",
        ),
        0,
        (
            "In many dimensions a plane separates a training set early. Neighbours ask for "
            "more: that like images lie together."
        ),
    ),
    "What could be wrong": Question(
        ("Depth, learning time and margin go together. Does a late decision cause a small margin?"),
        (
            "Yes",
            "No, the other way round",
            "This cannot be told from it: all three may follow from how typical an image is",
        ),
        2,
        (
            "Nothing was changed while the rest was held fixed, so the data show a relation "
            "and no cause."
        ),
    ),
}
