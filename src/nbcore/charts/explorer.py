"""The interactive figure: pick a pretraining family and see which models leave the line."""

from typing import Any

import altair as alt
import pandas as pd

from nbcore.charts.base import Figure, dress, fraction_axis, inline
from nbcore.charts.lines import Predicts, fitted_lines, rule
from nbcore.charts.theme import WIDTH
from nbcore.errors import ParameterError


def family_explorer(
    table: pd.DataFrame,
    line: Predicts,
    *,
    family: str,
    title: str,
    description: str,
    subtitle: str = "",
    x_title: str = "ImageNet accuracy",
    y_title: str = "OOD accuracy",
    pick: str = "Pretraining",
    line_label: str = "fitted line",
    width: int = WIDTH,
) -> Figure:
    """All models in grey, one family in colour (a drop-down picks it), its ER in a panel below.

    table: columns model, family, id, ood, er (fractions). family: the one shown at first, and the
    one that the image without JavaScript shows. The model under the pointer is ringed in both
    panels. About 90 bytes per model.
    """
    sizes = table["family"].value_counts()
    if family not in sizes.index:
        raise ParameterError(
            f"The family shown first must be one of {', '.join(sizes.index)}, got {family!r}; "
            "choose one."
        )
    data = inline(table.assign(er=100 * table["er"]), ["model", "family", "id", "ood", "er"])
    menu = alt.binding_select(
        options=list(sizes.index), labels=[f"{f} ({n})" for f, n in sizes.items()], name=pick
    )
    chosen = alt.param("family", value=family, bind=menu)
    under = alt.selection_point(
        "under", fields=["model"], on="pointerover", clear="pointerout", empty=False
    )
    x = fraction_axis(table["id"].to_numpy(), "linear", x_title)
    y = fraction_axis(table["ood"].to_numpy(), "linear", y_title)
    tip = [
        alt.Tooltip("model:N"), alt.Tooltip("family:N", title=pick.lower()),
        alt.Tooltip("id:Q", format=".1%", title=x_title),
        alt.Tooltip("ood:Q", format=".1%", title=y_title),
        alt.Tooltip("er:Q", format="+.1f", title="ER (points)"),
    ]  # fmt: skip

    def models(u: alt.X, v: alt.Y) -> list[Any]:
        base = alt.Chart(data).encode(u, v, tooltip=tip)
        picked = base.transform_filter(alt.datum.family == chosen)
        ring = base.transform_filter(under).mark_point(size=110, style="ring")
        return [
            base.mark_point(size=20, filled=True, style="all").add_params(under),
            picked.mark_point(size=36, filled=True, style="picked"),
            ring,
        ]

    guide = fitted_lines(table, line, line_label, "linear", alt.X("u:Q", **x), alt.Y("v:Q", **y))
    upper = alt.layer(*models(alt.X("id:Q", **x), alt.Y("ood:Q", **y)), guide)
    lower = alt.layer(
        *models(alt.X("id:Q", **x), alt.Y("er:Q", title="ER (points)")), rule(0.0, "zero")
    )
    size = {"width": width - 64}
    chart = alt.vconcat(
        upper.properties(height=320, **size), lower.properties(height=170, **size), spacing=12
    ).add_params(chosen)
    return dress(chart, title, description, subtitle, width)
