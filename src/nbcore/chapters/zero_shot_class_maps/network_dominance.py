"""Mean dominance of a model among the testbed's networks of like accuracy (claims A26 and A27)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nbcore.chapters.zero_shot_class_maps.networks import FRESH
from nbcore.measures.agreement import mean_dominance
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.training import kinds

#: a model on the page -> (condition, which checkpoint); those that may have effective robustness
STATES = {"zero-shot": ("max", "end"), "peak": (FRESH, "peak"), "end": (FRESH, "end")}
ROBUST = ("zero-shot", "peak")
#: the largest difference in ID accuracy between comparable models, and how many there must be
NEAR, FEWEST = 0.1, 3


@dataclass(frozen=True)
class Dominance:
    """A model among comparable networks of the testbed. Draw 0 is what was observed.

    own: (draw,) its mean dominance over pairs with them; theirs: (draw, comparable) of each over
    pairs with the other ones; names: (comparable,); accuracy: the model's own; excess: its
    effective robustness minus the testbed's half-width.
    """

    own: Floats
    theirs: Floats
    names: tuple[str, ...]
    accuracy: float
    excess: float

    @property
    def most(self) -> str:
        """The comparable network that is seen to be the most dominant."""
        return self.names[int(self.theirs[0].argmax())]


def is_network(model: str) -> bool:
    """Say whether a model of the testbed, KIND-N, is a neural network."""
    return model.rpartition("-")[0] not in kinds.SKLEARN


def compared(
    right: np.ndarray, testbed: np.ndarray, names: Sequence[str], weights: np.ndarray, excess: float
) -> Dominance | None:
    """Compare a model with the testbed's networks of like accuracy; None for fewer than `FEWEST`.

    right (seed, example) bool, of which the mean over seeds counts; testbed (model, example) bool;
    weights (example, draw). From draw 1 on other seeds stand in, the same ones for every model that
    was trained with as many.
    """
    accuracy = float(right.mean())
    # whole images, so that a difference of exactly NEAR is within it
    gap = np.rint(np.abs(testbed.mean(1) - accuracy) * testbed.shape[1] * len(right))
    near = gap <= np.rint(NEAR * testbed.shape[1] * len(right))
    kept = np.flatnonzero(near & [is_network(name) for name in names])
    if len(kept) < FEWEST:
        return None
    others = testbed[kept]
    by_seed = np.stack([mean_dominance(one, others, weights) for one in right], 1)
    seeds = seed_weights(len(right), weights.shape[1] - 1, np.random.default_rng(0))
    theirs = [
        mean_dominance(one, np.delete(others, k, axis=0), weights) for k, one in enumerate(others)
    ]
    return Dominance(
        (seeds * by_seed).sum(1),
        np.stack(theirs, 1),
        tuple(names[int(k)] for k in kept),
        accuracy,
        excess,
    )
