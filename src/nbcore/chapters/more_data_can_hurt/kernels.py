"""Kernels fitted to pure noise: what that costs, by the number of inputs (C8).

All answers are noise of variance 1, so the best prediction is 0 and the mean square of the
prediction is the cost. Inputs are even on the circle and on the sphere in four dimensions.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import xarray as xr

from nbcore.chapters.more_data_can_hurt.config import Kernels
from nbcore.measures.generalization.kernels import fitted, gaussian_fit, laplace, relu_tangent
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: name -> dimensions of the vectors
SPACES = {"circle": 2, "sphere": 4}
LAPLACE, TANGENT, RIDGE = "laplace", "relu tangent", "laplace with a ridge"
GAUSSIAN, NEAREST = "gaussian", "nearest neighbour"
#: of the Laplace kernel's ridge; the Gaussian kernel's width, and the digits it is solved with
RIDGE_SIZE, WIDTH, DIGITS = 1.0, 0.2, 100
QUERIES, DECIMAL_QUERIES = 1000, 300
FEWEST, FEWEST_DECIMAL = 32, 8


def sizes(most: int, fewest: int) -> list[int]:
    """Halve `most` as long as it is at least `fewest`, ascending."""
    out = []
    while most >= fewest:
        out.append(most)
        most //= 2
    return out[::-1]


def _on_sphere(n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    x = rng.standard_normal((n, k))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def _costs(x: np.ndarray, y: np.ndarray, query: np.ndarray) -> Iterator[tuple[str, float]]:
    """Fit the answers in double precision and give each method's cost."""
    for name, kernel in ((LAPLACE, laplace), (TANGENT, relu_tangent)):
        matrix, cross = kernel(x, x), kernel(query, x)
        yield name, float((fitted(matrix, cross, y) ** 2).mean())
        if name == LAPLACE:
            yield RIDGE, float((fitted(matrix, cross, y, RIDGE_SIZE) ** 2).mean())
    yield NEAREST, float((y[(query @ x.T).argmax(1)] ** 2).mean())


def _member(config: Kernels, name: str) -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    found: dict[tuple[str, str, int], float] = {}
    residual = 0.0
    for where, k in SPACES.items():
        rng = np.random.default_rng([seed, k])
        every, query = _on_sphere(config.largest, k, rng), _on_sphere(QUERIES, k, rng)
        y = rng.standard_normal(config.largest)
        for n in sizes(config.largest, FEWEST):
            found |= {(where, m, n): cost for m, cost in _costs(every[:n], y[:n], query)}
        if where == "circle":
            for n in sizes(config.decimal, FEWEST_DECIMAL):
                asked = query[:DECIMAL_QUERIES]
                said, off = gaussian_fit(every[:n], asked, y[:n], WIDTH, DIGITS)
                residual = max(residual, off)
                found[where, GAUSSIAN, n] = float((said**2).mean())
    wheres, methods, ns = (sorted(set(column)) for column in zip(*found, strict=True))
    cost = np.full((len(wheres), len(methods), len(ns)), np.nan)
    for (where, method, n), value in found.items():
        cost[wheres.index(where), methods.index(method), ns.index(n)] = value
    return xr.Dataset(
        {"cost": (("space", "method", "n"), cost), "residual": residual},
        {"space": wheres, "method": methods, "n": ns},
    )


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    return {"costs": xr.concat(rows, "member")}


def kernels_plan(config: Kernels) -> Plan:
    """Plan eight members of about ten seconds each."""
    names = [f"seed{k}" for k in range(config.seeds)]
    return Plan("noisy-kernels", config, {}, names, partial(_member, config), reduce=_reduce)


STORED = {"noisy-kernels": lambda m: kernels_plan(Kernels.from_address(m["config"]))}


def load_kernels(config: Kernels, fresh: bool = False) -> Run:
    """Load or compute the costs."""
    return run_or_load(kernels_plan(config), fresh)
