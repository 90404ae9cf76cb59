"""How long a step of training takes when the allocator keeps large blocks, and when it does not.

    python benchmarks/allocation.py [--steps 5] [--size 64] [--batch 256]

EfficientNet-Lite0, all weights, float32, one thread, in processes of their own: one as Python
starts it, one with the variables that nbcore's workers get (`nbcore.runs.engines.KEEP_MEMORY`; they
are glibc's). Both compute the same numbers; the table gives seconds a step and the last loss.
"""

import os
import subprocess
import sys
import time
from argparse import ArgumentParser

from nbcore.runs.engines import KEEP_MEMORY
from nbcore.runs.provenance import hardware, versions


def train(steps: int, size: int, batch: int) -> str:
    """Seconds a step and the last loss, in this process."""
    import numpy as np
    import torch

    from nbcore.models import pretrained
    from nbcore.training import loop

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10 * batch, 32, 32, 3), dtype=np.uint8)
    data = images, np.arange(len(images)) % 10
    net = pretrained.create("efficientnet_lite0", 10, False, size, 0)
    loop.train(net, data, {}, loop.Recipe(2, batch, checkpoints=2), device="cpu")
    recipe = loop.Recipe(steps, batch, checkpoints=2)
    start = time.perf_counter()
    history = loop.train(net, data, {}, recipe, seed=1, device="cpu", precision="float32")
    seconds = (time.perf_counter() - start) / steps
    return f"{seconds:8.2f} {float(history['loss'][-1]):10.6f}"


def main() -> None:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--here", action="store_true", help="train in this process")
    asked = parser.parse_args()
    if asked.here:
        print(train(asked.steps, asked.size, asked.batch))
        return
    print(f"{hardware()}; torch {versions()['torch']}; {asked.batch} images of {asked.size} px")
    print(f"{'':20} {'s a step':>8} {'loss':>10}")
    for name, more in (("as Python starts", {}), ("as nbcore's workers", KEEP_MEMORY)):
        command = [sys.executable, *sys.argv, "--here"]
        done = subprocess.run(command, env=os.environ | more, capture_output=True, text=True)
        print(f"{name:20} {done.stdout.rstrip() or done.stderr}", flush=True)


if __name__ == "__main__":
    main()
