"""One ensemble as chapter 5 reads it: depths beside the step of learning and beside margins.

Draws are a bootstrap over examples with the networks as they are.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nbcore.depths.view import EnsembleView
from nbcore.measures.bootstrap import Floats
from nbcore.measures.correlation import correlation, profile, spread
from nbcore.measures.learning import scaled_steps

ROLES = {"train": "trained on", "val": "held out"}
KINDS = {"output": "output margin", "input": "input margin"}


class Means(NamedTuple):
    """Per example, over the networks in one role: mean depth and mean step learned (NaN: none)."""

    depth: Floats
    learned: Floats


class Margin(NamedTuple):
    """Per example: mean depth, natural log of the mean margin, class, right in every network."""

    depth: Floats
    log: Floats
    label: NDArray
    right: NDArray


@dataclass(frozen=True)
class LearningView(EnsembleView):
    """An ensemble with the steps at which its networks learned, and its margins."""

    @property
    def test_networks(self) -> int:
        """Count the networks that a number on test images rests on: those in `fullest`."""
        return int(self.fullest.sum())

    @cached_property
    def steps(self) -> Floats:
        """(member, example) step learned, per network 1 at the 95th percentile of its pool."""
        return self.scaled(self.members["learned"].values)

    def scaled(self, learned: NDArray) -> Floats:
        """Turn (member, example) checkpoint indices, -1 where undefined, into scaled steps."""
        step = self.members["step"].values
        step = np.broadcast_to(step, (len(learned), step.shape[-1]))
        return np.stack([scaled_steps(one, at) for one, at in zip(learned, step, strict=True)])

    @cached_property
    def settled(self) -> NDArray[np.bool_]:
        """(member, example) both the depth and the step learned are defined."""
        return (self.members["depth"].values >= 0) & (self.members["learned"].values >= 0)

    @property
    def draws(self) -> NDArray[np.float32]:
        """(draw, example) how often each example of the pool is drawn."""
        return self.weights(self.members.sizes["example"])

    def means(
        self,
        role: str,
        steps: Floats | None = None,
        some: NDArray | None = None,
        depth: NDArray | None = None,
    ) -> Means:
        """Average depth and step learned of each example over the networks in `role`.

        some: (member, example) narrows the networks; steps, depth: replace the ensemble's own.
        """
        mask = self.seen(role) & self.settled & (True if some is None else some)
        deep = self.members["depth"].values if depth is None else depth
        return Means(*(_mean(v, mask) for v in (deep, self.steps if steps is None else steps)))

    def by_depth(self, role: str, depth: NDArray | None = None) -> tuple[Floats, Floats]:
        """Average the step learned at each depth: (draw, depth).

        Also returns the (depth,) share of predictions at each depth.
        """
        mask = self.seen(role) & self.settled
        deep = self.members["depth"].values if depth is None else depth
        n = self.members.sizes["example"]
        cell = (np.nonzero(mask)[1] * (self.last + 1) + deep[mask]).astype(int)
        size = n * (self.last + 1)
        steps = self.steps[mask]
        sums, counts = (
            np.bincount(cell, w, size).reshape(n, -1).astype(float)
            for w in (steps, np.ones_like(steps))
        )
        return profile(sums, counts, self.draws), counts.sum(0) / max(mask.sum(), 1)

    def at_input(self, role: str) -> Floats:
        """Return the (draw,) share of predictions with depth 0; undefined ones count as deeper."""
        seen = self.seen(role)
        zero = (seen & (self.members["depth"].values == 0)).sum(0)
        return (self.draws @ zero) / (self.draws @ seen.sum(0))

    def margin(self, kind: str, role: str) -> Margin | None:
        """Average depths beside log mean margins; None where the margin was not measured.

        kind: "output" or "input"; role: "train" or "test". Test images and all input margins: over
        the networks on the whole pool; output margins in training: over the networks on splits that
        trained on the example.
        """
        name = f"{kind}_margin_{role}"
        if name not in self.examples or (kind == "input" and not self.full.any()):
            return None
        values = self.examples[name].values.astype(float)
        n, end = len(values), "_test" if role == "test" else ""
        of_splits = role == "train" and kind == "output"
        depth, final = (self.members[f"{v}{end}"].values[:, :n] for v in ("depth", "final"))
        seen = self.seen("train") if of_splits else self.fullest[:, None] & np.ones(n, bool)
        label = self.examples[f"label{end}"].values[:n]
        with np.errstate(divide="ignore"):
            log = np.log(values)
        log[~np.isfinite(log)] = np.nan  # a margin of 0, or no class in reach
        right = ((final == label) | ~seen).all(0)
        return Margin(_mean(depth, seen & (depth >= 0)), log, label, right)

    def depth_and_learning(self, role: str) -> Floats:
        """Correlate mean depth with mean step learned over examples: (draw,) Spearman."""
        return correlation(*self.means(role), self.draws)

    def depth_and_margin(self, kind: str, role: str) -> Floats | None:
        """Correlate mean depth with log mean margin over examples: (draw,) Pearson."""
        found = self.margin(kind, role)
        if found is None:
            return None
        return correlation(found.depth, found.log, self.weights(len(found.log)), ranks=False)

    def margin_spread(self, kind: str, log: bool = False) -> Floats | None:
        """Return the (draw, depth) variance of the mean margin, or of its log.

        Test images, grouped by rounded mean depth. None where the margin was not measured.
        """
        found = self.margin(kind, "test")
        if found is None:
            return None
        known = np.isfinite(found.depth)
        bins = np.where(known, np.rint(found.depth), 0).astype(int)
        values = np.where(known, found.log if log else np.exp(found.log), np.nan)
        return spread(values, bins, self.last + 1, self.weights(len(found.log)))


def _mean(values: NDArray, mask: NDArray) -> Floats:
    """Average over the members in mask (member, example): (example,), NaN where there is none."""
    count = mask.sum(0)
    total = np.where(mask, values, 0).sum(0)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
