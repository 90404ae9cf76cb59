"""Words for titles and tables: signed numbers, ranges, lists, and why a table is empty."""

import pandas as pd

from nbcore.charts.tables import Table, sentence
from nbcore.measures.bootstrap import Floats, estimate


def signed(x: float) -> str:
    """Write a coefficient as titles print it."""
    return f"{x:+.2f}".replace("-", "\u2212")


def between(draws: Floats) -> str:
    """Write a coefficient with its interval."""
    e = estimate(draws, 1, "1")
    return f"{signed(e.value)} [{signed(e.low)}, {signed(e.high)}]"


def listed(table: pd.DataFrame) -> str:
    """List the values of a bar chart, for its description."""
    rows = table[["category", "group", "value"]].itertuples(index=False, name=None)
    return "; ".join(f"{category}, {group}: {signed(value)}" for category, group, value in rows)


def nothing(what: str) -> Table:
    """Say that a run gives no data for a figure, in the place of the figure."""
    text = f"Not drawn: {what}."
    return sentence(text)
