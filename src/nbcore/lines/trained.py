"""The testbed trained here: its data, its models, and the networks measured against them."""

import hashlib
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from nbcore import data as nbdata
from nbcore import files
from nbcore.errors import DataError
from nbcore.lines.config import OWN_NET, SHIFTED, LineConfig, TestbedRun, data_of, data_roles
from nbcore.lines.packing import pack, side_by_side
from nbcore.measures.selection import balanced_subset
from nbcore.models import pretrained, small
from nbcore.paths import cache_dir
from nbcore.runs.manifests import Manifest
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training import kinds, loop, testbed
from nbcore.training.classical import shift_digits
from nbcore.training.recipe import Recipe


class Sets(NamedTuple):
    """(images, labels) to train on and per evaluation set, "id", "ood", ...; class names."""

    train: tuple[np.ndarray, np.ndarray]
    evaluations: dict[str, tuple[np.ndarray, np.ndarray]]
    classes: int
    names: tuple[str, ...] = ()


def run_testbed(config: LineConfig, fresh: bool = False) -> Run:
    """Train or load the models of the line: table `models` as `pack` makes it, one row a model."""
    nbdata.tell(config.id, held_out=True)
    nbdata.tell(*config.ood)
    names = list(dict.fromkeys((*config.line_models, *config.models_beside)))
    # the longest first, so that parallel workers end together
    names.sort(key=kinds.effort)
    return run_or_load(replace(testbed_plan(config), members=names[::-1]), fresh)


def testbed_plan(config: LineConfig) -> Plan:
    """Plan the computation of the testbed of a chapter on lines."""
    bed = TestbedRun(config.image_size, config.test_images, config.epochs)
    return Plan(
        bed.slug,
        bed,
        data_roles(config),
        (*config.line_models, *config.models_beside),
        partial(_testbed_member, config),
        reduce=_models,
        join=_joined,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _models(run: Run) -> Tables:
    return {"models": pack(run.members())}


def _joined(old: Tables, new: Tables) -> Tables:
    return {"models": side_by_side([old["models"], new["models"]]).sortby("member")}


def _stored(manifest: Manifest) -> Plan:
    return testbed_plan(LineConfig(**manifest["config"], **data_of(manifest)))


STORED = {TestbedRun.slug: _stored}


@lru_cache(maxsize=2)
def load_sets(id: str, ood: tuple[str, ...], image_size: int, test_images: int) -> Sets:
    """Load training and evaluation images; DataError when an evaluation label has no ID class.

    They have no image in common: of a folder without splits a part is held out (`train_test`).
    """
    training, test, _ = nbdata.train_test(id, image_size)
    classes = len(training.classes)
    if SHIFTED in ood:
        classes = 5
        training, test = (part.subset(part.labels < 5) for part in (training, test))
    picked = balanced_subset(test.labels, min(test_images, len(test)))
    test = test.subset(np.sort(picked))
    evaluations = {"id": (test.images, test.labels)}
    for i, name in enumerate(ood):
        role = "ood" + (str(i + 1) if i else "")
        if name == SHIFTED:
            moved = shift_digits(test.images[..., 0])[..., None]
            evaluations[role] = (np.rint(moved).astype(np.uint8), test.labels)
            continue
        shifted = _shifted(id, name, image_size)
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
    names = training.classes[:classes]
    return Sets((training.images, training.labels), evaluations, classes, names)


def _shifted(id: str, name: str, image_size: int) -> nbdata.ImageSet:
    """Load a shifted set's test images; all of a folder without splits if it is not the ID one."""
    if nbdata.checksum(name) == nbdata.checksum(id) or nbdata.has_test(name):
        return nbdata.train_test(name, image_size).test
    return nbdata.load(name, "test", image_size)


def testbed_sets(config: LineConfig) -> Sets:
    return load_sets(config.id, config.ood, config.image_size, config.test_images)


def _testbed_member(config: LineConfig, name: str) -> xr.Dataset:
    sets = testbed_sets(config)
    return testbed.train_member(
        name, sets.train, sets.evaluations, epochs=config.epochs, device=config.device
    )


def build(config: LineConfig, trained: bool, size: int | None, classes: int, seed: int):
    """Build the network of the config with a fresh head, pretrained or random."""
    if config.model != OWN_NET:
        return pretrained.create(config.model, classes, trained, size, seed, config.weights)
    net = small.small_cnn(16, 5, channels=1, seed=seed)
    if trained:
        digits = nbdata.load("digits", "train")
        upper = digits.subset(digits.labels >= 5)
        recipe = Recipe(steps=150, batch=32, lr=0.05, checkpoints=2)
        loop.train(net, (upper.images, upper.labels - 5), {}, recipe, device=config.device)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net.replace_head(classes)
    return net


def cache_key(config: LineConfig, what: str) -> str:
    """Name a file for what depends on a config, its data and its weights: `what` and a digest."""
    weights = (
        hashlib.sha256(Path(config.weights).read_bytes()).hexdigest() if config.weights else ""
    )
    sums = [nbdata.checksum(name) for name in data_roles(config).values()]
    text = repr((sorted(config.address().items()), sums, weights, what))
    return f"{what}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def bank_features(
    config: LineConfig, what: str, size: int | None, images: np.ndarray, sets: Sets
) -> dict[str, torch.Tensor]:
    """Compute penultimate features of the training and evaluation images once per machine.

    what: names the file in the cache, beside the config; size: the side that the network sees.
    """
    everything = {"train": images, **{k: x for k, (x, _) in sets.evaluations.items()}}

    def make() -> dict[str, torch.Tensor]:
        net = build(config, True, size, sets.classes, 0)
        bar = f"{config.model}, features of" if sys.stderr.isatty() else None
        return {
            k: loop.cached_features(net, x, config.device, progress=bar and f"{bar} {k}")
            for k, x in everything.items()
        }

    return kept_features(cache_key(config, what), make)


def kept_features(
    name: str, make: Callable[[], dict[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """Load features from the cache by their file's name; make them where they are not whole."""

    def content() -> memoryview:
        torch.save(make(), buffer := io.BytesIO())
        return buffer.getbuffer()

    file = files.kept(cache_dir() / "features" / f"{name}.pt", content)
    return torch.load(io.BytesIO(files.read_checked(file)), weights_only=True)
