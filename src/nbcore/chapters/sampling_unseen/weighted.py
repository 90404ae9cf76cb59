"""Weighted particles: products and low temperatures with energies known at every noise (C18).

At noise of variance t the particles are to follow a density π(x, t) that is known up to a factor: a
product of noisy densities, or a power of one, with powers that sum to b. As noise grows by h, such
a density spreads by h / b where it is nearly normal. So a reverse step moves particles by h / b
times the score of π, and adds noise of variance h / b. Weights correct what this does wrong:
π(y, s) N(x; y, h / b) / (π(x, t) F(y | x)), with F the step. Where they get uneven, particles are
drawn again by them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nbcore.chapters.sampling_unseen.sampler import Mixture, times

Floats = NDArray[np.float64]
COOLED, PRODUCT = "cooled", "product"
#: power of the density at low temperature
POWER = 3.0
#: noise to start with, and the share of effective particles below which they are drawn again
MOST, LEAST, UNEVEN = 100.0, 1e-3, 0.5
#: edges of the bins in which samples are compared with the target
BINS = np.arange(-6, 6.05, 0.1)


class Particles(NamedTuple):
    """Samples (particle,) with equal weights, and effective shares by step."""

    x: Floats
    effective: Floats


def _one(weights: tuple, means: tuple, variances: tuple) -> Mixture:
    w, m, v = (np.array(p) for p in (weights, means, variances))
    return Mixture(w, m[:, None], v[:, None])


def factors(name: str) -> list[tuple[Mixture, float]]:
    """Return the densities of a target, each with its power."""
    if name == COOLED:
        return [(_one((0.7, 0.3), (-2.0, 2.0), (1.0, 0.1)), POWER)]
    return [
        (_one((0.5, 0.5), (-2.0, 2.0), (0.3, 0.3)), 1.0),
        (_one((0.5, 0.3, 0.2), (-2.5, 1.0, 3.0), (1.5, 0.2, 0.5)), 1.0),
    ]


def log_target(name: str) -> Callable[[Floats, float], Floats]:
    """Return log π up to a constant: (particle,) and t -> (particle,)."""
    parts = factors(name)
    return lambda x, t: sum(power * p.log(x[:, None], t) for p, power in parts)  # type: ignore[return-value]


def _pull(name: str) -> Callable[[Floats, float], Floats]:
    parts = factors(name)
    return lambda x, t: sum(power * p.score(x[:, None], t)[:, 0] for p, power in parts)  # type: ignore[return-value]


def _at_start(name: str, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw from a normal distribution near π at the most noise, with log weights."""
    log, power = log_target(name), sum(p for _, p in factors(name))
    sd = np.sqrt(MOST / power) * 1.2
    x = sd * rng.standard_normal(n)
    return x, log(x, MOST) + x**2 / (2 * sd**2)


def draw(
    name: str, n: int, levels: int, rng: np.random.Generator, weighted: bool = True
) -> Particles:
    """Draw n samples of a target; without weights by its scores alone."""
    log, pull = log_target(name), _pull(name)
    powers = sum(power for _, power in factors(name))
    x, w = _at_start(name, n, rng)
    x, w = x[_again(w, rng)], np.zeros(n)
    at, shares = times(levels, MOST, LEAST), []
    for t, s in zip(at[:-1], at[1:], strict=True):
        h = (t - s) / powers
        mean = x + h * pull(x, t)
        y = mean + np.sqrt(h) * rng.standard_normal(n)
        if weighted:
            forth, back = (y - mean) ** 2 / (2 * h), (y - x) ** 2 / (2 * h)
            w = w + log(y, s) - log(x, t) + forth - back
        x = y
        shares.append(effective(w))
        if shares[-1] < UNEVEN:
            x, w = x[_again(w, rng)], np.zeros(n)
    return Particles(x[_again(w, rng)] if weighted else x, np.array(shares))


def effective(log_weights: Floats) -> float:
    """Return the effective sample size over the number of particles: in (0, 1]."""
    w = np.exp(log_weights - log_weights.max())
    return float(w.sum() ** 2 / (w**2).sum() / len(w))


def _again(log_weights: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw particles by their weights, evenly spaced (systematic resampling)."""
    n = len(log_weights)
    share = np.cumsum(np.exp(log_weights - log_weights.max()))
    share /= share[-1]
    at = (rng.random() + np.arange(n)) / n
    return np.minimum(np.searchsorted(share, at), n - 1)


def exact(name: str) -> Floats:
    """Compute the target's chance of every bin."""
    fine = np.linspace(BINS[0], BINS[-1], 20 * (len(BINS) - 1) + 1)
    middle = (fine[1:] + fine[:-1]) / 2
    p = np.exp(log_target(name)(middle, 0.0)).reshape(len(BINS) - 1, 20).sum(1)
    return np.asarray(p / p.sum())


def divergence(x: Floats, name: str) -> float:
    """Measure the divergence of samples' histogram from the target, in nats.

    Samples beyond the bins count as in the outermost one. Of n exact samples it is about half of
    the number of bins that matter over n, never less than 0.
    """
    counts = np.histogram(np.clip(x, BINS[0], BINS[-1] - 1e-9), BINS)[0]
    p, q = counts / counts.sum(), np.maximum(exact(name), 1e-12)
    some = p > 0
    return float((p[some] * np.log(p[some] / q[some])).sum())
