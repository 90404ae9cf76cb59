"""Descent in two ways: many noisy steps on batches, or few and small ones on all images at once.

It is kept apart from `training.loop` for what it adds: the 0-hinge loss, steps on all images at
once, margins along the way, means of the loss over windows of updates, and an early end where no
gradient is left. Nothing in a step waits for the device: losses are added up there and read once a
window.
"""

import dataclasses
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu
from tqdm.auto import tqdm

from nbcore import files
from nbcore.errors import ParameterError, StoreError
from nbcore.measures.margins import output_margin
from nbcore.models import probes
from nbcore.training.device import as_tensor, laid_out, pick_device, pick_precision, place_model
from nbcore.training.loop import Data, checkpoint_steps

CE, HINGE = "cross-entropy", "0-hinge"
#: what is measured of the training images and of the test images at every checkpoint
MEASURED = ("accuracy", "margin", "median_margin")


@dataclass(frozen=True)
class Descent:
    """How a network is trained. Rates are per step; `drop_at` are shares of `steps` in [0, 1]."""

    loss: str
    steps: int
    lr: float
    momentum: float = 0.9
    batch: int = 0  # images an update; 0: all of them
    drop_at: tuple[float, ...] = ()
    factor: float = 0.2  # the rate is multiplied by this at each drop
    checkpoints: int = 40
    window: int = 20  # updates over which the loss is averaged

    def rate(self, step: int) -> float:
        """Return the learning rate of update number `step`, counted from 0."""
        return self.lr * self.factor ** sum(step >= share * self.steps for share in self.drop_at)

    def for_scan(self, steps: int) -> "Descent":
        """Return the first steps of it, of which only the loss is wanted."""
        return dataclasses.replace(self, steps=steps, checkpoints=2, drop_at=())


class Track(NamedTuple):
    """What was recorded on the way: one row a checkpoint, one mean loss a window of updates."""

    steps: list[int]
    rows: list[list[float]]
    windows: list[float]


