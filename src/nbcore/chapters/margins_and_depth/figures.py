"""Chapter 9's figures: every title states what the numbers of this run say."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.margins_and_depth.config import FULL_BATCH, NAMES, UNTRAINED
from nbcore.chapters.margins_and_depth.observe import half_gains
from nbcore.chapters.margins_and_depth.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table, sentence
from nbcore.charts.words import nothing
from nbcore.measures.bootstrap import Floats

BAND = "lines are means over networks, bands go from the lowest to the highest of them"
#: the smallest margin that is drawn, so that one of 0 has a place on a log axis
LEAST = 1e-7


def waiting(study: Study) -> Table:
    """Say which networks are there, which wait, and with which command they are added."""
    known = ((len(study.members(s)), NAMES[s]) for s in study.settings)
    there = "; ".join(f"{n} {'' if k == NAMES[UNTRAINED] else 'with '}{k}" for n, k in known)
    text = f"Networks that are there: {there}."
    if study.waiting():
        text += (
            f" Nothing is decided yet: {study.waiting()}. Everything below shows what is there, "
            "and each network that is added takes its place."
        )
    if study.unfitted():
        text += f" Beyond that, nothing could be decided, as {study.unfitted()}."
    return sentence(text)


def votes(study: Study, part: str = "train") -> Figure:
    """Draw the accuracy of the nearest-neighbour vote along depth, by setting.

    part: "train" or "test" images; the bank are the training images either way.
    """
    shown = _bands(
        (
            NAMES[s],
            np.arange(study.table.sizes["probe"], dtype=float),
            study.of(f"probe_accuracy_{part}", s),
        )
        for s in study.settings
    )
    what = {"train": "training images", "test": "test images"}[part]
    title = _late(study) if part == "train" else _best_vote(study)
    return charts.curve(
        shown,
        x_title="layer, from the input to the softmax",
        y_title=f"right votes, {what}",
        x_format="d",
        y_format="~%",
        title=title,
        subtitle=f"Vote of {study.config.k} training images; {BAND}",
        description=f"Accuracy of the vote along depth on {what}. {_ends(shown)}.",
    )


def _late(study: Study) -> str:
    """Say where the vote has made half of its gain: for the latest setting, or for all alike."""
    at = {s: float(half_gains(study, s).mean()) for s in study.settings if s != UNTRAINED}
    known = {s: x for s, x in at.items() if np.isfinite(x)}
    if not known:
        return "No way of training lifts the vote on training images above that at the input"
    late, early = max(known, key=lambda s: known[s]), min(known, key=lambda s: known[s])
    if len(known) > 1 and known[late] - known[early] >= 1:
        return (
            f"The vote has made half of its gain by layer {known[early]:.1f} with {NAMES[early]}, "
            f"and only by {known[late]:.1f} with {NAMES[late]}"
        )
    return f"However trained, the vote has made half of its gain by layer {known[late]:.1f}"


def _best_vote(study: Study) -> str:
    best = {s: study.of("probe_accuracy_test", s).mean(0) for s in study.settings if s != UNTRAINED}
    if not best:
        return "Votes on test images of untrained networks"
    told = ", ".join(f"{NAMES[s]} {v.max():.0%} at {int(v.argmax())}" for s, v in best.items())
    return f"On test images the vote is best, by layer: {told}"


def margins(study: Study) -> Figure | Table:
    """Draw the median output margin on test images over updates, as its decimal logarithm."""
    if not (drawn := [s for s in study.settings if s != UNTRAINED]):
        return nothing("no network was trained")
    shown = _bands((NAMES[s], *along(study, s, "test_median_margin", _logarithm)) for s in drawn)
    ends = {s: np.log10(np.maximum(_last(study, s), LEAST)).mean() for s in drawn}
    top, low = max(ends, key=lambda s: ends[s]), min(ends, key=lambda s: ends[s])
    apart = f"{ends[top] - ends[low]:.1f} orders of magnitude" if top != low else ""
    title = (
        f"In the end the median margins of {NAMES[top]} and {NAMES[low]} are {apart} apart"
        if apart
        else f"In the end the median margin of {NAMES[top]} is {10 ** ends[top]:.2g}"
    )
    start = np.median([study.of("test_median_margin", s, checkpoint=0).mean() for s in drawn])
    return charts.curve(
        shown,
        x_title="updates",
        y_title="log10 of the median output margin",
        x_scale="log",
        x_format="~s",
        title=title,
        subtitle=f"Test images; {BAND}",
        description=f"Decimal logarithm of the median output margin over updates. {_ends(shown)}.",
        level=(float(np.log10(max(start, LEAST))), "before training"),
    )


def accuracies(study: Study) -> Figure | Table:
    """Draw accuracy on the training images over updates."""
    if not (drawn := [s for s in study.settings if s != UNTRAINED]):
        return nothing("no network was trained")
    shown = _bands((NAMES[s], *along(study, s, "train_accuracy")) for s in drawn)
    least = {s: float(study.of("accuracy_train", s).min()) for s in drawn}
    low = min(least, key=lambda s: least[s])
    title = (
        "Every network ends with all of its training images right"
        if least[low] == 1
        else f"In the end every network has at least {least[low]:.1%} of its training images right"
    )
    return charts.curve(
        shown,
        x_title="updates",
        y_title="right training images",
        x_scale="log",
        x_format="~s",
        y_format="~%",
        title=title,
        subtitle=BAND[0].upper() + BAND[1:],
        description=f"Accuracy on training images over updates. {_ends(shown)}.",
    )


def scans(study: Study) -> Figure | Table:
    """Draw the loss from window to window for every rate that a scan tried."""
    parts, told = [], []
    for setting in (s for s in FULL_BATCH if s in study.settings):
        first = study.members(setting)[0]
        own = study.table.sel(member=first)
        tried = own["tried"].values
        for rate, losses in zip(tried, own["scan_loss"].values, strict=True):
            known = np.isfinite(losses) & (losses > 0)
            if np.isfinite(rate) and known.any():
                at = (np.flatnonzero(known) + 1.0) * study.config.window
                name = f"{NAMES[setting]}, rate {rate:g}"
                y = np.log10(losses[known])
                parts.append(pd.DataFrame({"x": at, "y": y, "series": name}))
        told.append(f"{float(own['lr']):g} for {NAMES[setting]}")
    if not parts:
        return nothing(
            "the scan of rates comes with the first network of full-batch descent, which waits"
        )
    shown = pd.concat(parts).reset_index(drop=True)
    return charts.curve(
        shown,
        x_title="updates",
        y_title="log10 of the mean loss",
        x_format="d",
        title=f"The largest rate whose loss falls from window to window: {', '.join(told)}",
        subtitle=f"Means over {study.config.window} updates; the largest rate comes first",
        description=f"Decimal logarithm of the loss by rate. {_ends(shown)}.",
    )


def table(study: Study) -> Table:
    """Show every setting: networks, rate, updates, accuracies, margins, depths."""
    rows = []
    for s in study.settings:
        median = study.of("margin", s, set="test", quantile=0.5)
        rows.append(
            {
                "trained with": NAMES[s],
                "networks": len(median),
                "updates": _updates(study.of("step", s)),
                "training images right": study.of("accuracy_train", s).mean(),
                "test images right": study.of("accuracy_test", s).mean(),
                "median margin": _spread(median),
                "mean margin": _spread(study.of("final_margin", s)),
                "mean depth, training": study.of("mean_depth_train", s).mean(),
                "half of the gain by layer": half_gains(study, s).mean(),
            }
        )
    return charts.show(
        pd.DataFrame(rows),
        caption="What the networks of each setting end with: means over networks; of margins on "
        "test images the smallest and largest network too",
        digits=1,
        percent=("training images right", "test images right"),
    )


def _updates(steps: Floats) -> str:
    """Write how many updates networks had, from the fewest to the most."""
    last = np.nanmax(steps, axis=1)
    return f"{last.min():,.0f}" + (f" to {last.max():,.0f}" if last.min() < last.max() else "")


def along(
    study: Study, setting: str, name: str, on: Callable[[Floats], Floats] = lambda v: v
) -> tuple[Floats, Floats]:
    """Take a variable of checkpoints at the same updates for all networks of a setting.

    Returns (step,) updates from 1 on and (member, step) values, through `on`. A network whose
    training ended early, since no gradient was left, keeps what it had.
    """
    steps, values = study.of("step", setting), study.of(name, setting)
    grid = np.unique(steps[np.isfinite(steps) & (steps > 0)])
    rows = []
    for own, value in zip(steps, values, strict=True):
        known = np.isfinite(own)
        at = np.searchsorted(own[known], grid, "right") - 1
        rows.append(on(value[known][at]))
    return grid, np.array(rows)


def _logarithm(values: Floats) -> Floats:
    return np.log10(np.maximum(values, LEAST))


def _last(study: Study, setting: str) -> Floats:
    return along(study, setting, "test_median_margin")[1][:, -1]


def _bands(curves: Iterable[tuple[str, Floats, Floats]]) -> pd.DataFrame:
    """Tabulate mean, lowest and highest of (member, point) curves; points without a value drop."""
    parts = []
    for name, x, y in curves:
        known = np.isfinite(y).all(0)
        own = y[:, known]
        ends = dict(y=own.mean(0), low=own.min(0), high=own.max(0))
        parts.append(pd.DataFrame({"x": x[known], "series": name} | ends))
    return pd.concat(parts).reset_index(drop=True)


def _spread(values: Floats) -> str:
    """Write a mean with the smallest and largest: `0.12 (0.1 to 0.14)`."""
    if not np.isfinite(values).all():
        return "–"
    mean = f"{values.mean():.2g}"
    return f"{mean} ({values.min():.2g} to {values.max():.2g})" if len(values) > 1 else mean


def _ends(shown: pd.DataFrame) -> str:
    """List the ends of each series, for a description."""
    parts = []
    for name, own in shown.groupby("series", sort=False):
        ends = [f"{y:.3g} at {x:g}" for x, y in own[["x", "y"]].iloc[[0, -1]].to_numpy()]
        parts.append(f"{name}: {', '.join(ends)}")
    return "; ".join(parts)
