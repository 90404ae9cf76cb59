"""Where members are computed: in this process, or in several on this machine."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import xarray as xr
from tqdm import tqdm

Compute = Callable[[str], xr.Dataset]


def compute_members(
    compute: Compute, names: Sequence[str], workers: int = 1, title: str = ""
) -> Iterator[tuple[str, xr.Dataset, float]]:
    """(name, data set, seconds) of each member as it gets done; any order with several workers.

    Small networks run best as single-thread processes, one per core, so every worker has one
    thread; a member's numbers therefore do not depend on who computed it.
    """
    with tqdm(total=len(names), desc=title, unit="member", disable=not names, delay=2) as bar:
        for result in _results(compute, names, workers):
            yield result
            bar.update()


def _results(
    compute: Compute, names: Sequence[str], workers: int
) -> Iterator[tuple[str, xr.Dataset, float]]:
    if workers <= 1 or len(names) < 2:
        yield from (_timed(compute, name) for name in names)
        return
    # spawn: a forked child would inherit torch's threads in an undefined state
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        futures = [pool.submit(_timed, compute, name) for name in names]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _timed(compute: Compute, name: str) -> tuple[str, xr.Dataset, float]:
    start = time.perf_counter()
    dataset = compute(name)
    return name, dataset, time.perf_counter() - start
