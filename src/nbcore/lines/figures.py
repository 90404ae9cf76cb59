"""Effective robustness along a training run, as chapters 2, 6 and 7 draw it."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from nbcore.charts.base import Figure
from nbcore.charts.finetuning import robustness_curves
from nbcore.charts.tables import Table, sentence
from nbcore.lines.curves import Study
from nbcore.lines.frames import binned, frame
from nbcore.measures import robustness

Words = Callable[[str], str]


def instead(text: str) -> Table:
    """Return a sentence in the place of a figure that a rerun gives no data for."""
    return sentence(text)


def covered(study: Study, names: Sequence[str]) -> list[str]:
    """Keep the conditions that were run and reached accuracies the line covers, in this order."""
    return [n for n in names if n in study.curves and study.curves[n].covered.any()]


def uncovered(study: Study, names: Sequence[str], words: Words) -> Table:
    """Say in a sentence that the line covers none of these curves, in the place of a figure."""
    low, high = study.line.id_range
    return instead(
        f"Not drawn: of {', '.join(map(words, names))} none was run, or none reached the "
        f"accuracies that the line covers, {100 * low:.0f} to {100 * high:.0f} %. Train longer or "
        "add weaker models to the testbed."
    )


def curves(
    study: Study,
    names: Sequence[str],
    words: Words,
    title: str,
    subtitle: str,
    width: float | None = None,
) -> Figure | Table:
    """Draw effective robustness along ID accuracy, mean over seeds, of these conditions in order.

    words: how the page calls a condition; width: of bins of ID accuracy, in which checkpoints are
    averaged. A sentence where the line covers none of them.
    """
    kept = covered(study, names)
    if not kept:
        return uncovered(study, names, words)
    table = frame(study) if width is None else binned(study, width)
    table = table[table["covered"] & table["condition"].isin(kept)]
    order, along = {n: i for i, n in enumerate(kept)}, "step" if width is None else "id"
    table = table.sort_values(["condition", along], key=lambda s: s.map(order).fillna(s))
    table = table.assign(series=table["condition"].map(words))
    grid = np.linspace(*study.line.id_range, 60)
    low, high = robustness.chance_band(grid, study.ood_total, study.line)
    said = "; ".join(
        f"{words(c.name)}: peak {100 * c.er[0, c.peak]:+.1f} at {100 * c.id[0, c.peak]:.0f} %, "
        f"end {100 * c.er[0, c.end]:+.1f}"
        for c in map(study.curves.__getitem__, kept)
    )
    return robustness_curves(
        table,
        pd.DataFrame({"x": grid, "low": low, "high": high}),
        study.models,
        title=title,
        subtitle=subtitle,
        series=[words(n) for n in names],
        description=f"Effective robustness in points along ID accuracy. {said}.",
    )
