"""How a figure reaches the page: an image for everyone, a live view where JavaScript runs.

HTML gets a `div.nbchart` with the image (its alt text is the chart's description) and the
Vega-Lite specification, which `book/_static/charts.js` turns into a live view; LaTeX gets a PNG;
plain text gets the description. Nothing is ever fetched.
"""

import html
import io
import json
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from PIL import Image

from nbcore.charts.theme import config
from nbcore.errors import ParameterError

VL_VERSION = "_".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
SVG_LIMIT = 100_000  # bytes; above, the page carries a PNG of 64 colours and draws on a canvas


def render(spec: dict[str, Any], **_: Any) -> dict[str, str]:
    """Altair renderer `nbcore`: a Vega-Lite specification → mime bundle (html, png, plain)."""
    title, description = spec.get("title") or "", str(spec.get("description") or "")
    check(title["text"] if isinstance(title, dict) else title, description)
    if "width" in spec:  # a single view: axes, legend and all take the width that was asked for
        spec = {**spec, "autosize": {"type": "fit-x", "contains": "padding"}}
    try:
        svg = vl_convert.vegalite_to_svg(spec, VL_VERSION, allowed_base_urls=[])
    except ValueError as error:
        message = "A chart must hold its data, this one names an address; load the table first."
        raise (ParameterError(message) if "data url" in str(error) else error) from None
    # 1/100 px is plenty, and in an image nothing reads classes and roles
    svg = re.sub(r' (?:class|role|aria-\w+)="[^"]*"|(?<=\.\d\d)\d+', "", svg)
    png = vl_convert.vegalite_to_png(spec, VL_VERSION, scale=2, allowed_base_urls=[])
    mime, picture = "image/svg+xml", svg.encode()
    if len(svg) > SVG_LIMIT:
        mime, picture = "image/png", _few_colours(png)
        spec = {**spec, "usermeta": {"embedOptions": {"renderer": "canvas"}}}
    width, height = re.findall(r' (?:width|height)="([\d.]+)"', svg)[:2]
    # every "<" escaped: no text in the data can end the script element
    source = json.dumps(spec, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    page = (
        f'<div class="nbchart" data-width="{width}"><img alt="{html.escape(description)}" '
        f'width="{width}" height="{height}" src="data:{mime};base64,{b64encode(picture).decode()}">'
        f'<script type="application/json">{source}</script></div>'
    )
    return {"text/html": page, "image/png": b64encode(png).decode(), "text/plain": description}


def check(title: str | list[str], description: str) -> None:
    """Refuse a figure that a reader of the page, or of its alt text, could not understand."""
    for name, text in {"title": "".join(title), "description": description}.items():
        if not text.strip():
            raise ParameterError(
                "A figure needs a title that states the finding and a description for those who "
                f"do not see it, the {name} is empty; pass {name}=..."
            )


def write_bundle(folder: str | Path) -> Path:
    """Write `vega-bundle.js` (0.9 MB: Vega, Vega-Lite, vegaEmbed, the dark theme) into `folder`.

    The library comes as the body of an ES module, which browsers refuse on file://; wrapped in a
    function it is an ordinary script that leaves one name behind, `nbVega`.
    """
    bundle = vl_convert.javascript_bundle("window.nbVega = { vegaEmbed };", VL_VERSION)
    dark = json.dumps(config("dark"), separators=(",", ":"))
    path = Path(folder) / "vega-bundle.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'(()=>{{"use strict";{bundle}\nwindow.nbVega.dark={dark};}})();', "utf-8")
    return path


def _few_colours(png: bytes) -> bytes:
    picture, out = Image.open(io.BytesIO(png)), io.BytesIO()
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    white.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
