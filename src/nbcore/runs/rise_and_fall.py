"""Chapter 2: effective robustness while a pretrained network is fine-tuned, against a testbed.

Two stored runs: a testbed trained from scratch, which gives the line, and the fine-tuning
conditions with their seeds, all seen by the same evaluation images. `er_curves` reads them.
"""

import hashlib
import sys
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from filelock import FileLock

from nbcore import data as nbdata
from nbcore.errors import DataError
from nbcore.models import pretrained, small
from nbcore.paths import cache_dir
from nbcore.runs.conditions import (
    OWN_NET,
    SHIFTED,
    RiseAndFall,
    TestbedRun,
    conditions,
    data_roles,
    member_names,
)
from nbcore.runs.packing import pack
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop, testbed
from nbcore.training.classical import shift_digits


class Sets(NamedTuple):
    """(images, labels) for training and per evaluation set: "id", "ood", "ood2", ..."""

    train: tuple[np.ndarray, np.ndarray]
    evaluations: dict[str, tuple[np.ndarray, np.ndarray]]
    classes: int


def run_testbed(config: RiseAndFall, fresh: bool = False) -> Run:
    """The models of the line: table `models` as `pack` makes it, one row a model."""
    bed = TestbedRun(config.image_size, config.test_images, config.epochs)
    names = [m for m in config.testbed if testbed.split_name(m)]
    # the longest first, so that parallel workers end together
    names.sort(key=lambda m: (m.split("-")[0] in testbed.CNNS, testbed.split_name(m)[1]))
    return run_or_load(
        bed.slug,
        bed,
        data_roles(config),
        names[::-1],
        partial(_testbed_member, config),
        reduce=lambda run: {"models": pack(run.members())},
        fresh=fresh,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
        modules=(testbed, loop, small),
    )


def run_conditions(config: RiseAndFall, fresh: bool = False) -> Run:
    """The fine-tuning runs: table `curves` as `pack` makes it, one row a (condition, seed)."""
    return run_or_load(
        config.slug,
        config,
        data_roles(config),
        member_names(config),
        partial(_member, config),
        reduce=lambda run: {"curves": pack(run.members())},
        fresh=fresh,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
        modules=(loop, pretrained),
    )


@lru_cache(maxsize=2)
def load_sets(id: str, ood: tuple[str, ...], image_size: int, test_images: int) -> Sets:
    """Training and evaluation images; DataError when an evaluation label has no ID class."""
    training, test = (nbdata.load(id, split, image_size) for split in ("train", "test"))
    classes = len(training.classes)
    if SHIFTED in ood:
        classes = 5
        training, test = (part.subset(part.labels < 5) for part in (training, test))
    picked = testbed.balanced_subset(test.labels, min(test_images, len(test)))
    test = test.subset(np.sort(picked))
    evaluations = {"id": (test.images, test.labels)}
    for i, name in enumerate(ood):
        role = "ood" + (str(i + 1) if i else "")
        if name == SHIFTED:
            moved = shift_digits(test.images[..., 0])[..., None]
            evaluations[role] = (np.rint(moved).astype(np.uint8), test.labels)
            continue
        shifted = nbdata.load(name, "test", image_size)
        if shifted.labels.max() >= classes or shifted.images.shape[-1] != test.images.shape[-1]:
            raise DataError(
                f"{name} has labels up to {shifted.labels.max()} and {shifted.images.shape[-1]} "
                f"channels, but {id} has {classes} classes and {test.images.shape[-1]}; give a "
                "shifted set with the same classes in the same order, and the same mode."
            )
        if shifted.classes != training.classes[: len(shifted.classes)]:
            raise DataError(
                f"{name} has the classes {', '.join(shifted.classes[:12])}, but {id} has "
                f"{', '.join(training.classes[:12])}; name them alike, in the same order."
            )
        evaluations[role] = (shifted.images, shifted.labels)
    return Sets((training.images, training.labels), evaluations, classes)


