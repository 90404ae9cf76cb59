"""Checking a reader's answer: the truth is computed from the same runs, never stored.

`check(name, answer)` says whether an answer is right and, if not, in which direction to look.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nbcore.errors import ParameterError, did_you_mean
from nbcore.measures import robustness
from nbcore.runs import line


@dataclass(frozen=True)
class Exercise:
    """How the truth is computed, how far off is still right (absolute), and a hint."""

    truth: Callable[[], float]
    tolerance: Callable[[float], float]
    hint: str


class Verdict(str):
    """A sentence that shows itself without quotes; `.right` says whether the answer was right."""

    right: bool

    def __repr__(self) -> str:
        return str(self)


def check(name: str, answer: float) -> Verdict:
    """Compare `answer` with the truth of the exercise `name`, e.g. "line-expect"."""
    if name not in EXERCISES:
        raise ParameterError(f"There is no exercise {name!r}; {did_you_mean(name, EXERCISES)}")
    try:
        number = float(answer)
    except (TypeError, ValueError):
        raise ParameterError(f"The answer to {name} is one number, not {answer!r}.") from None
    exercise = EXERCISES[name]
    truth = exercise.truth()
    off = number - truth
    right = bool(abs(off) <= exercise.tolerance(truth))
    direction = "too high" if off > 0 else "too low"
    verdict = Verdict("Right." if right else f"Not yet: {number:g} is {direction}. {exercise.hint}")
    verdict.right = right
    return verdict


def _bed(name: str) -> line.Testbed:
    return line.load_testbed(name, line.Line.book())


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


def _trained_line() -> robustness.Line:
    from nbcore.runs.conditions import RiseAndFall
    from nbcore.runs.er_curves import study  # imports torch

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
    "line-expect": Exercise(
        lambda: float(_bed("imagenetv2").line.predict(0.80)),
        lambda truth: 0.002,
        "Give a fraction: turn .80 into a logit, apply slope and intercept, turn it back.",
    ),
    "line-images": Exercise(
        _images_needed,
        lambda truth: 0.05 * truth,
        "The band's upper end falls about as one over the square root of the number of images.",
    ),
    "line-mix": Exercise(
        _best_share,
        lambda truth: 0.03,
        "Try all shares from 0 to 1 with mixed_classifier and look for the highest point.",
    ),
}
