"""When a recomputed member counts as equal to the stored one. Written before any comparison.

On a processor of the model that stored it, a member is *identical*: every number of its rows in
the stored tables is the same. On another one, products are rounded in another order, so

- held-out accuracy at the end differs by 1 point at most; where only curves are stored, so does the
  accuracy at every checkpoint of each;
- mean depth differs by 0.15 layers at most, of training and of held-out examples each;
- of the votes at the input probe, which no training touches, 90 % or more are the same; where they
  are not stored, the accuracy at the input probe differs by 1 point at most.

A run of which nothing of this is stored must be identical everywhere.

Amended on 2026-11-27, after the first comparisons: a processor is the same when model, family and
vector instructions are (`provenance.processor`). Runs stored before that carry a marketing name
alone, such as "AMD EPYC", under which members computed by one and the same code differed between
two machines; they count as stored on another processor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

#: accuracies are fractions; depths are in layers; votes are the share that is the same
ACCURACY, DEPTH, VOTES = 0.01, 0.15, 0.90


class Finding(NamedTuple):
    """One quantity: the largest difference found (or the share that is the same), its limit."""

    what: str
    found: float
    limit: float
    holds: bool

    def text(self) -> str:
        """Write the finding as text: `held-out accuracy: 0.0042 (at most 0.01)`."""
        word = "at least" if self.what == "votes" else "at most"
        return f"{self.what}: {self.found:.4g} ({word} {self.limit:g})"


def identical(again: xr.Dataset, stored: xr.Dataset) -> list[str]:
    """List the variables whose values differ, or that only one of the two tables has."""
    names = {str(n) for n in (*again.data_vars, *stored.data_vars)}
    return sorted(n for n in names if not _same(again.get(n), stored.get(n)))


def _same(a: xr.DataArray | None, b: xr.DataArray | None) -> bool:
    if a is None or b is None or a.shape != b.shape:
        return False
    if a.dtype.kind in "fc":
        return np.array_equal(a.values, b.values, equal_nan=True)
    return np.array_equal(a.values, b.values)


def close(again: xr.Dataset, stored: xr.Dataset) -> Iterator[Finding]:
    """Compare two tables with the same members: one finding for each quantity that both hold."""
    for name in sorted(str(n) for n in again.data_vars if n in stored):
        for pattern, what, measure, limit in RULES:
            if re.fullmatch(pattern, name):
                values = [measure(table, name) for table in (again, stored)]
                gap = _largest(*values)
                if gap is not None:
                    yield Finding(f"{what} ({name})", gap, limit, gap <= limit)
                break


def same_votes(again: np.ndarray, stored: np.ndarray) -> Finding:
    """Compare two arrays of votes (..., class).

    The finding is the share of all votes that go to the same class of the same example.
    """
    share = float(np.minimum(again, stored).sum() / max(stored.sum(), again.sum(), 1))
    return Finding("votes", share, VOTES, share >= VOTES)


def _largest(a: np.ndarray, b: np.ndarray) -> float | None:
    known = np.isfinite(a) & np.isfinite(b)
    return float(np.abs(a - b)[known].max()) if known.any() else None


def _values(table: xr.Dataset, name: str) -> np.ndarray:
    return table[name].values.astype(float)


def _at_the_end(table: xr.Dataset, name: str) -> np.ndarray:
    values = table[name]
    return (values.isel(checkpoint=-1) if "checkpoint" in values.dims else values).values


def _at_input(table: xr.Dataset, name: str) -> np.ndarray:
    return table[name].isel(probe=0).values.astype(float)


def _share_of_bits(table: xr.Dataset, name: str) -> np.ndarray:
    """Compute accuracies (member[, checkpoint]) from packed bits, NaN without a checkpoint."""
    total = int(table.attrs["total_" + name.partition("_")[2]])
    right = np.unpackbits(table[name].values, axis=-1, count=total).mean(-1)
    return np.where(np.isnan(table["step"].values), np.nan, right) if "step" in table else right


def _mean_depths(table: xr.Dataset, name: str) -> np.ndarray:
    """Compute mean depths (member, held out or training) over the examples that have a depth."""
    depth = table[name].values.astype(float)
    known = np.where(depth >= 0, depth, np.nan)
    held = table["held_out"].values if name == "depth" and "held_out" in table else None
    parts = [known] if held is None else [np.where(m, known, np.nan) for m in (held, ~held)]
    return np.stack([_nanmean(part) for part in parts], -1)


def _nanmean(x: np.ndarray) -> np.ndarray:
    count = np.isfinite(x).sum(-1)
    return np.where(count > 0, np.nansum(x, -1) / np.maximum(count, 1), np.nan)


Measure = Callable[["xr.Dataset", str], np.ndarray]
#: variables by their names -> what they are called, what is compared, its limit; the first counts
RULES: tuple[tuple[str, str, Measure, float], ...] = (
    (r"accuracy(_val|_test|_held_out)?", "held-out accuracy", _at_the_end, ACCURACY),
    (r"correct_\w+", "accuracy along training", _share_of_bits, ACCURACY),
    (r"depth(_test)?", "mean depth", _mean_depths, DEPTH),
    (r"mean_depth", "mean depth", _values, DEPTH),
    (r"probe_accuracy\w*", "accuracy at the input probe", _at_input, ACCURACY),
)
