"""The figures of whole networks on large images: their curves, and the paths to them."""

from collections import Counter

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.chapters.rise_and_fall.whole import main_curves, study, turned, words
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table, sentence
from nbcore.lines import compare
from nbcore.lines.curves import Study
from nbcore.lines.figures import covered, instead
from nbcore.lines.figures import curves as er_curves
from nbcore.lines.tables import control as controls
from nbcore.lines.tables import summary
from nbcore.measures.bootstrap import interval

NONE = (
    "Not drawn: none of these networks has been trained yet; -p whole_networks=[...] trains those "
    "that it names."
)


def told(study: Study | None, config: RiseAndFall) -> Table:
    """Say of each whole network whether it leaves the band and has turned; name the missing."""
    there = set() if study is None else set(study.run.member_names)
    missing = Counter(
        words(name.rpartition("-seed")[0]) for name in config.planned if name not in there
    )
    said = [] if study is None else [_course(study, name) for name in study.curves]
    if missing:
        names = "; ".join(f"{what} ({n} seed{'s' * (n > 1)})" for what, n in missing.items())
        said.append(f"Not trained yet, so that nothing here rests on them: {names}.")
    return sentence(" ".join(said) or NONE)


def _course(study: Study, name: str) -> str:
    c = study.curves[name]
    if not c.covered.any():
        return (
            f"{words(name)}: {c.id[0, -1]:.0%} accuracy in the end, outside what the "
            "line covers, so that no claim rests on it."
        )
    top, band = compare.peak(c), c.band[c.peak]
    over = "leaves" if top.low > band else "stays inside" if top.value <= band else "may leave"
    back = "and has turned" if turned(c) else "and has not turned for certain"
    values = [100 * x for x in (top.value, top.low, top.high)]
    end = 100 * c.er[0, c.end]
    peak = "{:+.1f} [{:+.1f}, {:+.1f}]".format(*values)
    return (
        f"{words(name)} ({c.seeds} seed{'s' * (c.seeds > 1)}): peak {peak} points, {end:+.1f} in "
        f"the end; it {over} the chance band {back}."
    )


def curves(study: Study | None) -> Figure | Table:
    """Draw effective robustness along ID accuracy for every whole network."""
    if study is None:
        return instead(NONE)
    names = list(study.curves)
    kept = [study.curves[n] for n in covered(study, names)]
    above = sum(compare.peak(c).low > c.band[c.peak] for c in kept)
    down = sum(map(turned, kept))
    return er_curves(
        study,
        names,
        words,
        f"{above} of {len(names)} whole networks leave the chance band, {down} have turned",
        "Mean over seeds with 95 % intervals; the testbed (dots), its chance (shaded)",
    )


def paths(config: RiseAndFall) -> Figure | Table:
    """Draw effective robustness along the path from last layer to whole network."""
    found = study(config, table="paths")
    kept = [] if found is None else [c for c in main_curves(found) if c.covered.any()]
    if not kept:
        return instead(NONE)
    rows = []
    for c in kept:
        for k in np.flatnonzero(c.covered):
            low, high = interval(c.er[1:, k])
            share = c.steps[k] / c.steps[-1]
            rows.append((words(c.name), share, *(100 * x for x in (c.er[0, k], low, high))))
    table = pd.DataFrame(rows, columns=["series", "x", "y", "low", "high"])
    top = table.iloc[int(np.argmax(table["y"]))]
    best = table.sort_values("y").groupby("series", sort=False).last()
    said = "; ".join(
        f"{name}: highest {y:+.1f} at {x:.1f}"
        for name, x, y in zip(best.index, best["x"], best["y"], strict=True)
    )
    return charts.curve(
        table,
        title=f"On the path, {top['series']} is highest at {top['x']:.1f}: {top['y']:+.1f} points",
        subtitle="Weights mixed, from the last layer trained alone (0) to all trained (1); mean "
        "over seeds, 95 % intervals",
        description="Effective robustness in points along the straight path of weights from the "
        f"pretrained network with a trained last layer to the fine-tuned one. {said}.",
        x_title="share of the fine-tuned weights",
        y_title="effective robustness (points)",
        x_format=".1f",
        y_format="+.1f",
        level=(0.0, "the line"),
    )


def table(found: Study | None) -> Table:
    """Show every whole network: accuracies at the end, effective robustness at start, peak, end."""
    if found is None:
        return instead(NONE)
    return charts.show(
        summary(found, words),
        caption="Whole networks: final accuracies in percent; effective robustness in points at "
        "the start, the peak (with 95 % interval) and the end, and the chance band at the peak",
    )


def control(config: RiseAndFall) -> Table:
    """Show the control that must fail, shuffled labels, for the whole networks."""
    found = study(config, shuffled=True)
    if found is None:
        return instead(NONE)
    return charts.show(
        controls(found, words),
        caption="Shuffled labels: largest ER of each whole network and the chance band, in points",
    )
