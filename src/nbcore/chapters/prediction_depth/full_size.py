"""Chapter 3's networks of the paper's size: their table, and whom to trust by depth there."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.prediction_depth import tables
from nbcore.chapters.prediction_depth.figures import LAYER, nothing
from nbcore.chapters.prediction_depth.observe import Study
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.depths.roster import nice_name
from nbcore.depths.view import EnsembleView
from nbcore.measures.bootstrap import draw_weights

#: columns about depths
DEPTHS = ("mean depth", "at the input")


def table(study: Study) -> Table:
    """Show networks of the paper's size beside its accuracies and the small networks' depths."""
    found = tables.full_size(study)
    if found.empty:
        return nothing("networks of the paper's size")
    shown = [c for c in map(str, found) if not c.startswith(DEPTHS)]
    return charts.show(
        found[shown],
        percent=[c for c in shown if c.startswith(("train", "val", "test"))],
        caption="Networks of the paper's size, as far as they were run: test accuracy beside the "
        "paper's",
    )


def depths(study: Study) -> Table:
    """Show their mean depths of training images, beside those in the small networks."""
    found = tables.full_size(study)
    if found.empty:
        return nothing("depths in networks of the paper's size")
    shown = [c for c in map(str, found) if c == "network" or c.startswith(DEPTHS)]
    return charts.show(
        found[shown],
        percent=[c for c in shown if c.startswith("at the input")],
        caption="Depths of training images in the same networks, and in this page's small ones: "
        "mean in layers, and the share decided at the input",
    )


def right_by_depth(view: EnsembleView) -> pd.DataFrame:
    """Measure how often held-out answers are right by their depth: rows x (depth), y, low, high, n.

    Intervals are over images, the networks being fixed; depths of fewer than 30 answers are left
    out.
    """
    depth, right = view.depths("val"), view.correct
    at = [depth == d for d in range(view.last + 1)]
    n, good = (np.stack([(m & k).sum(0) for m in at], 1) for k in (np.ones_like(right), right))
    w = draw_weights(len(n), view.resamples)
    draws = (w @ good) / np.maximum(w @ n, 1)
    low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
    rows = pd.DataFrame(
        {"x": range(view.last + 1), "y": draws[0], "low": low, "high": high, "n": n.sum(0)}
    )
    return rows[rows["n"] >= 30]


def by_depth(study: Study) -> Figure | Table:
    """Draw how often a held-out answer is right by depth: the paper's width beside this page's."""
    split = {
        key: EnsembleView.of(key, run, resamples=study.draws)
        for key, run in study.full_size.items()
        if key in study.runs
    }
    key, view = next(((k, v) for k, v in split.items() if v.networks), ("", None))
    if view is None:
        return nothing("networks of the paper's size on random splits")
    small = EnsembleView.of(key, study.runs[key], resamples=study.draws)
    parts = []
    for name, seen, run in (
        ("the paper's width", view, study.full_size[key]),
        ("this page's", small, study.runs[key]),
    ):
        bank = int((~seen.held_out[seen.split][0]).sum())
        images = run.manifest["config"]["examples"] - len(seen.label) + bank
        title = f"{name}: {seen.networks} networks, {images:,} images"
        parts.append(right_by_depth(seen).assign(series=title))
    first, last = (float(parts[0]["y"].iloc[i]) for i in (0, -1))
    return charts.curve(
        pd.concat(parts),
        y_format="~%",
        x_title=LAYER.format(last=view.last),
        y_title="held-out answers that are right",
        title=f"At the paper's width too, depth tells how far to trust an answer: {first:.0%} are "
        f"right at the input, {last:.0%} in the last layer"
        if last < first
        else "At the paper's width, answers from the last layer are right as often as the input's",
        subtitle=f"{nice_name(key)}: accuracy on held-out images by prediction depth",
        description=f"Share of right held-out answers by prediction depth, {nice_name(key)}, for "
        f"networks of the paper's width and narrow ones. At the paper's width {first:.0%} at the "
        f"input and {last:.0%} in the last layer.",
    )
