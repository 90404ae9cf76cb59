"""What the images themselves decide: the line's share of their chance, and triplets of models.

Both need the answers image by image, which are public for the 67 models of ImageNetV2's authors;
what is stored are a few hundred numbers.
"""

from dataclasses import dataclass
from functools import partial
from itertools import combinations, product
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from nbcore import data as nbdata
from nbcore.measures import robustness
from nbcore.runs.config import Config, param
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: trained on image descriptors of before deep learning; the three weakest of the 67
FISHER = ("fv_4k", "fv_16k", "fv_64k")
FACTORS = np.round(np.linspace(1, 2, 101), 2)


@dataclass(frozen=True)
class Images(Config):
    """How often the images are drawn again."""

    slug: ClassVar[str] = "line-images"

    draws: int = param(1000, "bootstrap draws of the images", low=20, high=100_000)
    seed: int = param(0, "seed of the draws", low=0)


def right_answers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load the names of the 67 models, and what each gets right on both sets (ID, OOD).

    The latter two are (model, image) bool.
    """
    bed = nbdata.load_testbed("testbed-imagenetv2")
    inside = bed.id_predictions == bed.id_labels
    return np.array(bed.models), inside, bed.ood_predictions == bed.ood_labels


def image_lines(
    inside: np.ndarray, outside: np.ndarray, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute every model's accuracies: draw 0 as observed, then with the images drawn again.

    All models see the same drawn images, so their errors stay as alike as they are.
    Returns (draw, model) for both sets.
    """
    rng = np.random.default_rng(seed)
    out = []
    for right in (inside, outside):
        n = right.shape[1]
        accuracy = np.empty((draws + 1, len(right)))
        accuracy[0] = right.mean(axis=1)
        counted = right.astype(np.float32)
        for row in accuracy[1:]:
            drawn = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float32)
            row[:] = counted @ drawn / n
        out.append(accuracy)
    return out[0], out[1]


def cone_shares(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Compute the share of triplets whose probabilities on both sets are within a factor.

    (8, factor): for each of the eight patterns of right and wrong answers of three models and each
    of `FACTORS`. Two probabilities p, q are inside the cone of factor c when q / c ≤ p ≤ c q.
    """
    triplets = np.array(list(combinations(range(len(inside)), 3))).T
    shares = []
    for pattern in product((False, True), repeat=3):
        p, q = (_triple(r.astype(np.float32), pattern)[tuple(triplets)] for r in (inside, outside))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(p == q, 1.0, np.maximum(p / q, q / p))  # 0 and 0 are equal too
        shares.append([(ratio <= c + 1e-6).mean() for c in FACTORS])
    return np.array(shares)


def _triple(right: np.ndarray, pattern: tuple[bool, ...]) -> np.ndarray:
    """Return the (model, model, model) share of images that the three answer in this pattern."""
    a, b, c = (right if wanted else 1 - right for wanted in pattern)
    return np.stack([(b * row) @ c.T for row in a]) / right.shape[1]


def _count(config: Images, member: str) -> xr.Dataset:
    names, inside, outside = right_answers()
    x, y = image_lines(inside, outside, config.draws, config.seed)
    keep = {"all": np.ones(len(names), bool), "without Fisher vectors": ~np.isin(names, FISHER)}
    lines = np.array([_line(x[:, chosen], y[:, chosen]) for chosen in keep.values()])
    patterns = ["".join("WR"[right] for right in p) for p in product((False, True), repeat=3)]
    return xr.Dataset(
        {
            "line": (("models", "what", "draw"), lines),
            "inside": (("pattern", "factor"), cone_shares(inside, outside)),
        },
        {
            "models": list(keep),
            "what": ["slope", "intercept"],
            "pattern": patterns,
            "factor": FACTORS,
        },
        {"triplets": int(len(names) * (len(names) - 1) * (len(names) - 2) / 6)},
    )


def _line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fit slopes and intercepts in logits of (draw, model) accuracies: (2, draw)."""
    fits = [robustness.fit_line(u, v) for u, v in zip(x, y, strict=True)]
    return np.array([[f.slope for f in fits], [f.intercept for f in fits]])


def images_plan() -> Plan:
    """Plan the computation of draws and shares from the public predictions (a minute)."""
    config = Images()
    return Plan(
        "line-images",
        config,
        {"testbed": "testbed-imagenetv2"},
        ["draws"],
        partial(_count, config),
        reduce=_as_table,
    )


STORED = {"line-images": lambda manifest: images_plan()}


def load_images(fresh: bool = False) -> Run:
    """Load the stored draws and shares, or compute them afresh."""
    return run_or_load(images_plan(), fresh)


def _as_table(run: Run) -> Tables:
    return {"images": run.member("draws")}


def image_spread(run: Run, models: str) -> dict[str, float]:
    """Return the standard deviation of slope and intercept when the images are drawn again."""
    line = run.table("images")["line"].sel(models=models).isel(draw=slice(1, None))
    return {k: float(line.sel(what=k).std("draw")) for k in ("slope", "intercept")}


def cone_curve(run: Run) -> pd.DataFrame:
    """Tabulate the share of triplets inside the cone by factor.

    Columns x (factor), y (share), series: all eight patterns, all three right, all three wrong.
    """
    inside = run.table("images")["inside"]
    rows = {
        "all eight patterns": inside.mean("pattern"),
        "all three right": inside.sel(pattern="RRR"),
        "all three wrong": inside.sel(pattern="WWW"),
    }
    return pd.concat(
        pd.DataFrame({"x": inside["factor"].values, "y": v.values, "series": k})
        for k, v in rows.items()
    )
