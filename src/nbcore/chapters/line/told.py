"""Chapter 1's findings in words, each computed from the numbers of the run."""

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from nbcore.chapters.line import images
from nbcore.chapters.line.config import Line
from nbcore.chapters.line.observe import CALLED
from nbcore.chapters.line.related import ONLY_1K
from nbcore.chapters.line.relating import PAPER
from nbcore.chapters.line.scales import r2_by_scale
from nbcore.charts.tables import Table, bullets, sentence
from nbcore.charts.words import joined, side
from nbcore.claims import show_estimate, show_scaled
from nbcore.lines.public import Testbed
from nbcore.measures import robustness
from nbcore.measures.bootstrap import interval
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import Run


def paper_line(beds: Mapping[str, Testbed], drawn: Run) -> Table:
    """Say which lines hold the paper's numbers in their interval, and what Fisher vectors do."""
    standard, public = beds["imagenet-testbed:imagenetv2"].line, beds["imagenetv2"]
    rest = public.models[~public.models["model"].isin(images.FISHER)]
    without = robustness.fit_line(rest["id"], rest["ood"])
    some, every = (images.image_spread(drawn, w) for w in ("without Fisher vectors", "all"))
    said = [
        f"For the {standard.n} standard models, {_holds(standard, some)}.",
        f"For all {public.line.n} models of ImageNetV2's authors, {_holds(public.line, every)}.",
        fisher(public.line.slope, without.slope, standard.slope),
    ]
    return sentence(" ".join(said))


def _holds(fit: robustness.Line, spread: Mapping[str, float]) -> str:
    """Say which of the paper's two numbers lie inside the interval that the images make."""
    inside = [k for k, x in PAPER.items() if abs(getattr(fit, k) - x) <= 1.96 * spread[k]]
    outside = [k for k in PAPER if k not in inside]
    if not outside:
        return "the images' interval holds the paper's slope and intercept"
    if not inside:
        return "the images' interval holds neither the paper's slope nor its intercept"
    return f"the images' interval holds the paper's {inside[0]} and not its {outside[0]}"


def fisher(every: float, without: float, standard: float) -> str:
    """Say where the slope goes if Fisher vectors are left out: towards the standard models'?"""
    moved, gap = without - every, standard - every
    text = f"Without the Fisher vectors the slope goes from {every:.3f} to {without:.3f}"
    way = moved / gap if gap else 0.0
    if way >= 0.5:
        return f"{text}, most of the way to the standard models' {standard:.3f}."
    if way > 0:
        return f"{text}, a part of the way to the standard models' {standard:.3f}."
    return f"{text}, not towards the standard models' {standard:.3f}."


def scales(beds: Mapping[str, Testbed], config: Line) -> Table:
    """Say of each testbed with a line whether the logit beats plain accuracy and the probit."""
    said = []
    for name in ("imagenet-testbed:imagenetv2", "imagenetv2", "cifar10.1"):
        draws, bed = r2_by_scale(beds[name], config), beds[name]
        plain, probit = (
            _gain(draws["logit"] - draws[other], config.level) for other in ("linear", "probit")
        )
        said.append(f"On {CALLED[name]} ({len(bed.fitted)} models), {compared(plain, probit)}.")
    return sentence(" ".join(said))


def _gain(draws, level: float) -> Estimate:
    low, high = interval(draws[1:], level)
    value = float(draws[0])
    return Estimate(value, min(low, value), max(high, value), len(draws) - 1)


def compared(plain: Estimate, probit: Estimate) -> str:
    """Put two differences of R² in words: logit minus plain accuracy, logit minus probit."""
    first = side(
        plain,
        "the logit fits better than plain accuracy",
        "logit and plain accuracy cannot be told apart",
        "plain accuracy fits better than the logit",
    )
    second = side(
        probit,
        "better than the probit too",
        "no differently from the probit",
        "worse than the probit",
    )
    return f"{first} (R² differs by {show_estimate(plain)}), and the logit fits {second}"


