"""A network, the same trained lazily, and three tangent kernels, by the number of pictures (C13).

run = load_scaling(config)      # a member is one seed: pictures, starts, orders
run.table("errors")

All learn -1 or 1 from the squared error, and all choose on the same pictures: kernels their ridge,
networks when to stop.
"""

import copy
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from nbcore.chapters.learned_first.config import Tangent
from nbcore.chapters.learned_first.networks import convolutional, follow, outputs, passes
from nbcore.chapters.learned_first.pictures import pictures
from nbcore.chapters.learned_first.tangent import Floats, curvature, regress, tangent_kernel
from nbcore.errors import ParameterError
from nbcore.measures.generalization.kernels import kernel_distance
from nbcore.runs.plan import Plan
from nbcore.runs.run import find_run
from nbcore.runs.store import Run, Tables, run_or_load

NETWORK, LAZY = "network", "lazy network"
START, WIDE, PRETRAINED = "kernel at the start", "widest kernel", "pretrained kernel"
LEARNERS = (NETWORK, LAZY, START, WIDE, PRETRAINED)
#: shares of training after which the network's kernel is looked at
MOMENTS = (0.0, 0.02, 0.1, 0.5, 1.0)
#: moments at which a network may stop, evenly spaced; steps at least; pictures a step
STOPS, LEAST_STEPS, BATCH = 8, 1000, 50
#: outputs of a lazy network are multiplied by this, and its start is subtracted
LAZINESS = 100.0
#: training pictures for the kernel along training, and pictures whose kernel is compared
FITTED, COMPARED = 1000, 300


def sizes(config: Tangent) -> list[int]:
    """List the numbers of training pictures.

    ParameterError unless that of pretraining is one of them, with two beyond it.
    """
    out = [config.least]
    while 2 * out[-1] <= config.most:
        out.append(2 * out[-1])
    if config.pretrained not in out[:-2]:
        raise ParameterError(
            f"Training pictures double from {config.least:,} up to {config.most:,}; pretraining on "
            f"{config.pretrained:,} has to be one of these sizes, with two beyond it."
        )
    return out


class Sets(NamedTuple):
    """Training, choice and test pictures of one seed, labels -1 and 1."""

    x: Tensor
    y: Tensor
    choice: Tensor
    choice_y: Floats
    test: Tensor
    test_y: Floats

    def errors(self, model: nn.Module, base: nn.Module | None = None) -> tuple[float, float]:
        """Measure shares of wrong signs on choice and test pictures; base: is subtracted."""
        found = []
        for x, y in ((self.choice, self.choice_y), (self.test, self.test_y)):
            f = outputs(model, x)[:, 0] - (outputs(base, x)[:, 0] if base else 0)
            found.append(wrong(f.numpy(), y))
        return found[0], found[1]


def sets(config: Tangent, seed: int) -> Sets:
    """Draw the pictures; those to choose by come after the training pictures."""
    n, more = config.most, config.pretrained
    shown = pictures(config.dataset, n + more, config.tested, seed, config.task)
    y, test_y = 2.0 * shown.y - 1, 2.0 * shown.test_y - 1
    own = torch.as_tensor(y[:n]).float()
    return Sets(shown.x[:n], own, shown.x[n:], y[n:], shown.test_x, test_y)


def wrong(guess: Floats, y: Floats) -> float:
    """Measure the share of guesses (n,) whose sign is not that of y (n,)."""
    return float((np.sign(guess) != y).mean())


