"""Chapter 8's figures of corners and layers: every title states what the numbers say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.corner_examples import checks, rescue
from nbcore.chapters.corner_examples.observe import Chapter
from nbcore.chapters.corner_examples.study import NAMES, CornerView
from nbcore.charts.base import Figure
from nbcore.charts.density import density
from nbcore.charts.panels import panels
from nbcore.charts.tables import Table
from nbcore.charts.words import between, nothing, signed
from nbcore.measures.bootstrap import Floats, estimate, interval, share

VAL, TRAIN = "validation depth", "training depth"
TOWARD = {"label": "votes for the label", "consensus": "votes for the consensus class"}


def rows(curve: Floats, **columns: str) -> pd.DataFrame:
    """Turn a (draw, place) curve into rows of a chart: x, y, low, high and the columns given."""
    ends = np.quantile(curve[1:], [0.025, 0.975], axis=0)
    table = pd.DataFrame(
        {"x": range(curve.shape[1]), "y": curve[0], "low": ends[0], "high": ends[1]}
    )
    return table.assign(**columns)


def layer_title(s: CornerView) -> str:
    """Return the title of an axis over layers."""
    return f"layer (0 input, {s.last} softmax)"


def one_colour(table: pd.DataFrame) -> pd.DataFrame:
    """Drop a chart's column `group` where there is one group only, so that it needs no legend."""
    return table.drop(columns="group") if table["group"].nunique() == 1 else table


def planes(s: CornerView) -> Figure:
    """Draw where examples lie: all, those whose consensus is their label, those where it is not."""
    like = s.consensus == s.label
    groups = {
        "all images": s.placed,
        "consensus = label": s.placed & like,
        "consensus ≠ label": s.placed & ~like,
    }
    parts = {f"{name}: {mask.sum():,}": mask for name, mask in groups.items()}
    apart = np.abs(s.plane[0] - s.plane[1])
    means = [apart[mask].mean() for mask in groups.values()]
    tail = f"{means[2]:.1f} where it is another class"
    return density(
        *(np.concatenate([s.plane[axis, mask] for mask in parts.values()]) for axis in (0, 1)),
        panels=[name for name, mask in parts.items() for _ in range(mask.sum())],
        x_title=f"mean {VAL}",
        y_title=f"mean {TRAIN}",
        bins=(24, 24),
        noun="images",
        title=f"{s.name}: the two depths are {means[1]:.1f} layers apart where the consensus is "
        f"the label, {tail}",
        subtitle="The same images when held out and when trained on. Corners: bottom left easy, "
        "top left looks like another class, bottom right ambiguous unless labelled, top right "
        "ambiguous",
        description="Two-dimensional histograms of mean validation and mean training depth. Mean "
        f"absolute difference: all {means[0]:.2f} layers, consensus equal to the label "
        f"{means[1]:.2f}, consensus unlike the label {means[2]:.2f}.",
    )


def right_by_corner(chapter: Chapter) -> Figure:
    """Draw the share of held-out predictions that are right, per corner, ensemble and size."""
    table = []
    for s in chapter.views.values():
        for size in dict.fromkeys((s.corner, s.small)):
            for corner, at in s.find(size).items():
                e = share(s.right[at], s.networks)
                table.append(
                    {
                        "category": NAMES[corner],
                        "group": f"{s.name}: {size} images",
                        "value": e.value,
                        "low": e.low,
                        "high": e.high,
                    }
                )
    found = pd.DataFrame(table)
    order = {name: i for i, name in enumerate(NAMES.values())}
    found = found.sort_values("category", key=lambda c: c.map(order), kind="stable")
    main = chapter.main
    means = {c: share(main.right[at], 1).value for c, at in main.corners.items()}
    words = "; ".join(f"{r.category}, {r.group}: {r.value:.0%}" for r in found.itertuples())
    return charts.bars(
        one_colour(found),
        title=f"{main.name}: held out, {means['easy']:.0%} of the answers on easy images are "
        f"right, {means['looks_like_another_class']:.0%} on those that look like another class",
        subtitle="95 % intervals as if every image were one throw of a coin",
        description=f"Share of held-out predictions that are right: {words}.",
        x_title="held-out predictions that are right",
        x_format="~%",
        zero=True,
    )


