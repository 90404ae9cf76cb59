"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise
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
    ),
    "rise-images": Exercise(
        _enough_images,
        lambda truth: 0.05 * truth,
        "Use robustness.chance_band at .65 and raise the number of images until it is below .02.",
    ),
    "rise-share": Exercise(
        lambda: (0.75 + float(_trained_line().predict(0.75))) / 2,
        lambda truth: 0.002,
        "Half of the gap lies midway between the line's expectation at .75 and .75 itself.",
    ),
}
