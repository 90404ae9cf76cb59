"""Predictors of a few inputs, whose distance from calibration is known exactly (C11, C24)."""

import numpy as np
import pandas as pd

from nbcore.measures.calibration.binned import expected_calibration_error
from nbcore.measures.calibration.distance import (
    distance_from_calibration,
    interval_error,
    kernel_error,
)
from nbcore.measures.calibration.smooth import (
    post_processing_gap,
    smooth_calibration_error,
    smooth_ece,
)

MEASURES = {
    "expected calibration error": expected_calibration_error,
    "smooth calibration error": smooth_calibration_error,
    "interval error": interval_error,
    "kernel error": kernel_error,
    "distance": distance_from_calibration,
}
#: how far a coin is moved
MOVES = tuple(10.0 ** np.arange(-6, -0.9, 0.5))
MOST = 6


def coin(move: float) -> tuple[np.ndarray, np.ndarray]:
    """Predict ½ - move for what never happens and ½ + move for what always does, half each.

    At 0 that is calibrated: of all that is predicted with ½, half happens.
    """
    return np.array([0.5 - move, 0.5 + move]), np.array([0.0, 1.0])


def coins() -> pd.DataFrame:
    """Measure coins by how far they are moved: columns move, the measures and SmoothECE."""
    rows = []
    for move in MOVES:
        p, y = coin(move)
        found = {name: f(p, y) for name, f in MEASURES.items()}
        rows.append({"move": move, **found, "SmoothECE": smooth_ece(p, y)})
    return pd.DataFrame(rows)


def random_predictor(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw predictions, chances and weights of two to six inputs.

    Half of the predictors are anything; the others are calibrated and then moved, by a tenth down
    to a millionth.
    """
    n = int(rng.integers(2, MOST + 1))
    y, w = rng.random(n).round(2), rng.dirichlet(np.ones(n))
    if rng.random() < 0.5:
        return rng.random(n).round(2), y, w
    block = rng.integers(0, max(n // 2, 1), n)
    mean = np.bincount(block, w * y) / np.maximum(np.bincount(block, w), 1e-12)
    move = 10 ** rng.uniform(-6, -1)
    return np.clip(mean[block] + move * rng.uniform(-1, 1, n), 0, 1), y, w


def random_predictors(n: int) -> pd.DataFrame:
    """Measure n random predictors: columns of the measures, and the post-processing gap."""
    rng, rows = np.random.default_rng(13), []
    for _ in range(n):
        case = random_predictor(rng)
        found = {name: f(*case) for name, f in MEASURES.items()}
        rows.append(found | {"gap": post_processing_gap(*case)})
    return pd.DataFrame(rows)
