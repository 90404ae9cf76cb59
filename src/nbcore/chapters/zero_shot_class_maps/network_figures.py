"""Figures and tables of several networks: titles state what the numbers of this run say."""

from collections.abc import Callable
from functools import wraps

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.zero_shot_class_maps import network_checks as checks
from nbcore.chapters.zero_shot_class_maps.config import HOW
from nbcore.chapters.zero_shot_class_maps.network_dominance import STATES
from nbcore.chapters.zero_shot_class_maps.network_study import NetworkStudy
from nbcore.chapters.zero_shot_class_maps.networks import FRESH, MAPPED, SHUFFLED
from nbcore.charts.base import Figure
from nbcore.charts.lines import robustness_scatter
from nbcore.charts.tables import Table
from nbcore.lines import compare
from nbcore.lines.curves import Curve
from nbcore.lines.figures import instead
from nbcore.measures import robustness
from nbcore.measures.bootstrap import estimate, interval
from nbcore.measures.estimate import Estimate

Shown = Figure | Table
NONE = "Not drawn: on images or with a map of your own, name the networks with -p networks=[...]."
NAMES = {f"efficientnet_lite{i}": f"EfficientNet-Lite{i}" for i in range(3)} | {
    "mobilenet_v2": "MobileNetV2",
    "squeezenet1_0": "SqueezeNet",
}
TESTBED = "testbed"
STATE_WORDS = {"zero-shot": "zero-shot", "peak": "fresh head, peak", "end": "fresh head, end"}


def called(network: str) -> str:
    """Name a network as the page does."""
    return NAMES.get(network, network)


def _of_networks(draw: Callable[[NetworkStudy], Shown]) -> Callable[[NetworkStudy | None], Shown]:
    """Say in the place of a figure that no network was asked for."""

    @wraps(draw)
    def drawn(study: NetworkStudy | None) -> Shown:
        return instead(NONE) if study is None else draw(study)

    return drawn


def points(seen: Estimate) -> str:
    """Write an estimate in points: `+1.2 [+0.3, +2.1]`."""
    return f"{100 * seen.value:+.1f} [{100 * seen.low:+.1f}, {100 * seen.high:+.1f}]"


def _height(c: Curve, k: int) -> str:
    return points(estimate(c.er[:, k], c.seeds, "fraction")) if c.covered[k] else "outside the line"


@_of_networks
def heights(study: NetworkStudy) -> Shown:
    """Draw every network: without training, and with a fresh last layer at its peak and end."""
    rows, above = [], 0
    for network in study.networks:
        for state, (what, at) in STATES.items():
            c = study.somewhere(network, what)
            k = -1 if c is None else c.peak if at == "peak" else len(c.steps) - 1
            if c is None or not c.covered[k]:
                continue
            low, high = interval(c.er[1:, k])
            above += state == "zero-shot" and c.er[0, k] > c.band[k]
            rows.append((called(network), c.id[0, k], c.er[0, k], low, high, STATE_WORDS[state]))
    if not rows:
        return instead("Not drawn: no network reached accuracies that the line covers.")
    columns = ["model", "id", "er", "low", "high", "group"]
    bed = study.models.assign(group=TESTBED)
    bed = bed.assign(low=bed["er"], high=bed["er"])[columns]
    grid = np.linspace(*study.line.id_range, 60)
    bottom, top = robustness.chance_band(grid, study.ood_total, study.line)
    said = "; ".join(f"{r[0]}, {r[5]}: {100 * r[2]:+.1f} at {100 * r[1]:.0f} %" for r in rows)
    return robustness_scatter(
        pd.concat([bed, pd.DataFrame(rows, columns=columns)]),
        pd.DataFrame({"x": grid, "low": bottom, "high": top}),
        labels=0,
        title=f"Read through the map, {above} of {len(study.networks)} networks stand above the "
        "testbed's interval",
        subtitle=f"{len(study.models)} models of the testbed with the 95 % band of chance; of each "
        "network the reading by maximum and a fresh last layer, 95 % intervals",
        description=f"Effective robustness in points against ID accuracy. {said}.",
    )


@_of_networks
def dominance(study: NetworkStudy) -> Shown:
    """Draw how much each model exceeds the most dominant comparable network of the testbed."""
    rows, exceeding = [], 0
    for network in study.networks:
        for state, words in STATE_WORDS.items():
            found = study.dominance(network, state)
            if found is None:
                continue
            most = found.theirs[0].argmax()
            drawn = found.own - found.theirs[:, most]
            low, high = interval(drawn[1:])
            exceeding += bool(drawn[0] > 0)
            rows.append((called(network), 100 * drawn[0], 100 * low, 100 * high, words))
    if not rows:
        return instead("Not drawn: the testbed has no three networks of like accuracy.")
    table = pd.DataFrame(rows, columns=["category", "value", "low", "high", "group"])
    said = "; ".join(
        f"{r.category}, {r.group} {r.value:+.1f} [{r.low:+.1f}, {r.high:+.1f}]"
        for r in table.itertuples()
    )
    return charts.bars(
        table,
        title=f"{exceeding} of {len(rows)} models are right where others are wrong more often than "
        "any comparable network",
        subtitle="Mean dominance among the testbed's networks within 10 points of accuracy, minus "
        "that of the most dominant one of them; 95 % intervals",
        description=f"Mean dominance minus that of the most dominant network, in points: {said}.",
        x_title="mean dominance above the others (points)",
        x_format="+.1f",
        zero=True,
        reference=(0, "as the most dominant"),
    )


