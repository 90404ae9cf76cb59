"""Figures of fine-tuning: effective robustness along in-distribution accuracy."""

from collections.abc import Sequence
from typing import Any, Unpack

import altair as alt
import pandas as pd

from nbcore.charts.base import Figure, Look, axis, dress, in_columns, inline, interval, rule, tips


def robustness_curves(
    table: pd.DataFrame,
    band: pd.DataFrame,
    models: pd.DataFrame,
    *,
    x_title: str = "ID accuracy",
    y_title: str = "Effective robustness (points)",
    series: Sequence[str] = (),
    **look: Unpack[Look],
) -> Figure:
    """Draw training runs as curves of effective robustness over ID accuracy, among the testbed.

    table: columns series, step, id, er, low, high, one row a checkpoint, in order; band: x, low,
    high, what chance leaves a model on the line; models: model, id, er. All as fractions. series:
    all that the page's figures have, so that one that is missing here leaves its colour free.
    """
    runs = table.assign(**{c: 100 * table[c] for c in ("er", "low", "high")})
    strip = band.assign(low=100 * band["low"], high=100 * band["high"])
    dots = models.assign(er=100 * models["er"])
    x = axis([*table["id"], *models["id"], *band["x"]], x_title)
    u, v, low = alt.X("id:Q", **x), alt.Y("er:Q", title=y_title), alt.Y("low:Q", title=y_title)
    shown = list(table["series"].unique())
    key: dict[str, Any] = {"legend": alt.Legend(title=None, symbolOpacity=1, values=shown)}
    order = alt.Scale(domain=list(series) or shown)
    lines = alt.Chart(inline(runs, "series step id er low high")).encode(
        u, alt.Color("series:N", scale=order, **key)
    )
    tip = ("series", "condition"), ("step", "step", ",d"), ("id", x_title, ".1%")
    points = lines.mark_point(filled=True, size=44).encode(
        v,
        alt.Shape("series:N", scale=order, **key),
        tooltip=tips(runs, *tip, *interval("er", "points", "+.1f")),
    )
    area = alt.Chart(inline(strip, "x low high")).mark_area(style="band")
    bed = alt.Chart(inline(dots, "model id er"))
    bed = bed.mark_point(filled=True, size=22, color="gray", opacity=0.7)
    own: Any = ("model", "testbed model"), ("id", x_title, ".1%"), ("er", "points", "+.1f")
    layers = [
        area.encode(alt.X("x:Q", **x), low, y2="high:Q"),
        rule(0),
        bed.encode(u, v, tooltip=tips(dots, *own)),
        lines.mark_rule(strokeOpacity=0.45).encode(low, y2="high:Q"),
        lines.mark_line(strokeWidth=2).encode(v, order="step:Q"),
        points,
    ]
    return in_columns(dress(alt.layer(*layers), 380, **look), shown)


def trade_off(
    table: pd.DataFrame,
    *,
    x_title: str = "final ID accuracy",
    y_title: str = "peak effective robustness (points)",
    **look: Unpack[Look],
) -> Figure:
    """Draw each condition's peak effective robustness against its end, with intervals both ways.

    table: columns kind (a sign, and a thin line through its rows in order), series (a colour), x,
    x_low, x_high, y, y_low, y_high; fractions, one row a condition.
    """
    names = ("y", "y_low", "y_high")
    rows = table.assign(**{c: 100 * table[c] for c in names}, order=range(len(table)))
    x = axis(table[["x_low", "x_high"]], x_title)
    u, v = alt.X("x:Q", **x), alt.Y("y:Q", title=y_title).scale(zero=False)
    columns = "kind series order x x_low x_high y y_low y_high"
    base = alt.Chart(inline(rows, columns))
    # signs of no series are grey: black ones would be lost on a dark page
    grey: Any = {"symbolFillColor": "gray", "symbolStrokeColor": "gray"}
    by: dict[str, Any] = {
        c: {
            "scale": alt.Scale(domain=list(dict.fromkeys(table[c]))),
            "legend": alt.Legend(title=None, symbolOpacity=1, **own),
        }
        for c, own in (("kind", grey), ("series", {}))
    }
    marks = base.encode(u, v, color=alt.Color("series:N", **by["series"]))
    tip = ("kind", "network"), ("series", "examples")
    tip += interval("x", x_title, ".1%", "x_") + interval("y", y_title, "+.1f", "y_")
    path = base.mark_line(strokeWidth=1, color="gray", opacity=0.6)
    layers = [
        path.encode(u, v, alt.Detail("kind:N"), alt.Order("order:Q")),
        marks.mark_rule(strokeOpacity=0.5).encode(alt.X("x_low:Q", **x), x2="x_high:Q"),
        marks.mark_rule(strokeOpacity=0.5).encode(alt.Y("y_low:Q", title=y_title), y2="y_high:Q"),
        marks.mark_point(filled=True, size=90, opacity=1).encode(
            shape=alt.Shape("kind:N", **by["kind"]), tooltip=tips(rows, *tip)
        ),
    ]
    figure = dress(alt.layer(rule(0), *layers), 380, **look)
    return in_columns(figure, [*table["kind"].unique(), *table["series"].unique()])
