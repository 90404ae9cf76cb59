"""What a reader practises with: hints under each exercise, and a question at a section's end.

Both are written into a notebook's text, executed or not, from the chapter's module
`exercises`. A question is answered in the page by a script; without one, and in Jupyter, it is a
list whose answer folds out. Nothing is sent anywhere.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import nbformat

from nbcore.exercises import Exercise, Question
from nbcore.text import escape

SECTION = re.compile(r"^## (.+)$", re.M)
#: where the solution of an exercise begins
SOLUTION = re.compile(r"^`{3,}\{solution-start\} *(\S+)", re.M)
#: classes of what is written into a notebook
MARKS = ("nbhint", "nbquestion")
#: minutes that an exercise and a question take, for the hours that a chapter asks for
EXERCISE_MINUTES, QUESTION_MINUTES = 15, 2


def questions(slug: str) -> Mapping[str, Question]:
    """Return a chapter's questions by the headings of their sections; {} where there are none."""
    return _of(slug, "QUESTIONS")


def exercises(slug: str) -> Mapping[str, Exercise]:
    """Return a chapter's exercises by name; {} where there are none."""
    return _of(slug, "EXERCISES")


def practice_minutes(slug: str) -> int:
    """Estimate the minutes that a chapter's exercises and questions take."""
    return EXERCISE_MINUTES * len(exercises(slug)) + QUESTION_MINUTES * len(questions(slug))


def add_practice(notebook: Any, slug: str, number: int) -> None:
    """Write hints and questions into the text of a chapter's notebook.

    number: the chapter's, for "Question 3.1"; questions are counted in the order of the sections. A
    notebook that has them already, such as one given to students, stays as it is.
    """
    if any(
        'class="nbhint"' in c.source or 'class="nbquestion"' in c.source for c in notebook.cells
    ):
        return
    _add_questions(notebook, questions(slug), number)
    known = exercises(slug)

    def with_hints(start: re.Match[str]) -> str:
        found = known.get(start[1])
        if not found:
            return start[0]
        named = f'exercises.check("{start[1]}"' in start.string[: start.start()]
        check = "" if named else f"{how_to_check(start[1])}\n\n"
        return f"{check}{hints(found)}\n\n{start[0]}"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SOLUTION.sub(with_hints, cell.source)


def how_to_check(name: str) -> str:
    """Say how an answer to an exercise is checked, where its text does not."""
    return f'Check with `exercises.check("{name}", your_answer)`.'


def hints(exercise: Exercise) -> str:
    """Write the hints of an exercise, folded one by one (HTML)."""
    steps = exercise.hints
    names = ["Hint"] if len(steps) == 1 else [f"Hint {i}" for i in range(1, len(steps) + 1)]
    return "".join(
        f'<details class="nbhint"><summary>{name}</summary><p>{_marked(step)}</p></details>'
        for name, step in zip(names, steps, strict=True)
    )


def question_html(question: Question, chapter: int, at: int) -> str:
    """Draw a question as a list with a folded answer, on one line (HTML)."""
    place = f"question-{chapter}-{at}"
    choices = "".join(f"<li>{_marked(choice)}</li>" for choice in question.choices)
    letter = "abcdefgh"[question.right]
    return (
        f'<div class="nbquestion" id="{place}" data-right="{question.right}">'
        f"<p><strong>Question {chapter}.{at}</strong> {_marked(question.text)}</p>"
        f'<ol type="a">{choices}</ol><details><summary>Answer</summary>'
        f"<p><strong>{letter}.</strong> {_marked(question.why)}</p></details></div>"
    )


def _add_questions(notebook: Any, asked: Mapping[str, Question], number: int) -> None:
    """Put each question at the end of its section, before the next heading of that level."""
    cells: list[Any] = []
    open_section, at = "", 0

    def close() -> None:
        nonlocal at
        if open_section in asked:
            at += 1
            html = question_html(asked[open_section], number, at)
            cells.append(nbformat.v4.new_markdown_cell(html))

    for cell in notebook.cells:
        if cell.cell_type != "markdown" or not SECTION.search(cell.source):
            cells.append(cell)
            continue
        for part in _parts(cell.source):
            if heading := SECTION.match(part):
                close()
                open_section = heading[1].strip()
            own = nbformat.v4.new_markdown_cell(part.strip())
            own.metadata = cell.metadata
            cells.append(own)
    close()
    notebook.cells = cells


def _parts(text: str) -> Sequence[str]:
    """Cut a text before each heading of a section; what is empty is left out."""
    starts = [m.start() for m in SECTION.finditer(text)]
    cuts = [0, *starts, len(text)]
    found = [text[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
    return [part for part in found if part.strip()]


def _of(slug: str, name: str) -> Mapping[str, Any]:
    where = f"nbcore.chapters.{slug.replace('-', '_')}"
    if not find_spec(where) or not find_spec(f"{where}.exercises"):
        return {}
    return getattr(importlib.import_module(f"{where}.exercises"), name, {})


def _marked(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
