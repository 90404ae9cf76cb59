"""Chapter 1's checks on the line, computed again from the stored counts of its testbeds.

`shuffled` gives each model another model's shifted accuracy; `some` keeps some of the models.
"""

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nbcore.lines import noise
from nbcore.lines.public import Testbed, add_intervals, load_testbed
from nbcore.measures import robustness
from nbcore.measures.bootstrap import estimate
from nbcore.measures.estimate import Estimate

BEDS = ("cifar10.1", "imagenetv2", "timm:imagenetv2")
#: those whose line is judged; of all three, how many models leave it
JUDGED = BEDS[:2]
Observed = dict[tuple[str, str], Estimate]


@dataclass(frozen=True)
class Lines:
    """The public testbeds, units of which are their models."""

    beds: tuple[Testbed, ...]
    name = "public testbeds"
    over = "models"

    @classmethod
    def load(cls) -> Self:
        """Read the stored counts."""
        return cls(tuple(load_testbed(name) for name in BEDS))

    @property
    def units(self) -> int:
        """How many models the smallest testbed has."""
        return min(len(bed.models) for bed in self.beds)

    def shuffled(self, rng: np.random.Generator) -> Self:
        """Pair each model's accuracy with another one's on the shifted images."""
        beds = []
        for bed in self.beds:
            other = bed.models.assign(ood=rng.permutation(bed.models["ood"].to_numpy()))
            beds.append(_anew(bed, other))
        return type(self)(tuple(beds))

    def halves(self, rng: np.random.Generator) -> tuple[Self, Self]:
        """Split the models of every testbed at random."""
        orders = [rng.permutation(len(bed.models)) for bed in self.beds]
        parts = []
        for first in (True, False):
            beds = []
            for bed, order in zip(self.beds, orders, strict=True):
                half = len(order) // 2
                own = np.sort(order[:half] if first else order[half:])
                beds.append(_anew(bed, bed.models.iloc[own].reset_index(drop=True)))
            parts.append(type(self)(tuple(beds)))
        return parts[0], parts[1]

    def without(self, unit: int) -> Self:
        """Leave one model of every testbed out."""
        kept = [bed.models.drop(index=bed.models.index[unit]) for bed in self.beds]
        pairs = zip(self.beds, kept, strict=True)
        return type(self)(tuple(_anew(bed, own.reset_index(drop=True)) for bed, own in pairs))

    def observed(self, resamples: int) -> Observed:
        """Compute the checks of A1, A2 and A3."""
        out: Observed = {}
        for bed in self.beds:
            high = int(((bed.models["er"] > 0.01) & bed.models["significant"]).sum())
            n = len(bed.models)
            rare = f"{bed.name} share above 1 point and its interval"
            out["A3", rare] = Estimate.share(high, n, n, "models")
            if bed.name in JUDGED:
                for what, draws in _scales(bed, resamples).items():
                    out["A1", f"{bed.name} {what}"] = estimate(draws, n, "1", "models")
                for what, error in noise.errors(bed, resamples)._asdict().items():
                    value, half = getattr(bed.line, what), 1.959964 * error
                    seen = Estimate(value, value - half, value + half, n)
                    out["A2", f"{bed.name} {what}"] = seen
        return out


def _anew(bed: Testbed, models: pd.DataFrame) -> Testbed:
    chosen = models[models["in_line"]]
    line = robustness.fit_line(chosen["id"], chosen["ood"])
    known = add_intervals(models, line, bed.id_total, bed.ood_total, 0.95)
    return dataclasses.replace(bed, models=known, line=line)


def _scales(bed: Testbed, resamples: int) -> dict[str, NDArray[np.float64]]:
    """Compute R² of the line in each scale and their differences: (draw,), models resampled."""
    x, y = (bed.fitted[axis].to_numpy() for axis in ("id", "ood"))
    rng = np.random.default_rng(0)
    picks = np.vstack([np.arange(len(x)), rng.integers(0, len(x), (resamples, len(x)))])
    found = {}
    for scale, (forward, _) in robustness.SCALES.items():
        u, v = (forward(z)[picks] for z in (x, y))
        u, v = u - u.mean(1, keepdims=True), v - v.mean(1, keepdims=True)
        found[scale] = (u * v).sum(1) ** 2 / ((u**2).sum(1) * (v**2).sum(1))
    out = {f"r2 {scale}": draws for scale, draws in found.items()}
    out["logit minus probit"] = found["logit"] - found["probit"]
    out["probit minus linear"] = found["probit"] - found["linear"]
    return out
