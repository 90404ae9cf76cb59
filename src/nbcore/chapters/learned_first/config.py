"""Chapter 15: its parameters, and those of the runs that its numbers come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from nbcore.errors import ParameterError, did_you_mean
from nbcore.runs.config import AT_LEAST, FREE, Config, param

#: what is told apart: the first half of the classes from the second, or animals from things
HALVES, ANIMALS = "halves", "animals"
#: the runs: a network beside its explainers, the two worlds, tangent kernels
RUNS = ("explained", "worlds", "tangent")


@dataclass(frozen=True)
class Explained(Config):
    """A network along training, beside classifiers that might explain what it knows."""

    slug: ClassVar[str] = "explained-by-linear"

    dataset: str = param("cifar10", "pictures")
    task: str = param(HALVES, "which two groups of classes", choices=(HALVES, ANIMALS))
    images: int = param(4000, "training pictures", low=50, paper=AT_LEAST)
    width: int = param(24, "channels of the network's first layer", low=2)
    epochs: int = param(40, "passes over the training pictures", low=1)
    checkpoints: int = param(16, "evaluations along training", low=3)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class Worlds(Config):
    """The same number of steps on few pictures again and again, or on fresh ones."""

    slug: ClassVar[str] = "two-worlds"

    dataset: str = param("fashion-mnist", "pictures")
    fresh: int = param(55_000, "pictures of the Ideal World, each seen once", low=100)
    real: int = param(5000, "pictures of the Real World, seen again and again", low=50)
    few: int = param(150, "pictures of the control", low=50)
    batch: int = param(50, "pictures a step", low=2)
    width: int = param(16, "channels of the convolutional network's first layer", low=2)
    hidden: int = param(256, "units in each of the other network's two hidden layers", low=2)
    tested: int = param(2500, "test pictures", low=50)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class Tangent(Config):
    """A network and three of its tangent kernels, by the number of training pictures."""

    slug: ClassVar[str] = "tangent-kernels"

    dataset: str = param("cifar10", "pictures")
    task: str = param(ANIMALS, "which two groups of classes", choices=(HALVES, ANIMALS))
    least: int = param(250, "training pictures at least; doubled up to the most", low=10)
    most: int = param(2000, "training pictures at most", low=20)
    pretrained: int = param(500, "pictures on which a kernel's network is pretrained", low=10)
    width: int = param(16, "channels of the network's first layer", low=2)
    wide: int = param(32, "channels where the widest kernel is meant", low=2)
    epochs: int = param(40, "passes over the training pictures", low=4)
    tested: int = param(2000, "test pictures", low=50)
    seeds: int = param(3, "members", low=3, in_address=False)


@dataclass(frozen=True)
class LearnedFirst(Config):
    """Chapter 15; what a network learns first, and how far simpler models account for it."""

    slug: ClassVar[str] = "learned-first"
    #: small networks, whatever the preset
    stand_ins: ClassVar[tuple[str, ...]] = ("C13", "C29", "C35")

    dataset: str = param("cifar10", "pictures for linear learning and for kernels", paper=FREE)
    clothes: str = param("fashion-mnist", "pictures for the two worlds", paper=FREE)
    images: int = param(4000, "training pictures where learning is explained", low=50, paper=FREE)
    epochs: int = param(40, "passes over them", low=1, paper=FREE)
    most: int = param(2000, "training pictures at most beside kernels", low=20, paper=FREE)
    seeds: int = param(5, "members of the first two runs", low=3, paper=FREE)
    kernel_seeds: int = param(3, "members of the run on kernels", low=3, paper=FREE)
    runs: tuple[str, ...] = param((), "runs to compute now; none means those kept", paper=FREE)
    resamples: int = param(1000, "bootstrap resamples", low=20, paper=FREE)
    workers: int = param(1, "processes", low=1, in_address=False, paper=FREE)
    device: str = param("cpu", "auto, cpu or cuda", in_address=False, paper=FREE)

    @classmethod
    def book(cls) -> Self:
        """What is published: a quarter of an hour of one core, 2 GB."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Digits, small networks: about ten seconds of one core, 1 GB."""
        return cls(
            dataset="digits",
            clothes="digits",
            images=400,
            epochs=8,
            most=160,
            seeds=3,
            runs=RUNS,
            resamples=100,
        )

    @classmethod
    def paper(cls) -> Self:
        """All of CIFAR-10, with this book's small networks: an hour of a GPU."""
        return cls(images=50_000, epochs=100, most=16_000, runs=RUNS)

    def check(self) -> None:
        """Refuse runs that are not known."""
        for name in self.runs:
            if name not in RUNS:
                raise ParameterError(f"There is no run {name!r}; {did_you_mean(name, RUNS)}")

    @property
    def tiny(self) -> bool:
        """Whether sizes are those of the smoke preset."""
        return self.dataset == "digits"

    def parts(self) -> Mapping[str, Config]:
        """Give the runs by name."""
        learned: dict[str, Any] = dict(images=self.images, epochs=self.epochs, seeds=self.seeds)
        worlds: dict[str, Any] = {}
        tangent: dict[str, Any] = {}
        if self.tiny:
            learned |= dict(width=8, checkpoints=10)
            worlds |= dict(fresh=1100, real=100, few=50, width=8, hidden=32, tested=400)
            tangent |= dict(task=HALVES, least=20, pretrained=40, width=4, wide=8, epochs=8)
            tangent |= dict(tested=300)
        return {
            "explained": Explained(dataset=self.dataset, **learned),
            "worlds": Worlds(dataset=self.clothes, seeds=self.seeds, **worlds),
            "tangent": Tangent(
                dataset=self.dataset, most=self.most, seeds=self.kernel_seeds, **tangent
            ),
        }
