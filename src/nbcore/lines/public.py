"""Public testbeds: counted from the predictions of public models, with their lines."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from nbcore import data as nbdata
from nbcore.data import accuracy_tables
from nbcore.data.accuracy_tables import FAMILIES
from nbcore.errors import DataError, did_you_mean
from nbcore.lines.shifts import TESTBEDS
from nbcore.measures import agreement, robustness
from nbcore.runs.config import Config
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: whose published percentages are the counts
TIMM = "timm-results"
#: images behind the percentages of timm's first tables; of later tables the catalogue knows them
TIMM_TOTALS = {
    "imagenet": 50_000,
    "imagenetv2": 10_000,
    "imagenet_a_clean": 10_000,
    "imagenet_a": 7_500,
}


@dataclass(frozen=True)
class Count(Config):
    """What a testbed count depends on besides its data: nothing."""

    slug: ClassVar[str] = "testbed"


@dataclass
class Testbed:
    """A counted testbed with its logit line.

    models: one row a model: model, id, ood (fractions), their intervals *_low, *_high, `er` and
    its chance band band_low, band_high, whether it is `significant`, whether it is one of those
    that the line goes through (`in_line`), and for tables the families kind, pretraining, tuning.
    """

    __test__ = False  # its name looks like a test class to pytest

    name: str
    run: Run
    models: pd.DataFrame
    line: robustness.Line
    id_total: int
    ood_total: int

    @property
    def fitted(self) -> pd.DataFrame:
        """The models that the line goes through."""
        return self.models[self.models["in_line"]]

    @property
    def axes(self) -> tuple[str, str]:
        """Titles of the ID and OOD axis."""
        return TESTBEDS[self.name].axes


def count(dataset: str, member: str) -> xr.Dataset:
    """Say whether each model is right on each image: dims model, id_image, ood_image."""
    bed = nbdata.load_testbed(dataset)
    return xr.Dataset(
        {
            "id_correct": (("model", "id_image"), bed.id_predictions == bed.id_labels),
            "ood_correct": (("model", "ood_image"), bed.ood_predictions == bed.ood_labels),
        },
        coords={"model": np.asarray(bed.models, dtype=np.str_)},
    )


def reduce_counts(run: Run) -> Tables:
    """Count per model right answers, per ID image solvers, per pair of models dominance on ID."""
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
    """Count right answers of timm's public models per test set, from published percentages.

    A model that timm has not measured on a set has NaN there.
    """
    frame = nbdata.load_timm_results()
    counts = {k: ("model", np.rint(frame[k].to_numpy(float) * n)) for k, n in TIMM_TOTALS.items()}
    families = ("model", frame["pretraining"].to_numpy(np.str_))
    models = frame["model"].to_numpy(np.str_)
    return xr.Dataset(counts | {"pretraining": families}, {"model": models}, TIMM_TOTALS)


#: table of the catalogue -> its reader
TABLES = {
    "imagenet-testbed": accuracy_tables.load_imagenet_testbed,
    "open-clip": accuracy_tables.load_open_clip,
    "timm-shifts": accuracy_tables.load_timm_shifts,
}


def count_table(dataset: str, member: str) -> xr.Dataset:
    """Count right answers of a published table's models per test set; keep the models' families.

    Counts are whole images, NaN where a model was not measured; attrs: images of each set.
    """
    frame, totals = TABLES[dataset](), nbdata.entry(dataset).images
    counts = {k: ("model", np.rint(frame[k].to_numpy(float) * n)) for k, n in totals.items()}
    words = {k: ("model", frame[k].to_numpy(np.str_)) for k in (*FAMILIES, "data") if k in frame}
    pairs = {"pairs": ("model", frame["pairs"].to_numpy(float))} if "pairs" in frame else {}
    return xr.Dataset(
        counts | words | pairs, {"model": frame["model"].to_numpy(np.str_)}, dict(totals)
    )


def keep_counts(run: Run) -> Tables:
    """Keep the counts of a published table, which are all there is."""
    return {"models": run.member("correct")}


def count_plan(dataset: str) -> Plan:
    """Plan the count of a testbed's public predictions, or the reading of its published table."""
    data, compute, whole = {"testbed": dataset}, count, reduce_counts
    if dataset == TIMM:
        compute, whole = count_timm, keep_counts
    if dataset in TABLES:
        compute, whole = count_table, keep_counts
    if dataset == "timm-shifts":  # its models and their ImageNet accuracy stand in the first tables
        data["base"] = TIMM
    return Plan(dataset, Count(), data, ["correct"], partial(compute, dataset), reduce=whole)


