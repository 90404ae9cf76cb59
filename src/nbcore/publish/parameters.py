"""A chapter's parameters as readers see them: the cell of its notebook and the table of its page.

Both are made from the fields of the chapter's Config, the only place where they are declared. An
executed notebook gets this cell, whatever its source has; `python -m nbcore.publish.parameters`
writes it into the sources too, for those who open them in Jupyter.
"""

import dataclasses
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbcore.paths import project_root
from nbcore.runs import config

if TYPE_CHECKING:
    import pandas as pd
    from nbformat import NotebookNode

WIDTH = 80
#: a default longer than this is left to the table on the page
LONGEST = 40
TAG = "parameters"
#: the cell of that tag in a source: its head, what it holds
CELL = rf"(?ms)^(# %%[^\n]*\"{TAG}\"[^\n]*\n)(.*?)(?=^# %%|\Z)"


class Parameter(NamedTuple):
    """One line of a parameters cell: `name = default  # meaning`."""

    name: str
    default: Any
    meaning: str


#: what every chapter takes beside the fields of its Config
COMMON = (
    Parameter("preset", "book", "smoke, book or paper"),
    Parameter("fresh", False, "true: compute again instead of reading the stored runs"),
)


def parameters(slug: str) -> dict[str, Parameter]:
    """List what a chapter takes, by name; None as a default keeps the preset's value."""
    cls = config.config_class(slug)
    book, found = cls.book(), list(COMMON)
    for f in dataclasses.fields(cls):
        value = getattr(book, f.name)
        shown = config.shown(value) if value not in (None, "", ()) else ""
        note = f" ({shown})" if 0 < len(shown) <= LONGEST else ""
        found.append(Parameter(f.name, None, f.metadata["help"] + note))
    return {p.name: p for p in found}


def cell_source(slug: str) -> str:
    """Write the parameters cell of a chapter: one line each, a long meaning above its line."""
    lines = []
    for name, default, meaning in parameters(slug).values():
        code = f'{name} = "{default}"' if isinstance(default, str) else f"{name} = {default}"
        if len(whole := f"{code}  # {meaning}") <= WIDTH:
            lines.append(whole)
        else:
            lines += [f"# {part}" for part in textwrap.wrap(meaning, WIDTH - 2)] + [code]
    return "\n".join(lines)


def is_parameters(cell: "NotebookNode") -> bool:
    """Say whether a cell has the tag of the cell after which papermill puts its parameters."""
    return TAG in cell.metadata.get("tags", [])


def fill(notebook: "NotebookNode", slug: str) -> None:
    """Write the chapter's parameters into the notebook's cell for them."""
    for cell in notebook.cells:
        if is_parameters(cell):
            cell.source = cell_source(slug)


def parameters_table(slug: str) -> "pd.DataFrame":
    """Make the table of a page: every parameter with its meaning, values and range."""
    import pandas as pd

    return pd.DataFrame(config.describe(slug))


def rewritten(path: Path) -> str:
    """Read a notebook's source and return it with a new parameters cell."""
    slug = path.stem.partition("_")[2].replace("_", "-")
    new = cell_source(slug) + "\n\n"
    return re.sub(CELL, lambda found: found[1] + new, path.read_text())


def main() -> None:
    """Write the parameters cells of all notebooks."""
    for path in sorted((project_root() / "notebooks").glob("[0-9][0-9]_*.py")):
        path.write_text(rewritten(path))


if __name__ == "__main__":
    main()
