"""Chapter 3 on images of your own: their depths as a chart, a table, a gallery and a file."""

import numpy as np
import pandas as pd
import xarray as xr
from IPython.display import display

from nbcore import charts
from nbcore.chapters.prediction_depth import own_runs as own
from nbcore.chapters.prediction_depth.config import PredictionDepth
from nbcore.charts.base import Figure
from nbcore.charts.galleries import Gallery, gallery
from nbcore.charts.tables import Table
from nbcore.measures.robustness import clopper_pearson
from nbcore.models.pretrained import OFFLINE
from nbcore.runs.store import Run
from nbcore.text import plain, plain_lines

AXIS = "prediction depth (0: input, {last}: softmax)"


def show_own(config: PredictionDepth, fresh: bool = False) -> None:
    """Measure the images of `config.dataset` in `config.model`, and show what was found.

    Errors as `own_runs.measure`. Without a data set it says how to name one.
    """
    if not config.dataset:
        print(
            f"To see your own images here: nbcore run {config.slug} -p dataset=FOLDER "
            f"-p model={OFFLINE}"
        )
        return
    run = own.run_own(
        own.OwnDepths(
            dataset=config.dataset,
            model=config.model or OFFLINE,
            k=config.own_k,
            seed=config.own_seed,
            examples=config.own_images or 0,
            device=config.device,
        ),
        fresh,
    )
    measured = run.member("images")
    print(plain_lines(said(run)))
    display(histogram(measured))
    display(by_depth(measured))
    display(layers(measured))
    if measured.sizes["picture"]:
        display(pictures(measured))
    print(plain(f"One row an image: {own.write_table(run, config.dataset)}"))


def said(run: Run) -> str:
    """Say what was measured, on which images, in which network."""
    m, config = run.member("images"), run.manifest["config"]
    n, out = m.sizes["image"], int(m["held_out"].sum())
    of = f" of {m.attrs['found']}" if m.attrs["found"] > n else ""
    lost = int((m["depth"] < 0).sum())
    shares = ", ".join(
        f"{right:.1%} of the {str(name).replace(' ', '-')} images"
        for name, right in own.table(m).groupby("split", sort=False)["correct"].mean().items()
    )
    side = m.attrs["size"]
    notes = "".join(f"{note}\n" for note in m.attrs["notes"])
    return notes + (
        f"{n}{of} images of {len(m.attrs['classes'])} classes, {out} of them held out, in "
        f"{config['model']} at {side} × {side} pixels; k = {config['k']}.\n"
        f"The fitted head is right for {shares}.\n"
        f"Depth is undefined for {lost} images: the probe of the softmax disagrees with the "
        f"network.\nComputed on {run.summary()['hardware']}, in {run.summary()['seconds']} s."
    )


def histogram(measured: xr.Dataset) -> Figure:
    """Draw at which probe the predictions are decided, for training and held-out images."""
    last, parts, early = measured.sizes["probe"] - 1, [], {}
    for name, depths in _by_split(measured).items():
        share = np.bincount(depths, minlength=last + 1) / max(len(depths), 1)
        parts.append(pd.DataFrame({"x": range(last + 1), "y": share, "series": name}))
        early[name] = int(np.median(depths)) if len(depths) else None
    words = [f"{name}: {depth} of {last}" for name, depth in early.items() if depth is not None]
    told = "; ".join(words) or "undefined"
    return charts.curve(
        pd.concat(parts),
        x_title=AXIS.format(last=last),
        y_title="share of images",
        y_format="~%",
        title=f"Median depth, {told}",
        description="Share of the images that are decided at each probe of the network. Median "
        f"depth, {told}.",
    )


