"""Chapter 15's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.learned_first import explained, observe, worlds
from nbcore.chapters.learned_first.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.panels import panels
from nbcore.charts.tables import Table, bullets
from nbcore.charts.words import nothing
from nbcore.measures.bootstrap import Floats
from nbcore.measures.estimate import Estimate


def rows(study: Study, values: Floats, x: Floats, series: str) -> pd.DataFrame:
    """Tabulate means over seeds of (member, point) with 95 % intervals: x, y, low, high, series."""
    draws = study.over_seeds(values)
    low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
    ends = dict(low=np.minimum(low, draws[0]), high=np.maximum(high, draws[0]))
    return pd.DataFrame({"x": x, "y": draws[0], "series": series} | ends)


def said(table: pd.DataFrame) -> str:
    """List the ends of each series, for a description."""
    parts = []
    for name, own in table.groupby("series", sort=False):
        ends = [f"{y:.3g} at {x:g}" for x, y in own[["x", "y"]].iloc[[0, -1]].to_numpy()]
        parts.append(f"{name}: {', '.join(ends)}")
    return "; ".join(parts)


def judged(e: Estimate, low: float = -np.inf, high: float = np.inf) -> int:
    """Say where an interval lies: 1 inside low to high, -1 outside, 0 across an end of it."""
    if e.low >= low and e.high <= high:
        return 1
    return -1 if e.high < low or e.low > high else 0


def missing(run: str) -> Table:
    """Say, in the place of a figure, that a run was not computed."""
    return nothing(f"the run `{run}` was not computed; run the chapter with -p 'runs=[\"{run}\"]'")


def learning(study: Study) -> Figure | Table:
    """Draw what a network tells about the label along training, and what explains it."""
    if "explained" not in study.runs:
        return missing("explained")
    steps = study.counts["step"].values.astype(float)
    kept, known = steps > 0, study.known()
    curves = {"network": known}
    curves |= {f"explained by: {k}": study.shared(k) for k in explained.EXPLAINERS}
    shown = pd.concat([rows(study, v[:, kept], steps[kept], k) for k, v in curves.items()])
    seen = observe.learned(study)
    early, late = (
        seen[f"share explained by the linear classifier {when}"] for when in ("early", "late")
    )
    first = {
        1: "Nearly all that is learned first is linear",
        0: "How much of what is learned first is linear is not settled",
        -1: "Not nearly all that is learned first is linear",
    }[judged(early, low=0.8)]
    return charts.curve(
        shown.reset_index(drop=True),
        x_title="steps of training",
        y_title="information about the label, nats",
        x_scale="log",
        x_format="~s",
        y_format=".3f",
        level=(float(study.knows(explained.LINEAR).mean()), "the linear classifier's own"),
        title=f"{first}: {early.value:.0%} until the network knows as much, {late.value:.0%} at "
        "the end",
        subtitle=f"Two groups of classes, test pictures; {len(known)} seeds, 95 % intervals",
        description=f"Information about the label by training steps. {said(shown)}.",
    )


def retained(study: Study) -> Figure | Table:
    """Draw the share of a simple classifier's information that the network has too."""
    if "explained" not in study.runs:
        return missing("explained")
    steps = study.counts["step"].values.astype(float)
    kept, parts = steps > 0, []
    for name in (explained.LINEAR, explained.RANDOM):
        share = study.shared(name) / study.knows(name)[:, None]
        parts.append(rows(study, share[:, kept], steps[kept], f"{name} classifier"))
    shown = pd.concat(parts).reset_index(drop=True)
    seen = observe.learned(study)
    end = seen["share of the linear classifier retained at the end"]
    more = seen["retained share of the linear minus a random classifier"]
    above = {1: "more than", 0: "not surely more than", -1: "less than"}[judged(more, low=1e-12)]
    return charts.curve(
        shown,
        x_title="steps of training",
        y_title="share that the network has too",
        x_scale="log",
        x_format="~s",
        y_format="~%",
        title=f"At the end the network has {end.value:.0%} of what the linear classifier knows, "
        f"{above} of what a random one does",
        subtitle="Performance correlation over the classifier's own information; 95 % intervals",
        description="Share of each classifier's information that the network has by training "
        f"steps. {said(shown)}.",
    )


