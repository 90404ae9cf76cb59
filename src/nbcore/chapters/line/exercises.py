"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question
from nbcore.lines.public import Testbed, load_testbed
from nbcore.measures import robustness


def _bed(name: str) -> Testbed:
    return load_testbed(name)


def _images_needed() -> float:
    fit = _bed("cifar10.1").line
    sizes = np.arange(100, 20_000, 10)
    inside = [robustness.chance_band(0.90, int(n), fit)[1] >= 0.01 for n in sizes]
    return float(sizes[np.flatnonzero(inside)[-1] + 1])


def _best_share() -> float:
    bed = _bed("imagenetv2")
    ends = bed.models.sort_values("id")[["id", "ood"]].to_numpy()[[0, -1]]
    share = np.linspace(0, 1, 2001)
    mixed = robustness.mixed_classifier(ends[0], ends[1], share)
    er = robustness.effective_robustness(mixed[:, 0], mixed[:, 1], bed.line)
    return float(share[er.argmax()])


EXERCISES = {
    "line-expect": Exercise(
        lambda: float(_bed("imagenetv2").line.predict(0.80)),
        lambda truth: 0.002,
        "Give a fraction: turn .80 into a logit, apply slope and intercept, turn it back.",
        first="The line is straight in logits, not in accuracies.",
    ),
    "line-images": Exercise(
        _images_needed,
        lambda truth: 0.05 * truth,
        "The band's upper end falls about as one over the square root of the number of images.",
        first=(
            "The band is what chance does to a model on the line; it gets narrower with "
            "more images."
        ),
    ),
    "line-mix": Exercise(
        _best_share,
        lambda truth: 0.03,
        "Try all shares from 0 to 1 with mixed_classifier and look for the highest point.",
        first=(
            "A mixture moves on the straight chord between its two models, while the line"
            " between them is curved."
        ),
    ),
}

QUESTIONS = {
    "The idea": Question(
        (
            "Two models gain one point each, from 50 to 51 % and from 98 to 99 %. Which moves"
            " further in logits?"
        ),
        ("Both as far, since each gains one point", "The first", "The second"),
        2,
        (
            "The second halves its errors, which doubles its odds. Logits count factors of "
            "odds, and near one half a point hardly changes them."
        ),
    ),
    "The experiment": Question(
        "A model stands one point above the line, inside the shaded band. What does that show?",
        (
            "The line is wrong",
            "It is effectively robust",
            "Nothing yet: chance alone puts models there",
        ),
        2,
        (
            "The band is what drawing the test images does to a model exactly on the line. "
            "Only what is outside of it, within the range of the line's models, counts."
        ),
    ),
    "Related evidence": Question(
        "Why do the numbers of this section decide no verdict?",
        (
            "They are about other shifts or models than the claims name",
            "They have no intervals",
            "They are negative",
        ),
        0,
        (
            "A verdict answers the claim that was made. Evidence beside it is shown as "
            "related, so that nobody picks what counts after seeing it."
        ),
    ),
    "What could be wrong": Question(
        (
            "The test bed is left by four of 67 models, two on each side of a 95 % band. How "
            "surprising is that?"
        ),
        (
            "It depends on their names",
            "Not at all: so many are expected by luck",
            "Very: nobody should leave it",
        ),
        1,
        (
            "A band of 95 % is made for one model. Of many models some leave it by chance, "
            "half of them upwards."
        ),
    ),
}
