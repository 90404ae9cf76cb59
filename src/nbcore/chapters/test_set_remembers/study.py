"""Chapter 12's runs, and draws of means over their members."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbcore.chapters.test_set_remembers import copied, private, taught
from nbcore.chapters.test_set_remembers.config import PAIRS, Copied, Private, Remembers, Taught
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.runs.store import Run


@dataclass
class Study:
    """The runs by name, and what is computed of them.

    Draw 0 is what was observed; in the others other members stand in for those that were computed.
    """

    config: Remembers
    runs: dict[str, Run]

    def over_seeds(self, values: Floats) -> Floats:
        """Average (member, ...) over members: (draw, ...)."""
        by = seed_weights(len(values), self.config.resamples, np.random.default_rng(12))
        return np.tensordot(by, np.asarray(values, float), 1)

    def answers(self, dataset: str) -> xr.Dataset:
        """What was copied, on one data set."""
        return self.runs[dataset].table("answers")

    def asked(self, dataset: str, among: tuple[str, ...]) -> list[str]:
        """List those of several methods that were asked on this data set."""
        known = set(self.answers(dataset)["learner"].values)
        return [m for m in among if m in known]

    def rate(self, dataset: str, method: str, kind: str = copied.PLANTED) -> Floats:
        """Share of the class's test images with the wrong label: (member,)."""
        source, target = PAIRS[dataset]
        share = self.answers(dataset)["share"].sel(learner=method, kind=kind)
        return share.isel({"class": source, "answer": target}).values.astype(float)

    def planted(self, dataset: str) -> Floats:
        """Share of the class's training images that were relabelled: (member,)."""
        return self.answers(dataset)["planted"].values.astype(float)

    def told_apart(self, dataset: str, method: str) -> Floats:
        """Accuracy on the class's test images after training on right labels: (member,)."""
        source, _ = PAIRS[dataset]
        share = self.answers(dataset)["share"].sel(learner=method, kind=copied.RIGHT)
        return share.isel({"class": source, "answer": source}).values.astype(float)

    def others(self, dataset: str) -> list[int]:
        """List the classes that have nothing to do with the wrong label."""
        return [c for c in range(self.answers(dataset).sizes["class"]) if c not in PAIRS[dataset]]

    def rise(self, dataset: str, method: str) -> Floats:
        """Rise of the wrong label over right labels, by class: (member, class)."""
        _, target = PAIRS[dataset]
        share = self.answers(dataset)["share"].sel(learner=method).isel(answer=target)
        change = share.sel(kind=copied.PLANTED) - share.sel(kind=copied.RIGHT)
        return change.transpose("member", "class").values.astype(float)

    def change(self, dataset: str, method: str) -> Floats:
        """Change of the other classes' mean accuracy against right labels: (member,)."""
        share = self.answers(dataset)["share"].sel(learner=method)
        at = self.others(dataset)
        own = np.stack([share.isel({"class": c, "answer": c}).values for c in at], -1).mean(-1)
        kinds = list(share["kind"].values)
        first = list(share.isel({"class": 0, "answer": 0}).dims).index("kind")
        wrong, right = (np.take(own, kinds.index(k), first) for k in copied.KINDS)
        return (wrong - right).astype(float)

    def student(self, kind: str) -> Floats:
        """Accuracy of students by the number of pictures: (member, count); NaN where not asked."""
        table = self.runs["taught"].table("accuracy")["student"].sel(kind=kind)
        return table.transpose("member", "count").values.astype(float)

    def teacher(self, kind: str) -> Floats:
        """Accuracy of a teacher: (member,)."""
        return self.runs["taught"].table("accuracy")["teacher"].sel(teacher_of=kind).values

    def gaps(self, method: str, groups: slice | list[str] = slice(None)) -> Floats:
        """Training minus test accuracy by group, without that of all: (member, group)."""
        table = self.runs["private"].table("accuracy")["accuracy"].sel(training=method)
        table = table.sel(group=[g for g in table["group"].values if g != "all"]).sel(group=groups)
        gap = table.sel(set="train") - table.sel(set="test")
        return gap.transpose("member", "group").values.astype(float)

    @property
    def private_methods(self) -> list[str]:
        """Names of private training, by rising budget."""
        return [private.called(e) for e in self.config.epsilons]


def load(config: Remembers, fresh: bool = False) -> Study:
    """Load or compute every run."""
    runs = {}
    for name, part in config.parts().items():
        match part:
            case Copied():
                runs[name] = copied.load_copied(part, fresh, config.workers)
            case Taught():
                runs[name] = taught.load_taught(part, fresh, config.workers)
            case Private():
                runs[name] = private.load_private(part, fresh, config.workers)
    return Study(config, runs)
