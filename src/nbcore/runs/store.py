"""The results store: one folder per run, found by what was run on what, verified when read.

    <root>/<experiment>/<address>/manifest.json     config, data, members, versions, hardware
                                 /member-NAME.zarr.zip   one member as computed (the local cache)
                                 /table-NAME.zarr.zip    what the pages need (committed in results/)

The address hashes the config, without how many members were asked for, and the declared checksums
of the data: so a run is found on a machine that has no data, and members can be added later.
Every file is written under a temporary name, renamed, and carries its checksum in the manifest.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr
from filelock import FileLock

from nbcore import data as nbdata
from nbcore.errors import DataError, StoreError
from nbcore.paths import cache_dir, results_dir
from nbcore.runs import provenance, zarrzip
from nbcore.runs.engines import compute_members
from nbcore.runs.presets import Config

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
        entries = list(self.manifest["members"].values())
        return {
            "origin": self.origin,
            "members": str(len(entries)),
            "hardware": "; ".join(sorted({e["hardware"] for e in entries})),
            "seconds": f"{sum(e['seconds'] for e in entries):.0f}",
            "date": max(e["created"] for e in entries)[:10],
        }

    def _read(self, kind: str, name: str, entries: Mapping[str, Any]) -> xr.Dataset:
        file = f"{kind}-{name}.zarr.zip"
        if name not in entries:
            known = ", ".join(sorted(entries)) or "none"
            raise StoreError(f"The run {self.path.name} has no {kind} {name!r}; it has {known}.")
        if file not in self._open:
            _check_file(self.path / file, entries[name]["sha256"])
            self._open[file] = zarrzip.read(self.path / file)
        return self._open[file]


def run_or_load(
    experiment: str,
    config: Config,
    data: Mapping[str, str],
    members: Sequence[str],
    compute: Callable[[str], xr.Dataset],
    *,
    reduce: Callable[[Run], Tables] | None = None,
    fresh: bool = False,
    workers: int = 1,
    device: str = "cpu",
    modules: Sequence[ModuleType] = (),
) -> Run:
    """The run with these members: from `results/`, else the local cache, else computed now.

    data: role -> data set name or path; members: names, each computed by `compute(name)` in one of
    `workers` processes (then `compute` must be picklable) and written as soon as it is done, so
    that an interrupted run continues and more members can be added. reduce: members -> the tables
    that pages need. fresh: neither a published nor an earlier finished run is used; one that was
    interrupted is continued.
    modules: whose code measured; its fingerprint goes into the manifest.
    """
    if not fresh:
        for root, origin in ((results_dir(), "stored"), (cache_dir() / "runs", "cached")):
            run = find(root, experiment, config, data, origin)
            if run and set(members) <= set(run.manifest["members"]) and _complete(run, reduce):
                return run
    for name in data.values():
        nbdata.get(name)  # fetched now if it is nowhere on this machine
    checksums = {role: nbdata.checksum(name) for role, name in data.items()}
    path = cache_dir() / "runs" / experiment / address(experiment, config, checksums)
    path.mkdir(parents=True, exist_ok=True)
    with FileLock(path / ".lock"):
        roles = {r: {"name": data[r], "sha256": checksums[r]} for r in data}
        manifest = _begin(path, experiment, config, roles, modules)
        if fresh and set(members) <= set(manifest["members"]) and manifest["tables"]:
            manifest["members"], manifest["tables"] = {}, {}
        missing = [m for m in members if m not in manifest["members"]]
        for name, dataset, seconds in compute_members(compute, missing, workers, experiment):
            entry = _save(path, "member", name, dataset)
            entry |= {"seconds": round(seconds, 2), "hardware": provenance.hardware(device)}
            manifest["members"][name] = entry | {"versions": provenance.versions()}
            manifest["tables"] = {}
            _write_json(path / MANIFEST, manifest)
        run = Run(path, manifest, "computed")
        if reduce and not manifest["tables"]:
            for name, table in reduce(run).items():
                manifest["tables"][name] = _save(path, "table", name, table)
            _write_json(path / MANIFEST, manifest)
    return run


def address(experiment: str, config: Config, checksums: Mapping[str, str]) -> str:
    """Twelve hex digits from the canonical config and the data checksums by role."""
    return _digest(experiment, config.address(), checksums)


def _digest(experiment: str, config: dict[str, Any], checksums: Mapping[str, str]) -> str:
    what = {"experiment": experiment, "config": config, "data": dict(checksums)}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def find(
    root: Path, experiment: str, config: Config, data: Mapping[str, str], origin: str
) -> Run | None:
    """The run of this config under `root`, on the data found here or else as declared."""
    for checksums in _candidates(data):
        path = root / experiment / address(experiment, config, checksums)
        if (path / MANIFEST).is_file():
            return open_run(path, origin)
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
    """Every run in `results/`, then every run computed on this machine."""
    for root, origin in ((results_dir(), "stored"), (cache_dir() / "runs", "cached")):
        for manifest in sorted(root.glob(f"*/*/{MANIFEST}")):
            yield open_run(manifest.parent, origin)


def verify(run: Run) -> int:
    """Check every file against its checksum and the address against the manifest; count files.

    A published run may lack its members: the tables made from them are what it carries.
    """
    n = 0
    for kind, entries in (("table", run.manifest["tables"]), ("member", run.manifest["members"])):
        for name, entry in entries.items():
            file = run.path / f"{kind}-{name}.zarr.zip"
            if kind == "member" and run.origin == "stored" and not file.exists():
                continue
            _check_file(file, entry["sha256"])
            n += 1
    checksums = {role: d["sha256"] for role, d in run.manifest["data"].items()}
    if _digest(run.experiment, run.manifest["config"], checksums) != run.path.name:
        raise StoreError(f"The run {run.path} does not match its address: its manifest was edited.")
    return n


def publish(run: Run) -> Path:
    """Copy a run's manifest and tables into `results/`, replacing an earlier version whole."""
    if not run.manifest["tables"]:
        raise StoreError(f"The run {run.path.name} has no tables to publish; give it a `reduce`.")
    target = results_dir() / run.experiment / run.path.name
    staging = target.with_name(f".{target.name}.tmp")
    staging.mkdir(parents=True, exist_ok=True)
    for name in run.manifest["tables"]:
        file = f"table-{name}.zarr.zip"
        (staging / file).write_bytes((run.path / file).read_bytes())
    _write_json(staging / MANIFEST, run.manifest)
    if target.exists():
        for old in target.iterdir():
            old.unlink()
        target.rmdir()
    staging.rename(target)
    return target


