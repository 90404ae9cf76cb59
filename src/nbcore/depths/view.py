"""One view of a stored ensemble: which networks, depths by role, labels, agreement, draws.

A run's table `members` holds depths as whole numbers, -1 where undefined, and in `half` in which of
two halves of the networks on random splits a network is, -1 for those trained on the whole pool.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbcore.depths.roster import nice_name
from nbcore.measures import agreement
from nbcore.measures.bootstrap import Floats, draw_weights
from nbcore.runs.store import Run

#: role of an example in a network -> in words; "val" if it was held out from it, else "train"
ROLES = {"train": "training", "val": "validation"}

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class EnsembleView:
    """One ensemble as chapters read it.

    key: DATASET:NETWORK; members, examples: tables of its run (`depths.tables`); resamples, seed:
    of the bootstrap over examples.
    """

    key: str
    members: xr.Dataset
    examples: xr.Dataset
    resamples: int = 500
    seed: int = 0

    @classmethod
    def of(cls, key: str, run: Run, **fields: Any) -> Self:
        """View a run; fields: any others of the class."""
        return cls(key, run.table("members"), run.table("examples"), **fields)

    def some(self, members: Mask | slice) -> Self:
        """Keep some of the networks only."""
        chosen = np.arange(self.members.sizes["member"])[members]
        return replace(self, members=self.members.isel(member=chosen))

    @property
    def name(self) -> str:
        """Name the ensemble for people."""
        return nice_name(self.key)

    # which networks

    @property
    def size(self) -> int:
        """Count all networks."""
        return self.members.sizes["member"]

    @property
    def networks(self) -> int:
        """Count those on random splits: on how many a number rests."""
        return int(self.split.sum())

    @cached_property
    def split(self) -> Mask:
        """(member,) whether a network is on a random split of the pool."""
        return self.in_half()

    @cached_property
    def full(self) -> Mask:
        """(member,) whether a network was trained on the whole pool."""
        return ~self.in_half()

    @cached_property
    def fullest(self) -> Mask:
        """(member,) those on the whole pool where there are any, else all."""
        return self.full if self.full.any() else np.ones_like(self.full)

    def in_half(self, half: int | None = None) -> Mask:
        """Mark the (member,) networks on random splits: of one half (0 or 1), or of both."""
        halves = self.members["half"].values
        return halves >= 0 if half is None else halves == half

    # which examples

    @property
    def last(self) -> int:
        """The depth of the softmax, the largest there is."""
        return self.members.sizes["probe"] - 1

    @property
    def classes(self) -> list[str]:
        """Names of the classes by number."""
        return [str(c) for c in self.examples.attrs["classes"]]

    @cached_property
    def label(self) -> NDArray[np.int64]:
        """(example,) the labels that the networks were given."""
        return self.examples["label"].values.astype(np.int64)

    @cached_property
    def held_out(self) -> Mask:
        """(member, example) a network on a split did not train on the example."""
        return self.members["held_out"].values & self.split[:, None]

    def seen(self, role: str) -> Mask:
        """Mark (member, example) where a network on a split has the example in this role."""
        return self.held_out if role == "val" else ~self.held_out & self.split[:, None]

    # what they say

    def depths(self, role: str) -> Floats:
        """Return (member, example) depths; NaN where undefined or in the other role."""
        held, depth = self.members["held_out"].values, self.members["depth"].values
        own = held if role == "val" else ~held
        return np.where(own & (depth >= 0), depth.astype(float), np.nan)

    def mean_depth(self, role: str, among: Mask | None = None) -> Floats:
        """Average depths over networks (None: all): (example,), NaN where none is defined."""
        values = self.depths(role) if among is None else self.depths(role)[among]
        if not len(values):
            return np.full(values.shape[1], np.nan)
        return agreement.held_out_mean(values, ~np.isnan(values))

    def depth(self, role: str, half: int | None = None) -> Floats:
        """Average depths over the networks on splits, of one half or of both: (example,)."""
        return self.mean_depth(role, self.in_half(half))

    @cached_property
    def answers(self) -> NDArray[np.int64]:
        """(member, example) the class that a network gives."""
        return self.members["final"].values.astype(np.int64)

    @cached_property
    def correct(self) -> Mask:
        """(member, example) whether that is the label."""
        return self.answers == self.label

    @cached_property
    def right(self) -> Floats:
        """(example,) share of held-out answers that are the label; NaN where there is none."""
        return self._agreement(agreement.consistency_score)

    @cached_property
    def agreeing(self) -> Floats:
        """(example,) consensus-consistency; NaN where an example was never held out."""
        return self._agreement(agreement.consensus_consistency)

    @cached_property
    def consensus(self) -> NDArray[np.int64]:
        """(example,) the class that most networks give a held-out example; -1 without any."""
        return self._agreement(agreement.consensus_class)

    def _agreement(self, measure: Any) -> NDArray:
        return measure(self.answers, self.label, self.held_out, len(self.classes))

    def weights(self, n: int) -> NDArray[np.float32]:
        """Draw how often each of n examples is used: (draw, n); draw 0 takes each once."""
        return draw_weights(n, self.resamples, self.seed)