def agreement_by_corner(chapter: Chapter) -> Figure:
    """Draw the mean consensus-consistency per corner and ensemble."""
    table = []
    for corner, words in NAMES.items():
        for s in chapter.views.values():
            at = s.corners[corner]
            draws = checks.mean_draws(s.agreeing[at], s.weights(len(at)))
            e = estimate(draws, s.networks, "1")
            table.append(
                {"category": words, "group": s.name, "value": e.value, "low": e.low, "high": e.high}
            )
    found = pd.DataFrame(table)
    seen = checks.networks_disagree(chapter.main, chapter.main.corners)
    apart = seen["smallest clear minus ambiguous consensus-consistency"]
    p = seen["largest p-value of the four comparisons"].value
    listed = "; ".join(f"{r.category}, {r.group}: {r.value:.2f}" for r in found.itertuples())
    return charts.bars(
        one_colour(found),
        title=f"{chapter.main.name}: networks agree more on the clear corners than on the "
        f"ambiguous ones, by {apart.value:.2f} or more"
        if apart.value > 0
        else f"{chapter.main.name}: on one of the clear corners networks agree no more than on an "
        f"ambiguous one ({signed(apart.value)})",
        subtitle=f"Largest p of the four one-sided Mann–Whitney tests: {p:.1g}. "
        f"{chapter.main.corner} images a corner, 95 % intervals over images",
        description=f"Mean consensus-consistency: {listed}.",
        x_title="consensus-consistency",
        x_format=".1f",
        zero=True,
    )


def along_layers(s: CornerView) -> Figure:
    """Draw confidence and accuracy along the layers, for the label and for the consensus class."""
    parts, first = [], {}
    for toward, panel in TOWARD.items():
        for corner, name in NAMES.items():
            curves = checks.curves(s, s.corners[corner], toward)
            for kind, curve in (
                ("share of votes", curves.confidence),
                ("wins the vote", curves.accuracy),
            ):
                parts.append(rows(curve, panel=panel, series=name, kind=kind))
            first[toward, corner] = curves.confidence[0, [0, -1]]
    look = first["consensus", "looks_like_another_class"]
    words = "; ".join(
        f"{NAMES[corner]}, {toward}: {ends[0]:.2f} at the input, {ends[1]:.2f} at the softmax"
        for (toward, corner), ends in first.items()
    )
    return panels(
        pd.concat(parts).drop(columns=["low", "high"]),
        x_title=layer_title(s),
        y_title="share",
        y_domain=(0.0, 1.0),
        title=f"{s.name}: look-alikes give their consensus class {look[0]:.0%} of the votes at the "
        f"input already, {look[1]:.0%} at the softmax",
        subtitle=f"{s.corner} images a corner, networks that did not train on them",
        description="Mean share of the neighbours' votes along the layers, and share of networks "
        f"in which the class wins the vote. Shares of votes: {words}.",
    )


def where_they_cross(chapter: Chapter) -> Figure:
    """Draw the votes for the label and for the consensus class, on "ambiguous unless labelled"."""
    parts, marks, said = [], {}, []
    for s in chapter.views.values():
        at = s.corners[rescue.CORNER]
        label, agreed = (checks.curves(s, at, toward).confidence for toward in TOWARD)
        cross = checks.crossing(label, agreed)
        known = cross[np.isfinite(cross)]
        parts += [
            rows(label, panel=s.name, series="the label"),
            rows(agreed, panel=s.name, series="the consensus class"),
        ]
        if np.isfinite(cross[0]):
            low, high = interval(known[1:]) if len(known) > 1 else (cross[0], cross[0])
            marks[s.name] = (float(cross[0]), f"layer {cross[0]:.1f}")
            said.append(f"{s.name} at layer {cross[0]:.1f} [{low:.1f}, {high:.1f}] of {s.last}")
    finding = "; ".join(said) or "they never cross"
    return panels(
        pd.concat(parts),
        marks=marks,
        x_title="layer (0 input, last softmax)",
        y_title="share of the votes",
        title=f"Ambiguous unless labelled: the consensus overtakes the label, {finding}",
        subtitle="Bands: 95 % over images",
        description="Mean share of the neighbours' votes for the label and for the consensus class "
        f"along the layers, for images that are ambiguous unless labelled. Crossing: {finding}.",
    )


