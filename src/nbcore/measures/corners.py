"""Four kinds of difficulty: the corners of the plane of validation and training depth (PD §4)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: name -> (validation, training) depth on axes scaled to [0, 1]
CORNERS = {
    "easy": (0, 0),
    "looks_like_another_class": (0, 1),
    "ambiguous_unless_labelled": (1, 0),
    "ambiguous": (1, 1),
}


def corner_examples(
    depth_val: ArrayLike, depth_train: ArrayLike, n: int = 100
) -> dict[str, NDArray[np.int64]]:
    """Corner -> indices of the n examples nearest to it, the nearest first.

    depth_val, depth_train (example,): mean depths; NaN in either leaves an example out. Each axis
    is scaled by its own smallest and largest value to [0, 1]; distances are Euclidean, ties go to
    the lower index. ValueError when fewer than n examples have both depths.
    """
    plane = np.stack([np.asarray(depth_val, float), np.asarray(depth_train, float)])
    known = np.flatnonzero(~np.isnan(plane).any(0))
    if not 1 <= n <= len(known):
        raise ValueError(f"{n} examples a corner were asked of {len(known)} with both depths.")
    plane = plane[:, known]
    low, high = plane.min(1, keepdims=True), plane.max(1, keepdims=True)
    plane = (plane - low) / np.where(high > low, high - low, 1)
    out = {}
    for name, (x, y) in CORNERS.items():
        distance = np.hypot(plane[0] - x, plane[1] - y)
        out[name] = known[np.argsort(distance, kind="stable")[:n]]
    return out
