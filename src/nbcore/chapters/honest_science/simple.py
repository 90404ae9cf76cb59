"""Linear classifiers that are accurate and not robust, and one that rounds first (C37).

Every feature is the label, 1 or -1, with some chance, else its opposite. An opponent moves each
feature by a bounded amount. By symmetry the label is 1 here throughout, so that a feature's value
says whether it agrees, and classifiers have no constant.

run = load_simple(config)
run.table("classifiers")
"""

from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import optimize, special

from nbcore.chapters.honest_science.config import Simplicity
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

Floats = NDArray[np.float32]
#: how far the opponent moves against whom a linear classifier learns; 0 is logistic regression
TRAINED = (0.0, 0.02, 0.05, 0.08, 0.1, 0.15)
#: features whose mean is taken
MEANS = (1, 3, 9, 33, 101, 301, 1000)
#: how far an opponent moves, along which adversarial accuracy is followed
MOVES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.1)
#: of clipped sums: from linear to rounding
STEEPNESS = (1.0, 1.25, 1.5, 2.0, 4.0, 100.0)
RIDGE, STRONG, BEYOND = 1e-3, 0.95, 1.1


def draw(n: int, features: int, agrees: float, rng: np.random.Generator) -> Floats:
    """Draw (example, feature): 1 where a feature agrees with the label, else -1."""
    return np.where(rng.random((n, features), np.float32) < agrees, 1, -1).astype(np.float32)


def learn(z: Floats, moves: float) -> NDArray[np.float64]:
    """Fit a linear classifier to examples (example, feature) against an opponent: weights.

    An opponent who moves every feature by up to e lowers the margin <w, z> by e ||w||₁ exactly.
    With w = a - b, a and b not negative, the logistic loss of that is smooth and convex.
    """
    d = z.shape[1]

    def loss(ab: NDArray) -> tuple[float, NDArray]:
        w = (ab[:d] - ab[d:]).astype(np.float32)
        margin = (z @ w).astype(float) - moves * ab.sum()
        pull = -special.expit(-margin) / len(z)
        g = (z.T @ pull.astype(np.float32)).astype(float)
        value = np.logaddexp(0, -margin).mean() + RIDGE / 2 * (ab**2).sum()
        return float(value), np.concatenate([g, -g]) - moves * pull.sum() + RIDGE * ab

    start, options = np.full(2 * d, 1e-3), {"maxiter": 60}
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * (2 * d), options=options
    )
    return found.x[:d] - found.x[d:]


def linear_accuracy(z: Floats, w: NDArray, moves: float) -> float:
    """Return the share of examples that stay right however each feature moves by up to `moves`.

    A margin of 0 counts half: weights of nothing are a coin.
    """
    margin = z @ np.asarray(w, np.float64) - moves * np.abs(w).sum()
    if not np.abs(w).sum() > 1e-9:
        return 0.5
    return float((margin > 1e-9).mean() + (np.abs(margin) <= 1e-9).mean() / 2)


def clipped_accuracy(z: Floats, steepness: float, moves: float) -> float:
    """Return the same of the sum of clip(steepness x, -1, 1) over features x: rounding at the end.

    Every summand rises with its feature, so the opponent moves each one down as far as may be.
    """
    up, down = np.clip(steepness * (np.array([1.0, -1.0]) - moves), -1, 1)
    agree = (z > 0).sum(1)
    margin = agree * up + (z.shape[1] - agree) * down
    return float((margin > 1e-9).mean() + (np.abs(margin) <= 1e-9).mean() / 2)


def noisy_accuracy(z: Floats, w: NDArray, moves: float, rng: np.random.Generator) -> float:
    """Return the accuracy where each feature moves by chance, evenly in ±`moves`."""
    shift = rng.uniform(-moves, moves, z.shape).astype(np.float32)
    return float(((z + shift) @ np.asarray(w, np.float32) > 0).mean())


def means(features: int) -> list[int]:
    """List the numbers of features whose mean is taken, all of them last."""
    return [k for k in MEANS if k < features] + [features]


def classifiers(z: Floats) -> dict[str, NDArray]:
    """Learn or build all linear classifiers by name: weights (feature,)."""
    out = {f"learned against {e:g}": learn(z, e) for e in TRAINED}
    d = z.shape[1]
    order = np.argsort(-z.mean(0), kind="stable")  # the features that agree most
    for k in means(d):
        w = np.zeros(d)
        w[order[:k]] = 1 / k
        out[f"mean of {k}"] = w
    return out


def _member(config: Simplicity, name: str) -> xr.Dataset:
    rng = np.random.default_rng([19, 37, int(name.removeprefix("seed"))])
    d, e = config.features, config.moves
    train = draw(config.train, d, config.agrees, rng)
    sets = [draw(config.test, d, config.agrees, rng) for _ in range(2)]
    found = classifiers(train)
    accuracy = [
        [[linear_accuracy(z, w, m) for m in (*MOVES, e)] for z in sets] for w in found.values()
    ]
    plain, test = found[f"learned against {TRAINED[0]:g}"], sets[1]
    strong = draw(config.train, d, STRONG, rng)
    return xr.Dataset(
        {
            "linear": (("classifier", "set", "moves"), accuracy),
            "clipped": (
                ("steepness", "moves"),
                [[clipped_accuracy(test, t, m) for m in (*MOVES, e)] for t in STEEPNESS],
            ),
            "noisy": noisy_accuracy(test, plain, e, rng),
            "strong": linear_accuracy(draw(config.test, d, STRONG, rng), learn(strong, 0), e),
            "beyond": clipped_accuracy(test, STEEPNESS[-1], BEYOND),
        },
        {
            "classifier": list(found),
            "set": ["choice", "test"],
            "moves": [*MOVES, -1.0],  # the last is the one that is judged
            "steepness": list(STEEPNESS),
        },
    )


def _reduce(run: Run) -> Tables:
    return {"classifiers": xr.concat([m for _, m in run.members()], "member")}


def simple_plan(config: Simplicity) -> Plan:
    """Plan 5 members: half a minute of one core."""
    names = [f"seed{k}" for k in range(config.seeds)]
    return Plan("simple-classifiers", config, {}, names, partial(_member, config), reduce=_reduce)


STORED = {"simple-classifiers": lambda m: simple_plan(Simplicity.from_address(m["config"]))}


def load_simple(config: Simplicity, fresh: bool = False) -> Run:
    """Load or compute the classifiers."""
    return run_or_load(simple_plan(config), fresh)
