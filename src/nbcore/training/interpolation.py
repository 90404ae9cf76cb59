"""The straight path between two networks of one architecture, in the space of their weights."""

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from nbcore.errors import ParameterError
from nbcore.training import loop
from nbcore.training.device import as_tensor, pick_device, pick_precision, place_model

State = Mapping[str, Tensor]


def interpolate(start: State, end: State, share: float) -> dict[str, Tensor]:
    """Mix two state dicts: (1 - share) of `start` and `share` of `end`, exactly each at its end.

    Running means and variances of batch norm are mixed as weights are; whole numbers (how many
    batches were counted, which no prediction uses) are those of `end`. ParameterError where the
    two are not of one architecture.
    """
    if {k: v.shape for k, v in start.items()} != {k: v.shape for k, v in end.items()}:
        raise ParameterError(
            "A path needs two networks of one architecture, but their weights differ in name or "
            "shape; give two that were trained from the same network."
        )
    return {
        k: torch.lerp(start[k], v, share) if v.is_floating_point() else v for k, v in end.items()
    }


def evaluate_path(
    model: nn.Module,
    start: State,
    end: State,
    points: int,
    evaluations: Mapping[str, loop.Data],
    device: str = "auto",
) -> xr.Dataset:
    """Predict every evaluation set at evenly spaced points of the path, both ends among them.

    The Dataset is laid out as `loop.train`'s, with a point in the place of a checkpoint: `step`
    (checkpoint,) counts 0 to points - 1, `prediction_NAME` (checkpoint, example_NAME) and
    `label_NAME`. `model` is left with the weights of `end`. ParameterError for fewer than 2 points.
    """
    if points < 2:
        raise ParameterError(f"A path needs its two ends, so 2 points or more, not {points}.")
    place = pick_device(device)
    place_model(model, place)
    dtype = pick_precision("auto", place)
    sets = {k: (as_tensor(x), np.asarray(y, np.int16)) for k, (x, y) in evaluations.items()}
    said: dict[str, list[Tensor]] = {k: [] for k in sets}
    for share in np.linspace(0, 1, points):
        model.load_state_dict(interpolate(start, end, float(share)))
        for name, (x, _) in sets.items():
            said[name].append(loop.predict(model, x, place, dtype))
    out = xr.Dataset({"step": ("checkpoint", np.arange(points))})
    for name, (_, y) in sets.items():
        out[f"prediction_{name}"] = ("checkpoint", f"example_{name}"), torch.stack(said[name])
        out[f"label_{name}"] = f"example_{name}", y
    return out
