"""One training loop: any module, stochastic gradient descent, evaluated along the way.

Every random draw of a step comes from (seed, step) alone, so a run that was killed and resumed
gives the numbers of one that was not, and there is no generator state to keep.
"""

import dataclasses
import io
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot, pad
from tqdm.auto import tqdm

from nbcore import files
from nbcore.errors import ParameterError, StoreError
from nbcore.measures import blocks
from nbcore.training.device import as_tensor, laid_out, pick_device, pick_precision, place_model
from nbcore.training.recipe import Recipe

Data = tuple[np.ndarray | Tensor, np.ndarray | Tensor]


def checkpoint_steps(steps: int, checkpoints: int, first: int = 1) -> np.ndarray:
    """List at most `checkpoints` update counts: 0, then log-spaced from `first` to `steps`."""
    if checkpoints < 2 or not 1 <= first <= steps:
        raise ParameterError(
            f"Training needs 2 checkpoints or more, the first within its steps, not {checkpoints} "
            f"from step {first} to {steps}."
        )
    spaced = np.geomspace(first, steps, checkpoints - 1) if checkpoints > 2 else [steps]
    return np.unique(np.concatenate([[0], np.round(spaced)]).astype(int))


def train(
    model: nn.Module,
    train_data: Data,
    evaluations: Mapping[str, Data],
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    checkpoint_file: Path | None = None,
    save_every: float = 60.0,
    progress: str | None = None,
) -> xr.Dataset:
    """Train `model` in place and return what it predicted along the way.

    train_data, evaluations[name]: (inputs, labels); see `as_tensor` for the inputs. The Dataset
    has `step` and `loss` (mean training loss since the last checkpoint) over dim checkpoint, and
    per evaluation set `prediction_NAME` (checkpoint, example_NAME), `label_NAME` and
    `accuracy_NAME` (checkpoint), a fraction. With `checkpoint_file` the state is written
    atomically every `save_every` seconds and taken up again by the same call; a damaged file is set
    aside, and training starts again; that of a finished run is removed. ParameterError for labels
    outside the classes or inputs of another form, StoreError for a checkpoint of another run.
    """
    place, plan = (
        pick_device(device),
        checkpoint_steps(recipe.steps, recipe.checkpoints, recipe.first),
    )
    dtype, train_dtype = pick_precision(precision, place), pick_precision(precision, place, model)
    layout = place_model(model, place)
    sets = {k: (as_tensor(x), torch.as_tensor(y).long()) for k, (x, y) in evaluations.items()}
    inputs, labels = as_tensor(train_data[0]), torch.as_tensor(train_data[1]).long()
    n_classes = _n_classes(model, inputs, place)
    for name, (_, y) in {"the training set": (inputs, labels), **sets}.items():
        if len(y) == 0 or y.min() < 0 or y.max() >= n_classes:
            span = f"{int(y.min())} to {int(y.max())}" if len(y) else "none"
            raise ParameterError(
                f"The labels of {name} are {span}, but the model has classes 0 to "
                f"{n_classes - 1}; map or drop the others."
            )
    optimiser = torch.optim.SGD(
        model.parameters(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    identity = f"{dataclasses.asdict(recipe)} seed={seed} n={len(labels)} sets={sorted(sets)}"
    start, history, total, count = _resume(checkpoint_file, identity, model, optimiser)
    saved = time.monotonic()
    with (
        torch.random.fork_rng(),
        tqdm(total=recipe.steps, initial=start, desc=progress, disable=progress is None) as bar,
    ):
        for step in range(start, recipe.steps + 1):
            if step in plan and len(history["step"]) <= np.searchsorted(plan, step):
                history["step"].append(step)
                history["loss"].append(total / count if count else float("nan"))
                for name, (x, _) in sets.items():
                    history[name].append(predict(model, x, place, dtype))
                total, count = 0.0, 0
            if checkpoint_file and time.monotonic() - saved >= save_every:
                _save(checkpoint_file, identity, step, model, optimiser, history, total, count)
                saved = time.monotonic()
            if step == recipe.steps:
                break
            x, y = _batch(inputs, labels, recipe, seed, step)
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate(step)
            model.train()
            with torch.autocast(place.type, train_dtype, train_dtype == torch.bfloat16):
                logits = model(laid_out(x.to(place), layout))
            loss = _loss(logits.float(), y.to(place), recipe.loss)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total, count = total + loss.item(), count + 1
            bar.update()
    if checkpoint_file:
        checkpoint_file.unlink(missing_ok=True)
    return _dataset(history, sets)


def predict(model: nn.Module, inputs: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Predict the class of the largest logit for every input, int16 on the CPU."""
    parts = _forward(model, inputs, device, dtype)
    return torch.cat([logits.argmax(1).to(torch.int16).cpu() for logits in parts])


def cached_features(
    model: Any,
    inputs: np.ndarray | Tensor,
    device: str = "auto",
    precision: str = "auto",
    progress: str | None = None,
) -> Tensor:
    """Compute penultimate features of every image, float32 (n, feature_dim), in eval mode."""
    place = pick_device(device)
    place_model(model, place)
    dtype, passes = pick_precision(precision, place), -(-len(inputs) // blocks.FORWARD)
    parts = _forward(model, as_tensor(inputs), place, dtype, model.features)
    shown = tqdm(parts, desc=progress, total=passes, disable=progress is None)
    return torch.cat([p.float().cpu() for p in shown])


def _forward(model, inputs, device, dtype, call=None):
    model.eval()
    for x in inputs.split(blocks.FORWARD):
        with torch.no_grad(), torch.autocast(device.type, dtype, dtype == torch.bfloat16):
            out = (call or model)(x.to(device))
        yield out


def _n_classes(model: nn.Module, inputs: Tensor, device: torch.device) -> int:
    with torch.no_grad():
        return model.eval()(inputs[:1].to(device)).shape[1]


def _loss(logits: Tensor, labels: Tensor, kind: str) -> Tensor:
    if kind == "cross-entropy":
        return cross_entropy(logits, labels)
    if kind == "mse":
        return mse_loss(logits, one_hot(labels, logits.shape[1]).float())
    raise ParameterError(f"loss must be cross-entropy or mse, not {kind!r}.")


def _batch(inputs: Tensor, labels: Tensor, recipe: Recipe, seed: int, step: int):
    """Take the batch of update `step`: each epoch is one permutation, its rest is dropped."""
    per_epoch = max(len(labels) // recipe.batch, 1)
    epoch, place = divmod(step, per_epoch)
    order = _order(len(labels), seed, epoch)[place * recipe.batch : (place + 1) * recipe.batch]
    # augmentation and dropout; torch.manual_seed would take milliseconds for absent devices
    torch.default_generator.manual_seed(seed * 1_000_003 + 500_009 + step)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed * 1_000_003 + 500_009 + step)
    x = inputs[order]
    return (_augment(x) if recipe.augment else x), labels[order]


@lru_cache(maxsize=2)
def _order(n: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))


def _augment(x: Tensor) -> Tensor:
    n, _, h, w = x.shape
    margin = max(h // 8, 1)
    flip = torch.rand(n) < 0.5
    x = torch.where(flip.view(-1, 1, 1, 1), x.flip(-1), x)
    rows = torch.randint(2 * margin + 1, (n, 1)) + torch.arange(h)
    columns = torch.randint(2 * margin + 1, (n, 1)) + torch.arange(w)
    padded = pad(x, (margin,) * 4).permute(0, 2, 3, 1)
    picked = padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def _save(file: Path, identity: str, step: int, model, optimiser, history, total, count) -> None:
    """Write the state with its checksum, so that a damaged file is noticed when it is read."""
    state = {
        "identity": identity,
        "step": step,
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "history": dict(history),
        "total": total,
        "count": count,
    }
    torch.save(state, buffer := io.BytesIO())
    files.write_checked(file, buffer.getbuffer())


def _resume(file: Path | None, identity: str, model, optimiser):
    history: dict[str, list] = {"step": [], "loss": []}
    if file is None or not file.is_file():
        return 0, _Default(history), 0.0, 0
    try:
        content = files.read_checked(file)
    except files.Damaged as error:
        files.set_aside(file, str(error))
        return 0, _Default(history), 0.0, 0
    state = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    if state["identity"] != identity:
        raise StoreError(
            f"The checkpoint {file} belongs to another run; delete it or name another."
        )
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["step"], _Default(state["history"]), state["total"], state["count"]


class _Default(dict):
    def __missing__(self, key):
        self[key] = []
        return self[key]


def _dataset(history, sets) -> xr.Dataset:
    variables: dict[str, Any] = {
        "step": ("checkpoint", np.array(history["step"])),
        "loss": ("checkpoint", np.array(history["loss"], np.float32)),
    }
    for name, (_, y) in sets.items():
        predictions, labels = torch.stack(history[name]).numpy(), y.numpy().astype(np.int16)
        variables[f"prediction_{name}"] = (("checkpoint", f"example_{name}"), predictions)
        variables[f"label_{name}"] = (f"example_{name}", labels)
        variables[f"accuracy_{name}"] = ("checkpoint", (predictions == labels).mean(1))
    return xr.Dataset(variables)
