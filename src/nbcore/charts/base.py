"""What the figure functions share: lean data, axes in percent or logits, titles that wrap."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from nbcore.charts.renderer import check
from nbcore.charts.theme import WIDTH
from nbcore.errors import DataError, ParameterError

Figure = alt.Chart | alt.LayerChart | alt.ConcatChart | alt.VConcatChart
Scale = Literal["linear", "logit"]
EDGE = 0.001  # a logit axis shows accuracies of 0 and 1 at this distance from the end
TICKS = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
FINE_TICKS = (*TICKS, 0.005, 0.02, 0.15, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.85, 0.93, 0.97, 0.98)


def inline(table: pd.DataFrame, columns: Iterable[str], digits: int = 4) -> alt.InlineData:
    """The named columns as CSV text, numbers rounded: half the bytes of a list of records."""
    columns = list(columns)
    missing = [c for c in columns if c not in table]
    if missing:
        raise DataError(
            f"A table with the columns {', '.join(columns)} was expected, "
            f"{', '.join(missing)} is missing; rename or compute it."
        )
    frame = table[columns].round(digits)
    numbers = {c: "number" for c in columns if pd.api.types.is_numeric_dtype(frame[c])}
    text = frame.to_csv(index=False, lineterminator="\n")
    return alt.InlineData(values=text, format=alt.CsvDataFormat(type="csv", parse=numbers))


def present(table: pd.DataFrame, *columns: str) -> list[str]:
    """Those of the optional columns that the table has."""
    return [c for c in columns if c in table]


def dress(chart: Any, title: str, description: str, subtitle: str = "", width: int = WIDTH) -> Any:
    """Give a figure its title (wrapped for `width` px), subtitle and description."""
    check(title, description)
    params: dict[str, Any] = {"text": wrap(title, width / 8)}
    if subtitle:
        params["subtitle"] = wrap(subtitle, width / 6.6)
    if isinstance(chart, alt.Chart | alt.LayerChart):  # the whole figure, axes included, fits
        chart = chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    return chart.properties(title=alt.TitleParams(**params), description=description)


def wrap(text: str, chars: float) -> list[str]:
    return textwrap.wrap(text, int(chars)) or [""]


def onto(field: str, scale: Scale) -> str:
    """Vega expression that places the fraction in `field` on an axis of this scale."""
    if scale == "linear":
        return f"datum.{field}"
    if scale != "logit":
        raise ParameterError(f"scale must be 'linear' or 'logit', got {scale!r}; choose one.")
    p = f"clamp(datum.{field},{EDGE},{1 - EDGE})"
    return f"log({p}/(1-{p}))"


def fraction_axis(
    values: Sequence[float] | np.ndarray, scale: Scale, title: str
) -> dict[str, alt.Scale | alt.Axis]:
    """Scale and axis (tick labels in percent) that hold these fractions with a little room."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = max(0.03 * (high - low), 1e-3)
    if scale == "linear":
        domain = [max(low - room, -room), min(high + room, 1 + room)]
        axis = alt.Axis(format="~%", title=title, tickCount=6)
    else:
        ends = logit(np.array([low, high]))
        room = 0.03 * (ends[1] - ends[0])
        domain = [float(ends[0] - room), float(ends[1] + room)]
        axis = alt.Axis(
            values=_ticks(domain),
            title=title,
            labelExpr="format(round(1e4/(1+exp(-datum.value)))/1e4,'~%')",
        )
    return {"scale": alt.Scale(domain=domain, nice=False, zero=False), "axis": axis}


def logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, EDGE, 1 - EDGE)
    return np.log(p / (1 - p))


def _ticks(domain: list[float]) -> list[float]:
    def inside(marks: Iterable[float]) -> list[float]:
        return [float(t) for t in logit(np.array(sorted(marks))) if domain[0] <= t <= domain[1]]

    few = inside(TICKS)
    return [round(t, 4) for t in (few if len(few) >= 4 else inside(FINE_TICKS))]
