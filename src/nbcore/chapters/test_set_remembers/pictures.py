"""Pictures and what methods see of them: pixels, or features of a network that saw others."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from nbcore import data as nbdata
from nbcore.errors import ParameterError

#: CIFAR-10 is seen through a network pretrained on ImageNet, at this many pixels a side
SEEN_THROUGH, SEEN_SIZE = "cifar10", 64
#: of it, only so many training pictures are used; of every set, so many test pictures at most
POOL, TESTED = 6000, 4000
#: classes that make the first of two groups: tops and dresses; animals; digits below 5
FIRST = {"fashion-mnist": (0, 2, 3, 4, 6), "cifar10": (2, 3, 4, 5, 6, 7), "digits": (0, 1, 2, 3, 4)}


class Part(NamedTuple):
    """uint8 images (n, h, w, c), what methods see of them, float32 (n, d), and labels (n,)."""

    images: np.ndarray
    inputs: np.ndarray
    labels: np.ndarray

    def take(self, at: np.ndarray | slice) -> "Part":
        """Select pictures."""
        return Part(*(a[at] for a in self))


@lru_cache(maxsize=2)
def parts(dataset: str, side: int) -> tuple[Part, Part, tuple[str, ...]]:
    """Load the training and test pictures, and the names of their classes."""
    train, test = (nbdata.load(dataset, split, side or None) for split in ("train", "test"))
    test = test.subset(slice(TESTED))
    if dataset == SEEN_THROUGH:
        train = train.subset(slice(POOL))
        # the network sees them in their own size, enlarged; not after `side`
        shown = [
            nbdata.load(dataset, split).images[:n]
            for split, n in (("train", POOL), ("test", TESTED))
        ]
        inputs = [_seen(images) for images in shown]
    else:
        flat = [s.images.reshape(len(s), -1).astype(np.float32) for s in (train, test)]
        inputs = [(x - flat[0].mean()) / flat[0].std() for x in flat]
    made = [Part(s.images, x, s.labels) for s, x in zip((train, test), inputs, strict=True)]
    return made[0], made[1], tuple(train.classes)


def _seen(images: np.ndarray) -> np.ndarray:
    """Compute features of a pretrained network: float32 (n, 1280), scaled as a whole."""
    from nbcore.models.pretrained import create
    from nbcore.training.loop import cached_features

    found = np.asarray(cached_features(create(size=SEEN_SIZE), images, "cpu", "float32"))
    return (found - found.mean()) / found.std()


def draw(dataset: str, side: int, n: int, seed: int) -> tuple[Part, Part]:
    """Draw n training pictures, in an order; the first of a larger n are those of a smaller one.

    Returns them and all test pictures. ParameterError for more than there are.
    """
    train, test, _ = parts(dataset, side)
    if n > len(train.labels):
        raise ParameterError(
            f"{dataset} has {len(train.labels):,} training pictures here, not {n:,}; ask for fewer."
        )
    order = np.random.default_rng([seed, 12]).permutation(len(train.labels))
    return train.take(order[:n]), test


def group(labels: np.ndarray, dataset: str) -> np.ndarray:
    """Say of each label whether its class is outside the first group: (n,) 0 or 1."""
    return (~np.isin(labels, FIRST[dataset])).astype(np.int64)


def unit(inputs: np.ndarray) -> np.ndarray:
    """Scale every row to length 1, as kernels want it."""
    rows = inputs.astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
