"""Chapter 1 on models of your own: where they stand beside a testbed's line."""

import pandas as pd

from nbcore import charts
from nbcore.chapters.line.config import Line
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.lines.own_models import read_models
from nbcore.lines.public import Testbed, add_intervals


def own(bed: Testbed, config: Line) -> Figure | Table:
    """Draw the reader's models on a testbed; without any, list the testbed's best as an example."""
    if config.models is None:
        best = bed.models.nlargest(5, "er")
        below = best["ood"] - best["er"]
        table = best[["model", "id", "ood"]].assign(
            **{
                "ER, points [95 %]": [
                    f"{100 * er:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
                    for er, low, high in zip(
                        best["er"], best["ood_low"] - below, best["ood_high"] - below, strict=True
                    )
                ]
            }
        )
        caption = f"No file was given; the five models highest above the line of {bed.name}"
        return charts.show(table, caption, percent=["id", "ood"])
    mine = add_intervals(
        read_models(config.models), bed.line, bed.id_total, bed.ood_total, config.level
    )
    both = pd.concat([bed.models.assign(group="testbed"), mine.assign(group="yours")])
    n = int(mine["significant"].sum())
    return charts.accuracy_scatter(
        both,
        bed.line,
        title=f"{n} of your {len(mine)} models {'leaves' if n == 1 else 'leave'} the band upwards",
        description=f"{len(mine)} models of {config.models} among the {len(bed.models)} models of "
        f"{bed.name}; {n} stand above the chance band of the line.",
        x_title=f"{bed.axes[0]} accuracy",
        y_title=f"{bed.axes[1]} accuracy",
    )
