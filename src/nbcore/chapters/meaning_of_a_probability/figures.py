"""Chapter 13's figures of tables and small predictors; a title states what the numbers say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.meaning_of_a_probability import grouped, observe
from nbcore.chapters.meaning_of_a_probability.study import Study
from nbcore.chapters.meaning_of_a_probability.tables import WHAT
from nbcore.charts.base import Figure
from nbcore.charts.density import density
from nbcore.charts.panels import panels
from nbcore.charts.tables import Table
from nbcore.charts.words import nothing
from nbcore.measures.bootstrap import Floats, estimate
from nbcore.measures.calibration.binned import binned_ece, reliability
from nbcore.measures.calibration.smooth import smooth_ece, smooth_reliability

HAPPENED, PREDICTED = "happened", "predicted"
DIAGONAL = "as predicted"
#: numbers of bins that are compared
BINS = (5, 10, 15, 20, 30, 50, 100, 200)
#: the smooth curve is drawn where at least this density of predictions is
THIN = 0.05


def rows(draws: Floats, x: Floats, series: str) -> pd.DataFrame:
    """Tabulate means (draw, point) with 95 % intervals: x, y, low, high, series."""
    low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
    low, high = np.minimum(low, draws[0]), np.maximum(high, draws[0])
    return pd.DataFrame({"x": x, "y": draws[0], "low": low, "high": high, "series": series})


def _begin(text: str) -> str:
    """Begin a sentence with a text, whose names keep their capitals."""
    return text[0].upper() + text[1:]


def diagrams(study: Study) -> Figure:
    """Draw reliability in few bins, in many, and smooth, of two models on the largest table."""
    table = study.largest_table
    found = study.predictions(table)
    y = found["outcome"].values[0].astype(float)
    drawn, errors = [], {}
    for model in (grouped.LOGISTIC, grouped.BAYES):
        p = np.clip(found["first"].sel(model=model).values.astype(float), 0, 1)
        errors[model] = own = smooth_ece(p, y)
        at = np.linspace(0.01, 0.99, 50)
        curve, dense = smooth_reliability(p, y, own, at)
        parts = {f"{bins} bins": reliability(p, y, bins)[:2] for bins in (5, 100)}
        parts["smooth"] = at[dense > THIN], curve[dense > THIN]
        for panel, (x, happened) in parts.items():
            shape = {"x": x, "y": happened, "series": model, "panel": panel}
            drawn.append(pd.DataFrame(shape))
    for panel in ("5 bins", "100 bins", "smooth"):
        line = {"x": [0.0, 1.0], "y": [0.0, 1.0], "series": DIAGONAL, "panel": panel}
        drawn.append(pd.DataFrame(line))
    shown = pd.concat(drawn).reset_index(drop=True)
    one, other = errors
    splits = study.errors(table)["error"].sel(remedy=grouped.NONE).mean("member")
    means = " and ".join(f"{100 * float(splits.sel(model=m)):.1f}" for m in (other, one))
    return panels(
        shown,
        x_title=PREDICTED,
        y_title=HAPPENED,
        x_format="~%",
        y_domain=(0, 1),
        title=f"{_begin(other)} is {100 * errors[other]:.0f} points from meaning what it "
        f"says, {one} {100 * errors[one]:.1f}",
        subtitle=f"{_begin(WHAT[table])}; the first of {len(found['outcome'])} splits, {len(y):,} "
        f"rows not trained on (mean of all splits: {means}); SmoothECE is the distance of the "
        "smooth curve from the diagonal, where predictions are",
        description=f"Three reliability diagrams of {one} and {other}: in 5 bins, in 100 bins, and "
        f"smooth. In the split that is drawn SmoothECE of {one} is {errors[one]:.3f}, of {other} "
        f"{errors[other]:.3f}; means of all splits in points: {means}.",
    )


def moved_coins(study: Study) -> Figure:
    """Draw every measure of a coin by how far it is moved."""
    table = study.coins
    names = [c for c in table if c != "move"]
    drawn = [
        pd.DataFrame({"x": np.log10(table["move"]), "y": np.log10(table[n]), "series": n})
        for n in names
    ]
    first = table.iloc[0]
    ece, smooth = first["expected calibration error"], first["smooth calibration error"]
    return charts.curve(
        pd.concat(drawn).reset_index(drop=True),
        x_title="log10 of the move",
        y_title="log10 of the error",
        title=f"Moved by a millionth, a calibrated coin has an expected error of {ece:.2f}",
        subtitle="All other errors go to 0 with the move, or with its square root",
        description="Errors of a coin against how far it is moved, both in logarithms. At a move "
        f"of a millionth the expected calibration error is {ece:.3g}, the smooth calibration error "
        f"{smooth:.2g}, the interval error {first['interval error']:.2g}, the kernel error "
        f"{first['kernel error']:.2g}, SmoothECE {first['SmoothECE']:.2g}.",
    )


def by_bins(study: Study) -> Figure:
    """Draw the binned error of one model by the number of bins, beside its smooth error."""
    found = study.predictions(study.largest_table)
    lists: dict[str, list] = {"equal width": [], "equal mass": [], "SmoothECE, without bins": []}
    for p, y in zip(found["logistic"].values, found["outcome"].values, strict=True):
        p = np.clip(p.astype(float), 0, 1)
        for name, by in (("equal width", "width"), ("equal mass", "mass")):
            lists[name].append([binned_ece(p, y, bins, by) for bins in BINS])
        lists["SmoothECE, without bins"].append([smooth_ece(p, y)] * len(BINS))
    x = np.array(BINS, float)
    drawn = [rows(study.over_members(np.array(v)), x, name) for name, v in lists.items()]
    few, many = drawn[0]["y"].iloc[0], drawn[0]["y"].iloc[-1]
    smooth = drawn[2]["y"].iloc[0]
    return charts.curve(
        pd.concat(drawn).reset_index(drop=True),
        x_title="bins",
        y_title="calibration error",
        x_scale="log",
        y_format=".1%",
        title=f"The same predictions, and the binned error goes from {few:.1%} to {many:.1%}",
        subtitle=f"{_begin(grouped.LOGISTIC)}, {WHAT[study.largest_table]}; "
        f"{len(found['outcome'])} splits of its rows, 95 % intervals",
        description=f"Calibration error against the number of bins, from {few:.4f} at {BINS[0]} to "
        f"{many:.4f} at {BINS[-1]} bins of equal width; SmoothECE stays at {smooth:.4f}.",
    )


def sandwich(study: Study) -> Figure:
    """Draw the post-processing gap against the smooth error, with both bounds, in logarithms."""
    parts = {"random predictors": study.predictors[["smooth calibration error", "gap"]].to_numpy()}
    for table in study.tables:
        found = study.errors(table)
        parts[WHAT[table]] = np.stack(
            [found["smooth"].values.ravel(), found["gap"].values.ravel()], 1
        )
    floor = 1e-6  # what the solver leaves of a predictor that is calibrated
    kept = {k: v[(v > floor).all(1)] for k, v in parts.items()}
    kept = {k: v for k, v in kept.items() if len(v)}
    x, y = np.log10(np.concatenate(list(kept.values()))).T
    rest = sum(map(len, parts.values())) - len(x)
    also = f" and {rest} more without an error or a gap, which have no logarithm" if rest else ""
    seen = observe.corrections(study)
    low = seen["gap minus the smooth error squared smallest"].value
    high = seen["gap minus twice the smooth error largest"].value
    held = low >= -1e-6 and high <= 1e-6
    return density(
        x,
        y,
        x_title="log10 of the smooth calibration error",
        y_title="log10 of the gap",
        lines={"twice the error": (1.0, float(np.log10(2))), "its square": (2.0, 0.0)},
        bins=(24, 24),
        panels=[k for k, v in kept.items() for _ in v],
        noun="predictors",
        title="What a Lipschitz correction can gain lies between the smooth error's square and its "
        "double"
        if held
        else "What a Lipschitz correction can gain leaves the bounds of the smooth error",
        subtitle=f"{len(x):,} predictors are drawn{also}; the gap is in squared loss",
        description="Counts of predictors by smooth calibration error and post-processing gap, in "
        f"logarithms, with the two bounds. Gap minus squared error at least {low:.2g}, gap minus "
        f"twice the error at most {high:.2g}.",
    )


def group_errors(study: Study, number: int) -> Figure | Table:
    """Draw the largest group error of every model by remedy, on one of the tables by number."""
    if number >= len(study.tables):
        return nothing(f"{len(study.tables)} of the tables were asked for")
    table = study.tables[number]
    with_ = {r: study.over_members(study.largest(table, r)) for r in grouped.REMEDIES[:-1]}
    found, n = [], study.errors(table).sizes["member"]
    for i, model in enumerate(grouped.MODELS):
        for remedy, draws in with_.items():
            e = estimate(draws[:, i], n, "fraction")
            row = {"category": model, "group": remedy, "value": 100 * e.value}
            found.append(row | {"low": 100 * e.low, "high": 100 * e.high})
    shown = pd.DataFrame(found)
    plain = with_[grouped.NONE][0]
    worst, best = int(plain.argmax()), int(plain.argmin())
    many = with_[grouped.MULTI][0]
    return charts.bars(
        shown,
        x_title="largest error of ten groups, points",
        x_format=".1f",
        zero=True,
        title=f"{_begin(WHAT[table])}: multicalibration takes {grouped.MODELS[worst]} from "
        f"{100 * plain[worst]:.1f} to {100 * many[worst]:.1f}, {grouped.MODELS[best]} from "
        f"{100 * plain[best]:.1f} to {100 * many[best]:.1f}",
        subtitle=f"SmoothECE within a group, the largest; {n} splits, 95 % intervals",
        description="Largest calibration error over ten groups, in percentage points, by model and "
        "remedy. "
        + "; ".join(f"{r['category']}, {r['group']}: {r['value']:.1f}" for r in found)
        + ".",
    )


def accuracies(study: Study) -> Table:
    """Tabulate accuracy and SmoothECE of every model, without a remedy, by table."""
    found = []
    for table in study.tables:
        own = study.errors(table).mean("member")
        for model in grouped.MODELS:
            at = own.sel(model=model)
            error = float(at["error"].sel(remedy=grouped.NONE))
            found.append([WHAT[table], model, float(at["accuracy"]), error])
    columns = ["predicted", "model", "accuracy", "SmoothECE"]
    return charts.show(
        pd.DataFrame(found, columns=columns),
        caption="Models as they come, on rows not trained on; means over all splits",
        percent=["accuracy", "SmoothECE"],
    )
