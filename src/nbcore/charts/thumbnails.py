"""A figure small enough for a card: no words, one view, drawn once for each mode of the page."""

import json
import re
from base64 import b64encode
from typing import Any, Literal

import vl_convert

from nbcore.charts.renderer import SVG_LIMIT, VL_VERSION, few_colours, lean
from nbcore.charts.theme import config
from nbcore.text import escape

SPEC = re.compile(r'<div class="nbchart".*?<script type="application/json">(.*?)</script>', re.S)
LEGENDS = ("color", "shape", "size", "opacity", "strokeDash", "fill", "stroke")
PAGE = {"light": "#FFFFFF", "dark": "#121212"}
MARKED = SVG_LIMIT // 5  # bytes; above, a card carries a PNG


def charts_of(html: str) -> list[dict[str, Any]]:
    """Read the Vega-Lite specifications of the figures in the HTML of a cell's output."""
    return [json.loads(text) for text in SPEC.findall(html)]


def title_of(spec: dict[str, Any]) -> str:
    """Return a figure's title, which states its finding, as one line."""
    title = spec.get("title") or ""
    text = title["text"] if isinstance(title, dict) else title
    return " ".join(text) if isinstance(text, list) else text


def thumbnail(spec: dict[str, Any], width: int = 300, height: int = 180) -> str:
    """Draw a figure's first view as two images, of which the page's mode shows one.

    width, height: of the drawing in px. The alternative text is the figure's description.
    """
    alt = escape(spec.get("description") or "")
    return "".join(
        f'<img class="only-{mode}" alt="{alt}" width="{width}" height="{height}" loading="lazy" '
        f'src="{_picture(spec, mode, width, height)}">'
        for mode in ("light", "dark")
    )


def _picture(spec: dict[str, Any], mode: Literal["light", "dark"], width: int, height: int) -> str:
    view = _first_view(spec)
    small = {k: v for k, v in _bare(view).items() if k not in ("title", "description", "config")}
    small = {k: spec[k] for k in ("$schema", "datasets", "data") if k in spec} | small
    small |= {"width": width, "height": height, "config": _plain(config(mode))}
    small["autosize"] = {"type": "fit", "contains": "padding"}
    svg = vl_convert.vegalite_to_svg(small, VL_VERSION, allowed_base_urls=[])
    svg = lean(svg, 1)
    if len(svg) < MARKED:
        return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    png = vl_convert.vegalite_to_png(small, VL_VERSION, scale=1.5, allowed_base_urls=[])
    return f"data:image/png;base64,{b64encode(few_colours(png, PAGE[mode])).decode()}"


def _first_view(spec: dict[str, Any]) -> dict[str, Any]:
    """Find the first view of a figure of several."""
    for key in ("concat", "hconcat", "vconcat"):
        if spec.get(key):
            return _first_view(spec[key][0])
    if "facet" in spec and "spec" in spec:
        return {**spec["spec"], **({"data": spec["data"]} if "data" in spec else {})}
    return spec


def _bare(node: Any) -> Any:
    """Leave out what nobody reads at this size: legends and the titles of axes."""
    if isinstance(node, list):
        return [_bare(child) for child in node]
    if not isinstance(node, dict):
        return node
    out = {key: _bare(child) for key, child in node.items() if key not in ("legend", "values")}
    if "values" in node:  # of data and of axes: not looked into
        out["values"] = node["values"]
    for channel, coded in out.get("encoding", {}).items():
        if channel in ("x", "y") and coded.get("axis", {}) is not None:
            coded["axis"] = {**coded.get("axis", {}), "title": None, "labelLimit": 70}
        elif channel in LEGENDS and "field" in coded:
            coded["legend"] = None
    return out


def _plain(look: dict[str, Any]) -> dict[str, Any]:
    """Make the words that stay small."""
    axis = look["axis"] | {"labelFontSize": 10, "tickCount": 4}
    return look | {"legend": {"disable": True}, "axis": axis}
