"""What a result rests on: library versions, hardware, and the source that measured it."""

import ast
import hashlib
import inspect
import json
import os
import platform
from collections.abc import Iterable
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

LIBRARIES = ("numpy", "scipy", "scikit-learn", "xarray", "torch", "torchvision", "timm", "pillow")


def versions() -> dict[str, str]:
    """Python, nbcore and the libraries that numbers depend on, by distribution name."""
    found = {"python": platform.python_version(), "nbcore": metadata.version("nbcore")}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@lru_cache
def hardware(device: str = "cpu") -> str:
    """For people: processor, cores, memory, and the GPU when `device` is one."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 2**30
    text = f"{_processor()}, {cores} cores, {memory:.0f} GiB"
    if device.startswith("cuda"):
        import torch

        text = f"{torch.cuda.get_device_name(0)} with {text}"
    return text


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def fingerprint(modules: Iterable[ModuleType]) -> dict[str, str]:
    """Module name -> hash of its code; comments, layout and docstrings do not change it."""
    return {m.__name__: _code_hash(Path(inspect.getfile(m))) for m in modules}


def changed_since(recorded: dict[str, str]) -> list[str]:
    """Names of the modules whose code differs now from what a manifest recorded."""
    from importlib.util import find_spec

    changed = []
    for name, digest in recorded.items():
        spec = find_spec(name)
        if spec is None or spec.origin is None or _code_hash(Path(spec.origin)) != digest:
            changed.append(name)
    return changed


def _code_hash(path: Path) -> str:
    """The same under every version of Python, whose trees differ in what they leave empty."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(json.dumps(_shape(tree)).encode()).hexdigest()[:16]


def _shape(node: Any) -> Any:
    """A syntax tree as nested lists, without positions and without what is absent or empty."""
    if isinstance(node, ast.AST):
        fields = [[k, _shape(v)] for k, v in ast.iter_fields(node) if v is not None and v != []]
        return [type(node).__name__, *fields]
    return [_shape(n) for n in node] if isinstance(node, list) else repr(node)
