"""Four kinds of difficulty: the corners of the plane of two mean prediction depths (PD §4).

One depth is the mean over networks that did not train on the example (validation), the other over
networks that did (training).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: corner -> (validation depth, training depth) as low, 0, or high, 1
CORNERS = {
    "easy": (0, 0),
    "looks_like_another_class": (0, 1),
    "ambiguous_unless_labelled": (1, 0),
    "ambiguous": (1, 1),
}


class NoCorners(ValueError):
    """These depths have no such corners: too few examples with a place, or all at one depth."""


#: distances that agree to so many decimals are ties
DECIMALS = 9


def corner_examples(
    depth_val: ArrayLike, depth_train: ArrayLike, n: int = 100
) -> dict[str, NDArray[np.int64]]:
    """Find the n examples nearest to each corner in the scaled plane.

    Returns corner -> indices (n,), nearest first. depth_val, depth_train (example,): mean
    prediction depths, NaN where an example was never in that split (or never had a depth); those
    examples are left out, see `placed`. The plane is that of `scaled_plane`, the distance is
    Euclidean, and of equally near examples the one with the lower index comes first. Every corner
    is filled by itself: when n is a large part of the examples, one example can be in two corners.
    NoCorners for n < 1, fewer than n placed examples, or an axis on which all of them have the same
    depth; ValueError for other shapes and infinite values.
    """
    plane = scaled_plane(depth_val, depth_train)
    known = np.flatnonzero(placed(depth_val, depth_train))
    if not 1 <= n <= len(known):
        raise NoCorners(
            f"Corners of {n} examples need that many with a depth in both splits (at least 1), "
            f"and there are {len(known)} of {plane.shape[1]}; ask for fewer or add members."
        )
    out = {}
    for name, (val, train) in CORNERS.items():
        away = np.hypot(plane[0, known] - val, plane[1, known] - train).round(DECIMALS)
        out[name] = known[np.argsort(away, kind="stable")[:n]]
    return out


def scaled_plane(depth_val: ArrayLike, depth_train: ArrayLike) -> NDArray[np.float64]:
    """Scale both depths to the plane: (2, example), each axis by itself from 0 to 1.

    An axis runs from its smallest mean depth, 0, to its largest, 1, over the examples that have
    both; NaN for the others. Errors as `corner_examples`.
    """
    depths = _depths(depth_val, depth_train)
    known = ~np.isnan(depths).any(axis=0)
    out = np.full(depths.shape, np.nan)
    if not known.any():
        raise NoCorners(
            f"None of {depths.shape[1]} examples has a depth in both splits; add members, so that "
            "each example is held out by some and trained on by others."
        )
    low, high = depths[:, known].min(axis=1), depths[:, known].max(axis=1)
    for axis, split in enumerate(("validation", "training")):
        if low[axis] == high[axis]:
            raise NoCorners(
                f"All {known.sum()} mean {split} depths are {low[axis]:g}, so there are no "
                "corners; use networks with more layers, or data with more than one class."
            )
    out[:, known] = (depths[:, known] - low[:, None]) / (high - low)[:, None]
    return out


def placed(depth_val: ArrayLike, depth_train: ArrayLike) -> NDArray[np.bool_]:
    """Say whether an example has a depth in both splits, so a place in the plane: (example,)."""
    val, train = _depths(depth_val, depth_train)
    return ~np.isnan(val) & ~np.isnan(train)


def corner_size(n_examples: int, share: float = 0.002, least: int = 20) -> int:
    """Return a corner's size: `share` of the examples, as in the paper, but at least `least`."""
    return max(round(share * n_examples), least)


def _depths(depth_val: ArrayLike, depth_train: ArrayLike) -> NDArray[np.float64]:
    val, train = np.asarray(depth_val, float), np.asarray(depth_train, float)
    if val.ndim != 1 or val.shape != train.shape:
        raise ValueError(
            "depth_val and depth_train are one mean depth per example each, not of shapes "
            f"{val.shape} and {train.shape}."
        )
    depths = np.stack([val, train])
    if np.isinf(depths).any() or (depths < 0).any():
        raise ValueError(
            "Mean depths are finite and 0 or more, NaN where an example has none; mask undefined "
            "depths (-1) before taking means."
        )
    return depths
