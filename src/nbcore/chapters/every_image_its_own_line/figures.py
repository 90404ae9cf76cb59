"""Chapter 11's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.every_image_its_own_line import observe, runs
from nbcore.chapters.every_image_its_own_line.config import EveryImageItsOwnLine
from nbcore.charts.base import Figure
from nbcore.charts.profiles import profile_pager
from nbcore.charts.words import listed, signed
from nbcore.measures import robustness
from nbcore.runs.store import Run

SHARE = "share of models that are right"


def splits(run: Run) -> Figure:
    """Draw held-out correlations of chosen and of equally hard images."""
    table = observe.splits_table(run)
    e = observe.held_out(run.table("imagenetv2"), runs.ALL, runs.CHOSEN)
    said = (
        "On chosen images accuracy falls as models improve"
        if e.high < 0
        else "On chosen images accuracy does not fall as models improve"
        if e.low > 0
        else "Whether accuracy on chosen images falls as models improve is open"
    )
    return charts.bars(
        table,
        x_title="correlation with accuracy",
        x_format=".1f",
        reference=(0.0, "no relation"),
        title=f"{said}: {signed(e.value)} [{signed(e.low)}, {signed(e.high)}]",
        subtitle=f"Median and 95 % of {e.n} splits; chosen by half of the families, judged by the "
        "others",
        description=f"Correlations with accuracy: {listed(table)}.",
    )


def leverage(run: Run, config: EveryImageItsOwnLine) -> Figure:
    """Draw every split's held-out correlation, by whether Fisher vectors are among its judges."""
    table = observe.leverage(run, config)
    words = {True: "Fisher vectors judge", False: "Fisher vectors choose"}
    rows = [
        pd.DataFrame(
            {"x": np.arange(1, len(part) + 1), "y": np.sort(part["held_out"]), "series": said}
        )
        for who, said in words.items()
        if len(part := table[table["judges"] == who])
    ]
    medians = {bool(who): part["held_out"].median() for who, part in table.groupby("judges")}
    return charts.curve(
        pd.concat(rows),
        x_title="splits, from the lowest correlation on",
        y_title="correlation on other families",
        x_format="d",
        level=(0.0, "no relation"),
        title=pulled(medians.get(True), medians.get(False)),
        subtitle=f"{len(table)} splits of ImageNetV2's models; images that fall most on one half, "
        "judged by the other",
        description="Correlation of accuracy on chosen images with global accuracy, one point a "
        "split, in order, for the splits in which the three Fisher vectors are among the judges "
        f"({int(table['judges'].sum())}) and for the others: {pulled(*map(medians.get, words))}.",
    )


def pulled(judging: float | None, choosing: float | None) -> str:
    """Say what Fisher vectors do as judges; medians of the splits, None where there is no split."""
    if judging is None or choosing is None:
        return "No two kinds of splits to tell what Fisher vectors do as judges"
    both = f"median {signed(judging)} with them, {signed(choosing)} without"
    if judging - choosing > 0.1:
        return f"Fisher vectors among the judges pull the correlation up: {both}"
    if judging - choosing < -0.1:
        return f"Fisher vectors among the judges pull the correlation down: {both}"
    return f"Fisher vectors among the judges make little difference: {both}"


def line(run: Run) -> Figure:
    """Draw chapter 1's line as the mean of all profiles, with one of each kind."""
    table = run.table("imagenetv2")
    at, kinds = table["at"].values, table["kind"].values
    rows = [pd.DataFrame({"x": at, "y": table["mean_share"].values, "series": "all images"})]
    for kind in runs.KINDS:
        first = int(np.flatnonzero(kinds == kind)[0])
        y = table["share"].values[:, first]
        rows.append(pd.DataFrame({"x": at, "y": y, "series": f"an image that {_verb(kind)}"}))
    shown, mean = pd.concat(rows), table["mean_share"].values
    return charts.curve(
        shown,
        x_title="accuracy on ImageNet",
        y_title=SHARE,
        x_format="~%",
        y_format="~%",
        title=f"The mean of all profiles is the line, {mean[0]:.0%} to {mean[-1]:.0%}; single "
        "images differ",
        subtitle=f"{table.sizes['model']} models in {runs.BINS} bins of equally many",
        description="Share of models that are right on ImageNetV2 images against the models' "
        f"accuracy on ImageNet, in bins. All images: {mean[0]:.3f} to {mean[-1]:.3f}. Three single "
        "images beside it rise, fall or do neither.",
    )


def _verb(kind: str) -> str:
    return {"between": "does neither"}.get(kind, kind)


