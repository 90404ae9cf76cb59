"""Chapter 3's figures of agreement: between networks, and between ways to count a depth."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.prediction_depth import observe as page
from nbcore.chapters.prediction_depth import tables
from nbcore.chapters.prediction_depth.agreement import Pair
from nbcore.chapters.prediction_depth.figures import LAYER, nothing
from nbcore.chapters.prediction_depth.observe import Study
from nbcore.chapters.prediction_depth.tables import pair_name
from nbcore.charts.base import Figure
from nbcore.charts.density import density
from nbcore.charts.grids import grid
from nbcore.charts.tables import Table
from nbcore.depths.roster import network_title, nice_name, set_title
from nbcore.depths.view import ROLES, EnsembleView


def correlations(study: Study) -> Figure | Table:
    """Draw every rank correlation of mean depths, with its interval."""
    if not (pairs := study.agreement):
        return nothing("two networks on random splits")
    table = pd.DataFrame(
        [
            {
                "category": f"{set_title(p.dataset)}: {pair_name(p)}",
                "group": p.split,
                "value": p.seen.value,
                "low": p.seen.low,
                "high": p.seen.high,
            }
            for p in pairs
        ]
    )
    control = max(abs(p.shuffled) for p in pairs)
    return charts.bars(
        table,
        x_title="Spearman's ρ of mean depths",
        x_format=".1f",
        zero=True,
        reference=(0.0, ""),
        title=f"Depths correlate between networks with ρ from {table['value'].min():.2f} to "
        f"{table['value'].max():.2f}",
        subtitle=f"95 % bootstrap intervals over examples; the shuffled control reaches "
        f"{control:.2f}",
        description="Rank correlations of mean depths: "
        + "; ".join(f"{r.category}, {r.group} {r.value:.2f}" for r in table.itertuples())
        + ".",
    )


def _closest(study: Study) -> Pair | None:
    """Find the two different networks that agree most; None without two networks."""
    across = [p for p in study.agreement if not p.same]
    return max(across, key=lambda p: p.seen.value, default=None)


def agreement(study: Study) -> Figure | Table:
    """Draw the correlations as a grid per split, on the data set of the closest networks."""
    if (best := _closest(study)) is None:
        return nothing("two networks on the same images")
    pairs = [p for p in study.agreement if p.dataset == best.dataset]
    table = pd.DataFrame(
        [
            {
                "panel": p.split,
                "row": network_title(p.second),
                "column": network_title(p.first),
                "value": p.seen.value,
                "low": p.seen.low,
                "high": p.seen.high,
            }
            for p in pairs
        ]
    )
    said = "; ".join(f"{pair_name(p)}, {p.split}: {p.seen.value:.2f}" for p in pairs)
    return grid(
        table,
        legend="Spearman's ρ",
        title=f"Of different networks, {pair_name(best)} agree most: ρ = {best.seen.value:.2f} "
        f"({best.split})",
        subtitle=f"{set_title(best.dataset)}: mean depths over {best.networks} networks each; on "
        "the diagonal, networks of other seeds",
        description=f"Rank correlations of mean prediction depths between networks: {said}.",
    )


def side_by_side(study: Study) -> Figure | Table:
    """Draw mean depths of the same examples in two networks, both splits (the paper's figure 2)."""
    if (best := _closest(study)) is None:
        return nothing("two networks on the same images")
    found = []
    for name in (best.first, best.second):
        key = f"{best.dataset}:{name}"
        view = EnsembleView.of(key, study.runs[key])
        found.append([view.depth(role) / view.last for role in ROLES])
    x, y = (np.concatenate(parts) for parts in found)
    said = ", ".join(
        f"{p.seen.value:.2f} ({p.split})"
        for p in study.agreement
        if (p.dataset, p.first, p.second) == (best.dataset, best.first, best.second)
    )
    return density(
        x,
        y,
        panels=[f"{words} images" for words in ROLES.values() for _ in found[0][0]],
        bins=(24, 20),
        x_title=f"{network_title(best.first)}: mean depth",
        y_title=f"{network_title(best.second)}: mean depth",
        title=f"Depth in {network_title(best.first)} against depth in "
        f"{network_title(best.second)}: "
        f"ρ = {said}",
        subtitle=f"{set_title(best.dataset)}; 0: input, 1: softmax; ρ over equally many networks, "
        "the picture over all",
        description=f"Two-dimensional histograms of mean depth in two networks. ρ = {said}.",
    )


def choices(study: Study, role: str = "train") -> Figure | Table:
    """Draw how many depths in this role each open choice moves, in the main ensemble."""
    table, words = tables.choices(study), ROLES[role]
    if table.empty:
        return nothing("the sensitivity of an ensemble")
    own = table[(table["key"] == study.main) & (table["group"] == words)].drop(columns="group")
    own = own.sort_values("value", ascending=False)
    top, least = own.iloc[0], own.iloc[-1]
    said = "; ".join(f"{r.category} {r.value:.1%}" for r in own.itertuples())
    return charts.bars(
        own,
        x_title=f"share of {words} depths that change",
        x_format="~%",
        zero=True,
        title=f"One other choice moves {least['value']:.1%} to {top['value']:.0%} of the {words} "
        f"depths; the most: {top['category']}",
        subtitle=f"{nice_name(study.main)}, one choice changed at a time; 95 % intervals over "
        "examples",
        description=f"Share of {words} depths changed by each choice. {said}.",
    )


def neighbours(study: Study, which: int = 0) -> Figure | Table:
    """Draw the probes' accuracy on held-out images for several numbers of neighbours (B42)."""
    if len(study.sensitivity) <= which:
        return nothing("the sensitivity of another ensemble")
    key, run = list(study.sensitivity.items())[which]
    table = page.accuracy_by_k(run)
    spread, last = np.ptp(table.values, axis=0), table.sizes["probe"] - 1
    rows = pd.concat(
        pd.DataFrame({"x": range(last + 1), "y": table.sel(k=k).values, "series": f"k = {k}"})
        for k in table["k"].values
    )
    return charts.curve(
        rows,
        y_format="~%",
        x_title=LAYER.format(last=last),
        y_title="probe accuracy",
        title=f"From 10 to 100 neighbours, probe accuracy changes by up to "
        f"{100 * spread.max():.1f} points, at layer {spread.argmax()}",
        subtitle=f"{nice_name(key)}, held-out images",
        description="Accuracy of nearest-neighbour probes on held-out images along depth, for 10 "
        f"to 100 neighbours. Largest change {spread.max():.3f}, smallest {spread.min():.3f}.",
    )
