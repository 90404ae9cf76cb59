"""Guidance on normal distributions, where its variances can be followed exactly (C2).

Conditional N(0, 1), unconditional N(0, 2). The guided score at noise of variance t is
- x (γ / (1 + t) + (1 - γ) / (2 + t)).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import integrate

from nbcore.chapters.sampling_unseen import sampler
from nbcore.chapters.sampling_unseen.sampler import MOST, times

Floats = NDArray[np.float64]
CONDITIONAL, ALL = 1.0, 2.0
#: the power that is judged, and all that are followed
GAMMA, GAMMAS = 3.0, (1.0, 2.0, 3.0, 4.0)
DDIM, DDPM, PCG, WRONG = "DDIM", "DDPM", "predictor-corrector", "corrector for γ"
KINDS = (DDIM, DDPM, PCG, WRONG)


def pull(gamma: float, t: float) -> float:
    """Return the guided score over -x."""
    return gamma / (CONDITIONAL + t) + (1 - gamma) / (ALL + t)


def corrector(gamma: float) -> float:
    """Return the power at which a Langevin corrector makes DDIM into guided DDPM: 2 γ - 1.

    A small step h of guided DDPM moves by h (γ a + (1 - γ) b) for scores a and b; DDIM on the
    conditional by h a / 2, Langevin for the power g by h (g a + (1 - g) b) / 2. So (1 + g) / 2 = γ.
    """
    return 2 * gamma - 1


def closed_form(kind: str, gamma: float) -> float:
    """Return the variance in the limit of small steps and much noise.

    DDIM: 2^(1 - γ). DDPM: the integral of (1 + t)^(-2 γ) (1 + t / 2)^(2 γ - 2) over all t.
    """
    if kind == DDIM:
        return float((CONDITIONAL / ALL) ** (gamma - 1))

    def density(t: float) -> float:
        return (CONDITIONAL + t) ** (-2 * gamma) * (1 + t / ALL) ** (2 * gamma - 2)

    return float(integrate.quad(density, 0, np.inf)[0])


def powered(gamma: float) -> float:
    """Return the variance of the distribution with density p(x|c)^γ p(x)^(1 - γ)."""
    return 1 / pull(gamma, 0.0)


def followed(kind: str, gamma: float, steps: int) -> float:
    """Follow the variance of guided samples through so many steps, without samples."""
    at = times(steps)
    now = float(at[0])
    for t, s in zip(at[:-1], at[1:], strict=True):
        h, root = t - s, np.sqrt(t) * (np.sqrt(t) - np.sqrt(s))
        if kind == DDIM:
            now *= (1 - root * pull(gamma, t)) ** 2
        elif kind == DDPM:
            now = now * (1 - h * pull(gamma, t)) ** 2 + h
        else:
            power = corrector(gamma) if kind == PCG else gamma
            now *= (1 - root * pull(1.0, t)) ** 2
            now = now * (1 - h / 2 * pull(power, t)) ** 2 + h
    return float(now)


def draw(kind: str, gamma: float, n: int, steps: int, rng: np.random.Generator) -> Floats:
    """Draw n guided samples by the chapter's sampler: (n,)."""

    def score(power: float) -> sampler.Score:
        return lambda x, t: -x * pull(power, t)

    def step(x: Floats, t: float, s: float) -> Floats:
        if kind == DDIM:
            return sampler.ddim(score(gamma), x, t, s)
        if kind == DDPM:
            return sampler.ddpm(score(gamma), x, t, s, rng)
        power = corrector(gamma) if kind == PCG else gamma
        x = sampler.ddim(score(1.0), x, t, s)
        return sampler.langevin(score(power), x, t, t - s, rng)

    return sampler.sample(step, sampler.start(n, 1, rng, MOST), steps, MOST)[:, 0]


def differences(gamma: float, steps: Floats) -> Floats:
    """Measure how far the predictor and corrector is from guided DDPM, by number of steps."""
    return np.array(
        [abs(followed(PCG, gamma, int(k)) / followed(DDPM, gamma, int(k)) - 1) for k in steps]
    )