def _candidates(data: Mapping[str, str]) -> Iterator[dict[str, str]]:
    with suppress(DataError):  # not here: the declared checksums find the published run
        yield {role: nbdata.checksum(name) for role, name in data.items()}
    declared = {role: nbdata.declared(name) for role, name in data.items()}
    if all(declared.values()):
        yield {role: sums[0] for role, sums in declared.items()}


def _complete(run: Run, reduce: object) -> bool:
    return bool(run.manifest["tables"]) or reduce is None


def _begin(
    path: Path, experiment: str, config: Config, data: dict, modules: Sequence[ModuleType]
) -> dict[str, Any]:
    for leftover in path.glob("*.tmp"):  # of a run that was killed
        leftover.unlink()
    if (path / MANIFEST).exists():
        return open_run(path, "cached").manifest
    return {
        "experiment": experiment, "config": config.address(), "data": data,
        "source": provenance.fingerprint(modules), "members": {}, "tables": {},
    }  # fmt: skip


def _save(path: Path, kind: str, name: str, dataset: xr.Dataset) -> dict[str, Any]:
    target = path / f"{kind}-{name}.zarr.zip"
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    zarrzip.write(temporary, dataset)
    temporary.replace(target)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"sha256": hashlib.sha256(target.read_bytes()).hexdigest(), "created": now}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)


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
