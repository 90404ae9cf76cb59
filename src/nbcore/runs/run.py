"""Runs as they are found: one folder each, looked up by what was run on what, verified when read.

    <root>/<experiment>/<address>/manifest.json     config, data, members, versions, hardware
                                 /member-NAME.zarr.zip   one member as computed (the local cache)
                                 /table-NAME.zarr.zip    what the pages need (committed in results/)

The address hashes the config, without how many members were asked for, and the declared checksums
of the data: so a run is found on a machine that has no data, and members can be added later.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import xarray as xr

from nbcore import data as nbdata
from nbcore.errors import DataError, StoreError
from nbcore.paths import cache_dir, results_dir
from nbcore.runs import zarrzip
from nbcore.runs.config import Config

MANIFEST = "manifest.json"
Tables = dict[str, xr.Dataset]


@dataclass
class Run:
    """A run as found or computed. Tables and members are read, and verified, when asked for.

    origin: "stored" (came with the book), "cached" (computed here before) or "computed" (now).
    """

    path: Path
    manifest: dict[str, Any]
    origin: str
    _open: dict[str, xr.Dataset] = field(default_factory=dict, repr=False)

    @property
    def experiment(self) -> str:
        return self.manifest["experiment"]

    @property
    def member_names(self) -> list[str]:
        return sorted(self.manifest["members"])

    def table(self, name: str) -> xr.Dataset:
        """One of the reduced tables, by name."""
        return self._read("table", name, self.manifest["tables"])

    def member(self, name: str) -> xr.Dataset:
        """One member as computed; a published run usually keeps only the tables."""
        return self._read("member", name, self.manifest["members"])

    def members(self) -> Iterator[tuple[str, xr.Dataset]]:
        """Every member with its name, one at a time."""
        for name in self.member_names:
            yield name, self.member(name)

    def summary(self) -> dict[str, str]:
        """For people: what a page states about where its numbers are from."""
        return together([self])

    def newer(self, than: datetime) -> "Run | None":
        """Keep only the members that were computed after a moment; None where there are none."""
        kept = {
            name: entry
            for name, entry in self.manifest["members"].items()
            if datetime.fromisoformat(entry["created"]) > than
        }
        return replace(self, manifest=self.manifest | {"members": kept}) if kept else None

    def _read(self, kind: str, name: str, entries: Mapping[str, Any]) -> xr.Dataset:
        file = f"{kind}-{name}.zarr.zip"
        if name not in entries:
            known = ", ".join(sorted(entries)) or "none"
            raise StoreError(f"The run {self.path.name} has no {kind} {name!r}; it has {known}.")
        if file not in self._open:
            _check_file(self.path / file, entries[name]["sha256"])
            self._open[file] = zarrzip.read(self.path / file)
        return self._open[file]


def address(experiment: str, config: Config, checksums: Mapping[str, str]) -> str:
    """Twelve hex digits from the canonical config and the data checksums by role."""
    return _digest(experiment, config.address(), checksums)


def _digest(experiment: str, config: dict[str, Any], checksums: Mapping[str, str]) -> str:
    what = {"experiment": experiment, "config": config, "data": dict(checksums)}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def places() -> dict[str, Path]:
    """Say where runs are looked for, in this order: origin -> folder."""
    return {"stored": results_dir(), "cached": cache_dir() / "runs"}


def find_runs(experiment: str, config: Config, data: Mapping[str, str]) -> dict[str, Run]:
    """Find the runs of this config by their origin: what came with the book, what is in the cache.

    Each is the one on the data found here, or else as declared, so it takes no data to find one.
    """
    found = {}
    for origin, root in places().items():
        for checksums in _candidates(data):
            path = root / experiment / address(experiment, config, checksums)
            if (path / MANIFEST).is_file():
                found[origin] = open_run(path, origin)
                break
    return found


def find_run(
    experiment: str, config: Config, data: Mapping[str, str], table: str = ""
) -> Run | None:
    """Find the first of these runs that has any table, or the one named; None without one.

    Nothing is computed: for what a page shows if it happens to be there.
    """
    for run in find_runs(experiment, config, data).values():
        if table in run.manifest["tables"] or (run.manifest["tables"] and not table):
            return run
    return None


def open_run(path: Path, origin: str) -> Run:
    """The run in a folder; its manifest must be readable and name its experiment."""
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        manifest["experiment"], manifest["members"], manifest["tables"]
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            f"The manifest of the run {path} cannot be read ({type(error).__name__}); restore it "
            "from version control or delete the folder and run again."
        ) from None
    return Run(path, manifest, origin)


def all_runs() -> Iterator[Run]:
    """List every run in `results/`, then every run computed on this machine."""
    for origin, root in places().items():
        for manifest in sorted(root.glob(f"*/*/{MANIFEST}")):
            yield open_run(manifest.parent, origin)


def together(runs: Iterable[Run]) -> dict[str, str]:
    """Sum up several runs: origins, members, machines, seconds in all, first and last date."""
    known = list(runs)
    entries = [e for run in known for e in run.manifest["members"].values()]
    return {
        "origin": ", ".join(sorted({run.origin for run in known})),
        "members": str(len(entries)),
        "hardware": "; ".join(sorted({e["hardware"] for e in entries})),
        "seconds": f"{sum(e['seconds'] for e in entries):.0f}",
        "date": max(e["created"] for e in entries)[:10],
        "oldest": min(e["created"] for e in entries),
    }


def verify(run: Run) -> int:
    """Check every file against its checksum and the address against the manifest; count files.

    A published run may lack its members: the tables made from them are what it carries.
    """
    n = 0
    for kind, entries in (("table", run.manifest["tables"]), ("member", run.manifest["members"])):
        for name, entry in entries.items():
            file = run.path / f"{kind}-{name}.zarr.zip"
            came_as_tables = run.origin == "stored" or entry.get("published")
            if kind == "member" and came_as_tables and not file.exists():
                continue
            _check_file(file, entry["sha256"])
            n += 1
    checksums = {role: d["sha256"] for role, d in run.manifest["data"].items()}
    if _digest(run.experiment, run.manifest["config"], checksums) != run.path.name:
        raise StoreError(f"The run {run.path} does not match its address: its manifest was edited.")
    return n


def _candidates(data: Mapping[str, str]) -> Iterator[dict[str, str]]:
    with suppress(DataError):  # not here: the declared checksums find the published run
        yield {role: nbdata.checksum(name) for role, name in data.items()}
    declared = {role: nbdata.declared(name) for role, name in data.items()}
    if all(declared.values()):
        yield {role: sums[0] for role, sums in declared.items()}


def _check_file(path: Path, expected: str) -> None:
    if not path.is_file():
        raise StoreError(
            f"The stored file {path} is missing; restore it or run the chapter afresh."
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise StoreError(
            f"The stored file {path} is damaged (checksum {found[:12]}, expected {expected[:12]}); "
            "restore it from version control or run the chapter with fresh=true."
        )
