"""Chapter 1: the line through public testbeds, counted from the predictions of public models.

Counts per model and per image are stored; lines, scales and verdicts are computed from them.
"""

import dataclasses

import numpy as np
import pandas as pd

from nbcore.chapters.line.config import Line
from nbcore.lines.public import Testbed
from nbcore.measures import robustness
from nbcore.measures.bootstrap import interval


def r2_by_scale(bed: Testbed, config: Line) -> dict[str, np.ndarray]:
    """Compute R² of the line in each scale: observed, then one per resample of the models."""
    x, y = bed.fitted["id"].to_numpy(), bed.fitted["ood"].to_numpy()
    rng = np.random.default_rng(config.seed)
    picks = rng.integers(0, x.size, (config.resamples, x.size))
    picks = np.vstack([np.arange(x.size), picks])
    return {
        scale: _squared_correlation(forward(x)[picks], forward(y)[picks])
        for scale, (forward, _) in robustness.SCALES.items()
    }


def _squared_correlation(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return R² of a least-squares line of each row of u with the same row of v."""
    u, v = u - u.mean(axis=1, keepdims=True), v - v.mean(axis=1, keepdims=True)
    return (u * v).sum(axis=1) ** 2 / ((u**2).sum(axis=1) * (v**2).sum(axis=1))


def scale_gain_by_floor(bed: Testbed, config: Line, least: int = 10) -> pd.DataFrame:
    """Compute a scale's R² minus that of plain accuracy, weakest models left out one by one.

    Columns: floor (lowest ID accuracy kept), models, scale, gain, low, high (paired bootstrap over
    the models that remain, at least `least`).
    """
    rows = []
    floors = np.sort(bed.fitted["id"].unique())
    for floor in floors[: max(len(bed.fitted) - least + 1, 1)]:
        kept = bed.fitted[bed.fitted["id"] >= floor]
        draws = r2_by_scale(dataclasses.replace(bed, models=kept), config)
        for scale in ("probit", "logit"):
            gain = draws[scale] - draws["linear"]
            rows.append((floor, len(kept), scale, gain[0], *interval(gain[1:], config.level)))
    return pd.DataFrame(rows, columns=["floor", "models", "scale", "gain", "low", "high"])
