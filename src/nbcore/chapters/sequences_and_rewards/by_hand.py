"""Worked examples: the least-degree interpolator of a majority, and a policy of two logits."""

from collections.abc import Callable
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from nbcore.chapters.sequences_and_rewards import tasks

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def majority(x: Ints) -> int:
    """Give the sign that is more frequent in x (place,) of 1 and -1, of odd length."""
    return int(np.sign(x.sum()))


def least_degree(f: Callable[[Ints], int], places: int) -> dict[tuple[int, ...], float]:
    """Expand f on signs of the places seen in training: products of places -> their weight.

    A polynomial without repeated factors is determined by its values on all signs. Where further
    places never changed in training, products with them fit as well, but have a higher degree; so
    this is the interpolator of least degree, and it does not look at those places.
    """
    inputs = np.array(list(product((1, -1), repeat=places)))
    values = np.array([f(x) for x in inputs])
    sets = [s for k in range(places + 1) for s in combinations(range(places), k)]
    weights = {s: float((values * inputs[:, list(s)].prod(1)).mean()) for s in sets}
    return {s: w for s, w in weights.items() if abs(w) > 1e-12}


def evaluate(weights: dict[tuple[int, ...], float], x: Ints) -> Floats:
    """Evaluate the polynomial on inputs (n, place): (n,)."""
    return np.sum([w * x[:, list(s)].prod(1) for s, w in weights.items()], axis=0)


def disagreement(seen: int, places: int) -> float:
    """Measure on how many of all inputs the interpolator from `seen` places misses the majority."""
    inputs = np.array(list(product((1, -1), repeat=places)))
    truth = np.array([majority(x) for x in inputs])
    return float((np.sign(evaluate(least_degree(majority, seen), inputs)) != truth).mean())


def first_places(rng: np.random.Generator, n: int, length: int, seen: int) -> float:
    """Measure how often the mode of n sequences is that of their first `seen` symbols.

    That is what the interpolator says. A tie counts as a guess among those that are tied.
    """
    prompts, modes = tasks.mode(rng, n, length)
    start = prompts[:, 1 : 1 + min(seen, length)] - tasks.FIRST
    often = (start[:, :, None] == np.arange(tasks.KINDS)).sum(1)
    tied = often == often.max(1, keepdims=True)
    right = tied[np.arange(n), modes[:, 0] - tasks.FIRST]
    return float((right / tied.sum(1)).mean())


def pull(chance: float, taught: bool = False) -> float:
    """Give the gradient of a policy that has two answers, by the logit of the rewarded one.

    Of the expected reward, p (1 - p): the squared standard deviation; taught: of log p, 1 - p.
    """
    return (1 - chance) if taught else chance * (1 - chance)


def steps_to(chance: float, aim: float = 0.9, taught: bool = False, rate: float = 1.0) -> int:
    """Count gradient steps of this policy from a chance to an aim, both inside (0, 1)."""
    logit, steps = float(np.log(chance / (1 - chance))), 0
    while (p := 1 / (1 + np.exp(-logit))) < aim:
        logit += rate * pull(p, taught)
        steps += 1
    return steps
