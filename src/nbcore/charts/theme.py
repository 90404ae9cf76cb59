"""One look for every figure: colour-blind-safe colours, plain type, and the same for a dark page.

Charts name styles ("fit", "identity", "picked", ...), never colours, so that the page can swap the
whole palette when the reader changes the mode. `config("dark")` travels in vega-bundle.js.
"""

from typing import Any, Literal

import altair as alt

FONT = "system-ui, 'Segoe UI', Arial, sans-serif"
WIDTH = 680  # design width in px of a whole figure; the page narrows it, never widens it
TITLE_PX, TEXT_PX, SMALL_PX = 15, 12, 11

# Okabe and Ito's hues, darkened or lightened to a contrast of 3:1 or more on the page
LIGHT = {
    "blue": "#0072B2", "vermillion": "#D55E00", "green": "#009E73", "purple": "#B5578F",
    "orange": "#B97A00", "sky": "#3B9BDC",
    "ink": "#1f2328", "soft": "#57606a", "mute": "#8a8f98", "grid": "#e6e8eb", "page": "#ffffff",
}  # fmt: skip
DARK = {
    "blue": "#56B4E9", "vermillion": "#F0853A", "green": "#2FC79A", "purple": "#E09AC4",
    "orange": "#E6B84C", "sky": "#8FA8FF",
    "ink": "#e6e8eb", "soft": "#a9b1bb", "mute": "#7d8590", "grid": "#2f353d", "page": "#14181e",
}  # fmt: skip
SERIES = ("blue", "vermillion", "green", "purple", "orange", "sky")


def config(mode: Literal["light", "dark"] = "light") -> dict[str, Any]:
    """The Vega-Lite configuration of one mode; the two differ in colours only."""
    c = LIGHT if mode == "light" else DARK
    axis = {
        "labelColor": c["soft"], "titleColor": c["ink"], "gridColor": c["grid"],
        "domainColor": c["mute"], "tickColor": c["mute"], "labelFontSize": TEXT_PX,
        "titleFontSize": TEXT_PX, "titleFontWeight": "normal", "titlePadding": 8,
        "labelLimit": 260, "titleLimit": 0, "tickSize": 4,
    }  # fmt: skip
    style = {
        "dot": {"color": c["blue"], "fillOpacity": 0.9, "stroke": c["page"], "strokeWidth": 0.5},
        "all": {"color": c["mute"], "fillOpacity": 0.45},
        "picked": {"color": c["vermillion"], "fillOpacity": 0.85, "stroke": c["page"],
                   "strokeWidth": 0.5},
        "ring": {"stroke": c["ink"], "strokeWidth": 2, "fill": None},
        "interval": {"color": c["mute"], "strokeWidth": 1, "strokeOpacity": 0.7},
        "fit": {"color": c["vermillion"], "strokeWidth": 2},
        "identity": {"color": c["ink"], "strokeWidth": 1.3, "strokeDash": [5, 4]},
        "zero": {"color": c["ink"], "strokeWidth": 1.3, "strokeDash": [5, 4]},
        "band": {"color": c["sky"], "fillOpacity": 0.22},
        "count": {"color": c["blue"]},
        "end": {"color": c["vermillion"]},
        "note": {"color": c["ink"], "fontSize": SMALL_PX + 1},
        "fit-note": {"color": c["vermillion"], "fontSize": SMALL_PX + 1},
    }  # fmt: skip
    return {
        "background": "transparent", "font": FONT, "aria": False, "padding": 4,
        "view": {"stroke": None}, "style": style, "axis": axis,
        "mark": {"color": c["blue"]}, "text": {"fill": c["ink"]},
        "title": {
            "anchor": "start", "frame": "bounds", "color": c["ink"], "fontSize": TITLE_PX,
            "fontWeight": 600, "subtitleColor": c["soft"], "subtitleFontSize": TEXT_PX + 1,
            "subtitlePadding": 4, "offset": 10, "lineHeight": 19, "subtitleLineHeight": 17,
        },
        "header": {"labelColor": c["ink"], "titleColor": c["ink"], "labelFontSize": TEXT_PX},
        "legend": {
            "orient": "top", "labelColor": c["ink"], "titleColor": c["soft"], "offset": 6,
            "labelFontSize": TEXT_PX, "titleFontSize": TEXT_PX, "titleFontWeight": "normal",
            "labelLimit": 320, "symbolStrokeWidth": 2, "symbolSize": 70, "columnPadding": 18,
        },
        "range": {"category": [c[name] for name in SERIES], "heatmap": {"scheme": "viridis"},
                  "ramp": {"scheme": "viridis"}},
    }  # fmt: skip


@alt.theme.register("nbcore", enable=False)
def _theme() -> alt.theme.ThemeConfig:
    return {"config": config("light")}  # type: ignore[typeddict-item]
