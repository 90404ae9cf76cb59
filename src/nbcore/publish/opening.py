"""The opening of a chapter: what was found, the key figure, what to know before, the verdicts.

It is made from the executed notebook and what it observed, and stands behind the first paragraphs;
how to cite the page stands at its end.
A chapter's folder says in its module `opening` which checks it opens with (`FINDINGS`) and which
chapters come before (`BEFORE`, slugs).
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import nbformat

from nbcore import claims
from nbcore.charts import thumbnails
from nbcore.claims import Finding, Observation
from nbcore.publish.cards import BADGES, verdict_class
from nbcore.publish.chapters import Chapter
from nbcore.teach.practice import exercises, practice_minutes
from nbcore.teach.students import downloads
from nbcore.text import escape, prose

#: tag of the cell that draws a chapter's key figure
KEY = "key-figure"
WORDS_A_MINUTE = 200
FIGURE_MINUTES = 0.5


def add_opening(notebook: Any, chapter: Chapter, chapters: Sequence[Chapter]) -> None:
    """Put the opening behind the first text of an executed notebook that has a title."""
    first = next((i for i, cell in enumerate(notebook.cells) if "# " in cell.source[:2]), None)
    if first is None:
        return
    html = f"```{{raw}} html\n{opening(notebook, chapter, chapters)}\n```"
    notebook.cells.insert(first + 1, nbformat.v4.new_markdown_cell(html))
    along = f"{downloads(chapter.stem)}\n\n## Cite this page\n\n{entry(chapter)}"
    notebook.cells.append(nbformat.v4.new_markdown_cell(along))


def opening(notebook: Any, chapter: Chapter, chapters: Sequence[Chapter]) -> str:
    """Draw the opening of an executed chapter (HTML)."""
    findings, before = told_by(chapter.slug)
    seen = claims.observations()
    said = {f: claims.told(f, seen.get(f.claim, ())) for f in findings}
    items = "".join(f"<li>{prose(sentence)}</li>" for sentence in said.values() if sentence)
    seen_of = {f.claim for f, sentence in said.items() if sentence}
    names = [
        f"{f.claim} ({f.rule().label})" if f.claim in seen_of else f.claim
        for f, sentence in said.items()
        if not sentence
    ]
    missing = prose(", ".join(dict.fromkeys(names)))
    items += f"<li>Not judged in this run: {missing}.</li>" if missing else ""
    found = f'<p class="opening-head">What we find</p><ul>{items}</ul>' if items else ""
    return (
        f'<div class="opening"><div class="opening-words">{found}'
        f"{_facts(notebook, before, chapters, chapter.slug)}</div>{_figure(notebook)}"
        f"{_verdicts(chapter.slug, seen)}</div>"
    )


def entry(chapter: Chapter) -> str:
    """Write the BibTeX entry of a chapter, as a block of code."""
    today = datetime.now(UTC).date()
    fields = {
        "author": "{{The Lines \\& Depths authors}}",
        "title": f"{{{chapter.title}}}",
        "booktitle": "{Lines \\& Depths}",
        "chapter": f"{{{int(chapter.number)}}}",
        "year": f"{{{today.year}}}",
        "note": f"{{nbcore {version('nbcore')}, built {today.isoformat()}}}",
    }
    lines = ",\n".join(f"  {name:9} = {value}" for name, value in fields.items())
    return f"```bibtex\n@incollection{{lines-and-depths-{chapter.slug},\n{lines}\n}}\n```"


def told_by(slug: str) -> tuple[Sequence[Finding], Sequence[str]]:
    """Return a chapter's `FINDINGS` and `BEFORE`; nothing of both where it has no opening."""
    module = f"nbcore.chapters.{slug.replace('-', '_')}.opening"
    if not find_spec(module):
        return (), ()
    found = importlib.import_module(module)
    return found.FINDINGS, found.BEFORE


def outputs(notebook: Any, tag: str) -> list[str]:
    """Return the HTML of the outputs of the cells with a tag."""
    return [
        "".join(output["data"]["text/html"])
        for cell in notebook.cells
        if tag in cell.metadata.get("tags", [])
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]


def minutes(notebook: Any) -> int:
    """Estimate the minutes it takes to read a notebook: its words, and half a minute a figure."""
    text = " ".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    words = len(re.findall(r"[^\W\d_]{2,}", text))
    shown = sum(
        "nbchart" in "".join(output.get("data", {}).get("text/html", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    return max(round(words / WORDS_A_MINUTE + FIGURE_MINUTES * shown), 1)


def hours(notebook: Any, slug: str) -> str:
    """State how long a chapter takes with its exercises and questions, to half an hour."""
    halves = max(round((minutes(notebook) + practice_minutes(slug)) / 30), 1)
    half = " ½" if halves > 1 else "½"
    return f"{halves // 2 or ''}{half if halves % 2 else ''} {'hour' if halves <= 2 else 'hours'}"


def _facts(notebook: Any, before: Sequence[str], chapters: Sequence[Chapter], slug: str) -> str:
    known = {c.slug: c for c in chapters}
    links = [
        f'<a href="{known[s].stem}.html">{int(known[s].number)} {escape(known[s].title)}</a>'
        for s in before
        if s in known
    ]
    first = f"read before: {', '.join(links)} · " if links else ""
    time = claims.count(minutes(notebook), "minutes")
    whole = f", {hours(notebook, slug)} with the exercises" if exercises(slug) else ""
    return f'<p class="opening-facts">{first}about {time} to read{whole}</p>'


def _figure(notebook: Any) -> str:
    """Draw the first figure tagged `key-figure` small, under its title, which is its finding."""
    found = [spec for html in outputs(notebook, KEY) for spec in thumbnails.charts_of(html)]
    if not found:
        return ""
    title = escape(thumbnails.title_of(found[0]))
    # no figcaption: the theme hides one that stands beside the picture for the other mode
    return f"<div>{thumbnails.thumbnail(found[0])}<p>{title}</p></div>"


def _verdicts(slug: str, seen: Mapping[str, Sequence[Observation]]) -> str:
    """Draw one mark for each claim of the chapter, linked to its card."""
    marks = []
    for claim in claims.ledger().values():
        if claim.chapter == slug:
            verdict = claims.judge(claim, seen.get(claim.id, ())).verdict
            words = escape(f"{claim.title}: {verdict}")
            marks.append(
                f'<a class="{verdict_class(verdict)}" href="#claim-{claim.id}" title="{words}" '
                f'aria-label="{claim.id}, {words}">{claim.id} {BADGES[verdict][1]}</a>'
            )
    return f'<p class="opening-verdicts">Verdicts: {" ".join(marks)}</p>' if marks else ""
