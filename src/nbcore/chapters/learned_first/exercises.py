"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question
from nbcore.measures.generalization.explained import explained_share


def _independent() -> float:
    """Compute the share that one of two classifiers explains, both right by .75, independently."""
    right = np.array([[0.75, 0.25], [0.25, 0.75]])
    return float(explained_share(np.einsum("fy,ly->fyl", right, right) / 2))


EXERCISES = {
    "learned-share": Exercise(
        _independent,
        lambda truth: 0.01,
        "Build the table p(f, y, l) = p(y) p(f|y) p(l|y) and give it to explained_share.",
        first="Neither knows the picture, but both know something about its label.",
    ),
    "learned-steps": Exercise(
        lambda: 6.0**3,
        lambda truth: 1.0,
        "Solve 1.2 t^(-1/3) = .2 for t.",
        first="Only the level counts at which the slower network ends, not its curve.",
    ),
    "learned-pictures": Exercise(
        lambda: 250 * 16.0 ** (0.3 / 0.15),
        lambda truth: 100.0,
        "The network's error falls by 16 to the .3; the kernel needs a factor m with m to the .15 "
        "equal to that.",
        first="Write both errors as .25 times a power of n / 250, and set them equal.",
    ),
}

QUESTIONS = {
    "The idea": Question(
        "A network and a linear classifier are equally accurate. When does the linear one explain "
        "nothing of the network?",
        (
            "Never: equal accuracy means that they know the same",
            "If, once its answer is known, the network's tells as much about the label as before",
            "If they answer alike on most pictures",
        ),
        1,
        "What is explained is I(F; Y) minus I(F; Y | L); it is nothing if both are equal.",
    ),
    "The experiment": Question(
        "Why do both worlds of a network start with the same pictures in the same order?",
        (
            "So that they differ by nothing else than seeing pictures again",
            "So that the Ideal World sees no picture twice",
            "So that both end with the same error",
        ),
        0,
        "Until the first pass is over they are one and the same run; what differs after it is due "
        "to seeing pictures again.",
    ),
    "What could be wrong": Question(
        "A kernel was pretrained on pictures that it is also fitted to. Why is its exponent taken "
        "from that number of pictures on?",
        (
            "Since kernels need many pictures",
            "Since with fewer it has seen pictures that the network has not",
            "Since pretraining takes long",
        ),
        1,
        "With fewer pictures its error is lower for that reason alone, which flattens its line.",
    ),
}
