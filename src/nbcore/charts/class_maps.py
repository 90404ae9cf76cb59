"""Figures of class maps: which source classes feed which target, confusions, a model in a crowd."""

from collections.abc import Sequence
from typing import Any, Unpack

import altair as alt
import numpy as np
import pandas as pd

from nbcore.charts.base import NOTHING, Figure, Look, dress, inline, interval, rule, tips, words
from nbcore.errors import DataError

#: how the two groups of `among` are named: the crowd in grey, the others in colour
CROWD = "testbed"


def map_picture(
    table: pd.DataFrame,
    *,
    legend: str = "images",
    x_title: str = "source classes, by use",
    **look: Unpack[Look],
) -> Figure:
    """Draw a row of cells per target, a cell per source class, coloured by its count of images.

    table: columns target (rows, in order of appearance), source (its name), images (count). The
    sources of a target are sorted by count; the number behind a row says how many there are.
    """
    rows = table.sort_values("images", ascending=False, kind="stable")
    rows = rows.assign(place=rows.groupby("target").cumcount())
    order = list(table["target"].unique())
    sizes = rows.groupby("target").size().reindex(order)
    ends = pd.DataFrame({"target": order, "place": sizes.to_numpy(), "size": sizes.to_numpy()})
    most = int(sizes.max()) + 3  # room for the number behind the longest row
    side: Any = {"title": None, "ticks": False, "domain": False, "labelPadding": 6}
    y = alt.Y("target:N", sort=order, axis=alt.Axis(**side))
    x = alt.X(
        "place:Q",
        title=x_title,
        scale=alt.Scale(domain=[0, most], nice=False),
        axis=alt.Axis(labels=False, ticks=False, grid=False, domain=False),
    )
    tip = ("source", "source class"), ("target", "counts as"), ("images", legend, ",d")
    data = inline(rows.assign(after=rows["place"] + 0.86), "target source images place after")
    cells = (
        alt.Chart(data)
        .mark_rect(height={"band": 0.78})
        .encode(
            x,
            y,
            alt.X2("after:Q"),
            alt.Color(
                "images:Q",
                scale=alt.Scale(type="symlog", scheme="viridis"),
                legend=alt.Legend(
                    title=legend, titleLimit=400, gradientLength=200, tickCount=3, format=",d"
                ),
            ),
            tooltip=tips(rows, *tip),
        )
    )
    counts = alt.Chart(inline(ends, "target place size")).encode(x, y, text="size:N")
    layers = [cells, *words(counts, align="left", dx=4, baseline="middle")]
    return dress(alt.layer(*layers), 26 * len(order) + 30, **look)


def confusion(
    matrix: np.ndarray | Sequence[Sequence[float]],
    classes: Sequence[str],
    *,
    x_title: str = "predicted",
    y_title: str = "true class",
    **look: Unpack[Look],
) -> Figure:
    """Draw a confusion matrix: rows are true classes, columns predicted; cells in percent of a row.

    matrix: (class, class) fractions, rows summing to 1 (a class without examples: NaN); classes:
    their names. Shares of half a percent or more also stand in their cell.
    """
    shares, k = np.asarray(matrix, float), len(classes)
    if shares.shape != (k, k):
        raise DataError(
            f"For {k} classes a {k} × {k} matrix was expected, got {shares.shape}; pass one name "
            "per row."
        )
    i, j = np.indices(shares.shape)
    rows = pd.DataFrame(
        {
            "true": np.asarray(classes)[i.ravel()],
            "said": np.asarray(classes)[j.ravel()],
            "share": shares.ravel(),
        }
    ).dropna()
    rows["text"] = [f"{100 * s:.0f}" if s >= 0.005 else "" for s in rows["share"]]
    rows["tone"] = np.where(rows["share"] < 0.55, "light", "dark")
    side: Any = {"ticks": False, "domain": False, "grid": False}
    base = alt.Chart(inline(rows, "true said share text tone")).encode(
        alt.X("said:N", sort=list(classes), title=x_title, axis=alt.Axis(labelAngle=-45, **side)),
        alt.Y("true:N", sort=list(classes), title=y_title, axis=alt.Axis(**side)),
    )
    tip = ("true", y_title), ("said", x_title), ("share", "share of the class", ".1%")
    cells = base.mark_rect().encode(
        alt.Color(
            "share:Q",
            scale=alt.Scale(scheme="blues", domain=[0, 1]),
            legend=alt.Legend(format="~%", title="share of the class", gradientLength=160),
        ),
        tooltip=tips(rows, *tip),
    )
    # numbers stand on the cells' own colours, which are the same in both modes
    tone = alt.Scale(domain=["light", "dark"], range=["#1F2328", "#FFFFFF"])
    numbers = base.mark_text(fontSize=11).encode(
        text="text:N", fill=alt.Fill("tone:N", scale=tone, legend=None)
    )
    return dress(alt.layer(cells, numbers), 30 * k + 20, **look)


def among(
    table: pd.DataFrame,
    *,
    x_title: str,
    y_title: str,
    level: tuple[float, str] | None = None,
    **look: Unpack[Look],
) -> Figure:
    """Draw some models among many: the rows of series "testbed" in grey, others in colour.

    table: columns x, y (fractions), series, label (who, for the tooltip) [, low, high: interval of
    y, drawn for the coloured ones]; level: (value, words) a dashed horizontal rule.
    """
    crowd = table[table["series"] == CROWD]
    named = table[table["series"] != CROWD]
    names = list(named["series"].unique())
    low, high = (f(table[c]) for f, c in ((min, "x"), (max, "x")))
    room = 0.03 * (high - low) or 0.01
    span = alt.Scale(domain=[low - room, high + room], nice=False)
    u = alt.X("x:Q", title=x_title, scale=span, axis=alt.Axis(format="~%", tickCount=6))
    v = alt.Y("y:Q", title=y_title, axis=alt.Axis(format="~%", tickCount=6))
    tip = ("label", "model"), ("x", x_title, ".1%"), *interval("y", y_title, ".1%")
    columns = ("x y series label", "low high")
    grey = alt.Chart(inline(crowd.drop(columns=["low", "high"], errors="ignore"), columns[0]))
    layers: list[Any] = [
        grey.mark_point(filled=True, size=20, style="all").encode(
            u, v, tooltip=tips(crowd[["x", "y", "label"]], *tip)
        )
    ]
    by: Any = {"scale": alt.Scale(domain=names), "legend": alt.Legend(title=None, columns=3)}
    dots = alt.Chart(inline(named, *columns)).encode(u, alt.Color("series:N", **by))
    if "low" in named:
        layers.append(dots.mark_rule(strokeOpacity=0.6).encode(alt.Y("low:Q"), y2="high:Q"))
    layers.append(
        dots.mark_point(filled=True, size=60, opacity=0.95).encode(
            v, alt.Shape("series:N", **by), tooltip=tips(named, *tip)
        )
    )
    if level:
        layers.insert(0, rule(level[0]))
        note = alt.Chart(NOTHING).encode(x=alt.value("width"), y=alt.datum(level[0]))
        layers += words(note, text=level[1], align="right", baseline="bottom", dx=-4, dy=-3)
    return dress(alt.layer(*layers), 360, **look)
