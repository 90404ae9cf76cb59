"""Pictures in a plane: points that show their image, and galleries of a group the reader chooses.

The page carries every picture once, in galleries by choice and group, and a drawing of the plane.
`book/_static/explorer.js` joins the two: a pointer over the plane, or a key in a gallery, shows
the picture large with its words and rings its point. Without JavaScript the drawing shows the
words as tooltips, and all galleries are below each other.
"""

import io
from base64 import b64encode
from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image

from nbcore.charts.galleries import MAX_BYTES, Gallery, checked, gallery
from nbcore.charts.renderer import check
from nbcore.charts.theme import DARK, LIGHT
from nbcore.errors import DataError, ParameterError
from nbcore.text import escape, plain

COLUMNS = ("x", "y", "series", "choice", "group", "caption", "words")
#: the drawing's own units: width, height, and the room for axes at left and bottom
WIDE, TALL, LEFT, BOTTOM, EDGE = 480, 400, 52, 46, 12
#: series by order of appearance: a ring and a cross differ without colour too
MARKS = (
    '<circle class="nbx-a" data-i="{i}" cx="{x:.1f}" cy="{y:.1f}" r="4">'
    "<title>{t}</title></circle>",
    '<path class="nbx-b" data-i="{i}" d="M{x:.1f} {y:.1f}m-3.5-3.5l7 7m0-7l-7 7">'
    "<title>{t}</title></path>",
)

STYLE = """<style>
.nbexplorer{margin:1rem 0;max-width:100%;--a:#LA;--b:#LB;--faint:#8a8f98}
html[data-theme=dark] .nbexplorer{--a:#DA;--b:#DB}
.nbexplorer>figcaption{font-weight:600;margin:0 0 .2rem;padding:0;text-align:left;color:inherit}
.nbx-note{font-size:.9rem;margin:0 0 .5rem}
.nbx-top{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}
.nbx-plane{flex:1 1 300px;max-width:480px;min-width:0;height:auto;font:14px system-ui,sans-serif}
.nbx-plane text{fill:currentColor}.nbx-plane line{stroke:var(--faint);stroke-width:1}
.nbx-a{fill:none;stroke:var(--a);stroke-width:1.6}.nbx-b{fill:none;stroke:var(--b);stroke-width:2}
.nbx-dim{opacity:.22}.nbx-ring{fill:none;stroke:currentColor;stroke-width:2.5}
.nbx-panel{flex:1 1 170px;min-height:9rem;max-width:300px;font-size:.9rem}
.nbx-panel img{width:128px;height:auto;image-rendering:pixelated;border-radius:4px;display:block;
margin:0 0 .4rem;filter:none!important;background:none!important}
.nbx-panel p{margin:.1rem 0}
.nbx-choose{display:flex;flex-wrap:wrap;gap:.3rem .8rem;align-items:center;margin:.8rem 0 .4rem}
.nbx-choose select{font:inherit;min-height:2.25rem;max-width:100%;padding:.25rem .5rem;
color:inherit;background:var(--pst-color-surface,transparent);border:1px solid var(--faint);
border-radius:4px}
.nbx-choose small{flex-basis:100%}
.nbx-class>summary{cursor:pointer;font-weight:600;padding:.2rem 0}
.nbx-live .nbx-class>summary{display:none}
.nbx-name{margin:.5rem 0 .3rem;font-size:.92rem}
.nbx-row{display:flex;flex-wrap:wrap;gap:8px}
.nbx-thumb{margin:0!important;padding:2px!important;width:72px;text-align:center;border-radius:4px}
.nbx-thumb img{display:block;width:64px;margin:0 auto;height:auto;image-rendering:pixelated;
border-radius:3px;filter:none!important;background:none!important}
.nbx-thumb figcaption{margin:2px 0 0;padding:0;font-size:.68rem;line-height:1.2;color:inherit;
overflow-wrap:anywhere;text-align:center}
.nbx-live .nbx-thumb{cursor:pointer}
.nbx-thumb:focus-visible,.nbx-choose select:focus-visible{outline:3px solid var(--a);
outline-offset:1px}
.nbx-thumb[aria-selected=true]{box-shadow:0 0 0 2px currentColor}
</style>"""


def explorer(
    table: pd.DataFrame,
    images: np.ndarray,
    *,
    x_title: str,
    y_title: str,
    choose: str,
    groups: Sequence[str],
    title: str,
    description: str,
) -> Gallery:
    """Draw a plane of pictures with galleries by choice and group.

    table: one row a picture, columns x, y (numbers), series (at most two, each with its own mark),
    choice (what the reader chooses among, say the class), group (a row of a gallery), caption
    (under the picture) and words (its facts, joined by "; ", for tooltip, panel and screen reader).
    images: (n, height, width, 1 or 3) uint8; choose: what `choice` is called; groups: their order.
    DataError for other tables or images, ParameterError for more than the page can carry.
    """
    check(title, description)
    if missing := [c for c in COLUMNS if c not in table]:
        raise DataError(f"The pictures' table lacks {', '.join(missing)}; add it.")
    pictures = checked(images, list(table["caption"]), list(table["group"]))
    series = list(dict.fromkeys(table["series"]))
    if len(series) > len(MARKS) or not np.isfinite(table[["x", "y"]].to_numpy(float)).all():
        raise DataError(
            f"A plane has finite places and at most {len(MARKS)} series, and this one has "
            f"{len(series)}; leave out pictures without a place."
        )
    rows = table.reset_index(drop=True)
    key = " · ".join(f"{sign} {escape(name)}" for sign, name in zip("○×", series, strict=False))
    markup = (
        f'{_style()}<figure class="nbexplorer" aria-label="{escape(description)}">'
        f'<figcaption>{escape(title)}</figcaption><p class="nbx-note">{key}</p>'
        f'<div class="nbx-top">{_plane(rows, series, x_title, y_title, description)}</div>'
        f'<div class="nbx-groups" data-choose="{escape(choose)}">'
        f"{_galleries(rows, pictures, groups)}</div></figure>"
    )
    if len(markup) > MAX_BYTES:
        raise ParameterError(
            f"The pictures would take {len(markup) / 1e6:.1f} MB of the page's 2 MB; show fewer or "
            "smaller ones."
        )
    few = _one_each(rows, groups)
    sheet = gallery(
        images[few],
        list(rows["caption"][few]),
        list(rows["group"][few]),
        title=title,
        description=description,
    ).sheet
    return Gallery(markup, sheet, "\n".join(map(plain, [title, description, *rows["words"]])))


