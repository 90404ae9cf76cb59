"""Figures of the line: accuracies, effective robustness, residuals, and one to explore."""

import re
from typing import Any, Unpack

import altair as alt
import numpy as np
import pandas as pd

from nbcore.charts import base
from nbcore.charts.base import Figure, Look, Scale, axis, dress, inline, interval, onto, rule
from nbcore.charts.theme import WIDTH
from nbcore.errors import ParameterError
from nbcore.measures.robustness import Line

ID, ER = "ID accuracy", "Effective robustness (points)"
SPANS = ["id_low", "id_high", "ood_low", "ood_high"]
MANY = 300  # models; above, dots are small and pale, without intervals, and the line lies on top


def accuracy_scatter(
    table: pd.DataFrame,
    line: Line,
    *,
    scale: Scale = "linear",
    x_title: str = ID,
    y_title: str = "OOD accuracy",
    line_label: str = "fitted line",
    curve: pd.DataFrame | None = None,
    **look: Unpack[Look],
) -> Figure:
    """Draw OOD against ID accuracy of each model, the fitted line and y = x, on either scale.

    table: columns model, id, ood, and where known id_low, id_high, ood_low, ood_high, group.
    The line is drawn only over the table's ID range: it says nothing outside it. curve: columns
    id, ood, ood_low, ood_high of a second guide, drawn dashed in its band. Above 300 models the
    intervals are left out.
    """
    if len(table) > MANY:
        table = table.drop(columns=SPANS, errors="ignore")
    x, y = (
        axis(table.filter(regex=rf"^{f}(_low|_high)?$"), title, scale)
        for f, title in (("id", x_title), ("ood", y_title))
    )
    data = inline(table, "model id ood", " ".join([*SPANS, "group"]))
    known = [c for c in map(str, table) if re.fullmatch("(id|ood)(_low|_high)?", c)]
    models = alt.Chart(data).transform_calculate(**{f"at_{c}": onto(c, scale) for c in known})
    u, v, bar = alt.X("at_id:Q", **x), alt.Y("at_ood:Q", **y), models.mark_rule(style="interval")
    layers: list[Any] = []
    if "id_low" in table:
        layers.append(bar.encode(alt.X("at_id_low:Q", **x), v, x2="at_id_high:Q"))
    if "ood_low" in table:
        layers.append(bar.encode(u, alt.Y("at_ood_low:Q", **y), y2="at_ood_high:Q"))
    tip = *interval("id", x_title, ".1%", "id_"), *interval("ood", y_title, ".1%", "ood_")
    layers.append(_dots(models, table, ("model", "model"), *tip).encode(u, v))
    guide = _guide(table, line, line_label, scale, x, y)
    if curve is not None:
        layers.insert(0, _band(curve, scale, x, y))
    layers.insert(len(layers) if len(table) > MANY else 0, guide)
    return dress(alt.layer(*layers), 400, **look)


def _band(curve: pd.DataFrame, scale: Scale, x: Any, y: Any) -> Any:
    """Draw a dashed curve in its band."""
    names = ("id", "ood", "ood_low", "ood_high")
    rows = alt.Chart(inline(curve, " ".join(names))).transform_calculate(
        **{f"at_{c}": onto(c, scale) for c in names}
    )
    u = alt.X("at_id:Q", **x)
    band = rows.mark_area(style="band", clip=True).encode(
        u, alt.Y("at_ood_low:Q", **y), y2="at_ood_high:Q"
    )
    middle = rows.mark_line(strokeDash=[4, 3], strokeWidth=1.2, clip=True, style="end")
    return alt.layer(band, middle.encode(u, alt.Y("at_ood:Q", **y)))


