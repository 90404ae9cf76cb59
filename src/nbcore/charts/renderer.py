"""How a figure reaches the page: an image for everyone, a live view where JavaScript runs.

HTML gets a `div.nbchart` with the image (its alt text is the chart's description) and the
Vega-Lite specification, which `book/_static/charts.js` turns into a live view; LaTeX gets a PNG;
plain text gets the description. Nothing is ever fetched.
"""

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
from nbcore.files import write_atomically
from nbcore.text import drawable, escape, script_json

VL_VERSION = "_".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
#: a chart alone in a file; what comes from outside is in a script element that is no script
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:;
style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'">
<title>{title}</title></head>
<body><main id="chart"></main><script id="spec" type="application/json">{spec}</script>
<script>{library}</script>
<script>nbVega.vegaEmbed("#chart", JSON.parse(document.getElementById("spec").textContent),
{{mode: "vega-lite", renderer: "svg", actions: {{editor: false}}}});</script></body></html>
"""
SVG_LIMIT = 100_000  # bytes; above, the page carries a PNG of 64 colours and draws on a canvas


def render(spec: dict[str, Any], **_: Any) -> dict[str, str]:
    """Render a Vega-Lite specification as a mime bundle (html, png, plain), for altair."""
    spec = drawable(spec)
    title, description = spec.get("title") or "", str(spec.get("description") or "")
    check(title["text"] if isinstance(title, dict) else title, description)
    if "width" in spec:  # a single view: axes, legend and all take the width that was asked for
        spec = {**spec, "autosize": {"type": "fit-x", "contains": "padding"}}
    try:
        drawn = vl_convert.vegalite_to_svg(spec, VL_VERSION, allowed_base_urls=[])
    except ValueError as error:
        message = "A chart must hold its data, this one names an address; load the table first."
        raise (ParameterError(message) if "data url" in str(error) else error) from None
    svg = lean(drawn, 2)  # 1/100 px is plenty
    png = vl_convert.svg_to_png(drawn, scale=2)  # the same bytes as from the specification
    mime, picture = "image/svg+xml", svg.encode()
    if len(svg) > SVG_LIMIT:
        mime, picture = "image/png", few_colours(png)
        spec = {**spec, "usermeta": {"embedOptions": {"renderer": "canvas"}}}
    width, height = re.findall(r' (?:width|height)="([\d.]+)"', svg)[:2]
    page = (
        f'<div class="nbchart" data-width="{width}"><img alt="{escape(description)}" '
        f'width="{width}" height="{height}" src="data:{mime};base64,{b64encode(picture).decode()}">'
        f'<script type="application/json">{script_json(spec)}</script></div>'
    )
    return {"text/html": page, "image/png": b64encode(png).decode(), "text/plain": description}


def lean(svg: str, digits: int) -> str:
    """Take from a drawing what no image shows: classes, roles, digits of places; texts stay."""
    unseen = re.compile(rf' (?:class|role|aria-\w+)="[^"]*"|(?<=\.\d{{{digits}}})\d+')
    return re.sub("<[^>]+>", lambda tag: unseen.sub("", tag[0]), svg)


def save(chart: alt.TopLevelMixin, path: Path) -> None:
    """Save a chart as .html (one file with the drawing library inside), .svg or .png.

    ParameterError for any other suffix, before anything is drawn.
    """
    if path.suffix not in {".html", ".svg", ".png"}:
        raise ParameterError(f"A chart is saved as .html, .svg or .png, not {path.suffix!r}.")
    if not path.parent.is_dir():
        raise ParameterError(f"There is no folder {path.parent} for the chart; make it first.")
    spec = drawable(chart.to_dict())
    if path.suffix == ".svg":
        content = vl_convert.vegalite_to_svg(spec, VL_VERSION, allowed_base_urls=[]).encode()
    elif path.suffix == ".png":
        content = vl_convert.vegalite_to_png(spec, VL_VERSION, allowed_base_urls=[])
    else:
        texts = spec.get("title") or ""
        texts = texts["text"] if isinstance(texts, dict) else texts
        title = escape(" ".join(texts) if isinstance(texts, list) else texts)
        content = PAGE.format(title=title, spec=script_json(spec), library=_library()).encode()
    write_atomically(path, content)


def check(title: str | list[str], description: str) -> None:
    """Refuse a figure without a title or without a description, which becomes the alt text."""
    for name, text in {"title": "".join(title), "description": description}.items():
        if not text.strip():
            raise ParameterError(
                "A figure needs a title that states the finding and a description for those who "
                f"do not see it, the {name} is empty; pass {name}=..."
            )


def write_bundle(folder: str | Path) -> Path:
    """Write `vega-bundle.js` (0.9 MB: Vega, Vega-Lite, vegaEmbed, the dark theme) into `folder`.

    The library comes as the body of an ES module, which browsers refuse on file://. Wrapped in a
    function it is an ordinary script that defines only one name, `nbVega`.
    """
    dark = json.dumps(config("dark"), separators=(",", ":"))
    path = Path(folder) / "vega-bundle.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_library(f"window.nbVega.dark={dark};"), "utf-8")
    return path


def _library(more: str = "") -> str:
    bundle = vl_convert.javascript_bundle("window.nbVega = { vegaEmbed };", VL_VERSION)
    bundle = bundle.replace("</script", "<\\/script")  # it may stand inside a page
    return f'(()=>{{"use strict";{bundle}\n{more}}})();'


def few_colours(png: bytes, page: str = "white") -> bytes:
    """Put a drawing on a page of this colour and keep 64 colours: a fourth of the bytes."""
    picture, out = Image.open(io.BytesIO(png)), io.BytesIO()
    sheet = Image.new("RGB", picture.size, page)
    sheet.paste(picture, mask=picture.getchannel("A"))
    sheet.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
