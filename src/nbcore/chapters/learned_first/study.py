"""Chapter 15's runs, and draws of means over their members.

Draw 0 is what was observed; the others let other members stand in (`bootstrap.seed_weights`).
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbcore.chapters.learned_first import explained, scaling, worlds
from nbcore.chapters.learned_first.config import Explained, LearnedFirst, Tangent, Worlds
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.measures.generalization.curves import slopes
from nbcore.measures.generalization.explained import mutual_information, performance_correlation
from nbcore.runs.store import Run


@dataclass
class Study:
    """The runs by name, and what is computed of them."""

    config: LearnedFirst
    runs: dict[str, Run]

    def over_seeds(self, values: Floats) -> Floats:
        """Average (member, ...) over members: (draw, ...)."""
        by = seed_weights(len(values), self.config.resamples, np.random.default_rng(15))
        return np.tensordot(by, np.asarray(values, float), 1)

    @property
    def counts(self) -> xr.Dataset:
        """How often prediction, label and an explainer's prediction meet, along training."""
        return self.runs["explained"].table("counts")

    @property
    def curves(self) -> xr.Dataset:
        """Errors of both networks in all worlds, along training."""
        return self.runs["worlds"].table("curves")

    @property
    def scaled(self) -> xr.Dataset:
        """Errors by number of pictures, and kernels along training."""
        return self.runs["tangent"].table("errors")

    def joint(self, explainer: str) -> Floats:
        """Return counts (member, checkpoint, prediction, label, explained)."""
        dims = ("member", "checkpoint", "prediction", "label", "explained")
        return self.counts["counts"].sel(explainer=explainer).transpose(*dims).values.astype(float)

    def known(self) -> Floats:
        """Compute what the network tells about the label, nats: (member, checkpoint)."""
        return mutual_information(self.joint(explained.LINEAR).sum(-1))

    def knows(self, explainer: str) -> Floats:
        """Compute what an explainer tells about the label, nats: (member,)."""
        return mutual_information(self.joint(explainer)[:, 0].sum(1).swapaxes(-1, -2))

    def shared(self, explainer: str) -> Floats:
        """Compute performance correlations with an explainer, nats: (member, checkpoint)."""
        return performance_correlation(self.joint(explainer))

    def early(self) -> np.ndarray:
        """Find the last checkpoint before the network first tells more than the linear classifier.

        (member,); the last one of all where it never does.
        """
        above = self.known() > self.knows(explained.LINEAR)[:, None]
        first = np.where(above.any(1), above.argmax(1), above.shape[1])
        return np.maximum(first - 1, 0)

    def soft(self, network: str, world: str) -> Floats:
        """Return soft errors (member, checkpoint)."""
        own = self.curves["soft"].sel(network=network, world=world)
        return own.transpose("member", "checkpoint").values.astype(float)

    def errors(self, learner: str) -> Floats:
        """Return test errors (member, n)."""
        return self.scaled["error"].sel(learner=learner).transpose("member", "n").values

    def exponents(self, learner: str, least: int = 0) -> Floats:
        """Fit minus the slope of log error on log n from `least` pictures on: (member,)."""
        n = self.scaled["n"].values
        return -slopes(self.errors(learner)[:, n >= least], n[n >= least].astype(float))

    @property
    def pretrained(self) -> int:
        """Number of pictures on which the pretrained kernel's network was trained."""
        return int(self.runs["tangent"].manifest["config"]["pretrained"])


def steps_needed(curve: Floats, steps: Floats, level: float) -> float:
    """Find after how many steps a curve (checkpoint,) is first at `level` or below.

    Between checkpoints it is taken as straight in the logarithm of steps; the first checkpoint,
    step 0, counts as step 1. NaN where it never is.
    """
    at = np.log(np.maximum(np.asarray(steps, float), 1))
    below = np.flatnonzero(curve <= level)
    if not len(below):
        return float("nan")
    k = int(below[0])
    if k == 0:
        return float(np.exp(at[0]))
    share = (curve[k - 1] - level) / (curve[k - 1] - curve[k])
    return float(np.exp(at[k - 1] + share * (at[k] - at[k - 1])))


def load(config: LearnedFirst, fresh: bool = False) -> Study:
    """Load or compute the runs; those that were not asked for, only if they are kept."""
    config.check()
    runs: dict[str, Run] = {}
    for name, part in config.parts().items():
        asked = fresh or name in config.runs
        match part:
            case Explained():
                how = (fresh, config.workers, config.device)
                found = (
                    explained.load_explained(part, *how)
                    if asked
                    else explained.find_explained(part)
                )
            case Worlds():
                how = (fresh, config.workers, config.device)
                found = worlds.load_worlds(part, *how) if asked else worlds.find_worlds(part)
            case Tangent():
                found = (
                    scaling.load_scaling(part, fresh, config.workers)
                    if asked
                    else scaling.find_scaling(part)
                )
        if found is not None:
            runs[name] = found
    return Study(config, runs)
