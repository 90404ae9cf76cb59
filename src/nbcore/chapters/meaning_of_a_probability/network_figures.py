"""Chapter 13's figures of networks: along training, of committees, and of auditors."""

import numpy as np
import pandas as pd

from nbcore.chapters.meaning_of_a_probability import observe, runs
from nbcore.chapters.meaning_of_a_probability.committees import committees
from nbcore.chapters.meaning_of_a_probability.figures import rows
from nbcore.chapters.meaning_of_a_probability.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.density import density
from nbcore.charts.panels import panels
from nbcore.charts.tables import Table, sentence, show
from nbcore.charts.words import nothing

#: a network that is off by more on its own training pictures has not the least loss
PREMISE = 0.02


def along(study: Study) -> Figure:
    """Draw SmoothECE on training and test pictures along training, by setting."""
    table = study.gap.transpose("member", "setting", "checkpoint", "set")
    step = table["step"].values
    step = step[0] if step.ndim > 1 else step
    drawn = []
    for i, setting in enumerate(runs.SETTINGS):
        for j, name in enumerate(runs.SETS):
            draws = study.over_members(table["smooth"].values[:, i, 1:, j])
            drawn.append(rows(draws, np.log10(step[1:]), name).assign(panel=setting))
    shown = pd.concat(drawn).reset_index(drop=True)
    end = observe.gaps(study)["training calibration error at the end largest over settings"]
    few = [d for d in drawn if d["panel"].iloc[0] == runs.FEW]
    return panels(
        shown,
        x_title="log10 of updates",
        y_title="SmoothECE of the confidence",
        x_format=".1f",
        title=f"In the end confidence is off by {100 * end.value:.1f} points at most on training "
        f"pictures, and with few of them by {100 * few[1]['y'].iloc[-1]:.0f} on test pictures",
        subtitle=f"{len(study.gap['member'])} seeds, 95 % intervals; wrong labels are in both sets",
        description="SmoothECE along training, on training and test pictures. At the end, with "
        f"few pictures: {few[0]['y'].iloc[-1]:.3f} in training, {few[1]['y'].iloc[-1]:.3f} in "
        f"test. Largest training error at the end {end.value:.3f}.",
    )


def gap_scatter(study: Study) -> Figure:
    """Draw the calibration gap against the generalization gap, of every network and moment."""
    own, bound = study.gaps()
    names = np.broadcast_to(np.array(runs.SETTINGS)[None, :, None], own.shape)
    most = observe.gaps(study)["calibration gap minus generalization gap largest along training"]
    above = float((own > bound).mean())
    return density(
        bound.ravel(),
        own.ravel(),
        x_title="generalization gap",
        y_title="calibration gap",
        lines={"equal": (1.0, 0.0)},
        bins=(16, 16),
        panels=names.ravel().tolist(),
        noun="moments",
        title="In the mean over seeds the calibration gap "
        + (
            f"exceeds the generalization gap by {100 * most.value:.1f} points at most"
            if most.value > 0
            else "never exceeds the generalization gap"
        ),
        subtitle=f"Every network at every moment; {above:.0%} of them lie above the line",
        description="Counts of networks and moments by generalization gap and calibration gap, "
        f"with the line where both are equal. {above:.1%} lie above it; the largest mean excess is "
        f"{most.value:.4f}.",
    )


def auditors(study: Study) -> Figure:
    """Draw violation and squared loss over width, on training and test pictures."""
    found = study.audited.transpose("member", "width", "set")
    keep = found["width"].values != runs.LINEAR
    x, drawn = np.log2(found["width"].values[keep]), []
    for panel, name in (("violation", "violation"), ("squared loss", "loss")):
        for j, where in enumerate(runs.SETS):
            draws = study.over_members(found[name].values[:, keep, j])
            drawn.append(rows(draws, x, f"{where} pictures").assign(panel=panel))
    shown = pd.concat(drawn).reset_index(drop=True)
    seen = observe.audits(study)
    linear = seen["control linear violation"].value
    v, width = drawn[0]["y"], found["width"].values[keep]
    k = study.runs["auditors"].manifest["config"]["auditor"]
    return panels(
        shown,
        x_title="log2 of units n",
        y_title="violation, squared loss",
        y_format=".2f",
        title=f"Auditors of {k} units find a violation of {v.iloc[0]:.3f} in networks of "
        f"{width[0]} and of {v.iloc[-1]:.3f} in networks of {width[-1]}",
        subtitle=f"A linear model: {linear:.3f}; {found.sizes['member']} seeds, 95 % intervals",
        description=f"Violation and squared loss against width, in powers of two, from {width[0]} "
        f"to {width[-1]} units. Violation on training pictures from {v.iloc[0]:.3f} to "
        f"{v.iloc[-1]:.3f}; of a linear model {linear:.3f}.",
    )


def committee_table() -> Table:
    """Tabulate errors and SmoothECE of committees made of the stored ensembles."""
    table = committees()
    if not len(table):
        return nothing("no ensemble is stored")
    return show(
        table,
        caption="Shares of votes as probabilities, by networks that trained on an example and by "
        "as many that did not",
        percent=[str(c) for c in table if c not in ("network", "voters")],
    )


def premise(study: Study) -> Table:
    """Say whether the widest networks have the least loss, as the theory supposes.

    What they could gain by a correction of their own prediction alone would show as an error of
    calibration on the pictures they were trained on.
    """
    found = study.audited.sel(set="train").isel(width=-1)
    off, loss = float(found["smooth"].mean()), float(found["loss"].mean())
    width = int(found["width"])
    text = (
        f"On the pictures they were trained on, networks of {width} units have a squared loss of "
        f"{loss:.3f} and a SmoothECE of {100 * off:.1f} points"
    )
    if off > PREMISE:
        return sentence(
            f"{text}: they could lower their loss by a correction of their own prediction, so they "
            "are not where it is least, and the theory does not speak of them yet."
        )
    return sentence(f"{text}: no correction of their own prediction would lower it much.")
