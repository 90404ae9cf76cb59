"""Figures of the line: accuracies, effective robustness, residuals."""

from typing import Any, Protocol

import altair as alt
import numpy as np
import pandas as pd

from nbcore.charts.base import Figure, Scale, dress, fraction_axis, inline, onto, present
from nbcore.charts.theme import WIDTH


class Predicts(Protocol):
    """A fitted line: ID accuracy → expected OOD accuracy, both fractions."""

    def predict(self, x: Any) -> Any: ...


def accuracy_scatter(
    table: pd.DataFrame,
    line: Predicts,
    *,
    scale: Scale = "linear",
    title: str,
    description: str,
    subtitle: str = "",
    x_title: str = "ID accuracy",
    y_title: str = "OOD accuracy",
    line_label: str = "fitted line",
    width: int = WIDTH,
    height: int = 400,
) -> Figure:
    """OOD against ID accuracy of each model, the fitted line and y = x, on either scale.

    table: columns model, id, ood, and where known id_low, id_high, ood_low, ood_high, group.
    The line is drawn over the table's ID range only: it says nothing beyond it.
    """
    ends = present(table, "id_low", "id_high"), present(table, "ood_low", "ood_high")
    data = inline(table, ["model", "id", "ood", *ends[0], *ends[1], *present(table, "group")])
    x = fraction_axis(table[["id", *ends[0]]].to_numpy(), scale, x_title)
    y = fraction_axis(table[["ood", *ends[1]]].to_numpy(), scale, y_title)
    u, v = alt.X("u:Q", **x), alt.Y("v:Q", **y)
    layers: list[Any] = [fitted_lines(table, line, line_label, scale, u, v)]
    tip = [alt.Tooltip("model:N", title="model")]
    for field, name, pair in (("id", x_title, ends[0]), ("ood", y_title, ends[1])):
        tip += [alt.Tooltip(f"{f}:Q", format=".1%", title=t) for f, t in
                zip([field, *pair], [name, "  95% from", "  to"], strict=False)]  # fmt: skip
    points = alt.Chart(data).transform_calculate(u=onto("id", scale), v=onto("ood", scale))
    for pair, along in ((ends[0], "x"), (ends[1], "y")):
        if pair:
            bar = points.transform_calculate(a=onto(pair[0], scale), b=onto(pair[1], scale))
            across = {"x": alt.X("a:Q", **x), "x2": "b:Q", "y": v} if along == "x" else \
                     {"y": alt.Y("a:Q", **y), "y2": "b:Q", "x": u}  # fmt: skip
            layers.append(bar.mark_rule(style="interval", clip=True).encode(**across))
    layers.append(points.mark_point(**dot(table)).encode(u, v, tooltip=tip, **by_group(table)))
    chart = alt.layer(*layers).properties(width=width, height=height)
    return dress(chart, title, description, subtitle, width)


def fitted_lines(
    table: pd.DataFrame, line: Predicts, label: str, scale: Scale, u: alt.X, v: alt.Y
) -> alt.Chart:
    """The line over the table's ID range and y = x over the range both share, with a legend."""
    grid = np.linspace(table["id"].min(), table["id"].max(), 60)
    low = max(table["id"].min(), table["ood"].min())
    high = min(table["id"].max(), table["ood"].max())
    rows = pd.DataFrame({"id": grid, "ood": line.predict(grid), "kind": label})
    if low < high:
        rows = pd.concat([rows, pd.DataFrame({"id": [low, high], "ood": [low, high]})])
    dash = alt.Scale(domain=[label, "y = x"], range=[[1, 0], [5, 4]])
    return (
        alt.Chart(inline(rows.fillna({"kind": "y = x"}), ["id", "ood", "kind"]))
        .transform_calculate(u=onto("id", scale), v=onto("ood", scale))
        .mark_line(style="fit", clip=True)
        .encode(
            u, v, strokeDash=alt.StrokeDash("kind:N", scale=dash, legend=alt.Legend(title=None))
        )
    )


def dot(table: pd.DataFrame) -> dict[str, Any]:
    """How a model is drawn: a filled dot, or one shape per group where the table has groups."""
    return {"size": 38, "filled": True, **({} if "group" in table else {"style": "dot"})}


def by_group(table: pd.DataFrame) -> dict[str, Any]:
    """Colour and shape by group, in order of appearance, where the table has groups."""
    if "group" not in table:
        return {}
    order = alt.Scale(domain=list(dict.fromkeys(table["group"])))
    return {
        "color": alt.Color("group:N", scale=order, title=None),
        "shape": alt.Shape("group:N", scale=order, title=None),
    }


def side_by_side(
    *charts: Any, title: str, description: str, subtitle: str = "", columns: int | None = None
) -> Figure:
    """Figures in a row (made with a `width` that lets them stand there); a column where narrow."""
    inner = []
    for chart in charts:
        chart = chart.copy(deep=False)
        chart.autosize, chart.description = alt.Undefined, alt.Undefined
        inner.append(chart.properties(width=chart.width - 64))  # 64: the room an axis takes
    row = alt.concat(*inner, columns=columns or len(inner), spacing=16)
    return dress(row, title, description, subtitle)


