"""One look for every figure: colour-blind-safe colours, plain type, and the same for a dark page.

Charts name styles ("dot", "zero", "note", ...), never colours, so that the page can swap the
palette when the reader changes the mode: `config("dark")` travels in vega-bundle.js.
"""

from typing import Any, Literal

import altair as alt

WIDTH = 680  # design width of a whole figure in px; the page narrows it, never widens it
# Okabe and Ito's hues, darkened or lightened to a contrast of 3:1 or more on the page
NAMES = "blue vermillion green purple orange sky ink soft mute grid page"
LIGHT = "0072B2 D55E00 009E73 B5578F B97A00 3B9BDC 1F2328 57606A 8A8F98 E6E8EB FFFFFF"
DARK = "56B4E9 F0853A 2FC79A E09AC4 E6B84C 8FA8FF E6E8EB A9B1BB 7D8590 2F353D 121212"


def config(mode: Literal["light", "dark"] = "light") -> dict[str, Any]:
    """Return the Vega-Lite configuration of one mode; the two differ in colours only."""
    codes = (LIGHT if mode == "light" else DARK).split()
    c = {name: f"#{code}" for name, code in zip(NAMES.split(), codes, strict=True)}
    dot = {"opacity": 0.9, "stroke": c["page"], "strokeWidth": 0.5}
    words = {"fontSize": 12, "color": c["ink"]}
    return {
        "background": "transparent",
        "aria": False,
        "padding": 4,
        "view": {"stroke": None},
        "font": "system-ui, 'Segoe UI', Arial, sans-serif",
        "mark": {"color": c["blue"]},
        "style": {
            "dot": {"color": c["blue"], **dot},
            "grouped": dot,
            "all": {"color": c["mute"], "opacity": 0.45},
            "many": {"color": c["blue"], "opacity": 0.5},
            "ring": {"color": c["ink"], "strokeWidth": 2, "opacity": 1},
            "interval": {"color": c["mute"], "opacity": 0.55},
            "value": {"color": c["blue"]},
            "zero": {"color": c["ink"], "strokeWidth": 1.3, "strokeDash": [5, 4]},
            "band": {"color": c["sky"], "opacity": 0.2},
            "note": words,
            "halo": {**words, "stroke": c["page"], "strokeWidth": 4, "strokeJoin": "round"},
            "end": {**words, "color": c["vermillion"]},
        },
        "axis": {
            "labelColor": c["soft"],
            "titleColor": c["ink"],
            "gridColor": c["grid"],
            "domainColor": c["mute"],
            "tickColor": c["mute"],
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 8,
            "tickSize": 4,
            "labelSeparation": 6,
        },
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "offset": 10,
            "color": c["ink"],
            "fontSize": 15,
            "fontWeight": 600,
            "lineHeight": 19,
            "subtitleColor": c["soft"],
            "subtitlePadding": 4,
            "subtitleFontSize": 13,
            "subtitleLineHeight": 17,
        },
        "legend": {
            "orient": "top",
            "labelColor": c["ink"],
            "titleColor": c["soft"],
            "offset": 8,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "symbolSize": 70,
            "labelLimit": 320,
            "columnPadding": 18,
            "symbolStrokeWidth": 2,
        },
        "range": {  # ordinal: the fitted line and y = x
            "category": list(c.values())[:6],
            "ordinal": [c["vermillion"], c["ink"]],
            "ramp": {"scheme": "viridis"},
            "heatmap": {"scheme": "viridis"},
        },
    }


@alt.theme.register("nbcore", enable=False)
def _theme() -> alt.theme.ThemeConfig:
    return {"config": config("light")}  # type: ignore[typeddict-item]