@_of_networks
def gains(study: NetworkStudy) -> Shown:
    """Draw what the mapped start and a weak pull gain in effective robustness."""
    start, pull = "mapped minus fresh head, end", "weak pull, equal accuracy"
    rows, beyond = [], 0
    for network in study.networks:
        weak = checks.weak_pull(study, network)
        held = checks.pull_gain(study, network, weak) if weak is not None else None
        found = [(start, checks.mapped_gain(study, network)), (pull, held[0] if held else None)]
        bands = {start: study.curve(network, MAPPED).band[-1], pull: held[1] if held else np.inf}
        for group, seen in found:
            if seen is not None:
                beyond += seen.value > bands[group]
                ends = (100 * x for x in (seen.value, seen.low, seen.high))
                rows.append((called(network), *ends, group))
    if not rows:
        return instead("Not drawn: no head ends at an accuracy that the line covers.")
    table = pd.DataFrame(rows, columns=["category", "value", "low", "high", "group"])
    said = "; ".join(f"{r.category}, {r.group} {r.value:+.1f}" for r in table.itertuples())
    return charts.bars(
        table,
        title=f"{beyond} of {len(rows)} gains are larger than the testbed's interval",
        subtitle="Effective robustness gained by starting from the map, and by a pull to it that "
        "costs at most one point of accuracy; dashed: none; 95 % intervals",
        description=f"Gains in effective robustness in points: {said}.",
        x_title="gain in effective robustness (points)",
        x_format="+.1f",
        zero=True,
        reference=(0, ""),
    )


@_of_networks
def readings(study: NetworkStudy) -> Shown:
    """Tabulate every network's readings without training, with both controls."""
    rows = []
    for network in study.networks:
        three = [study.curve(network, how) for how in HOW]
        chance = study.curve(network, SHUFFLED).id[0]
        row = {"network": called(network)}
        row |= {f"ID, {how}": f"{100 * c.id[0, 0]:.1f}" for how, c in zip(HOW, three, strict=True)}
        row["shifted, max"] = f"{100 * three[0].ood[0, 0]:.1f}"
        row |= {f"ER, {how}": _height(c, 0) for how, c in zip(HOW, three, strict=True)}
        row["interval"] = f"{100 * three[0].band[0]:.1f}"
        row["shuffled maps"] = f"{100 * chance.mean():.1f} ({100 * chance.max():.0f} at most)"
        rows.append(row)
    return charts.show(
        pd.DataFrame(rows),
        caption="Networks read through the map: accuracies in percent, effective robustness in "
        "points [95 %, bootstrap over images], the testbed's half-width, and mean ID accuracy "
        "through maps whose sources were shuffled",
    )


@_of_networks
def trained(study: NetworkStudy) -> Shown:
    """Tabulate the last layers: accuracies at the end, peaks, and what the chosen pull costs."""
    rows = []
    for network in study.networks:
        fresh, mapped = study.curve(network, FRESH), study.curve(network, MAPPED)
        row: dict[str, object] = {"network": called(network), "seeds": fresh.seeds}
        for c, name in ((fresh, "fresh"), (mapped, "mapped")):
            row[f"{name}: ID, end"] = f"{100 * c.id[0, -1]:.1f}"
            row[f"{name}: ER, end"] = _height(c, len(c.steps) - 1)
        row["fresh: peak"] = points(compare.peak(fresh)) if fresh.covered.any() else "–"
        weak = checks.weak_pull(study, network)
        row["weak pull"] = "each costs more" if weak is None else f"λ = {weak:g}"
        row["costs"] = "–" if weak is None else points(checks.lost(study, network, weak))
        held = checks.pull_gain(study, network, weak) if weak is not None else None
        row["gains"] = points(held[0]) if held else "–"
        rows.append(row)
    return charts.show(
        pd.DataFrame(rows),
        caption=f"Last layers on features of one mean length, {len(fresh.steps)} checkpoints: ID "
        "accuracy in percent; effective robustness, what the weak pull costs in ID accuracy and "
        "gains at equal accuracy, in points [95 %]",
    )


@_of_networks
def shuffled(study: NetworkStudy) -> Shown:
    """Tabulate the control: a study of which the shifted labels were shuffled."""
    rows = []
    for network in study.networks:
        row = {"network": called(network)}
        for what, words in (("max", "zero-shot"), (FRESH, "fresh head"), (MAPPED, "mapped head")):
            c = study.curve(network, what)
            row[words] = _height(c, len(c.steps) - 1)
        row["interval"] = f"{100 * study.curve(network, 'max').band[0]:.1f}"
        rows.append(row)
    return charts.show(
        pd.DataFrame(rows),
        caption="With the shifted labels shuffled: effective robustness at the end in points "
        "[95 %], and the testbed's half-width",
    )
