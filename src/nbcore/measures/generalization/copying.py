"""What a classifier copies from its training labels: wrong ones planted, and found on test images.

Also what privacy says of it beforehand: a bound on how differently training and test images fare.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def chosen(cells: ArrayLike, chances: ArrayLike, seed: int) -> NDArray[np.bool_]:
    """Draw images whose label will be changed: those of cell c with the chance chances[c]: (n,).

    cells (n,) whole numbers from 0, chances (cell,). Draws are made image by image, so that those
    of the first n do not depend on how many there are. ValueError for a chance outside [0, 1], or
    a cell without one.
    """
    own, rates = np.asarray(cells, np.int64), np.asarray(chances, float)
    if not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError(f"Chances to change a label lie in [0, 1], not {rates.tolist()}.")
    if len(own) and not 0 <= own.min() <= own.max() < len(rates):
        raise ValueError(
            f"There are {len(rates)} chances, for cells 0 to {len(rates) - 1}, but the images are "
            f"in cells {own.min()} to {own.max()}; give a chance for each."
        )
    return np.random.default_rng(seed).random(len(own)) < rates[own]


def answers(predictions: ArrayLike, labels: ArrayLike, classes: int) -> Floats:
    """Count which share of each class gets which answer: (class, answer), rows summing to 1.

    NaN in the rows of classes without an image.
    """
    said, true = np.asarray(predictions, np.int64), np.asarray(labels, np.int64)
    counts = np.bincount(true * classes + said, minlength=classes**2).reshape(classes, classes)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(1, keepdims=True)


def slope(x: ArrayLike, y: ArrayLike) -> Floats:
    """Fit y on x by least squares along the last axis: (...,). x and y have one shape."""
    a, b = np.asarray(x, float), np.asarray(y, float)
    a = a - a.mean(-1, keepdims=True)
    return (a * b).sum(-1) / (a**2).sum(-1)


def replaced(epsilon: float, delta: float) -> tuple[float, float]:
    """Turn privacy for an image more or less, (ε, δ), into that for one image in another's place.

    One step away and one back: (2 ε, (1 + e^ε) δ).
    """
    return 2 * epsilon, (1 + np.exp(epsilon)) * delta


def privacy_bound(epsilon: float, delta: float) -> float:
    """Bound the expected difference of any score in [0, 1] between training and test images.

    For training that is (ε, δ)-private when one image takes another's place: the total variation
    (e^ε - 1 + 2 δ) / (e^ε + 1), at most 1. It holds for images of any group. ValueError for a
    negative ε or a δ outside [0, 1].
    """
    if epsilon < 0 or not 0 <= delta <= 1:
        raise ValueError(
            f"Privacy has an ε from 0 and a δ in [0, 1], not {epsilon} and {delta}; give others."
        )
    # tanh(ε / 2) is (e^ε - 1) / (e^ε + 1), and does not overflow
    return float(min(np.tanh(epsilon / 2) + delta * (1 - np.tanh(epsilon / 2)), 1.0))
