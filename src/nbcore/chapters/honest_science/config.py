"""Chapter 19: its parameters, and those of the runs that its numbers come from.

Data sets of coins are the paper's own setting of the holdout; the task that is hard for simple
classifiers and the two algorithms on noisy questions are this book's own instances.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from nbcore.runs.config import AT_LEAST, FREE, Config, param


@dataclass(frozen=True)
class Holdout(Config):
    """Studies of coins: an analyst asks a holdout set about features that mean nothing."""

    slug: ClassVar[str] = "holdout-studies"

    samples: int = param(1000, "samples of the holdout set, and as many to explore", low=100)
    features: int = param(1000, "features, and most queries", low=30, paper=AT_LEAST)
    studies: int = param(125, "studies of a member", low=4, paper=AT_LEAST)
    seeds: int = param(8, "members", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class Links(Config):
    """Graphs of two clusters, and questions about pairs with noisy answers."""

    slug: ClassVar[str] = "noisy-questions"

    nodes: tuple[int, ...] = param((500, 2000), "nodes; the last number is judged alone", low=30)
    biases: tuple[float, ...] = param((0.3, 0.5, 0.7), "δ; the middle one is judged alone", low=0.1)
    graphs: int = param(12, "graphs of a member", low=2, paper=AT_LEAST)
    seeds: int = param(8, "members", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class Simplicity(Config):
    """A task on which linear classifiers are accurate and not robust."""

    slug: ClassVar[str] = "simple-classifiers"

    features: int = param(1000, "features", low=20, paper=AT_LEAST)
    agrees: float = param(0.55, "chance that a feature agrees with the label", low=0.5, high=1)
    moves: float = param(0.5, "how far an opponent may move a feature", low=0.01, high=0.99)
    train: int = param(4000, "examples to learn from", low=50, paper=AT_LEAST)
    test: int = param(5000, "examples to choose by, and as many to be judged by", low=50)
    seeds: int = param(5, "members", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class HonestScience(Config):
    """Chapter 19; three simulations, and this book's own checks computed again."""

    slug: ClassVar[str] = "honest-science"
    #: of these the abstracts alone are at hand, and tasks and algorithms are this book's own
    stand_ins: ClassVar[tuple[str, ...]] = ("C37", "C39")

    studies: int = param(125, "studies in each member of the holdout run", low=4, paper=FREE)
    graphs: int = param(12, "graphs in each member of the run on questions", low=2, paper=FREE)
    nodes: tuple[int, ...] = param((500, 2000), "nodes of the graphs", low=30, paper=FREE)
    seeds: int = param(5, "members of the run on simple classifiers", low=3, paper=FREE)
    shuffles: int = param(20, "shuffles of this book's tables", low=2, paper=FREE)
    splits: int = param(5, "random splits of their members in halves", low=1, paper=FREE)
    resamples: int = param(1000, "bootstrap resamples", low=20, paper=FREE)
    workers: int = param(2, "processes", low=1, in_address=False, paper=FREE)
    device: str = param("cpu", "nothing here needs another", in_address=False, paper=FREE)

    @classmethod
    def book(cls) -> Self:
        """What is published: six minutes of one core for all runs, 1 GB."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Small sizes: ten seconds on one core, 1 GB."""
        return cls(
            studies=5,
            graphs=2,
            nodes=(60, 120),
            seeds=3,
            shuffles=2,
            splits=1,
            resamples=100,
            workers=1,
        )

    @classmethod
    def paper(cls) -> Self:
        """Graphs of four times as many nodes, since the abstract's orders are for many."""
        return cls(nodes=(2000, 8000))

    @property
    def tiny(self) -> bool:
        """Whether sizes are those of the smoke preset."""
        return self.nodes[-1] < 500

    def parts(self) -> Mapping[str, Config]:
        """Give the runs by name."""
        small = self.tiny
        return {
            "holdout": Holdout(
                samples=400 if small else 1000,
                features=300 if small else 1000,
                studies=self.studies,
                seeds=3 if small else 8,
            ),
            "links": Links(nodes=self.nodes, graphs=self.graphs, seeds=3 if small else 8),
            "simple": Simplicity(
                features=200 if small else 1000,
                train=400 if small else 4000,
                test=500 if small else 5000,
                seeds=self.seeds,
            ),
        }
