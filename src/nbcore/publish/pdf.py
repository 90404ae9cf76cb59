"""The whole book as one PDF: its built pages in one document, printed by Chromium.

No LaTeX is needed. A page of the site becomes a chapter that starts on a new page; links between
pages become links inside the document; claim cards and solutions stand open, code that the site
folds is left out, and every figure is drawn again as vectors from its specification.
"""

import json
import re
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from urllib.parse import unquote, urlsplit

import vl_convert
import yaml
from bs4 import BeautifulSoup, Tag

from nbcore import files
from nbcore.charts.renderer import VL_VERSION
from nbcore.errors import NbcoreError
from nbcore.paths import build_dir, project_root
from nbcore.publish.check import toc_files
from nbcore.text import escape

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: only of use on a screen: scripts, buttons, forms, pictures for dark pages, folded code
ON_SCREEN = (
    "script, button, form, a.headerlink, .only-dark, details.hide, .prev-next-area, "
    ".tag_remove-cell, .lnx, .nbdownloads, noscript"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    "--virtual-time-budget=60000",
)
SHEET = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lines &amp; Depths</title>
<style>{style}</style></head><body>
<header><h1>Lines &amp; Depths</h1><p>{subtitle}</p></header>
<nav><h2>Contents</h2>{contents}</nav>
{chapters}
</body></html>
"""


def make_pdf(html: Path | None = None) -> Path:
    """Print the built book to `_build/lines-and-depths.pdf`; return its path.

    html: the folder of the built site. NbcoreError where the site was not built, or where neither
    Chromium nor Chrome is on the machine, or it fails.
    """
    html = html or build_dir() / "html"
    if not (html / "index.html").exists():
        raise NbcoreError(f"There is no built book in {html} to print; run `make book` first.")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise NbcoreError(
            "The PDF is printed by a browser, and neither Chromium nor Chrome is here; install one."
        )
    sheet = build_dir() / "print.html"
    sheet.write_text(document(html), "utf-8")
    target = build_dir() / "lines-and-depths.pdf"

    def printed(path: Path) -> None:
        command = [browser, *FLAGS, f"--print-to-pdf={path}", sheet.as_uri()]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode or not path.exists():
            last = (run.stderr.strip().splitlines() or ["nothing was said"])[-1]
            raise NbcoreError(f"{Path(browser).name} did not print the book: {last}")

    files.write_atomically(target, printed)
    return target


def document(html: Path) -> str:
    """Put all pages of the built site into one document, in the order of its contents."""
    toc = yaml.safe_load((project_root() / "_toc.yml").read_text())
    names = [name for name in toc_files(toc) if (html / f"{name}.html").exists()]
    sections = [_section(html, name, names) for name in names]
    links = "".join(
        f'<li><a href="#{_place(name)}">{escape(_title(section))}</a></li>'
        for name, section in zip(names, sections, strict=True)
    )
    style = Path(__file__).with_name("print.css").read_text("utf-8")
    return SHEET.format(
        style=style,
        subtitle="An executable research book",
        contents=f"<ol>{links}</ol>",
        chapters="\n".join(map(str, sections)),
    )


def _section(html: Path, name: str, names: list[str]) -> Tag:
    """Return one page's article as a section whose ids and links are the document's."""
    soup = BeautifulSoup((html / f"{name}.html").read_text("utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    if article is None:
        raise NbcoreError(f"{name}.html has no article; build the book anew.")
    _draw_vectors(article)
    for node in article.select(ON_SCREEN):
        node.decompose()
    for node in article.select("details"):
        node["open"] = ""
    for node in article.select("img[src]"):
        if not urlsplit(source := str(node["src"])).scheme:
            node["src"] = (html / name).parent.joinpath(unquote(source)).resolve().as_uri()
        del node["loading"]  # what is far down is printed too
    for node in article.select("[id]"):
        node["id"] = f"{_place(name)}--{node['id']}"
    for node in article.select("a[href]"):
        node["href"] = _inside(str(node["href"]), name, names)
    article.name = "section"
    article["id"], article["class"] = _place(name), "chapter"
    return article


def _draw_vectors(article: Tag) -> None:
    """Replace the picture of every figure by a vector drawing of its specification."""
    for chart in article.select("div.nbchart"):
        picture, spec = chart.select_one("img"), chart.select_one("script")
        if picture is None or spec is None or "svg+xml" in str(picture["src"])[:40]:
            continue
        svg = vl_convert.vegalite_to_svg(
            json.loads(spec.get_text()), VL_VERSION, allowed_base_urls=[]
        )
        picture["src"] = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _inside(link: str, name: str, names: list[str]) -> str:
    """Turn a link of a page into one of the document, where its target is in it."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return link
    target = name
    if parts.path:
        path = (Path("/") / name).parent.joinpath(unquote(parts.path)).resolve()
        target = str(path.relative_to("/").with_suffix(""))
    if target not in names:
        return "#"
    return f"#{_place(target)}" + (f"--{parts.fragment}" if parts.fragment else "")


def _place(name: str) -> str:
    return "page-" + re.sub(r"[\W_]+", "-", name)


def _title(section: Tag) -> str:
    heading = section.select_one("h1")
    return heading.get_text().strip() if heading else ""
