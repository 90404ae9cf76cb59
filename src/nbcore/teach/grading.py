"""Grade students' notebooks: run each, take the numbers it hands in, judge them here.

What a notebook prints decides nothing. While it runs, `exercises.check` only writes its answer down
(`NBCORE_ANSWERS`); the truth is computed in this process, and the last answer to each exercise
counts. A notebook runs in a folder and with a build folder of its own and has a time limit.

It is the students' code all the same, run with your rights: grade on a machine or in a container
where that may be. And nbcore computes what is right, so whoever looks for a number there finds it;
how it was found is for a person to read.
"""

import json
import math
import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from nbcore.errors import NbcoreError
from nbcore.exercises import ANSWERS, judge
from nbcore.paths import project_root
from nbcore.publish.chapters import get_chapter
from nbcore.teach.practice import exercises
from nbcore.teach.students import exercise_of
from nbcore.text import plain

RIGHT, WRONG, MISSING, FAILED = "right", "wrong", "no answer", "error"
#: bytes of a notebook, and of what it hands in, that are read
LARGEST, HANDED_IN = 50_000_000, 1_000_000
LIMIT = 600.0
#: letters of an error's message that are shown
WORDS = 200
CHECKED = re.compile(r"exercises\.check\(\s*[\"']([\w-]+)[\"']")


@dataclass(frozen=True)
class Checked:
    """One exercise: its name, the outcome, the number that was handed in, what is to be said."""

    check: str
    outcome: str
    answer: float | None = None
    said: str = ""


@dataclass(frozen=True)
class Graded:
    """One notebook: its chapter, every exercise, and why it could not be run to its end ("")."""

    notebook: str
    chapter: str = ""
    checks: tuple[Checked, ...] = ()
    problem: str = ""
    seconds: float = 0.0

    @property
    def right(self) -> int:
        """How many exercises are right."""
        return sum(c.outcome == RIGHT for c in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return asdict(self) | {"right": self.right, "of": len(self.checks)}

    def text(self) -> str:
        """Write a line for the notebook and one for each exercise."""
        head = f"{self.notebook}: {self.right} of {len(self.checks)} right"
        lines = [head if self.checks else f"{self.notebook}: not graded"]
        lines += [f"  {self.problem}"] if self.problem else []
        lines += [f"  {c.check}: {c.outcome}{f'. {c.said}' if c.said else ''}" for c in self.checks]
        return "\n".join(lines)


def grade(path: Path, limit: float = LIMIT) -> Graded:
    """Run a student's notebook for at most `limit` seconds and judge what it hands in.

    Whatever the notebook is or does, the result says so; nothing is raised for it.
    """
    started = time.monotonic()
    try:
        notebook = _read(path)
        chapter = _chapter(notebook, path)
    except NbcoreError as error:
        return Graded(str(path), problem=str(error))
    names = list(exercises(get_chapter(chapter).slug))
    truths = {name: _truth(chapter, name) for name in names}  # before any foreign code has run
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        handed, errors, problem = _run(notebook, Path(folder), limit)
    checks = tuple(_checked(chapter, n, truths[n], handed, errors) for n in names)
    seconds = round(time.monotonic() - started, 1)
    return Graded(str(path), chapter, checks, problem, seconds)


def _read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook; NbcoreError in one sentence for whatever is none."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise NbcoreError(
                f"{path.name} has {size / 1e6:.0f} MB, more than the {LARGEST / 1e6:.0f} MB that "
                "are read; clear its outputs and hand it in again."
            )
        notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
        nbformat.validate(notebook)
    except NbcoreError:
        raise
    except OSError as error:
        raise NbcoreError(f"{path} cannot be read: {error.strerror}; give a notebook.") from None
    except Exception:  # every way in which a file can be no notebook
        raise NbcoreError(f"{path.name} is no Jupyter notebook, or only a part of one.") from None
    return notebook


