"""Figures of values with uncertainty: curves over a parameter, categories side by side."""

from typing import Any, Literal

import altair as alt
import pandas as pd

from nbcore.charts.base import Figure, dress, inline, present, wrap
from nbcore.charts.lines import rule
from nbcore.charts.theme import WIDTH


def curve(
    table: pd.DataFrame,
    *,
    title: str,
    description: str,
    subtitle: str = "",
    x_title: str,
    y_title: str,
    x_format: str = "",
    y_format: str = "",
    x_scale: Literal["linear", "log"] = "linear",
    y_domain: tuple[float, float] | None = None,
    points: bool = True,
    band: tuple[float, float, str] | None = None,
    level: tuple[float, str] | None = None,
    width: int = WIDTH,
    height: int = 320,
) -> Figure:
    """Lines with uncertainty bands, one per series.

    table: columns x, y, series [, low, high]; y is drawn as it is given (format "~%" for
    fractions). band: (low, high, words) a reference band; level: (value, words) a horizontal rule.
    """
    names = list(dict.fromkeys(table["series"]))
    data = inline(table, ["x", "y", "series", *present(table, "low", "high")], digits=5)
    x = alt.X("x:Q", axis=alt.Axis(title=x_title, format=x_format, tickCount=7, grid=False),
              scale=alt.Scale(type=x_scale, zero=False, nice=False, padding=6))  # fmt: skip
    limits = alt.Scale(domain=list(y_domain), clamp=True) if y_domain else alt.Scale(zero=False)
    y = alt.Y("y:Q", scale=limits, axis=alt.Axis(title=y_title, format=y_format))
    order, key = alt.Scale(domain=names), alt.Legend(title=None) if len(names) > 1 else None
    color = alt.Color("series:N", scale=order, legend=key)
    tip = [alt.Tooltip("series:N"), alt.Tooltip("x:Q", format=x_format, title=x_title)]
    tip += [alt.Tooltip(f"{f}:Q", format=y_format, title=t) for f, t in
            (("y", y_title), ("low", "  95% from"), ("high", "  to")) if f in table]  # fmt: skip
    base = alt.Chart(data)
    layers: list[Any] = []
    if band:
        strip = alt.Chart(alt.InlineData(values=[{}])).mark_rect(style="band")
        layers.append(strip.encode(y=alt.datum(band[0]), y2=alt.datum(band[1])))
        layers.append(_words(band[2], band[1]))
    if level:
        layers += [rule(level[0], "zero"), _words(level[1], level[0])]
    if "low" in table:
        area = base.mark_area(fillOpacity=0.2, clip=True)
        layers.append(area.encode(x, alt.Y("low:Q", scale=limits), y2="high:Q", color=color))
    layers.append(base.mark_line(strokeWidth=2, clip=True).encode(x, y, color=color))
    shape = alt.Shape("series:N", scale=order, legend=key)
    dots = base.mark_point(filled=True, size=40 if points else 1, opacity=1 if points else 0)
    layers.append(dots.encode(x, y, color=color, shape=shape, tooltip=tip))
    chart = alt.layer(*layers).properties(width=width, height=height)
    return dress(chart, title, description, subtitle, width)


def _words(text: str, y: float) -> alt.Chart:
    """A remark at the left edge, just above a value."""
    remark = alt.Chart(alt.InlineData(values=[{}])).mark_text(
        style="note", align="left", baseline="bottom", dx=4, dy=-3, text=text
    )
    return remark.encode(x=alt.value(0), y=alt.datum(y))


def bars(
    table: pd.DataFrame,
    *,
    title: str,
    description: str,
    subtitle: str = "",
    x_title: str,
    x_format: str = "",
    reference: tuple[float, str] | None = None,
    zero: bool = False,
    width: int = WIDTH,
    row_height: int = 34,
) -> Figure:
    """Categories with a value and its interval, as dots on a common axis (top to bottom as given).

    table: columns category, value, low, high [, group]; reference: (value, words) a vertical rule.
    """
    rows = table.assign(category=["\n".join(wrap(c, 26)) for c in table["category"]])
    data = inline(rows, ["category", "value", "low", "high", *present(table, "group")], digits=5)
    names = list(dict.fromkeys(rows["category"]))
    axis = alt.Axis(title=None, labelExpr="split(datum.value,'\\n')", domain=False, ticks=False,
                    grid=True, labelLimit=220)  # fmt: skip
    x = alt.X("value:Q", axis=alt.Axis(title=x_title, format=x_format, grid=False),
              scale=alt.Scale(zero=zero))  # fmt: skip
    shared: dict[str, Any] = {"y": alt.Y("category:N", sort=names, axis=axis)}
    if "group" in table:
        groups = alt.Scale(domain=list(dict.fromkeys(table["group"])))
        shared["yOffset"] = alt.YOffset("group:N", scale=groups)
        shared["color"] = alt.Color("group:N", scale=groups, title=None)
    tip = [alt.Tooltip("category:N"), *(["group:N"] if "group" in table else [])]
    tip += [alt.Tooltip(f"{f}:Q", format=x_format, title=t) for f, t in
            (("value", x_title), ("low", "  95% from"), ("high", "  to"))]  # fmt: skip
    base = alt.Chart(data)
    layers: list[Any] = [
        base.mark_rule(strokeWidth=2.5).encode(alt.X("low:Q"), x2="high:Q", **shared),
        base.mark_point(filled=True, size=70, opacity=1).encode(x, tooltip=tip, **shared),
    ]
    if reference:
        blank = alt.Chart(alt.InlineData(values=[{}])).encode(x=alt.datum(reference[0]))
        words = blank.mark_text(style="note", align="left", baseline="bottom", dx=4, dy=-3,
                                text=reference[1])  # fmt: skip
        layers = [blank.mark_rule(style="zero"), *layers, words.encode(y=alt.value(0))]
    height = row_height * len(names) * (1 if "group" not in table else 1.3)
    chart = alt.layer(*layers).properties(width=width, height=int(height))
    return dress(chart, title, description, subtitle, width)
