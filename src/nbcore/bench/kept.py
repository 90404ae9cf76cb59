"""Figures as they are kept: written with the conditions they were measured under, and compared.

`benchmarks/figures/NAME.json` in the checkout holds the last figures, `NAME-quick.json` those of
the quick form. Only figures of the same hardware, threads and settings are compared.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from nbcore.bench.record import Found
from nbcore.errors import StoreError
from nbcore.files import write_atomically
from nbcore.paths import build_dir, project_root
from nbcore.runs.provenance import hardware, versions

#: by so much slower than the kept figure is worth a line
SLOWER = 1.25
#: packages beside those of a manifest whose versions decide a time
PEERS = ("faiss-cpu", "cleanlab", "zarr", "numcodecs")


@dataclass(frozen=True)
class Record:
    """A benchmark as it was run: conditions before it began, settings, seconds in all, findings."""

    benchmark: str
    title: str
    quick: bool
    conditions: Mapping[str, Any]
    settings: Mapping[str, Any]
    seconds: float
    found: Found

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is written to JSON."""
        own = {k: v for k, v in vars(self).items() if k != "found"}
        return own | self.found.as_dict()

    @property
    def file(self) -> str:
        """Name its file."""
        return f"{self.benchmark}{'-quick' * self.quick}.json"


def conditions(threads: int = 1) -> dict[str, Any]:
    """Describe where and when: hardware, threads, load of the last minutes, versions, date."""
    known = versions()
    for name in PEERS:
        try:
            known[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    load = [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else []
    return {
        "hardware": hardware(),
        "threads": threads,
        "load_before": load,
        "versions": known,
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
    }


def figures_dir() -> Path:
    """Return the folder of the figures that are kept."""
    return project_root() / "benchmarks" / "figures"


def write(record: Record, keep: bool = False) -> Path:
    """Write a record to the build folder, or to the kept figures; return the file."""
    folder = figures_dir() if keep else build_dir() / "bench"
    text = json.dumps(record.as_dict(), indent=1, ensure_ascii=False)
    write_atomically(folder / record.file, f"{text}\n".encode())
    return folder / record.file


def read(file: Path) -> Record:
    """Read a record. StoreError for a file that is none."""
    try:
        content = json.loads(file.read_text("utf-8"))
        own = {k: content[k] for k in Record.__dataclass_fields__ if k != "found"}
        return Record(**own, found=Found.from_dict(content))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StoreError(
            f"{file} holds no figures of a benchmark ({type(error).__name__}); measure again with "
            "nbcore bench --keep."
        ) from None


def kept_figures() -> dict[str, Record]:
    """Read the kept figures: benchmark -> record, of the quick form where there is no other."""
    records = [read(file) for file in sorted(figures_dir().glob("*.json"))]
    records.sort(key=lambda record: not record.quick)  # those of full size come last, and stay
    return {record.benchmark: record for record in records}


def against_kept(record: Record) -> list[str]:
    """Say in sentences what got slower than the kept figures, or why they are not compared."""
    file = figures_dir() / record.file
    if not file.is_file():
        return [f"{record.benchmark}: no figures are kept to compare with."]
    before = read(file)
    if reason := why_not(record, before):
        return [f"{record.benchmark}: not compared with the kept figures: {reason}."]
    found = list(slower(record, before))
    date = before.conditions["date"][:10]
    if not found:
        return [f"{record.benchmark}: nothing is slower by a quarter than on {date}."]
    now, then = (r.conditions["load_before"][:1] or ["not known"] for r in (record, before))
    return [*found, f"{record.benchmark}: the load before was {now[0]}, {then[0]} when kept."]


def why_not(now: Record, before: Record) -> str:
    """Say why two records cannot be compared; "" where they can."""
    for what in ("hardware", "threads"):
        mine, theirs = now.conditions[what], before.conditions[what]
        if mine != theirs:
            return f"the {what} {'is' if what == 'hardware' else 'are'} {mine}, not {theirs}"
    mine, theirs = (json.loads(json.dumps(dict(r.settings))) for r in (now, before))
    changed = [k for k in {**mine, **theirs} if mine.get(k) != theirs.get(k)]
    return f"other settings ({', '.join(sorted(changed))})" if changed else ""


def slower(now: Record, before: Record) -> Iterator[str]:
    """Say what got worse by more than a quarter.

    Beside a peer the ratio is judged, which a busy machine changes least; what has no peer by
    itself.
    """
    name = now.benchmark
    for c, old in _both(now.found.comparisons, before.found.comparisons, _pair):
        worse = old.ratio.value / c.ratio.value
        if worse > SLOWER:
            yield (
                f"{name}: {c.what}, {c.ours} is slower by {worse - 1:.0%} beside {c.peer}: ratio "
                f"{c.ratio.value:.2f}, kept {old.ratio.value:.2f} ({median(c.seconds):.3g} s, kept "
                f"{median(old.seconds):.3g} s)."
            )
    for q, kept in _both(now.found.quantities, before.found.quantities, lambda q: q.what):
        if q.better and q.value > 0 and kept.value > 0:
            worse = q.value / kept.value if q.better == "less" else kept.value / q.value
            if worse > SLOWER:
                yield (
                    f"{name}: {q.what} is worse by {worse - 1:.0%}: {q.value:g} {q.unit}, kept "
                    f"{kept.value:g}."
                )
    for g, was in _both(now.found.growths, before.found.growths, lambda g: (g.what, g.along)):
        mine, theirs = (median(turn[-1] for turn in x.seconds) for x in (g, was))
        if mine > SLOWER * theirs > 0:
            yield (
                f"{name}: {g.what} of {g.sizes[-1]:,} {g.along} is slower by "
                f"{mine / theirs - 1:.0%}: {mine:.3g} s, kept {theirs:.3g} s."
            )


def _pair(comparison: Any) -> tuple[str, ...]:
    return comparison.what, comparison.ours, comparison.peer, comparison.note


def _both(now: Any, before: Any, key: Callable[[Any], Any]) -> Iterator[tuple[Any, Any]]:
    """Pair what has the same key in both."""
    known = {key(entry): entry for entry in before}
    return ((entry, known[key(entry)]) for entry in now if key(entry) in known)