def _chapter(notebook: nbformat.NotebookNode, path: Path) -> str:
    """Find a notebook's chapter: in its metadata, else by the exercises that it names."""
    own = notebook.metadata.get("nbcore", {})
    named = own.get("chapter") if isinstance(own, Mapping) else None
    found = set(CHECKED.findall("\n".join(cell.source for cell in notebook.cells)))
    for chapter in _chapters():
        if chapter.stem == named or (named is None and found & set(exercises(chapter.slug))):
            return chapter.stem
    raise NbcoreError(
        f"{path.name} is of no chapter with exercises; hand in the notebook that nbcore open "
        "--student or the page's download gave."
    )


@lru_cache(maxsize=1)
def _chapters() -> Sequence[Any]:
    from nbcore.publish.chapters import find_chapters

    return [c for c in find_chapters() if exercises(c.slug)]


@lru_cache(maxsize=256)
def _truth(chapter: str, name: str) -> float:
    return float(exercises(get_chapter(chapter).slug)[name].truth())


class _Client(NotebookClient):
    """Runs on after an error, and keeps of all outputs only what errors say."""

    def __init__(self, notebook: nbformat.NotebookNode, **settings: Any):
        super().__init__(notebook, allow_errors=True, kernel_name="python3", **settings)
        self.said: dict[int, str] = {}

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Note an error and drop every other output, however much of it there is."""
        if msg["msg_type"] == "error":
            content = msg["content"]
            self.said[cell_index] = plain(f"{content['ename']}: {content['evalue']}")[:WORDS]
        if msg["msg_type"] == "status":
            return super().process_message(msg, cell, cell_index)
        return None


def _run(
    notebook: nbformat.NotebookNode, folder: Path, limit: float
) -> tuple[dict[str, float], dict[str, str], str]:
    """Run a notebook; return its answers, the errors of cells by exercise, and what stopped it."""
    answers = folder / "answers"
    environment = os.environ | {
        ANSWERS: str(answers),
        "NBCORE_ROOT": str(project_root()),
        "NBCORE_BUILD": str(folder / "build"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    work = folder / "work"
    work.mkdir()
    ends: list[float] = []  # counted from the first cell: a loaded machine starts slowly

    def left(_: Any) -> int:
        ends[:] = ends or [time.monotonic() + limit]
        return max(math.ceil(ends[0] - time.monotonic()), 1)

    client = _Client(
        notebook,
        timeout_func=left,
        startup_timeout=600,
        shutdown_kernel="immediate",
        resources={"metadata": {"path": str(work)}},
        extra_arguments=["--IPKernelApp.log_level=50"],
    )
    problem = ""
    try:
        client.execute(env=environment)
    except CellTimeoutError:
        problem = f"It was stopped after {limit:g} seconds, the limit; what it had answered counts."
    except DeadKernelError:
        problem = "Its process ended before the notebook did; what it had answered counts."
    except Exception as error:  # no notebook may keep the others from being graded
        problem = f"It could not be run: {plain(error)[:WORDS]}."
    errors = {}
    for index, said in client.said.items():
        cell = notebook.cells[index]
        for name in {exercise_of(cell), *CHECKED.findall(cell.source)} - {""}:
            errors[name] = said
    return _handed_in(answers), errors, problem


def _handed_in(answers: Path) -> dict[str, float]:
    """Read the last number for each exercise; what is not of the expected form is left out."""
    found: dict[str, float] = {}
    try:
        with answers.open("rb") as file:
            lines = file.read(HANDED_IN).decode("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            entry = json.loads(line)
            found[str(entry["name"])] = float(entry["answer"])
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
    return found


def _checked(
    chapter: str, name: str, truth: float, handed: Mapping[str, float], errors: Mapping[str, str]
) -> Checked:
    """Judge one exercise by what was handed in."""
    if name not in handed:
        if name in errors:
            return Checked(name, FAILED, said=errors[name])
        return Checked(name, MISSING)
    answer = handed[name]
    verdict = judge(exercises(get_chapter(chapter).slug)[name], answer, truth)
    shown = answer if math.isfinite(answer) else None
    return Checked(name, RIGHT if verdict.right else WRONG, shown, "" if verdict.right else verdict)
