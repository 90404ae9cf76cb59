"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise


def _crossing() -> float:
    import torch  # slow to start, and only this exercise needs it

    from nbcore.training.interpolation import interpolate

    start, end = ({"w": torch.tensor([w])} for w in (-1.0, 3.0))
    shares = np.linspace(0, 1, 1001)
    mixed = [float(interpolate(start, end, float(a))["w"]) for a in shares]
    return float(shares[int(np.flatnonzero(np.array(mixed) > 0)[0])])


EXERCISES = {
    "holding-crossing": Exercise(
        _crossing, lambda truth: 0.005, "Set (1 - a) * -1 + a * 3 to zero and solve for a."
    ),
    "holding-kept": Exercise(
        lambda: 63 / 69 - 39 / 69,
        lambda truth: 0.005,
        "Divide both accuracies that are left by the 69 % of before, and subtract.",
    ),
    "holding-rate": Exercise(
        lambda: 1 / np.sqrt(1 + 10),
        lambda truth: 0.005,
        "The loss is divided by 1 + w and the rate multiplied by its square root.",
    ),
}
