"""Check the built site for what is missing, broken, or loaded from another server."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from nbcore.errors import NbcoreError

LARGEST_PAGE = 2_000_000
#: a value as Python writes it, where a reader should see words or a table
PYTHON = re.compile(
    r"\bnp\.(?:float|int|bool|str)\w*\(|\b(?:Observation\(id|Estimate\(value)=|object at 0x[0-9a-f]"
)

#: tag -> attribute whose target a browser fetches by itself
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
FETCHED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "dns-prefetch"}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.images_without_alt = 0
        self.filled = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {k: v or "" for k, v in attrs}
        if tag in FETCHED and FETCHED[tag] in have:
            self.fetched.append(have[FETCHED[tag]])
        if tag == "link" and FETCHED_LINKS & set(have.get("rel", "").split()):
            self.fetched.append(have.get("href", ""))
        if tag == "a" and "href" in have:
            self.links.append(have["href"])
        if tag == "img" and not have.get("alt"):
            self.images_without_alt += 1
        self.ids |= {have[k] for k in ("id", "name") if have.get(k)}
        self.filled += have.get("class") == "claim-run"


def check_site(html: Path, staged: Path) -> int:
    """Raise one NbcoreError that lists every problem of the site; return the number of pages."""
    problems = list(_problems(html, staged))
    if problems:
        raise NbcoreError(
            f"The built book has {len(problems)} problems: " + "; ".join(problems) + "."
        )
    return len(list(html.rglob("*.html")))


def _problems(html: Path, staged: Path) -> Iterator[str]:
    pages = {p: _parse(p) for p in sorted(html.rglob("*.html")) if "_static" not in p.parts}
    for entry in toc_files(yaml.safe_load((staged / "_toc.yml").read_text())):
        page = html / f"{entry}.html"
        if page not in pages:
            yield f"{entry} of the table of contents was not built"
        elif entry.startswith("chapters/") and not pages[page].filled:
            yield f"{entry} has no claim card that a run has filled"
    for path, seen in pages.items():
        yield from _page_problems(path, seen, html, pages)


def _page_problems(path: Path, page: _Page, html: Path, pages: dict[Path, _Page]) -> Iterator[str]:
    name = path.relative_to(html)
    text = path.read_text()
    if "Traceback (most recent call last)" in text:
        yield f"{name} shows a traceback"
    if found := PYTHON.search(text):
        yield f"{name} shows a value as Python writes it: {found.group()}…"
    if path.stat().st_size > LARGEST_PAGE:
        yield f"{name} has {path.stat().st_size / 1e6:.1f} MB, more than 2 MB"
    if page.images_without_alt:
        yield f"{name} has {page.images_without_alt} images without alternative text"
    for url in page.fetched:
        if urlsplit(url).netloc:
            yield f"{name} fetches {url} from the network"
    for link in page.links:
        if broken := _broken(link, path, html, pages):
            yield f"{name} links to {broken}, which is not there"


def toc_files(toc: dict) -> Iterator[str]:
    """List every page that a table of contents names, without suffix."""
    for key in ("root", "file"):
        if key in toc:
            yield toc[key]
    for key in ("parts", "chapters", "sections"):
        for child in toc.get(key, []):
            yield from toc_files(child)


def _parse(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text())
    return page


def _broken(link: str, path: Path, html: Path, pages: dict[Path, _Page]) -> str:
    """Return the link if its local target, or the place in it, does not exist; else ''."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return link
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
        return link
    return ""
