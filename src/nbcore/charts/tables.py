"""Small tables for the page."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nbcore.text import escape, plain, typeset

#: key of `DataFrame.attrs`: the column whose values head groups of rows instead of standing in each
GROUPED = "grouped"
#: from here on whole numbers are written with commas; below there are years
LONG = 10_000
#: an interval, and what is added and subtracted: not broken over two lines
KEPT = re.compile(r"\[[+−-]?[\d.,]+ ?%?, [+−-]?[\d.,]+ ?%?\]|\S+ ± [\d.,]+")


class Folded(str):
    """A short text of a table, under which the whole folds out."""

    whole: str

    def __new__(cls, short: str, whole: str) -> "Folded":
        made = super().__new__(cls, short)
        made.whole = whole
        return made


class Table(NamedTuple):
    """A table that displays itself: HTML on the page, text elsewhere."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text


def sentence(text: str) -> Table:
    """Return a sentence that replaces a figure or a table."""
    text = typeset(text)
    return Table(f"<p>{escape(text)}</p>", plain(text))


def bullets(texts: Iterable[str]) -> Table:
    """Return a list of sentences, one a line."""
    lines = [typeset(text) for text in texts]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return Table(f"<ul>{items}</ul>", "\n".join(f"- {plain(line)}" for line in lines))


def show(table: pd.DataFrame, caption: str, digits: int = 2, percent: Iterable[str] = ()) -> Table:
    """Show the table with a caption and column headings that screen readers announce.

    percent: columns of fractions, shown in percent with one digit less; other floating-point
    columns get `digits` decimals; a missing value is an en dash.
    """
    percent = set(percent)
    by = table.attrs.get(GROUPED)
    columns = [c for c in table if c != by]

    def cell(value: Any, column: Any) -> str:
        if pd.isna(value):
            return "–"
        fmt = f".{max(digits - 1, 0)}%" if column in percent else f",.{digits}f"
        if isinstance(value, Folded):
            return value
        if isinstance(value, float):
            text = format(value, fmt)
            return typeset(text if text.strip("-0.,%") else text.lstrip("-"))  # nought has no sign
        long = isinstance(value, int | np.integer) and abs(int(value)) >= LONG
        return typeset(format(value, ",") if long else plain(value))

    def row(tag: str, texts: Iterable[Any]) -> str:
        number = (pd.api.types.is_numeric_dtype(table[c]) for c in columns)
        kinds = (f'{tag} class="number"' if n else tag for n in number)
        return "".join(f"<{k}>{_written(t)}" for k, t in zip(kinds, texts, strict=True))

    def heading(at: int) -> str:
        if by is None or (at and table[by].iloc[at] == table[by].iloc[at - 1]):
            return ""
        words, wide = escape(table[by].iloc[at]), len(columns)
        return f'<tr><th scope="rowgroup" colspan="{wide}" class="nbgroup">{words}</th></tr>'

    texts = {c: [cell(value, c) for value in table[c]] for c in columns}
    shown = pd.DataFrame(texts, dtype=object)  # a column of text would forget what folds
    caption = typeset(caption)
    name, head = escape(caption), row('th scope="col"', columns)
    rows = enumerate(shown.itertuples(index=False))
    body = "".join(f"{heading(i)}<tr>{row('td', texts)}" for i, texts in rows)
    markup = (  # the frame scrolls where the page is narrow; tabindex lets the keyboard scroll it
        f'<div class="nbtable-wrap" role="region" aria-label="{name}" tabindex="0">'
        f'<table class="nbtable"><caption><span>{name}</span></caption><thead><tr>'
        f"{head}</thead><tbody>{body}</tbody></table></div>"
    )
    return Table(markup, f"{plain(caption)}\n{shown.to_string(index=False)}")


def _written(text: Any) -> str:
    if isinstance(text, Folded):
        whole = f"<p>{escape(text.whole)}</p>"
        return f"<details><summary>{escape(text)}</summary>{whole}</details>"
    return KEPT.sub(lambda m: m[0].replace(" ", "\u00a0"), escape(text))
