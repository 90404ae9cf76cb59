"""Least squares and ridge on Gaussian inputs, with samples nested along n and along d (C33, C32).

run = load_linear(config)          # a member is a few dozen draws of inputs, β and noise
run.table("along_n"), run.table("along_d")
"""

from functools import partial

import numpy as np
import xarray as xr

from nbcore.chapters.more_data_can_hurt.config import Linear
from nbcore.measures.generalization.ridge import optimal_ridge, ridge_errors
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: n over d; at n = d the risk is infinite
RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
RATIOS += (1.05, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0)  # type: ignore[assignment]
#: ridges as shares of d: the best of them is σ², and 0 is the least-norm fit
RIDGES = (0.0, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)
#: of the best ridge, along d
SHARES = (0.0, 0.1, 1.0)
#: dimensions of the truth along d, as a multiple of n
WHOLE = 2.0
NEAREST = 3  # an n or d closer to the other has draws without a variance


def counts(d: int) -> np.ndarray:
    """List n by `RATIOS`, or -1 where n is too close to d."""
    n = np.rint(np.array(RATIOS) * d).astype(int)
    return np.where(abs(n - d) <= NEAREST, -1, n)


def _along_n(d: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Fit one sample, its first n inputs for each n: (2, ridge, ratio) squared bias and noise."""
    ns = counts(d)
    x, beta = rng.standard_normal((ns.max(), d)), _direction(d, rng)
    noise = sigma * rng.standard_normal(len(x))
    out = np.full((2, len(RIDGES), len(ns)), np.nan)
    for k, n in enumerate(ns):
        if n > 0:
            parts = ridge_errors(x[:n], beta, noise[:n], d * np.array(RIDGES))
            out[:, :, k] = [(part**2).sum(1) for part in parts]
    return out


def _along_d(n: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Fit the first d of 2 n dimensions for each d: (share of the best ridge, ratio) risks."""
    p, ds = int(WHOLE * n), dims(n)
    x, beta = rng.standard_normal((n, p)), _direction(p, rng)
    noise = sigma * rng.standard_normal(n)
    out = np.empty((len(SHARES), len(ds)))
    for k, d in enumerate(ds):
        best = optimal_ridge(d, sigma, d / p, 1 - d / p)
        rest = noise + x[:, d:] @ beta[d:]  # what the fit cannot see is noise to it
        parts = ridge_errors(x[:, :d], beta[:d], rest, best * np.array(SHARES))
        out[:, k] = (sum(parts) ** 2).sum(1) + (beta[d:] ** 2).sum()  # type: ignore[union-attr]
    return out


def dims(n: int) -> np.ndarray:
    """List the dimensions seen, up to all of them."""
    ratios = np.array([r for r in (*RATIOS, WHOLE) if r <= WHOLE])
    d = np.unique(np.rint(ratios * n).astype(int))
    return d[abs(d - n) > NEAREST]


def _direction(d: int, rng: np.random.Generator) -> np.ndarray:
    beta = rng.standard_normal(d)
    return beta / np.linalg.norm(beta)


def _member(config: Linear, name: str) -> xr.Dataset:
    rng = np.random.default_rng([14, int(name.removeprefix("seed"))])
    last = config.dimensions[-1]
    along_n = [
        [_along_n(d, config.sigma, rng) for _ in range(config.draws)] for d in config.dimensions
    ]
    along_d = [_along_d(last, config.sigma, rng) for _ in range(config.draws)]
    bias, noise = np.moveaxis(np.array(along_n), 2, 0)
    at = ("dimension", "draw", "ridge", "ratio")
    return xr.Dataset(
        {"bias": (at, bias), "variance": (at, noise), "risk": (("draw", "share", "d"), along_d)},
        {
            "dimension": list(config.dimensions),
            "ridge": list(RIDGES),
            "ratio": list(RATIOS),
            "share": list(SHARES),
            "d": dims(last),
        },
    )


def _reduce(run: Run) -> Tables:
    """Keep every draw of the judged d; of the others, whose risks the reader moves, the mean."""
    whole = xr.concat([m for _, m in run.members()], "draw", data_vars="minimal")
    judged = whole.isel(dimension=-1).astype(np.float32)
    return {
        "along_n": judged[["bias", "variance"]],
        "along_d": judged[["risk"]].drop_vars("dimension"),
        "grid": whole[["bias", "variance"]].mean("draw"),
    }


def linear_plan(config: Linear) -> Plan:
    """Plan 8 members of 50 draws: about two minutes of one core."""
    names = [f"seed{k}" for k in range(config.seeds)]
    return Plan("linear-risk", config, {}, names, partial(_member, config), reduce=_reduce)


STORED = {"linear-risk": lambda m: linear_plan(Linear.from_address(m["config"]))}


def load_linear(config: Linear, fresh: bool = False) -> Run:
    """Load or compute the draws."""
    return run_or_load(linear_plan(config), fresh)
