"""Public testbeds: counted from the predictions of public models, with their lines."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from nbcore import data as nbdata
from nbcore.data.tables import read_table
from nbcore.errors import DataError
from nbcore.measures import agreement, robustness
from nbcore.runs.config import Config
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: whose published percentages are the counts
TIMM = "timm-results"
#: name on the page -> (data set, ID and OOD as axis titles)
TESTBEDS = {
    "cifar10.1": ("testbed-cifar10.1", "CIFAR-10", "CIFAR-10.1"),
    "imagenetv2": ("testbed-imagenetv2", "ImageNet", "ImageNetV2"),
    "timm-imagenetv2": (TIMM, "ImageNet", "ImageNetV2"),
    "timm-imagenet-a": (TIMM, "ImageNet (200 classes)", "ImageNet-A"),
}


#: the testbeds that a line describes; on ImageNet-A the points bend
WITH_LINE = tuple(name for name in TESTBEDS if name != "timm-imagenet-a")


#: images behind timm's percentages
TIMM_TOTALS = {
    "imagenet": 50_000,
    "imagenetv2": 10_000,
    "imagenet_a_clean": 10_000,
    "imagenet_a": 7_500,
}


TIMM_PAIRS = {
    "timm-imagenetv2": ("imagenet", "imagenetv2"),
    "timm-imagenet-a": ("imagenet_a_clean", "imagenet_a"),
}


@dataclass(frozen=True)
class Count(Config):
    """What a testbed count depends on besides its data: nothing."""

    slug: ClassVar[str] = "testbed"


@dataclass
class Testbed:
    """A counted testbed with its logit line.

    models: one row a model: model, id, ood (fractions), their intervals *_low, *_high, `er` and
    its chance band band_low, band_high, whether it is `significant`, and `pretraining` for timm.
    """

    __test__ = False  # its name looks like a test class to pytest

    name: str
    run: Run
    models: pd.DataFrame
    line: robustness.Line
    id_total: int
    ood_total: int

    @property
    def axes(self) -> tuple[str, str]:
        """Titles of the ID and OOD axis."""
        return TESTBEDS[self.name][1:]


def count(dataset: str, member: str) -> xr.Dataset:
    """Right or wrong of every model on every image: dims model, id_image, ood_image."""
    bed = nbdata.load_testbed(dataset)
    return xr.Dataset(
        {
            "id_correct": (("model", "id_image"), bed.id_predictions == bed.id_labels),
            "ood_correct": (("model", "ood_image"), bed.ood_predictions == bed.ood_labels),
        },
        coords={"model": np.asarray(bed.models, dtype=np.str_)},
    )


def reduce_counts(run: Run) -> Tables:
    """Per model: right answers; per ID image: solvers; per pair of models: dominance on ID."""
    correct = run.member("correct")
    totals = {"id_total": correct.sizes["id_image"], "ood_total": correct.sizes["ood_image"]}
    models = xr.Dataset(
        {k: correct[k].sum(k.replace("correct", "image")) for k in ("id_correct", "ood_correct")},
        attrs=totals,
    )
    right = correct["id_correct"].transpose("model", "id_image").values
    solvers = agreement.solved_counts(right).astype(np.uint8)
    matrix = agreement.dominance_matrix(right)
    names = {"model": correct["model"], "other": correct["model"].values}
    return {
        "models": models,
        "solvers": xr.Dataset({"solvers": ("id_image", solvers)}, attrs={"models": len(right)}),
        "dominance": xr.Dataset({"dominance": (("model", "other"), matrix)}, coords=names),
    }


def count_timm(dataset: str, member: str) -> xr.Dataset:
    """Right answers of timm's public models on each test set, from its published percentages.

    A model that timm has not measured on a set has NaN there.
    """
    frame = nbdata.load_timm_results()
    counts = {k: ("model", np.rint(frame[k].to_numpy(float) * n)) for k, n in TIMM_TOTALS.items()}
    families = ("model", frame["pretraining"].to_numpy(np.str_))
    models = frame["model"].to_numpy(np.str_)
    return xr.Dataset(counts | {"pretraining": families}, {"model": models}, TIMM_TOTALS)


def keep_counts(run: Run) -> Tables:
    """The counts of timm's models, which are all there is."""
    return {"models": run.member("correct")}


