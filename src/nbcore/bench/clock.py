"""Measure time and memory: sides in turn, growth along sizes, a number of threads."""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
from scipy import stats

from nbcore.bench.record import Growth, Spread
from nbcore.errors import ParameterError

#: seconds between two looks at the process's memory
EVERY = 0.01


class Memory:
    """Resident memory of this process while it was watched, in bytes: at first, and at most."""

    def __init__(self) -> None:
        self.process = psutil.Process()
        self.first = self.most = self.process.memory_info().rss

    def look(self) -> None:
        """Take note of what the process holds now."""
        self.most = max(self.most, self.process.memory_info().rss)

    @property
    def growth(self) -> float:
        """Megabytes by which the process grew at most."""
        return (self.most - self.first) / 1e6


@contextmanager
def watched() -> Iterator[Memory]:
    """Watch this process's memory from a thread of its own."""
    memory, stop = Memory(), threading.Event()

    def watch() -> None:
        while not stop.wait(EVERY):
            memory.look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield memory
    finally:
        stop.set()
        watcher.join()
        memory.look()


@dataclass
class Side:
    """What one side took and gave: wall seconds of every round, memory in MB, the last result."""

    seconds: list[float] = field(default_factory=list)
    memory: float = 0.0
    result: Any = None

    @property
    def rounds(self) -> tuple[float, ...]:
        """The seconds, to be written down."""
        return tuple(round(s, 6) for s in self.seconds)


def alternate(sides: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, Side]:
    """Call every side once a round and time it; each round begins with another side.

    So a load that comes and goes meets all sides, and none is always the one that finds caches
    cold. ParameterError for less than one round.
    """
    if rounds < 1:
        raise ParameterError(f"A benchmark needs one round or more, not {rounds}.")
    found, names = {name: Side() for name in sides}, list(sides)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            side = found[name]
            side.result = None  # not held while the next is computed
            gc.collect()
            with watched() as memory:
                start = time.perf_counter()
                side.result = sides[name]()
                side.seconds.append(time.perf_counter() - start)
            side.memory = max(side.memory, memory.growth)
    return found


def grow(
    work: Callable[[int], Callable[[], Any]],
    sizes: Sequence[int],
    rounds: int,
    *,
    what: str,
    along: str,
    expected: float,
) -> Growth:
    """Measure the processor's seconds at every size, all sizes in each round, and fit a power.

    work(size) prepares, and returns what is timed. Threads' seconds are added up, and others' load
    does not count.
    """
    jobs = [work(size) for size in sizes]
    jobs[0]()  # what is loaded with the first call is not timed
    seconds = np.empty((rounds, len(sizes)))
    for turn in seconds:
        for i, job in enumerate(jobs):
            start = time.process_time()
            job()
            turn[i] = time.process_time() - start
    return Growth(
        what,
        along,
        tuple(int(size) for size in sizes),
        tuple(tuple(float(s) for s in turn.round(6)) for turn in seconds),
        power(sizes, seconds),
        expected,
    )


def power(sizes: Sequence[int], seconds: np.ndarray, level: float = 0.95) -> Spread:
    """Fit seconds = a · size^b by least squares in logarithms; return b with its interval.

    sizes (size,), seconds (round, size), all above 0; every measurement counts, so that the
    interval holds the scatter of rounds and the curvature alike. ValueError: fewer than 3 of them.
    """
    t = np.asarray(seconds, float)
    x = np.broadcast_to(np.log(np.asarray(sizes, float)), t.shape).ravel()
    y = np.log(np.maximum(t, 1e-9)).ravel()
    if len(y) < 3:
        raise ValueError(f"A power needs 3 measurements or more, not {len(y)}.")
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    error = float(np.sqrt(((y - slope * x) ** 2).sum() / (len(y) - 2) / (x @ x)))
    reach = float(stats.t.ppf((1 + level) / 2, len(y) - 2)) * error
    return Spread(*(round(slope + s * reach, 4) for s in (0, -1, 1)))


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch, faiss and the libraries of matrix products use so many threads meanwhile."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    with suppress(ImportError):
        import faiss

        faiss.omp_set_num_threads(number)
    try:
        with threadpool_limits(number):
            yield
    finally:
        torch.set_num_threads(before)
