"""One view of a stored ensemble: which members, depths by role, labels, weights."""

import numpy as np
import xarray as xr

from nbcore.measures.agreement import held_out_mean
from nbcore.measures.bootstrap import Floats

ROLES = ("training", "validation")


def of_kind(members: xr.Dataset, kind: str) -> xr.Dataset:
    """The members on random splits ("split") or on the whole pool ("full")."""
    full = members["half"].values < 0
    return members.isel(member=np.flatnonzero(full if kind == "full" else ~full))


def trained_fully(members: xr.Dataset) -> xr.Dataset:
    """The members on the whole pool where there are any, else all."""
    full = of_kind(members, "full")
    return full if full.sizes["member"] else members


def depths(members: xr.Dataset, role: str = "training") -> Floats:
    """(member, example) depths in this role; NaN where undefined or in the other role."""
    held, depth = members["held_out"].values, members["depth"].values.astype(float)
    own = held if role == "validation" else ~held
    return np.where(own & (depth >= 0), depth, np.nan)


def mean_depth(members: xr.Dataset, role: str = "training") -> Floats:
    """(example,) mean over the members that have the example in this role; NaN: none has."""
    known = depths(members, role)
    return held_out_mean(known, ~np.isnan(known))
