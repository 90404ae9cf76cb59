"""Chapter 9's networks as its figures and claims read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from nbcore.chapters.margins_and_depth import runs
from nbcore.chapters.margins_and_depth.config import NAMES, SETTINGS, UNTRAINED, MarginsAndDepth
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.runs.store import Run

#: the training accuracy under which nothing is judged
FITTED = 0.99
#: networks of a setting from which an interval is claimed
FEWEST = 3


@dataclass
class Study:
    """The run, with whatever members are there."""

    config: MarginsAndDepth
    run: Run

    @cached_property
    def table(self) -> xr.Dataset:
        """Everything by member."""
        return self.run.table("networks")

    @cached_property
    def settings(self) -> list[str]:
        """List the settings of which a network is there, the untrained ones last."""
        return [s for s in (*SETTINGS, UNTRAINED) if self.members(s)]

    def members(self, setting: str) -> list[str]:
        """Name the networks of a setting that are there."""
        names = map(str, self.table["member"].values)
        return [m for m in names if m.rpartition("-seed")[0] == setting]

    def of(self, name: str, setting: str, **where: Any) -> Floats:
        """Return a variable of a setting's networks: (member, ...); where: as of `Dataset.sel`."""
        own = self.table[name].sel({"member": self.members(setting), **where})
        return own.transpose("member", ...).values.astype(float)

    def draws(self, values: Floats, setting: str) -> Floats:
        """Average (member,) of a setting over networks: (draw,); draw 0 is what was observed.

        The other draws stand for other seeds; below three networks they are all what was observed,
        since no interval is claimed of two.
        """
        if len(values) < FEWEST:
            return np.full(1 + self.config.resamples, values.mean())
        rng = np.random.default_rng([9, [*SETTINGS, UNTRAINED].index(setting)])
        return seed_weights(len(values), self.config.resamples, rng) @ values

    def waiting(self) -> str:
        """Say how many networks are there of those wanted, by setting; "" if all are."""
        parts = [
            f"{len(self.members(s))} of {len(wanted)} networks with {NAMES[s]}"
            for s in SETTINGS
            if set(wanted := self.config.wanted(s)) - set(self.members(s))
        ]
        return f"{_listed(parts)} have been trained" if parts else ""

    def unfitted(self) -> str:
        """Say which network is right on the fewest training images, if on under 99 %; or ""."""
        ends = {s: self.of("accuracy_train", s) for s in self.settings if s != UNTRAINED}
        lost = [NAMES[s] for s, a in ends.items() if np.isnan(a).any()]
        known = {s: float(np.nanmin(a)) for s, a in ends.items() if np.isfinite(a).any()}
        parts = [f"a network with {name} diverged" for name in lost]
        if known and min(known.values()) < FITTED:
            least = min(known, key=lambda s: known[s])
            parts.append(
                f"a network with {NAMES[least]} has only {known[least]:.1%} of its training "
                f"images right, under {FITTED:.0%}"
            )
        return _listed(parts)

    @property
    def doubt(self) -> str:
        """Say in few words why nothing can be judged; "" for no such reason."""
        wanted = [m for s in SETTINGS for m in self.config.wanted(s)]
        there = [m for s in SETTINGS for m in self.members(s) if m in wanted]
        ends = [self.of("accuracy_train", s) for s in self.settings if s != UNTRAINED]
        least = min((float(a.min()) for a in ends), default=1.0)
        parts = []
        if len(there) < len(wanted):
            parts.append(f"{len(there)} of {len(wanted)} networks trained")
        if any(np.isnan(a).any() for a in ends):
            parts.append("a network diverged")
        elif least < FITTED:
            parts.append(f"training accuracy down to {least:.1%}")
        return "; ".join(parts)


def half_gain_layer(votes: Floats) -> float:
    """Find the first layer at which a vote has made half of its improvement; NaN without any.

    votes (probe,): accuracy of the vote from input to softmax. 0 is the input.
    """
    gain = votes[-1] - votes[0]
    if not gain > 0:
        return float("nan")
    return float(np.argmax(votes - votes[0] >= gain / 2))


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def load(config: MarginsAndDepth, fresh: bool = False) -> Study:
    """Load the networks that are there, and train those that the config asks for."""
    return Study(config, runs.load_networks(config, fresh))
