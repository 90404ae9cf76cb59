"""How a figure reaches the page: an image for everyone, a live view where JavaScript runs.

HTML gets a `div.nbchart` with the image (its alt text is the chart's description) and the
Vega-Lite specification, which `book/_static/charts.js` turns into a live view; LaTeX gets a PNG;
plain text gets the description. Nothing is fetched: a chart that names a data address is refused.
"""

import base64
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from PIL import Image

from nbcore.charts.theme import config
from nbcore.errors import ParameterError

VL_VERSION = "_".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
SVG_LIMIT = 60_000  # bytes; above this the page carries a palette PNG and draws on a canvas


def render(spec: dict[str, Any], **_: Any) -> dict[str, str]:
    """Altair renderer `nbcore`: a Vega-Lite specification → mime bundle (html, png, plain)."""
    description = str(spec.get("description") or "").strip()
    check(_title_text(spec.get("title")), description)
    if '"url":' in json.dumps(_data_parts(spec)):
        raise ParameterError(
            "A chart's data must lie inside the chart, this one names an address; "
            "load the table first and pass it as a data frame."
        )
    svg = slim(vl_convert.vegalite_to_svg(spec, VL_VERSION, allowed_base_urls=[]))
    png = vl_convert.vegalite_to_png(spec, VL_VERSION, scale=2, allowed_base_urls=[])
    if len(svg) <= SVG_LIMIT:
        mime, picture = "image/svg+xml", svg.encode()
    else:
        mime, picture = "image/png", _palette_png(png)
        spec = {**spec, "usermeta": {"embedOptions": {"renderer": "canvas"}}}
    width, height = (
        float(re.search(rf'{side}="([\d.]+)"', svg)[1]) for side in ("width", "height")
    )
    # every "<" as < : no text in the data can end the script element
    source = json.dumps(spec, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    page = (
        f'<div class="nbchart" data-width="{width:.0f}">'
        f'<img alt="{html.escape(description)}" width="{width:.0f}" height="{height:.0f}" '
        f'src="data:{mime};base64,{base64.b64encode(picture).decode()}">'
        f'<script type="application/json">{source}</script></div>'
    )
    return {
        "text/html": page,
        "image/png": base64.b64encode(png).decode(),
        "text/plain": description,
    }


def check(title: str, description: str) -> None:
    """Refuse a figure that a reader of the page, or of its alt text, could not understand."""
    for name, text in {"title": title, "description": description}.items():
        if not (text or "").strip():
            raise ParameterError(
                f"A figure needs a title that states the finding and a description for readers "
                f"who do not see it, the {name} is empty; pass {name}=..."
            )


def write_bundle(folder: str | Path) -> Path:
    """Write `vega-bundle.js` (0.9 MB: Vega, Vega-Lite, vegaEmbed, the dark theme) into `folder`.

    The library is a chunk of an ES module, and modules are blocked on file://; wrapped in a
    function it is an ordinary script that leaves one name behind, `nbVega`.
    """
    bundle = vl_convert.javascript_bundle("window.nbVega = { vegaEmbed };", VL_VERSION)
    dark = json.dumps(config("dark"), separators=(",", ":"))
    path = Path(folder) / "vega-bundle.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'(()=>{{"use strict";{bundle}\nwindow.nbVega.dark={dark};}})();', "utf-8")
    return path


def slim(svg: str) -> str:
    """The same picture in fewer bytes: coordinates to 1/100 px."""
    return re.sub(r"(\.\d\d)\d+", r"\1", svg)


def _palette_png(png: bytes) -> bytes:
    out = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    white.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _title_text(title: Any) -> str:
    text = title.get("text") if isinstance(title, dict) else title
    return " ".join(text) if isinstance(text, list) else str(text or "")


def _data_parts(node: Any) -> list[Any]:
    """Every `data` entry of a specification (data in `values` or in `datasets` left out)."""
    if isinstance(node, list):
        return [part for item in node for part in _data_parts(item)]
    if not isinstance(node, dict):
        return []
    own = [{k: v for k, v in node["data"].items() if k != "values"}] if node.get("data") else []
    inner = (v for k, v in node.items() if k not in ("data", "datasets", "values"))
    return own + [part for v in inner for part in _data_parts(v)]
