"""Chapter 11's observations: held-out correlations of chosen images, and what is recorded."""

import numpy as np
import pandas as pd
import xarray as xr

from nbcore import claims
from nbcore.chapters.every_image_its_own_line import runs
from nbcore.chapters.every_image_its_own_line.config import EveryImageItsOwnLine
from nbcore.charts.tables import Table, bullets
from nbcore.claims import Observation
from nbcore.measures.bootstrap import draw_weights, estimate
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import Run

#: networks on the published set that its check asks for, and their accuracies
ENOUGH, RANGE = 30, (0.2, 0.9)


def held_out(table: xr.Dataset, models: str, subset: str) -> Estimate:
    """Estimate the correlation with accuracy of images chosen on other families' models.

    The median of the splits, with 95 % of them. A split leaves about half of the models out, and
    the spread of a statistic over halves is about its standard error over the whole: the jackknife
    that leaves half out.
    """
    values = table["held_out"].sel(models=models, subset=subset).values
    low, high = np.quantile(values, [0.025, 0.975])
    return Estimate(float(np.median(values)), low, high, len(values), "1", "splits of the families")


def record(run: Run, config: EveryImageItsOwnLine, preset: str) -> Observation:
    """Record the claim; its third check only if networks on the published set are given."""
    table = run.table("imagenetv2")
    seen = {
        "imagenetv2 chosen images held-out correlation": held_out(table, runs.ALL, runs.CHOSEN),
        "control equally hard images held-out correlation": held_out(table, runs.ALL, runs.MATCHED),
    }
    if config.negative is not None:
        seen |= published(config.negative, config.resamples)
    claims.forget(config.slug)
    return claims.record(
        "C25",
        seen,
        run=run,
        subject=f"{table.sizes['model']} models on ImageNetV2, {config.subset} images a split",
        preset=preset,
        setup=config.setup("C25"),
        chapter=config.slug,
    )


def published(file: str, resamples: int) -> dict[str, Estimate]:
    """Correlate accuracies on CIFAR-10 and CIFAR-10-Neg over the networks of a file.

    Nothing for fewer than 30 between 20 and 90 % accuracy.
    """
    from nbcore.lines.own_models import read_models

    table = read_models(file)
    table = table[table["id"].between(*RANGE)]
    if len(table) < ENOUGH:
        return {}
    pairs, weights = table[["id", "ood"]].to_numpy(), draw_weights(len(table), resamples)
    w = weights / weights.sum(1, keepdims=True)
    mean, square = w @ pairs, w @ pairs**2
    cross = w @ pairs.prod(1) - mean.prod(1)
    draws = cross / np.sqrt((square - mean**2).prod(1))
    name = "cifar-10-neg correlation over networks from 20 to 90 % accuracy"
    return {name: estimate(draws, len(table), "1", "networks")}


def splits_table(run: Run) -> pd.DataFrame:
    """Tabulate held-out correlations by test set, models and choice: category, group, value."""
    rows = []
    for bed, title in (("imagenetv2", "ImageNetV2"), ("cifar10.1", "CIFAR-10.1")):
        for models in (runs.ALL, runs.NETWORKS):
            for subset in (runs.CHOSEN, runs.MATCHED):
                e = held_out(run.table(bed), models, subset)
                ends = dict(value=e.value, low=e.low, high=e.high)
                rows.append({"category": f"{title}, {models}", "group": subset, **ends})
    return pd.DataFrame(rows)


def shares_table(run: Run) -> pd.DataFrame:
    """Tabulate how many images fall significantly, beside models whose accuracies are shuffled."""
    rows = []
    for bed, title in (("imagenetv2", "ImageNetV2"), ("cifar10.1", "CIFAR-10.1")):
        own, *others = run.table(bed)["falling"].values
        rows.append(
            {
                "test set": title,
                "images": run.table(bed).sizes["image"],
                "fall significantly": float(own),
                "with shuffled models": float(np.median(others)),
                "shuffled, at most": float(np.max(others)),
            }
        )
    return pd.DataFrame(rows)


def shares_told(run: Run) -> Table:
    """Say of each test set whether more images fall than do with shuffled models."""
    said = []
    for bed, title in (("imagenetv2", "ImageNetV2"), ("cifar10.1", "CIFAR-10.1")):
        own, *others = run.table(bed)["falling"].values
        said.append(f"{title}: {beside_luck(float(own), np.asarray(others))}")
    return bullets(said)


def beside_luck(own: float, shuffled: np.ndarray) -> str:
    """Compare a share with those of shuffles: above all of them, below all, or among them."""
    low, high = float(shuffled.min()), float(shuffled.max())
    span = f"{100 * low:.2f} to {100 * high:.2f} %"
    if own > high:
        return f"{100 * own:.2f} % fall, more than with any shuffle ({span})"
    if own < low:
        return f"{100 * own:.2f} % fall, fewer than with any shuffle ({span})"
    return f"{100 * own:.2f} % fall, no more than shuffles make ({span})"


def leverage(run: Run, config: EveryImageItsOwnLine) -> pd.DataFrame:
    """Tabulate the splits of ImageNetV2's models: held_out, and whether Fisher vectors judge.

    The halves are those of the run, drawn again from its seed.
    """
    table, seed = run.table("imagenetv2"), config.profiles.seed
    families = table["family"].values.astype(str)
    values = table["held_out"].sel(models=runs.ALL, subset=runs.CHOSEN).values
    judges = [
        not runs._halves(families, np.random.default_rng([seed, k]))[families == "features"].any()
        for k in range(len(values))
    ]
    return pd.DataFrame({"held_out": values, "judges": judges})
