"""What a result rests on: library versions, hardware, and the source that measured it."""

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from nbcore import files
from nbcore.codebase.source import Source
from nbcore.errors import StoreError
from nbcore.paths import cache_dir
from nbcore.runs.fingerprint import compare, entry_points, fingerprint

LIBRARIES = ("numpy", "scipy", "scikit-learn", "xarray", "torch", "torchvision", "timm", "pillow")
#: flags of a processor, the widest first, and what people call them
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sse4_2": "SSE4.2"}


def versions() -> dict[str, str]:
    """List the versions of Python, nbcore and the libraries that numbers depend on, by name."""
    found = {"python": platform.python_version(), "nbcore": metadata.version("nbcore")}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@lru_cache
def hardware(device: str = "cpu") -> str:
    """Describe the hardware: processor, cores, memory, and the GPU when `device` is one."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 2**30
    text = f"{processor()}, {cores} cores, {memory:.0f} GiB"
    if device.startswith("cuda"):
        import torch

        text = f"{torch.cuda.get_device_name(0)} with {text}"
    return text


@lru_cache
def processor() -> str:
    """Name this machine's processor: its model and, where the system tells, family and vectors.

    For example `AMD EPYC (family 25, model 1, AVX2)`. Machines with the same marketing name can
    have other instructions, with which sums are rounded in another order.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    said: dict[str, str] = {}
    for key, _, value in (line.partition(":") for line in lines):
        said.setdefault(key.strip(), value.strip())
    name = said.get("model name") or platform.processor() or platform.machine()
    flags = said.get("flags", "").split()
    vectors = next((word for flag, word in VECTORS.items() if flag in flags), "")
    kind = [f"{k.removeprefix('cpu ')} {said[k]}" for k in ("cpu family", "model") if k in said]
    return f"{name} ({', '.join([*kind, vectors])})" if kind and vectors else name


def code_of(functions: Iterable[Callable[..., Any]]) -> dict[str, Any]:
    """Return what a manifest records of the code that computes a run: `entry` and `source`."""
    entry = entry_points(functions)
    return {"entry": entry, "source": dict(_today(tuple(entry)))}  # a copy: it is kept


def changed_since(manifest: Mapping[str, Any]) -> list[str] | None:
    """Name the modules whose code, as reached by a run's numbers, differs from its manifest.

    None for a run whose manifest does not say from which functions its numbers come.
    """
    if "entry" not in manifest:
        return None
    try:
        now = _today(tuple(manifest["entry"]))
    except StoreError:  # a function was moved or renamed, and with it what it was
        return sorted({entry.partition(":")[0] for entry in manifest["entry"]})
    return compare(manifest["source"], now)


def in_words(changed: list[str] | None) -> str:
    """Write what `changed_since` found, for a table."""
    if changed is None:
        return "not known"
    return "changed: " + ", ".join(changed) if changed else "unchanged"


@lru_cache
def _today(entry: tuple[str, ...]) -> dict[str, str]:
    """Return the fingerprint of today's code from these functions on; kept in the cache.

    Following all code takes a third of a second for each kind of run, and lists ask for all.
    """
    key = hashlib.sha256(repr(entry).encode()).hexdigest()[:24]
    file = cache_dir() / "fingerprints" / f"{key}.json"
    with suppress(OSError, files.Damaged):
        kept = json.loads(bytes(files.read_checked(file)))
        if kept["texts"] == _texts():
            return dict(kept["modules"])
    found = fingerprint(entry, _source())
    with suppress(StoreError):  # a cache that cannot be written
        content = {"texts": _texts(), "modules": found}
        files.write_checked(file, json.dumps(content).encode())
    return found


@lru_cache(maxsize=1)
def _texts() -> str:
    """Return one sha256 for all texts of nbcore's modules."""
    import nbcore

    root, sums = Path(nbcore.__file__).parent, hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        sums.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes() + b"\0")
    return sums.hexdigest()


@lru_cache(maxsize=1)
def _source() -> Source:
    """Return today's code, read once."""
    return Source()