def zero_hinge(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the hinge loss without a margin: a scalar, the mean over examples (PD §3.3).

    logits (n, classes), labels (n,). Of each example the sum, over the other classes j, of
    max(0, z_j - z_label): how far wrong classes lead. It is 0, with no gradient, as soon as every
    label's logit is the largest, by however little.
    """
    own = logits.gather(1, labels[:, None])
    return relu(logits - own).sum(1).mean()


LOSSES = {CE: cross_entropy, HINGE: zero_hinge}


def descend(
    model: nn.Module,
    train: Data,
    test: Data,
    how: Descent,
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    block: int = 0,
    checkpoint_file: Path | None = None,
    save_every: float = 60.0,
    progress: str | None = None,
) -> xr.Dataset:
    """Train `model` in place; return its loss by window, accuracies and margins by checkpoint.

    train, test: (uint8 images (n, h, w, c), labels). block: images of a step that are passed at
    once, 0 for all; where they do not fit into a GPU's memory, the block is halved, which is said.
    Dataset: `step` (checkpoint), `SET_MEASURE` (checkpoint) for train and test and each of
    `MEASURED`, in float32; `window_loss` (window); `diverged`, whether the loss stopped being
    finite, which ends training, as does a window of updates whose loss is exactly 0. The state is
    kept in `checkpoint_file`, from which the same call goes on; it is left there for whoever
    measures the network next to remove. ParameterError for a loss or images of another kind.
    """
    if how.loss not in LOSSES:
        raise ParameterError(f"loss must be {CE} or {HINGE}, not {how.loss!r}.")
    place = pick_device(device)
    dtype = pick_precision(training_precision(precision, how.loss), place, model)
    layout = place_model(model, place)
    x, y = as_tensor(train[0]).to(place), torch.as_tensor(train[1]).long().to(place)
    optimiser = torch.optim.SGD(
        model.parameters(), lr=how.lr, momentum=how.momentum, fused=place.type == "cuda"
    )
    step_on = _Stepper(model, optimiser, LOSSES[how.loss], dtype, layout, block or len(y))
    identity = f"{dataclasses.asdict(how)} seed={seed} n={len(y)}"
    start, track, before = _resume(checkpoint_file, identity, model, optimiser)
    plan, saved = checkpoint_steps(how.steps, how.checkpoints), time.monotonic()
    total = torch.tensor(before, device=place)
    window = max(how.window, -(-len(y) // (how.batch or len(y))))
    with (
        _exact(),
        tqdm(total=how.steps, initial=start, desc=progress, disable=progress is None) as bar,
    ):
        for step in range(start, how.steps + 1):
            over = step == how.steps or ended(track.windows)
            if (over or step in plan) and (not track.steps or track.steps[-1] < step):
                track.steps.append(step)
                track.rows.append([*measured(model, train), *measured(model, test)])
            if checkpoint_file and (over or time.monotonic() - saved >= save_every):
                _save(checkpoint_file, identity, step, model, optimiser, track, float(total))
                saved = time.monotonic()
            if over:
                break
            for group in optimiser.param_groups:
                group["lr"] = how.rate(step)
            total = total + step_on(*_chosen(x, y, how.batch, seed, step))
            if (step + 1) % window == 0:
                track.windows.append(float(total) / window)
                total = torch.zeros((), device=place)
            bar.update()
    return _dataset(track)


def training_precision(precision: str, loss: str) -> str:
    """Choose float32 for the 0-hinge loss where the precision is "auto".

    The margins it leaves are smaller than the spacing of bfloat16 numbers of a logit's size, so
    that a network trained in bfloat16 would learn the rounding.
    """
    return "float32" if precision == "auto" and loss == HINGE else precision


def untouched(model: nn.Module, train: Data, test: Data) -> xr.Dataset:
    """Measure a network that is not trained: `descend`'s Dataset with one checkpoint, step 0."""
    return _dataset(Track([0], [[*measured(model, train), *measured(model, test)]], []))


def ended(windows: list[float]) -> bool:
    """Say whether training has come to an end: the last window's loss is 0, or not finite."""
    return bool(windows) and (windows[-1] == 0 or not np.isfinite(windows[-1]))


def measured(model: nn.Module, data: Data) -> list[float]:
    """Measure a network on images as in `MEASURED`; NaN where a logit is not finite."""
    z = probes.logits(model, as_tensor(data[0])).cpu().numpy()  # type: ignore[arg-type]
    if not np.isfinite(z).all():
        return [float("nan")] * len(MEASURED)
    margin = output_margin(z)
    right = z.argmax(1) == np.asarray(data[1])
    return [float(right.mean()), float(margin.mean()), float(np.median(margin))]


@dataclass
class _Stepper:
    """One update: gradients of a block of images after the other, then a step on their sum."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    loss: Any
    dtype: torch.dtype
    layout: torch.memory_format
    block: int

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        while True:
            try:
                total = self._gradient(x, y)
                break
            except torch.OutOfMemoryError:
                if self.block == 1:
                    raise
                self.block = -(-min(self.block, len(y)) // 2)
            # outside of the handler, whose error holds on to the memory
            files.note(f"The GPU's memory is too small; {self.block} images are passed at once.")
            torch.cuda.empty_cache()
        self.optimiser.step()
        return total

    def _gradient(self, x: Tensor, y: Tensor) -> Tensor:
        self.optimiser.zero_grad()
        total = torch.zeros((), device=y.device)
        low = self.dtype == torch.bfloat16
        for images, labels in zip(x.split(self.block), y.split(self.block), strict=True):
            with torch.autocast(y.device.type, self.dtype, low):
                logits = self.model(laid_out(images, self.layout))
            loss = self.loss(logits.float(), labels) * (len(labels) / len(y))
            loss.backward()
            total = total + loss.detach()
        return total


def _chosen(x: Tensor, y: Tensor, batch: int, seed: int, step: int) -> tuple[Tensor, Tensor]:
    """Take the images of an update: all, or a batch of an epoch's order, of which none is lost."""
    if not batch:
        return x, y
    per_epoch = -(-len(y) // batch)
    epoch, at = divmod(step, per_epoch)
    draw = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(y), generator=draw)[at * batch : (at + 1) * batch].to(y.device)
    return x[order], y[order]


@contextmanager
def _exact() -> Iterator[None]:
    """Turn off TF32 in convolutions: its ten bits are too few where margins are tiny."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _save(file: Path, identity: str, step: int, model, optimiser, track: Track, total) -> None:
    state = {
        "identity": identity,
        "step": step,
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "track": list(track),
        "total": total,
    }
    torch.save(state, buffer := io.BytesIO())
    files.write_checked(file, buffer.getbuffer())


def _resume(file: Path | None, identity: str, model, optimiser) -> tuple[int, Track, float]:
    """Take up the state of a file; a damaged one is set aside, one of another run refused."""
    if file is None or not file.is_file():
        return 0, Track([], [], []), 0.0
    try:
        content = files.read_checked(file)
    except files.Damaged as error:
        files.set_aside(file, str(error))
        return 0, Track([], [], []), 0.0
    state = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    if state["identity"] != identity:
        raise StoreError(
            f"The checkpoint {file} belongs to another run; delete it or name another."
        )
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["step"], Track(*state["track"]), state["total"]


def _dataset(track: Track) -> xr.Dataset:
    rows = np.array(track.rows)
    names = [f"{part}_{what}" for part in ("train", "test") for what in MEASURED]
    found: dict[str, Any] = {
        name: ("checkpoint", values) for name, values in zip(names, rows.T, strict=True)
    }
    found["step"] = "checkpoint", np.array(track.steps)
    found["window_loss"] = "window", np.array(track.windows)
    found["diverged"] = (), not np.isfinite(rows[-1]).all()
    return xr.Dataset(found)
