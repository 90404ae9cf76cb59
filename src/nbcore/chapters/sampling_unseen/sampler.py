"""One sampler for every part of chapter 17: noisy mixtures with their scores, and reverse steps.

Noise of variance t is added to a target. Its score at t is the gradient of the log density of
target plus noise. Reverse steps go from the largest t to the smallest.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbcore.errors import ParameterError

Floats = NDArray[np.float64]
#: (particle, dimension) and t -> (particle, dimension)
Score = Callable[[Floats, float], Floats]
#: variances of the noise at which sampling starts and ends
MOST, LEAST = 1e4, 1e-4


@dataclass(frozen=True)
class Mixture:
    """A mixture of normal distributions with independent features.

    weights (component,), means and variances (component, dimension).
    """

    weights: Floats
    means: Floats
    variances: Floats

    def log(self, x: Floats, t: float = 0.0) -> Floats:
        """Return the log density of target plus noise of variance t: (particle,)."""
        logs = self._logs(x, t)
        top = logs.max(1)
        return np.asarray(top + np.log(np.exp(logs - top[:, None]).sum(1)))

    def score(self, x: Floats, t: float = 0.0) -> Floats:
        """Return its gradient: (particle, dimension)."""
        logs = self._logs(x, t)
        share = np.exp(logs - logs.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        pull = (self.means - x[:, None]) / (self.variances + t)
        return np.einsum("pc,pcd->pd", share, pull)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw n samples: (n, dimension)."""
        which = rng.choice(len(self.weights), n, p=self.weights)
        shape = (n, self.means.shape[1])
        return self.means[which] + np.sqrt(self.variances[which]) * rng.standard_normal(shape)

    def _logs(self, x: Floats, t: float) -> Floats:
        v = self.variances + t
        parts = -((x[:, None] - self.means) ** 2) / (2 * v) - np.log(2 * np.pi * v) / 2
        return parts.sum(-1) + np.log(self.weights)


def product(parts: list[Mixture]) -> Mixture:
    """Put independent mixtures of one feature each side by side."""
    weights, means, variances = np.ones(1), np.zeros((1, 0)), np.zeros((1, 0))
    for p in parts:
        n, m = len(weights), len(p.weights)
        weights = np.repeat(weights, m) * np.tile(p.weights, n)
        means, variances = (
            np.hstack([np.repeat(old, m, 0), np.tile(new, (n, 1))])
            for old, new in ((means, p.means), (variances, p.variances))
        )
    return Mixture(weights, means, variances)


def times(steps: int, most: float = MOST, least: float = LEAST) -> Floats:
    """Space steps + 1 variances of noise evenly in their logarithm, the largest first."""
    if steps < 1:
        raise ParameterError(f"Sampling takes one step or more, not {steps}.")
    return np.geomspace(most, least, steps + 1)


def ddpm(score: Score, x: Floats, t: float, s: float, rng: np.random.Generator) -> Floats:
    """Step from noise of variance t to s < t: towards the mean, then noise of variance t - s."""
    return x + (t - s) * _finite(score(x, t), t) + np.sqrt(t - s) * rng.standard_normal(x.shape)


def ddim(score: Score, x: Floats, t: float, s: float) -> Floats:
    """Step from t to s without noise: Euler along the standard deviation of the noise."""
    return x + np.sqrt(t) * (np.sqrt(t) - np.sqrt(s)) * _finite(score(x, t), t)


def langevin(score: Score, x: Floats, t: float, h: float, rng: np.random.Generator) -> Floats:
    """Move by h / 2 times the score at t, and noise of variance h."""
    return x + h / 2 * _finite(score(x, t), t) + np.sqrt(h) * rng.standard_normal(x.shape)


def sample(
    step: Callable[[Floats, float, float], Floats],
    x: Floats,
    steps: int,
    most: float = MOST,
    least: float = LEAST,
) -> Floats:
    """Take all reverse steps of a kind from x, samples of the noise at `most`."""
    at = times(steps, most, least)
    for t, s in zip(at[:-1], at[1:], strict=True):
        x = step(x, float(t), float(s))
    return x


def start(n: int, dimension: int, rng: np.random.Generator, most: float = MOST) -> Floats:
    """Draw noise of variance `most`, beside which every target vanishes."""
    return np.sqrt(most) * rng.standard_normal((n, dimension))


def _finite(values: Floats, t: float) -> Floats:
    if not np.isfinite(values).all():
        raise ParameterError(
            f"The score at noise of variance {t:g} is not finite; give one that is, at every "
            "particle, or start with less noise."
        )
    return values
