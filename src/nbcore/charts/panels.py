"""Lines in several panels side by side: one colour and sign per series, one stroke per kind."""

import textwrap
from collections.abc import Mapping
from typing import Any, Unpack

import altair as alt
import pandas as pd

from nbcore.charts.base import (
    NOTHING,
    Figure,
    Look,
    beside,
    dress,
    in_columns,
    inline,
    interval,
    tips,
    words,
)
from nbcore.charts.theme import WIDTH

DASHES = [[1, 0], [3, 3]]


def panels(
    table: pd.DataFrame,
    *,
    x_title: str,
    y_title: str,
    x_format: str = "d",
    y_format: str = "~%",
    y_domain: tuple[float, float] | None = None,
    marks: Mapping[str, tuple[float, str]] | None = None,
    **look: Unpack[Look],
) -> Figure:
    """Draw one panel per `panel`, side by side; four and more in two columns.

    Panels are stacked where the page is narrow. table: columns panel, x, y, series [, kind: solid
    or dotted, by order of appearance] [, low, high: a band]; marks: panel -> (x, words) of a
    vertical rule.
    """
    names, series = (list(dict.fromkeys(table[c])) for c in ("panel", "series"))
    kinds = list(dict.fromkeys(table["kind"])) if "kind" in table else []
    columns, width = beside(len(names), look.get("width", WIDTH))
    size: Any = {"width": width, "height": look.pop("height", 280)}
    charts = []
    for name in names:
        own = table[table["panel"] == name]
        layers = _layers(own, series, x_title, y_title, x_format, y_format, y_domain, kinds)
        if marks and name in marks:
            at, text = marks[name]
            base = alt.Chart(NOTHING).encode(x=alt.datum(at))
            layers.insert(0, base.mark_rule(style="zero"))
            left = at <= (own["x"].min() + own["x"].max()) / 2  # the words have room on that side
            beside_it: Any = {"align": "left", "dx": 5} if left else {"align": "right", "dx": -5}
            layers += words(base.encode(y=alt.value(4)), text=text, baseline="top", **beside_it)
        title = textwrap.wrap(str(name), max(width // 8, 12))
        charts.append(alt.layer(*layers).properties(title=title, **size))
    figure = dress(alt.concat(*charts, columns=columns, spacing=16), **look)
    return in_columns(figure, [*series, *(kinds if len(kinds) > 1 else ())])


def _layers(
    rows: pd.DataFrame,
    series: list[str],
    x_title: str,
    y_title: str,
    x_format: str,
    y_format: str,
    y_domain: tuple[float, float] | None,
    kinds: list[str],
) -> list[Any]:
    reach: Any = {"domain": y_domain, "nice": False} if y_domain else {"zero": False}
    u = alt.X(
        "x:Q", title=x_title, axis=alt.Axis(format=x_format, tickCount=7, grid=False, labelFlush=8)
    )
    u = u.scale(padding=6, nice=False, zero=False)
    v, low = (
        alt.Y(f"{f}:Q", title=y_title, axis=alt.Axis(format=y_format)).scale(**reach)
        for f in ("y", "low")
    )
    by: Any = {"scale": alt.Scale(domain=series)}
    key = alt.Legend(title=None) if len(series) > 1 else None
    chart = alt.Chart(inline(rows, "x y series", "kind low high")).encode(
        u, alt.Color("series:N", legend=key, **by)
    )
    tip = ("series", "series"), ("kind", "measure"), ("x", x_title, x_format)
    line = chart.mark_line(strokeWidth=2, clip=True).encode(v)
    if kinds:
        dash = alt.Scale(domain=kinds, range=DASHES[: len(kinds)])
        stroke = alt.Legend(title=None, symbolSize=500, clipHeight=14)
        line = line.encode(strokeDash=alt.StrokeDash("kind:N", scale=dash, legend=stroke))
    dots = chart.mark_point(filled=True, size=34, opacity=1).encode(
        v,
        alt.Shape("series:N", legend=key, **by),
        tooltip=tips(rows, *tip, *interval("y", y_title, y_format)),
    )
    layers = [line, dots]
    if "low" in rows:
        area = chart.mark_area(fillOpacity=0.18, clip=True)
        layers.insert(0, area.encode(low, y2="high:Q"))
    return layers