def rescued(s: CornerView) -> Figure | Table:
    """Draw claim B39 in its ways: networks' own answers, middle probe, best single probe."""
    found = rescue.rescues(s)
    table = []
    for words, r in found.items():
        for name, draws in (
            ("networks", r.network),
            (f"probe {s.middle}", r.middle),
            ("best single probe", r.best),
        ):
            e = estimate(draws, s.networks, "1")
            table.append(
                {"category": words, "group": name, "value": e.value, "low": e.low, "high": e.high}
            )
    rows_ = pd.DataFrame(table)
    gains = {words: between(r.gain) for words, r in found.items()}
    ways = list(found.values())
    second = f", {signed(ways[1].gain[0])} when other networks are scored" if len(ways) > 1 else ""
    return charts.bars(
        rows_,
        title=f"{s.name}: probe {s.middle} adds {signed(ways[0].gain[0])} to accuracy on the corner"
        f"{second}",
        subtitle="Ambiguous unless labelled. 95 % intervals over images",
        description="Accuracy of held-out predictions. What the middle probe adds: "
        + "; ".join(f"{words}: {gain}" for words, gain in gains.items())
        + ".",
        x_title="accuracy",
        x_format="~%",
        zero=True,
    )


def probes_by_set(s: CornerView) -> Figure:
    """Draw the accuracy of every probe, on "ambiguous unless labelled" and on all images."""
    sets = {
        "ambiguous unless labelled": s.corners[rescue.CORNER],
        "all images": np.flatnonzero(s.placed),
    }
    right = rescue.right_of_probes(s)
    parts, best = [], {}
    for name, at in sets.items():
        curve = checks.mean_draws(right[at], s.weights(len(at)))
        parts.append(rows(curve, series=name))
        best[name] = int(np.nanargmax(curve[0]))
    corner, everything = (best[name] for name in sets)
    return charts.curve(
        pd.concat(parts),
        title=f"{s.name}: probe {corner} is best on the corner, probe {everything} on all images",
        subtitle="Accuracy of each probe's vote when held out; bands: 95 % over images",
        description=f"Accuracy of the probes along the layers. On the corner the best is probe "
        f"{corner}, on all images probe {everything}; the softmax is probe {s.last}.",
        x_title=layer_title(s),
        y_title="accuracy",
        x_format="d",
        y_format="~%",
    )


def overall(chapter: Chapter) -> Figure | Table:
    """Draw what each way of answering adds to the accuracy over all images."""
    table = []
    for s in chapter.views.values():
        for way in rescue.overall(s):
            e = estimate(way.gain, s.networks, "1")
            table.append(
                {
                    "category": way.words,
                    "group": s.name,
                    "value": e.value,
                    "low": e.low,
                    "high": e.high,
                }
            )
    if not table:
        return nothing("the halves of the networks have too few images in common")
    found = pd.DataFrame(table).sort_values("category", kind="stable")
    ruled = found[found["category"].str.contains("rule")]
    better = int((ruled["low"] > 0).sum())
    lines = zip(found["category"], found["group"], found["value"].to_numpy(float), strict=True)
    words = "; ".join(f"{way}, {name}: {100 * gain:+.2f} points" for way, name, gain in lines)
    return charts.bars(
        one_colour(found),
        title="Without the label the middle probe improves overall accuracy in "
        f"{better} of {len(ruled)} ensembles",
        subtitle="What is added to the accuracy over all images; 95 % intervals over images",
        description=f"Change of accuracy over all held-out images: {words}.",
        x_title="added accuracy",
        x_format="+.1%",
        zero=True,
        reference=(0.0, ""),
    )
