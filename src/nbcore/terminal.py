"""Print to a terminal: text as text, and tables that read well at 80 columns."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from nbcore.text import plain, plain_lines

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script to read.")]
Assignments = Annotated[
    list[str], typer.Option("--param", "-p", metavar="NAME=VALUE", help="Set one parameter.")
]
Rows = Sequence[Mapping[str, Any]]


def say(text: Any, error: bool = False, style: str | None = None) -> None:
    """Print lines of text as they are; nothing in them is markup, an emoji or a command."""
    from rich.console import Console

    console = Console(stderr=error, markup=False, emoji=False, highlight=False)
    console.print(plain_lines(text), style=style, soft_wrap=True)


def show(rows: Rows, as_json: bool = False) -> None:
    """Print rows as a table, or as JSON for a script to read.

    No word is broken: if the columns do not fit side by side, every row becomes a block of
    lines. A cell that is a list has a line for each of its items.
    """
    if as_json:
        print(json.dumps(rows, indent=1, default=str))
    elif rows:
        from rich.console import Console

        console = Console(markup=False, emoji=False, highlight=False)
        cells = [{name: _lines(value) for name, value in row.items()} for row in rows]
        longest = {name: _longest(name, cells) for name in rows[0]}
        if sum(longest.values()) + 3 * len(longest) + 1 <= console.width:
            console.print(_table(cells, longest))
        else:
            for row in cells:
                _block(console, row)


def _lines(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return ["–" if value is None else plain(value)]


def _longest(name: str, cells: list[dict[str, list[str]]]) -> int:
    """Return the width of a column's longest word."""
    from rich.cells import cell_len

    words = [word for row in cells for line in row[name] for word in line.split()]
    return max(map(cell_len, [*words, *name.split()]))


def _table(cells: list[dict[str, list[str]]], longest: dict[str, int]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name, width in longest.items():
        table.add_column(Text(name), min_width=width)
    for row in cells:
        table.add_row(*(Text("\n".join(lines)) for lines in row.values()))
    return table


def _wrapped(line: str, width: int) -> list[str]:
    """Break a line between words; a longer word stays whole."""
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]


def _block(console: Any, row: dict[str, list[str]]) -> None:
    """Print the first cell as a heading, and under it a line for each of the others."""
    names = list(row)
    side = max(map(len, names[1:]), default=0)
    console.print("\n".join(row[names[0]]), style="bold", soft_wrap=True)
    width = max(console.width - side - 4, 20)
    for name in names[1:]:
        lines = [part for line in row[name] for part in _wrapped(line, width)]
        for i, line in enumerate(lines):
            console.print(f"  {'' if i else name:{side}}  {line}", soft_wrap=True)