def two_worlds(study: Study) -> Figure | Table:
    """Draw soft errors of both networks in the Real World, the Ideal one, and on few pictures."""
    if "worlds" not in study.runs:
        return missing("worlds")
    steps, parts = study.curves["step"].values.astype(float), []
    config = study.runs["worlds"].manifest["config"]
    names = {
        worlds.REAL: f"{config['real']:,} pictures again and again",
        worlds.IDEAL: f"{config['fresh']:,} fresh pictures",
        worlds.FEW: f"{config['few']:,} pictures again and again",
    }
    for network in worlds.NETWORKS:
        for world, name in names.items():
            own = rows(study, study.soft(network, world)[:, 1:], steps[1:], name)
            parts.append(own.assign(panel=network))
    shown, seen = pd.concat(parts).reset_index(drop=True), observe.coupled(study)
    gaps = [seen[f"{k.lower()} soft error real minus ideal at the end"] for k in worlds.NETWORKS]
    told = " and ".join(f"{g.value:.3f} ({k})" for g, k in zip(gaps, worlds.NETWORKS, strict=True))
    small = [judged(g, -0.03, 0.03) for g in gaps]
    if min(small) == 1:
        opening = "The two worlds end close together"
    else:
        opening = "One network's worlds part" if max(small) == 1 else "The two worlds part"
    return panels(
        shown,
        x_title="steps of training",
        y_title="soft error on test pictures",
        y_format=".2f",
        y_domain=(0, float(np.ceil(10 * shown["high"].max()) / 10)),
        title=f"{opening}: they differ by {told}",
        subtitle="Soft error: 1 minus the probability of the right class; 95 % intervals",
        description=f"Soft test errors by training steps, a panel a network. {said(shown)}.",
    )


def race(study: Study) -> Figure | Table:
    """Draw both networks on fresh pictures, and with all pixels in another order."""
    if "worlds" not in study.runs:
        return missing("worlds")
    steps, parts = study.curves["step"].values.astype(float), []
    for network in worlds.NETWORKS:
        for world, name in ((worlds.IDEAL, ""), (worlds.SHUFFLED, ", shuffled pixels")):
            own = study.soft(network, world)[:, 1:]
            parts.append(rows(study, own, steps[1:], network + name))
    shown, seen = pd.concat(parts).reset_index(drop=True), observe.coupled(study)
    share = seen["ideal world share of steps after which the cnn is where the mlp ends"]
    told = {
        1: f"The CNN is where the MLP ends after {share.value:.0%} of the steps",
        0: "Whether the CNN is sooner where the MLP ends is not settled",
        -1: "The CNN is never sooner where the MLP ends",
    }[judged(share, high=1 - 1e-9)]
    return charts.curve(
        shown,
        x_title="steps, each on fresh pictures",
        y_title="soft error on test pictures",
        x_scale="log",
        x_format="~s",
        y_format=".2f",
        title=told,
        subtitle="Every picture is seen once; with shuffled pixels neighbours mean nothing",
        description=f"Soft test errors in the Ideal World by steps. {said(shown)}.",
    )


def told(study: Study) -> Table:
    """Say in a list how accurate networks and explainers are."""
    if "explained" not in study.runs:
        return missing("explained")
    joint, last = study.joint(explained.LINEAR), study.joint(explained.LINEAR)[:, -1]
    total = last.sum((1, 2, 3))
    network = (last[:, 0, 0].sum(-1) + last[:, 1, 1].sum(-1)) / total
    parts = [f"the network {network.mean():.1%}"]
    for name in (explained.LINEAR, explained.HIDDEN):
        own = study.joint(name)[:, -1].sum(1)
        right = (own[:, 0, 0] + own[:, 1, 1]) / total
        parts.append(f"{name} {right.mean():.1%}")
    steps, early = study.counts["step"].values, study.early()
    fitted = study.counts["accuracy_train"].values.mean()
    return bullets(
        [
            f"Right at the end, on {int(total[0]):,} test pictures: {', '.join(parts)}; the "
            f"network on its training pictures {fitted:.1%}.",
            "The network knows about as much as the linear classifier after "
            f"{', '.join(str(int(steps[k])) for k in early)} of {int(steps[-1]):,} steps, by seed, "
            f"among {joint.shape[1]} evaluations.",
        ]
    )
