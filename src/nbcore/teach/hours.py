"""What the page for teachers says of each chapter, computed when the book is built."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat

from nbcore.publish.chapters import Chapter
from nbcore.publish.opening import hours, minutes
from nbcore.teach.practice import exercises, questions

PLACE = "<!-- teach: hours -->"


def teach_page(text: str, executed: Mapping[str, Path], chapters: Sequence[Chapter]) -> str:
    """Fill the table of hours into the text of the page (MyST)."""
    rows = ["| chapter | to read | in all | exercises | questions |", "|---|---|---|---|---|"]
    for chapter in chapters:
        notebook = nbformat.read(executed[chapter.stem], as_version=4)
        link = f"[{int(chapter.number)} {chapter.title}](chapters/{chapter.stem}.ipynb)"
        rows.append(
            f"| {link} | {minutes(notebook)} min | {hours(notebook, chapter.slug)} "
            f"| {len(exercises(chapter.slug))} | {len(questions(chapter.slug))} |"
        )
    return text.replace(PLACE, "\n".join(rows))
