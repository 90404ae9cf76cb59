"""Chapter 19's runs, and draws of means over their members.

Draw 0 is what was observed; the others let other members stand in for those that were computed
(`bootstrap.seed_weights`).
"""

from dataclasses import dataclass

import numpy as np

from nbcore.chapters.honest_science import holdout, links, simple
from nbcore.chapters.honest_science.config import Holdout, HonestScience, Links, Simplicity
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.runs.store import Run


@dataclass
class Study:
    """The runs by name: "holdout", "links", "simple"."""

    config: HonestScience
    runs: dict[str, Run]

    def over_seeds(self, values: Floats) -> Floats:
        """Average (member, ...) over members: (draw, ...)."""
        by = seed_weights(len(values), self.config.resamples, np.random.default_rng(19))
        return np.tensordot(by, np.asarray(values, float), 1)

    def studies(self, who: str, what: str = "false") -> tuple[Floats, int]:
        """Count studies of an analyst by number of queries: (query,), and of how many."""
        table = self.runs["holdout"].table("found")
        found = table[what].sel(who=who) if "who" in table[what].dims else table[what]
        return found.sum("member").values, table.attrs["studies"] * table.sizes["member"]

    def accuracy(self, name: str, moves: float, which: str = "test") -> Floats:
        """Return the accuracy of a linear classifier against an opponent: (member,)."""
        table = self.runs["simple"].table("classifiers")["linear"]
        return table.sel(classifier=name, set=which, moves=moves).values


def load(config: HonestScience, fresh: bool = False) -> Study:
    """Load or compute the three runs."""
    runs = {}
    for name, part in config.parts().items():
        match part:
            case Holdout():
                runs[name] = holdout.load_holdout(part, fresh)
            case Links():
                runs[name] = links.load_links(part, fresh, config.workers)
            case Simplicity():
                runs[name] = simple.load_simple(part, fresh)
    return Study(config, runs)
