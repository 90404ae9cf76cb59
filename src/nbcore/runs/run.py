"""Find runs, one folder each, by what was run on which data, and verify them when they are read.

    <root>/<experiment>/<address>/manifest.json     config, data, members, versions, hardware
                                 /member-NAME.zarr.zip   one member as computed (the local cache)
                                 /table-NAME.zarr.zip    what the pages need (committed in results/)

The address hashes the config, without the number of members asked for, and the declared checksums
of the data: so a run is found on a machine that has no data, and members can be added later.
The checks of a whole run are in `verify`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcore import data as nbdata
from nbcore import files
from nbcore.errors import DataError, StoreError
from nbcore.paths import cache_dir, results_dir
from nbcore.runs import zarrzip
from nbcore.runs.config import Config
from nbcore.runs.manifests import MANIFEST, read_manifest

if TYPE_CHECKING:
    import xarray as xr

Tables = dict[str, "xr.Dataset"]

#: the variable that names a file where every folder is listed in which a run is looked for
READS = "NBCORE_READS"


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
        """Read one of the reduced tables, by name."""
        return self._read("table", name, self.manifest["tables"])

    def member(self, name: str) -> xr.Dataset:
        """Read one member as computed; a published run usually keeps only the tables."""
        return self._read("member", name, self.manifest["members"])

    def members(self) -> Iterator[tuple[str, xr.Dataset]]:
        """Read every member with its name, one at a time."""
        for name in self.member_names:
            yield name, self.member(name)

    def summary(self) -> dict[str, str]:
        """Sum up, for people, where the run's numbers are from, as pages state it."""
        return together([self])

    def newer(self, than: datetime) -> Run | None:
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
            if problem := wrong(self.path / file, entries[name]["sha256"]):
                raise StoreError(f"{problem}; {remedy(self.origin)}.")
            self._open[file] = zarrzip.read(self.path / file)
        return self._open[file]


def address(experiment: str, config: Config, checksums: Mapping[str, str]) -> str:
    """Hash the canonical config and the data checksums by role into twelve hex digits."""
    return digest(experiment, config.address(), checksums)


def digest(experiment: str, config: dict[str, Any], checksums: Mapping[str, str]) -> str:
    """Compute the address from a manifest's plain values."""
    what = {"experiment": experiment, "config": config, "data": dict(checksums)}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def places() -> dict[str, Path]:
    """Say where runs are looked for, in this order: origin -> folder."""
    return {"stored": results_dir(), "cached": cache_dir() / "runs"}


def find_runs(experiment: str, config: Config, data: Mapping[str, str]) -> dict[str, Run]:
    """Find the runs of this config by origin: "stored" with the book, "cached" on this machine.

    For each origin, a run on the data found here is preferred to one on the declared data, so no
    data are needed to find one.
    """
    found = {}
    for origin, root in places().items():
        for checksums in _candidates(data):
            path = root / experiment / address(experiment, config, checksums)
            _note(path)
            if run := _opened(path, origin):
                found[origin] = run
                break
    return found


def _note(place: Path) -> None:
    """List a folder where a run was looked for, in the file that `READS` names."""
    if file := os.environ.get(READS):
        with open(file, "a") as listed:
            listed.write(f"{place}\n")


def find_run(
    experiment: str, config: Config, data: Mapping[str, str], table: str = ""
) -> Run | None:
    """Find the first of these runs that has any table, or the one named; None without one.

    Nothing is computed: this is for what a page shows only if it is already there.
    """
    for run in find_runs(experiment, config, data).values():
        if table in run.manifest["tables"] or (run.manifest["tables"] and not table):
            return run
    return None


def _opened(path: Path, origin: str, tell: Callable[[str], None] = files.note) -> Run | None:
    """Open the run in a folder; None without one, or for a damaged one in the cache.

    tell: is told what is wrong with a damaged one.
    """
    if origin == "stored":
        files.restore_folder(path)
    if not (path / MANIFEST).is_file():
        return None
    try:
        return open_run(path, origin)
    except files.Damaged as error:
        if origin == "stored":
            raise
        tell(str(error))
        return None


def open_run(path: Path, origin: str) -> Run:
    """Open the run in a folder. Damaged if its manifest is not as it was written."""
    try:
        return Run(path, read_manifest(path), origin)
    except files.Damaged as error:
        raise files.Damaged(f"{error}; {remedy(origin)}.") from None


def all_runs() -> Iterator[Run]:
    """List every run in `results/`, then every run computed on this machine that can be opened."""
    for left in results_dir().glob("*/.*.old"):  # by a publish that was killed
        files.restore_folder(left.with_name(left.name[1 : -len(".old")]))
    damaged: list[str] = []
    for origin, root in places().items():
        for path in sorted(root.glob("*/[!.]*")):
            if run := _opened(path, origin, damaged.append):
                yield run
    if len(damaged) == 1:
        files.note(damaged[0])
    elif damaged:
        files.note(
            f"{len(damaged)} runs in {places()['cached']} cannot be opened and are left out; "
            "nbcore runs verify says why, and with --repair sets them aside."
        )


def stored_runs(experiment: str) -> Iterator[Run]:
    """List the runs of an experiment that came with the book, whatever their settings."""
    for path in sorted((results_dir() / experiment).glob("[!.]*")):
        _note(path)
        if run := _opened(path, "stored"):
            yield run


def remedy(origin: str) -> str:
    """Say how to repair a damaged run, as the end of a sentence."""
    if origin == "stored":
        return "restore it from version control or compute the run with fresh=true"
    return "run the same again, which computes anew what does not hold"


def together(runs: Iterable[Run]) -> dict[str, str]:
    """Sum up several runs: origins, members, machines, seconds in all, first and last date."""
    known = list(runs)
    entries = [e for run in known for e in run.manifest["members"].values()]
    return {
        "origin": ", ".join(sorted({run.origin for run in known})),
        "members": str(len(entries)),
        "hardware": "; ".join(sorted({e["hardware"] for e in entries})),
        "seconds": f"{sum(e['seconds'] for e in entries):.0f}",
        "date": max((e["created"] for e in entries), default="")[:10],
        "oldest": min((e["created"] for e in entries), default=""),
    }


def _candidates(data: Mapping[str, str]) -> Iterator[dict[str, str]]:
    with suppress(DataError):  # not here: the declared checksums find the published run
        yield {role: nbdata.checksum(name) for role, name in data.items()}
    declared = {role: nbdata.declared(name) for role, name in data.items()}
    if all(declared.values()):
        yield {role: sums[0] for role, sums in declared.items()}


def wrong(path: Path, expected: str, checksum: Callable[[Path], str] = files.sha256) -> str:
    """Say what is wrong with a stored file, as the beginning of a sentence; "" if it is intact."""
    try:
        found = checksum(path)
    except FileNotFoundError:
        return f"The stored file {path} is missing"
    except OSError as error:
        return f"The stored file {path} cannot be read ({error.strerror})"
    if found == expected:
        return ""
    return f"The stored file {path} is damaged (checksum {found[:12]}, expected {expected[:12]})"
