"""The plan of a run before it is computed, and how the plan of a stored run is found again.

A module that stores runs has a dict `STORED`: experiment -> a function from a run's manifest to its
plan. Such modules are found by that name in any folder; there is no list of them.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcore.runs.config import Config
from nbcore.runs.criteria import Finding
from nbcore.runs.manifests import Manifest
from nbcore.runs.run import Run, Tables

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Plan:
    """What is computed, from what, by which functions.

    data: role -> data set name or path; members: names, each computed by `compute(name)` in one of
    `workers` processes (then `compute` must be picklable). reduce: members -> the tables that pages
    need, for which the members `needed` must be there. join: the tables of a published run and
    those of further members -> the tables of all. only_on_gpu: why no CPU should compute it. check:
    what else of a stored run can be compared, without computing its members again.
    """

    experiment: str
    config: Config
    data: Mapping[str, str]
    members: Sequence[str]
    compute: Callable[[str], xr.Dataset]
    reduce: Callable[[Run], Tables] | None = None
    join: Callable[[Tables, Tables], Tables] | None = None
    workers: int = 1
    device: str = "cpu"
    needed: tuple[str, ...] = ()
    only_on_gpu: str = ""
    check: Callable[[Run], Iterable[Finding]] | None = None

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """What a stored number passes through."""
        return [f for f in (self.compute, self.reduce, self.join) if f is not None]


def stored_plan(manifest: Manifest) -> Plan | None:
    """Find the plan for computing a stored run's members again; None if none is known."""
    for module in _modules():
        stored = importlib.import_module(module).STORED
        if manifest["experiment"] in stored:
            found: Plan = stored[manifest["experiment"]](manifest)
            return replace(found, members=sorted(manifest["members"]))
    return None


@lru_cache
def _modules() -> list[str]:
    """List nbcore's modules that bind `STORED`, found in their text: no other is imported."""
    import nbcore

    root = Path(nbcore.__file__).parent
    found = []
    for file in sorted(root.rglob("*.py")):
        text = file.read_text("utf-8")
        if "\nSTORED" in text and _binds(text, "STORED"):
            found.append(".".join(("nbcore", *file.relative_to(root).with_suffix("").parts)))
    return found


def _binds(text: str, name: str) -> bool:
    targets = [
        t
        for statement in ast.parse(text).body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for t in getattr(statement, "targets", [getattr(statement, "target", None)])
    ]
    return any(isinstance(t, ast.Name) and t.id == name for t in targets)
