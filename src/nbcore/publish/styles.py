"""A page loads the rules that it can use, and searches where one searches.

The theme's style sheets are made for every site; most of their rules are for classes that no page
and no script of this one names. A class counts as named if it stands in a page, or as a word in a
script that may set it.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

#: of the theme and its extensions; the book's own are kept as they are written
THEIRS = ("pydata-sphinx-theme.css", "sphinx-design.min.css", "mystnb.*.css")
#: data that are scripts, and large
DATA = ("searchindex.js", "lines-data.js")
NAMED = re.compile(r'class="([^"]*)"')
WORD = re.compile(r"[\w-]+")
CLASS = re.compile(r"\.(-?[_a-zA-Z][\w-]*)")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
#: what is said to hold of something else than the element itself
OTHERWISE = re.compile(r":(?:not|is|where|has)\([^()]*(?:\([^()]*\)[^()]*)*\)")
#: comments and quoted texts may hold braces that are none
TOKEN = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[{};]", re.S)
#: the letter of the icon font that an icon is, until a script puts a drawing in its place
ICON = re.compile(r"^(?:\.fa-[\w-]+::?before,?)+$")
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)


def keep_used_rules(html: Path) -> int:
    """Leave out of the theme's style sheets what nothing names; return the bytes saved.

    html: the folder of the built site.
    """
    named, saved = _named(html), 0
    for pattern in THEIRS:
        for sheet in (html / "_static").rglob(pattern):
            before = sheet.read_text("utf-8")
            after = used(before, named)
            sheet.write_text(after, "utf-8")
            saved += len(before) - len(after)
    return saved


def search_apart(html: Path) -> int:
    """Load the index of the search on its own page only; return how many pages are lighter.

    The theme asks for it on every page, to search while one types, which is turned off.
    """
    count = 0
    for page in html.rglob("*.html"):
        text = page.read_text("utf-8")
        if page.name != "search.html" and "search_as_you_type = false" in text:
            lighter = SEARCH.sub("", text)
            count += lighter != text
            page.write_text(lighter, "utf-8")
    return count


def _named(html: Path) -> set[str]:
    named: set[str] = set()
    for page in html.rglob("*.html"):
        text = page.read_text("utf-8", "replace")
        named.update(*(found.split() for found in NAMED.findall(text)))
        for script in re.findall(r"<script>(.*?)</script>", text, re.S):
            named.update(WORD.findall(script))
    for script in html.rglob("*.js"):
        if script.name not in DATA:
            named.update(WORD.findall(script.read_text("utf-8", "replace")))
    return named


def used(css: str, named: Collection[str]) -> str:
    """Return a style sheet without the selectors that ask for a class that is not named."""
    parts = []
    for head, body in _rules(css):
        asked = COMMENT.sub("", head).strip()
        if body is None:
            parts.append(head)
        elif asked.startswith(("@media", "@supports", "@layer")):
            inner = used(body, named)
            parts.append(f"{head}{{{inner}}}" if inner.strip() else "")
        elif asked.startswith("@"):
            parts.append(f"{head}{{{body}}}")
        else:
            kept = ",".join(s for s in _selectors(asked) if _can_match(s, named))
            rule = f"{kept}{{{body}}}" if kept else ""
            # with a script that draws the icons their font need not be loaded
            parts.append(f"@media (scripting:none){{{rule}}}" if ICON.match(kept) else rule)
    return "".join(parts)


def _selectors(asked: str) -> list[str]:
    """Split a list of selectors at its commas; one with commas in brackets stays whole."""
    return [asked] if "(" in asked or "[" in asked else asked.split(",")


def _can_match(selector: str, named: Collection[str]) -> bool:
    """Say whether something may match; of a list that is whole, whether any of it may."""
    plain = OTHERWISE.sub("", selector)
    return any(all(c in named for c in CLASS.findall(part)) for part in plain.split(","))


def _rules(css: str) -> Iterator[tuple[str, str | None]]:
    """Yield what stands at the top level: a head with its body, or a statement without one."""
    start = 0
    while start < len(css):
        head = _next(css, start, "{;")
        if head < 0:
            yield css[start:], None
            return
        if css[head] == ";":
            yield css[start : head + 1], None
            start = head + 1
            continue
        end, depth = head, 1
        while depth:
            end = _next(css, end + 1, "{}")
            if end < 0:  # a brace is missing: leave the rest as it is
                yield css[start:], None
                return
            depth += 1 if css[end] == "{" else -1
        yield css[start:head], css[head + 1 : end]
        start = end + 1


def _next(css: str, start: int, marks: str) -> int:
    return next((m.start() for m in TOKEN.finditer(css, start) if m[0] in marks), -1)
