"""Chapter 14's numbers: draws of means over members, of rises along a curve, and of slopes.

Draw 0 is what was observed; the others let other members stand in for those that were computed
(`bootstrap.seed_weights`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from nbcore.chapters.more_data_can_hurt import annealing, features, kernels, linear, networks
from nbcore.chapters.more_data_can_hurt.config import Features, Kernels, Linear, Networks
from nbcore.chapters.more_data_can_hurt.config import MoreDataCanHurt as Config
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.runs.store import Run


@dataclass
class Study:
    """The runs by name, and what is computed of them."""

    config: Config
    runs: dict[str, Run]

    def over_seeds(self, values: Floats) -> Floats:
        """Average (member, ...) over members: (draw, ...)."""
        by = seed_weights(len(values), self.config.resamples, np.random.default_rng(14))
        return np.tensordot(by, np.asarray(values, float), 1)

    @cached_property
    def ratios(self) -> tuple[Floats, Floats]:
        """Logarithms of test losses, small rate over annealed, by problem; and of the control."""
        return annealing.ratios(self.config.problems)

    @cached_property
    def linear(self) -> xr.Dataset:
        """Squared bias and noise (draw, ridge, ratio) of the judged d."""
        table = self.runs["linear"].table("along_n")
        return table.isel(ratio=~np.isnan(table["bias"].values[0, 0]))

    def by_width(self, tuned: bool) -> Floats:
        """Test error of random features (member, ratio), without ridge or with the best."""
        return _chosen(self.runs["features"].table("errors")["by_width"], tuned)

    def by_count(self, tuned: bool) -> Floats:
        """Test error of random features (member, growth)."""
        return _chosen(self.runs["features"].table("errors")["by_count"], tuned)

    def network_widths(self, tuned: bool) -> Floats:
        """Test error of networks at the end (member, width), without weight decay or the best."""
        error = self.runs["widths"].table("errors")["error"].rename(decay="ridge")
        return _chosen(error, tuned)

    def epochs(self, kind: str) -> Floats:
        """Test error along training (member, checkpoint)."""
        return _test(self.runs["epochs"], kind=kind)

    def noise_cost(self, stop: str) -> Floats:
        """Test error with wrong labels minus that with right ones (member, n)."""
        wrong, right = (_test(self.runs["sizes"], kind=k, stop=stop) for k in networks.KINDS)
        return wrong - right


@dataclass
class Without(Study):
    """The study without one member of each run, whatever is averaged over members."""

    left_out: int = 0

    def over_seeds(self, values: Floats) -> Floats:
        """Average (member, ...) over all members but one: (draw, ...)."""
        return super().over_seeds(np.delete(np.asarray(values, float), self.left_out, 0))


def _chosen(error: xr.DataArray, tuned: bool) -> Floats:
    """Select test errors (member, ...) at no ridge, or at that with the fewest errors of choice."""
    if tuned:
        at = error.sel(set="choice").argmin("ridge")
        error = error.sel(set="test").isel(ridge=at)
    else:
        error = error.sel(set="test").isel(ridge=0)
    return error.transpose("member", ...).values.astype(float)


def _test(run: Run, **where: Any) -> Floats:
    error = run.table("errors")["error"].sel(set="test", **where)
    return error.transpose("member", ...).values.astype(float)


def load(config: Config, fresh: bool = False) -> Study:
    """Load or compute every run; those of networks only if they are kept, or were asked for."""
    parts, runs = config.parts(), {}
    for name, part in parts.items():
        match part:
            case Linear():
                runs[name] = linear.load_linear(part, fresh)
            case Features():
                runs[name] = features.load_features(part, fresh)
            case Kernels():
                runs[name] = kernels.load_kernels(part, fresh)
            case Networks():
                kept = None if fresh or name in config.networks else networks.find_networks(part)
                if kept is not None:
                    runs[name] = kept
                elif fresh or name in config.networks:
                    runs[name] = networks.load_networks(part, fresh, config.workers, config.device)
    return Study(config, runs)
