"""A chapter's notebook as people open it in Jupyter: for students without solutions, or with them.

A solution is what stands between the cells that hold `solution-start NAME` and `solution-end`. In
the students' version an empty cell takes its place, whose metadata name the exercise
(`nbcore.exercise`), so that it can be graded, and so that the solution can be put back.
"""

import re
from pathlib import Path
from typing import Any

import nbformat

from nbcore.publish.chapters import find_chapters, read_source
from nbcore.teach.practice import add_practice

#: where the solution of an exercise begins, in the cell before it
START = re.compile(r"`{3,}\{solution-start\} *(\S+)")
EXERCISE = re.compile(r"^`{3,}\{exercise-start\} *(.*)$")
#: lines of directives that Jupyter would show as code
DIRECTIVE = re.compile(r"^(`{3,}(\{(exercise|solution)-end\}.*|$)|:(label|class):)")
#: a note of another kind, such as a warning
NOTE = re.compile(r"^`{3,}\{(?!exercise|solution)(\w+)\}")
#: the beginning of a block of code, such as ```bash
FENCE = re.compile(r"^```\w+$")
#: {cite}`key` and the like, which only the book resolves
ROLE = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
#: where a built site has notebooks to download, and what the names of those with solutions end in
SOURCES, WITH = "_sources/chapters", "-with-solutions"
ANSWER = """# your answer: take away the # and put it where the dots are
# exercises.check("{name}", ...)"""

Notebook = nbformat.NotebookNode
Solutions = dict[str, list[nbformat.NotebookNode]]


def student_notebook(path: Path) -> Notebook:
    """Make the notebook of a chapter with an empty cell where each solution was."""
    return _apart(path)[0]


def instructor_notebook(path: Path) -> Notebook:
    """Make the notebook of a chapter with a heading and its solution under each exercise."""
    return put_back(*_apart(path))


def solutions(path: Path) -> Solutions:
    """Return the cells of each solution of a chapter, by the name of its exercise."""
    return _apart(path)[1]


def put_back(notebook: Notebook, found: Solutions) -> Notebook:
    """Return a students' notebook with solutions in the cells that ask for answers.

    A cell whose exercise has no solution in `found` stays as it is.
    """
    cells: list[Any] = []
    for cell in notebook.cells:
        name = exercise_of(cell)
        if name in found:
            cells += [nbformat.v4.new_markdown_cell("**Solution**"), *found[name]]
        else:
            cells.append(cell)
    made = nbformat.from_dict({**notebook, "cells": cells})
    return nbformat.validator.normalize(made)[1]


def write_downloads(built: Path) -> None:
    """Put students' notebooks where the pages of a built site have their sources to download.

    Those with solutions stand beside them. What was executed for the page is not needed twice.
    """
    for chapter in find_chapters():
        if (built / "chapters" / f"{chapter.stem}.html").is_file():
            target = built / SOURCES / f"{chapter.stem}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(student_notebook(chapter.path), target)
            whole = target.with_name(f"{chapter.stem}{WITH}.ipynb")
            nbformat.write(instructor_notebook(chapter.path), whole)


def downloads(stem: str) -> str:
    """Write the links to a chapter's two notebooks (HTML)."""
    place = f"../{SOURCES}/{stem}"
    return (
        f'<p class="nbdownloads">The notebook of this chapter: <a href="{place}.ipynb" download>'
        f'for students, without solutions</a> · <a href="{place}{WITH}.ipynb" download>with '
        "solutions</a></p>"
    )


def exercise_of(cell: Any) -> str:
    """Return the name of the exercise that a cell is to answer, "" where there is none."""
    own = cell.get("metadata", {}).get("nbcore", {})
    name = own.get("exercise", "") if isinstance(own, dict) else ""
    return name if isinstance(name, str) else ""


def _apart(path: Path) -> tuple[Notebook, Solutions]:
    """Take a chapter's solutions out of its notebook."""
    notebook = read_source(path)
    number, _, rest = path.stem.partition("_")
    add_practice(notebook, rest.replace("_", "-"), int(number))
    found: Solutions = {}
    kept: list[Any] = []
    inside = ""
    for cell in notebook.cells:
        text = cell.source
        if "solution-end" in text:
            kept.append(_answer(inside))
            text = text.split("solution-end", 1)[1].partition("\n````")[2].strip()
            inside = ""
        if inside:
            found[inside].append(cell)
            continue
        started = START.search(text)
        if started:
            inside = started[1]
            found[inside] = []
        cell.source = _plain(text) if cell.cell_type == "markdown" else text
        if cell.source:
            kept.append(cell)
    notebook.cells = kept
    notebook.metadata["nbcore"] = {"chapter": path.stem}
    return nbformat.validator.normalize(notebook)[1], found


def _answer(name: str) -> Any:
    cell = nbformat.v4.new_code_cell(ANSWER.format(name=name))
    cell.metadata["nbcore"] = {"exercise": name}
    return cell


def _plain(source: str) -> str:
    """Turn what only the book understands into headings and text; blocks of code stay."""
    lines, in_code = [], False
    for line in source.splitlines():
        if in_code or FENCE.match(line):
            in_code = not (in_code and line.startswith("```"))
            lines.append(line)
        elif START.match(line):
            break
        elif titled := EXERCISE.match(line):
            lines.append(f"### Exercise: {titled[1].strip()}")
        elif noted := NOTE.match(line):
            lines += [f"**{noted[1].title()}**", ""]
        elif not DIRECTIVE.match(line):
            lines.append(ROLE.sub(r"[\1]", line))
    return "\n".join(lines).strip()
