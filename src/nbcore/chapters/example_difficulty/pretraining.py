"""The stand-in for A17: small networks pretrained on so many images, then fine-tuned alike.

The paper's networks are pretrained on fractions of a private set of 128 million photographs. Here
a small residual network is pretrained on N labelled pictures of a public set of other things, for
as many steps whatever N is, and fine-tuned on the random subset of chapter 7. A run of its own,
since it needs another data set and neither difficulty nor the large network.
"""

import sys
from functools import partial

import numpy as np
import torch
import xarray as xr

from nbcore import data as nbdata
from nbcore.chapters.example_difficulty.networks import PretrainingSize
from nbcore.errors import ParameterError
from nbcore.lines.config import SHIFTED, data_of
from nbcore.lines.packing import curves, joined_curves
from nbcore.lines.trained import load_sets
from nbcore.measures.selection import balanced_subset, select
from nbcore.models import small
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop
from nbcore.training.kinds import CNNS
from nbcore.training.recipe import Recipe


def run_pretraining(config: PretrainingSize, fresh: bool = False) -> Run:
    """Load or compute the run: table `curves` as `packing.pack` makes it, one row a member."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: PretrainingSize) -> Plan:
    """Plan the run of A17's stand-in."""
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
    """Pretrain one network on N pictures, replace its head, and fine-tune it (`loop.train`)."""
    label, seed = name.rsplit("-seed", 1)
    sets = load_sets(config.id, config.ood, config.image_size, config.test_images)
    net = _pretrained(config, int(label.removeprefix("pretrain-")), int(seed), sets.classes)
    images, labels = sets.train
    try:
        picked = select("random", None, labels, config.subset, int(seed))
    except ValueError as error:
        raise ParameterError(str(error)) from None
    recipe = Recipe(
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
    """Pretrain a network on n pictures and give it a fresh head; grey channels are repeated.

    n = 0: random weights.
    """
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
    recipe = Recipe(
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
    """Load the images, labels and number of classes to pretrain on.

    If they are the digits that the chapter trains on, only 5 to 9, numbered from 0: those below 5
    are for later training.
    """
    found = nbdata.train_test(config.pretrain_set, config.image_size).train
    if SHIFTED in config.ood and config.pretrain_set == config.id:
        upper = found.subset(found.labels >= 5)
        return upper.images, upper.labels - 5, len(found.classes) - 5
    return found.images, found.labels, len(found.classes)
