"""The chapters: which there are, their names, and the parameters of each."""

import dataclasses
import re
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from nbcore.errors import NbcoreError, ParameterError, did_you_mean
from nbcore.paths import project_root
from nbcore.publish.parameters import CELL, Parameter, fill, parameters
from nbcore.runs import config, values

if typing.TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class Chapter:
    """A notebook source `NN_slug.py`; `slug` has dashes, `title` is its first heading."""

    number: str
    slug: str
    path: Path
    title: str

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """What it takes, by name: `preset`, `fresh`, and the fields of its Config."""
        return parameters(self.slug)

    @property
    def listed(self) -> list[str]:
        """The names that the source's parameters cell lists, which is kept equal to its Config."""
        cell = re.search(CELL, self.path.read_text("utf-8"))
        return re.findall(r"^(\w+) = ", cell[2], re.M) if cell else []

    @property
    def stem(self) -> str:
        return self.path.stem

    def read(self, assignments: Iterable[str]) -> dict[str, Any]:
        """Read `name=value` texts by the types of the chapter's parameters (`runs.values`)."""
        typed = values.fields_of(config.config_class(self.slug))
        known = {n: typed.get(n, type(p.default)) for n, p in self.parameters.items()}
        return values.read_assignments(assignments, known, f"Chapter {self.stem}")

    def check(self, given: dict[str, Any]) -> dict[str, Any]:
        """Check the names and types of the given parameters and return them with the right types.

        ParameterError for an unknown name or a wrong type.
        """
        for name in given:
            if name not in self.parameters:
                raise ParameterError(
                    f"Chapter {self.stem} has no parameter {name!r}; "
                    f"{did_you_mean(name, self.parameters)}"
                )
        declared = {f.name: f for f in dataclasses.fields(config.config_class(self.slug))}
        checked = {}
        for name, value in given.items():
            if name not in declared:
                default = self.parameters[name].default
                value = config.check_value(name, value, type(default), {})
            elif declared[name].metadata["is_path"]:
                value = config.absolute(value, Path.cwd())  # the notebook runs elsewhere
            checked[name] = value
        # the notebook would refuse these too, but only after its kernel has started
        fields = {k: v for k, v in checked.items() if k in declared}
        config.resolve(self.slug, checked.get("preset", "book"), **fields).check()
        return checked


def read_source(path: Path) -> "NotebookNode":
    """Read a py:percent source as a notebook for papermill, with all of its parameters."""
    import jupytext

    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    fill(notebook, _slug(path))
    return typing.cast("NotebookNode", notebook)


def find_chapters() -> list[Chapter]:
    """List every chapter in reading order."""
    paths = sorted((project_root() / "notebooks").glob("[0-9][0-9]_*.py"))
    return [_chapter(path) for path in paths]


def get_chapter(name: str) -> Chapter:
    """Find a chapter by number ("01", "1"), stem ("01_line") or slug ("line")."""
    chapters = find_chapters()
    for chapter in chapters:
        if name in (chapter.number, chapter.number.lstrip("0"), chapter.stem, chapter.slug):
            return chapter
    raise NbcoreError(
        f"There is no chapter {name!r}; {did_you_mean(name, [c.slug for c in chapters])}"
    )


def named(slug: str) -> str:
    """Name a chapter as its page does, `4 Depth bounds`; one without a notebook by its slug."""
    known = _names(project_root())
    return known.get(slug, f"{slug.replace('-', ' ').capitalize()} (planned)")


@lru_cache(maxsize=1)
def _names(_root: Path) -> dict[str, str]:
    return {c.slug: f"{int(c.number)} {c.title}" for c in find_chapters()}


def _chapter(path: Path) -> Chapter:
    """Read a chapter's number, slug and title from the text of its source.

    Reading it as a notebook, with its Config, would take seconds.
    """
    text = path.read_text("utf-8")
    heading = re.search(r"^# # (.+)$", text, re.M)
    cells = len(re.findall(CELL, text))
    if cells != 1:
        raise NbcoreError(f"{path.name} must have one cell tagged 'parameters', it has {cells}.")
    number, _, rest = path.stem.partition("_")
    return Chapter(number, _slug(path), path, heading[1] if heading else rest)


def _slug(path: Path) -> str:
    return path.stem.partition("_")[2].replace("_", "-")
