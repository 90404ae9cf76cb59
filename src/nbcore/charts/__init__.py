"""Figures: one theme, one renderer, one function per kind of figure (importing this enables both).

Every figure takes accuracies as fractions in [0, 1] and shows them in percent; it asks for a
`title` that states the finding and a `description` that becomes its alt text.
"""

import altair as alt

from nbcore.charts.counts import heat_map, solved_histogram
from nbcore.charts.explorer import family_explorer
from nbcore.charts.lines import accuracy_scatter, residual_plot, robustness_scatter, side_by_side
from nbcore.charts.renderer import render, write_bundle
from nbcore.charts.series import bars, curve
from nbcore.charts.tables import show

__all__ = [
    "accuracy_scatter", "bars", "curve", "enable", "family_explorer", "heat_map", "residual_plot",
    "robustness_scatter", "show", "side_by_side", "solved_histogram", "write_bundle",
]  # fmt: skip


def enable() -> None:
    """Make `nbcore` altair's renderer and theme."""
    alt.renderers.register("nbcore", render)
    alt.renderers.enable("nbcore")
    alt.theme.enable("nbcore")


enable()
