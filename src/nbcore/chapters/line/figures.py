"""Chapter 1's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd
import xarray as xr

from nbcore import charts
from nbcore.chapters.line import observe as page
from nbcore.chapters.line.config import Line
from nbcore.chapters.line.scales import scale_gain_by_floor
from nbcore.charts.base import Figure, Scale
from nbcore.lines.public import Testbed, add_intervals
from nbcore.measures import robustness as measure

HALF = 340  # px: two figures side by side


def line(bed: Testbed, title: str) -> Figure:
    """Draw accuracies with intervals and the line, in plain accuracy and on logit axes."""
    inside, outside = bed.axes
    fit = bed.line
    words: dict[Scale, str] = {"linear": "Plain accuracy", "logit": "Logit axes"}
    panels = [
        charts.accuracy_scatter(
            bed.models,
            fit,
            scale=scale,
            title=words[scale],
            description=words[scale],
            x_title=f"{inside} accuracy",
            y_title=f"{outside} accuracy",
            width=HALF,
            height=HALF,
        )
        for scale in words
    ]
    return charts.side_by_side(
        *panels,
        title=title,
        description=f"Accuracy on {outside} against accuracy on {inside} for {fit.n} models, with "
        f"95 % intervals, once in plain accuracy and once on logit axes. The fitted line has slope "
        f"{fit.slope:.2f} and R² {fit.r2:.3f} in logits.",
    )


def bent(bed: Testbed) -> Figure:
    """Draw a testbed that a line does not describe; the title says by how much the line misses."""
    miss, worst = np.sqrt((bed.models["er"] ** 2).mean()), bed.models["er"].abs().max()
    return line(
        bed,
        f"On {bed.axes[1]} the fitted line misses by {100 * miss:.0f} points (root mean square), "
        f"at most by {100 * worst:.0f}",
    )


def floor(bed: Testbed, config: Line) -> Figure:
    """Draw what a curved scale gains in R² over plain accuracy as weak models are left out."""
    table = scale_gain_by_floor(bed, config)
    logit = table[table["scale"] == "logit"]
    all_models, fewest = logit.iloc[0], logit.iloc[-1]
    # from where on the interval holds 0 whatever else is left out
    told = np.flatnonzero((logit["low"] > 0) | (logit["high"] < 0))
    last = logit.iloc[told[-1]] if told.size else None
    end = (
        f"From {100 * last['floor']:.0f} % up the scales of {bed.axes[0]} cannot be told apart"
        if last is not None
        else f"The scales of {bed.axes[0]} cannot be told apart"
    )

    def shown(row: pd.Series) -> str:
        return f"{row['gain']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]"

    return charts.curve(
        table.rename(columns={"floor": "x", "gain": "y", "scale": "series"}),
        title=end,
        subtitle=f"Logit minus plain R²: {shown(all_models)} with all {all_models['models']:.0f} "
        f"models, {shown(fewest)} with the {fewest['models']:.0f} most accurate",
        description=f"R² in the probit and the logit scale minus R² in plain accuracy, against the "
        f"lowest {bed.axes[0]} accuracy that is kept, with paired bootstrap intervals. Logit minus "
        f"plain is {shown(all_models)} with all models and {shown(fewest)} at the end.",
        x_title=f"lowest {bed.axes[0]} accuracy kept",
        y_title="R² gained over plain accuracy",
        x_format="~%",
        level=(0.0, "no difference"),
    )


def residuals(bed: Testbed) -> Figure:
    """Draw observed minus expected accuracy, one panel per scale."""
    parts, spread = [], {}
    for scale in measure.SCALES:
        fit = measure.fit_line(bed.models["id"], bed.models["ood"], scale)
        rest = measure.effective_robustness(bed.models["id"], bed.models["ood"], fit)
        spread[scale] = 100 * float(np.sqrt(np.mean(rest**2)))
        parts.append(bed.models[["model", "id"]].assign(residual=rest, scale=scale))
    words = ", ".join(f"{scale} {value:.2f}" for scale, value in spread.items())
    return charts.residual_plot(
        pd.concat(parts),
        title=f"Plain accuracy leaves {spread['linear'] / spread['logit']:.1f} times the residual "
        "of the logit scale",
        subtitle=f"Root mean square residual in points: {words}",
        description="Observed minus expected accuracy of each model against its ID accuracy, one "
        f"panel per scale. Root mean square residuals in points are {words}.",
        x_title=f"{bed.axes[0]} accuracy",
    )


def robustness(bed: Testbed) -> Figure:
    """Draw effective robustness against accuracy with the chance band."""
    grid = np.linspace(*bed.line.id_range, 60)
    low, high = measure.chance_band(grid, bed.ood_total, bed.line)
    models, n = bed.models, int(bed.models["significant"].sum())
    above = int((models["er"] > 0.01).sum())
    both = int(((models["er"] > 0.01) & models["significant"]).sum())
    expected = models["ood"] - models["er"]
    own = models.assign(low=models["ood_low"] - expected, high=models["ood_high"] - expected)
    return charts.robustness_scatter(
        own,
        pd.DataFrame({"x": grid, "low": low, "high": high}),
        title=f"{n} of {len(models)} models {'leaves' if n == 1 else 'leave'} the band upwards; "
        f"luck alone would give about {0.025 * len(models):.1f}",
        subtitle=f"{bed.axes[1]}, {bed.ood_total:,} images; {above} "
        f"{'stands' if above == 1 else 'stand'} more than one point above the line, {both} of them "
        "outside the band",
        description=f"Effective robustness in points against {bed.axes[0]} accuracy for "
        f"{len(models)} models with 95 % intervals and the chance band. {above} models exceed one "
        f"point, {n} the band.",
        x_title=f"{bed.axes[0]} accuracy",
    )


def families(bed: Testbed) -> Figure:
    """Draw timm's models with a drop-down that picks a pretraining family."""
    table = bed.models.rename(columns={"pretraining": "family"})
    mean = table.groupby("family")["er"].mean().sort_values(ascending=False)
    best = str(mean.index[0])
    return charts.family_explorer(
        table,
        bed.line,
        family=best,
        title=f"Models pretrained on {best} stand {100 * mean.iloc[0]:.1f} points above the line",
        subtitle=f"{len(table):,} models of timm; choose what they were pretrained on",
        description=f"ImageNetV2 against ImageNet accuracy of {len(table)} models with the line, "
        "and their effective robustness below. A drop-down picks a pretraining family. Mean "
        "effective robustness in points: "
        + ", ".join(f"{family} {100 * value:+.2f}" for family, value in mean.items())
        + ".",
        x_title="ImageNet accuracy",
        y_title="ImageNetV2 accuracy",
    )


