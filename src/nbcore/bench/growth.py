"""How cost grows in members, images, dimensions, models: fitted powers with their intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from nbcore.bench.clock import grow, threads
from nbcore.bench.dominance import answers
from nbcore.bench.record import Found
from nbcore.bench.stores import Stores, member
from nbcore.depths.tables import reduce_member
from nbcore.difficulty.pretrained import heads
from nbcore.difficulty.pretrained.measured import masks
from nbcore.measures.agreement import consistency_score, dominance_matrix
from nbcore.measures.neighbours import nearest
from nbcore.runs.config import Config, param

#: agreement is cheap: so many times as many members
MORE = 8


@dataclass(frozen=True)
class Growing(Config):
    """Sizes, as multiples of a unit for each kind of cost. About three minutes of one core."""

    slug: ClassVar[str] = "growth"

    members: tuple[int, ...] = param((4, 8, 16, 32), "members of an ensemble", low=1)
    examples: int = param(20_000, "examples of that ensemble", low=50)
    images: tuple[int, ...] = param((5_000, 10_000, 20_000, 40_000), "images", low=20)
    dimensions: tuple[int, ...] = param((256, 512, 1_024, 2_048), "dimensions", low=2)
    models: tuple[int, ...] = param((400, 800, 1_600, 3_200), "models", low=3)
    rounds: int = param(3, "measurements at each size", low=1)
    threads: int = param(1, "threads", low=1)

    @classmethod
    def smoke(cls) -> "Growing":
        """Smaller by ten: ten seconds."""
        return cls(
            members=(2, 4, 8),
            examples=2_000,
            images=(1_000, 2_000, 4_000),
            dimensions=(128, 256, 512),
            models=(100, 200, 400),
        )


def run(config: Growing) -> Found:
    """Measure and fit each kind of cost."""
    many = tuple(MORE * n for n in config.members)
    with threads(config.threads):
        kinds = [
            ("reducing members to tables", "members", config.members, 1.0, _reducing(config)),
            ("agreement of an ensemble", "members", many, 1.0, _agreeing(config)),
            ("neighbours of all images", "images", config.images, 2.0, _neighbours),
            ("heads on features", "images", config.images, 1.0, _heads),
            ("neighbours of 2,000", "dimensions", config.dimensions, 1.0, _across),
            ("dominance matrix", "models", config.models, 2.0, _dominance),
        ]
        return Found(
            growths=tuple(
                grow(work, sizes, config.rounds, what=what, along=along, expected=expected)
                for what, along, sizes, expected, work in kinds
            )
        )


Work = Callable[[int], Callable[[], Any]]


def _members(config: Growing, n: int) -> list[xr.Dataset]:
    shape = Stores(members=n, written=n, examples=config.examples)
    return [member(shape, f"split-{i:03d}") for i in range(n)]


def _reducing(config: Growing) -> Work:
    known = _members(config, max(config.members))
    tests = np.zeros(known[0].sizes["test_example"], np.int64)
    return lambda n: lambda: [reduce_member(one, tests) for one in known[:n]]


def _agreeing(config: Growing) -> Work:
    known = _members(config, max(config.members))
    said, held = (
        np.tile(np.stack([m[v].values for m in known]), (MORE, 1)) for v in ("final", "held_out")
    )
    labels = known[0]["label"].values.astype(np.int64)
    return lambda n: lambda: consistency_score(said[:n].astype(np.int64), labels, held[:n], 10)


def _points(n: int, d: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)


def _neighbours(n: int) -> Callable[[], Any]:
    x = _points(n, 64)
    return lambda: nearest(x, x, 30)


def _across(d: int) -> Callable[[], Any]:
    bank, queries = _points(10_000, d), _points(2_000, d)
    return lambda: nearest(bank, queries, 30)


def _heads(n: int) -> Callable[[], Any]:
    x = _points(n, 256)
    labels = (x[:, :10] + 0.5 * x[:, 10:20]).argmax(1)
    held = masks(n, 5, 0.2, 0)
    return lambda: heads.fit(x, labels, held, 10)


def _dominance(n: int) -> Callable[[], Any]:
    right = answers(n, 5_000)
    return lambda: dominance_matrix(right)
