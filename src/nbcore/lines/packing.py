"""Tables of curves: every member's predictions as bits, side by side."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from nbcore.runs.run import Run, Tables

SHUFFLE_SEED = 20_220_922
#: what a member may say of its checkpoints
ALONG = ("step", "loss", "phase")


def pack(members: Iterable[tuple[str, xr.Dataset]]) -> xr.Dataset:
    """Pack all members side by side as bits: what pages need, a fiftieth of the predictions.

    members: names with `prediction_ROLE` ([checkpoint,] example_ROLE) and `label_ROLE`. Per role:
    `correct_ROLE` and, under one shuffle of the labels, `shuffled_ROLE` ([member,] checkpoint,
    byte), attrs `total_ROLE`; those of `ALONG` that a member has (member, checkpoint), NaN-padded
    at the end of members with fewer checkpoints.
    """
    return side_by_side([_packed(name, member) for name, member in members])


def curves(run: Run) -> Tables:
    """Make the one table of a run of curves, `curves`: its members side by side."""
    return {"curves": pack(run.members())}


def joined_curves(old: Tables, new: Tables) -> Tables:
    """Join the tables of two disjoint groups of members into one."""
    return {"curves": side_by_side([old["curves"], new["curves"]]).sortby("member")}


def side_by_side(rows: list[xr.Dataset]) -> xr.Dataset:
    """Join packed tables along their members; pad the shorter ones."""
    names = {name for row in rows for name in row.data_vars}
    return xr.concat(
        rows,
        "member",
        join="outer",
        combine_attrs="override",
        coords="minimal",
        compat="override",
        fill_value={k: np.nan if k in ALONG else 0 for k in names},
    )


def _packed(name: str, member: xr.Dataset) -> xr.Dataset:
    variables: dict[str, Any] = {k: member[k].astype(float) for k in ALONG if k in member}
    attrs = {}
    for role in sorted(str(k)[6:] for k in member if str(k).startswith("label_")):
        truth, said = member[f"label_{role}"].values, member[f"prediction_{role}"].values
        shuffled = np.random.default_rng(SHUFFLE_SEED).permutation(truth)
        lead = member[f"prediction_{role}"].dims[:-1]
        for kind, target in (("correct", truth), ("shuffled", shuffled)):
            bits = np.packbits(said == target, axis=-1)
            variables[f"{kind}_{role}"] = ((*lead, f"byte_{role}"), bits)
        attrs[f"total_{role}"] = len(truth)
    found = xr.Dataset(variables, attrs=attrs)
    if "checkpoint" in found.dims:  # the index lets members of fewer checkpoints be padded
        found = found.assign_coords(checkpoint=np.arange(found.sizes["checkpoint"]))
    return found.expand_dims(member=[name])
