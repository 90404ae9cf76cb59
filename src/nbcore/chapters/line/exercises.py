"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise
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
