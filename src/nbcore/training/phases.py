"""Training in phases, each on its own examples: schedules, and going on after convergence.

Every phase is one call of `loop.train` on the same network, so momentum starts at zero in each, and
every phase has a learning rate plan of its own.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from torch import nn

from nbcore.errors import ParameterError
from nbcore.training import loop
from nbcore.training.recipe import Recipe

#: phases draw their batches from seeds this far apart, so that none repeats those of another
STRIDE = 1_000_003


class Phase(NamedTuple):
    """`indices` of the training examples, and how they are trained on."""

    indices: np.ndarray
    recipe: Recipe


def train_phases(
    model: nn.Module,
    data: loop.Data,
    phases: Sequence[Phase],
    evaluations: Mapping[str, loop.Data],
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    progress: str | None = None,
) -> xr.Dataset:
    """Train `model` in place on one phase after the other; return its predictions along all.

    data: (inputs, labels) that the phases index; evaluations: as for `loop.train`. The Dataset is
    that of `loop.train` with the checkpoints of all phases in a row: `step` counts the updates of
    all phases, and `phase` (checkpoint) says which one a checkpoint belongs to. A phase starts
    where the last one ended, so its own checkpoint at step 0 is left out, but for the first phase.
    One phase gives exactly what `loop.train` does. ParameterError without phases, or for indices
    outside the data.
    """
    if not phases:
        raise ParameterError("Training in phases needs one phase or more, not none.")
    parts, done = [], 0
    for number, (indices, recipe) in enumerate(phases):
        if len(indices) == 0 or min(indices) < 0 or max(indices) >= len(data[1]):
            raise ParameterError(
                f"Phase {number} needs examples numbered from 0 to {len(data[1]) - 1}, "
                f"not {f'{min(indices)} to {max(indices)}' if len(indices) else 'none'}."
            )
        part = loop.train(
            model,
            (data[0][indices], data[1][indices]),
            evaluations,
            recipe,
            seed=seed + STRIDE * number,
            device=device,
            precision=precision,
            progress=f"{progress}, phase {number}" if progress and number else progress,
        )
        part = part.isel(checkpoint=slice(1 if number else 0, None))
        part["step"] = part["step"] + done
        part["phase"] = "checkpoint", np.full(part.sizes["checkpoint"], number)
        parts.append(part)
        done += recipe.steps
    return xr.concat(parts, "checkpoint", data_vars="minimal", coords="minimal", compat="override")
