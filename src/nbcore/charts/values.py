"""Figures of counts, shares and values: over all images, along a parameter, by category."""

from collections.abc import Sequence
from typing import Any, Literal, Unpack

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nbcore.charts.base import (
    NOTHING,
    Figure,
    Look,
    dress,
    in_columns,
    inline,
    interval,
    rule,
    tips,
    words,
)
from nbcore.errors import DataError


def heat_map(
    matrix: np.ndarray,
    labels: Sequence[str],
    *,
    accuracy: Sequence[float] | np.ndarray,
    x_title: str = "this model is wrong, by accuracy",
    legend: str = "share of images",
    y_title: str = "this model is right, by accuracy",
    ticks: int = 6,
    **look: Unpack[Look],
) -> Figure:
    """Draw a square matrix over models, sorted by accuracy: cell [i, j] is in row i, column j.

    matrix: (m, m) fractions, such as the dominance matrix (i right, j wrong); labels, accuracy:
    (m,) names and fractions. The axes are ranks; a few of them carry the accuracy at that rank.
    """
    m, shapes = len(labels), (np.shape(matrix), np.shape(accuracy))
    if shapes != ((m, m), (m,)):
        raise DataError(
            f"For {m} labels a square matrix and {m} accuracies were expected, got the shapes "
            f"{shapes[0]} and {shapes[1]}; pass equal lengths."
        )
    order = np.argsort(accuracy, kind="stable")
    known, share = np.asarray(accuracy)[order], np.asarray(matrix)[np.ix_(order, order)]
    names = [f"{labels[i]} ({a:.1%})" for i, a in zip(order, known, strict=True)]
    # a row of text per model, not a record per cell: a fifth of the bytes
    cells = [" ".join(f"{v:.4g}" for v in row) for row in share]
    rows = pd.DataFrame({"i": range(m), "right": names, "cells": cells})
    other = alt.LookupData(inline(rows, "i right cells"), "i", ["right"])
    marks = [int(t) for t in np.linspace(0, m - 1, min(ticks, m)).round()]
    shown = f"{ {t: f'{known[t]:.0%}' for t in marks} }[datum.value]"
    sides: Any = {"values": marks, "labelExpr": shown, "labelAngle": 0, "grid": False}
    tip = ("right", "right"), ("wrong", "wrong"), ("share", legend, ".2%")
    chart = (
        alt.Chart(other.data)
        .transform_calculate(share="split(datum.cells,' ')", j=f"sequence({m})")
        .transform_flatten(["share", "j"])
        .transform_calculate(share="+datum.share")
        .transform_lookup("j", other, as_=["wrong"])
        .mark_rect(width={"band": 1.1}, height={"band": 1.1})  # overlap: no seams on a canvas
        .encode(
            alt.X("j:O", title=x_title, axis=alt.Axis(**sides)),
            alt.Y("i:O", title=y_title, axis=alt.Axis(**sides), sort="descending"),
            alt.Color(
                "share:Q",
                scale=alt.Scale(type="sqrt"),
                legend=alt.Legend(format="~%", title=legend, gradientLength=220),
            ),
            tooltip=tips(pd.DataFrame(columns=["right", "wrong", "share"]), *tip),
        )
    )
    return dress(chart, 520, **look)