def robustness_scatter(
    table: pd.DataFrame,
    band: pd.DataFrame,
    *,
    title: str,
    description: str,
    subtitle: str = "",
    x_title: str = "ID accuracy",
    y_title: str = "Effective robustness (points)",
    labels: int = 6,
    width: int = WIDTH,
    height: int = 360,
) -> Figure:
    """Effective robustness in points against ID accuracy, with the testbed's 95 % band.

    table: columns model, id, er, low, high [, group]; band: x, low, high; all as fractions.
    The `labels` models farthest outside the band are named, as far as names do not collide.
    """
    points = table.assign(**{c: 100 * table[c] for c in ("er", "low", "high")})
    strip = band.assign(low=100 * band["low"], high=100 * band["high"])
    axis = fraction_axis(np.concatenate([table["id"], band["x"]]), "linear", x_title)
    x, y = alt.X("id:Q", **axis), alt.Y("er:Q", title=y_title)
    data = inline(points, ["model", "id", "er", "low", "high", *present(table, "group")])
    tip = [alt.Tooltip("model:N", title="model"), alt.Tooltip("id:Q", format=".1%", title=x_title)]
    tip += [alt.Tooltip(f"{f}:Q", format="+.2f", title=t)
            for f, t in (("er", "points"), ("low", "  95% from"), ("high", "  to"))]  # fmt: skip
    base = alt.Chart(data)
    area = alt.Chart(inline(strip, ["x", "low", "high"])).mark_area(style="band")
    layers: list[Any] = [
        area.encode(alt.X("x:Q", **axis), alt.Y("low:Q", title=y_title), y2="high:Q"),
        rule(0.0, "zero"),
        base.mark_rule(style="interval").encode(x, alt.Y("low:Q"), y2="high:Q"),
        base.mark_point(**dot(table)).encode(x, y, tooltip=tip, **by_group(table)),
    ]
    named = _named(points, strip, labels)
    if len(named):
        text = alt.Chart(inline(named, ["model", "id", "er", "side"]))
        for side, dx in (("left", 7), ("right", -7)):
            layers.append(
                text.transform_filter(alt.datum.side == side)
                .mark_text(style="note", align=side, dx=dx, baseline="middle")  # type: ignore[arg-type]
                .encode(x, y, text="model:N")
            )
    chart = alt.layer(*layers).properties(width=width, height=height)
    return dress(chart, title, description, subtitle, width)


def rule(value: float, style: str) -> alt.Chart:
    """A horizontal rule at one value."""
    return alt.Chart(alt.InlineData(values=[{}])).mark_rule(style=style).encode(y=alt.datum(value))


def _named(points: pd.DataFrame, strip: pd.DataFrame, count: int) -> pd.DataFrame:
    """The models farthest outside the band whose names keep clear of one another."""
    strip = strip.sort_values("x")
    low, high = (np.interp(points["id"], strip["x"], strip[c]) for c in ("low", "high"))
    outside = np.maximum(points["er"] - high, low - points["er"])
    ranked = points.assign(outside=outside)[outside > 0].sort_values("outside", ascending=False)
    span = max(np.ptp(points[["er", "low", "high"]].to_numpy()), 1e-9)
    middle = (points["id"].min() + points["id"].max()) / 2
    kept: list[Any] = []
    for row in ranked.itertuples():
        if len(kept) < count and all(abs(row.er - k.er) > 0.06 * span for k in kept):
            kept.append(row)
    named = pd.DataFrame(kept, columns=["Index", *ranked.columns])
    return named.assign(side=np.where(named["id"] < middle, "left", "right"))


def residual_plot(
    table: pd.DataFrame,
    *,
    title: str,
    description: str,
    subtitle: str = "",
    x_title: str = "ID accuracy",
    y_title: str = "Observed − expected (points)",
    width: int = WIDTH,
    height: int = 220,
) -> Figure:
    """Residuals against ID accuracy, one panel per scale, all on one vertical axis.

    table: columns model, id, residual (observed − expected OOD accuracy, a fraction), scale (the
    panel's heading, in order of appearance) [, group].
    """
    points = table.assign(residual=100 * table["residual"])
    heads = list(dict.fromkeys(table["scale"]))
    reach = 1.08 * max(points["residual"].abs().max(), 1e-6)
    axis = fraction_axis(table["id"].to_numpy(), "linear", x_title)
    axis["axis"].tickCount = 4  # type: ignore[union-attr]
    panels = []
    for head in heads:
        y = alt.Y("residual:Q", title=y_title if head == heads[0] else None,
                  scale=alt.Scale(domain=[-reach, reach], nice=False))  # fmt: skip
        data = inline(points[points["scale"] == head], ["model", "id", "residual"])
        tip = ["model:N", alt.Tooltip("id:Q", format=".1%", title=x_title),
               alt.Tooltip("residual:Q", format="+.2f", title="points")]  # fmt: skip
        dots = alt.Chart(data).mark_point(size=30, filled=True, style="dot")
        panel = alt.layer(rule(0.0, "zero"), dots.encode(alt.X("id:Q", **axis), y, tooltip=tip))
        inner = (width - 60) // len(heads) - 44
        panels.append(panel.properties(width=inner, height=height, title=head))
    return dress(alt.concat(*panels, columns=len(heads)), title, description, subtitle)
