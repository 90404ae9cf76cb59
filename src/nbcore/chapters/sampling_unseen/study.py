"""Chapter 17's run, and draws of means over its members."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbcore.chapters.sampling_unseen import runs
from nbcore.chapters.sampling_unseen.config import Sampling, SamplingUnseen
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.runs.store import Run


@dataclass
class Study:
    """The run, and what is computed of it."""

    config: SamplingUnseen
    run: Run

    @property
    def numbers(self) -> xr.Dataset:
        """Everything by member."""
        return self.run.table("numbers")

    def over_seeds(self, values: Floats) -> Floats:
        """Average (member, ...) over members: (draw, ...); draw 0 is what was observed."""
        by = seed_weights(len(values), self.config.resamples, np.random.default_rng(17))
        return np.tensordot(by, np.asarray(values, float), 1)

    def of(self, name: str, **where: str) -> Floats:
        """Return one of the numbers: (member, ...)."""
        return self.numbers[name].sel(where).transpose("member", ...).values.astype(float)


def load(config: SamplingUnseen, fresh: bool = False) -> Study:
    """Load or compute the run."""
    part = config.parts()["sampling"]
    assert isinstance(part, Sampling)
    return Study(config, runs.load_sampling(part, fresh))