def count_plan(dataset: str) -> Plan:
    """What counts a testbed's public predictions."""
    timm = dataset == TIMM
    return Plan(
        dataset,
        Count(),
        {"testbed": dataset},
        ["correct"],
        partial(count_timm if timm else count, dataset),
        reduce=keep_counts if timm else reduce_counts,
    )


STORED = {
    dataset: lambda manifest: count_plan(manifest["experiment"])
    for dataset, *_ in TESTBEDS.values()
}


def load_testbed(name: str, level: float = 0.95, fresh: bool = False) -> Testbed:
    """Load one of `TESTBEDS`: its stored counts, or a fresh count of the public predictions.

    level: of the intervals, in (0, 1).
    """
    if name not in TESTBEDS:
        known = ", ".join(TESTBEDS)
        raise DataError(f"There is no counted testbed {name!r}; there are {known}.")
    dataset = TESTBEDS[name][0]
    timm = name in TIMM_PAIRS
    run = run_or_load(count_plan(dataset), fresh)
    table = run.table("models")
    inside, outside = TIMM_PAIRS.get(name, ("id_correct", "ood_correct"))
    id_total, ood_total = (
        int(table.attrs[k if timm else k.replace("correct", "total")]) for k in (inside, outside)
    )
    frame = pd.DataFrame({"model": table["model"].values})
    for axis, column, total in (("id", inside, id_total), ("ood", outside, ood_total)):
        frame[axis] = table[column].values / total
    if timm:
        frame["pretraining"] = table["pretraining"].values
    frame = frame.dropna().reset_index(drop=True)
    line = robustness.fit_line(frame["id"], frame["ood"])
    frame = add_intervals(frame, line, id_total, ood_total, level)
    return Testbed(name, run, frame, line, id_total, ood_total)


def add_intervals(
    frame: pd.DataFrame, line: robustness.Line, id_total: int, ood_total: int, level: float
) -> pd.DataFrame:
    """`frame` (columns id, ood) with intervals, effective robustness, chance band, significance."""
    frame = frame.copy()
    for axis, total in (("id", id_total), ("ood", ood_total)):
        low, high = robustness.clopper_pearson(frame[axis] * total, total, level)
        frame[f"{axis}_low"], frame[f"{axis}_high"] = low, high
    frame["er"] = robustness.effective_robustness(frame["id"], frame["ood"], line)
    low, high = robustness.chance_band(frame["id"], ood_total, line, level)
    frame["band_low"], frame["band_high"] = low, high
    frame["significant"] = robustness.is_significant(
        frame["id"], frame["ood"], ood_total, line, level
    )
    return frame


def read_models(path: str | Path) -> pd.DataFrame:
    """Read a table of somebody's models: columns `id` and `ood` (fractions), optionally `model`.

    Models without a name are numbered; without a column of names, row names are taken. DataError,
    in one sentence with the line, as `data.tables.read_table`, and for numbers outside [0, 1].
    """
    table = read_table(path, ["id", "ood"], ["model"])
    numbers = {name: table.numbers(name) for name in ("id", "ood")}
    for name, values in numbers.items():
        outside = (values < 0) | (values > 1)
        if outside.any():
            row = int(np.argmax(outside))
            raise table.error(
                row,
                f"{name} must be a fraction between 0 and 1, but it is {table.texts(name)[row]}; "
                "divide percentages by 100",
            )
    names = table.texts("model") if "model" in table.columns else table.row_names
    order = [str(i) for i in range(len(table) + 1)]
    if names in (None, order[1:], order[:-1]):  # rows that are only counted
        names = [""] * len(table)
    numbered = [name or f"model {i}" for i, name in enumerate(names or (), 1)]
    return pd.DataFrame(numbers | {"model": numbered})
