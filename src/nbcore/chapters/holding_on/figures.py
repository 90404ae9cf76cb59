"""Chapter 10's figures: titles say what the numbers of this run show."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.holding_on import checks
from nbcore.chapters.holding_on import heads as last
from nbcore.chapters.holding_on import replay as small
from nbcore.chapters.holding_on.config import HoldingOn
from nbcore.chapters.holding_on.observe import (
    called,
    conditions,
    missing,
    networks,
    path_of,
    points,
)
from nbcore.chapters.holding_on.study import Held, old_right
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table, bullets, sentence
from nbcore.lines import compare
from nbcore.lines.figures import curves as er_curves
from nbcore.lines.whole import member
from nbcore.measures.bootstrap import ensemble_mean_draws, interval

Shown = Figure | Table
WHOLE = (
    "Whole networks of ImageNet are not trained yet, so their paths are not drawn. "
    "nbcore run rise-and-fall with whole_networks, as chapter 2 shows it, trains them "
    "(100 minutes each on a core), and this page shows them then."
)


def gains(heads: Held | None, config: HoldingOn) -> Shown:
    """Draw what the chosen point of every network's path gains over stopping early."""
    kept = networks(heads, config)
    level = compare.jointly(len(kept))
    found = {n: g for n in kept if heads and (g := path_of(heads, n, level))}
    if not found:
        return missing("Paths of last layers are")
    rows = [
        (called(n), *(100 * x for x in (g.gain.value, g.gain.low, g.gain.high)))
        for n, g in found.items()
    ]
    counts = sum(g.counts for g in found.values())
    said = "; ".join(f"{called(n)} {points(g.gain)}" for n, g in found.items())
    return charts.bars(
        pd.DataFrame(rows, columns=["category", "value", "low", "high"]),
        title=f"Mixed with where they started, {counts} of {len(found)} last layers stand higher "
        "than when stopped early",
        subtitle="Effective robustness of the chosen mixture minus that of training stopped at the "
        "same ID accuracy; intervals hold jointly at 95 %, over images and seeds",
        description=f"Gains in effective robustness in points: {said}.",
        x_title="gain in effective robustness (points)",
        x_format="+.1f",
        zero=True,
        reference=(0, "as stopped early"),
    )


def training_and_path(heads: Held | None, config: HoldingOn) -> Shown:
    """Draw the first network's training and both paths from its start over ID accuracy."""
    kept = networks(heads, config)
    if heads is None or not kept:
        return missing("Last layers are")
    network = kept[0]
    words = {
        last.condition(network, last.MAPPED): "trained",
        last.condition(network, last.PATH): "mixed",
        last.condition(network, last.FRESH): "trained from a fresh head",
        last.condition(network, last.RANDOM): "mixed with random weights",
    }
    found = path_of(heads, network)
    gain = "no comparison" if found is None else f"{points(found.gain)} points"
    return er_curves(
        heads.curves,
        list(words),
        lambda name: words.get(name, name),
        f"{called(network)}: at equal accuracy the mixture against training: {gain}",
        "Effective robustness along training and along paths, mean over seeds, 95 % intervals; the "
        "testbed (dots), its chance (shaded)",
    )


def along(heads: Held | None, config: HoldingOn) -> Shown:
    """Draw ID and shifted accuracy along every network's path."""
    rows, higher = [], 0
    kept = networks(heads, config)
    for network in kept:
        path = heads.paths.curves.get(last.condition(network, last.PATH)) if heads else None
        if path is None:
            continue
        higher += bool(path.ood[0].argmax() < len(path.steps) - 1)
        for k, step in enumerate(path.steps):
            low, high = interval(path.ood[1:, k])
            rows.append((step / path.steps[-1], path.ood[0, k], low, high, called(network)))
    if not rows:
        return missing("Paths of last layers are")
    table = pd.DataFrame(rows, columns=["x", "y", "low", "high", "series"])
    n = table["series"].nunique()
    best = table.sort_values("y").groupby("series", sort=False).last()
    said = "; ".join(
        f"{name}: at most {100 * y:.1f} % at {x:.1f}"
        for name, x, y in zip(best.index, best["x"], best["y"], strict=True)
    )
    return charts.curve(
        table,
        title=f"{higher} of {n} networks do best on the shifted images before the end of the path",
        subtitle="Shifted accuracy; 0: read through the class map, 1: trained; mean over seeds, "
        "95 % intervals",
        description=f"Accuracy on the shifted images along the path of weights. {said}.",
        x_title="share of the trained weights",
        y_title="accuracy on the shifted images",
        x_format=".1f",
        y_format=".0%",
    )