def train(
    own: Sets, model: nn.Module, n: int, epochs: int, rate: float, seed: int, lazy: bool = False
) -> tuple[float, list[tuple[Floats, float]]]:
    """Train on the first n pictures; return the test error where the choice has fewest errors.

    And, of a network on all pictures that is not lazy, what `look` sees at each of `MOMENTS`.
    """
    batch = min(BATCH, n)
    steps = max(epochs * (n // batch), min(LEAST_STEPS, 20 * epochs))
    stops = {round(k * steps / STOPS) for k in range(1, STOPS + 1)}
    moments = {round(m * steps) for m in MOMENTS} if n == len(own.x) and not lazy else set()
    y, base = own.y[:n], copy.deepcopy(model).eval() if lazy else None
    if base:
        y, rate = torch.stack([y, outputs(base, own.x[:n])[:, 0]], 1), rate / LAZINESS**2

    def watch(m: nn.Module, step: int) -> tuple[Any, Any]:
        errors = own.errors(m, base) if step in stops else None
        return errors, look(own, m) if step in moments else None

    found = follow(
        model,
        own.x[:n],
        y,
        passes(n, batch, steps, seed),
        stops | moments,
        watch,
        lr=rate,
        loss=_lazy_loss if lazy else _loss,
        precision="float32",
    )
    best = min((e for e, _ in found if e), key=lambda e: e[0])  # the first of equals
    return best[1], [seen for _, seen in found if seen]


def _loss(out: Tensor, y: Tensor) -> Tensor:
    return (out[:, 0] - y).square().mean()


def _lazy_loss(out: Tensor, y: Tensor) -> Tensor:
    return (LAZINESS * (out[:, 0] - y[:, 1]) - y[:, 0]).square().mean()


def look(own: Sets, model: nn.Module) -> tuple[Floats, float]:
    """Compute a network's kernel of some test pictures, and the error of regression with it."""
    few = own._replace(x=own.x[:FITTED], y=own.y[:FITTED])
    (error,) = by_kernel(few, model, [len(few.x)])
    return tangent_kernel(model, own.test[:COMPARED])[0], error


def by_kernel(own: Sets, model: nn.Module, ns: list[int]) -> list[float]:
    """Measure test errors of regression with a network's kernel on the first n pictures."""
    kernel, choice, test = tangent_kernel(model, own.x, (own.choice, own.test))
    y, out = own.y.numpy().astype(float), []
    for n in ns:
        seen = choice[:, :n], own.choice_y
        out.append(wrong(regress(kernel[:n, :n], y[:n], seen, test[:, :n]), own.test_y))
    return out


def _member(config: Tangent, name: str) -> xr.Dataset:
    seed, ns = int(name.removeprefix("seed")), sizes(config)
    own = sets(config, seed)

    def fresh(width: int = config.width) -> nn.Module:
        return convolutional(width, 1, own.x.shape[1], norm=False, seed=seed).eval()

    # half of the largest rate at which descent on all pictures does not swing at the start
    rate = 1 / (2 * curvature(tangent_kernel(fresh(), own.x[:FITTED])[0]))
    fit = partial(train, own, epochs=config.epochs, rate=rate, seed=seed)
    error: dict[str, list[float]] = {NETWORK: [], LAZY: []}
    kept = still = fresh()
    for n in ns:
        net, still = fresh(), fresh()
        found, along = fit(net, n)
        error[NETWORK].append(found)
        error[LAZY].append(fit(still, n, lazy=True)[0])
        kept = net.eval() if n == config.pretrained else kept
    for what, model in ((START, fresh()), (WIDE, fresh(config.wide)), (PRETRAINED, kept)):
        error[what] = by_kernel(own, model, ns)
    kernels = [k for k, _ in along]
    moved = kernel_distance(kernels[0], tangent_kernel(still.eval(), own.test[:COMPARED])[0])
    apart = [[kernel_distance(a, b) for b in kernels] for a in kernels]
    return xr.Dataset(
        {
            "error": (("learner", "n"), [error[k] for k in LEARNERS]),
            "distance": (("moment", "other"), apart),
            "error_along": ("moment", [e for _, e in along]),
            "distance_lazy": moved,
            "rate": rate,
        },
        {"learner": list(LEARNERS), "n": ns, "moment": list(MOMENTS), "other": list(MOMENTS)},
    )


def _reduce(run: Run) -> Tables:
    return {"errors": xr.concat([m for _, m in run.members()], "member", data_vars="all")}


def scaling_plan(config: Tangent, workers: int = 1) -> Plan:
    """Plan three members; one takes two minutes of one core and 2 GB."""
    return Plan(
        "tangent-kernels",
        config,
        {"pictures": config.dataset},
        [f"seed{k}" for k in range(config.seeds)],
        partial(_member, config),
        reduce=_reduce,
        workers=workers,
    )


STORED = {"tangent-kernels": lambda m: scaling_plan(Tangent.from_address(m["config"]))}


def load_scaling(config: Tangent, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute networks and kernels."""
    return run_or_load(scaling_plan(config, workers), fresh)


def find_scaling(config: Tangent) -> Run | None:
    """Find what was computed before, with whatever members it has; None without any."""
    return find_run("tangent-kernels", config, {"pictures": config.dataset})
