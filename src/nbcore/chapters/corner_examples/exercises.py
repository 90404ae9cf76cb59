"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise


def _how_far() -> float:
    from nbcore.measures.corners import scaled_plane

    # the ends of the axes, and the example
    x, y = scaled_plane([0, 12, 9], [1, 11, 3])[:, 2]
    return float(np.hypot(x - 1, y))


EXERCISES = {
    "corners-far": Exercise(
        _how_far,
        lambda truth: 0.005,
        "Scale both depths to 0 … 1; the corner is at (1, 0): late held out, early trained on.",
    ),
    "corners-crossing": Exercise(
        lambda: 1 + 0.2 / 0.3,  # the lead is .2 at layer 1 and -.1 at layer 2
        lambda truth: 0.02,
        "Subtract the two rows; go from the last positive difference down to 0 in a straight line.",
    ),
    "corners-overall": Exercise(
        lambda: 100 * (0.98 - 0.25) / 50_000,
        lambda truth: 0.00002,
        "Only 100 of the 50,000 images change: count the answers gained and divide by all.",
    ),
}