def section(held: Held | None, config: HoldingOn, what: str) -> tuple[Shown, ...]:
    """Show the small network of one task: old accuracy, robustness, table; or what is missing."""
    if held is None:
        return (missing(f"The small network of {what} is"),)
    parts = memory(held, config, what), replay(held, config, what)
    return *parts, conditions(held, config, what)


def replay(held: Held | None, config: HoldingOn, what: str) -> Shown:
    """Draw effective robustness of the small network with and without replay."""
    if held is None:
        return missing(f"The small network of {what} is")
    names = list(held.curves.curves)
    return er_curves(
        held.curves,
        names,
        lambda name: name,
        _title(held, names),
        f"{what}; mean over seeds, 95 % intervals; the testbed (dots), its chance (shaded)",
    )


def _title(held: Held, names: list[str]) -> str:
    base = held.curves.curves.get(small.NONE)
    rest = [n for n in names if n != small.NONE and not n.endswith(small.SHUFFLED)]
    if base is None:
        return "Effective robustness with replay"
    found = [checks.equal_gain(held.curves.curves[n], base) for n in rest]
    above = sum(e is not None and e[0].value > e[1] for e in found)
    return f"{above} of {len(rest)} ways of replay gain more than chance at equal accuracy"


def memory(held: Held | None, config: HoldingOn, what: str) -> Shown:
    """Draw the old accuracy along fine-tuning, by condition."""
    if held is None:
        return missing(f"The small network of {what} is")
    rows, ends = [], {}
    for name, c in held.curves.curves.items():
        for k, step in enumerate(c.steps):
            draws = ensemble_mean_draws(old_right(held.run, name, k), config.resamples)
            low, high = interval(draws[1:])
            rows.append((float(step), draws[0], low, high, name))
            ends[name] = draws[0]
    table = pd.DataFrame(rows, columns=["x", "y", "low", "high", "series"])
    start = float(table["y"][table["x"] == 0].mean())
    best = max(ends, key=lambda n: ends[n])
    none = f", without replay {100 * ends[small.NONE]:.0f}" if small.NONE in ends else ""
    return charts.curve(
        table,
        title=f"Of {100 * start:.0f} % old accuracy {100 * ends[best]:.0f} are left with {best}"
        + none,
        subtitle=f"Old test images through the old head while {what} is learned; mean over seeds, "
        "95 % intervals",
        description="Accuracy on the old set at the end: "
        + "; ".join(f"{n} {100 * v:.1f} %" for n, v in ends.items())
        + ".",
        x_title="steps of fine-tuning",
        y_title="accuracy on the old set",
        x_format=",d",
        y_format=".0%",
    )


def whole_paths(held: Held | None) -> Shown:
    """Say what paths of whole networks of ImageNet gain, of those that are trained."""
    if held is None:
        return sentence(WHOLE)
    lines = []
    for name, path in held.paths.curves.items():
        training = held.curves.curves.get(name)
        if training is None or not path.covered.any():
            continue
        found = checks.path_gain(path, training)
        told = (
            "no comparison, since the line does not reach both"
            if found is None
            else f"{points(found.gain)} points"
        )
        share = "" if found is None else f", mixed at {path.steps[found.at] / path.steps[-1]:.1f}"
        m = member(f"{name}-seed0")
        named = f"{called(m.network)}, {m.side} px, rate {m.lr:g}{share}"
        seeds = f"{path.seeds} seed{'s' * (path.seeds > 1)}"
        lines.append(f"{named}: against training stopped early, {told} ({seeds}).")
    return bullets(lines) if lines else sentence(WHOLE)


def shuffled(heads: Held | None, config: HoldingOn) -> Table:
    """Tabulate the control in which the shifted labels are shuffled: nobody can be robust."""
    rows = []
    for network in networks(heads, config):
        for what in (last.MAPPED, last.PATH):
            c = heads.curves.curves.get(last.condition(network, what)) if heads else None
            if c is not None and c.covered.any():
                at = np.flatnonzero(c.covered)
                rows.append(
                    {
                        "network": called(network),
                        "condition": what,
                        "largest ER": 100 * float(c.er[0, at].max()),
                        "chance band": 100 * float(c.band[c.peak]),
                    }
                )
    if not rows:
        return missing("The control of shuffled labels is")
    return charts.show(
        pd.DataFrame(rows),
        caption="Shuffled labels: largest ER of each condition and the chance band, in points",
    )