def solved_histogram(
    counts: Sequence[int] | np.ndarray,
    *,
    y_scale: Literal["linear", "log"] = "log",
    x_title: str = "number of models that are right",
    y_title: str = "images",
    ends: tuple[str, str] = ("right for no model", "right for all"),
    **look: Unpack[Look],
) -> Figure:
    """Draw how many images exactly k of m models solve; both ends are marked with their counts.

    counts: (m + 1,) whole numbers, counts[k] = images that exactly k models get right.
    """
    k, m, log = np.arange(len(counts)), len(counts) - 1, y_scale == "log"
    rows = pd.DataFrame({"k": k, "images": counts, "left": k - 0.45, "right": k + 0.45})
    rows = rows.assign(part=np.where(k % m, "inside", "end"))[rows["images"] > 0]
    marks: Any = {"values": [10**p for p in range(9)]} if log else {"tickCount": 5}
    floor, top = 0.7 if log else 0, max(counts) * (3 if log else 1.18)
    inside = f"datum.value < 0 || datum.value > {m} ? '' : datum.label"
    whole: Any = {"format": ",d", "tickMinStep": 1, "labelExpr": inside}
    u = alt.X("left:Q", title=x_title, axis=alt.Axis(grid=False, **whole))
    v = alt.Y("images:Q", title=y_title, axis=alt.Axis(format=",d", **marks))
    bar = (
        alt.Chart(inline(rows, "k images left right part"))
        .mark_bar()
        .encode(
            u.scale(domain=[-1, m + 1], nice=False),
            v.scale(type=y_scale, domain=[floor, top], nice=False),
            alt.Color("part:N", legend=None, scale=alt.Scale(domain=["inside", "end"])),
            x2="right:Q",
            y2=alt.datum(floor),
            tooltip=tips(rows, ("k", x_title, ",d"), ("images", y_title, ",d")),
        )
    )
    note: Any = alt.Chart(NOTHING)
    notes = [
        note.mark_text(
            style="end", align=side, baseline="top", text=f"{counts[at]:,} {end}"
        ).encode(x=alt.datum(at), y=alt.value(4))
        for at, end, side in ((0, ends[0], "left"), (m, ends[1], "right"))
    ]
    return dress(alt.layer(bar, *notes), 300, **look)


def curve(
    table: pd.DataFrame,
    *,
    x_title: str,
    y_title: str,
    x_format: str = "",
    y_format: str = "",
    x_scale: Literal["linear", "log"] = "linear",
    y_domain: tuple[float, float] | None = None,
    points: bool = True,
    band: tuple[float, float, str] | None = None,
    level: tuple[float, str] | None = None,
    **look: Unpack[Look],
) -> Figure:
    """Draw lines with uncertainty bands, one per series, as given (format "~%" for fractions).

    table: columns x, y, series [, low, high]; band: (low, high, words) a reference band;
    level: (value, words) a dashed horizontal rule. y_domain: the axis; values beyond it are drawn
    at its edge, and the subtitle says how many.
    """
    if y_domain and (beyond := int((~table["y"].between(*y_domain)).sum())):
        values = f"{beyond} value{'s' * (beyond > 1)} beyond the axis stand{'s' * (beyond == 1)}"
        look["subtitle"] = f"{look.get('subtitle', '')}; {values} at its edge".removeprefix("; ")
    names, lines = table["series"].unique(), alt.Chart(inline(table, "x y series", "low high"))
    span: Any = {"type": "log"} if x_scale == "log" else {"zero": False}
    reach: Any = {"domain": y_domain, "clamp": True} if y_domain else {"zero": False}
    u = alt.X("x:Q", title=x_title, axis=alt.Axis(format=x_format, tickCount=7, grid=False))
    v, low = (alt.Y(f"{f}:Q", title=y_title).scale(**reach) for f in ("y", "low"))
    key: Any = {} if points else {"symbolType": "stroke", "symbolSize": 500, "clipHeight": 14}
    by: Any = {"scale": alt.Scale(domain=list(names))}
    by["legend"] = alt.Legend(title=None, **key) if len(names) > 1 else None
    lines = lines.encode(u.scale(padding=6, nice=False, **span), alt.Color("series:N", **by))
    tip = ("series", "series"), ("x", x_title, x_format), *interval("y", y_title, y_format)
    layers: list[Any] = [lines.mark_line(strokeWidth=2, clip=True).encode(v.axis(format=y_format))]
    dots = lines.mark_point(filled=True, size=40, opacity=int(points), clip=bool(y_domain))
    dots = dots.encode(alt.Shape("series:N", **by)) if points else dots
    layers.append(dots.encode(v, tooltip=tips(table, *tip)))
    if "low" in table:
        area = lines.mark_area(fillOpacity=0.18, clip=True)
        layers.insert(0, area.encode(low, y2="high:Q"))
    if band:
        strip = alt.Chart(NOTHING).mark_rect(style="band")
        layers.insert(0, strip.encode(y=alt.datum(band[0]), y2=alt.datum(band[1])))
    if level:
        layers.insert(0, rule(level[0]))
    for y, text in (pair for pair in (band and band[1:], level) if pair):
        note = alt.Chart(NOTHING).encode(x=alt.value("width"), y=alt.datum(y))  # at the right edge
        layers += words(note, text=text, align="right", baseline="bottom", dx=-4, dy=-3)
    return in_columns(dress(alt.layer(*layers), 320, **look), names)


