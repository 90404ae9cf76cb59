"""A chapter's parameters as readers see them: the cell of its notebook and the table of its page.

Both are made from the fields of the chapter's Config, the only place where they are declared. An
executed notebook gets this cell, whatever its source has; `python -m nbcore.publish.parameters`
writes it into the sources too, for those who open them in Jupyter.
"""

import dataclasses
import re
import textwrap
from collections.abc import Mapping
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


#: what a field is for, in the order of the table, and what changing it costs
WHAT, OWN, HOW = "What is computed", "Your own models and data", "How much, and how"
COSTS = {
    WHAT: "computed anew",
    OWN: "that of your data",
    HOW: "what is stored serves; only what is missing is computed",
}
#: choices that are listed without folding
FEW = 4


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
    """Make the table of a page: field, default, meaning with its range, cost; grouped by `for`.

    What is long, and what the other presets set, folds under the default.
    """
    import pandas as pd

    from nbcore.charts.tables import GROUPED, Folded

    cls = config.config_class(slug)
    settings = {preset: getattr(cls, preset)() for preset in config.PRESETS}
    rows: list[dict[str, str]] = []
    for f in dataclasses.fields(cls):
        values = {p: _whole(getattr(c, f.name)) for p, c in settings.items()}
        book = values.pop("book")
        others = [f"{p}: {v}" for p, v in values.items() if v != book]
        short = config.shown(getattr(settings["book"], f.name), most=2) or "none"
        more = ([book] if short != book else []) + others
        group, cost = _group_and_cost(f.metadata)
        rows.append(
            {
                "for": group,
                "field": f.name,
                "default": Folded(short, "; ".join(more)) if more else short,
                "meaning": _meaning(f.metadata),
                "cost": cost,
            }
        )
    order = list(COSTS)
    rows.sort(key=lambda row: order.index(row["for"]))
    table = pd.DataFrame(rows, dtype=object)  # a column of text would forget what folds
    table.attrs[GROUPED] = "for"
    return table


def _group_and_cost(meta: Mapping[str, Any]) -> tuple[str, str]:
    """Say what a field is for, and what changing it costs, from how it was declared."""
    if meta.get("is_path"):
        return OWN, COSTS[OWN]
    if not meta.get("in_address", True):
        return HOW, COSTS[HOW]
    more = ", time grows with it" if meta.get("paper") == config.AT_LEAST else ""
    return WHAT, COSTS[WHAT] + more


def _meaning(meta: Mapping[str, Any]) -> str:
    """Write what a field means, with its range or choices; many choices fold."""
    from nbcore.charts.tables import Folded

    choices = meta.get("choices")
    if choices and len(choices) > FEW:
        return Folded(f"{meta['help']}; one of {len(choices)}", ", ".join(map(str, choices)))
    if choices:
        return f"{meta['help']} ({', '.join(map(str, choices))})"
    low, high = (meta.get(k) for k in ("low", "high"))
    ends = [f"from {low:g}" if low is not None else "", f"to {high:g}" if high is not None else ""]
    limits = " ".join(filter(None, ends))
    return f"{meta['help']} ({limits})" if limits else meta["help"]


def _whole(value: Any) -> str:
    return config.shown(value, most=10_000) or "none"


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
