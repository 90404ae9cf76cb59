"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question


def _crossing() -> float:
    import torch  # slow to start, and only this exercise needs it

    from nbcore.training.interpolation import interpolate

    start, end = ({"w": torch.tensor([w])} for w in (-1.0, 3.0))
    shares = np.linspace(0, 1, 1001)
    mixed = [float(interpolate(start, end, float(a))["w"]) for a in shares]
    return float(shares[int(np.flatnonzero(np.array(mixed) > 0)[0])])


EXERCISES = {
    "holding-crossing": Exercise(
        _crossing,
        lambda truth: 0.005,
        "Set (1 - a) * -1 + a * 3 to zero and solve for a.",
        first=(
            "The answer changes where the two classes' scores are equal; write one of "
            "them as a function of the share."
        ),
    ),
    "holding-kept": Exercise(
        lambda: 63 / 69 - 39 / 69,
        lambda truth: 0.005,
        "Divide both accuracies that are left by the 69 % of before, and subtract.",
        first="A share of the old accuracy is asked for, not points of accuracy.",
    ),
    "holding-rate": Exercise(
        lambda: 1 / np.sqrt(1 + 10),
        lambda truth: 0.005,
        "The loss is divided by 1 + w and the rate multiplied by its square root.",
        first=(
            "Two things change with the replayed batches: the weight of the new loss, and"
            " the learning rate."
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        "One end of the straight path is a last layer of zeros. What changes along it?",
        ("Only how large the logits are", "The answers", "Nothing at all"),
        0,
        (
            "Multiplying all logits by one factor leaves their order. The end has to know "
            "something for mixtures to differ."
        ),
    ),
    "Mixing last layers": Question(
        "Why is a mixture compared with training at the moment of equal accuracy?",
        (
            "Mixtures are slower",
            "Training has no end",
            "Stopping earlier also gives robustness, for free",
        ),
        2,
        (
            "A mixture that is less accurate would be above the line's expectation as an "
            "earlier checkpoint is. Only more than that is due to mixing."
        ),
    ),
    "Replaying old images": Question(
        (
            "One batch of old images gets a weight of a hundred. How does that differ from a "
            "hundred batches?"
        ),
        ("Not at all", "Its gradient has the noise of one batch", "It is slower"),
        1,
        "A weight multiplies the noise along with the signal; many batches average it.",
    ),
    "Controls": Question(
        (
            "Old images with shuffled labels keep the old accuracy as well as true ones. What"
            " would follow?"
        ),
        (
            "Replay works by what the labels teach",
            "The control is too strict",
            "What keeps the accuracy is not what the old labels teach",
        ),
        2,
        (
            "The control takes away what replay is said to work by. If the effect stays, it "
            "has another cause."
        ),
    ),
    "What could be wrong": Question(
        (
            "Replay lets the shared weights learn the new task more slowly. Where is the "
            "comparison fair?"
        ),
        ("At the end of training", "At equal accuracy on the new task", "Nowhere"),
        1,
        "At the end the slower one has moved less, and so has kept more, whatever it replayed.",
    ),
}
