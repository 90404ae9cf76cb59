"""Chapter 12's figures of private training: gaps by group and by budget, and the bound."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.test_set_remembers import private
from nbcore.chapters.test_set_remembers.figures import row, said
from nbcore.chapters.test_set_remembers.observe import bounds, worst
from nbcore.chapters.test_set_remembers.study import Study
from nbcore.charts.base import Figure


def groups(study: Study) -> Figure:
    """Draw the gap of every group, with and without privacy."""
    table = study.runs["private"].table("accuracy")["accuracy"]
    names = [g for g in table["group"].values if g != "all"]
    shown = (private.SGD, private.STOPPED, study.private_methods[-1])
    rows = [
        row(study, study.gaps(m, [g])[:, 0], f"{g}", m)
        for g in [private.RARE, *(n for n in names if n != private.RARE)]
        for m in shown
    ]
    made, rare = pd.DataFrame(rows), study.runs["private"].manifest["config"]["rare"]
    largest = {m: worst(study, m).value for m in shown}
    told = "; ".join(f"{m}: {100 * v:.1f}" for m, v in largest.items())
    return charts.bars(
        made,
        x_title="training minus test accuracy",
        x_format="~%",
        zero=True,
        title=f"Gap of the worst group in points. {told}",
        subtitle=f"Ten classes, and rotated pictures, {rare:.0%} of all; "
        f"{len(study.gaps(private.SGD))} seeds, 95 % intervals",
        description=f"Training minus test accuracy by group. {said(made)}.",
    )


def budgets(study: Study) -> Figure:
    """Draw the worst group's gap by budget, beside what the theorem allows."""
    x = np.array(study.config.epsilons)
    seen = [worst(study, m) for m in study.private_methods]
    parts = [
        pd.DataFrame({"x": x, "y": bounds(study), "series": "bound"}),
        pd.DataFrame(
            {
                "x": x,
                "y": [e.value for e in seen],
                "low": [e.low for e in seen],
                "high": [e.high for e in seen],
                "series": "gap of the worst group",
            }
        ),
    ]
    plain = worst(study, private.SGD).value
    shown = pd.concat(parts).reset_index(drop=True)
    listed = ", ".join(f"{e.value:.1%} at {k:g}" for k, e in zip(x, seen, strict=True))
    return charts.curve(
        shown,
        x_title="privacy budget ε",
        y_title="training minus test accuracy",
        x_scale="log",
        y_format="~%",
        level=(plain, "SGD"),
        title=f"The gap is {max(e.value for e in seen):.1%} at most, {plain:.1%} without privacy; "
        f"the bound allows {bounds(study)[0]:.0%} at ε = {x[0]:g} and {bounds(study)[-1]:.0%} at "
        f"ε = {x[-1]:g}",
        subtitle=f"δ = {study.config.delta:g}; the bound is for one picture in another's place",
        description=f"Gap of the worst group by budget: {listed}; without privacy {plain:.1%}.",
    )


def accuracies(study: Study) -> pd.DataFrame:
    """Tabulate noise and accuracies by budget; mean over seeds."""
    table = study.runs["private"].table("accuracy")
    rows = []
    for m in [*study.private_methods, private.SGD, private.STOPPED]:
        own = table["accuracy"].sel(training=m).mean("member")
        rows.append(
            {
                "training": m,
                "noise": float(table["noise"].sel(training=m).mean()),
                "in training": float(own.sel(set="train", group="all")),
                "on test images": float(own.sel(set="test", group="all")),
                "rotated, in training": float(own.sel(set="train", group=private.RARE)),
                "rotated, on test images": float(own.sel(set="test", group=private.RARE)),
            }
        )
    return pd.DataFrame(rows)
