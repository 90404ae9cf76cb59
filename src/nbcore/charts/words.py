"""Words for titles and tables: signed numbers, ranges, lists, and why a table is empty."""

from collections.abc import Sequence

import pandas as pd

from nbcore.charts.tables import Table, sentence
from nbcore.measures.bootstrap import Floats, estimate
from nbcore.measures.estimate import Estimate


def signed(x: float) -> str:
    """Write a coefficient as titles print it."""
    text = f"{x:+.2f}"
    return text[1:] if not text.strip("+-0.") else text.replace("-", "\u2212")  # nought: no sign


def between(draws: Floats) -> str:
    """Write a coefficient with its interval."""
    e = estimate(draws, 1, "1")
    return f"{signed(e.value)} [{signed(e.low)}, {signed(e.high)}]"


def side(e: Estimate, above: str, across: str, below: str, bound: float = 0.0) -> str:
    """Choose words by where an interval lies: all of it above a bound, across it, all below."""
    return above if e.low > bound else below if e.high < bound else across


def joined(parts: Sequence[str]) -> str:
    """Join words as a sentence does: `a, b and c`."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def listed(table: pd.DataFrame) -> str:
    """List the values of a bar chart, for its description."""
    rows = table[["category", "group", "value"]].itertuples(index=False, name=None)
    return "; ".join(f"{category}, {group}: {signed(value)}" for category, group, value in rows)


def nothing(what: str) -> Table:
    """Say that a run gives no data for a figure, in the place of the figure."""
    text = f"Not drawn: {what}."
    return sentence(text)
