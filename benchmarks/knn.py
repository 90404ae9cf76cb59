"""How fast the exact nearest neighbours are found, next to scikit-learn's brute force.

    python benchmarks/knn.py [--bank 50000] [--queries 10000] [--repeats 3] [--threads 1] [--gpu]

Pixels of CIFAR-10 training images (d = 3,072) and a random projection of them (d = 512), k = 30,
float32. Every back end and scikit-learn's `NearestNeighbors(algorithm="brute")` answer the same
queries with the same threads, in turn, `repeats` times; the table gives the median wall seconds,
the ratio to scikit-learn, the largest growth of the process's memory beyond bank and queries, and
the share of neighbours that the two have in common. With --gpu the torch back end also answers on
the GPU, bank and queries there already; its memory is that of the GPU. A back end that is not
installed is left out.
"""

import os
import statistics
import sys
import threading
import time
from argparse import ArgumentParser
from importlib.util import find_spec

THREADS = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "1"
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = THREADS  # before the libraries start their threads

import numpy as np  # noqa: E402
import psutil  # noqa: E402
import torch  # noqa: E402
from sklearn.neighbors import NearestNeighbors  # noqa: E402

from nbcore import data  # noqa: E402
from nbcore.measures.neighbours import BACKENDS, nearest  # noqa: E402
from nbcore.runs.provenance import hardware, versions  # noqa: E402

K = 30


def pixels(n: int) -> np.ndarray:
    """(n, 3072) CIFAR-10 training images, each channel centred."""
    images = data.load("cifar10", "train").images[:n].astype(np.float32) / 255
    return (images - images.mean((0, 1, 2))).reshape(len(images), -1)


def scikit_learn(bank: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(bank).kneighbors(queries)[1]


def measured(find, *arguments) -> tuple[float, float, np.ndarray]:
    """Wall seconds, growth of resident memory in MB while it ran, and what it found."""
    process, stop = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not stop.wait(0.01):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    found = find(*arguments)
    seconds = time.perf_counter() - start
    stop.set()
    watcher.join()
    return seconds, (peak - before) / 1e6, found


def on_gpu(bank: np.ndarray, queries: np.ndarray, k: int) -> tuple[float, float, np.ndarray]:
    """As `measured`, on the GPU: seconds from its start to the neighbours in main memory."""
    b, q = torch.from_numpy(bank).cuda(), torch.from_numpy(queries).cuda()
    nearest(b[:1000], q[:100], k)  # the libraries are loaded with the first product
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before, start = torch.cuda.memory_allocated(), time.perf_counter()
    found = nearest(b, q, k)
    seconds = time.perf_counter() - start
    return seconds, (torch.cuda.max_memory_allocated() - before) / 1e6, found


def main() -> None:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bank", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    full = pixels(asked.bank)
    projection = np.random.default_rng(0).normal(size=(full.shape[1], 512)).astype(np.float32)
    installed = [name for name in BACKENDS if find_spec(name)]
    finders = {"scikit-learn": scikit_learn} | {
        name: lambda b, q, k, name=name: nearest(b, q, k, backend=name) for name in installed
    }
    device = "cuda" if asked.gpu else "cpu"
    print(
        f"{hardware(device)}; {asked.threads} thread(s); bank {asked.bank}, queries {asked.queries}"
    )
    print(", ".join(f"{k} {v}" for k, v in versions().items() if k in ("torch", "scikit-learn")))
    print(f"{'d':>6} {'':14} {'seconds':>8} {'ratio':>6} {'extra MB':>9} {'in common':>10}")
    for bank in (full @ projection, full):
        queries = np.ascontiguousarray(bank[: asked.queries])
        runs = [
            {name: measured(f, bank, queries, K) for name, f in finders.items()}
            for _ in range(asked.repeats)
        ]
        for run in runs if asked.gpu else ():
            run["torch, GPU"] = on_gpu(bank, queries, K)
        theirs = np.sort(runs[0]["scikit-learn"][2])
        for name in runs[0]:
            seconds = statistics.median(r[name][0] for r in runs)
            ratio = statistics.median(r["scikit-learn"][0] / r[name][0] for r in runs)
            memory = max(r[name][1] for r in runs)
            same = (np.sort(runs[0][name][2]) == theirs).mean()
            row = f"{seconds:8.2f} {ratio:6.2f} {memory:9.0f} {same:10.5f}"
            print(f"{bank.shape[1]:6} {name:14} {row}", flush=True)


if __name__ == "__main__":
    main()
