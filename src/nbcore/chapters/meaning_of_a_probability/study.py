"""Chapter 13's numbers: the runs by name, what the page computes itself, and draws over members.

Draw 0 is what was observed; the others let other members (splits, seeds) stand in for those that
were computed (`bootstrap.seed_weights`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from nbcore.chapters.meaning_of_a_probability import coins, grouped, runs
from nbcore.chapters.meaning_of_a_probability.config import Auditors, Gap, Groups
from nbcore.chapters.meaning_of_a_probability.config import MeaningOfAProbability as Config
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.runs.store import Run


@dataclass
class Study:
    """The runs by name, and what is computed of them."""

    config: Config
    runs: dict[str, Run]

    def over_members(self, values: Floats) -> Floats:
        """Average (member, ...) over members: (draw, ...)."""
        by = seed_weights(len(values), self.config.resamples, np.random.default_rng(13))
        return np.tensordot(by, np.asarray(values, float), 1)

    @cached_property
    def coins(self) -> pd.DataFrame:
        """Measures of coins that are moved."""
        return coins.coins()

    @cached_property
    def predictors(self) -> pd.DataFrame:
        """Measures of random predictors."""
        return coins.random_predictors(self.config.predictors)

    @property
    def tables(self) -> list[str]:
        """Tables by name, in their order."""
        return list(self.config.tables)

    @property
    def splits(self) -> int:
        """Number of splits of the table that has fewest."""
        return min(self.errors(t).sizes["member"] for t in self.tables)

    def errors(self, table: str) -> xr.Dataset:
        """Errors (member, model, remedy [, group]) on a table."""
        return self.runs[f"table {table}"].table("errors")

    def largest(self, table: str, remedy: str) -> Floats:
        """Largest error over groups (member, model) under a remedy."""
        found = self.errors(table)["group_error"].sel(remedy=remedy)
        return found.max("group").transpose("member", "model").values

    def gain(self, table: str, remedy: str) -> Floats:
        """Largest group error without a remedy minus that with it: (member, model)."""
        return self.largest(table, grouped.NONE) - self.largest(table, remedy)

    @property
    def largest_table(self) -> str:
        """The table with most rows to judge on: diagrams and bins are drawn of it."""
        rows = {t: self.predictions(t).sizes["row"] for t in self.tables}
        return max(rows, key=lambda t: rows[t])

    def predictions(self, table: str) -> xr.Dataset:
        """Predictions on a table: `first` (model, row), `logistic` and `outcome` (member, row)."""
        return self.runs[f"table {table}"].table("predictions")

    @property
    def gap(self) -> xr.Dataset:
        """Errors of networks (member, setting, checkpoint, set)."""
        return self.runs["gap"].table("errors")

    def gaps(self) -> tuple[Floats, Floats]:
        """Calibration gap and generalization gap (member, setting, checkpoint), test - train.

        The second is taken without its sign, as in the paper.
        """
        found = self.gap.transpose("member", "setting", "checkpoint", "set")
        smooth, wrong = (np.diff(found[k].values, axis=-1)[..., 0] for k in ("smooth", "wrong"))
        return smooth, np.abs(wrong)

    @property
    def audited(self) -> xr.Dataset:
        """Violation and loss (member, width, set)."""
        return self.runs["auditors"].table("errors")


def load(config: Config, fresh: bool = False) -> Study:
    """Load or compute every run."""
    found = {}
    for name, part in config.parts().items():
        match part:
            case Groups():
                found[name] = grouped.load_groups(part, fresh, config.workers)
            case Gap():
                found[name] = runs.load_gap(part, fresh, config.workers)
            case Auditors():
                found[name] = runs.load_auditors(part, fresh, config.workers)
    return Study(config, found)
