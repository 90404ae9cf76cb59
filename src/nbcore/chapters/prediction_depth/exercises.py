"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question


def _vote_for_oneself() -> float:
    """Compute what the digits' input probe gains when an image is among its own five neighbours."""
    from sklearn.datasets import load_digits

    from nbcore.measures.depth import knn_predict

    x, y = load_digits(return_X_y=True)
    right = [
        (knn_predict(x.astype(np.float32), y, x.astype(np.float32), 5, out) == y).mean()
        for out in (False, True)
    ]
    return float(right[0] - right[1])


def _chance_deeper() -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([1] * 3 + [0] * 4, [2, 5, 7, 0, 0, 2, 5]))


EXERCISES = {
    "depth-count": Exercise(
        lambda: 5.0,  # of seven probes the last two agree with the network without a break
        lambda truth: 0.1,
        "Start at the softmax and go back while the probes say bird; the input is number 0.",
        first="Depth asks from where on all later probes agree, not where one agrees first.",
    ),
    "depth-auroc": Exercise(
        _chance_deeper,
        lambda truth: 0.005,
        "There are 12 pairs: count those where the wrong label is deeper, and half of the ties.",
        first=("Compare every wrong label with every right one, and count how often it is deeper."),
    ),
    "depth-self": Exercise(
        _vote_for_oneself,
        lambda truth: 0.0005,
        "Call knn_predict twice with k=5, compare with the labels, and subtract the accuracies.",
        first=(
            "An image at distance nought is always its own nearest neighbour, and brings "
            "its own label."
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        (
            "The probes say cat, dog, cat, cat, cat and the network says cat. Where does the "
            "depth begin?"
        ),
        ("At the third probe", "It is undefined", "At the input, which already says cat"),
        0,
        (
            "All later probes have to agree. The dog after the first cat breaks the row, so "
            "the row that lasts begins behind it."
        ),
    ),
    "The experiment": Question(
        "An image has a small depth in networks that trained on it. What is easy about it?",
        (
            "Its background",
            "Guessing its label without having seen it",
            "Fitting the label that it was given",
        ),
        2,
        (
            "Training depth asks how late the given label is reached, held-out depth how late"
            " the network's own guess is. A wrong label can be easy to guess against and hard"
            " to fit."
        ),
    ),
    "Does depth find wrong labels?": Question(
        "The area under the curve is one half. What does depth tell of wrong labels then?",
        (
            "Nothing: a wrong one is as often deeper as shallower",
            "It finds all, half of the time",
            "It finds half of them",
        ),
        0,
        (
            "The area is the chance that a wrong label lies deeper than a right one. One half"
            " is what coins give."
        ),
    ),
    "Does depth belong to the image?": Question(
        (
            "Mean depths are averaged over few networks. What does that do to a rank "
            "correlation between two architectures?"
        ),
        ("It lowers it", "It leaves it", "It raises it"),
        0,
        (
            "A mean of few is noisy, and noise in either list weakens a correlation. So "
            "architectures are compared over equally many networks."
        ),
    ),
    "How much hangs on the definition": Question(
        ("Two implementations differ in ties and in k. Which of their numbers should agree best?"),
        ("The depth of each image", "The accuracy of each probe", "Neither"),
        1,
        (
            "One changed vote can break a row of agreeing probes, so depths are fragile. An "
            "accuracy averages over all images."
        ),
    ),
    "What could be wrong": Question(
        "Every image of a set is moved by a few pixels at random. Which depth suffers first?",
        (
            "The depth of the softmax",
            "None: the labels are the same",
            "Depth 0, which rests on raw pixels",
        ),
        2,
        (
            "Neighbours among raw pixels need centred and cropped images; deeper layers know "
            "more of what a shift leaves alone."
        ),
    ),
}
