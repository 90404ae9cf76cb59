"""Figures of risks: paths of gradient descent over a loss, and a risk that the reader moves."""

from typing import Any, Unpack

import altair as alt
import numpy as np
import pandas as pd

from nbcore.charts.base import Figure, Look, dress, inline, tips
from nbcore.charts.theme import WIDTH


def descent_paths(
    table: pd.DataFrame,
    hessian: np.ndarray,
    truth: tuple[float, float],
    levels: tuple[float, ...],
    **look: Unpack[Look],
) -> Figure:
    """Draw paths of two weights over the ellipses of equal training loss around the truth.

    table: columns series, step, x, y, in order; hessian (2, 2) and levels of the loss
    (w - truth)ᵀ hessian (w - truth) / 2. The last point of a path is the filled one.
    """
    names, lines = list(table["series"].unique()), alt.Chart(inline(table, "series step x y"))
    reach = [table[["x", "y"]].to_numpy().min() - 0.2, table[["x", "y"]].to_numpy().max() + 0.2]
    u, v = (
        alt.X("x:Q", title="first weight").scale(domain=reach, nice=False),
        alt.Y("y:Q", title="second weight").scale(domain=reach, nice=False),
    )
    color: Any = alt.Color("series:N", scale=alt.Scale(domain=names), title=None)
    ends = alt.Chart(inline(table.groupby("series", sort=False).tail(1), "series step x y"))
    rings = alt.Chart(inline(_ellipses(hessian, truth, levels), "level step x y"))
    tip = ("series", "rate"), ("step", "steps", ",d"), ("x", "first", ".3f"), ("y", "second", ".3f")
    layers = [
        rings.mark_line(style="interval", clip=True).encode(u, v, detail="level:N", order="step:Q"),
        lines.mark_line(strokeWidth=1.5, clip=True).encode(u, v, color, order="step:Q"),
        ends.mark_point(filled=True, size=110, opacity=1).encode(
            u,
            v,
            color,
            alt.Shape("series:N", scale=alt.Scale(domain=names), title=None),
            tooltip=tips(table, *tip),
        ),
    ]
    return dress(alt.layer(*layers), 420, **look)


def _ellipses(hessian: np.ndarray, truth: tuple[float, float], levels: Any) -> pd.DataFrame:
    turn = np.linspace(0, 2 * np.pi, 73)
    circle = np.linalg.solve(np.linalg.cholesky(hessian).T, [np.cos(turn), np.sin(turn)])
    rows = []
    for level in levels:
        x, y = np.sqrt(2 * level) * circle + np.array(truth)[:, None]
        rows.append(pd.DataFrame({"level": level, "step": range(len(turn)), "x": x, "y": y}))
    return pd.concat(rows)


def risk_explorer(
    table: pd.DataFrame, *, sigma: float, d: int, ridge: float, ratio: float, **look: Unpack[Look]
) -> Figure:
    """Draw risk over examples, with noise, ridge, dimension and n for the reader to move.

    table: columns d, ridge (a share of d), ratio (n / d), bias (of a truth of norm 1) and variance
    (of noise of variance 1). The risk is bias + σ² variance; the curve of the best ridge of the
    table stands beside. sigma, d, ridge, ratio: what is shown first, and in the image.
    """
    known = {c: [float(v) for v in sorted(table[c].unique())] for c in ("d", "ridge", "ratio")}
    noise = alt.param("sigma", value=sigma, bind=_slider("Noise σ", 0, 1.5, 0.05))
    dims = alt.param("dimension", value=float(d), bind=_menu("Dimensions d", known["d"]))
    shrink = alt.param("shrink", value=ridge, bind=_menu("Ridge / d", known["ridge"]))
    place = alt.param("place", value=ratio, bind=_menu("n / d", known["ratio"]))
    rows = (
        alt.Chart(inline(table, "d ridge ratio bias variance"))
        .transform_filter("datum.d == dimension")
        .transform_calculate(
            risk="datum.bias + sigma * sigma * datum.variance", n="round(datum.ratio * datum.d)"
        )
    )
    u = alt.X("ratio:Q", title="examples over dimensions, n / d").scale(type="log", nice=False)
    v: Any = alt.Y("risk:Q", title="excess risk (‖β‖² = 1)").scale(domain=[0, 2.5], clamp=True)
    names = ["your ridge", "best ridge of the table"]
    color = alt.Color("series:N", scale=alt.Scale(domain=names), title=None)
    tip = ("ratio", "n / d", ".2f"), ("n", "n", "d"), ("risk", "risk", ".3f")
    shown = tips(table.assign(risk=0.0, n=0), *tip)
    own = rows.transform_filter("datum.ridge == shrink").transform_calculate(series=f"'{names[0]}'")
    best = rows.transform_aggregate(risk="min(risk)", groupby=["ratio", "n"])
    best = best.transform_calculate(series=f"'{names[1]}'")
    here = own.transform_filter("datum.ratio == place")
    text = here.transform_calculate(
        words="'n = ' + datum.n + ': risk ' + format(datum.risk, '.3f') + ' = bias ' + "
        "format(datum.bias, '.3f') + ' + variance ' + format(datum.risk - datum.bias, '.3f')"
    )
    layers: list[Any] = [
        best.mark_line(strokeWidth=2, strokeDash=[5, 4]).encode(u, v, color),
        own.mark_line(strokeWidth=2).encode(u, v, color),
        own.mark_point(filled=True, size=40).encode(u, v, color, tooltip=shown),
        here.mark_point(style="ring", size=160).encode(u, v),
        text.mark_text(style="note", align="left", baseline="top").encode(
            x=alt.value(8), y=alt.value(4), text="words:N"
        ),
    ]
    figure = alt.layer(*layers).add_params(noise, dims, shrink, place)
    return dress(figure, 320, **{"width": WIDTH, **look})


def _slider(name: str, low: float, high: float, step: float) -> alt.Binding:
    return alt.binding_range(min=low, max=high, step=step, name=name)


def _menu(name: str, values: list[float]) -> alt.Binding:
    return alt.binding_select(options=values, labels=[f"{v:g}" for v in values], name=name)
