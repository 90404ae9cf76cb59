"""How networks learn wrong labels: accuracies along training and along depth (PD figure 5)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr

from nbcore.depths import ensembles
from nbcore.depths.ensembles import Ensemble
from nbcore.measures.depth import prediction_depth
from nbcore.measures.learning import iteration_learned
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training.ensemble import Pool

SLUG = "label-noise"
#: whose accuracy, by which labels: images with a changed label by the original and by the given
#: one, images whose label was left alone, and test images
GROUPS = ("original", "given", "clean", "test")


def run_label_noise(config: Ensemble, fresh: bool = False) -> Run:
    """Load or compute networks on the whole pool with planted labels; tables: see `reduce`."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: Ensemble) -> Plan:
    """Plan the run: the members of an ensemble, reduced to other tables."""
    whole = partial(reduce, pool=partial(ensembles.load_pool, config))
    return replace(ensembles.run_plan(config), experiment=SLUG, reduce=whole, join=None, check=None)


STORED = {SLUG: lambda manifest: run_plan(ensembles.stored_config(manifest))}


def reduce(run: Run, pool: Callable[[], Pool]) -> Tables:
    """Make the tables `members` and `examples` of a run.

    members: `accuracy` (member, group, checkpoint) at `step` updates, `probe_accuracy` (member,
    group, probe), NaN for a group without examples; per (member, example) `depth` and `learned`
    (checkpoint index), -1 where undefined. examples: `label`, `original_label`.
    """
    rows = [
        member_row(m, pool().original, pool().test_labels).expand_dims(member=[name])
        for name, m in run.members()
    ]
    members = xr.concat(rows, "member", data_vars="minimal", coords="minimal", compat="override")
    labels = {"label": pool().labels, "original_label": pool().original}
    examples = xr.Dataset({k: ("example", v.astype(np.int16)) for k, v in labels.items()})
    return {"members": members, "examples": examples.assign_attrs(classes=list(pool().classes))}


def member_row(member: xr.Dataset, original: np.ndarray, test_labels: np.ndarray) -> xr.Dataset:
    """Make one row of the table `members` from a member as `ensemble.train_member` returns it."""
    said, final = member["votes"].values.argmax(-1), member["final"].values
    history, given = member["history"].values.T, member["label"].values
    trained = ~member["held_out"].values
    changed = trained & (given != original)
    parts = {
        "original": (changed, original),
        "given": (changed, given),
        "clean": (trained & (given == original), given),
    }
    tested = (member[f"{v}_test"].values for v in ("history", "votes"))
    along = {"test": next(tested).T}, {"test": next(tested).argmax(-1)}
    out: dict = {"step": member["step"]}
    for name, dim, values, rest in (
        ("accuracy", "checkpoint", history, along[0]),
        ("probe_accuracy", "probe", said, along[1]),
    ):
        curves = [_share(values[mask], labels[mask]) for mask, labels in parts.values()]
        curves.append(_share(rest["test"], test_labels))
        out[name] = ("group", dim), np.stack(curves).astype(np.float32)
    out["depth"] = "example", prediction_depth(said, final).astype(np.int8)
    out["learned"] = "example", iteration_learned(history, final).astype(np.int8)
    return xr.Dataset(out, coords={"probe": member["probe"], "group": list(GROUPS)})


def _share(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the share of right answers per column of (example, column); NaN without examples."""
    if not len(labels):
        return np.full(answers.shape[1], np.nan)
    return (answers == labels[:, None]).mean(0)