STORED = {
    shift.dataset: lambda manifest: count_plan(manifest["experiment"])
    for shift in TESTBEDS.values()
}


def load_testbed(
    name: str, level: float = 0.95, fresh: bool = False, family: str | None = None
) -> Testbed:
    """Load one of `TESTBEDS`: its stored counts, or a fresh count of what is public.

    level: of the intervals, in (0, 1).  family: fit the line to the models of this kind,
    pretraining or tuning only, instead of those that the testbed names.
    DataError: an unknown name, an unknown family, or one of fewer than three models.
    """
    bed = load_accuracies(name, fresh, family)
    bed.models = add_intervals(bed.models, bed.line, bed.id_total, bed.ood_total, level)
    return bed


def load_accuracies(name: str, fresh: bool = False, family: str | None = None) -> Testbed:
    """Load a testbed as `load_testbed` does, without the intervals, which take the most time."""
    if name not in TESTBEDS:
        raise DataError(f"There is no counted testbed {name!r}; {did_you_mean(name, TESTBEDS)}")
    shift = TESTBEDS[name]
    run = run_or_load(count_plan(shift.dataset), fresh)
    table, sizes = run.table("models"), list[int]()
    frame = pd.DataFrame({"model": table["model"].values})
    for axis, column in zip(("id", "ood"), shift.columns, strict=True):
        known = column if column in table.attrs else column.replace("correct", "total")
        sizes.append(int(table.attrs[known]))
        frame[axis] = table[column].values / sizes[-1]
    for column in (*FAMILIES, "data", "pairs"):
        if column in table:
            frame[column] = table[column].values
    if shift.dataset == "timm-results":
        frame = frame.assign(**accuracy_tables.timm_families(frame["pretraining"]))
    frame = frame.dropna(subset=["id", "ood"]).reset_index(drop=True)
    finite = frame[["id", "ood"]].gt(0).all(axis=1) & frame[["id", "ood"]].lt(1).all(axis=1)
    # nothing right, or everything, has no logit: such a model is drawn and carries no line
    frame["in_line"] = finite & _chosen(frame, name, family or shift.through)
    chosen = frame[frame["in_line"]]
    line = robustness.fit_line(chosen["id"], chosen["ood"])
    id_total, ood_total = sizes
    return Testbed(name, run, frame, line, id_total, ood_total)


def _chosen(frame: pd.DataFrame, name: str, family: str) -> "pd.Series[bool]":
    """Say which models belong to a family by any of their properties; "" means all of them."""
    if not family:
        return pd.Series(True, frame.index)
    facets = [c for c in FAMILIES if c in frame]
    known = dict.fromkeys(value for c in facets for value in frame[c].unique())
    if family not in known:
        raise DataError(
            f"No model of {name} belongs to a family {family!r}; {did_you_mean(family, known)}"
        )
    chosen = (frame[facets] == family).any(axis=1)
    if chosen.sum() < 3:
        raise DataError(
            f"Only {chosen.sum()} models of {name} belong to {family!r}, and a line needs three; "
            "choose a larger family."
        )
    return chosen


def add_intervals(
    frame: pd.DataFrame, line: robustness.Line, id_total: int, ood_total: int, level: float
) -> pd.DataFrame:
    """Add intervals, effective robustness, chance band and significance to `frame`.

    frame: columns id, ood.
    """
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
