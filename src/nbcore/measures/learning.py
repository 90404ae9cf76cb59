"""Learning difficulty: when a network settles on its final answer (PD §3.2)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def iteration_learned(
    prediction_history: ArrayLike, final_prediction: ArrayLike
) -> NDArray[np.int64]:
    """Find the first checkpoint from which the prediction stays the final one: (example,).

    prediction_history (example, checkpoint), the initialisation first; final_prediction (example,).
    0: from the initialisation on. -1, undefined: the last checkpoint differs from the final
    prediction.
    """
    history, final = np.asarray(prediction_history), np.asarray(final_prediction)
    if history.ndim != 2 or history.shape[1] == 0 or final.shape != history.shape[:1]:
        raise ValueError(
            "iteration_learned needs (example, checkpoint) and (example,), not "
            f"{history.shape} and {final.shape}."
        )
    same = history == final[:, None]
    steady = np.logical_and.accumulate(same[:, ::-1], axis=1).sum(1)
    return np.where(steady == 0, -1, history.shape[1] - steady)


def scaled_steps(
    learned: ArrayLike, steps: ArrayLike, percentile: float = 95.0
) -> NDArray[np.float64]:
    """Scale the step at which each was learned, so that 95 % are at most 1: (example,).

    NaN where undefined. learned (example,) checkpoint indices as `iteration_learned` gives; steps
    (checkpoint,) updates made, ascending from 0. The scale makes networks comparable (PD note 6).
    """
    index, update = np.asarray(learned), np.asarray(steps, float)
    if (
        index.ndim != 1
        or update.ndim != 1
        or index.size == 0
        or index.min() < -1
        or index.max() >= len(update)
    ):
        raise ValueError(
            f"learned must index the {update.size} checkpoints (or be -1), and it has the shape "
            f"{index.shape}."
        )
    at = np.where(index < 0, np.nan, update[index])
    if np.isnan(at).all():
        return at
    scale = np.nanpercentile(at, percentile)
    return at / scale if scale > 0 else np.where(np.isnan(at), np.nan, 0.0)
