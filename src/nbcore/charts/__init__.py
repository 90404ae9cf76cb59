"""Figures: one theme, one renderer, one function per kind of figure (importing this enables both).

Every figure takes accuracies as fractions in [0, 1] and shows them in percent. Its keywords `title`
(states the finding) and `description` (becomes the alt text) are required; `subtitle`, and `width`
and `height` in px, are not.
"""

import altair as alt

from nbcore.charts import renderer
from nbcore.charts.lines import (
    accuracy_scatter,
    family_explorer,
    residual_plot,
    robustness_scatter,
    side_by_side,
)
from nbcore.charts.renderer import save, write_bundle
from nbcore.charts.tables import show
from nbcore.charts.values import bars, curve, heat_map, solved_histogram

__all__ = ["accuracy_scatter", "bars", "curve", "enable", "family_explorer", "heat_map"]
__all__ += ["residual_plot", "robustness_scatter", "save", "show", "side_by_side"]
__all__ += ["solved_histogram", "write_bundle"]


def enable() -> None:
    """Make `nbcore` altair's renderer and theme."""
    alt.renderers.register("nbcore", renderer.render)
    alt.renderers.enable("nbcore")
    alt.theme.enable("nbcore")


enable()
