"""Pretrained networks of ImageNet whose last layers are trained through a class map.

The penultimate features are those that chapters 2 and 6 keep, computed once per machine; they are
brought to one mean length, so that one rate means the same for all networks.
"""

import hashlib
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nbcore import data as nbdata
from nbcore.data.classmaps import load_map
from nbcore.errors import ParameterError
from nbcore.lines.config import TEN_DIGITS, LineConfig
from nbcore.lines.trained import Sets, cache_key, kept_features, testbed_sets
from nbcore.measures.selection import balanced_subset
from nbcore.models import pretrained, small
from nbcore.training import loop
from nbcore.training.recipe import Recipe

#: mean length of features, about that of EfficientNet-Lite0
LENGTH = 32.0


class Mapped(NamedTuple):
    """A network as features and a head, and the class map that reads it.

    banks: features (n, dim) of "train" and every role, of mean length `LENGTH`; labels of "train";
    truth: labels by role; weight (source, dim), bias (source,); targets: {class: source indices};
    sources: what the head's classes are called; scale: what features were multiplied by.
    """

    banks: dict[str, Tensor]
    labels: np.ndarray
    truth: dict[str, np.ndarray]
    weight: Tensor
    bias: Tensor
    targets: dict[str, tuple[int, ...]]
    sources: tuple[str, ...]
    scale: float


@lru_cache(maxsize=1)
def open_mapped(line: LineConfig, class_map: str, train_images: int) -> Mapped:
    """Open the line's network at `feature_size`. DataError where the map does not fit."""
    sets = testbed_sets(line)
    images, labels = sets.train
    picked = balanced_subset(labels, min(train_images, len(labels)))
    net, sources = _network(line)
    found = load_map(class_map, sets.names, sources, line.model)
    banks = _features(line, net, f"features-{len(picked)}", images[picked], sets)
    scale = LENGTH / float(banks["train"].square().sum(1).mean().sqrt())
    weight = net.head.weight.detach().flatten(1).float().cpu()
    bias = net.head.bias
    return Mapped(
        {k: x * scale for k, x in banks.items()},
        labels[picked],
        {role: y for role, (_, y) in sets.evaluations.items()},
        weight / scale,
        torch.zeros(len(weight)) if bias is None else bias.detach().float().cpu(),
        found.targets,
        tuple(sources),
        scale,
    )


def old_features(
    line: LineConfig, mapped: Mapped, name: str, train: int, test: int
) -> tuple[loop.Data, loop.Data]:
    """Compute features and labels, by the network's head, of images of a set that it knows.

    Returns those to replay and those to test on, class-balanced. ParameterError for a set with a
    class that the network has not: its classes are called as the network's are, by synset.
    """
    index = {label: i for i, label in enumerate(mapped.sources)}
    known, held, _ = nbdata.train_test(name, line.image_size)
    if missing := [c for c in known.classes if c not in index]:
        raise ParameterError(
            f"{name} has the class {missing[0]!r} and {len(missing) - 1} more that {line.model} "
            f"was not trained on; replay a set whose classes are named as its own, such as "
            f"{mapped.sources[0]!r}."
        )
    number = np.array([index[c] for c in known.classes])
    picked = [
        (part, balanced_subset(part.labels, min(n, len(part))))
        for part, n in ((known, train), (held, test))
    ]
    what = f"{nbdata.checksum(name)} {train} {test}"
    key = cache_key(line, f"old-{hashlib.sha256(what.encode()).hexdigest()[:8]}")

    def make() -> dict[str, Tensor]:
        net, _ = _network(line)
        return {
            part.split: loop.cached_features(net, part.images[at], line.device)
            for part, at in picked
        }

    banks = kept_features(key, make)
    train_data, test_data = (
        (banks[part.split] * mapped.scale, number[part.labels[at]]) for part, at in picked
    )
    return train_data, test_data


@lru_cache(maxsize=1)
def _network(line: LineConfig) -> tuple[Any, Sequence[str]]:
    """Open a network with its own head, and name its classes: synsets, or numbers where unknown."""
    if line.model == TEN_DIGITS:
        net = small.small_cnn(16, 10, channels=1)
        digits = nbdata.load("digits", "train")
        # a few steps: it should not leave the line
        recipe = Recipe(steps=60, batch=32, lr=0.05, checkpoints=2)
        loop.train(net, (digits.images, digits.labels), {}, recipe, device=line.device)
        return net, digits.classes
    from timm.data import ImageNetInfo, infer_imagenet_subset

    net = pretrained.create(line.model, size=line.feature_size, weights=line.weights)
    count = net.head.weight.shape[0]  # type: ignore[index]
    subset = "imagenet-1k" if count == 1000 else infer_imagenet_subset(net.net)
    names = ImageNetInfo(subset).label_names() if subset else map(str, range(count))
    return net, list(names)


def _features(
    line: LineConfig, net: Any, what: str, images: np.ndarray, sets: Sets
) -> dict[str, Tensor]:
    everything = {"train": images, **{k: x for k, (x, _) in sets.evaluations.items()}}

    def make() -> dict[str, Tensor]:
        bar = f"{line.model}, features of" if sys.stderr.isatty() else None
        return {
            k: loop.cached_features(net, x, line.device, progress=bar and f"{bar} {k}")
            for k, x in everything.items()
        }

    return kept_features(cache_key(line, what), make)
