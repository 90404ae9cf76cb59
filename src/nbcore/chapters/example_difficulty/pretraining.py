"""The stand-in for A17: small networks pretrained on so many images, then fine-tuned alike.

The paper's networks are pretrained on fractions of a private set of 128 million photographs. Here
a small residual network is pretrained on N labelled pictures of a public set of other things, for
as many steps whatever N is, and fine-tuned on the random subset of chapter 7. A run of its own,
since it needs another data set and neither difficulty nor the large network.
"""

import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch
import xarray as xr

from nbcore import data as nbdata
from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.errors import ParameterError
from nbcore.lines.config import SHIFTED, data_of, data_roles
from nbcore.lines.packing import curves, joined_curves
from nbcore.lines.trained import load_sets
from nbcore.measures.selection import balanced_subset, select
from nbcore.models import small
from nbcore.runs.config import Config, param
from nbcore.runs.plan import Manifest, Plan, data_names
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop
from nbcore.training.testbed import CNNS


@dataclass(frozen=True)
class PretrainingSize(Config):
    """What the `pretrain-N` members depend on; chapter 7 fills it in (`pretraining`)."""

    slug: ClassVar[str] = "pretraining-size"

    id: str = param("cifar10", "data set to fine-tune on", in_address=False, is_path=True)
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets, same classes", in_address=False, is_path=True
    )
    image_size: int = param(32, "side of all images, pixels", low=8, high=1024)
    test_images: int = param(4_000, "ID test images, class-balanced", low=10)
    subset: int = param(5_000, "random training images, class-balanced", low=2)
    pretrain_set: str = param(
        "fashion-mnist", "pictures to pretrain on", in_address=False, is_path=True
    )
    images: tuple[int, ...] = param(
        (0, 600, 6_000, 60_000), "how many of them; 0 is no pretraining", in_address=False
    )
    kind: str = param("res32", "network, of the testbed's", choices=tuple(CNNS))
    pretrain_steps: int = param(1_500, "steps of pretraining, whatever the number", low=4)
    pretrain_lr: float = param(0.05, "rate of pretraining", low=0.0)
    steps: int = param(1_200, "steps of fine-tuning", low=4)
    lr: float = param(0.02, "rate of fine-tuning, whatever the pretraining", low=0.0)
    batch: int = param(128, "images a step", low=1)
    checkpoints: int = param(12, "evaluations, in log steps", low=4, high=1000)
    seeds: int = param(3, "seeds", low=1, in_address=False)
    conditions: tuple[str, ...] = param((), "those to run; none means all", in_address=False)
    workers: int = param(2, "processes", low=1, high=64, in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)

    def names(self) -> list[str]:
        """`pretrain-600-seed0` and so on."""
        wanted = self.conditions or tuple(f"pretrain-{n}" for n in self.images)
        return [f"{name}-seed{s}" for s in range(self.seeds) for name in wanted]

    def roles(self) -> dict[str, str]:
        """Role -> data set: those of chapter 2, and "pretraining"."""
        tested = replace(RiseAndFall.book(), id=self.id, ood=self.ood)
        return data_roles(tested) | {"pretraining": self.pretrain_set}


def run_pretraining(config: PretrainingSize, fresh: bool = False) -> Run:
    """The stored run: table `curves` as `packing.pack` makes it, one row a member."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: PretrainingSize) -> Plan:
    """What computes the run."""
    return Plan(
        config.slug,
        config,
        config.roles(),
        config.names(),
        partial(member, config),
        reduce=curves,
        join=joined_curves,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    found = {**data_of(manifest), "pretrain_set": data_names(manifest)["pretraining"]}
    return run_plan(PretrainingSize.from_address(manifest["config"], **found))


STORED = {PretrainingSize.slug: _stored}


def member(config: PretrainingSize, name: str) -> xr.Dataset:
    """One network: pretrained on N pictures, its head replaced, fine-tuned (`loop.train`)."""
    label, seed = name.rsplit("-seed", 1)
    sets = load_sets(config.id, config.ood, config.image_size, config.test_images)
    net = _pretrained(config, int(label.removeprefix("pretrain-")), int(seed), sets.classes)
    images, labels = sets.train
    try:
        picked = select("random", None, labels, config.subset, int(seed))
    except ValueError as error:
        raise ParameterError(str(error)) from None
    recipe = loop.Recipe(
        steps=config.steps,
        batch=min(config.batch, config.subset),
        lr=config.lr,
        augment=True,
        drop_at=(0.7,),
        checkpoints=config.checkpoints,
        first=4,
    )
    return loop.train(
        net,
        (images[picked], labels[picked]),
        sets.evaluations,
        recipe,
        seed=int(seed),
        device=config.device,
        progress=name if sys.stderr.isatty() else None,
    )


def _pretrained(config: PretrainingSize, n: int, seed: int, classes: int):
    """A network with a fresh head, and a body that has seen n pictures; grey ones are repeated."""
    width, residual = CNNS[config.kind]
    if n == 0:
        return small.small_cnn(width, classes, residual, 3, seed)
    images, labels, known = pictures(config)
    net = small.small_cnn(width, known, residual, 3, seed)
    if n > len(labels):
        raise ParameterError(
            f"A subset of {n} examples was asked of {len(labels)} for pretraining; ask for fewer."
        )
    picked = balanced_subset(labels, n, seed)
    recipe = loop.Recipe(
        steps=config.pretrain_steps,
        batch=min(config.batch, n),
        lr=config.pretrain_lr,
        weight_decay=5e-4,
        drop_at=(0.6, 0.85),
        factor=0.15,
        checkpoints=2,
    )
    loop.train(net, (images[picked], labels[picked]), {}, recipe, seed=seed, device=config.device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net.replace_head(classes)
    return net


def pictures(config: PretrainingSize) -> tuple[np.ndarray, np.ndarray, int]:
    """Images, labels and the number of classes to pretrain on; digits below 5 are for later."""
    found = nbdata.train_test(config.pretrain_set, config.image_size).train
    if SHIFTED in config.ood and config.pretrain_set == config.id:
        upper = found.subset(found.labels >= 5)
        return upper.images, upper.labels - 5, len(found.classes) - 5
    return found.images, found.labels, len(found.classes)
