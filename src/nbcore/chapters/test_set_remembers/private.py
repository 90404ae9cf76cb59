"""Training with differential privacy, and without, and how differently training pictures fare (C4).

run.table("accuracy"): `accuracy` (member, training, set, group) of each class, of the rare group
and of all; `noise` (member, training) the noise multiplier.
"""

import warnings
from functools import partial

import numpy as np
import torch
import xarray as xr

from nbcore.chapters.test_set_remembers import pictures
from nbcore.chapters.test_set_remembers.budget import noise_for
from nbcore.chapters.test_set_remembers.config import Private
from nbcore.chapters.test_set_remembers.methods import perceptron
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training.loop import train
from nbcore.training.recipe import Recipe

SGD, STOPPED = "SGD", "SGD stopped"
RARE = "rotated"
SETS = ("train", "test")
#: rates of the private steps, which are large and rare, and of plain ones of 64 pictures
PRIVATE_RATE, RATE, BATCH, CHECKPOINTS = 0.5, 0.05, 64, 40
#: passes without privacy over those with it, so that every picture is fitted
LONGER = 4


def called(epsilon: float) -> str:
    """Name private training by its budget."""
    return f"DP-SGD, ε = {epsilon:g}"


def rotated(images: np.ndarray, inputs: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Turn the pictures `which` (n,) by a quarter in the inputs (n, pixels)."""
    turned = np.rot90(inputs.reshape(images.shape), axes=(1, 2)).reshape(inputs.shape)
    return np.where(which[:, None], turned, inputs).astype(np.float32)


def train_privately(
    x: np.ndarray, y: np.ndarray, config: Private, noise: float, seed: int
) -> torch.nn.Module:
    """Train with Opacus: each picture is drawn with one chance, its gradient cut, noise added."""
    from opacus import GradSampleModule
    from opacus.optimizers import DPOptimizer

    n, inputs, labels = len(y), torch.as_tensor(x), torch.as_tensor(y).long()
    net = GradSampleModule(perceptron(x.shape[1], config.width, int(y.max()) + 1, seed))
    draws = torch.Generator().manual_seed(seed * 1_000_003 + 12)
    optimiser = DPOptimizer(
        torch.optim.SGD(net.parameters(), PRIVATE_RATE),
        noise_multiplier=noise,
        max_grad_norm=config.clip,
        expected_batch_size=config.batch,
        generator=torch.Generator().manual_seed(seed * 1_000_003 + 13),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that pictures themselves need no gradient
        for _ in range(steps(config)):
            at = torch.rand(n, generator=draws) < config.batch / n
            if not at.any():  # no gradient, so nothing that noise would have to hide
                continue
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(inputs[at]), labels[at]).backward()
            optimiser.step()
    return net


def steps(config: Private) -> int:
    """Count the private updates."""
    return max(config.epochs * config.images // config.batch, 1)


def _plain(x: np.ndarray, y: np.ndarray, config: Private, tests: dict, seed: int) -> xr.Dataset:
    net = perceptron(x.shape[1], config.width, int(y.max()) + 1, seed)
    recipe = Recipe(
        LONGER * config.epochs * max(config.images // BATCH, 1),
        BATCH,
        RATE,
        weight_decay=0.0,
        drop_at=(0.8,),
        checkpoints=CHECKPOINTS,
    )
    return train(net, (x, y), tests, recipe, seed=seed, device="cpu", precision="float32")


def _member(config: Private, name: str) -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    part, test = pictures.draw(config.dataset, config.side, config.images, seed)
    odd = np.random.default_rng([seed, 6]).random(config.images) < config.rare
    x, y = rotated(part.images, part.inputs, odd), part.labels
    everyone = np.ones(len(test.labels), bool)
    turned = rotated(test.images, test.inputs, everyone)
    sets = {"train": (x, y), "upright": (test.inputs, test.labels), "turned": (turned, test.labels)}
    noises = [
        noise_for(e, config.delta, config.images, config.batch, steps(config))
        for e in config.epsilons
    ]
    rows, names = [], [called(e) for e in config.epsilons]
    for noise in noises:
        net = train_privately(x, y, config, noise, seed).eval()
        with torch.no_grad():
            said = {k: net(torch.as_tensor(v)).argmax(1).numpy() for k, (v, _) in sets.items()}
        rows.append(_by_group(said, y, odd, test.labels, config.rare))
    plain = _plain(x, y, config, sets, seed)
    for at in (len(plain["checkpoint"]) - 1, _nearest(plain, rows[-1][0][-1])):
        said = {k: plain[f"prediction_{k}"].values[at] for k in sets}
        rows.append(_by_group(said, y, odd, test.labels, config.rare))
    classes = pictures.parts(config.dataset, config.side)[2]
    return xr.Dataset(
        {
            "accuracy": (("training", "set", "group"), np.array(rows, np.float32)),
            "noise": ("training", [*noises, 0.0, 0.0]),
        },
        {
            "training": [*names, SGD, STOPPED],
            "set": list(SETS),
            "group": [*map(str, classes), RARE, "all"],
        },
    )


def _nearest(plain: xr.Dataset, accuracy: float) -> int:
    """Find the checkpoint whose training accuracy is nearest to that of the private network."""
    return int(np.abs(plain["accuracy_train"].values - accuracy).argmin())


def _by_group(
    said: dict[str, np.ndarray],
    labels: np.ndarray,
    odd: np.ndarray,
    tested: np.ndarray,
    rare: float,
) -> np.ndarray:
    """Measure accuracies (set, group): every class, the rare group, and all.

    Every test picture is asked upright and turned, and counts as often as such pictures are drawn.
    """
    own = said["train"] == labels
    upright, turned = (said[k] == tested for k in ("upright", "turned"))
    mixed = (1 - rare) * upright + rare * turned
    classes = range(int(labels.max()) + 1)
    train_rows = [own[labels == c].mean() for c in classes]
    test_rows = [mixed[tested == c].mean() for c in classes]
    return np.array(
        [[*train_rows, own[odd].mean(), own.mean()], [*test_rows, turned.mean(), mixed.mean()]]
    )


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    return {"accuracy": xr.concat(rows, "member")}


def private_plan(config: Private, workers: int = 1) -> Plan:
    """Plan five members of about half a minute each."""
    return Plan(
        "private-training",
        config,
        {"pictures": config.dataset},
        [f"seed{k}" for k in range(config.seeds)],
        partial(_member, config),
        reduce=_reduce,
        workers=workers,
    )


STORED = {"private-training": lambda m: private_plan(Private.from_address(m["config"]))}


def load_private(config: Private, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute private and plain training."""
    return run_or_load(private_plan(config, workers), fresh)
