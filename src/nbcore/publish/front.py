"""The landing page: a line one can touch, a strip of images, the tally, doors, chapters as cards.

`book/intro.md` is its text. A line `<!-- front: NAME -->` there is replaced by what is made here,
from the executed notebooks and the public testbeds, so that nothing on the page is typed: a
chapter's card shows the figure of its cell tagged `key-figure`, whose title states the finding.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from nbcore.charts import thumbnails
from nbcore.errors import NbcoreError
from nbcore.lines.explorer import explorer_data, explorer_markup, load_all
from nbcore.lines.poster import poster
from nbcore.publish import claims_page
from nbcore.publish.cards import BADGES, badge
from nbcore.publish.chapters import Chapter
from nbcore.publish.opening import KEY, outputs
from nbcore.publish.pages.papers import papers_table
from nbcore.text import escape, prose

STRIP = "strip"
PLACE = re.compile(r"^<!-- front: (\w+) -->$", re.M)
GROUP = re.compile(
    r'<p class="nbgallery-name">(.*?)</p>(.*?)(?=<div class="nbgallery-group">|\Z)', re.S
)
PICTURE = re.compile(r'<img alt="([^"]*)"[^>]*src="([^"]+)">')
EACH = 8  # pictures of a row


def front_page(text: str, executed: Mapping[str, Path], chapters: Sequence[Chapter]) -> str:
    """Fill the text of the landing page (MyST). NbcoreError for a place that nothing fills."""
    notebooks = {stem: nbformat.read(path, as_version=4) for stem, path in executed.items()}
    made = {
        "line": lambda: poster(load_all()),
        "strip": lambda: _strip(notebooks.values()),
        "tally": tally,
        "chapters": lambda: _cards(notebooks, chapters),
        "papers": lambda: papers_table({c.slug: f"chapters/{c.stem}.html" for c in chapters}),
    }

    def fill(place: re.Match[str]) -> str:
        if place[1] not in made:
            raise NbcoreError(f"Nothing fills {place[0]}; write one of {', '.join(made)}.")
        return f"```{{raw}} html\n{made[place[1]]()}\n```"

    return PLACE.sub(fill, text)


def live_data() -> str:
    """Write the script that brings the explorer to the landing page when it is touched."""
    return f"window.nbLinesMarkup={json.dumps(explorer_markup(explorer_data(load_all())))};\n"


def tally() -> str:
    """Draw how many claims have which verdict, as one bar and its words."""
    counts = claims_page.count()
    parts = [(verdict, n) for verdict, n in counts.items() if n]
    bar = "".join(
        f'<span class="front-part verdict-{BADGES[v][0]}" style="flex-grow:{n}"></span>'
        for v, n in parts
    )
    words = "".join(f'<li><a href="claims.html">{badge(v)} {n}</a></li>' for v, n in parts)
    return (
        f'<div class="front-tally"><p><b>{sum(counts.values())} claims</b>, '
        f'judged by tolerances that were fixed before the runs:</p><div class="front-bar" '
        f'aria-hidden="true">{bar}</div><ul>{words}</ul></div>'
    )


def _strip(notebooks: Any) -> str:
    """Show the first and the last row of the first gallery that is tagged `strip`."""
    found = [html for book in notebooks for html in outputs(book, STRIP) if GROUP.search(html)]
    if not found:
        return ""
    rows = GROUP.findall(found[0])
    return '<div class="front-strip">' + _row(*rows[0]) + _row(*rows[-1]) + "</div>"


def _row(name: str, html: str) -> str:
    images = "".join(
        f'<img alt="{alt}" title="{alt}" src="{source}">'
        for alt, source in PICTURE.findall(html)[:EACH]
    )
    return f'<figure><div class="front-row">{images}</div><figcaption>{name}</figcaption></figure>'


def _cards(notebooks: Mapping[str, Any], chapters: Sequence[Chapter]) -> str:
    cards = []
    for chapter in chapters:
        specs = [
            spec
            for html in outputs(notebooks[chapter.stem], KEY)
            for spec in thumbnails.charts_of(html)
        ]
        shown = thumbnails.thumbnail(specs[0]) if specs else ""
        finding = thumbnails.title_of(specs[0]) if specs else ""
        cards.append(
            f'<a class="front-card" href="chapters/{chapter.stem}.html">'
            f'<span class="front-name">{int(chapter.number)} {escape(chapter.title)}</span>'
            f"{shown}<span>{prose(finding)}</span></a>"
        )
    return f'<div class="front-cards">{"".join(cards)}</div>'