def _guide(table: pd.DataFrame, line: Line, label: str, scale: Scale, x: Any, y: Any) -> alt.Chart:
    """Draw the line over the table's ID range and y = x where both axes reach, with a legend."""
    grid, pair = np.linspace(table["id"].min(), table["id"].max(), 60), table[["id", "ood"]]
    ends = [pair.min().max(), pair.max().min()] if pair.min().max() < pair.max().min() else []
    kind = [label] * len(grid) + ["y = x"] * len(ends)
    rows = pd.DataFrame({"id": [*grid, *ends], "ood": [*line.predict(grid), *ends], "kind": kind})
    key: Any = {"legend": alt.Legend(title=None, symbolSize=500, clipHeight=14)}
    stroke, dash = (
        alt.Scale(domain=[label, "y = x"], range=r) for r in ("ordinal", [[1, 0], [5, 4]])
    )
    lines = alt.Chart(inline(rows, "id ood kind")).mark_line(strokeWidth=1.8, clip=True)
    return lines.transform_calculate(u=onto("id", scale), v=onto("ood", scale)).encode(
        alt.X("u:Q", **x),
        alt.Y("v:Q", **y),
        alt.Stroke("kind:N", scale=stroke, **key),
        alt.StrokeDash("kind:N", scale=dash, **key),
    )


def _dots(models: alt.Chart, table: pd.DataFrame, *tip: tuple[str, ...]) -> alt.Chart:
    """Draw models as dots, in one colour and shape per group where the table has groups."""
    models = models.encode(tooltip=base.tips(table, *tip))
    if "group" not in table and len(table) > MANY:
        return models.mark_point(size=16, filled=True, style="many")
    if "group" not in table:
        return models.mark_point(size=38, filled=True, style="dot")
    by: Any = {"scale": alt.Scale(domain=list(table["group"].unique())), "title": None}
    dots = models.mark_point(size=44, filled=True, style="grouped")
    return dots.encode(color=alt.Color("group:N", **by), shape=alt.Shape("group:N", **by))


def side_by_side(*charts: Any, columns: int | None = None, **look: Unpack[Look]) -> Figure:
    """Put figures in a row, or in a column where the page is narrow.

    Their widths must add up to one figure's width.
    """
    inner = [chart.properties(width=chart.width - 64) for chart in charts]  # 64: an axis's room
    return dress(alt.concat(*inner, columns=columns or len(inner), spacing=16), **look)


def robustness_scatter(
    table: pd.DataFrame,
    band: pd.DataFrame,
    *,
    x_title: str = ID,
    y_title: str = ER,
    labels: int = 6,
    **look: Unpack[Look],
) -> Figure:
    """Draw effective robustness in points against ID accuracy, with the testbed's 95 % band.

    table: columns model, id, er, low, high [, group]; band: x, low, high; all as fractions.
    The `labels` models farthest outside the band are named, unless names would overlap.
    """
    table = table.reset_index(drop=True)
    points = table.assign(**{c: 100 * table[c] for c in ("er", "low", "high")})
    strip = band.assign(low=100 * band["low"], high=100 * band["high"]).sort_values("x")
    x = axis([*table["id"], *band["x"]], x_title)
    u, y, low = alt.X("id:Q", **x), alt.Y("er:Q", title=y_title), alt.Y("low:Q", title=y_title)
    models = alt.Chart(inline(points, "model id er low high", "group"))
    area = alt.Chart(inline(strip, "x low high")).mark_area(style="band")
    tip = ("model", "model"), ("id", x_title, ".1%"), *interval("er", "points", "+.2f")
    layers = [
        area.encode(alt.X("x:Q", **x), low, y2="high:Q"),
        rule(0),
        models.mark_rule(style="interval").encode(u, low, y2="high:Q"),
        _dots(models, table, *tip).encode(u, y),
    ]
    for side, rows in _outside(points, strip, labels).groupby("side"):
        named = alt.Chart(inline(rows, "model id er")).encode(u, y, text="model:N")
        layers += base.words(named, align=side, dx=8 if side == "left" else -8, baseline="middle")
    return dress(alt.layer(*layers), 360, **look)


def _outside(points: pd.DataFrame, strip: pd.DataFrame, count: int) -> pd.DataFrame:
    """Choose the models farthest outside the band whose names do not overlap."""
    low, high = (np.interp(points["id"], strip["x"], strip[c]) for c in ("low", "high"))
    far = np.maximum(points["er"] - high, low - points["er"])
    room, er = 0.06 * (points["high"].max() - points["low"].min()), points["er"]
    kept: list[Any] = []
    for i in far[far > 0].sort_values(ascending=False).index:
        if len(kept) < count and all(abs(er[i] - er[k]) > room for k in kept):
            kept.append(i)
    middle = (points["id"].min() + points["id"].max()) / 2
    return points.assign(side=np.where(points["id"] < middle, "left", "right")).loc[kept]


