"""The results store: runs are computed member by member, kept in the local cache, published.

Every file is written under a temporary name, renamed, and carries its checksum in the manifest.
`stored` says how a run is laid out, found and verified.
"""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xarray as xr
from filelock import FileLock

from nbcore import data as nbdata
from nbcore.errors import StoreError
from nbcore.paths import cache_dir, results_dir
from nbcore.runs import provenance, zarrzip
from nbcore.runs.engines import compute_members
from nbcore.runs.plan import Plan
from nbcore.runs.run import (
    MANIFEST,
    Run,
    Tables,
    address,
    all_runs,
    find_run,
    find_runs,
    open_run,
    together,
    verify,
)

__all__ = [
    "Run",
    "Tables",
    "address",
    "all_runs",
    "find_run",
    "find_runs",
    "Plan",
    "open_run",
    "publish",
    "run_or_load",
    "together",
    "verify",
]


def run_or_load(plan: Plan, fresh: bool = False) -> Run:
    """Find the run with the plan's members in `results/`, else in the local cache, else compute it.

    A member is written as soon as it is done, so that an interrupted run continues and more members
    can be added. Where the plan can join tables, what the book came with is not computed again. The
    manifest says from which functions the numbers came, with the fingerprint of all code that these
    reach; members that other code computed are not continued. fresh: neither a published nor an
    earlier finished run is used; one that was interrupted is continued.
    """
    experiment, config, data, members = plan.experiment, plan.config, plan.data, plan.members
    found = {} if fresh else find_runs(experiment, config, data)
    for run in found.values():
        if set(members) <= set(run.manifest["members"]) and _complete(run, plan.reduce):
            return run
    published = found.get("stored")
    for name in data.values():
        nbdata.get(name)  # fetched now if it is nowhere on this machine
    checksums = {role: nbdata.checksum(name) for role, name in data.items()}
    path = cache_dir() / "runs" / experiment / address(experiment, config, checksums)
    path.mkdir(parents=True, exist_ok=True)
    with FileLock(path / ".lock"):
        roles = {r: {"name": data[r], "sha256": checksums[r]} for r in data}
        manifest = _begin(path, plan, roles)
        if fresh and set(members) <= set(manifest["members"]) and manifest["tables"]:
            manifest["members"], manifest["tables"] = {}, {}
        base = _adopt(manifest, published if plan.join else None)
        missing = [m for m in members if m not in manifest["members"]]
        for name, dataset, seconds in compute_members(
            plan.compute, missing, plan.workers, experiment
        ):
            entry = save(path, "member", name, dataset)
            entry |= {"seconds": round(seconds, 2), "hardware": provenance.hardware(plan.device)}
            manifest["members"][name] = entry | {"versions": provenance.versions()}
            manifest["tables"] = {}
            write_manifest(path, manifest)
        if plan.reduce and not manifest["tables"]:
            tables = plan.reduce(Run(path, manifest | {"members": _own(manifest)}, "computed"))
            if base and plan.join:
                tables = plan.join(
                    {name: base.table(name) for name in base.manifest["tables"]}, tables
                )
            for name, table in tables.items():
                manifest["tables"][name] = save(path, "table", name, table)
            write_manifest(path, manifest)
    return Run(path, manifest, "computed")


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
    write_manifest(staging, run.manifest)
    if target.exists():
        for old in target.iterdir():
            old.unlink()
        target.rmdir()
    staging.rename(target)
    return target


def _complete(run: Run, reduce: object) -> bool:
    return bool(run.manifest["tables"]) or reduce is None


def _begin(path: Path, plan: Plan, data: dict) -> dict[str, Any]:
    for leftover in path.glob("*.tmp"):  # of a run that was killed
        leftover.unlink()
    code = provenance.code_of(plan.functions)
    if (path / MANIFEST).exists():
        manifest = open_run(path, "cached").manifest
        if manifest["source"] == code["source"]:
            return manifest
    return {
        "experiment": plan.experiment,
        "config": plan.config.address(),
        "data": data,
        **code,
        "members": {},
        "tables": {},
    }


def _own(manifest: dict[str, Any]) -> dict[str, Any]:
    """The members whose files are here; of the others only the published tables are known."""
    return {name: e for name, e in manifest["members"].items() if not e.get("published")}


def _adopt(manifest: dict[str, Any], published: Run | None) -> Run | None:
    """Enter the members of a published run that the same code computed; None when there are none.

    Where one of them was computed here too, the tables cannot be joined and nothing is adopted.
    """
    before, own = set(manifest["members"]), _own(manifest)
    if published and (
        published.manifest["source"] != manifest["source"]
        or set(own) & set(published.manifest["members"])
    ):
        published = None
    theirs = published.manifest["members"] if published else {}
    manifest["members"] = own | {name: e | {"published": True} for name, e in theirs.items()}
    if set(manifest["members"]) != before:
        manifest["tables"] = {}
    return published


def save(path: Path, kind: str, name: str, dataset: xr.Dataset) -> dict[str, Any]:
    """Write one member or table under a temporary name, rename it; its checksum and date."""
    target = path / f"{kind}-{name}.zarr.zip"
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    zarrzip.write(temporary, dataset)
    temporary.replace(target)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"sha256": hashlib.sha256(target.read_bytes()).hexdigest(), "created": now}


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write a run's manifest, whole or not at all."""
    path = folder / MANIFEST
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)
