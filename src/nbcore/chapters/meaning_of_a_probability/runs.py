"""Runs of networks: confidence along training (C6), and violations by width (C10)."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from nbcore.chapters.meaning_of_a_probability.config import Auditors, Gap
from nbcore.chapters.meaning_of_a_probability.networks import (
    audit,
    fit,
    network,
    pictures,
    probabilities,
    violation,
)
from nbcore.measures.calibration.binned import binned_ece, confidence
from nbcore.measures.calibration.smooth import smooth_ece
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

FEW, MANY, NOISY = "few pictures", "many pictures", "many, wrong labels"
SETTINGS = (FEW, MANY, NOISY)
SETS = ("train", "test")
CHECKPOINTS, TEST = 14, 5000
LINEAR = 0  # the width that stands for a linear model


def moments(steps: int) -> list[int]:
    """List at most fourteen moments: 0, then evenly in the logarithm."""
    spaced = np.geomspace(1, steps, CHECKPOINTS - 1).round().astype(int)
    return sorted({0, *map(int, spaced)})


def _wrong(labels: np.ndarray, noise: float, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Give each label another class with the chance `noise`."""
    other = (labels + rng.integers(1, classes, len(labels))) % classes
    return np.where(rng.random(len(labels)) < noise, other, labels)


def gap_member(config: Gap, name: str) -> xr.Dataset:
    """Train one network in each setting; wrong labels are in the test set as well."""
    seed = int(name.removeprefix("seed"))
    (x, y), (x_test, y_test) = pictures(config.dataset, config.side)
    rng, classes = np.random.default_rng([13, seed]), int(y.max()) + 1
    order, tested = rng.permutation(len(y))[: config.images], rng.permutation(len(y_test))[:TEST]
    sizes = {FEW: config.images // 8, MANY: config.images, NOISY: config.images}
    seen, flipped = [], []
    for setting in SETTINGS:
        noise, chosen = config.noise if setting == NOISY else 0.0, order[: sizes[setting]]
        labels = [_wrong(a, noise, classes, rng) for a in (y[chosen], y_test[tested])]
        sets = list(zip((x[chosen], x_test[tested]), labels, strict=True))
        net = network(x.shape[1], config.width, classes, seed)
        along: list[Any] = []

        def look(net=net, sets=sets, along=along) -> None:
            along.append([_errors(probabilities(net, a), b) for a, b in sets])

        fit(net, *sets[0], config.steps, seed, moments(config.steps), look)
        p, right = confidence(probabilities(net, sets[0][0]), sets[0][1])
        flipped.append(smooth_ece(1 + 1 / classes - p, right))
        seen.append(along)
    values = np.array(seen, np.float32)
    at = ("setting", "checkpoint", "set")
    parts = {k: (at, values[..., i]) for i, k in enumerate(("smooth", "binned", "wrong"))}
    return xr.Dataset(
        parts | {"flipped": ("setting", flipped)},
        {
            "setting": list(SETTINGS),
            "set": list(SETS),
            "step": ("checkpoint", moments(config.steps)),
        },
    )


def _errors(shares: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    p, right = confidence(shares, labels)
    return smooth_ece(p, right), binned_ece(p, right), float(1 - right.mean())


def auditors_member(config: Auditors, name: str) -> xr.Dataset:
    """Fit a linear model and networks of every width, and the best auditor of each."""
    seed = int(name.removeprefix("seed"))
    (x, y), (x_test, y_test) = pictures(config.dataset, config.side, config.classes)
    chosen = np.random.default_rng([13, seed]).permutation(len(y))[: config.images]
    x, y, y_test = x[chosen], y[chosen].astype(np.float32), y_test.astype(np.float32)
    found = []
    for width in (LINEAR, *config.widths):
        if width == LINEAR:
            both = [np.concatenate([a, np.ones((len(a), 1))], 1) for a in (x, x_test)]
            weights = np.linalg.lstsq(both[0], y, rcond=None)[0]
            p, p_test = (np.clip(a @ weights, 0, 1) for a in both)
        else:
            net = network(x.shape[1], width, 1, seed)
            fit(net, x, y, config.steps, seed)
            p, p_test = (probabilities(net, a) for a in (x, x_test))
        auditor = audit(p, y, x, config.auditor, config.auditor_steps, seed)
        sets = ((x, p, y), (x_test, p_test, y_test))
        found.append(
            [
                (violation(auditor(a), q, b), ((b - q) ** 2).mean(), smooth_ece(q, b))
                for a, q, b in sets
            ]
        )
    values, at = np.array(found, np.float32), ("width", "set")
    return xr.Dataset(
        {k: (at, values[..., i]) for i, k in enumerate(("violation", "loss", "smooth"))},
        {"width": [LINEAR, *config.widths], "set": list(SETS)},
    )


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    return {"errors": xr.concat(rows, "member", compat="override", coords="minimal")}


def gap_plan(config: Gap, workers: int = 1) -> Plan:
    """Plan five members of half a minute of one core."""
    names, data = [f"seed{k}" for k in range(config.seeds)], {"pictures": config.dataset}
    return Plan(
        "calibration-gap",
        config,
        data,
        names,
        partial(gap_member, config),
        reduce=_reduce,
        workers=workers,
    )


def auditors_plan(config: Auditors, workers: int = 1) -> Plan:
    """Plan five members of a minute of one core."""
    names, data = [f"seed{k}" for k in range(config.seeds)], {"pictures": config.dataset}
    return Plan(
        "width-auditors",
        config,
        data,
        names,
        partial(auditors_member, config),
        reduce=_reduce,
        workers=workers,
    )


STORED = {
    "calibration-gap": lambda m: gap_plan(Gap.from_address(m["config"])),
    "width-auditors": lambda m: auditors_plan(Auditors.from_address(m["config"])),
}


def load_gap(config: Gap, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute networks along training."""
    return run_or_load(gap_plan(config, workers), fresh)


def load_auditors(config: Auditors, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute networks and their auditors by width."""
    return run_or_load(auditors_plan(config, workers), fresh)
