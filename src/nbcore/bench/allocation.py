"""A step of training when the allocator keeps large blocks, as in nbcore's workers, or does not.

Both sides are processes of their own, since glibc reads its variables when a process starts:
`engines.KEEP_MEMORY` for ours, none for the peer. They compute the same numbers.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from nbcore.bench.clock import alternate
from nbcore.bench.record import Comparison, Found
from nbcore.errors import NbcoreError
from nbcore.models import pretrained
from nbcore.runs.config import Config, param
from nbcore.runs.engines import KEEP_MEMORY
from nbcore.training import loop


@dataclass(frozen=True)
class Allocation(Config):
    """Steps of training all weights, float32, one thread. About two minutes of one core."""

    slug: ClassVar[str] = "allocation"

    network: str = param("efficientnet_lite0", "pretrained network, with weights drawn anew")
    steps: int = param(5, "updates that are timed", low=2)
    size: int = param(64, "side of the images, pixels", low=32)
    batch: int = param(256, "images an update", low=2)
    rounds: int = param(2, "processes of each side", low=1)

    @classmethod
    def smoke(cls) -> "Allocation":
        """Small batches: half a minute, most of it the start of processes."""
        return cls(steps=2, size=32, batch=64, rounds=1)


def train(config: Allocation) -> tuple[float, float]:
    """Train in this process; return seconds a step and the last loss."""
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4 * config.batch, 32, 32, 3), dtype=np.uint8)
    data = images, np.arange(len(images)) % 10
    net = pretrained.create(config.network, 10, False, config.size, 0)
    loop.train(net, data, {}, loop.Recipe(2, config.batch, checkpoints=2), device="cpu")
    recipe = loop.Recipe(config.steps, config.batch, checkpoints=2)
    start = time.perf_counter()
    history = loop.train(net, data, {}, recipe, seed=1, device="cpu", precision="float32")
    seconds = (time.perf_counter() - start) / config.steps
    return seconds, float(history["loss"].values[-1])


def run(config: Allocation) -> Found:
    """Train in processes of both kinds in turn, and compare their seconds a step."""
    clean = {k: v for k, v in os.environ.items() if k not in KEEP_MEMORY}
    inside: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": []}

    def side(name: str, more: dict[str, str]) -> None:
        command = [sys.executable, "-m", __name__, json.dumps(asdict(config))]
        done = subprocess.run(command, env=clean | more, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise NbcoreError(f"The process that was to train failed: {last}")
        inside[name].append(tuple(json.loads(done.stdout.splitlines()[-1])))

    alternate(
        {"ours": lambda: side("ours", KEEP_MEMORY), "plain": lambda: side("plain", {})},
        config.rounds,
    )
    seconds = {name: tuple(round(s, 6) for s, _ in each) for name, each in inside.items()}
    loss = {name: each[-1][1] for name, each in inside.items()}
    return Found(
        (
            Comparison(
                f"a step of {config.batch} images of {config.size} px, {config.network}",
                "nbcore's workers, large blocks are kept",
                "a process as Python starts it",
                seconds["ours"],
                seconds["plain"],
                same="last loss",
                difference=abs(loss["ours"] - loss["plain"]),
                within=0.0,
            ),
        )
    )


if __name__ == "__main__":
    print(json.dumps(train(Allocation(**json.loads(sys.argv[1])))))
