"""Under which licences the built book's scripts, styles, letters and data come.

`book/licences.md` is the page's text; its lines `<!-- licences: NAME -->` are replaced.
"""

from importlib.metadata import metadata, version
from typing import NamedTuple

from nbcore.data.catalog import CATALOG


class Part(NamedTuple):
    """Files of `_static` that one package brings.

    files: how their paths there begin. licence: where it is not the package's, or the package does
    not say it in one word. what: they do.
    """

    package: str
    what: str
    files: tuple[str, ...]
    licence: str = ""


SHIPPED = (
    Part(
        "sphinx",
        "search, highlighting",
        (
            "basic.css",
            "doctools.js",
            "documentation_options.js",
            "language_data.js",
            "searchtools.js",
            "sphinx_highlight.js",
            "plus.png",
            "minus.png",
            "file.png",
        ),
        "BSD-2-Clause",
    ),
    Part(
        "sphinx-book-theme",
        "pages' frame",
        (
            "styles/sphinx-book-theme",
            "scripts/sphinx-book-theme",
            "styles/theme.css",
            "locales/",
            "sbt-webpack-macros.html",
            "images/logo_",
        ),
        "BSD-3-Clause",
    ),
    Part(
        "pydata-sphinx-theme",
        "pages' frame",
        ("styles/pydata-sphinx-theme", "scripts/pydata-sphinx-theme", "webpack-macros.html"),
        "BSD-3-Clause",
    ),
    Part("pydata-sphinx-theme", "Bootstrap, with the frame", ("scripts/bootstrap.js",), "MIT"),
    Part(
        "pydata-sphinx-theme",
        "Font Awesome Free, with the frame: icons, their letters, their script",
        ("vendor/fontawesome/", "scripts/fontawesome.js"),
        "CC BY 4.0 (icons), OFL 1.1 (letters), MIT (script)",
    ),
    Part("pygments", "colours of code", ("pygments.css",)),
    Part("myst-nb", "notebooks' cells", ("mystnb.",)),
    Part(
        "sphinx-copybutton",
        "copying code; clipboard.js",
        ("copybutton", "clipboard.min.js", "copy-button.svg", "check-solid.svg"),
    ),
    Part("sphinx-togglebutton", "folded code", ("togglebutton",)),
    Part("sphinx-exercise", "exercises", ("exercise.css",), "MIT"),
    Part("sphinx-design", "cards", ("sphinx-design", "design-tabs.js"), "MIT"),
    Part(
        "vl-convert-python",
        "Vega, Vega-Lite and Vega-Embed, which draw the charts",
        ("vega-bundle.js",),
    ),
    Part(
        "nbcore",
        "charts' controls, the explorer, claims, quizzes, the book's style",
        (
            "book.css",
            "charts.",
            "claims.js",
            "explorer.js",
            "front.",
            "intro/",
            "lines",
            "favicon.svg",
            "practice.",
            "quiz.",
        ),
        "MIT; what is drawn and written CC BY 4.0",
    ),
)


def licence_of(part: Part) -> str:
    """Return the licence stated here, or else by the package's metadata."""
    if part.licence:
        return part.licence
    about = metadata(part.package)
    return next(about[key].strip() for key in ("License-Expression", "License") if key in about)


def software() -> str:
    """Tabulate (Markdown) what the pages load, from which package, under which licence."""
    rows = ["| what | package | version | licence |", "|---|---|---|---|"]
    rows += [
        f"| {p.what} | {p.package} | {version(p.package)} | {licence_of(p)} |" for p in SHIPPED
    ]
    return "\n".join(rows)


def data() -> str:
    """Tabulate (Markdown) the catalogue's data sets and weights with licences and homes."""
    rows = ["| name | licence | home |", "|---|---|---|"]
    for name, entry in CATALOG.items():
        home = f"<{entry.home}>" if entry.home.startswith("http") else entry.home
        rows.append(f"| `{name}` | {entry.licence or 'none is named'} | {home} |")
    return "\n".join(rows)


def unknown(paths: list[str]) -> list[str]:
    """List the paths below `_static` that no package named here brings."""
    known = tuple(start for part in SHIPPED for start in part.files)
    return [path for path in paths if not path.startswith(known)]


def fill(text: str) -> str:
    """Put both tables in their places in the page's text."""
    made = {"software": software, "data": data}
    for name, make in made.items():
        text = text.replace(f"<!-- licences: {name} -->", make())
    return text
