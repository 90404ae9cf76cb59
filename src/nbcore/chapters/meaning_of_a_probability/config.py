"""Chapter 13: its parameters, and those of the runs that its numbers come from.

Distances of small predictors are the papers' own setting; tables, networks and auditors are small.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from nbcore.errors import ParameterError, did_you_mean
from nbcore.runs.config import AT_LEAST, FREE, Config, param

#: what models are fitted to: the first two are tables that come with statsmodels
TABLES = ("fair", "randhie", "animals", "digits")


@dataclass(frozen=True)
class Predictors(Config):
    """Random predictors of a few inputs; the page computes them itself."""

    slug: ClassVar[str] = "small-predictors"

    predictors: int = param(300, "random predictors", low=3, paper=AT_LEAST)


@dataclass(frozen=True)
class Groups(Config):
    """Models on one table, remedies fitted on other rows, errors in groups on still others."""

    slug: ClassVar[str] = "group-calibration"

    table: str = param("fair", "what is predicted", choices=TABLES)
    levels: int = param(10, "levels of the prediction that multicalibration tells apart", low=1)
    alpha: float = param(0.01, "how far off a level of a group may stay", low=0.0001, high=1)
    splits: int = param(8, "members: random splits of the rows", low=3, in_address=False)


@dataclass(frozen=True)
class Gap(Config):
    """Confidence of networks along training, on training and test pictures."""

    slug: ClassVar[str] = "calibration-gap"

    dataset: str = param("fashion-mnist", "pictures")
    side: int = param(14, "pixels a side after resizing", low=4)
    images: int = param(2000, "training pictures; in one setting an eighth of them", low=80)
    noise: float = param(0.2, "share of wrong labels, in one setting", low=0, high=0.9)
    width: int = param(128, "hidden units", low=4, paper=AT_LEAST)
    steps: int = param(2000, "updates", low=2)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class Auditors(Config):
    """Networks of n units with squared loss, and auditors of k units that look for violations."""

    slug: ClassVar[str] = "width-auditors"

    dataset: str = param("fashion-mnist", "pictures")
    classes: tuple[int, ...] = param((0, 6), "the two classes that are told apart", low=0)
    side: int = param(14, "pixels a side after resizing", low=4)
    images: int = param(2000, "training pictures at most", low=20)
    widths: tuple[int, ...] = param((1, 2, 4, 6, 8, 12, 16, 32, 64), "units n", low=1)
    auditor: int = param(4, "units k of an auditor", low=1)
    steps: int = param(1500, "updates of a network", low=2)
    auditor_steps: int = param(100, "updates of an auditor", low=2)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class MeaningOfAProbability(Config):
    """Chapter 13; calibration of predictors, models on tables, and networks."""

    slug: ClassVar[str] = "meaning-of-a-probability"
    #: about other networks and tables than the papers'
    stand_ins: ClassVar[tuple[str, ...]] = ("C6", "C10", "C12", "C23")

    predictors: int = param(300, "random predictors of few inputs", low=3, paper=FREE)
    tables: tuple[str, ...] = param(("fair", "randhie"), f"tables: {', '.join(TABLES)}", paper=FREE)
    splits: int = param(8, "splits of each table", low=3, paper=FREE)
    dataset: str = param("fashion-mnist", "pictures for networks", paper=FREE)
    side: int = param(14, "pixels a side after resizing", low=4, paper=FREE)
    seeds: int = param(5, "members of the runs on networks", low=3, paper=FREE)
    steps: int = param(2000, "updates where training is followed", low=2, paper=FREE)
    resamples: int = param(1000, "bootstrap resamples", low=20, paper=FREE)
    workers: int = param(1, "processes", low=1, in_address=False, paper=FREE)
    device: str = param("cpu", "nothing here needs another", in_address=False, paper=FREE)

    @classmethod
    def book(cls) -> Self:
        """What is published: a quarter of an hour of one core for all runs, 2 GB."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Digits, small sizes: about 20 seconds on one core, 1 GB."""
        return cls(
            predictors=10,
            tables=("digits",),
            splits=3,
            dataset="digits",
            side=8,
            seeds=3,
            steps=40,
            resamples=100,
        )

    @classmethod
    def paper(cls) -> Self:
        """CIFAR-10 for the networks, as the papers have it, but with this book's networks."""
        return cls(dataset="cifar10", side=32, steps=40_000)

    def check(self) -> None:
        """Refuse tables that are not known."""
        for name in self.tables:
            if name not in TABLES:
                raise ParameterError(f"There is no table {name!r}; {did_you_mean(name, TABLES)}")
        if not self.tables:
            raise ParameterError(f"Name one table or more: {', '.join(TABLES)}.")

    @property
    def tiny(self) -> bool:
        """Whether sizes are those of the smoke preset."""
        return self.dataset == "digits"

    def parts(self) -> Mapping[str, Config]:
        """Give the runs by name."""
        shown: dict[str, Any] = dict(dataset=self.dataset, side=self.side, seeds=self.seeds)
        audited: dict[str, Any] = dict(shown, classes=(3, 8) if self.tiny else (0, 6))
        if self.tiny:
            audited |= dict(images=200, widths=(1, 2, 4, 8), auditor=2, steps=60)
            audited |= dict(auditor_steps=20)
        images: dict[str, Any] = dict(images=800 if self.tiny else 2000)
        if self.dataset == "cifar10":
            images = dict(images=40_000)
            audited |= dict(classes=(3, 5), images=8000)
        return {
            "predictors": Predictors(predictors=self.predictors),
            **{f"table {t}": Groups(table=t, splits=self.splits) for t in self.tables},
            "gap": Gap(**shown, **images, width=32 if self.tiny else 128, steps=self.steps),
            "auditors": Auditors(**audited),
        }
