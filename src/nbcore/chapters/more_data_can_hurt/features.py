"""Random ReLU features of pictures: error along width, and along the number of pictures (C34, C32).

The last layer is fitted by least squares to wrong labels, with no ridge and with many.
"""

from functools import partial

import numpy as np
import xarray as xr

from nbcore.chapters.more_data_can_hurt.config import Features
from nbcore.chapters.more_data_can_hurt.pictures import Pictures, pictures
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: width over pictures, and pictures over width
RATIOS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.6, 2.0, 4.0, 8.0)
GROWTH = (0.1, 0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0)
#: on features scaled to a mean square of 1 over all of them
RIDGES = (0.0, *np.geomspace(1e-4, 1e2, 13).round(6).tolist())


def _features(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute ReLU features (n, width) of uint8 images, each image scaled to unit variance."""
    x = images.reshape(len(images), -1).astype(np.float64)
    x = (x - x.mean(1, keepdims=True)) / (x.std(1, keepdims=True) + 1e-8)
    return np.maximum(x @ weights[:-1] + weights[-1], 0) * np.sqrt(2 / weights.shape[1])


def _errors(sets: Pictures, width: int, n: int, weights: np.ndarray) -> np.ndarray:
    """Fit n pictures with the first `width` features: errors (choice or test, ridge).

    The features were drawn for the largest width; scaling makes their size that of this one.
    """
    own = weights[:, :width]
    u, s, vt = np.linalg.svd(_features(sets.images[:n], own), full_matrices=False)
    target = np.eye(sets.classes)[sets.given[:n]] - 1 / sets.classes
    s = np.where(s > s.max() * max(n, width) * np.finfo(float).eps, s, 0.0)
    towards = u.T @ target
    out = []
    for images, labels in (sets.choice, sets.test):
        seen = _features(images, own) @ vt.T
        gains = [s / np.where(s > 0, s**2 + ridge, 1.0) for ridge in RIDGES]
        said = [(seen @ (g[:, None] * towards)).argmax(1) for g in gains]
        out.append([(answer != labels).mean() for answer in said])
    return np.array(out)


def _member(config: Features, name: str) -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    most = round(GROWTH[-1] * config.images)
    sets = pictures(config.dataset, config.side, most, config.noise, seed)
    inputs = sets.images[0].size
    drawn = np.random.default_rng([seed, 3])
    weights = drawn.standard_normal((inputs + 1, round(RATIOS[-1] * config.images)))
    weights[:-1] /= np.sqrt(inputs)
    fit = partial(_errors, sets, weights=weights)
    wide = [fit(width=round(r * config.images), n=config.images) for r in RATIOS]
    grown = [fit(width=config.images, n=round(r * config.images)) for r in GROWTH]
    return xr.Dataset(
        {
            "by_width": (("ratio", "set", "ridge"), np.float32(wide)),  # type: ignore[arg-type]
            "by_count": (("growth", "set", "ridge"), np.float32(grown)),  # type: ignore[arg-type]
        },
        {
            "ratio": list(RATIOS),
            "growth": list(GROWTH),
            "set": ["choice", "test"],
            "ridge": list(RIDGES),
        },
    )


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    return {"errors": xr.concat(rows, "member")}


def features_plan(config: Features) -> Plan:
    """Plan eight members of about fifteen seconds each."""
    return Plan(
        "random-features",
        config,
        {"pictures": config.dataset},
        [f"seed{k}" for k in range(config.seeds)],
        partial(_member, config),
        reduce=_reduce,
    )


STORED = {"random-features": lambda m: features_plan(Features.from_address(m["config"]))}


def load_features(config: Features, fresh: bool = False) -> Run:
    """Load or compute the errors."""
    return run_or_load(features_plan(config), fresh)
