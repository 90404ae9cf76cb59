"""Chapter 3's pictures: examples by depth, and two of them on their way through the probes."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.prediction_depth.agreement import Floats
from nbcore.chapters.prediction_depth.figures import LAYER, nothing
from nbcore.chapters.prediction_depth.observe import Study
from nbcore.charts.base import Figure
from nbcore.charts.galleries import Gallery, gallery
from nbcore.charts.tables import Table
from nbcore.depths.roster import nice_name
from nbcore.depths.view import EnsembleView
from nbcore.measures.depth import prediction_depth
from nbcore.runs.store import Run


class Way(NamedTuple):
    """One example on its way: its place in the run, its class, a rival class, mean depth, votes.

    own, rival: (probe,) share of the neighbours' votes; thumb: which thumbnail shows it.
    """

    thumb: int
    name: str
    other: str
    depth: float
    own: Floats
    rival: Floats


def by_depth(study: Study, key: str, each: int = 10) -> Gallery:
    """Show the stored pictures with the smallest, middle and largest mean training depth."""
    run = study.runs[key]
    depth, names, images = _thumbs(run)
    known = np.flatnonzero(~np.isnan(depth))
    order = known[np.argsort(depth[known], kind="stable")]
    half = float(depth[order[[0, -1]]].mean())
    middle = known[np.argsort(np.abs(depth[known] - half), kind="stable")[:each]]
    last = run.table("members").sizes["probe"] - 1
    rows = {"earliest": order[:each], "in the middle": middle, "latest": order[-each:][::-1]}
    picked = np.concatenate(list(rows.values()))
    groups = [
        f"decided {word}: mean depth {depth[at].min():.1f} to {depth[at].max():.1f} of {last}"
        for word, at in rows.items()
        for _ in at
    ]
    return gallery(
        images[picked],
        [f"{names[i]}, {depth[i]:.1f}" for i in picked],
        groups,
        title=f"{nice_name(key)}: training images decided earliest, in the middle, and latest",
        description=f"Of {len(depth)} stored training images those with the smallest, middle and "
        f"largest prediction depth, mean over {run.table('members').sizes['member']} networks. "
        "Under each its class and depth.",
    )


def _thumbs(run: Run) -> tuple[Floats, list[str], np.ndarray]:
    """Return of every thumbnail: mean training depth, the class it was trained as, the image."""
    examples, thumbs = run.table("examples"), run.table("thumbnails")
    at = thumbs["example"].values
    names = [examples.attrs["classes"][c] for c in examples["label"].values[at]]
    depth = EnsembleView.of("", run).mean_depth("train")
    return depth[at], names, thumbs["image"].values


def mislabelled(study: Study, each: int = 10) -> Gallery | Table:
    """Show wrongly labelled pictures: those decided latest, and those decided earliest."""
    found = study.companion("human-noise") or study.companion("noise")
    if found is None:
        return nothing("labels that were changed")
    key, run = found
    depth, names, images = _thumbs(run)
    examples, at = run.table("examples"), run.table("thumbnails")["example"].values
    original = examples["original_label"].values[at]
    wrong = np.flatnonzero((examples["label"].values[at] != original) & ~np.isnan(depth))
    if not len(wrong):
        return nothing("stored pictures with wrong labels")
    order = wrong[np.argsort(depth[wrong], kind="stable")]
    late, early = order[-each:][::-1], order[: max(len(order) - each, 0)][:each]
    picked = np.concatenate([late, early])
    groups = ["wrong labels decided latest"] * len(late)
    groups += ["wrong labels decided earliest"] * len(early)
    classes = examples.attrs["classes"]
    return gallery(
        images[picked],
        [f"“{names[i]}”, really {classes[original[i]]}; {depth[i]:.1f}" for i in picked],
        groups,
        columns=8,
        size=72,
        title=f"{nice_name(key)}: {len(wrong)} stored pictures have a wrong label, the deepest at "
        f"{depth[wrong].max():.1f}, the shallowest at {depth[wrong].min():.1f}",
        description="Training images with a wrong label. Under each the label that was given, the "
        "original one, and the mean depth.",
    )


def ways(study: Study) -> list[Way]:
    """Choose an easy and a hard stored picture; read the votes of networks that held them out.

    Easy: decided at the input, with the largest share of the input's votes; hard: the largest mean
    depth. Empty where no stored picture was held out.
    """
    run = study.runs[study.main]
    if "votes" not in run.manifest["tables"]:
        return []
    votes, examples = run.table("votes"), run.table("examples")
    at = run.table("thumbnails")["example"].values
    counts = votes["count"].values.sum(0)[at]
    depth = EnsembleView.of(study.main, run).depth("val")[at]
    total = votes["votes"].values[:, at].sum(0, dtype=float)  # thumb, probe, class
    share = total / np.maximum(total.sum(-1, keepdims=True), 1)
    truth, classes = examples["label"].values[at], examples.attrs["classes"]
    known = np.flatnonzero((counts >= max(counts.max() / 2, 1)) & ~np.isnan(depth))
    if not len(known):
        return []
    at_input = share[known, 0, truth[known]]
    chosen = known[np.lexsort((-at_input, depth[known]))[[0, -1]]]
    out = []
    for i in chosen:
        mean = share[i].mean(0)
        mean[truth[i]] = -1
        rival = int(mean.argmax())
        out.append(
            Way(
                int(i),
                classes[truth[i]],
                classes[rival],
                float(depth[i]),
                share[i, :, truth[i]],
                share[i, :, rival],
            )
        )
    return out


def passing(study: Study) -> Figure | Table:
    """Draw the shares of the neighbours' votes at every layer, for an easy and a hard example."""
    if len(found := ways(study)) < 2:
        return nothing("networks that hold examples out")
    easy, hard = found
    last, parts = len(easy.own) - 1, []
    for word, way in (("easy", easy), ("hard", hard)):
        for kind, name, votes in (
            ("its class", way.name, way.own),
            ("rival", way.other, way.rival),
        ):
            if votes.max() > 0:
                rows = pd.DataFrame({"x": range(last + 1), "y": votes})
                parts.append(rows.assign(series=f"{word}, {kind}: {name}"))
    return charts.curve(
        pd.concat(parts),
        y_format="~%",
        x_title=LAYER.format(last=last),
        y_title="share of the neighbours' votes",
        y_domain=(0.0, 1.0),
        title=f"An easy “{easy.name}” has {easy.own[0]:.0%} of the votes at the input; a hard "
        f"“{hard.name}” has {hard.own[0]:.0%}; their mean depths are {easy.depth:.1f} and "
        f"{hard.depth:.1f}",
        subtitle=f"{nice_name(study.main)}: votes in networks that were not trained on the image",
        description="Share of the nearest neighbours' votes at each layer for two images. "
        f"{easy.name} (mean depth {easy.depth:.1f}): {easy.own[0]:.2f} at the input, "
        f"{easy.own[-1]:.2f} at the softmax. {hard.name} (mean depth {hard.depth:.1f}): "
        f"{hard.own[0]:.2f} and {hard.own[-1]:.2f}.",
    )


