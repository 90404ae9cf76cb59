"""Scale images of more than eight bits a channel to eight, by the range of their whole set.

Whole numbers are scaled by the fewest bits that hold the largest of them (8, 10, 12, 14 or 16),
numbers with a point from [0, 1], [0, 255] or [-1, 1], and anything else by its own range.
"""

from typing import NamedTuple

import numpy as np

#: of 255: images of a set that keep within less are as good as black
CONTRAST = 8
BITS = (8, 10, 12, 14, 16)


class Deep(NamedTuple):
    """An image of more than 8 bits a channel, still to be scaled.

    values: float32 (h, w, c); kind: "whole" or "point"; low, high: of what was stored.
    """

    values: np.ndarray
    kind: str
    low: float
    high: float


def scale(kind: str, low: float, high: float) -> tuple[float, float]:
    """Return (zero, factor) such that (value - zero) * factor brings low … high into 0 … 255."""
    if kind == "whole" and low >= 0 and high < 2**16:
        bits = next(b for b in BITS if high < 2**b)
        return 0.0, 255 / (2**bits - 1)
    if kind == "point" and low >= 0 and high <= 1.001:
        return 0.0, 255.0
    if kind == "point" and low >= 0 and high <= 255:
        return 0.0, 1.0
    if kind == "point" and low >= -1.001 and high <= 1.001:
        return -1.0, 127.5
    return low, 255 / max(high - low, 1e-30)


def ranges(images: list[np.ndarray | Deep]) -> dict[str, tuple[float, float]]:
    """Find {kind: (lowest, highest)} of the deep images among these."""
    out: dict[str, tuple[float, float]] = {}
    for image in images:
        if isinstance(image, Deep):
            low, high = out.get(image.kind, (image.low, image.high))
            out[image.kind] = min(low, image.low), max(high, image.high)
    return out


def to_bytes(image: np.ndarray | Deep, over: dict[str, tuple[float, float]]) -> np.ndarray:
    """Convert an image to uint8 (h, w, c), a deep one by the range of its kind in the whole set."""
    if not isinstance(image, Deep):
        return image
    zero, factor = scale(image.kind, *over[image.kind])
    scaled = (image.values.astype(np.float64) - zero) * factor
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
