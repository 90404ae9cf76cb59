"""Executions of a chapter that are kept, each by its address; and the book's own.

An execution's address hashes its chapter and every parameter, so that the same command finds the
same place. What is kept of it: the executed notebook, what it observed, and its parameters.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbcore import claims, files
from nbcore.claims import Observation
from nbcore.errors import StoreError, did_you_mean
from nbcore.paths import build_dir
from nbcore.publish.chapters import Chapter
from nbcore.runs import config

#: the name of what the book itself shows
BOOK = "book"
#: parameters that the published book is executed with, which are the defaults
PUBLISHED = (("preset", "book"), ("fresh", False))
NOTEBOOK, OBSERVED, ABOUT = "notebook.ipynb", "observations", "about.json"


@dataclass(frozen=True)
class Execution:
    """One execution of a chapter: where it is kept, its parameters, how long it took."""

    name: str
    folder: Path
    parameters: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    date: str = ""

    @property
    def notebook(self) -> Path:
        return self.folder / NOTEBOOK

    def observations(self) -> dict[str, list[Observation]]:
        """Read what this execution observed, by claim."""
        return claims.observations(self.folder / OBSERVED)

    def words(self) -> str:
        """Name the execution for people: its address, and what was changed."""
        given = ", ".join(f"{k}={config.shown(_tupled(v))}" for k, v in self.parameters.items())
        return f"{self.name} ({given or 'defaults'})"


def address(chapter: Chapter, parameters: Mapping[str, Any]) -> str:
    """Hash a chapter and the parameters that were given for it: 12 hexadecimal digits."""
    text = json.dumps([chapter.slug, sorted(parameters.items())], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def keep(
    chapter: Chapter, notebook: Path, parameters: Mapping[str, Any], seconds: float, date: str
) -> Execution:
    """Keep an execution that has just ended, in place of an earlier one with its parameters."""
    name = address(chapter, parameters)
    made = Execution(name, _folder(chapter) / name, dict(parameters), round(seconds, 1), date)
    work = made.folder.with_name(f"{name}-work")
    shutil.rmtree(work, ignore_errors=True)
    (work / OBSERVED).mkdir(parents=True)
    shutil.copy(notebook, work / NOTEBOOK)
    for file in claims.observations_dir().glob(f"*.{chapter.slug}.*.json"):
        shutil.copy(file, work / OBSERVED)
    about = {k: v for k, v in asdict(made).items() if k != "folder"}
    files.write_atomically(work / ABOUT, json.dumps(about, default=str).encode())
    files.put_folder(work, made.folder)
    return made


def find(chapter: Chapter, name: str) -> Execution:
    """Find an execution by its address, or the beginning of it, or "book".

    StoreError if there is none, or more than one.
    """
    known = {e.name: e for e in kept(chapter)}
    found = [e for n, e in known.items() if n == name] or [
        e for n, e in known.items() if len(name) >= 4 and n.startswith(name)
    ]
    if len(found) == 1:
        return found[0]
    if name == BOOK:
        raise StoreError(
            f"The book's own execution of {chapter.stem} is not on this machine; make book "
            "executes every chapter, after which there is one to compare with."
        )
    if found:
        raise StoreError(f"{name!r} begins {len(found)} addresses; write more digits of it.")
    hint = did_you_mean(name, known) if known else "none is kept yet: nbcore run makes one"
    raise StoreError(f"{chapter.stem} has no execution {name!r}; {hint}")


def kept(chapter: Chapter) -> list[Execution]:
    """List a chapter's executions on this machine: the book's, if it is there, then the latest."""
    own = [_read(p.parent) for p in _folder(chapter).glob(f"*/{ABOUT}")]
    return [*_book(chapter), *sorted(own, key=lambda e: e.date, reverse=True)]


def _book(chapter: Chapter) -> list[Execution]:
    entries = (build_dir() / "kept" / chapter.stem).glob(f"*/{NOTEBOOK}")
    for notebook in sorted(entries, key=lambda p: p.stat().st_mtime, reverse=True):
        meta = json.loads(notebook.read_text("utf-8"))["metadata"].get("papermill", {})
        given = {k: v for k, v in meta.get("parameters", {}).items() if (k, v) not in PUBLISHED}
        seconds, date = meta.get("duration") or 0.0, (meta.get("end_time") or "")[:16]
        return [Execution(BOOK, notebook.parent, given, seconds, date)]
    return []


def _read(folder: Path) -> Execution:
    about = json.loads((folder / ABOUT).read_text())
    return Execution(folder=folder, **about)


def _folder(chapter: Chapter) -> Path:
    return build_dir() / "runs" / chapter.stem / "kept"


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