def pager(run: Run) -> Figure:
    """Let the reader page through images."""
    table = run.table("imagenetv2")
    kinds = table["kind"].values
    numbers = np.concatenate([np.arange((kinds == k).sum()) + 1 for k in runs.KINDS])
    profiles, answers = [], []
    for s, (kind, number) in enumerate(zip(kinds, numbers, strict=True)):
        image = int(table["shown_image"][s])
        r = float(table["shown_correlation"].values[s])
        words = f"image {image}, class {table['label'].values[s]}, correlation {signed(r)}"
        own = dict(kind=str(kind), number=int(number))
        share = table["share"].values[:, s]
        profiles.append(pd.DataFrame({**own, "x": table["at"].values, "y": share}))
        bits = "".join(np.where(table["answer"].values[:, s], "r", "w"))
        answers.append({**own, "words": words, "bits": bits})
    models = pd.DataFrame({"model": table["model"].values, "x": table["id"].values})
    return profile_pager(
        pd.concat(profiles),
        pd.DataFrame(answers),
        models,
        kind="falls",
        title="Page through images, one profile at a time",
        subtitle="Ticks are single models, right above, wrong below; the curve is their mean",
        description="The accuracy profile of one ImageNetV2 image at a time: the share of models "
        "that are right, against their accuracy on ImageNet. A menu picks images whose profile "
        f"falls, rises or does neither, a slider one of {runs.SHOWN}.",
    )


def correlations(run: Run) -> Figure:
    """Draw how the correlations of single images are distributed."""
    table, rows = run.table("imagenetv2"), []
    edges = np.linspace(-1, 1, 41)
    found = table["correlation"].values
    known = found[np.isfinite(found)]
    share = np.histogram(known, edges)[0] / len(known)
    rows.append(pd.DataFrame({"x": (edges[1:] + edges[:-1]) / 2, "y": share, "series": "images"}))
    below = float((known < 0).mean())
    return charts.curve(
        pd.concat(rows),
        x_title="correlation of being right with accuracy",
        y_title="share of images",
        y_format="~%",
        points=False,
        title=f"{1 - below:.0%} of the profiles rise, {below:.0%} fall",
        subtitle=f"{len(known):,} ImageNetV2 images on which some models are right and some wrong; "
        "chance alone makes some fall",
        description="Distribution of the correlation between a model's accuracy and its being "
        f"right, over images: median {np.median(known):.2f}, {below:.1%} below 0.",
    )


def difficulty(run: Run) -> Figure:
    """Draw the correlation of images by how many models solve them."""
    table = run.table("imagenetv2")
    frame = pd.DataFrame(
        {"solved": table["solved"].values / table.sizes["model"], "r": table["correlation"].values}
    ).dropna()
    frame["bin"] = np.clip((frame["solved"] * 10).astype(int), 0, 9)
    groups = frame.groupby("bin")["r"]
    rows = [
        pd.DataFrame({"x": groups.mean().index / 10 + 0.05, "y": values.values, "series": name})
        for name, values in (
            ("nine in ten are below", groups.quantile(0.9)),
            ("median", groups.median()),
            ("one in ten is below", groups.quantile(0.1)),
        )
    ]
    medians = groups.median()
    return charts.curve(
        pd.concat(rows),
        x_title="share of models that are right",
        y_title="correlation with accuracy",
        x_format="~%",
        title=f"Right answers go with accuracy most, at {signed(medians.max())}, on images that "
        f"{_tenth(medians)} of the models solve",
        subtitle="Deciles over images in ten bins of difficulty",
        description="Correlation of being right with accuracy, by the share of models that are "
        f"right: medians {', '.join(f'{v:.2f}' for v in groups.median())}.",
    )


def _tenth(medians: pd.Series) -> str:
    """Name the bin of images with the largest median: `80 to 90 %`."""
    low = 10 * int(np.asarray(medians.index)[medians.to_numpy().argmax()])
    return f"{low} to {low + 10} %"


def scatter(run: Run) -> Figure:
    """Draw accuracy on the images that fall most, which all models have chosen."""
    table = run.table("imagenetv2")
    falls = table["kind"].values == "falls"
    shown = pd.DataFrame(
        {
            "model": table["model"].values,
            "id": table["id"].values,
            "ood": table["answer"].values[:, falls].mean(1),
            "group": np.where(table["family"].values == "features", "Fisher vectors", "networks"),
        }
    ).sort_values("group", ascending=False)
    own = shown[shown["group"] == "networks"]
    fit = robustness.fit_line(own["id"], own["ood"], scale="linear")
    return charts.accuracy_scatter(
        shown,
        fit,
        x_title="ImageNet accuracy",
        y_title=f"accuracy on {int(falls.sum())} images",
        title=f"Chosen by the very networks that are drawn, {int(falls.sum())} images turn their "
        f"line around: slope {signed(fit.slope)}",
        subtitle="No evidence, since the same models choose and are judged; Fisher vectors, which "
        "had no part in the choice, stand far to the left",
        description=f"Accuracy on {int(falls.sum())} ImageNetV2 images whose profiles fall most "
        f"against accuracy on ImageNet, for {len(shown)} models; slope over networks "
        f"{fit.slope:.2f}.",
    )


def threshold() -> Figure:
    """Draw profiles of the worked example: ability against difficulty, which cannot fall."""
    ability = np.linspace(-3, 3, 25)
    rows = [
        pd.DataFrame(
            {"x": ability, "y": 1 / (1 + np.exp(b - ability)), "series": f"difficulty {signed(b)}"}
        )
        for b in (-1.5, 0.0, 1.5)
    ]
    return charts.curve(
        pd.concat(rows),
        x_title="ability of the model",
        y_title="chance to be right",
        y_format="~%",
        points=False,
        title="Where one ability decides all images, every profile rises",
        description="Chance to be right against ability, for images of three difficulties: "
        "logistic curves that rise everywhere, one beside the other.",
    )
