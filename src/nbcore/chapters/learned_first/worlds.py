"""Real World, few pictures again and again, and Ideal World, as many fresh ones (C29).

run = load_worlds(config)       # a member is one seed: pictures, starts, orders
run.table("curves")             # soft error and error of both networks along all worlds

The worlds are coupled: a network starts from the same weights in all of them, and the first pass
over the few pictures is the beginning of the pass over the fresh ones.
"""

from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from nbcore.chapters.learned_first.config import Worlds
from nbcore.chapters.learned_first.networks import connected, convolutional, follow, outputs, passes
from nbcore.chapters.learned_first.pictures import Pictures, pictures
from nbcore.errors import ParameterError
from nbcore.runs.plan import Plan
from nbcore.runs.run import find_run
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training.loop import checkpoint_steps

CNN, MLP = "CNN", "MLP"
NETWORKS = (CNN, MLP)
REAL, IDEAL, FEW, SHUFFLED = "real", "ideal", "few", "shuffled pixels"
WORLDS = (REAL, IDEAL, FEW, SHUFFLED)
RATE, CHECKPOINTS = 0.02, 16


def orders(config: Worlds, seed: int) -> dict[str, np.ndarray]:
    """Order pictures in each world: (step, batch), as many steps in all.

    ParameterError where fewer pictures than a batch are to be seen, or more than are fresh.
    """
    steps = config.fresh // config.batch
    sizes = {REAL: config.real, IDEAL: config.fresh, FEW: config.few, SHUFFLED: config.fresh}
    for world, n in sizes.items():
        if not config.batch <= n <= config.fresh:
            raise ParameterError(
                f"The world `{world}` has {n:,} pictures; give from one batch ({config.batch}) up "
                f"to as many as are fresh ({config.fresh:,})."
            )
    return {world: passes(n, config.batch, steps, seed) for world, n in sizes.items()}


def start(kind: str, config: Worlds, shown: Pictures, seed: int) -> nn.Module:
    """Build a network; its first weights depend on the seed alone."""
    channels, side = shown.x.shape[1:3]
    if kind == CNN:
        return convolutional(config.width, shown.classes, channels, seed=seed)
    return connected(channels * side**2, config.hidden, shown.classes, seed=seed)


def errors(model: nn.Module, step: int, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Measure the soft error, 1 - p of the label, and the share of wrong answers."""
    logits = outputs(model, x)
    p = logits.softmax(1)[torch.arange(len(y)), y]
    return float((1 - p).mean()), float((logits.argmax(1) != y).float().mean())


def _member(config: Worlds, name: str, device: str = "cpu") -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    shown, plans = pictures(config.dataset, config.fresh, config.tested, seed), orders(config, seed)
    steps = len(plans[IDEAL])
    plan = checkpoint_steps(steps, CHECKPOINTS, min(10, steps))
    y, test_y = torch.as_tensor(shown.y), torch.as_tensor(shown.test_y)
    pixels = torch.as_tensor(np.random.default_rng([seed, 29]).permutation(shown.x[0, 0].numel()))
    rows = []
    for kind in NETWORKS:
        for world in WORLDS:
            x, test_x = shown.x, shown.test_x
            if world == SHUFFLED:
                x, test_x = (moved(part, pixels) for part in (x, test_x))
            net, watch = start(kind, config, shown, seed), partial(errors, x=test_x, y=test_y)
            rows.append(
                follow(  # bfloat16 is six times slower with a single channel
                    net,
                    x,
                    y,
                    plans[world],
                    plan,
                    watch,
                    lr=RATE,
                    precision="float32",
                    device=device,
                )
            )
    table = np.array(rows, np.float32).reshape(len(NETWORKS), len(WORLDS), len(plan), 2)
    dims = ("network", "world", "checkpoint")
    return xr.Dataset(
        {
            "soft": (dims, table[..., 0]),
            "error": (dims, table[..., 1]),
            "step": ("checkpoint", plan),
        },
        {"network": list(NETWORKS), "world": list(WORLDS)},
    )


def moved(x: Tensor, pixels: Tensor) -> Tensor:
    """Put every picture's pixels in another order, the same for all: (n, channels, h, w)."""
    out = x.flatten(2)[:, :, pixels].reshape(x.shape)
    return out.contiguous(memory_format=torch.channels_last)


def _reduce(run: Run) -> Tables:
    whole = xr.concat([m for _, m in run.members()], "member", data_vars="all")
    return {"curves": whole.assign(step=whole["step"].isel(member=0))}


def worlds_plan(config: Worlds, workers: int = 1, device: str = "cpu") -> Plan:
    """Plan five members; one takes a minute of one core."""
    return Plan(
        "two-worlds",
        config,
        {"pictures": config.dataset},
        [f"seed{k}" for k in range(config.seeds)],
        partial(_member, config, device=device),
        reduce=_reduce,
        workers=workers,
        device=device,
    )


STORED = {"two-worlds": lambda m: worlds_plan(Worlds.from_address(m["config"]))}


def load_worlds(config: Worlds, fresh: bool = False, workers: int = 1, device: str = "cpu") -> Run:
    """Load or compute both networks in all worlds."""
    return run_or_load(worlds_plan(config, workers, device), fresh)


def find_worlds(config: Worlds) -> Run | None:
    """Find what was computed before, with whatever members it has; None without any."""
    return find_run("two-worlds", config, {"pictures": config.dataset})
