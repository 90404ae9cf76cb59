"""How small a reverse step has to be: exact, without samples (C22).

A normal target stays normal under every sampler, so that its standard deviation is followed step by
step. What one reverse step really is, is computed on a grid for skewed targets.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, stats

from nbcore.chapters.sampling_unseen.sampler import LEAST, Mixture, times

Floats = NDArray[np.float64]
#: standard deviations of the normal targets
SPREADS = (0.5, 1.0, 2.0)
#: numbers of steps along which errors are followed, and those whose slope is judged
STEPS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
JUDGED = 5
#: variance of the noise at the start, which a normal target shows exactly
MOST = 100.0
DDPM, DDIM, FLOW = "ddpm", "ddim", "flow"
#: skewed targets of two modes each: (weights, means, variances)
SKEWED = (
    ((0.7, 0.3), (0.0, 4.0), (1.0, 0.3)),
    ((0.6, 0.4), (-2.0, 2.5), (0.5, 1.0)),
    ((0.3, 0.7), (-3.0, 0.5), (0.6, 0.6)),
)
#: variance of noise before a reverse step, and by how much the step lowers it
BEFORE, LOWERED = 0.5, (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)


def spread(sampler: str, sigma: float, steps: int) -> float:
    """Follow the standard deviation of samples of N(0, sigma²) through so many steps.

    Each sampler starts with the right one. The flow goes from noise to target along straight
    lines, in equal steps; the others lower the noise's standard deviation in equal ratios.
    """
    if sampler == FLOW:
        now, grid = 1.0, np.linspace(1, 0, steps + 1)
        for u, v in zip(grid[:-1], grid[1:], strict=True):
            total = ((1 - u) * sigma) ** 2 + u**2
            now *= 1 - (u - v) * (u - (1 - u) * sigma**2) / total
        return float(abs(now))
    at = times(steps, MOST, LEAST)
    now = np.sqrt(sigma**2 + at[0])
    for t, s in zip(at[:-1], at[1:], strict=True):
        if sampler == DDPM:
            now = np.sqrt((now * (1 - (t - s) / (sigma**2 + t))) ** 2 + (t - s))
        else:
            now *= 1 - np.sqrt(t) * (np.sqrt(t) - np.sqrt(s)) / (sigma**2 + t)
    return float(abs(now))


def errors(sampler: str, sigma: float) -> Floats:
    """Measure the relative error of the final standard deviation by `STEPS`."""
    want = sigma if sampler == FLOW else np.sqrt(sigma**2 + LEAST)
    return np.array([abs(spread(sampler, sigma, k) / want - 1) for k in STEPS])


def skewed(which: int) -> Mixture:
    """Return one of the skewed targets, in one dimension."""
    w, m, v = (np.array(p) for p in SKEWED[which])
    return Mixture(w, m[:, None], v[:, None])


def reverse_divergence(target: Mixture, t: float, h: float, points: int = 41) -> float:
    """Measure how far a reverse step is from normal: from noise of variance t to t - h, in nats.

    The step from x at t has density proportional to p(y, t - h) N(x; y, h). Its divergence from
    the normal distribution with its mean and variance is averaged over x at t.
    """
    mean = float(target.weights @ target.means[:, 0])
    var = float(target.weights @ (target.variances[:, 0] + target.means[:, 0] ** 2)) - mean**2 + t
    xs = np.linspace(mean - 4 * np.sqrt(var), mean + 4 * np.sqrt(var), points)
    outer = np.exp(target.log(xs[:, None], t))
    found = np.empty(points)
    for k, x in enumerate(xs):
        centre = x + h * float(target.score(np.array([[x]]), t)[0, 0])
        y = np.linspace(centre - 9 * np.sqrt(h), centre + 9 * np.sqrt(h), 801)
        log = target.log(y[:, None], t - h) - (x - y) ** 2 / (2 * h)
        p = np.exp(log - log.max())
        p /= integrate.simpson(p, x=y)
        m = integrate.simpson(p * y, x=y)
        v = integrate.simpson(p * (y - m) ** 2, x=y)
        q = stats.norm.logpdf(y, m, np.sqrt(v))
        ratio = np.log(np.maximum(p, 1e-300)) - q
        found[k] = integrate.simpson(p * ratio, x=y)
    return float(integrate.simpson(outer * found, x=xs) / integrate.simpson(outer, x=xs))


def one_step(target: Mixture) -> float:
    """Measure the divergence of the target from a normal distribution: one step of all noise."""
    m = float(target.weights @ target.means[:, 0])
    v = float(target.weights @ (target.variances[:, 0] + target.means[:, 0] ** 2)) - m**2
    y = np.linspace(m - 9 * np.sqrt(v), m + 9 * np.sqrt(v), 4001)
    log = target.log(y[:, None])
    return float(integrate.simpson(np.exp(log) * (log - stats.norm.logpdf(y, m, np.sqrt(v))), x=y))


def slope(x: Floats, y: Floats) -> float:
    """Fit log y on log x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
