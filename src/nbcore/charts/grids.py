"""Grids of numbers: each cell is coloured by its value, which is also written in it."""

from typing import Unpack

import altair as alt
import pandas as pd

from nbcore.charts.base import Figure, Look, dress, inline, tips
from nbcore.charts.theme import WIDTH

#: one hue from light to dark; the text in a cell is white from this value of the scale on
COLOURS, FLIP = alt.SchemeParams(name="blues"), 0.55


def grid(
    table: pd.DataFrame,
    *,
    legend: str,
    fmt: str = ".2f",
    domain: tuple[float, float] = (0.0, 1.0),
    **look: Unpack[Look],
) -> Figure:
    """Draw one panel per `panel`, rows and columns as they first appear; side by side, or stacked.

    table: columns panel, row, column, value [, low, high: its interval, in the tooltip]; a cell
    without a value stays empty. domain: the values at the two ends of the colours.
    """
    names = list(dict.fromkeys([*table["column"], *table["row"]]))
    panels = list(dict.fromkeys(table["panel"]))
    width = (WIDTH - 16 * (len(panels) - 1)) // len(panels) - 76  # 76: the names at the side
    low, high = domain
    side = alt.Axis(title=None, labelAngle=0, ticks=False, domain=False, grid=False)
    shown = []
    for panel in panels:
        rows = table[table["panel"] == panel].dropna(subset=["value"])
        light = (rows["value"] - low) / (high - low) < FLIP
        rows = rows.assign(tone=light.map({True: "dark", False: "light"}))
        base = alt.Chart(inline(rows, "row column value tone", "low high")).encode(
            alt.X("column:N", sort=names, axis=side, scale=alt.Scale(domain=names)),
            alt.Y("row:N", sort=names, axis=side, scale=alt.Scale(domain=names)),
        )
        tip = ("row", "of"), ("column", "with"), ("value", legend, fmt)
        ends = ("low", "  95% from", fmt), ("high", "  to", fmt)
        cells = base.mark_rect().encode(
            alt.Color(
                "value:Q",
                scale=alt.Scale(scheme=COLOURS, domain=list(domain), clamp=True),
                legend=alt.Legend(title=legend, format=fmt, gradientLength=160),
            ),
            tooltip=tips(rows, *tip, *ends),
        )
        tone = alt.Scale(domain=["dark", "light"], range=["#1F2328", "#FFFFFF"])
        text = base.mark_text(fontSize=14).encode(
            alt.Text("value:Q", format=fmt), fill=alt.Fill("tone:N", scale=tone, legend=None)
        )
        size = {"width": width, "height": max(44 * len(names), 60)}
        shown.append(alt.layer(cells, text).properties(title=str(panel), **size))
    return dress(alt.concat(*shown, columns=len(shown), spacing=16), **look)
