"""What a run of a chapter will do, said before it begins, and what it read, said after it."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbcore.paths import results_dir
from nbcore.publish.chapters import Chapter
from nbcore.rerun.executions import address, kept
from nbcore.runs import config
from nbcore.runs.manifests import MANIFEST


def planned(chapter: Chapter, given: Mapping[str, Any]) -> list[str]:
    """Write the plan of a run in lines: chapter, changes, stated cost, last time, address.

    given: checked parameters, as `Chapter.check` returns them.
    """
    cls, preset = config.config_class(chapter.slug), given.get("preset", "book")
    book = cls.book()
    changes = [
        f"{name}={_shown(value)} (the book: {_shown(getattr(book, name, ''))})"
        for name, value in given.items()
        if name not in ("preset", "fresh") and _shown(value) != _shown(getattr(book, name, ""))
    ]
    cost = (inspect.getdoc(getattr(cls, preset)) or "").partition("\n\n")[0].replace("\n", " ")
    fresh = "; every run is computed anew" if given.get("fresh") else ""
    name = address(chapter, given)
    before = [e for e in kept(chapter) if e.name == name or not given and e.name == "book"]
    lines = [
        f"chapter   {int(chapter.number)} {chapter.title}, preset {preset}{fresh}",
        f"changed   {'; '.join(changes) or 'nothing'}",
        f"cost      {cost}",
    ]
    if before:
        lines.append(f"last time {before[0].seconds:.0f} s")
    return [*lines, f"address   {name}"]


def read(places: Path, started: float) -> str:
    """Say how many runs were read that are published, kept here, or computed just now.

    places: the file that lists where runs were looked for; started: when (seconds since 1970).
    """
    listed = set(places.read_text().splitlines()) if places.exists() else set()
    counts = {"published": 0, "computed here before": 0, "computed now": 0}
    for place in listed:
        manifest = Path(place) / MANIFEST
        if manifest.is_file():
            own = results_dir().resolve() in manifest.resolve().parents
            new = manifest.stat().st_mtime >= started
            kind = "published" if own else "computed now" if new else "computed here before"
            counts[kind] += 1
    return ", ".join(f"{n} {kind}" for kind, n in counts.items() if n) or "none"


def _shown(value: Any) -> str:
    return config.shown(tuple(value) if isinstance(value, list) else value)
