"""Objects that were never seen together: scores of conditions, added over a background (C19).

There are six features. In the background each is near 0. A condition puts an object in its own
feature, near 3 or -3, and leaves the others as they are.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nbcore.chapters.sampling_unseen import sampler
from nbcore.chapters.sampling_unseen.sampler import Mixture, product

Floats = NDArray[np.float64]
FEATURES, PLACE, WIDTH = 6, 3.0, 0.3
#: variances of the noise at which sampling starts and ends
MOST, LEAST = 1e3, 1e-3
THREE, SIX, ROTATED = "three objects", "six objects", "rotated features three objects"
UNION, NONE, OVERLAP = "all as background", "without background", "overlapping"
WORKS, FAILS = (THREE, SIX, ROTATED), (UNION, NONE, OVERLAP)
SETTINGS = (*WORKS, *FAILS)


class Setting(NamedTuple):
    """Conditions, the background (None: no score of it is subtracted), objects, and a rotation."""

    conditions: list[Mixture]
    background: Mixture | None
    objects: int
    rotation: Floats


def _feature(there: bool) -> Mixture:
    centre = np.array([[-PLACE], [PLACE]]) if there else np.zeros((1, 1))
    n = len(centre)
    return Mixture(np.full(n, 1 / n), centre, np.full((n, 1), WIDTH**2))


def holding(objects: set[int]) -> Mixture:
    """Return the distribution with objects in these features, and no others."""
    return product([_feature(k in objects) for k in range(FEATURES)])


def union(parts: list[Mixture]) -> Mixture:
    """Mix distributions in equal shares: one condition at random."""
    weights = np.concatenate([p.weights for p in parts]) / len(parts)
    means, variances = (np.vstack([getattr(p, k) for p in parts]) for k in ("means", "variances"))
    return Mixture(weights, means, variances)


def setting(name: str) -> Setting:
    """Set up one of `SETTINGS`."""
    n = 6 if name == SIX else 3
    conditions = [holding({k}) for k in range(n)]
    background: Mixture | None = holding(set())
    rotation = np.eye(FEATURES)
    if name == ROTATED:
        rotation = np.linalg.qr(np.random.default_rng(19).standard_normal((FEATURES,) * 2))[0]
    elif name == UNION:
        background = union(conditions)
    elif name == NONE:
        background = None
    elif name == OVERLAP:
        conditions = [holding({k, (k + 1) % n}) for k in range(n)]
    return Setting(conditions, background, n, rotation)


def composed(own: Setting) -> sampler.Score:
    """Add each condition's score minus the background's to the background's; or all conditions'."""

    def score(x: Floats, t: float) -> Floats:
        z = x @ own.rotation.T
        total = sum(c.score(z, t) for c in own.conditions)
        if own.background is not None:
            total = total - (len(own.conditions) - 1) * own.background.score(z, t)
        return np.asarray(total) @ own.rotation

    return score


def succeeded(own: Setting, x: Floats) -> NDArray[np.bool_]:
    """Say which samples (particle, feature) have all objects and nothing else.

    An object is within 1 of its place, an empty feature within 1 of 0.
    """
    z = np.abs(x @ own.rotation.T)
    wanted = np.where(np.arange(FEATURES) < own.objects, PLACE, 0.0)
    return (np.abs(z - wanted) < 1).all(1)


def draw(own: Setting, n: int, steps: int, rng: np.random.Generator) -> Floats:
    """Draw n samples by reverse diffusion with the composed score: (n, feature)."""
    score = composed(own)
    step = _step(score, rng)
    return sampler.sample(step, sampler.start(n, FEATURES, rng, MOST), steps, MOST, LEAST)


def _step(score: sampler.Score, rng: np.random.Generator) -> Callable[..., Floats]:
    return lambda x, t, s: sampler.ddpm(score, x, t, s, rng)


def draw_langevin(own: Setting, n: int, steps: int, rng: np.random.Generator) -> Floats:
    """Draw n samples by Langevin dynamics on the composed score at no noise, widely started."""
    score = composed(own)
    x = PLACE * rng.standard_normal((n, FEATURES))
    for _ in range(steps):
        x = sampler.langevin(score, x, 0.0, WIDTH**2 / 4, rng)
    return x


def overlap(own: Setting) -> float:
    """Return the heuristic: the largest cosine of two conditions' changes from the background.

    A change is how the mean square of each (rotated) feature differs from the background's, both
    centred nowhere: if two conditions change the same features, their scores do not add up. NaN
    without a background.
    """
    if own.background is None:
        return float("nan")
    changes = [_squares(c) - _squares(own.background) for c in own.conditions]
    unit = [c / np.linalg.norm(c) for c in changes]
    pairs = [u @ v for i, u in enumerate(unit) for v in unit[i + 1 :]]
    return float(np.max(np.abs(pairs)))


def _squares(m: Mixture) -> Floats:
    return m.weights @ (m.means**2 + m.variances)
