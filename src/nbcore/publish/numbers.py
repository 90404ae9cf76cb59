"""Number the figures, tables and exercises of a chapter, so that a class and a paper can name them.

A chart or a gallery is "Figure 3.2", a table "Table 3.1"; each number is a place that can be linked
(`#figure-3-2`). Exercises are numbered by a Sphinx extension, whose numbers run through the book.
"""

import re
from collections import Counter
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

#: where the HTML of an output begins a chart, a gallery with its caption, a table with its caption
BEGINNINGS = re.compile(
    r'(?P<chart><div class="nbchart")'
    r'|(?P<gallery><figure class="nbgallery"[^>]*><figcaption>)'
    r'|(?P<table><table class="nbtable"><caption><span>)'
)

CHAPTER = re.compile(r"chapters/(\d+)_")


def number(notebook: Any, chapter: int) -> None:
    """Number every figure and table in the outputs of an executed notebook, in reading order."""
    counts: Counter[str] = Counter()

    def numbered(found: re.Match[str]) -> str:
        kind = "table" if found["table"] else "figure"
        counts[kind] += 1
        place = f"{kind}-{chapter}-{counts[kind]}"
        words = f"{kind.title()} {chapter}.{counts[kind]}"
        if found["chart"]:
            return f'<p class="nbnumber" id="{place}">{words}</p>{found[0]}'
        return f'{found[0]}<span class="nbnumber" id="{place}">{words}</span> '

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html")
            if html:
                output["data"]["text/html"] = BEGINNINGS.sub(numbered, "".join(html))


def number_exercises(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give each exercise the number of its chapter and its place there: (3, 1), shown as 3.1.

    Returns the pages to be read once more, which are none.
    """
    for page, kinds in env.toc_fignumbers.items():
        if chapter := CHAPTER.match(page):
            for place, name in enumerate(kinds.get("exercise", {}), start=1):
                kinds["exercise"][name] = (int(chapter[1]), place)
    return []


def setup(app: Sphinx) -> dict[str, Any]:
    """Number exercises after Sphinx has, before references to them are resolved."""
    app.connect("env-get-updated", number_exercises, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
