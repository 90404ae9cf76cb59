"""What a curve does along sizes: where it rises most, and with which power it grows."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rise(curve: Floats) -> tuple[int, int]:
    """Find where a curve (point,) stands highest above an earlier point: indices (before, peak).

    Of a falling curve, the two neighbours that fall least. ValueError for fewer than two points.
    """
    if len(curve) < 2:
        raise ValueError(f"A rise needs two points or more, not {len(curve)}.")
    lowest = np.minimum.accumulate(curve)[:-1]
    peak = int((curve[1:] - lowest).argmax()) + 1
    return int(curve[:peak].argmin()), peak


def slopes(costs: Floats, n: Floats) -> Floats:
    """Fit log cost on log n in every draw (draw, n): (draw,); NaN where a cost is not positive."""
    x = np.log(n) - np.log(n).mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.log(np.where(costs > 0, costs, np.nan))
    return (y * x).sum(-1) / (x**2).sum()
