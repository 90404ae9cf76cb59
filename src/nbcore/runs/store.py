"""The results store: runs are computed member by member, kept in the local cache, published.

Every file is written under a temporary name, renamed, and has its checksum in the manifest, which
carries its own. `run` says how a run is laid out and found, `verify` how it is checked and mended.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcore import data as nbdata
from nbcore import files
from nbcore.errors import StoreError
from nbcore.paths import cache_dir, results_dir
from nbcore.runs import provenance, zarrzip
from nbcore.runs.engines import compute_members
from nbcore.runs.manifests import read_manifest, write_manifest
from nbcore.runs.plan import Plan
from nbcore.runs.run import (
    Run,
    Tables,
    address,
    all_runs,
    find_run,
    find_runs,
    open_run,
    stored_runs,
    together,
    wrong,
)
from nbcore.runs.verify import examine, mend, remove_unknown, verify

if TYPE_CHECKING:
    import xarray as xr

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
    "stored_runs",
    "together",
    "verify",
]


def run_or_load(plan: Plan, fresh: bool = False) -> Run:
    """Find the run with the plan's members in `results/`, else in the local cache, else compute it.

    A member is written as soon as it is done, so that an interrupted run continues and more members
    can be added. Where the plan can join tables, what the book came with is not computed again. The
    manifest says from which functions the numbers came, with the fingerprint of all code that these
    reach; members that other code computed are not continued. fresh: neither a published nor an
    earlier finished run is used; one that was interrupted is continued. Members and tables in the
    cache that are damaged or missing are computed again.
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
    with files.locked(path / ".lock", f"computes the run {experiment}/{path.name}"):
        roles = {r: {"name": data[r], "sha256": checksums[r]} for r in data}
        manifest = _begin(path, plan, roles, members if fresh else None)
        base = _adopt(manifest, published if plan.join else None)
        missing = [m for m in members if m not in manifest["members"]]
        if missing:
            config.before_computing()
        for name, dataset, seconds in compute_members(
            plan.compute, missing, plan.workers, experiment
        ):
            entry = save(path, "member", name, dataset)
            entry |= {"seconds": round(seconds, 2), "hardware": provenance.hardware(plan.device)}
            manifest["members"][name] = entry | {"versions": provenance.versions()}
            manifest["tables"] = {}
            write_manifest(path, manifest)
            remove_unknown(path, manifest)
        reduced = not plan.reduce or manifest["tables"]
        if plan.reduce and not reduced:
            tables = plan.reduce(Run(path, manifest | {"members": _own(manifest)}, "computed"))
            if base and plan.join:
                tables = plan.join(
                    {name: base.table(name) for name in base.manifest["tables"]}, tables
                )
            for name, table in tables.items():
                manifest["tables"][name] = save(path, "table", name, table)
            write_manifest(path, manifest)
            remove_unknown(path, manifest)
    return Run(path, manifest, "cached" if reduced and not missing else "computed")


def publish(run: Run) -> Path:
    """Copy a run's manifest and tables into `results/`, replacing an earlier version whole.

    Until all of it is there, the earlier version is in place, whatever happens to this process.
    """
    if not run.manifest["tables"]:
        raise StoreError(f"The run {run.path.name} has no tables to publish; give it a `reduce`.")
    target = results_dir() / run.experiment / run.path.name
    for left in target.parent.glob(f".{target.name}.*.tmp"):  # by a publish that was killed
        shutil.rmtree(left, ignore_errors=True)
    staging = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        for name, entry in run.manifest["tables"].items():
            file = run.path / f"table-{name}.zarr.zip"
            if problem := wrong(file, entry["sha256"]):
                raise StoreError(f"{problem}; run the same again, then publish it.")
            files.write_atomically(staging / file.name, file.read_bytes())
        write_manifest(staging, run.manifest)
        files.put_folder(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _complete(run: Run, reduce: object) -> bool:
    """Say whether nothing is left to compute; in the cache, every file must be intact too."""
    if not run.manifest["tables"] and reduce is not None:
        return False
    return run.origin == "stored" or not any(p for *_, p in examine(run, files.sha256_once))


def _begin(path: Path, plan: Plan, data: dict, anew: Sequence[str] | None) -> dict[str, Any]:
    """Return the manifest to continue from, or a new one.

    anew: the members asked for with `fresh`; a finished run that has them is not continued.
    """
    code = provenance.code_of(plan.functions)
    finished = anew is not None and _is_finished(path, anew)
    manifest = mend(path)
    if manifest and not finished and manifest["source"] == code["source"]:
        return manifest
    new: dict[str, Any] = {
        "experiment": plan.experiment,
        "config": plan.config.address(),
        "data": data,
        **code,
        "members": {},
        "tables": {},
    }
    if not manifest:  # a finished run stays until the first of the new members is there
        write_manifest(path, new)
    return new


def _is_finished(path: Path, members: Sequence[str]) -> bool:
    with suppress(files.Damaged):
        manifest = read_manifest(path)
        return bool(manifest["tables"]) and set(members) <= set(manifest["members"])
    return False


def _own(manifest: dict[str, Any]) -> dict[str, Any]:
    """Select the members whose files are here; of the others only published tables are known."""
    return {name: e for name, e in manifest["members"].items() if not e.get("published")}


def _adopt(manifest: dict[str, Any], published: Run | None) -> Run | None:
    """Enter the members of a published run that the same code computed; return that run, or None.

    If one of them was computed here too, the tables cannot be joined and nothing is adopted.
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
    """Write one member or table under a temporary name and rename it; return checksum and date."""
    target = path / f"{kind}-{name}.zarr.zip"
    files.write_atomically(target, lambda temporary: zarrzip.write(temporary, dataset))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"sha256": files.sha256(target), "created": now}
