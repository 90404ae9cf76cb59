"""Two-dimensional histograms: where many points lie, and which lines bound them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nbcore.charts.base import Figure, Look, beside, dress, in_columns, inline, tips
from nbcore.charts.theme import WIDTH
from nbcore.errors import DataError

#: viridis without its darkest end, which a dark page would swallow
COLOURS = alt.SchemeParams(name="viridis", extent=[0.25, 1.0])
DASHES = [[1, 0], [6, 4], [2, 3], [9, 3, 2, 3]]


def density(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_title: str,
    y_title: str,
    lines: Mapping[str, tuple] | None = None,
    bins: tuple[Any, Any] = (30, 20),
    panels: Sequence[str] | None = None,
    noun: str = "examples",
    **look: Unpack[Look],
) -> Figure:
    """Draw how many points fall into each cell, on a logarithmic colour scale, with lines over it.

    x, y: (n,) numbers; a point where one is NaN is left out. lines: label -> (slope, intercept), or
    (slope, intercept, panel) for one panel only. bins: for each axis the number of cells, over all
    panels alike, or their edges. panels: one label a point; panels are side by side in order of
    appearance, four and more in two columns, and stacked where the page is narrow.
    Raises DataError for unequal lengths and if there are no points.
    """
    u, v = np.asarray(x, float).ravel(), np.asarray(y, float).ravel()
    part = np.zeros(len(u), int) if panels is None else np.asarray(panels).ravel()
    if not len(u) == len(v) == len(part):
        raise DataError(
            f"A density needs equally long lists, got {len(u)} for x, {len(v)} for y and "
            f"{len(part)} panel names; pass one of each per point."
        )
    known = np.isfinite(u) & np.isfinite(v)
    if not known.any():
        raise DataError(f"A density needs points, and none of {len(u)} has both an x and a y.")
    u, v, part = u[known], v[known], part[known]
    edges = [np.histogram_bin_edges(values, b) for values, b in zip((u, v), bins, strict=True)]
    names = list(dict.fromkeys(part.tolist()))
    cells = {name: _cells(u[part == name], v[part == name], edges) for name in names}
    top = max(int(table["count"].max()) for table in cells.values())
    spans = [[float(e[0]), float(e[-1])] for e in edges]
    charts = []
    for name in names:
        own = {k: line[:2] for k, line in (lines or {}).items() if line[2:] in ((), (name,))}
        layers = [_rects(cells[name], spans, (x_title, y_title), (noun, top))]
        layers += _lines(own, list(lines or {}), spans, (x_title, y_title))
        charts.append(alt.layer(*layers))
    if panels is None:
        return dress(charts[0], 340, **look)
    columns, width = beside(len(charts), look.get("width", WIDTH))
    size = {"width": width, "height": look.pop("height", 260)}
    named = [
        c.properties(title=textwrap.wrap(str(n), max(width // 8, 12)), **size)
        for c, n in zip(charts, names, strict=True)
    ]
    figure = dress(alt.concat(*named, columns=columns, spacing=16), **look)
    return in_columns(figure, lines or (), WIDTH - 200)  # 200: the colours' legend beside it


def _cells(x: np.ndarray, y: np.ndarray, edges: list[np.ndarray]) -> pd.DataFrame:
    """Make one row per cell that holds points: its sides and its count."""
    count, *_ = np.histogram2d(x, y, edges)
    i, j = np.nonzero(count)
    (a, b) = edges
    sides = {"x0": a[i], "x1": a[i + 1], "y0": b[j], "y1": b[j + 1]}
    return pd.DataFrame(sides | {"count": count[i, j].astype(int)})


def _axes(fields: tuple[str, str], spans: list[list[float]], titles: tuple[str, str]) -> list[Any]:
    kinds = (alt.X, alt.Y)
    return [
        kind(f"{field}:Q", title=title, axis=alt.Axis(grid=False, tickCount=5)).scale(
            domain=span, nice=False, zero=False
        )
        for kind, field, span, title in zip(kinds, fields, spans, titles, strict=True)
    ]


def _rects(
    cells: pd.DataFrame, spans: list[list[float]], titles: tuple[str, str], legend: tuple[str, int]
) -> alt.Chart:
    u, v = _axes(("x0", "y0"), spans, titles)
    noun, top = legend
    marks = [10**p for p in range(9) if 10**p <= top]
    key = alt.Legend(
        title=f"{noun} (log)", values=marks, format=",d", type="gradient", gradientLength=160
    )
    scale = alt.Scale(type="log", domain=[1, max(top, 2)], scheme=COLOURS)
    tip = [("count", noun, ",d")]
    for f, title in zip("xy", titles, strict=True):
        tip += [(f"{f}0", title, ".3~r"), (f"{f}1", "  to", ".3~r")]
    fill, stroke = alt.Fill("count:Q", scale=scale, legend=key), alt.Stroke("count:Q", scale=scale)
    # a thin stroke of the same colour: no seams between the cells
    return (
        alt.Chart(inline(cells, "x0 x1 y0 y1 count"))
        .mark_rect(strokeWidth=0.6)
        .encode(u, v, fill, stroke.legend(None), x2="x1:Q", y2="y1:Q", tooltip=tips(cells, *tip))
    )


def _lines(
    lines: Mapping[str, tuple], labels: list[str], spans: list[list[float]], titles: tuple[str, str]
) -> list[alt.Chart]:
    """Draw each line over the whole width, with an edge that lifts it off the cells."""
    if not lines:
        return []
    ends = np.array(spans[0])
    rows = pd.concat(
        pd.DataFrame({"x0": ends, "y0": slope * ends + intercept, "line": label})
        for label, (slope, intercept) in lines.items()
    )
    u, v = _axes(("x0", "y0"), spans, titles)
    chart = alt.Chart(inline(rows, "x0 y0 line")).encode(u, v)
    dash = alt.Scale(domain=labels, range=DASHES[: max(len(labels), 1)])
    key = alt.Legend(title=None, symbolSize=500, clipHeight=14)
    edge = chart.mark_line(style="ring", strokeWidth=4.4, clip=True).encode(detail="line:N")
    core = chart.mark_line(style="end", strokeWidth=2.4, clip=True)
    return [edge, core.encode(strokeDash=alt.StrokeDash("line:N", scale=dash, legend=key))]