def families(bed: Testbed) -> Table:
    """Say which pretraining groups stand clearly above the line, and whether luck explains ONLY_1K.

    The interval of a group's mean is 1.96 standard errors over its models.
    """
    groups = bed.models[bed.models["pretraining"] != "other"].groupby("pretraining")
    mean = groups["er"].agg(["mean", "sem", "size"])
    where: dict[str, list[str]] = {"above": [], "on": [], "below": []}
    for name, row in mean.sort_values("mean", ascending=False).iterrows():
        half = 1.96 * row["sem"]
        e = Estimate(row["mean"], row["mean"] - half, row["mean"] + half, int(row["size"]))
        where[side(e, "above", "on", "below")].append(f"“{name}”")
    parts = [
        f"{joined(names)} {'stands' if len(names) == 1 else 'stand'} {place}"
        for place, names in (
            ("above the line on average", where["above"]),
            ("on it", where["on"]),
            ("below it", where["below"]),
        )
        if names
    ]
    alone = bed.models[bed.models["pretraining"] == ONLY_1K]
    return sentence(
        f"Of the groups with a name, {'; '.join(parts)}. "
        + luck(int(alone["significant"].sum()), len(alone))
    )


def luck(significant: int, models: int) -> str:
    """Compare how many models leave the band upwards with what luck alone would make."""
    share = Estimate.share(significant, max(models, 1), max(models, 1))
    words = side(share, "more than", "about as many as", "fewer than", bound=0.025)
    return (
        f"Of {models:,} models that saw nothing but ImageNet, {significant} are “significant”, "
        f"{words} the {0.025 * models:.0f} that luck would make."
    )


def standing(found: Mapping[str, Estimate]) -> Table:
    """Say of each model where it stands by shift; keys are `model, shift`."""
    models: dict[str, list[str]] = {}
    for key, e in found.items():
        model, _, shift = key.rpartition(", ")
        where = side(e, "above the line", "on the line", "below the line")
        models.setdefault(model, []).append(f"{where} on {shift} ({show_scaled(e, 'points')})")
    said = [f"{model}: {joined(places)}" for model, places in models.items()]
    return bullets(said or ["None of these models is inside the line's range"])


def fitted(found: Mapping[str, Estimate]) -> Table:
    """Say what CLIP networks keep of their effective robustness once they are fine-tuned (A15)."""
    said = []
    for key, before in found.items():
        if not key.startswith("mean ER zero-shot, "):
            continue
        shift = key.partition(", ")[2]
        after = found[f"mean ER fine-tuned, {shift}"]
        left = side(after, "and keep a part", "and lose it", "and end below the line")
        said.append(
            f"On {shift}, {before.n} networks stand {show_scaled(before, 'points')} from the line "
            f"in words {left} by fitting: {show_scaled(after, 'points')}."
        )
    return sentence(" ".join(said) or "No network has both inside the line's range.")


def effects(found: Mapping[str, Estimate], name: str, words: str, unit: str = "") -> Table:
    """Say of one quantity by shift, keys `name, shift`, whether it is positive.

    words: what it is, as the sentence begins; unit: "points", or "" for a plain number.
    """
    said = []
    for key, e in found.items():
        if key.startswith(f"{name}, "):
            number = show_scaled(e, unit) if unit else show_estimate(e)
            sign = side(e, "positive", "not told from nought", "negative")
            said.append(f"{sign} on {key.partition(', ')[2]} ({number})")
    if not said:
        return sentence("Nothing here is inside the line's range.")
    return sentence(f"{words} is {joined(said)}.")


def digits(data: xr.Dataset, fit: robustness.Line) -> Table:
    """Say which of the live models loses least and which most, measured from the line."""
    right = {k: data[f"{k}_correct"].mean("example").to_series() for k in ("id", "ood")}
    er = pd.Series(
        robustness.effective_robustness(right["id"], right["ood"], fit), right["id"].index
    )
    return sentence(
        f"Highest above the line stands {er.idxmax()} ({100 * er.max():+.1f} points), lowest "
        f"{er.idxmin()} ({100 * er.min():+.1f})."
    )
