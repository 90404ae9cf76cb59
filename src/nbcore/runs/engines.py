"""Where members are computed: in this process, in several on this machine, or on a Ray cluster.

The variable NBCORE_ENGINE says which: "local" (where it is not set) or "ray". Ray joins the cluster
that RAY_ADDRESS or `ray start` on this machine names, and starts one on this machine where there is
none. Every machine of it needs nbcore and, for data that no package ships, the same NBCORE_DATA.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from tqdm import tqdm

from nbcore.errors import ParameterError, StoreError, did_you_mean

#: for glibc in workers: large blocks are kept for the next layer instead of being unmapped, mapped
#: and zeroed again at each, which takes 4 of 10 seconds of some trainings: nbcore bench allocation
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(8 << 30)}

#: exit code of a worker that was interrupted
INTERRUPTED = 130

T = TypeVar("T")
Compute = Callable[[str], T]
Result = tuple[str, T, float]


def compute_members(
    compute: Compute[T],
    names: Sequence[str],
    workers: int = 1,
    title: str = "",
    engine: str | None = None,
    unit: str = "member",
) -> Iterator[Result[T]]:
    """Compute the members and yield (name, what it gave, seconds) of each as soon as it is done.

    workers: with 1, this process and all its threads compute them in order; with more, that many
    processes of one thread each, since small networks run best so, and a member's numbers then do
    not depend on which process computed it. On a Ray cluster a member has one CPU and one thread
    too, and as many run at a time as there are CPUs; where it has GPUs, `workers` members share
    each of them. engine: "local" or "ray" instead of what NBCORE_ENGINE says. ParameterError for
    another one, or without Ray. unit: what the bar of progress counts.
    """
    engine = engine or os.environ.get("NBCORE_ENGINE") or "local"
    if engine not in ENGINES:
        raise ParameterError(f"There is no engine {engine!r}; {did_you_mean(engine, ENGINES)}")
    with tqdm(total=len(names), desc=title, unit=unit, disable=not names, delay=2) as bar:
        for result in ENGINES[engine](compute, names, workers) if names else ():
            yield result
            bar.update()


def _local(compute: Compute[T], names: Sequence[str], workers: int) -> Iterator[Result[T]]:
    if workers <= 1 or len(names) < 2:
        # the last member of an interrupted run is computed as the others were
        with nullcontext() if workers <= 1 else _single_thread():
            yield from (_timed(compute, name) for name in names)
        return
    # spawn: a forked child would inherit torch's threads in an undefined state
    context = multiprocessing.get_context("spawn")
    with (
        environment(KEEP_MEMORY),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool,
    ):
        futures = [pool.submit(_timed, compute, name) for name in names]
        children = multiprocessing.active_children()
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            # an interrupt ends the workers too; ours may come later, or be lost in a callback
            if any(_exit_code(child) == INTERRUPTED for child in children):
                raise KeyboardInterrupt from None
            raise StoreError(
                "A process that computed a member died; the likely cause is too little memory or a "
                "crash in a library: the finished members are kept, go on with fewer workers."
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ray(compute: Compute[T], names: Sequence[str], workers: int) -> Iterator[Result[T]]:
    try:
        import ray
    except ImportError:
        raise ParameterError(
            "The engine is ray, but Ray is not installed; install it with `pip install "
            "'nbcore[ray]'`, or unset NBCORE_ENGINE to compute on this machine."
        ) from None
    if not ray.is_initialized():
        _join(ray)
    gpu = 1 / max(workers, 1) if ray.cluster_resources().get("GPU") else 0
    work: Any = ray.remote(num_cpus=1, num_gpus=gpu)(_one_thread_timed)
    job = ray.put(compute)
    waiting = [work.remote(job, name) for name in names]
    try:
        while waiting:
            (done,), waiting = ray.wait(waiting)
            yield ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # the error itself: its message is what a reader sees
    finally:
        for task in waiting:
            ray.cancel(task, force=True)


def _join(ray: Any) -> None:
    own = KEEP_MEMORY | {k: v for k, v in os.environ.items() if k.startswith("NBCORE_")}
    # one thread from the start: torch counts them when it is imported
    environment = {"env_vars": own | {"OMP_NUM_THREADS": "1"}}
    try:
        ray.init(runtime_env=environment, log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ParameterError(
            f"No Ray cluster could be joined or started ({error}); check RAY_ADDRESS, or unset "
            "NBCORE_ENGINE to compute on this machine."
        ) from None


ENGINES = {"local": _local, "ray": _ray}


def _exit_code(child: BaseProcess) -> int | None:
    """Return a worker's exit code, waiting a moment for one that is ending."""
    child.join(1)
    return child.exitcode


def _start_worker() -> None:
    """Set up a worker process: one thread, and a silent exit with code 130 on an interrupt.

    The parent process prints the message about the interrupt.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    _one_thread()


@contextmanager
def environment(more: dict[str, str]) -> Iterator[None]:
    """Set environment variables for processes started meanwhile, unless they are set already."""
    with changed_environment({k: v for k, v in more.items() if k not in os.environ}):
        yield


@contextmanager
def changed_environment(more: dict[str, str]) -> Iterator[None]:
    """Set environment variables meanwhile, whatever they were before."""
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@contextmanager
def _single_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _one_thread_timed(compute: Compute[T], name: str) -> Result[T]:
    _one_thread()
    return _timed(compute, name)


def _timed(compute: Compute[T], name: str) -> Result[T]:
    start = time.perf_counter()
    try:
        result = compute(name)
    finally:
        _hand_back_gpu_memory()
    return name, result, time.perf_counter() - start


def _hand_back_gpu_memory() -> None:
    """Free what torch keeps of a GPU for later: other processes share it, and may need it now."""
    torch = sys.modules.get("torch")  # not imported for members that do without
    if torch and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