def _style() -> str:
    colours = {"#LA": LIGHT, "#LB": LIGHT, "#DA": DARK, "#DB": DARK}
    out = STYLE
    for place, palette in colours.items():
        out = out.replace(place, "#" + palette.split()[place.endswith("B")])
    return out


def _plane(
    rows: pd.DataFrame, series: list[str], x_title: str, y_title: str, description: str
) -> str:
    """Draw the plane: axes with a few numbers, one mark a picture."""
    spans = [(float(rows[c].min()), float(rows[c].max())) for c in "xy"]
    sizes = [(LEFT + EDGE, WIDE - EDGE), (TALL - BOTTOM - EDGE, EDGE)]

    def at(value: float, axis: int) -> float:
        (low, high), (start, end) = spans[axis], sizes[axis]
        return start + (value - low) / ((high - low) or 1) * (end - start)

    foot = TALL - BOTTOM
    parts = [
        f'<line x1="{LEFT}" y1="{foot}" x2="{WIDE}" y2="{foot}"/>',
        f'<line x1="{LEFT}" y1="0" x2="{LEFT}" y2="{foot}"/>',
    ]
    for axis, span in enumerate(spans):
        for tick in _ticks(*span):
            place, text = at(tick, axis), f"{tick:g}"
            x, y = (place, foot + 17) if axis == 0 else (LEFT - 7, place + 4)
            anchor = "middle" if axis == 0 else "end"
            parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDE) / 2}" y="{TALL - 6}" text-anchor="middle">'
        f"{escape(x_title)}</text>"
    )
    parts.append(
        f'<text transform="translate(14 {foot / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_title)}</text>"
    )
    points = rows[["x", "y"]].to_numpy(float)
    for i, (x, y) in enumerate(points):
        mark = MARKS[series.index(rows["series"][i])]
        parts.append(mark.format(i=i, x=at(x, 0), y=at(y, 1), t=escape(rows["words"][i])))
    return (
        f'<svg class="nbx-plane" viewBox="0 0 {WIDE} {TALL}" width="{WIDE}" height="{TALL}" '
        f'role="img" aria-label="{escape(description)}">{"".join(parts)}'
        '<circle class="nbx-ring" r="9" visibility="hidden"/></svg>'
    )


def _ticks(low: float, high: float) -> list[float]:
    """Choose a few round numbers between two ends."""
    if low == high:
        return [low]
    step = 10 ** np.floor(np.log10(high - low))
    while (high - low) / step < 4:
        step /= 2
    first = int(np.ceil(low / step - 1e-9))
    return [k * step for k in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _galleries(rows: pd.DataFrame, pictures: list, groups: Sequence[str]) -> str:
    out: list[str] = []
    for choice in dict.fromkeys(rows["choice"]):
        own = rows[rows["choice"] == choice]
        blocks = []
        for group in groups:
            cells = [
                _cell(pictures[i], i, str(own["caption"][i]), str(own["words"][i]))
                for i in own.index[own["group"] == group]
            ]
            if cells:
                blocks.append(
                    f'<p class="nbx-name">{escape(group)}</p>'
                    f'<div class="nbx-row">{"".join(cells)}</div>'
                )
        state = "" if out else " open"
        out.append(
            f'<details class="nbx-class"{state}><summary>{escape(choice)}</summary>'
            f"{''.join(blocks)}</details>"
        )
    return "".join(out)


def _cell(picture: Image.Image, i: int, caption: str, words: str) -> str:
    """Draw a thumbnail: grey pictures as PNG, photographs as WebP, a quarter of a PNG's bytes."""
    out, grey = io.BytesIO(), picture.mode == "L"
    if grey:
        picture.save(out, "PNG", optimize=True)
    else:
        picture.save(out, "WEBP", quality=90, method=6)
    tall = round(64 * picture.height / picture.width)
    return (
        f'<figure class="nbx-thumb" data-i="{i}"><img alt="{escape(words)}" width="64" '
        f'height="{tall}" src="data:image/{"png" if grey else "webp"};base64,'
        f'{b64encode(out.getvalue()).decode()}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def _one_each(rows: pd.DataFrame, groups: Sequence[str]) -> list[int]:
    """Choose pictures for print: of every group the first picture of each choice."""
    first = rows.groupby(["group", "choice"], sort=False).head(1)
    order = {g: i for i, g in enumerate(groups)}
    return list(first.sort_values("group", key=lambda g: g.map(order), kind="stable").index)
