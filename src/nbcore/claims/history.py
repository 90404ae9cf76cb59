"""How verdicts changed: a record that each recorded build adds to, and what it says.

`book/verdicts.json` lists builds by date; each holds the claims whose verdict is not the one that
was recorded before, with the outcome and number of every check then. Nothing in it is written by
hand, and what is in it is never rewritten.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from nbcore import files
from nbcore.claims.checks import get, ledger
from nbcore.claims.judging import NOT_RUN, Observation, judge
from nbcore.claims.labels import readable
from nbcore.claims.words import show_estimate
from nbcore.errors import ClaimError
from nbcore.paths import project_root

#: presets of the published book: its own, and the paper's for runs of that size that are stored
PUBLISHED = {"book", "paper"}


@dataclass(frozen=True)
class Change:
    """A verdict that changed: when, from what ("" at first) to what, and which checks did it."""

    day: str
    claim: str
    before: str
    after: str
    because: tuple[str, ...] = ()


def path() -> Path:
    """Return the file of the record."""
    return project_root() / "book" / "verdicts.json"


def entries(file: Path | None = None) -> list[dict[str, Any]]:
    """Read the record, the earliest build first; [] where there is none yet."""
    file = file or path()
    return json.loads(file.read_text("utf-8")) if file.exists() else []


def record(
    seen: Mapping[str, Sequence[Observation]], day: date, file: Path | None = None, why: str = ""
) -> list[Change]:
    """Add a build to the record and return what changed with it; nothing is added if nothing did.

    seen: the observations of the build of the whole book; why: what changed other than numbers, in
    a sentence, for each of the changes. ClaimError if there are none, or if any is from a preset
    that is not published.
    """
    presets = {o.preset for own in seen.values() for o in own}
    if not {"book"} <= presets <= PUBLISHED:
        raise ClaimError(
            "Only verdicts of the book as it is published are recorded, and the last build used "
            f"{', '.join(sorted(presets)) or 'nothing'}; run make book first."
        )
    file = file or path()
    before = entries(file)
    known = current(before)
    now = {claim: _state(claim, seen.get(claim, ())) for claim in ledger()}
    changed = {
        claim: state
        for claim, state in now.items()
        if state["verdict"] != known.get(claim, {"verdict": ""})["verdict"]
    }
    if changed:
        entry = {"date": day.isoformat(), "claims": changed} | ({"why": why} if why else {})
        after = [*before, entry]
        files.write_atomically(file, (json.dumps(after, indent=1) + "\n").encode())
        return [c for c in changes(after) if c.day == day.isoformat() and c.claim in changed]
    return []


def current(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the last state of each claim in a record."""
    last: dict[str, Any] = {}
    for entry in found:
        last |= entry["claims"]
    return last


def changes(found: Sequence[Mapping[str, Any]]) -> list[Change]:
    """List every change of a record in order; claims that were new are changes from ""."""
    last: dict[str, Any] = {}
    listed = []
    for entry in found:
        for claim, state in entry["claims"].items():
            before = last.get(claim, {"verdict": "", "checks": {}})
            because = _because(before["checks"], state["checks"]) if before["verdict"] else ()
            because += (entry["why"],) if "why" in entry and before["verdict"] else ()
            change = (entry["date"], claim, before["verdict"], state["verdict"], because)
            listed.append(Change(*change))
        last |= entry["claims"]
    return listed


def _because(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the checks whose outcome changed, with both outcomes and numbers."""
    told = []
    for name in dict.fromkeys([*before, *after]):
        was, now = (side.get(name, [NOT_RUN, "–"]) for side in (before, after))
        if was[0] != now[0]:
            told.append(f"{readable(name)}: {was[0]} ({was[1]}) → {now[0]} ({now[1]})")
    return tuple(told)


def _state(claim: str, seen: Sequence[Observation]) -> dict[str, Any]:
    judgement = judge(get(claim), seen)
    checks = {
        row.check.name: [row.outcome, show_estimate(row.seen) if row.seen else "–"]
        for row in judgement.rows
    }
    return {"verdict": judgement.verdict, "checks": checks}
