"""Related evidence, recorded beside its claims and shown: tables and figures of chapter 1."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nbcore import charts, claims
from nbcore.chapters.line import images, related
from nbcore.chapters.line.config import Line
from nbcore.charts.base import Figure
from nbcore.lines.public import Testbed, load_accuracies
from nbcore.measures import robustness
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import Run, together

#: the paper's line on ImageNetV2, beside which ours stand
PAPER = {"slope": 0.9225, "intercept": -0.4896}
RELATED = dict[str, dict[str, Estimate]]


def gather(beds: Mapping[str, Testbed], config: Line, drawn: Run) -> RELATED:
    """Compute the related evidence of nine claims from published tables: claim -> numbers."""
    standard = beds["imagenet-testbed:imagenetv2"]
    line = related.beside_the_line(standard)
    share = {"87 standard models: share above 1 point and its interval": line.popitem()[1]}
    more = related.more_data(config.level)
    clip = related.clip_after_fitting()
    heads = {f"{m} 21k head": f"BiT-M-{m}-nonfinetuned" for m in ("R50x3", "R101x3", "R152x4")}
    asked = {"CLIP ResNet-50": "resnet50_clip_zeroshot", "CLIP ViT-B/32": "vit_b_32_clip_zeroshot"}
    finished = {
        "JFT-300M ResNet-101": "google_resnet101_jft-300M",
        "BiT-M R101x1": "BiT-M-R101x1-ILSVRC2012",
        "BiT-M R101x3": "BiT-M-R101x3-ILSVRC2012",
    }
    return {
        "A2": line | _images(drawn),
        "A3": share,
        "A9": related.standing(more, finished),
        "A14": related.standing(more, heads | asked),
        "A15": related.loss_by_fitting(clip),
        "A17": related.pretraining_size(config.resamples, config.seed),
        "A19": related.wider_pretraining(config.resamples, config.seed),
        "A20": related.extra_step(more),
        "A30": _cone(drawn),
    }


def relate(beds: Mapping[str, Testbed], config: Line, preset: str, drawn: Run) -> RELATED:
    """Write the related evidence beside its claims, never as a verdict, and return it."""
    found = gather(beds, config, drawn)
    standard = beds["imagenet-testbed:imagenetv2"]
    clip, timm = (load_accuracies(f"{s}:imagenetv2") for s in ("open-clip", "timm"))
    shifts = load_accuracies("timm:imagenet-r")
    for key, numbers in found.items():
        runs = {
            "A15": [clip.run, timm.run, shifts.run],
            "A17": [clip.run, standard.run],
            "A19": [timm.run, shifts.run],
            "A30": [drawn],
        }.get(key, [standard.run])
        claims.relate(
            key,
            numbers,
            run=together(runs),
            subject="finished models of published tables, on ImageNet's shifts",
            preset=preset,
            setup="reduced",
            chapter=config.slug,
        )
    return found


def _images(drawn: Run) -> dict[str, Estimate]:
    """Give the 67-model line with and without Fisher vectors; intervals from drawing the images."""
    out = {}
    for models, n in (("all", 67), ("without Fisher vectors", 64)):
        table = drawn.table("images")["line"].sel(models=models)
        for what in PAPER:
            value, draws = float(table.sel(what=what)[0]), table.sel(what=what)[1:].values
            low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))
            name = f"{what}, 67 models" if n == 67 else f"{what}, {n} of them {models}"
            name += ", interval from the images"
            out[name] = Estimate(value, min(low, value), max(high, value), n)
    return out


def _cone(drawn: Run) -> dict[str, Estimate]:
    curve = images.cone_curve(drawn)
    mean = curve[curve["series"] == "all eight patterns"].set_index("x")["y"]
    n = int(drawn.table("images").attrs["triplets"])
    return {
        f"share of triplets inside a cone of factor {c:g}": Estimate.exact(mean[c], n, "fraction")
        for c in (1.25, 1.5, 1.75, 2.0)
    }


def lines_table(beds: Mapping[str, Testbed], drawn: Run) -> pd.DataFrame:
    """Tabulate ImageNetV2's line by testbed: slope and intercept, ± by models and by images.

    ± models: 1.96 standard errors of the regression; ± images: 1.96 standard deviations over drawn
    images. The answers of the 87 image by image are not public: their ± images is that of the 64.
    """
    standard, public = beds["imagenet-testbed:imagenetv2"], beds["imagenetv2"]
    rest = public.models[~public.models["model"].isin(images.FISHER)]
    fits = {
        "87 standard models": (standard.line, "without Fisher vectors"),
        "67 models of ImageNetV2's authors": (public.line, "all"),
        "64 of them, without Fisher vectors": (
            robustness.fit_line(rest["id"], rest["ood"]),
            "without Fisher vectors",
        ),
    }
    rows: list[dict[str, Any]] = []
    for name, (fit, drawing) in fits.items():
        noise = images.image_spread(drawn, drawing)
        row: dict[str, Any] = {"testbed": name}
        for what in PAPER:
            se, sd = getattr(fit, f"{what}_se"), noise[what]
            row[what] = f"{getattr(fit, what):+.4f}".replace("-", "−").lstrip("+")
            row[f"{what}: ± models"] = f"{1.96 * se:.4f}"
            row[f"{what}: ± images"] = f"{1.96 * sd:.4f}"
        rows.append(row | {"R²": f"{fit.r2:.4f}"})
    paper = {"testbed": "the paper", "slope": ".9225", "intercept": "−.4896", "R²": ".996"}
    return pd.DataFrame([*rows, paper])


def finished_table(config: Line) -> pd.DataFrame:
    """Tabulate models with more data on three shifts: ER in points, NaN outside the range."""
    more = related.more_data(config.level)
    more["er"] *= 100
    table = more.pivot_table("er", "model", "shift", dropna=False, sort=False).reset_index()
    return table.rename_axis(columns=None)


def clip_table() -> pd.DataFrame:
    """Tabulate CLIP zero-shot and fine-tuned: effective robustness in points on both shifts."""
    clip = related.clip_after_fitting()
    clip[["zero-shot", "fine-tuned"]] *= 100
    wide = clip.pivot(index="model", columns="shift", values=["zero-shot", "fine-tuned"])
    wide.columns = pd.Index([f"{pair[1]}, {pair[0]}" for pair in wide.columns.to_list()])
    return wide.reset_index()


def related_table(found: RELATED, keys: tuple[str, ...]) -> pd.DataFrame:
    """Tabulate related evidence in rows: claim, what, value with its interval, n."""
    return pd.DataFrame(
        [
            {"claim": key, "what": what, "ours [95 % interval]": claims.show_estimate(e), "n": e.n}
            for key in keys
            for what, e in found[key].items()
        ]
    )


def cone(drawn: Run) -> Figure:
    """Draw how many triplets of models lie inside a cone of each factor."""
    curve = images.cone_curve(drawn)
    mean = curve[curve["series"] == "all eight patterns"].set_index("x")["y"]
    at = float(mean[mean >= 0.998].index[0])
    return charts.curve(
        curve,
        title=f"99.8 % of the triplets lie inside a cone of factor {at:.2f}",
        subtitle="The paper gives that share and not its cone; so the claim is not judged",
        description="Share of triplets of the 67 models whose probability of answering in a given "
        "pattern differs between ImageNetV2 and ImageNet by at most a factor, against that factor: "
        "the mean over all eight patterns of right and wrong, all three right, all three wrong. "
        f"The mean is {100 * mean[1.25]:.1f} % at 1.25, {100 * mean[1.5]:.1f} % at 1.5 and reaches "
        f"99.8 % at {at:.2f}.",
        x_title="factor between the two probabilities",
        y_title="share of triplets",
        y_format="~%",
        points=False,
    )


def sizes(config: Line) -> Figure:
    """Draw effective robustness of CLIP models on V2 and Sketch against pretraining pairs."""
    parts, rho = [], related.pretraining_size(20, config.seed)
    for shift in ("imagenetv2", "imagenet-sketch"):
        line = load_accuracies(f"imagenet-testbed:{shift}").line
        clip = load_accuracies(f"open-clip:{shift}")
        er = related.height(clip.models, line)
        rows = clip.models.assign(y=100 * er, x=clip.models["pairs"] / 1e6, series=clip.axes[1])
        mean = rows.dropna(subset=["x", "y"]).groupby(["series", "x"])["y"]
        stats = mean.agg(["mean", "min", "max"]).reset_index()
        parts.append(stats.rename(columns={"mean": "y", "min": "low", "max": "high"}))
    axes = ("ImageNetV2", "ImageNet-Sketch")
    values = [rho[f"Spearman of size with ER, {axis}"].value for axis in axes]
    words = [f"{v:+.2f}".replace("-", "−") for v in values]
    return charts.curve(
        pd.concat(parts),
        title="Size of pretraining and effective robustness: ρ = "
        f"{words[1]} on Sketch, {words[0]} on V2",
        subtitle="CLIP models inside the line's range; mean and range over models of one size",
        description="Effective robustness in points of CLIP models against the number of pairs of "
        "image and text they were pretrained on, on ImageNetV2 and ImageNet-Sketch, mean and range "
        f"over models of one size. Spearman's correlations are {words[0]} and {words[1]}.",
        x_title="pairs of image and text (millions)",
        y_title="effective robustness (points)",
        x_scale="log",
    )
