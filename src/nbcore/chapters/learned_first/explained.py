"""A network along training, and what simple classifiers explain of it (C35).

run = load_explained(config)    # a member is one seed: pictures, network, explainers
run.table("counts")             # how often prediction, label and explainer's prediction meet
"""

from functools import partial

import numpy as np
import torch
import xarray as xr
from sklearn.linear_model import RidgeClassifierCV

from nbcore.chapters.learned_first.config import Explained
from nbcore.chapters.learned_first.networks import (
    connected,
    convolutional,
    follow,
    outputs,
    passes,
    unwatched,
)
from nbcore.chapters.learned_first.pictures import Pictures, pictures
from nbcore.measures.generalization.explained import joint_counts
from nbcore.runs.plan import Plan
from nbcore.runs.run import find_run
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training.loop import checkpoint_steps

LINEAR, HIDDEN, RANDOM = "linear", "one hidden layer", "random"
EXPLAINERS = (LINEAR, HIDDEN, RANDOM)
BATCH, RATE, TESTED = 50, 0.05, 10_000
#: of the explainer with one hidden layer
UNITS, HIDDEN_PASSES, HIDDEN_RATE = 256, 10, 0.01
RIDGES = np.geomspace(10, 1e6, 11)


def explainers(shown: Pictures, seed: int, device: str = "cpu") -> dict[str, np.ndarray]:
    """Fit simple classifiers on the training pictures and predict the test pictures: (example,).

    The random one has the linear one's predictions, shuffled among the pictures of each class: it
    knows as much about the label, and nothing about the picture.
    """
    flat, test = shown.x.flatten(1).numpy(), shown.test_x.flatten(1).numpy()
    linear = RidgeClassifierCV(RIDGES).fit(flat, shown.y).predict(test)
    net, y = connected(flat.shape[1], UNITS, shown.classes, 1, seed), torch.as_tensor(shown.y)
    order = passes(len(y), BATCH, HIDDEN_PASSES * (len(y) // BATCH), seed)
    follow(net, shown.x, y, order, (), unwatched, lr=HIDDEN_RATE, device=device)
    hidden = outputs(net.eval(), shown.test_x).argmax(1).numpy()
    return {LINEAR: linear, HIDDEN: hidden, RANDOM: within(linear, shown.test_y, seed)}


def within(predictions: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Shuffle predictions among the examples of each label: (example,)."""
    rng, out = np.random.default_rng([seed, 35]), np.array(predictions)
    for label in np.unique(labels):
        own = labels == label
        out[own] = rng.permutation(out[own])
    return out


def _member(config: Explained, name: str, device: str = "cpu") -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    shown = pictures(config.dataset, config.images, TESTED, seed, config.task)
    y = torch.as_tensor(shown.y)
    order = passes(config.images, BATCH, config.epochs * (config.images // BATCH), seed)
    plan = checkpoint_steps(len(order), config.checkpoints)
    net = convolutional(config.width, shown.classes, shown.x.shape[1], seed=seed)

    def watch(model: torch.nn.Module, step: int) -> np.ndarray:
        return outputs(model, shown.test_x).argmax(1).numpy()

    seen = follow(net, shown.x, y, order, plan, watch, lr=RATE, device=device)
    fitted = (outputs(net.eval(), shown.x).argmax(1) == y).float().mean()
    by = explainers(shown, seed, device)
    counts = [[joint_counts(f, shown.test_y, by[k], sizes=2) for f in seen] for k in EXPLAINERS]
    return xr.Dataset(
        {
            "counts": (("explainer", "checkpoint", "prediction", "label", "explained"), counts),
            "step": ("checkpoint", plan),
            "accuracy_train": float(fitted),
        },
        {"explainer": list(EXPLAINERS)},
    )


def _reduce(run: Run) -> Tables:
    whole = xr.concat([m for _, m in run.members()], "member", data_vars="all")
    return {"counts": whole.assign(step=whole["step"].isel(member=0))}


def explained_plan(config: Explained, workers: int = 1, device: str = "cpu") -> Plan:
    """Plan five members; one takes a minute of one core."""
    return Plan(
        "explained-by-linear",
        config,
        {"pictures": config.dataset},
        [f"seed{k}" for k in range(config.seeds)],
        partial(_member, config, device=device),
        reduce=_reduce,
        workers=workers,
        device=device,
    )


STORED = {"explained-by-linear": lambda m: explained_plan(Explained.from_address(m["config"]))}


def load_explained(
    config: Explained, fresh: bool = False, workers: int = 1, device: str = "cpu"
) -> Run:
    """Load or compute the networks beside their explainers."""
    return run_or_load(explained_plan(config, workers, device), fresh)


def find_explained(config: Explained) -> Run | None:
    """Find what was computed before, with whatever members it has; None without any."""
    return find_run("explained-by-linear", config, {"pictures": config.dataset})
