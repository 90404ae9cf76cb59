"""Small tables for the page."""

import html
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Table:
    """A table that shows itself: HTML on the page, text elsewhere."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text


def show(table: pd.DataFrame, caption: str, digits: int = 2, percent: Iterable[str] = ()) -> Table:
    """The table with a caption and column headings that screen readers announce.

    percent: columns that hold fractions and are shown in percent with one digit less than
    `digits`; other floating-point columns get `digits` decimals, a missing value an en dash.
    """
    percent = set(percent)

    def cell(column: str, value: object) -> str:
        if pd.isna(value):  # type: ignore[call-overload]
            return "–"
        if column in percent:
            return f"{100 * value:.{max(digits - 1, 0)}f}%"  # type: ignore[operator]
        return f"{value:,.{digits}f}" if isinstance(value, float) else str(value)

    shown = pd.DataFrame({c: [cell(c, v) for v in table[c]] for c in table.columns})
    side = ["number" if pd.api.types.is_numeric_dtype(table[c]) else "text" for c in table.columns]
    head = "".join(
        f'<th scope="col" class="{kind}">{html.escape(str(c))}</th>'
        for c, kind in zip(shown.columns, side, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{k}">{html.escape(v)}</td>' for v, k in zip(row, side, strict=True))
        + "</tr>"
        for row in shown.itertuples(index=False, name=None)
    )
    words = html.escape(caption)
    markup = (  # the wrapper scrolls on narrow screens; tabindex lets the keyboard scroll it
        f'<div class="nbtable-wrap" role="region" aria-label="{words}" tabindex="0">'
        f'<table class="nbtable"><caption>{words}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    return Table(markup, f"{caption}\n{shown.to_string(index=False)}")