def dominance(bed: Testbed) -> Figure:
    """Draw the dominance matrix, sorted by accuracy."""
    order = bed.models.sort_values("id", kind="stable")
    names = order["model"].to_numpy()
    matrix = bed.run.table("dominance")["dominance"].sel(model=names, other=names).values
    matrix = np.triu(matrix, 1) + np.triu(matrix, 1).T  # weaker right, mirrored as in the paper
    every = page.pairs(bed)
    top = every.nlargest(1, "dominance").iloc[0]
    ratio = float((every["dominance"] / every["independent"]).median())
    return charts.heat_map(
        matrix,
        list(names),
        accuracy=order["id"].to_numpy(),
        title=f"A weaker model is {how_often(ratio)} right where a stronger one is wrong",
        subtitle=f"At most {100 * top['dominance']:.1f} % of the images, "
        f"for {top['lower']} and {top['higher']}",
        description="Dominance probability of every pair of "
        f"{len(names)} models sorted by accuracy: the share of ImageNet images that the less "
        f"accurate of the two gets right and the other gets wrong. The largest share is "
        f"{100 * top['dominance']:.1f} %, for {top['lower']} and {top['higher']}.",
        x_title="one model, by accuracy",
        y_title="the other model, by accuracy",
    )


def how_often(ratio: float) -> str:
    """Put in words how often one model is right alone; ratio: to that of independent errors."""
    if ratio < 0.5:
        return "rarely"
    return "less often than by chance" if ratio < 1 else "as often as by chance, or more,"


