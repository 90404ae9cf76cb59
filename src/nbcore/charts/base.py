"""What the figure functions share: lean data, axes in percent or logits, titles that wrap."""

import textwrap
from collections.abc import Iterable
from typing import Any, Literal, TypedDict

import altair as alt
import numpy as np
import pandas as pd

from nbcore.charts.renderer import check
from nbcore.charts.theme import WIDTH
from nbcore.errors import DataError, ParameterError
from nbcore.text import typeset

Figure = alt.Chart | alt.LayerChart | alt.ConcatChart | alt.VConcatChart
Scale = Literal["linear", "logit"]
#: px a letter takes at most in a legend, a title and a subtitle, in the widest of the usual fonts
LETTER, BOLD, SMALL = 7.6, 9.2, 7.4
EDGE = 0.001  # a logit axis shows accuracies of 0 and 1 at this distance from the end
# percent, on logit axes: the first ones come first, later ones where there is room
TICKS = (50, 25, 75, 10, 90, 5, 95, 1, 99, 80, 20, 70, 30, 85, 60, 40, 97, 93, 15, 98, 2)
NOTHING = alt.InlineData(values=[{}])  # for marks at a constant


class Look(TypedDict, total=False):
    """Keywords of every figure; title and description are required, sizes are in px."""

    title: str
    description: str
    subtitle: str
    width: int
    height: int


def dress(chart: Any, tall: int = 0, **look: Any) -> Any:
    """Give a figure its titles and description and, with `tall` as usual height, its size."""
    title, description = (typeset(look.pop(key, "")) for key in ("title", "description"))
    check(title, description)
    width, height = look.pop("width", WIDTH), look.pop("height", tall)
    texts: Any = {"text": textwrap.wrap(title, int(width / BOLD))}
    if subtitle := typeset(look.pop("subtitle", "")):
        texts["subtitle"] = textwrap.wrap(subtitle, int(width / SMALL))
    if look:
        raise ParameterError(f"No figure knows the keyword {', '.join(look)}; leave it out.")
    size = {"width": width, "height": height} if tall else {}
    return chart.properties(title=alt.TitleParams(**texts), description=description, **size)


def inline(table: pd.DataFrame, columns: str, optional: str = "") -> alt.InlineData:
    """Write the columns as CSV text with numbers to 5 decimals: half the bytes of records."""
    if missing := [c for c in columns.split() if c not in table]:
        raise DataError(
            f"A table with the columns {', '.join(columns.split())} was expected, "
            f"{', '.join(missing)} is missing; rename or compute it."
        )
    frame = table[columns.split() + [c for c in optional.split() if c in table]].round(5)
    numbers = {str(c): "number" for c in frame if pd.api.types.is_numeric_dtype(frame[c])}
    text = frame.to_csv(index=False, lineterminator="\n")
    return alt.InlineData(values=text, format=alt.CsvDataFormat(type="csv", parse=numbers))


def tips(table: pd.DataFrame, *fields: tuple[str, ...]) -> list[alt.Tooltip]:
    """Make tooltips (field, words[, number format]) for those fields that the table has."""
    return [
        alt.Tooltip(f"{f}:{'Q' if fmt else 'N'}", title=words, format="".join(fmt))
        for f, words, *fmt in fields
        if f in table
    ]


def interval(field: str, words: str, fmt: str, stem: str = "") -> Any:
    """Describe three tooltips: a value and the ends of its interval."""
    return (field, words, fmt), (f"{stem}low", "  95% from", fmt), (f"{stem}high", "  to", fmt)


def onto(field: str, scale: Scale) -> str:
    """Write the Vega expression that places the fraction in `field` on an axis of this scale."""
    if scale not in ("linear", "logit"):
        raise ParameterError(f"scale must be 'linear' or 'logit', got {scale!r}; choose one.")
    p = f"clamp(datum.{field},{EDGE},{1 - EDGE})"
    return f"datum.{field}" if scale == "linear" else f"log({p}/(1-{p}))"


def axis(values: Any, title: str, scale: Scale = "linear", count: int = 6) -> dict[str, Any]:
    """Make a scale and axis (labels in percent) that hold these fractions with a little room."""
    ends = np.array([np.nanmin(values), np.nanmax(values)])
    ticks: dict[str, Any] = {"format": "~%", "tickCount": count}
    if scale == "logit":
        p, marks = np.clip(ends, EDGE, 1 - EDGE), np.array(TICKS) / 100
        ends, kept = np.log(p / (1 - p)), list[float]()
        for t in np.log(marks / (1 - marks)).round(4):
            if ends[0] <= t <= ends[1] and all(abs(t - k) > 0.13 * np.ptp(ends) for k in kept):
                kept.append(float(t))
        ticks = {"values": kept, "labelExpr": "format(round(1e3/(1+exp(-datum.value)))/1e3,'~%')"}
    room = max(0.03 * np.ptp(ends), 1e-3)
    domain = [float(ends[0] - room), float(ends[1] + room)]
    return {"scale": alt.Scale(domain=domain, nice=False), "axis": alt.Axis(title=title, **ticks)}


def beside(n: int, width: int = WIDTH) -> tuple[int, int]:
    """Choose columns for n panels (up to 3 side by side, else 2) and a panel's inner width, px."""
    columns = n if n <= 3 else 2
    return columns, (width - 16 * (columns - 1)) // columns - 58  # 58: an axis


def in_columns(figure: Any, labels: Iterable[Any], width: int = WIDTH) -> Any:
    """Put a figure's legend in as many columns as fit, if one line would be too long.

    On a narrow page the reader's view still stacks it.
    """
    sizes = [LETTER * len(str(label)) + 38 for label in labels]  # 38: the symbol and its padding
    if sum(sizes) <= width:
        return figure
    return figure.configure_legend(columns=max(int(width // max(sizes)), 1))


def rule(value: float) -> alt.Chart:
    """Draw a dashed horizontal rule."""
    return alt.Chart(NOTHING).mark_rule(style="zero").encode(y=alt.datum(value))


def words(chart: alt.Chart, **mark: Any) -> list[alt.Chart]:
    """Draw text that stays readable where it crosses lines: first its halo, then the text."""
    return [chart.mark_text(style=style, **mark) for style in ("halo", "note")]