def residual_plot(
    table: pd.DataFrame,
    *,
    x_title: str = ID,
    y_title: str = "Observed − expected (points)",
    **look: Unpack[Look],
) -> Figure:
    """Draw residuals against ID accuracy, one panel per scale, all on one vertical axis.

    table: columns model, id, residual (observed − expected OOD accuracy, a fraction), scale (the
    panel's heading, in order of appearance).
    """
    points = table.assign(residual=100 * table["residual"])
    reach, heads = 1.08 * max(points["residual"].abs().max(), 1e-6), points["scale"].unique()
    width, height = look.get("width", WIDTH) // len(heads) - 52, look.get("height", 220)
    u, v = alt.X("id:Q", **axis(points["id"], x_title, count=4)), alt.Y("residual:Q", title=None)
    tip = ("model", "model"), ("id", x_title, ".1%"), ("residual", "points", "+.2f")
    panels: list[Any] = []
    for head in heads:
        rows = points[points["scale"] == head].drop(columns="group", errors="ignore")
        dots = _dots(alt.Chart(inline(rows, "model id residual")), rows, *tip)
        side = v.scale(domain=[-reach, reach], nice=False).title(None if panels else y_title)
        panel = alt.layer(rule(0), dots.encode(u, side))
        panels.append(panel.properties(width=width, height=height, title=str(head)))
    return dress(alt.concat(*panels, columns=len(heads)), **look)


def family_explorer(
    table: pd.DataFrame,
    line: Line,
    *,
    family: str,
    x_title: str = "ImageNet accuracy",
    y_title: str = "OOD accuracy",
    pick: str = "Pretraining",
    line_label: str = "fitted line",
    curve: pd.DataFrame | None = None,
    **look: Unpack[Look],
) -> Figure:
    """Draw all models in grey, one family in colour, and its ER in a panel below.

    A drop-down menu picks the family. table: columns model, family, id, ood, er (fractions).
    family: the one shown first, and in the image without JavaScript. The model under the pointer
    is ringed in both panels.
    """
    sizes = table["family"].value_counts()
    if family not in sizes:
        known = ", ".join(sizes.index)
        raise ParameterError(f"family must be one of {known}, got {family!r}; choose one.")
    points = table.assign(er=100 * table["er"]).round({"er": 2, "id": 4, "ood": 4})
    names = [f"{name} ({n})" for name, n in sizes.items()]
    menu = alt.binding_select(options=list(sizes.index), labels=names, name=pick)
    hover: Any = {"fields": ["model"], "on": "pointerover", "clear": "pointerout", "empty": False}
    under = [alt.selection_point(f"under{i}", **hover) for i in range(2)]
    x, y = axis(points["id"], x_title), axis(points["ood"], y_title)
    tip = [("model", "model"), ("family", pick.lower()), ("id", x_title, ".1%")]
    tip += [("ood", y_title, ".1%"), ("er", "ER (points)", "+.1f")]
    models = alt.Chart(inline(points, "model family id ood er"))
    models = models.encode(alt.X("id:Q", **x), tooltip=base.tips(points, *tip))
    picked = models.transform_filter("datum.family == family")
    ring = models.transform_filter(under[0] | under[1])

    def panel(i: int, v: alt.Y, guide: alt.Chart, height: int) -> Any:
        every = models.mark_point(size=20, filled=True, style="all").add_params(under[i])
        shown = picked.mark_point(size=36, filled=True, style="dot").encode(v)
        ringed = ring.mark_point(size=110, style="ring").encode(v)
        size = {"width": look.get("width", WIDTH) - 64, "height": height}
        return alt.layer(every.encode(v), guide, shown, ringed).properties(**size)

    reach = [points["er"].min() - 0.2, points["er"].max() + 0.2]
    er = alt.Y("er:Q", title="ER (points)").scale(domain=reach, nice=False)
    upper = panel(0, alt.Y("ood:Q", **y), _guide(points, line, line_label, "linear", x, y), 320)
    chart = alt.vconcat(upper, panel(1, er, rule(0), 170), spacing=12)
    return dress(chart.add_params(alt.param("family", value=family, bind=menu)), **look)