def bars(
    table: pd.DataFrame,
    *,
    x_title: str,
    x_format: str = "",
    zero: bool = False,
    reference: tuple[float, str] | None = None,
    **look: Unpack[Look],
) -> Figure:
    """Draw categories with a value and its interval, as dots on one axis (top to bottom as given).

    table: columns category, value, low, high [, group]; reference: (value, words) a vertical rule.
    """
    names = table[["category"]].drop_duplicates()
    # names stand above their row, where they have the whole width, on a telephone too
    side = alt.Axis(labels=False, ticks=False, title=None, domain=False)
    y = alt.Y("category:N", sort=list(names["category"]), axis=side)
    # shares that come near all of it: the axis ends there
    whole: Any = {"domainMax": 1} if "%" in x_format and 0.9 < table["high"].max() <= 1 else {}
    u, low = (alt.X(f"{f}:Q", title=x_title).scale(zero=zero, **whole) for f in ("value", "low"))
    rows = alt.Chart(inline(table, "category value low high", "group"))
    if "group" in table:
        order = alt.Scale(domain=list(table["group"].unique()))
        # the words of a reference stand between the picture and the legend
        room = alt.Legend(offset=26) if reference and reference[1] else alt.Undefined
        color = alt.Color("group:N", scale=order, title=None, legend=room)
        rows = rows.encode(color=color, yOffset=alt.YOffset("group:N", scale=order))
    # a category is as tall as its groups need, and its name stands above the first of them
    n_groups = table["group"].nunique() if "group" in table else 0
    step = max(68, 20 * n_groups + 28) if n_groups else 46
    fields = ("category", "category"), ("group", "group"), *interval("value", x_title, x_format)
    dot = rows.mark_point(filled=True, size=70, opacity=1)
    label = alt.Chart(inline(names, "category")).encode(y, x=alt.value(0), text="category:N")
    layers: list[Any] = [
        rows.mark_rule(strokeWidth=2.5, style="value").encode(low, y, x2="high:Q"),
        dot.encode(u.axis(format=x_format, tickCount=8), y, tooltip=tips(table, *fields)),
        *words(label, align="left", dx=4, dy=8 - step // 2 if n_groups else -18),
    ]
    if reference:
        at = alt.Chart(NOTHING).encode(x=alt.datum(reference[0]))
        layers.insert(0, at.mark_rule(style="zero"))
        layers += words(
            at.encode(y=alt.value(0)),
            text=reference[1],
            align="left",
            baseline="bottom",
            dx=4,
            dy=-8,
        )
    # rows: on a narrow page it keeps its height, or names would run into what they name
    figure = dress(alt.layer(*layers), step * len(names), **look).properties(
        usermeta={"rows": len(names)}
    )
    return in_columns(figure, table["group"].unique() if n_groups else ())


def solution_plot(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_title: str,
    y_title: str,
    title: str,
    level: tuple[float, str] | None = None,
    x_format: str = ",~r",
    y_format: str = "~r",
    name: str = "",
) -> Figure:
    """Draw one curve (x, y: numbers of equal length), with a level that it is to cross if given.

    title: what the curve shows, as a sentence; its alternative text adds the ends of the curve.
    """
    across, up = np.asarray(x, float), np.asarray(y, float)
    table = pd.DataFrame({"x": across, "y": up, "series": name or y_title})
    low, high = int(up.argmin()), int(up.argmax())
    told = (
        f"{title}. A curve of {y_title} over {x_title} from {across[0]:g} to {across[-1]:g}; it is "
        f"lowest, {up[low]:.3g}, at {across[low]:g} and highest, {up[high]:.3g}, at "
        f"{across[high]:g}."
    )
    if level:
        told += f" A dashed level at {level[0]:g}: {level[1]}."
    return curve(
        table,
        x_title=x_title,
        y_title=y_title,
        x_format=x_format,
        y_format=y_format,
        points=False,
        level=level,
        title=title,
        description=told,
        height=240,
    )
