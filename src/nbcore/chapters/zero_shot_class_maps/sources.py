"""Chapter 6's network: its features, its head, and the class map that reads it."""

import hashlib
import sys
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nbcore import data as nbdata
from nbcore.chapters.zero_shot_class_maps.config import CLIP, TEN_DIGITS, ZeroShot, beside
from nbcore.data.classmaps import ClassMap, load_map
from nbcore.lines.config import data_roles
from nbcore.lines.trained import Sets, kept_features, load_sets
from nbcore.measures.selection import balanced_subset
from nbcore.models import clip, pretrained, small
from nbcore.training import loop
from nbcore.training.recipe import Recipe


class Source(NamedTuple):
    """A network as features and a linear head: weight (source, dim), bias (source,).

    labels: what a class map may call the sources, by index; words: what people call them.
    """

    net: Any
    weight: Tensor
    bias: Tensor
    labels: list[str]
    words: list[str]


def load_images(config: ZeroShot) -> tuple[Sets, tuple[str, ...]]:
    """Load training and evaluation images, those of chapter 2, and the names of their classes."""
    sets = load_sets(config.id, config.ood, config.image_size, config.test_images)
    return sets, sets.names


@lru_cache(maxsize=2)
def open_source(config: ZeroShot) -> Source:
    """Open the network of the config with its head, and the names of its classes."""
    if config.model.startswith(CLIP):
        _, classes = load_images(config)
        net: Any = clip.create(config.model, classes, config.weights)
        return Source(net, net.weight, net.bias, list(classes), list(classes))
    if config.model == TEN_DIGITS:
        net = small.small_cnn(16, 10, channels=1)
        digits = nbdata.load("digits", "train")
        # a few steps: it should know its digits well, but not so well that it leaves the line
        recipe = Recipe(steps=60, batch=32, lr=0.05, checkpoints=2)
        loop.train(net, (digits.images, digits.labels), {}, recipe, device=config.device)
        labels = words = [str(i) for i in range(10)]
    else:
        net = pretrained.create(config.model, size=config.feature_size, weights=config.weights)
        labels, words = class_names(net)
    head = net.head
    weight = head.weight.detach().flatten(1).float().cpu()
    bias = torch.zeros(len(weight)) if head.bias is None else head.bias.detach().float().cpu()
    return Source(net, weight, bias, labels, words)


def class_names(net: pretrained.Classifier) -> tuple[list[str], list[str]]:
    """Return synsets and words of an ImageNet model's classes, by index.

    Numbers stand in where timm does not know the model's classes.
    """
    from timm.data import ImageNetInfo, infer_imagenet_subset

    count = net.head.weight.shape[0]  # type: ignore[index]
    subset = "imagenet-1k" if count == 1000 else infer_imagenet_subset(net.net)
    if subset is None:
        return [str(i) for i in range(count)], [str(i) for i in range(count)]
    info = ImageNetInfo(subset)
    return list(info.label_names()), [info.index_to_description(i) for i in range(count)]


def read_class_map(config: ZeroShot) -> ClassMap:
    """Read the config's map, checked against the classes of the data and of the network."""
    source, (_, classes) = open_source(config), load_images(config)
    if config.model.startswith(CLIP):
        return ClassMap(
            "class names", {c: (i,) for i, c in enumerate(classes)}, dict(enumerate(classes))
        )
    return load_map(config.class_map, classes, source.labels, config.model)


def _picked(config: ZeroShot) -> np.ndarray:
    labels = load_images(config)[0].train[1]
    return balanced_subset(labels, min(config.train_images, len(labels)))


def train_labels(config: ZeroShot) -> np.ndarray:
    """Return the labels of the training images, in the order of their features."""
    return load_images(config)[0].train[1][_picked(config)]


def train_images(config: ZeroShot) -> np.ndarray:
    """Return the training images of which features are computed, in their order."""
    return load_images(config)[0].train[0][_picked(config)]


def features(config: ZeroShot) -> dict[str, Tensor]:
    """Compute penultimate features (n, dim) of "train" and every role, once per machine."""
    where = config.address()
    what = [
        where[k]
        for k in ("model", "weights", "feature_size", "image_size", "train_images", "test_images")
    ]
    sums = [nbdata.checksum(name) for name in data_roles(beside(config)).values()]
    key = hashlib.sha256(repr((what, config.ood, sums)).encode()).hexdigest()[:12]

    def make() -> dict[str, Tensor]:
        sets, _ = load_images(config)
        images = {"train": sets.train[0][_picked(config)]}
        images |= {role: x for role, (x, _) in sets.evaluations.items()}
        net, bar = open_source(config).net, "features" if sys.stderr.isatty() else None
        # single precision everywhere, so that machines agree
        return {
            k: loop.cached_features(net, x, config.device, "float32", bar)
            for k, x in images.items()
        }

    return kept_features(f"zero-shot-{key}", make)
