"""Page through accuracy profiles of single images."""

from typing import Any, Unpack

import altair as alt
import pandas as pd

from nbcore.charts.base import Figure, Look, dress, inline, tips


def profile_pager(
    profiles: pd.DataFrame,
    answers: pd.DataFrame,
    models: pd.DataFrame,
    *,
    kind: str,
    **look: Unpack[Look],
) -> Figure:
    """Draw one image at a time: its profile over model accuracy, and each model's answer.

    profiles: columns kind, number (from 1 within a kind), x, y; answers: kind, number, words (about
    the image), bits (a text of r for right and w for wrong, by model); models: model, x. A menu
    picks the kind, a slider the image.
    """
    kinds = list(dict.fromkeys(profiles["kind"]))
    most = int(profiles["number"].max())
    picked = alt.param(
        "profile", value=kind, bind=alt.binding_select(options=kinds, name="Profile")
    )
    number = alt.param(
        "image", value=1, bind=alt.binding_range(min=1, max=most, step=1, name="Image")
    )
    here = "datum.kind == profile && datum.number == image"
    u: Any = alt.X("x:Q", title="accuracy of the model on all images", axis=alt.Axis(format="~%"))
    u = u.scale(zero=False, nice=False, padding=8)
    v: Any = alt.Y("y:Q", title="share of models that are right", axis=alt.Axis(format="~%"))
    v = v.scale(domain=[0, 1])
    lines = alt.Chart(inline(profiles, "kind number x y")).transform_filter(here)
    cells = inline(answers, "kind number words bits")  # a text per image: a twentieth of the bytes
    known = inline(models.assign(j=range(len(models))), "j model x")
    asked = alt.Chart(cells).transform_filter(here)
    dots = (
        asked.transform_calculate(bit="split(datum.bits,'')", j=f"sequence({len(models)})")
        .transform_flatten(["bit", "j"])
        .transform_lookup("j", alt.LookupData(known, "j", ["model", "x"]))
        .transform_calculate(right="datum.bit == 'r' ? 1 : 0")
    )
    tip = ("model", "model"), ("x", "accuracy", ".1%"), ("right", "right", "d")
    layers: list[Any] = [
        dots.mark_tick(thickness=1.5, opacity=0.6, orient="vertical", size=12).encode(
            u, alt.Y("right:Q"), tooltip=tips(models.assign(right=0), *tip)
        ),
        lines.mark_line(strokeWidth=2).encode(u, v),
        lines.mark_point(filled=True, size=50, opacity=1).encode(u, v),
        asked.mark_text(style="note", align="left", baseline="bottom").encode(
            x=alt.value(8), y=alt.value(-6), text="words:N"
        ),
    ]
    return dress(alt.layer(*layers).add_params(picked, number), 300, **look)
