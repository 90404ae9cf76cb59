"""This chapter's exercises (truth, what is still right, hints), and a question on each section."""

import numpy as np

from nbcore.exercises import Exercise, Question
from nbcore.measures import robustness


def _trained_line() -> robustness.Line:
    from nbcore.chapters.rise_and_fall.config import RiseAndFall
    from nbcore.chapters.rise_and_fall.runs import study

    return study(RiseAndFall.resolve("book", resamples=20)).line


def _enough_images() -> float:
    fit, sizes = _trained_line(), np.arange(500, 20_000, 10)
    inside = [robustness.chance_band(0.65, int(n), fit)[1] >= 0.02 for n in sizes]
    return float(sizes[np.flatnonzero(inside)[-1] + 1])


EXERCISES = {
    "rise-height": Exercise(
        lambda: 0.55 - float(_trained_line().predict(0.70)),
        lambda truth: 0.002,
        "Subtract what the line expects at .70 (result.line.predict) from .55; give a fraction.",
        first=(
            "Effective robustness is a height above what the line expects at the same accuracy."
        ),
    ),
    "rise-images": Exercise(
        _enough_images,
        lambda truth: 0.05 * truth,
        "Use robustness.chance_band at .65 and raise the number of images until it is below .02.",
        first=(
            "The band shrinks with the number of images; look for the first number at "
            "which two points are outside."
        ),
    ),
    "rise-share": Exercise(
        lambda: (0.75 + float(_trained_line().predict(0.75))) / 2,
        lambda truth: 0.002,
        "Half of the gap lies midway between the line's expectation at .75 and .75 itself.",
        first="The gap reaches from the line up to losing nothing at all.",
    ),
}

QUESTIONS = {
    "The idea": Question(
        (
            "Both accuracies of a network rise during fine-tuning. Can its effective "
            "robustness fall meanwhile?"
        ),
        (
            "Yes, if it rises by less than the line expects",
            "No, the shifted accuracy rises",
            "Only if the line bends",
        ),
        0,
        (
            "Effective robustness is measured from the line, whose expectation rises with the"
            " accuracy in distribution. Who gains less than expected comes down towards the "
            "line."
        ),
    ),
    "The experiment": Question(
        (
            "The shifted images come from the data set that the network was pretrained on. "
            "Whom does that favour?"
        ),
        ("The pretrained network", "The models of the line", "Nobody"),
        0,
        (
            "It may know this kind of photograph, or the very ones. The models of the line "
            "were trained on CIFAR-10 alone, so that familiarity looks like robustness."
        ),
    ),
    "What could be wrong": Question(
        (
            "The peak of a curve is found and measured on the same test images. In which "
            "direction does that err?"
        ),
        (
            "Upwards: the highest of many noisy points is partly luck",
            "In none, over many seeds",
            "Downwards",
        ),
        0,
        (
            "Choosing the highest point also chooses its noise. The intervals of this chapter"
            " hold for all checkpoints at once to allow for it."
        ),
    ),
}
