"""Figures over all images: the dominance matrix, and how many models solve an image."""

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from nbcore.charts.base import Figure, dress, inline
from nbcore.charts.theme import WIDTH
from nbcore.errors import DataError


def heat_map(
    matrix: np.ndarray,
    labels: Sequence[str],
    *,
    accuracy: Sequence[float] | np.ndarray,
    title: str,
    description: str,
    subtitle: str = "",
    x_title: str = "lower model, by accuracy",
    y_title: str = "higher model, by accuracy",
    legend: str = "share of images",
    ticks: int = 6,
    width: int = WIDTH,
    height: int = 520,
) -> Figure:
    """A square matrix over models, sorted by accuracy: cell [i, j] is drawn at row i, column j.

    matrix: (m, m) fractions, such as the dominance matrix (i right, j wrong); labels, accuracy:
    (m,) names and fractions. The axes are ranks; a few of them carry the accuracy at that rank.
    """
    m = len(labels)
    if np.shape(matrix) != (m, m) or np.shape(accuracy) != (m,):
        raise DataError(
            f"A square matrix with one label and one accuracy per row was expected, got "
            f"{np.shape(matrix)}, {m} and {np.shape(accuracy)}; pass equal lengths."
        )
    order = np.argsort(accuracy, kind="stable")
    names, known = np.array(labels)[order], np.asarray(accuracy)[order]
    share = np.asarray(matrix)[np.ix_(order, order)]
    # one row of text per model instead of one record per cell: a fifth of the bytes
    cells = [" ".join(f"{v:.3f}"[1:] if v < 1 else "1" for v in row) for row in share]
    rows = pd.DataFrame({"i": range(m), "model": names, "acc": known, "cells": cells})
    data = inline(rows, ["i", "model", "acc", "cells"])
    match = alt.LookupData(data=inline(rows, ["i", "model", "acc"]), key="i",
                           fields=["model", "acc"])  # fmt: skip
    marks = [int(t) for t in np.linspace(0, m - 1, min(ticks, m)).round()]
    shown = {t: f"{100 * known[t]:.0f}%" for t in marks}
    axis = {"values": marks, "labelExpr": f"{shown}[datum.value]", "labelAngle": 0, "ticks": True}
    axis |= {"grid": False, "labelOverlap": False}
    tip = [alt.Tooltip("model:N", title="row"),
           alt.Tooltip("acc:Q", format=".1%", title="accuracy"),
           alt.Tooltip("other:N", title="column"),
           alt.Tooltip("other_acc:Q", format=".1%", title="accuracy"),
           alt.Tooltip("share:Q", format=".2%", title=legend)]  # fmt: skip
    chart = (
        alt.Chart(data)
        .transform_calculate(share="split(datum.cells,' ')", j=f"sequence({m})")
        .transform_flatten(["share", "j"])
        .transform_calculate(share="+datum.share")
        .transform_lookup("j", from_=match, as_=["other", "other_acc"])
        .mark_rect()
        .encode(
            alt.X("j:O", axis=alt.Axis(title=x_title, **axis), scale=alt.Scale(padding=0)),
            alt.Y("i:O", axis=alt.Axis(title=y_title, **axis), sort="descending"),
            alt.Color("share:Q", legend=alt.Legend(format="~%", title=legend, gradientLength=220)),
            tooltip=tip,
        )
        .properties(width=width, height=height)
    )
    return dress(chart, title, description, subtitle, width)


def solved_histogram(
    counts: Sequence[int] | np.ndarray,
    *,
    title: str,
    description: str,
    subtitle: str = "",
    y_scale: Literal["linear", "log"] = "log",
    x_title: str = "number of models that are right",
    y_title: str = "images",
    ends: tuple[str, str] = ("right for no model", "right for all"),
    width: int = WIDTH,
    height: int = 300,
) -> Figure:
    """How many images exactly k of m models solve; the two ends are marked with their counts.

    counts: (m + 1,) whole numbers, counts[k] = images that exactly k models get right.
    """
    counts = np.asarray(counts)
    m = len(counts) - 1
    rows = pd.DataFrame({"k": np.arange(m + 1), "images": counts})
    rows = rows.assign(left=rows["k"] - 0.45, right=rows["k"] + 0.45,
                       end=rows["k"].isin([0, m]).astype(int))  # fmt: skip
    floor = 0.7 if y_scale == "log" else 0
    top = float(counts.max()) * (2.2 if y_scale == "log" else 1.15)
    y = alt.Y("images:Q", title=y_title, axis=alt.Axis(format="~s", tickCount=5),
              scale=alt.Scale(type=y_scale, domain=[floor, top], nice=False))  # fmt: skip
    x = alt.X("left:Q", title=x_title, scale=alt.Scale(domain=[-1, m + 1], nice=False),
              axis=alt.Axis(grid=False))  # fmt: skip
    base = alt.Chart(inline(rows[rows["images"] > 0], ["k", "images", "left", "right", "end"]))
    tip = [alt.Tooltip("k:Q", title=x_title), alt.Tooltip("images:Q", format=",", title=y_title)]
    layers: list[Any] = [
        base.transform_filter(f"datum.end == {end}").mark_bar(style=style)
        .encode(x, y, x2="right:Q", y2=alt.datum(floor), tooltip=tip)
        for end, style in ((0, "count"), (1, "end"))
    ]  # fmt: skip
    for k, words, align in ((0, ends[0], "left"), (m, ends[1], "right")):
        note = pd.DataFrame({"left": [k], "images": [max(int(counts[k]), floor)],
                             "words": [f"{counts[k]:,} {words}"]})  # fmt: skip
        text = alt.Chart(inline(note, ["left", "images", "words"]))
        layers.append(
            text.mark_text(style="note", align=align, dy=-8, baseline="bottom")  # type: ignore[arg-type]
            .encode(x, y, text="words:N")
        )  # fmt: skip
    chart = alt.layer(*layers).properties(width=width, height=height)
    return dress(chart, title, description, subtitle, width)
