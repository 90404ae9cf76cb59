"""Small pictures with wrong labels, to train on, to choose by and to test on."""

from typing import NamedTuple

import numpy as np

from nbcore import data as nbdata
from nbcore.errors import ParameterError

#: test pictures at most, and the share by which regularization and moments to stop are chosen
MOST, CHOICE = 5000, 0.2


class Pictures(NamedTuple):
    """uint8 images (n, h, w, c) and labels (n,) of three sets; `given`: the labels trained on."""

    images: np.ndarray
    labels: np.ndarray
    given: np.ndarray
    choice: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    classes: int


def pictures(dataset: str, side: int, n: int, noise: float, seed: int) -> Pictures:
    """Draw n training pictures, a share `noise` of their labels wrong, and split the test pictures.

    The first pictures of a larger n are those of a smaller one. ParameterError for more than there
    are.
    """
    train, test = (nbdata.load(dataset, split) for split in ("train", "test"))
    if n > len(train):
        raise ParameterError(
            f"{dataset} has {len(train):,} training pictures, not {n:,}; ask for fewer."
        )
    rng = np.random.default_rng([seed, 1])
    chosen, order = rng.permutation(len(train))[:n], rng.permutation(len(test))[:MOST]
    classes, cut = len(train.classes), int(CHOICE * len(order))
    labels = train.labels[chosen]
    parts = [
        (shrunk(test.images[part], side), test.labels[part]) for part in (order[:cut], order[cut:])
    ]
    given = wrong_labels(labels, noise, classes, seed)
    return Pictures(  # type: ignore[call-arg]
        shrunk(train.images[chosen], side),
        labels,
        given,
        *parts,  # type: ignore[arg-type]
        classes,
    )


def wrong_labels(labels: np.ndarray, noise: float, classes: int, seed: int) -> np.ndarray:
    """Give each label another class, drawn evenly, with the chance `noise`.

    Draws are made label by label, so that those of the first n do not depend on how many there are.
    """
    draws = np.random.default_rng([seed, 2]).random((len(labels), 2))
    other = (labels + 1 + (draws[:, 1] * (classes - 1)).astype(int)) % classes
    return np.where(draws[:, 0] < noise, other, labels)


def shrunk(images: np.ndarray, side: int) -> np.ndarray:
    """Average blocks of pixels so that `side` of them are left on a side; 0 leaves them.

    ParameterError where the side does not divide.
    """
    height = images.shape[1]
    if side in (0, height):
        return images
    block, rest = divmod(height, side)
    if rest or images.shape[2] != height:
        raise ParameterError(
            f"Pictures of {height}×{images.shape[2]} pixels are not averaged to {side}×{side}; "
            "give a side that divides, or 0."
        )
    blocks = images.reshape(len(images), side, block, side, block, -1)
    return np.rint(blocks.mean((2, 4))).astype(np.uint8)
