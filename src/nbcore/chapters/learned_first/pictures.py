"""Pictures as networks take them, and the two groups into which their classes are put."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nbcore import data as nbdata
from nbcore.chapters.learned_first.config import ANIMALS
from nbcore.errors import ParameterError

#: of CIFAR-10: bird, cat, deer, dog, frog, horse
LIVING = (2, 3, 4, 5, 6, 7)


class Pictures(NamedTuple):
    """Inputs, float (n, channels, h, w) of mean 0 and deviation 1, and labels (n,), twice."""

    x: Tensor
    y: np.ndarray
    test_x: Tensor
    test_y: np.ndarray
    classes: int


def grouped(labels: np.ndarray, task: str, classes: int = 10) -> np.ndarray:
    """Put each class into one of two groups: 1 for animals, or for the second half of classes."""
    if task == ANIMALS:
        return np.isin(labels, LIVING).astype(np.int64)
    return (labels >= classes // 2).astype(np.int64)


def pictures(dataset: str, n: int, tested: int, seed: int, task: str = "") -> Pictures:
    """Draw n training pictures, and test pictures, at most as many as there are.

    The first pictures of a larger n are those of a smaller one. task: groups of classes instead of
    classes. ParameterError for more training pictures than there are.
    """
    train, test = (nbdata.load(dataset, split) for split in ("train", "test"))
    if n > len(train):
        raise ParameterError(
            f"{dataset} has {len(train):,} training pictures, not {n:,}; ask for fewer."
        )
    chosen = np.random.default_rng([seed, 15]).permutation(len(train))[:n]
    shown = np.random.default_rng(15).permutation(len(test))[:tested]
    classes = len(train.classes)
    labels, wanted = train.labels[chosen], test.labels[shown]
    if task:
        labels, wanted = (grouped(y, task, classes) for y in (labels, wanted))
    own = train.images[chosen]
    mean, spread = float(own.mean()), float(own.std()) + 1e-6
    x, test_x = (_inputs(images, mean, spread) for images in (own, test.images[shown]))
    return Pictures(
        x, labels.astype(np.int64), test_x, wanted.astype(np.int64), 2 if task else classes
    )


def _inputs(images: np.ndarray, mean: float, spread: float) -> Tensor:
    x = torch.as_tensor(images).permute(0, 3, 1, 2).float()
    return ((x - mean) / spread).contiguous(memory_format=torch.channels_last)
