"""Ways to learn from labels that are partly wrong, each a function of pictures to answers.

Those that fit every label: one neighbour, a tree, kernels without a ridge, networks trained to the
end. Those that do not: 25 neighbours, and a network stopped early.
"""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from nbcore.chapters.test_set_remembers.pictures import Part, unit
from nbcore.measures.depth import knn_predict
from nbcore.measures.generalization.kernels import fitted, laplace
from nbcore.models.small import small_vgg
from nbcore.training.loop import train
from nbcore.training.recipe import Recipe

ONE, TREE, MLP, VGG = "1-NN", "tree", "MLP", "VGG"
NARROW, WIDE = "Laplace kernel, narrow", "Laplace kernel, wide"
MANY, EARLY = "25-NN", "MLP stopped early"
#: methods that fit every label, and those that do not
FITTING = (ONE, TREE, MLP, VGG, NARROW, WIDE)
SMOOTH = (MANY, EARLY)
NEIGHBOURS = 25
#: width of the narrow kernel over the typical distance of a picture to its nearest neighbour
NARROWNESS = 1 / 30
BATCH, RATE = 64, 0.03
#: training pictures of an MLP on which its fit is measured, at most; rows of a kernel at a time
FITTED, BLOCK = 5000, 4000


class Said(NamedTuple):
    """Answers on test pictures (n,), and the share of training labels that were fitted."""

    answers: np.ndarray
    fit: float


def neighbours(part: Part, given: np.ndarray, test: np.ndarray, k: int) -> Said:
    """Vote with the k nearest; of one's own training pictures each is its own nearest."""
    said = knn_predict(part.inputs, given, test, k=k)
    own = knn_predict(part.inputs, given, part.inputs, k=k)
    return Said(said, float((own == given).mean()))


def tree(part: Part, given: np.ndarray, test: np.ndarray, seed: int) -> Said:
    """Grow a tree until every leaf has one label."""
    grown = DecisionTreeClassifier(random_state=seed).fit(part.inputs, given)
    return Said(grown.predict(test), float(grown.score(part.inputs, given)))


def kernel(part: Part, given: np.ndarray, test: np.ndarray, narrow: bool) -> Said:
    """Interpolate the labels with Laplace's kernel on unit vectors, and take the largest.

    The wide one is as wide as two pictures are typically apart, the narrow one a thirtieth of the
    distance between nearest neighbours, at which it is nearly one neighbour's vote.
    """
    a, b = unit(part.inputs), unit(test)
    inner = a @ a.T
    np.fill_diagonal(inner, -1)
    near = np.median(np.sqrt(np.maximum(2 - 2 * inner.max(1), 1e-12)))
    typical = np.median(np.sqrt(np.maximum(2 - 2 * inner[: len(a) // 2], 1e-12)))
    width = float(near * NARROWNESS if narrow else typical)
    target = np.eye(int(given.max()) + 1)[given]
    weights = fitted(laplace(a, a, width), np.eye(len(a)), target - target.mean(0))
    said, own = (
        np.concatenate(
            [
                (laplace(x[i : i + BLOCK], a, width) @ weights).argmax(1)
                for i in range(0, len(x), BLOCK)
            ]
        )
        for x in (b, a)
    )
    return Said(said, float((own == given).mean()))


def perceptron(inputs: int, width: int, classes: int, seed: int) -> nn.Module:
    """Build one hidden layer of ReLUs, initialised as torch does."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, classes))


class Trained(NamedTuple):
    """A network at the end, and where it agrees best with labels kept apart."""

    end: Said
    best: Said


def mlp(
    part: Part,
    given: np.ndarray,
    choice: tuple[np.ndarray, np.ndarray],
    test: np.ndarray,
    width: int,
    recipe: Recipe,
    seed: int,
) -> Trained:
    """Train one hidden layer.

    choice: inputs and labels of other pictures, wrong ones among them as among the training labels:
    whoever stops early has no better ones.
    """
    classes = int(max(given.max(), choice[1].max())) + 1
    net = perceptron(part.inputs.shape[1], width, classes, seed)
    blank = np.zeros(len(test), np.int64)
    fitted_on = part.inputs[:FITTED], given[:FITTED]
    sets = {"train": fitted_on, "choice": choice, "test": (test, blank)}
    run = train(
        net, (part.inputs, given), sets, recipe, seed=seed, device="cpu", precision="float32"
    )
    own, other = (run[f"accuracy_{k}"].values for k in ("train", "choice"))
    said = [
        Said(run["prediction_test"].values[at].astype(int), float(own[at]))
        for at in (-1, int(other.argmax()))
    ]
    return Trained(*said)


def vgg(
    part: Part, given: np.ndarray, test: np.ndarray, channels: int, epochs: int, seed: int
) -> Said:
    """Train six convolutions with batch norm on the pictures themselves, to the end."""
    net = small_vgg(channels, int(given.max()) + 1, part.images.shape[-1], seed)
    blank = np.zeros(len(test), np.int64)
    recipe = Recipe(
        epochs * max(len(given) // BATCH, 1),
        BATCH,
        0.05,
        weight_decay=0.0,
        drop_at=(0.8,),
        checkpoints=2,
    )
    sets = {"train": (part.images, given), "test": (test, blank)}
    run = train(net, (part.images, given), sets, recipe, seed=seed, device="cpu")
    last = run["prediction_test"].values[-1].astype(int)
    return Said(last, float(run["accuracy_train"][-1]))
