"""Networks with one hidden layer that fit wrong labels: three studies (C34, C32, C8).

epochs  along a thousand passes over 4,000 pictures, with a fifth of the labels wrong and none
widths  at the end of training, by width and weight decay
sizes   along training, by the number of pictures, with a fifth of the labels wrong and none
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from nbcore.chapters.more_data_can_hurt.config import Networks
from nbcore.chapters.more_data_can_hurt.pictures import Pictures, pictures
from nbcore.chapters.more_data_can_hurt.stacked import train_stack
from nbcore.runs.plan import Plan
from nbcore.runs.run import find_run
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training.recipe import Recipe

WRONG, RIGHT = "wrong labels", "right labels"
KINDS = (WRONG, RIGHT)
#: as shares of the widest network, and of the most pictures
WIDTHS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
SIZES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
DECAYS = (0.0, 0.001, 0.003, 0.01, 0.03)
SETS = ("train", "choice", "test")
#: of the passes over the training pictures: all, or as many as serve the pictures to choose by
STOPS = ("interpolation", "stopped early")
BATCH, CHECKPOINTS = 200, {"epochs": 40, "widths": 2, "sizes": 24}


def train(
    config: Networks,
    sets: Pictures,
    n: int,
    width: int,
    seed: int,
    kinds: Sequence[str],
    decays: Sequence[float] = (0.0,),
    device: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Train on the first n pictures, a network for each kind of labels, or for each weight decay.

    Returns (checkpoint,) epochs and (network, set, checkpoint) errors, of `train` by the labels
    that were given. A batch is 200 pictures, or half of them where there are fewer.
    """
    labels = {WRONG: sets.given[:n], RIGHT: sets.labels[:n]}
    given = np.stack([labels[kind] for kind in kinds])
    batch = min(BATCH, n // 2)
    recipe = Recipe(
        steps=config.epochs * (n // batch),
        batch=batch,
        lr=config.lr,
        checkpoints=CHECKPOINTS[config.part],
    )
    images = sets.images[:n]
    evaluated = {"train": (images, given), "choice": sets.choice, "test": sets.test}
    steps, errors = train_stack(images, given, evaluated, recipe, width, decays, seed, device)
    return steps / (n // batch), errors


def widths(most: int) -> list[int]:
    """List the widths that are compared."""
    return sorted({max(round(share * most), 2) for share in WIDTHS})


def counts(most: int) -> list[int]:
    """List the numbers of pictures that are compared."""
    return [round(share * most) for share in SIZES]


def _member(config: Networks, name: str, device: str = "cpu") -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    sets = pictures(config.dataset, config.side, config.images, config.noise, seed)
    fit = partial(train, config, sets, seed=seed, device=device)
    if config.part == "epochs":
        epochs, errors = fit(config.images, config.width, kinds=KINDS)
        at = ("kind", "set", "checkpoint")
        return _table(at, errors, kind=list(KINDS)).assign(epoch=("checkpoint", epochs))
    if config.part == "sizes":
        ns = counts(config.images)
        rows = [_ends(fit(n, config.width, kinds=KINDS)[1]) for n in ns]
        return _table(("n", "kind", "stop", "set"), rows, n=ns, kind=list(KINDS), stop=list(STOPS))
    ws, kinds = widths(config.width), [WRONG] * len(DECAYS)
    ends = [fit(config.images, w, kinds=kinds, decays=DECAYS)[1][..., -1] for w in ws]
    return _table(("width", "decay", "set"), ends, width=ws, decay=list(DECAYS))


def _ends(errors: np.ndarray) -> np.ndarray:
    """Take errors (network, set, checkpoint) at the end, and where `choice` has fewest.

    Returns (network, stop, set), in the order of `STOPS`.
    """
    best = errors[:, SETS.index("choice")].argmin(-1)
    early = np.take_along_axis(errors, best[:, None, None], -1)[..., 0]
    return np.stack([errors[..., -1], early], 1)


def _table(dims: tuple[str, ...], errors: Any, **coords: list) -> xr.Dataset:
    return xr.Dataset({"error": (dims, np.float32(errors))}, coords | {"set": list(SETS)})


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    whole = xr.concat(rows, "member", compat="override", coords="minimal")
    return {"errors": whole}


def networks_plan(config: Networks, workers: int = 1, device: str = "cpu") -> Plan:
    """Plan five members; of each study one takes about a minute of one core."""
    return Plan(
        "noisy-networks",
        config,
        {"pictures": config.dataset},
        [f"seed{k}" for k in range(config.seeds)],
        partial(_member, config, device=device),
        reduce=_reduce,
        workers=workers,
        device=device,
    )


STORED = {"noisy-networks": lambda m: networks_plan(Networks.from_address(m["config"]))}


def load_networks(
    config: Networks, fresh: bool = False, workers: int = 1, device: str = "cpu"
) -> Run:
    """Load or compute one study."""
    return run_or_load(networks_plan(config, workers, device), fresh)


def find_networks(config: Networks) -> Run | None:
    """Find a study that was computed before, with whatever members it has; None without one."""
    return find_run("noisy-networks", config, {"pictures": config.dataset})