def _sets(config: RiseAndFall) -> Sets:
    return load_sets(config.id, config.ood, config.image_size, config.test_images)


def _testbed_member(config: RiseAndFall, name: str) -> xr.Dataset:
    sets = _sets(config)
    return testbed.train_member(
        name, sets.train, sets.evaluations, epochs=config.epochs, device=config.device
    )


def _member(config: RiseAndFall, name: str) -> xr.Dataset:
    """One condition with one seed: its predictions along training (`loop.train`)."""
    condition, seed = name.rsplit("-seed", 1)
    c, sets = conditions(config)[condition], _sets(config)
    images, labels = sets.train
    picked = testbed.balanced_subset(labels, min(config.train_images, len(labels)))
    recipe = loop.Recipe(
        steps=c.steps,
        batch=config.batch,
        lr=c.lr,
        loss=c.loss,
        augment=c.whole,
        drop_at=(0.7,) if c.whole else (),
        weight_decay=1e-4 if c.whole else 0.0,
        checkpoints=config.checkpoints,
        first=c.first,
    )
    training: loop.Data
    evaluations: Mapping[str, loop.Data]
    if c.whole:
        model: torch.nn.Module = build(config, c.pretrained, c.size, sets.classes, int(seed))
        training, evaluations = (images[picked], labels[picked]), sets.evaluations
    else:
        banks = _features(config, c.size, images[picked], sets)
        training = banks["train"], labels[picked]
        evaluations = {k: (banks[k], y) for k, (_, y) in sets.evaluations.items()}
        with torch.random.fork_rng():
            torch.manual_seed(int(seed))
            model = torch.nn.Linear(banks["train"].shape[1], sets.classes)
    partial_file = cache_dir() / "partial" / f"{cache_key(config, condition)}-{seed}.pt"
    return loop.train(
        model,
        training,
        evaluations,
        recipe,
        seed=int(seed),
        device=config.device,
        checkpoint_file=partial_file,
        progress=name if sys.stderr.isatty() else None,
    )


def build(config: RiseAndFall, trained: bool, size: int | None, classes: int, seed: int):
    """The network of the config with a fresh head, pretrained or random."""
    if config.model != OWN_NET:
        return pretrained.create(config.model, classes, trained, size, seed, config.weights)
    net = small.small_cnn(16, 5, channels=1, seed=seed)
    if trained:
        digits = nbdata.load("digits", "train")
        upper = digits.subset(digits.labels >= 5)
        recipe = loop.Recipe(steps=150, batch=32, lr=0.05, checkpoints=2)
        loop.train(net, (upper.images, upper.labels - 5), {}, recipe, device=config.device)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net.replace_head(classes)
    return net


def _features(
    config: RiseAndFall, size: int | None, images: np.ndarray, sets: Sets
) -> dict[str, torch.Tensor]:
    """Penultimate features of the training and evaluation images, computed once per machine."""
    what = "features" if size == config.feature_size else f"features-{size}"
    file = cache_dir() / "features" / f"{cache_key(config, what)}.pt"
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock"):
        if not file.exists():
            net = build(config, True, size, sets.classes, 0)
            all_images = {"train": images, **{k: x for k, (x, _) in sets.evaluations.items()}}
            bar = "features of" if sys.stderr.isatty() else None
            banks = {
                k: loop.cached_features(net, x, config.device, progress=bar and f"{bar} {k}")
                for k, x in all_images.items()
            }
            torch.save(banks, file.with_suffix(".tmp"))
            file.with_suffix(".tmp").replace(file)
    return torch.load(file, weights_only=True)


def cache_key(config: RiseAndFall, what: str) -> str:
    """A file name for what depends on a config, its data and its weights: `what` and a digest."""
    weights = (
        hashlib.sha256(Path(config.weights).read_bytes()).hexdigest() if config.weights else ""
    )
    sums = [nbdata.checksum(name) for name in data_roles(config).values()]
    text = repr((config.address(), sums, weights, what))
    return f"{what}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
