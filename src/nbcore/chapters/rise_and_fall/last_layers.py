"""Last layers of several pretrained networks: what chapter 2 says of size and of noisy peaks.

Training a last layer on kept features costs seconds, so that it can be evaluated a hundred times
and repeated with several networks, rates and seeds. One stored run holds them all.
"""

import sys
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import ClassVar

import torch
import xarray as xr

from nbcore.chapters.rise_and_fall.config import NETWORKS, OWN_SIDE, SERIES, RiseAndFall
from nbcore.lines.config import OWN_NET, LineConfig, data_of, data_roles
from nbcore.lines.curves import Study, by_condition, measure
from nbcore.lines.packing import curves, joined_curves
from nbcore.lines.trained import bank_features, cache_key, run_testbed, testbed_sets
from nbcore.measures.selection import balanced_subset
from nbcore.models import offline
from nbcore.paths import cache_dir
from nbcore.runs.config import Config, param
from nbcore.runs.manifests import Manifest
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop
from nbcore.training.recipe import Recipe


@dataclass(frozen=True)
class LastLayers(Config):
    """Which last layers are trained, on what, and how."""

    slug: ClassVar[str] = "last-layers"

    id: str = param("cifar10", "data set to train on", in_address=False, is_path=True)
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets", in_address=False, is_path=True
    )
    image_size: int = param(32, "side to which all images are first brought")
    train_images: int = param(10_000, "training images")
    test_images: int = param(4_000, "ID test images, class-balanced")
    steps: int = param(6_000, "steps of training")
    batch: int = param(64, "images a step")
    checkpoints: int = param(100, "evaluations, in log steps")
    networks: tuple[str, ...] = param(NETWORKS, "networks", in_address=False)
    sides: tuple[int, ...] = param((128,), "sides in pixels; 0: its own", in_address=False)
    lrs: tuple[float, ...] = param((0.001, 0.01), "rates, main one first", in_address=False)
    seeds: int = param(5, "seeds of each", in_address=False)
    workers: int = param(2, "processes", in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)


def beside(config: RiseAndFall) -> LastLayers:
    """Return the last layers that go with chapter 2's config: same images, same training."""
    return LastLayers(
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        train_images=config.train_images,
        test_images=config.test_images,
        steps=config.head_steps,
        batch=config.batch,
        checkpoints=config.head_checkpoints,
        networks=config.compared,
        sides=config.head_sizes,
        lrs=config.head_lrs[:2],
        seeds=config.head_seeds,
        workers=config.workers,
        device=config.device,
    )


def condition(network: str, side: int, lr: float) -> str:
    """Name a condition: `mobilenet_v2@128, rate 0.001`."""
    if side == OWN_SIDE:
        side = offline.NETWORKS[network].side if network in offline.NETWORKS else 224
    return f"{network}@{side}, rate {lr:g}"


def conditions(config: LastLayers) -> list[str]:
    """List the conditions; neighbours are of different networks, so that workers share none.

    At the side of pretraining, which is three times as costly, only the series of sizes is run,
    where there are networks of it: the others would be compared with nothing.
    """
    series = [n for n in config.networks if n in SERIES] or config.networks
    choices = [
        (network, side, lr)
        for side, lr in product(config.sides, config.lrs)
        for network in (series if side == OWN_SIDE else config.networks)
    ]
    return list(dict.fromkeys(condition(*choice) for choice in choices))


def run_last_layers(config: LastLayers, fresh: bool = False) -> Run:
    """Load or compute the run: table `curves` as `packing.pack` makes it, one row a member."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: LastLayers) -> Plan:
    """Say what computes the run."""
    return Plan(
        config.slug,
        config,
        data_roles(_line(config)),
        [f"{c}-seed{s}" for s in range(config.seeds) for c in conditions(config)],
        partial(_member, config),
        reduce=curves,
        join=joined_curves,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    return run_plan(LastLayers.from_address(manifest["config"], **data_of(manifest)))


STORED = {LastLayers.slug: _stored}


def _line(config: LastLayers, network: str = "", side: int = 0) -> LineConfig:
    """The config that chapter 2's images and networks are loaded by."""
    return LineConfig(
        model=network or OWN_NET,
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        feature_size=side or config.image_size,
        test_images=config.test_images,
        device=config.device,
    )


def _member(config: LastLayers, name: str) -> xr.Dataset:
    """Train one last layer: its predictions along training (`loop.train`)."""
    start, seed = name.rsplit("-seed", 1)
    what, lr = start.split(", rate ")
    network, side = what.rsplit("@", 1)
    line = _line(config, network, int(side))
    sets = testbed_sets(line)
    images, labels = sets.train
    picked = balanced_subset(labels, min(config.train_images, len(labels)))
    what = f"features-{len(picked)}"
    banks = bank_features(line, what, int(side), images[picked], sets)
    with torch.random.fork_rng():
        torch.manual_seed(int(seed))
        model = torch.nn.Linear(banks["train"].shape[1], sets.classes)
    recipe = Recipe(
        steps=config.steps,
        batch=config.batch,
        lr=float(lr),
        weight_decay=0.0,
        checkpoints=config.checkpoints,
        first=4,
    )
    return loop.train(
        model,
        (banks["train"], labels[picked]),
        {k: (banks[k], y) for k, (_, y) in sets.evaluations.items()},
        recipe,
        seed=int(seed),
        device=config.device,
        checkpoint_file=cache_dir() / "partial" / f"{cache_key(line, start)}-{seed}.pt",
        progress=name if sys.stderr.isatty() else None,
    )


def study(config: RiseAndFall, role: str = "ood", shuffled: bool = False) -> Study | None:
    """Measure the last layers of all networks against chapter 2's testbed; None without any.

    Everything is as in `runs.study`, of the same images and draws. ParameterError where the set was
    not measured.
    """
    if not config.compared:
        return None
    heads = beside(config)
    bed, run = run_testbed(config), run_last_layers(heads)
    found = by_condition(run.table("curves"))
    parts = {name: found[name] for name in conditions(heads)}
    return measure(
        bed, run, parts, config.line_models, config.resamples, role, shuffled, config.models_beside
    )