def dominance_pairs(bed: Testbed) -> Figure:
    """Draw dominance of every pair against its difference in accuracy.

    A second curve shows what independent errors would give.
    """
    every = page.pairs(bed)
    every["bin"] = (every["difference"] * 40).round() / 40
    series = []
    for name, column in (("observed", "dominance"), ("if errors were independent", "independent")):
        stats = every.groupby("bin")[column].agg(["mean", "min", "max"]).reset_index()
        stats.columns = pd.Index(["x", "y", "low", "high"])
        series.append(stats.assign(series=name))
    ratio = (every["dominance"] / every["independent"]).median()
    return charts.curve(
        pd.concat(series),
        title=f"Dominance is {1 / ratio:.1f} times smaller than independent errors would make it",
        subtitle=f"Mean and range over {len(every):,} pairs of models",
        description="Dominance probability of pairs of models against their difference in accuracy,"
        f" with the range over pairs, beside the value for independent errors. The median ratio of "
        f"the two is {ratio:.2f}.",
        x_title="difference in ImageNet accuracy",
        y_title="dominance probability",
        x_format="~%",
        y_format="~%",
    )


def solvers(bed: Testbed) -> Figure:
    """Draw how many images are solved by exactly k models."""
    solved = bed.run.table("solvers")["solvers"].values
    counts = np.bincount(solved, minlength=len(bed.models) + 1)
    none, every = counts[0] / solved.size, counts[-1] / solved.size
    return charts.solved_histogram(
        counts,
        title=f"{100 * none:.1f} % of the images are solved by nobody, {100 * every:.0f} % by all",
        subtitle=f"{solved.size:,} ImageNet validation images, {len(bed.models)} models",
        description=f"Number of ImageNet validation images that exactly k of {len(bed.models)} "
        f"models classify correctly. {counts[0]:,} images are solved by none, {counts[-1]:,} by "
        "all of them.",
    )


def shape(bed: Testbed, config: Line) -> Figure:
    """Draw the effective robustness of y = x and of a mixture, along accuracy."""
    x = np.linspace(0.01, 0.99, 99)
    ends = np.array([0.1, 0.95])
    low, high = (np.array([e, float(bed.line.predict(e))]) for e in ends)
    mixed = measure.mixed_classifier(low, high, np.linspace(0, 1, 60))
    curves = {
        "no gap at all (y = x)": (x, measure.effective_robustness(x, x, bed.line)),
        "coin between two models on the line": (
            mixed[:, 0],
            measure.effective_robustness(mixed[:, 0], mixed[:, 1], bed.line),
        ),
    }
    table = pd.concat(
        pd.DataFrame({"x": u, "y": 100 * v, "series": name}) for name, (u, v) in curves.items()
    )
    peak = {name: (float(u[v.argmax()]), 100 * float(v.max())) for name, (u, v) in curves.items()}
    (at, top), (_, mix) = peak.values()
    return charts.curve(
        table,
        title=f"Geometry alone makes a hill of {top:.0f} points at {100 * at:.0f} % accuracy",
        subtitle=f"Line of {bed.axes[1]}, drawn beyond its testbed to show the shape",
        description="Effective robustness along ID accuracy of a model equally accurate on both "
        f"test sets, which peaks at {top:.1f} points, and of a coin flip between two models on "
        f"the line, which peaks at {mix:.1f} points.",
        x_title="ID accuracy",
        y_title="effective robustness (points)",
        x_format="~%",
        points=False,
        level=(0.0, "the line"),
    )


def digits(data: xr.Dataset, fit: measure.Line, config: Line) -> Figure:
    """Draw the live testbed: fourteen small models on digits and on shifted digits."""
    n = data.sizes["example"]
    frame = pd.DataFrame(
        {
            "model": data["model"].values,
            "id": data["id_correct"].mean("example").values,
            "ood": data["ood_correct"].mean("example").values,
        }
    )
    frame = add_intervals(frame, fit, n, n, config.level)
    return charts.accuracy_scatter(
        frame,
        fit,
        scale="logit",
        title=f"Fourteen models trained just now: slope {fit.slope:.2f}, R² {fit.r2:.2f}",
        description=f"Accuracy on shifted digits against accuracy on digits for fourteen "
        f"scikit-learn models on logit axes, with the line of slope {fit.slope:.2f}.",
        x_title="accuracy on digits",
        y_title="accuracy on shifted digits",
    )
