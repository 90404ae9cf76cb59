"""Chapter 5's figures: every title states what the numbers of this run say."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.depth_learning_margins import controls
from nbcore.chapters.depth_learning_margins import observe as page
from nbcore.chapters.depth_learning_margins.study import KINDS, ROLES, LearningView, Margin
from nbcore.charts.base import Figure
from nbcore.charts.density import density
from nbcore.charts.panels import panels
from nbcore.charts.tables import Table
from nbcore.charts.words import between, listed, nothing, signed
from nbcore.measures.bootstrap import Floats, interval
from nbcore.measures.correlation import over_depths
from nbcore.runs.store import Run

Found = Mapping[str, LearningView]
STEP = "step learned (95 % by 1)"
PANELS = {"train": "training images", "val": "held out", "test": "test images"}


def _rows(series: str, curves: Floats) -> pd.DataFrame:
    """Turn (draw, depth) curves into the rows of a chart: x, y, series, low, high."""
    known = np.flatnonzero(~np.isnan(curves[0]))
    ends = np.array([interval(curves[1:, d][np.isfinite(curves[1:, d])]) for d in known])
    ends = ends.reshape(-1, 2)
    return pd.DataFrame(
        {"x": known, "y": curves[0, known], "series": series, "low": ends[:, 0], "high": ends[:, 1]}
    )


def learned_by_depth(found: Found) -> Figure | Table:
    """Draw the mean step learned of held-out predictions at each depth, per ensemble.

    One more curve shows the main ensemble with its depths shuffled.
    """
    curves = {s.name: s.by_depth("val")[0] for s in found.values()}
    order = {name: over_depths(c) for name, c in curves.items()}
    order = {name: draws for name, draws in order.items() if np.isfinite(draws[0])}
    if not order:
        return nothing("fewer than three depths have enough held-out predictions")
    centre = page.main(found)
    shuffled = centre.by_depth("val", controls.shuffled_depths(centre, "val"))[0]
    curves[f"{centre.name}, depths shuffled"] = shuffled
    table = pd.concat([_rows(name, c) for name, c in curves.items()])
    worst = min(order, key=lambda name: order[name][0])
    words = "; ".join(f"{name} {between(draws)}" for name, draws in order.items())
    rising = sum(interval(draws[1:])[0] > 0 for draws in order.values())
    return charts.curve(
        table,
        title=f"Deeper is learned later in {rising} of {len(order)} ensembles: the smallest "
        f"order correlation over depths is {signed(order[worst][0])}",
        subtitle="Held-out predictions; 95 % intervals over examples. 0 is the input",
        description=f"Mean step learned at each prediction depth. Spearman over depths: {words}. "
        "With shuffled depths the curve is flat.",
        x_title="prediction depth",
        y_title=STEP,
        x_format="d",
    )


def shares(found: Found) -> Figure:
    """Draw the share of predictions at each depth, for both splits."""
    rows, at_input = [], {}
    for s in found.values():
        for role, words in ROLES.items():
            share = s.by_depth(role)[1]
            rows.append(
                pd.DataFrame(
                    {"x": np.arange(len(share)), "y": share, "series": s.name, "panel": words}
                )
            )
            at_input[f"{s.name}, {words}"] = s.at_input(role)[0]
    top, least = (f(at_input, key=at_input.__getitem__) for f in (max, min))
    words = "; ".join(f"{name} {100 * share:.0f} %" for name, share in at_input.items())
    table = pd.concat(rows).sort_values("panel", key=lambda p: p.map(list(ROLES.values()).index))
    return panels(
        table,
        title=f"From {100 * at_input[least]:.0f} % ({least}) to {100 * at_input[top]:.0f} % "
        f"({top}) of the predictions are decided at the input",
        description=f"Share of predictions at each depth. Decided at the input: {words}.",
        x_title="prediction depth",
        y_title="share of predictions",
        x_format="d",
        y_format="~%",
    )


def examples(s: LearningView) -> Figure | Table:
    """Draw mean depth against mean step learned of every example, in both splits."""
    parts = {role: s.means(role) for role in ROLES}
    order = {role: s.depth_and_learning(role) for role in ROLES}
    if not all(np.isfinite(draws[0]) for draws in order.values()):
        return nothing(f"{s.name} gives no correlation of depth and step learned")
    panel = [PANELS[role] for role in ROLES for _ in parts[role].depth]
    words = "; ".join(f"{PANELS[role]} {between(draws)}" for role, draws in order.items())
    return density(
        *(np.concatenate([getattr(p, f) for p in parts.values()]) for f in ("depth", "learned")),
        panels=panel,
        x_title="mean depth",
        y_title=f"mean {STEP}",
        title=f"{s.name}: example by example, the order correlation is "
        f"{signed(order['train'][0])} in training and {signed(order['val'][0])} held out",
        subtitle=f"Spearman with 95 % interval: {words}",
        description=f"Two-dimensional histograms of mean depth and mean step learned. {words}.",
    )


def learning_controls(s: LearningView) -> Figure | Table:
    """Draw the correlation of depth and step learned with other explanations removed."""
    parts = {words: controls.learning(s, role) for role, words in ROLES.items()}
    table = controls.bars_table(parts)
    held = parts[ROLES["val"]]
    plain, strict = held["as defined"][0], held["right predictions within a class"][0]
    if table.empty or not np.isfinite([plain, strict]).all():
        return nothing(f"{s.name} gives no correlation of depth and step learned")
    words = listed(table)
    return charts.bars(
        table,
        title=f"Of {signed(plain)} held out, {signed(strict)} is left within a class and among "
        "right predictions",
        subtitle=f"{s.name}: Spearman's correlation of mean depth and mean step learned",
        description=f"Correlations under controls. {words}.",
        x_title="Spearman's correlation",
        x_format="+.1f",
        zero=True,
        reference=(0.0, ""),
    )


def learned_over_time(s: LearningView) -> Figure | Table:
    """Draw the share of held-out predictions that are already final, over updates, by depth."""
    mask, half = s.seen("val") & s.settled, s.last // 2
    depth, learned = (s.members[v].values[mask] for v in ("depth", "learned"))
    groups = {
        "decided at the input": depth == 0,
        f"depth 1 to {half}": (depth > 0) & (depth <= half),
        f"depth {half + 1} to {s.last}": depth > half,
    }
    groups = {name: some for name, some in groups.items() if some.sum() >= 20}
    if len(groups) < 2:
        return nothing(f"the predictions of {s.name} are nearly all of one depth")
    step = page.checkpoint_steps(s)
    rows, middle = [], {}
    for name, some in groups.items():
        count = np.bincount(learned[some], minlength=len(step))
        share = np.cumsum(count) / count.sum()
        middle[name] = int(step[np.argmax(share >= 0.5)])
        rows.append(pd.DataFrame({"x": step[1:], "y": share[1:], "series": name}))
    first, last = list(groups)[0], list(groups)[-1]
    words = "; ".join(f"{name}: half by update {at:,}" for name, at in middle.items())
    return charts.curve(
        pd.concat(rows),
        title=f"Half of those {first} are final by update {middle[first]:,}, of those of "
        f"{last} by {middle[last]:,}",
        subtitle=f"{s.name}, held-out predictions, at {len(step) - 1} evaluations after the start",
        description=f"Share of predictions that no longer change, over updates. {words}.",
        x_title="updates",
        y_title="share final",
        x_scale="log",
        y_format="~%",
    )


def margin_density(s: LearningView, kind: str) -> Figure | Table:
    """Draw mean depth against the log of the mean margin, for test and training images."""
    roles = {r: m for r in ("test", "train") if (m := s.margin(kind, r)) is not None}
    draws = {r: s.depth_and_margin(kind, r) for r in roles}
    known = {r: d for r, d in draws.items() if d is not None and np.isfinite(d[0])}
    if "test" not in known:
        return nothing(f"the {KINDS[kind]}s of {s.name} were not measured, or its depths undefined")
    parts: list[Margin] = [roles[r] for r in known]
    words = "; ".join(f"{PANELS[r]} {between(d)}" for r, d in known.items())
    return density(
        np.concatenate([m.depth for m in parts]),
        np.concatenate([m.log for m in parts]),
        panels=[PANELS[r] for r in known for _ in roles[r].depth],
        x_title="mean depth",
        y_title=f"log of mean {KINDS[kind]}",
        title=f"{s.name}: mean depth and log {KINDS[kind]} correlate at "
        f"{signed(known['test'][0])} on test images",
        subtitle=f"Pearson with 95 % interval: {words}",
        description=f"Histograms of mean depth and log mean {KINDS[kind]}. {words}.",
    )


def margins_everywhere(found: Found) -> Figure | Table:
    """Draw the correlation of depth and margins in every ensemble and split."""
    parts: dict[str, dict[str, Floats]] = {}
    for kind, words in KINDS.items():
        for s in found.values():
            for role in ("test", "train"):
                draws = s.depth_and_margin(kind, role)
                if draws is not None:
                    parts.setdefault(words, {})[f"{s.name}, {PANELS[role]}"] = draws
    table = controls.bars_table(parts)
    if table.empty:
        return nothing("no ensemble has margins at defined depths")
    below = int((table["high"] < 0).sum())
    words = listed(table)
    return charts.bars(
        table,
        title=f"{below} of {len(table)} correlations of depth and log margin lie below zero with "
        f"their whole interval; the weakest is {signed(table['value'].max())}",
        description=f"Pearson's correlation of mean depth with log mean margin. {words}.",
        x_title="Pearson's correlation",
        x_format="+.1f",
        zero=True,
        reference=(0.0, ""),
    )


def margin_controls(s: LearningView) -> Figure | Table:
    """Draw the correlation of depth and margins with other explanations removed."""
    parts = {words: controls.margins(s, kind) for kind, words in KINDS.items()}
    table = controls.bars_table({group: found for group, found in parts.items() if found})
    strict = "right in every network, within a class"
    left = table[table["category"] == strict]
    if left.empty:
        return nothing(f"{s.name} has too few test images that every network gets right")
    words = listed(table)
    pairs = zip(left["group"], left["value"], strict=True)
    values = " and ".join(f"{signed(value)} ({group})" for group, value in pairs)
    return charts.bars(
        table,
        title=f"Within a class and among images that all get right, {values} is left",
        subtitle=f"{s.name}, test images: correlation of mean depth and log mean margin",
        description=f"Correlations under controls. {words}.",
        x_title="correlation",
        x_format="+.1f",
        zero=True,
        reference=(0.0, ""),
    )


def spread(s: LearningView, log: bool = False) -> Figure | Table:
    """Draw the variance of the margins at each depth, relative to that of the shallowest bin."""
    what = "log margin" if log else "margin"
    rows, order = [], {}
    for kind, words in KINDS.items():
        curves = s.margin_spread(kind, log)
        if curves is None or not np.isfinite(over_depths(curves)[0]):
            continue
        order[words] = over_depths(curves)
        first = curves[0][np.flatnonzero(~np.isnan(curves[0]))[0]]
        rows.append(_rows(words, curves / first))
    if not rows:
        return nothing("fewer than three depths have enough test images with margins")
    words = "; ".join(f"{name} {between(draws)}" for name, draws in order.items())
    values = " and ".join(f"{signed(draws[0])} ({name})" for name, draws in order.items())
    return charts.curve(
        pd.concat(rows),
        title=f"Variance of the {what} over depths: order correlation {values}",
        subtitle=f"{s.name}, test images by rounded mean depth; 1 is the shallowest group",
        description=f"Variance of the {what} by depth. Spearman over depths: {words}.",
        x_title="mean depth, rounded",
        y_title="variance, relative",
        x_format="d",
        level=(1.0, "as at the shallowest"),
    )


def separability(run: Run, name: str) -> Figure:
    """Draw the training accuracy of a linear classifier after the input and the first layers."""
    table = page.separability(run)
    seen = table.rename(columns={"layer": "category", "accuracy": "value"})
    shares = dict(zip(table["layer"], 100 * table["accuracy"], strict=True))
    words = ", ".join(f"{layer} {share:.1f} %" for layer, share in shares.items())
    first, *later = shares
    top = max(later, key=shares.__getitem__)
    return charts.bars(
        seen[["category", "value", "low", "high"]],
        title=f"{name}: a linear classifier gets {shares[first]:.1f} % of its training images "
        f"right on pixels, {shares[top]:.1f} % after {top}",
        subtitle="Logistic regression on the images it is fitted to; range over networks",
        description=f"Training accuracy of logistic regression by layer: {words}.",
        x_title="training accuracy",
        x_format="~%",
        zero=True,
    )
