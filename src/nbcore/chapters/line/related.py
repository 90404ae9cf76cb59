"""Related evidence from published tables: finished models beside claims about fine-tuning.

The claims speak of trajectories, of CIFAR-10.1 or of private networks; here stand finished models
of others on ImageNet's shifts. So nothing below is a verdict. Effective robustness is given inside
the range of the line's own models only.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from nbcore.lines.public import Testbed, load_accuracies
from nbcore.measures import robustness
from nbcore.measures.bootstrap import interval
from nbcore.measures.estimate import Estimate

ONLY_1K = "ImageNet-1k only"
FINISHED = ("imagenetv2", "imagenet-r", "objectnet")
#: the same network asked in words, and fine-tuned to ImageNet: OpenCLIP's name, timm's name
FITTED = {
    "ViT-B-32 openai": "vit_base_patch32_clip_224.openai_ft_in1k",
    "ViT-B-16 openai": "vit_base_patch16_clip_224.openai_ft_in1k",
    "ViT-L-14 openai": "vit_large_patch14_clip_224.openai_ft_in1k",
    "ViT-B-32 laion2b_s34b_b79k": "vit_base_patch32_clip_224.laion2b_ft_in1k",
    "ViT-B-16 laion2b_s34b_b88k": "vit_base_patch16_clip_224.laion2b_ft_in1k",
    "ViT-L-14 laion2b_s32b_b82k": "vit_large_patch14_clip_224.laion2b_ft_in1k",
    "ViT-H-14 laion2b_s32b_b79k": "vit_huge_patch14_clip_224.laion2b_ft_in1k",
}


def height(models: pd.DataFrame, line: robustness.Line) -> pd.Series:
    """Return each model's effective robustness (columns id, ood), NaN outside the line's range."""
    er = robustness.effective_robustness(models["id"], models["ood"], line)
    return pd.Series(np.where(line.covers(models["id"]), er, np.nan), models.index)


def more_data(level: float = 0.95) -> pd.DataFrame:
    """Tabulate models with more data than ImageNet-1k on three shifts (A9, A14).

    The line is that of the 87 (or 82) standard models. Columns: model, shift, id, ood, er (NaN
    outside the range), low, high (of er, from the images).
    """
    rows = []
    for shift in FINISHED:
        bed = load_accuracies(f"imagenet-testbed:{shift}")
        models = bed.models[bed.models["model"].str.contains("BiT-M|jft-300M|clip_zeroshot")]
        expected = bed.line.predict(models["id"])
        er = height(models, bed.line)
        low, high = robustness.clopper_pearson(models["ood"] * bed.ood_total, bed.ood_total, level)
        part = models[["model", "id", "ood"]].assign(shift=bed.axes[1], er=er)
        part["low"], part["high"] = (
            np.where(er.notna(), v - expected, np.nan) for v in (low, high)
        )
        rows.append(part)
    return pd.concat(rows, ignore_index=True)


def clip_after_fitting() -> pd.DataFrame:
    """Compare CLIP models zero-shot and fine-tuned to ImageNet, on V2 and ImageNet-R (A15).

    One line per shift, through timm's models of ImageNet-1k alone and accuracies on all 1,000
    classes. Columns: model, shift, zero-shot, fine-tuned (er; NaN outside the line's range).
    """
    rows = []
    for shift, name in (("ImageNetV2", "imagenetv2"), ("ImageNet-R", "imagenet-r-all")):
        timm = load_accuracies(f"timm:{name}", family=ONLY_1K)
        clip = load_accuracies(f"open-clip:{name}")
        asked, tuned = (
            b.models.assign(er=height(b.models, timm.line)).set_index("model")["er"]
            for b in (clip, timm)
        )
        for words, checkpoint in FITTED.items():
            row = {"model": words, "shift": shift, "zero-shot": asked.get(words, np.nan)}
            rows.append(row | {"fine-tuned": tuned.get(checkpoint, np.nan)})
    return pd.DataFrame(rows)


def pretraining_size(resamples: int = 2000, seed: int = 0) -> dict[str, Estimate]:
    """Correlate (Spearman) the pairs that CLIP models saw with effective robustness (A17).

    Lines through the standard models of the ImageNet testbed, accuracies on all classes; only
    models inside the line's range. Intervals: models drawn again. Beside each the same with sizes
    shuffled over models, whose interval should hold 0 in its middle.
    """
    found: dict[str, Estimate] = {}
    rng = np.random.default_rng(seed)
    for shift in ("imagenetv2", "imagenet-sketch", "imagenet-r-all"):
        line = load_accuracies(f"imagenet-testbed:{shift}").line
        clip = load_accuracies(f"open-clip:{shift}")
        models = clip.models.assign(er=height(clip.models, line)).dropna(subset=["er", "pairs"])
        size, er, n = models["pairs"].to_numpy(), models["er"].to_numpy(), len(models)
        picks = [rng.integers(0, n, n) for _ in range(resamples)]
        shuffles = [rng.permutation(n) for _ in range(resamples)]
        draws = np.array([stats.spearmanr(size[p], er[p]).statistic for p in picks])
        none = np.array([stats.spearmanr(size[p], er).statistic for p in shuffles])
        value = float(stats.spearmanr(size, er).statistic)
        found[f"Spearman of size with ER, {clip.axes[1]}"] = _around(value, draws, n, "1")
        middle = float(np.median(none))
        found[f"the same with shuffled sizes, {clip.axes[1]}"] = _around(middle, none, n, "1")
    return found


def architecture(model: str) -> str:
    """Return the architecture in timm's name of a model: what stands before the tag."""
    return model.partition(".")[0]


def matched_pairs(name: str) -> pd.DataFrame:
    """Compare timm's models pretrained on ImageNet-21k with those that were not (A19).

    Per architecture the mean effective robustness; the line goes through models of ImageNet-1k
    alone. Columns: architecture, with, without, gain.
    """
    bed = load_accuracies(name, family=ONLY_1K)
    models = bed.models.assign(er=height(bed.models, bed.line)).dropna(subset=["er"])
    models["architecture"] = models["model"].map(architecture)
    mean = models.pivot_table("er", "architecture", "pretraining", "mean")
    pairs = mean[["ImageNet-21k", ONLY_1K]].dropna()
    pairs = pairs.rename(columns={"ImageNet-21k": "with", ONLY_1K: "without"}).reset_index()
    return pairs.assign(gain=pairs["with"] - pairs["without"])


def wider_pretraining(resamples: int = 2000, seed: int = 0) -> dict[str, Estimate]:
    """Average the gain in ER from ImageNet-21k over architectures (A19).

    Beside it the same with the two kinds of pretraining shuffled.
    """
    rng, found = np.random.default_rng(seed), {}
    for name in ("timm:imagenetv2", "timm:imagenet-r"):
        gain, axis = matched_pairs(name)["gain"].to_numpy(), load_accuracies(name).axes[1]
        n = gain.size
        draws = gain[rng.integers(0, n, (resamples, n))].mean(axis=1)
        none = (gain * rng.choice([-1, 1], (resamples, n))).mean(axis=1)
        key = f"ER with 21k minus without, {axis}"
        found[key] = _around(float(gain.mean()), draws, n, "fraction")
        key = f"the same with families shuffled, {axis}"
        found[key] = _around(float(np.median(none)), none, n, "fraction")
    return found


def extra_step(table: pd.DataFrame) -> dict[str, Estimate]:
    """Compare BiT-M after a further step on ImageNet-1k with BiT-M straight from 21k (A20).

    table: as from `more_data`. Only networks of which both stand inside the line's range.
    """
    found = {}
    for shift, part in table.groupby("shift"):
        er = part.set_index("model")["er"]
        sizes = [m.removesuffix("-ILSVRC2012") for m in er.index if m.endswith("-ILSVRC2012")]
        step = np.array([er[f"{s}-ILSVRC2012"] - er[f"{s}-nonfinetuned"] for s in sizes])
        step = step[np.isfinite(step)]
        found[f"ER with the step minus without, {shift}"] = _mean(step)
    return found


def standing(table: pd.DataFrame, models: Mapping[str, str]) -> dict[str, Estimate]:
    """Give the ER of some models of `more_data` with the interval of their images.

    models: words for a model -> its name in the table.
    """
    found = {}
    for words, model in models.items():
        for row in table[(table["model"] == model) & table["er"].notna()].to_dict("records"):
            found[f"{words}, {row['shift']}"] = Estimate(
                row["er"], row["low"], row["high"], 1, "fraction"
            )
    return found


def loss_by_fitting(table: pd.DataFrame) -> dict[str, Estimate]:
    """Average ER zero-shot and after fine-tuning, over networks with both in range (A15)."""
    found = {}
    for shift, part in table.dropna().groupby("shift"):
        for column in ("zero-shot", "fine-tuned"):
            found[f"mean ER {column}, {shift}"] = _mean(part[column].to_numpy())
    return found


def beside_the_line(standard: Testbed) -> dict[str, Estimate]:
    """Give the line through standard models, and the share of them above it (A2, A3)."""
    fit, models = standard.line, standard.fitted
    found = {}
    for what in ("slope", "intercept"):
        value, half = getattr(fit, what), 1.959964 * getattr(fit, f"{what}_se")
        found[f"{what}, {fit.n} standard models"] = Estimate(
            value, value - half, value + half, fit.n
        )
    high = int(((models["er"] > 0.01) & models["significant"]).sum())
    found["share above 1 point and its interval"] = Estimate.share(high, len(models), len(models))
    return found


def _mean(values: np.ndarray) -> Estimate:
    """Average over networks, with a 95 % interval by Student's t because there are few of them."""
    value, n = float(values.mean()), values.size
    half = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Estimate(value, value - half, value + half, n, "fraction")


def _around(value: float, draws: np.ndarray, n: int, unit: str) -> Estimate:
    low, high = interval(draws)
    return Estimate(value, min(low, value), max(high, value), n, unit)
