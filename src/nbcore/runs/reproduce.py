"""Compute members of stored runs again, and compare them with what is stored (`criteria`).

found = reproduce(run)          # its member of median cost, from the manifest's settings alone
stamp(run, found)               # only where it was reproduced: today's code is the run's code
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nbcore import data as nbdata
from nbcore.errors import DataError, NbcoreError, StoreError
from nbcore.runs import criteria, provenance, store
from nbcore.runs.criteria import Finding
from nbcore.runs.engines import compute_members
from nbcore.runs.plan import Plan, stored_plan
from nbcore.runs.run import Run, Tables, all_runs

REPRODUCED, DIFFERS, NOT_COMPARED = "reproduced", "differs", "not compared"


@dataclass
class Reproduction:
    """The result of computing one run's members again.

    outcome: "reproduced", "differs" or "not compared"; members: those computed again; identical:
    whether every number is the same; findings: what was compared otherwise; why: in words.
    """

    run: Run
    outcome: str
    members: list[str] = field(default_factory=list)
    identical: bool = False
    findings: list[Finding] = field(default_factory=list)
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return a row for a table or a script."""
        words = ([self.why] if self.why else []) + [f.text() for f in self.findings]
        return {
            "run": f"{self.run.experiment}/{self.run.path.name}",
            "outcome": self.outcome,
            "members": ", ".join(self.members),
            "why": "; ".join(words),
        }


def stored_runs(wanted: str | None = None) -> list[Run]:
    """List the published runs, or those with this address or of this experiment."""
    every = [run for run in all_runs() if run.origin == "stored"]
    chosen = [r for r in every if wanted in (None, r.path.name, r.experiment)]
    if not chosen:
        raise NbcoreError(f"There is no stored run {wanted!r}; see nbcore runs list.")
    return chosen


def reproduce(run: Run, members: int = 1) -> Reproduction:
    """Compute `members` of a run again and compare their rows in its tables."""
    try:
        plan = stored_plan(run.manifest)
        if plan is None:
            raise StoreError(f"no module says how {run.experiment} is computed")
        _check_data(run, plan)
        names = _choose(run, plan, members)
        with _computed(run, plan, names) as again:
            assert plan.reduce is not None
            return _compare(run, plan, names, plan.reduce(again))
    except NbcoreError as error:
        return Reproduction(run, NOT_COMPARED, why=str(error).rstrip("."))


def stamp(found: Reproduction) -> None:
    """Write today's fingerprint, and the comparison, into the manifest of a reproduced run."""
    plan = stored_plan(found.run.manifest)
    if found.outcome != REPRODUCED or plan is None:
        raise StoreError(f"The run {found.run.path.name} was not reproduced; it is left as it is.")
    how = "identical" if found.identical else [f.text() for f in found.findings]
    entry = {
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": provenance.hardware(plan.device),
        "members": found.members,
        "found": how,
    }
    code = provenance.code_of(plan.functions)
    store.write_manifest(found.run.path, {**found.run.manifest, **code, "reproduced": entry})


def _check_data(run: Run, plan: Plan) -> None:
    """Check the data of the run. DataError if they are not on this machine, or differ."""
    for role, name in plan.data.items():
        nbdata.where(name)
        if nbdata.checksum(name) != run.manifest["data"][role]["sha256"]:
            raise DataError(f"{name} on this machine is not the {name} that the run used")


def _choose(run: Run, plan: Plan, members: int) -> list[str]:
    """Choose the members to compute again, by their cost.

    They are the ones in the middle of equal shares of the members, sorted by seconds; the members
    that the plan needs are added. StoreError without a GPU, if the plan needs one.
    """
    gpu = plan.device.startswith("cuda")
    if plan.only_on_gpu and not gpu:
        raise StoreError(f"needs a GPU: {plan.only_on_gpu}")
    entries = run.manifest["members"]
    by_cost = sorted(entries, key=lambda name: (entries[name]["seconds"], name))
    places = (np.arange(members) + 0.5) / members * len(by_cost)
    chosen = [by_cost[int(place)] for place in places]
    return sorted({*chosen, *plan.needed})


@contextlib.contextmanager
def _computed(run: Run, plan: Plan, names: list[str]) -> Iterator[Run]:
    """Compute these members alone, in a temporary folder, as a run that is read like any other."""
    with tempfile.TemporaryDirectory(prefix="nbcore-") as folder:
        path, entries = Path(folder), {}
        # two workers: one thread each, as published members are computed
        for name, dataset, _ in compute_members(plan.compute, names, 2, run.path.name):
            entries[name] = store.save(path, "member", name, dataset)
        yield Run(path, {**run.manifest, "members": entries, "tables": {}}, "computed")


def _compare(run: Run, plan: Plan, names: list[str], again: Tables) -> Reproduction:
    different: list[str] = []
    findings: list[Finding] = []
    for table, ours in again.items():
        whole = set(names) == set(run.manifest["members"])
        pair = ours, run.table(table)
        if not whole:  # rows of the members; what sums over members cannot be told apart
            if "member" not in ours.dims:
                continue
            pair = _rows(ours, run.table(table))
        different += [f"{table}.{name}" for name in criteria.identical(*pair)]
        findings += criteria.close(*pair)
    if plan.check is not None:
        findings += plan.check(run)
    result = Reproduction(run, REPRODUCED, names, identical=not different)
    if not different:
        result.why = "identical"
        return result
    result.findings = findings
    stored_on = {run.manifest["members"][name]["hardware"] for name in names}
    if any(provenance.processor() in text and " with " not in text for text in stored_on):
        result.outcome = DIFFERS
        result.why = f"on the same processor {', '.join(different)} are not identical"
    elif not findings or not all(f.holds for f in findings):
        result.outcome, result.why = DIFFERS, "beyond the criteria"
    return result


def _rows(ours: xr.Dataset, stored: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Select the same members of two tables.

    Checkpoints that only fill up the rows of longer members are cut off.
    """
    names = [str(name) for name in ours["member"].values]
    theirs = stored.sel(member=names)
    theirs = theirs[[name for name in theirs.data_vars if "member" in theirs[name].dims]]
    mine = ours[[name for name in ours.data_vars if "member" in ours[name].dims]]
    if "checkpoint" in mine.dims:
        theirs = theirs.isel(checkpoint=slice(mine.sizes["checkpoint"]))
    return mine, theirs