def passing_pictures(study: Study) -> Gallery | Table:
    """Show the two images of `passing`."""
    if len(found := ways(study)) < 2:
        return nothing("networks that hold examples out")
    images = study.runs[study.main].table("thumbnails")["image"].values
    return gallery(
        images[[way.thumb for way in found]],
        [f"{way.name}, depth {way.depth:.1f}" for way in found],
        ["the two images"] * 2,
        size=96,
        title=f"Easy: “{found[0].name}”. Hard: “{found[1].name}”",
        description="The two images whose votes are drawn, with class and mean depth.",
    )


def live_gallery(member, pool, each: int = 8) -> Gallery:
    """Show pictures of one freshly trained network, by depth; see `training.ensemble.train_member`.

    member: its Dataset; pool: the `Pool` it was trained from.
    """
    said = member["votes"].values.argmax(-1)
    depth = prediction_depth(said, member["final"].values)
    last = said.shape[1] - 1
    rng = np.random.default_rng(0)
    picked, groups = [], []
    for at in sorted(set(depth.tolist()) - {-1}):
        own = rng.permutation(np.flatnonzero(depth == at))[:each]
        word = {0: " (input)", last: " (softmax)"}.get(at, "")
        picked += own.tolist()
        groups += [f"depth {at}{word}: {np.mean(depth == at):.1%} of the digits"] * len(own)
    return gallery(
        pool.images[picked],
        [pool.classes[pool.labels[i]] for i in picked],
        groups,
        title=f"{np.mean(depth == 0):.0%} of the digits are decided at the input, "
        f"{np.mean(depth > 0):.0%} later",
        description="Digits by the depth at which this network decides them; under each its label.",
    )