def by_depth(measured: xr.Dataset) -> Figure:
    """Draw the accuracy of held-out predictions at each depth, with Clopper-Pearson intervals."""
    last = measured.sizes["probe"] - 1
    rows, shallow, deep = _accuracies(measured)
    if rows.empty:
        rows = pd.DataFrame({"x": [0], "y": [0.0], "low": [0.0], "high": [1.0]})
    finding = "Held-out images: too few depths to compare"
    if shallow and deep:
        (right_low, n_low), (right_high, n_high) = shallow, deep
        word = "less" if right_high < right_low else "no less"
        finding = (
            f"Deeper predictions are {word} often right: {right_low:.0%} of the shallower "
            f"{n_low}, {right_high:.0%} of the deeper {n_high}"
        )
    return charts.curve(
        rows.assign(series="held-out images"),
        x_title=AXIS.format(last=last),
        y_format="~%",
        y_title="right predictions",
        y_domain=(0.0, 1.03),
        title=finding,
        subtitle="held-out images, with 95 % intervals",
        description=f"Accuracy of the held-out predictions at each depth. {finding}.",
    )


def _accuracies(m: xr.Dataset) -> tuple[pd.DataFrame, tuple | None, tuple | None]:
    """Compute accuracies by depth.

    Returns chart rows, and (accuracy, images) up to the median depth, and beyond it; None for one
    without images. Where no image lies beyond the median, those at it are the deeper ones.
    """
    held = m["held_out"].values & (m["depth"].values >= 0)
    depths, right = m["depth"].values[held], (m["label"] == m["prediction"]).values[held]
    rows = []
    for d in np.unique(depths):
        own_right = right[depths == d]
        low, high = clopper_pearson(own_right.sum(), len(own_right))
        rows.append({"x": d, "y": own_right.mean(), "low": float(low), "high": float(high)})
    middle = np.median(depths) if len(depths) else 0
    beyond = depths > middle if (depths > middle).any() else depths >= middle
    halves = [
        (right[part].mean(), int(part.sum())) if part.any() else None for part in (~beyond, beyond)
    ]
    return pd.DataFrame(rows), halves[0], halves[1]


def layers(measured: xr.Dataset) -> Table:
    """Tabulate per probe the images decided there, how many are right, votes for their label."""
    depth, out = measured["depth"].values, measured["held_out"].values
    right = (measured["label"] == measured["prediction"]).values
    votes, rows = measured["votes"].values[out].mean(0) / measured.attrs["k"], []
    for i, name in enumerate(measured["probe"].values):
        here, learnt = out & (depth == i), ~out & (depth == i)
        rows.append(
            {
                "depth": str(i),
                "probe": str(name),
                "training images": int(learnt.sum()),
                "held-out images": int(here.sum()),
                "of them right": right[here].mean() if here.any() else np.nan,
                "votes for the label": votes[i],
            }
        )
    caption = (
        "Images by the probe from which on they are decided, and the share of the neighbours' "
        "votes that held-out images' own labels get"
    )
    return charts.show(
        pd.DataFrame(rows), caption, percent=["of them right", "votes for the label"]
    )


def pictures(measured: xr.Dataset) -> Gallery:
    """Show per class held-out images from the earliest decided to the latest."""
    at, classes = measured["pictured"].values, measured.attrs["classes"]
    depth, label, says = (measured[v].values[at] for v in ("depth", "label", "prediction"))
    captions = [
        f"{d}" if y == p else f"{d}, taken for {classes[p]}"
        for d, y, p in zip(depth, label, says, strict=True)
    ]
    wrong = "none is" if (label == says).all() else f"{(label != says).sum()} are"
    return gallery(
        measured["thumbnail"].values,
        captions,
        [str(classes[y]) for y in label],
        title="Held-out images of each class, from the earliest decided to the latest",
        description=f"{len(at)} held-out images with the smallest and largest prediction depths "
        f"of their class ({depth.min()} to {depth.max()}); {wrong} classified wrongly. Under each "
        "its depth, and the answer where that is wrong.",
    )


def _by_split(m: xr.Dataset) -> dict[str, np.ndarray]:
    """Select the depths that are defined, of the training and of the held-out images."""
    depth, out = m["depth"].values, m["held_out"].values
    return {
        name: depth[part & (depth >= 0)]
        for name, part in (("training images", ~out), ("held-out images", out))
    }
