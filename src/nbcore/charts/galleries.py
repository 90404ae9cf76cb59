"""Galleries: small images in named groups, each with a caption and a text for screen readers."""

import io
import textwrap
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nbcore.charts.renderer import check
from nbcore.errors import DataError, ParameterError
from nbcore.text import escape, plain

#: a page stays under 2 MB, and a 32-pixel photograph takes about 3.5 kB as text
MOST = 500
MAX_BYTES = 1_500_000

# Colours come from the page ("currentcolor"), so that a gallery needs no second version for dark
# mode; sides are in px, and a row breaks where the column is narrower than its images.
STYLE = """<style>
.nbgallery{margin:1rem 0;max-width:100%}
.nbgallery>figcaption{font-weight:600;margin:0 0 .6rem;text-align:left}
.nbgallery-group{margin:.5rem 0 .9rem}
.nbgallery-name{margin:0 0 .3rem;font-size:.92rem}
.nbgallery-row{display:flex;flex-wrap:wrap;gap:8px;max-width:var(--nbgallery-width)}
.nbgallery-row figure{margin:0!important;padding:0!important;
width:var(--nbgallery-size);text-align:center}
.nbgallery-row img{display:block;width:100%;height:auto;image-rendering:pixelated;
border-radius:3px;filter:none!important;background:none!important}
.nbgallery-row figcaption{margin:2px 0 0;padding:0;font-size:.72rem;line-height:1.2;
color:inherit;overflow-wrap:break-word;hyphens:auto;text-align:center}
</style>"""


@dataclass(frozen=True)
class Gallery:
    """Images that display themselves: HTML on the page, a PNG sheet in the PDF, text elsewhere."""

    markup: str
    sheet: bytes
    text: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        picture = b64encode(self.sheet).decode()
        return {"text/html": self.markup, "image/png": picture, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def gallery(
    images: np.ndarray,
    captions: Sequence[str],
    groups: Sequence[str],
    *,
    title: str,
    description: str,
    columns: int = 10,
    size: int = 56,
) -> Gallery:
    """Show images in rows by group, in the order given, enlarged without smoothing.

    images: (n, height, width, channel) uint8 with 1 or 3 channels; captions, groups: (n,) texts, a
    caption under each image and the name of its row; columns: at most this many images side by side
    (fewer where the page is narrow); size: of a shown image in px. `title` states the finding,
    `description` says what can be seen.
    DataError for images of another form, unequal numbers, none or more than 500 images.
    """
    check(title, description)
    title, description = plain(title), plain(description)
    captions, groups = [plain(c) for c in captions], [plain(g) for g in groups]
    pictures = checked(images, captions, groups)
    order = list(dict.fromkeys(groups))
    rows = {g: [i for i, name in enumerate(groups) if name == g] for g in order}
    width = columns * (size + 8)
    blocks = "".join(
        f'<div class="nbgallery-group"><p class="nbgallery-name">{escape(g)}</p>'
        '<div class="nbgallery-row">'
        + "".join(_cell(pictures[i], captions[i], g, size) for i in rows[g])
        + "</div></div>"
        for g in order
    )
    markup = (
        f'{STYLE}<figure class="nbgallery" aria-label="{escape(description)}" '
        f'style="--nbgallery-size:{size}px;--nbgallery-width:{width}px">'
        f"<figcaption>{escape(title)}</figcaption>{blocks}</figure>"
    )
    if len(markup) > MAX_BYTES:
        raise ParameterError(
            f"The gallery would take {len(markup) / 1e6:.1f} MB of the page's 2 MB; show fewer or "
            "smaller images."
        )
    said = (f"{g}: {', '.join(captions[i] for i in rows[g])}" for g in order)
    return Gallery(
        markup,
        _sheet(pictures, captions, rows, title, columns, size),
        "\n".join([title, description, *said]),
    )


def checked(images: np.ndarray, captions: Sequence[str], groups: Sequence[str]) -> list:
    """Check the images and convert them to PIL pictures."""
    array = np.asarray(images)
    if array.ndim != 4 or array.dtype != np.uint8 or array.shape[-1] not in (1, 3):
        raise DataError(
            "A gallery takes uint8 images (n, height, width, 1 or 3), got "
            f"{array.dtype} {array.shape}; convert them."
        )
    if not len(array) == len(captions) == len(groups):
        raise DataError(
            f"{len(array)} images need as many captions and groups, got {len(captions)} and "
            f"{len(groups)}; give one of each per image."
        )
    if not 0 < len(array) <= MOST:
        raise DataError(f"A gallery shows 1 to {MOST} images, got {len(array)}; choose some.")
    return [Image.fromarray(x[..., 0] if x.shape[-1] == 1 else x) for x in array]


def _cell(picture: Image.Image, caption: str, group: str, size: int) -> str:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    alt = escape(f"{group}: {caption}")
    shown = round(size * picture.height / picture.width)
    return (
        f'<figure><img alt="{alt}" width="{size}" height="{shown}" '
        f'src="data:image/png;base64,{b64encode(out.getvalue()).decode()}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _sheet(
    pictures: list, captions: Sequence[str], rows: dict, title: str, columns: int, size: int
) -> bytes:
    """Draw all images on one white sheet, at twice the size, for print."""
    name, small = (ImageFont.load_default(s) for s in (22, 15))
    side, gap, line = 2 * size, 16, 18
    tall = max(round(side * p.height / p.width) for p in pictures)
    letters = max(side // 8, 4)
    wrapped = [textwrap.wrap(c, letters)[:3] for c in captions]
    cell = tall + line * max(map(len, wrapped), default=0) + gap
    wide = columns * (side + gap) + gap
    head = textwrap.wrap(title, wide // 12)
    lines = sum(-(-len(members) // columns) for members in rows.values())
    sheet = Image.new("RGB", (wide, 30 * len(head) + 20 + lines * cell + 40 * len(rows)), "white")
    pen, y = ImageDraw.Draw(sheet), 10
    for text in head:
        pen.text((gap, y), text, "black", name)
        y += 30
    for group, members in rows.items():
        pen.text((gap, y + 8), group, "black", name)
        y += 40
        for start in range(0, len(members), columns):
            for column, i in enumerate(members[start : start + columns]):
                x = gap + column * (side + gap)
                high = round(side * pictures[i].height / pictures[i].width)
                sheet.paste(pictures[i].resize((side, high), Image.Resampling.NEAREST), (x, y))
                for k, text in enumerate(wrapped[i]):
                    pen.text((x, y + tall + 2 + line * k), text, "black", small)
            y += cell
    out = io.BytesIO()
    sheet.quantize(128).save(out, "PNG", optimize=True)
    return out.getvalue()
