"""Chapter 12: its parameters, and those of the runs that its numbers come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from nbcore.errors import ParameterError, did_you_mean
from nbcore.runs.config import FREE, Config, param

#: data sets for which it is written down which class is relabelled as which
PAIRS = {"fashion-mnist": (1, 8), "cifar10": (1, 7), "digits": (0, 7)}


@dataclass(frozen=True)
class Copied(Config):
    """Part of one class relabelled, and flips that depend on the class; every way to learn."""

    slug: ClassVar[str] = "copied-labels"

    dataset: str = param("fashion-mnist", "pictures", choices=tuple(PAIRS))
    side: int = param(14, "pixels a side after resizing; 0 leaves them", low=0)
    images: int = param(2000, "training pictures", low=50)
    share: float = param(0.3, "chance that a picture of the class is relabelled", low=0, high=1)
    width: int = param(256, "hidden units of the MLP", low=4)
    channels: int = param(16, "channels of the first stage of the VGG", low=4)
    epochs: int = param(160, "passes over the pictures of the MLP", low=4)
    passes: int = param(36, "passes over the pictures of the VGG; 0 leaves it out", low=0)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class Taught(Config):
    """Students of teachers that copy wrong labels."""

    slug: ClassVar[str] = "noisy-teachers"

    dataset: str = param("fashion-mnist", "pictures", choices=tuple(PAIRS))
    side: int = param(14, "pixels a side after resizing; 0 leaves them", low=0)
    images: int = param(4000, "labelled pictures, from which teachers learn", low=50)
    noise: float = param(0.4, "share of their labels that are wrong", low=0, high=0.9)
    unlabelled: int = param(40_000, "pictures that a teacher labels, at most", low=100)
    steps: int = param(1500, "updates of a student", low=10)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class Private(Config):
    """Training with and without differential privacy, with a rare group of rotated pictures."""

    slug: ClassVar[str] = "private-training"

    dataset: str = param("fashion-mnist", "pictures", choices=tuple(PAIRS))
    side: int = param(14, "pixels a side after resizing; 0 leaves them", low=0)
    images: int = param(8000, "training pictures", low=50)
    rare: float = param(0.05, "share of pictures that are rotated", low=0.01, high=0.5)
    epsilons: tuple[float, ...] = param((0.5, 2.0, 8.0), "privacy budgets, rising", low=0)
    delta: float = param(1e-5, "chance with which the budget may not hold", low=0)
    clip: float = param(1.0, "largest norm of one picture's gradient", low=0)
    batch: int = param(256, "expected pictures of a private step", low=2)
    epochs: int = param(15, "passes over the pictures; without privacy, four times as many", low=1)
    width: int = param(128, "hidden units", low=4)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class Remembers(Config):
    """Chapter 12; what training leaves of single images, on test images."""

    slug: ClassVar[str] = "test-set-remembers"
    #: this book's pictures, networks and sizes
    stand_ins: ClassVar[tuple[str, ...]] = ("C4", "C9", "C30")

    datasets: tuple[str, ...] = param(
        ("fashion-mnist", "cifar10"), "pictures whose labels are copied", paper=FREE
    )
    dataset: str = param("fashion-mnist", "pictures of the other two studies", paper=FREE)
    epochs: int = param(160, "passes of an MLP that copies labels", low=16, paper=FREE)
    epsilons: tuple[float, ...] = param(
        (0.5, 2.0, 8.0), "privacy budgets, rising", low=0, paper=FREE
    )
    delta: float = param(1e-5, "chance with which a budget may not hold", low=0, paper=FREE)
    seeds: int = param(5, "members of the first two studies", low=3, paper=FREE)
    private_seeds: int = param(5, "members of the study on privacy", low=3, paper=FREE)
    resamples: int = param(1000, "bootstrap resamples", low=20, paper=FREE)
    workers: int = param(1, "processes", low=1, in_address=False, paper=FREE)
    device: str = param("cpu", "nothing here needs another", in_address=False, paper=FREE)

    @classmethod
    def book(cls) -> Self:
        """What is published: a quarter of an hour of one core, 4 GB."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Digits, small networks: about 15 seconds on one core, 1 GB."""
        return cls(
            datasets=("digits",),
            dataset="digits",
            epochs=24,
            epsilons=(2.0, 8.0),
            seeds=3,
            private_seeds=3,
            resamples=100,
        )

    @classmethod
    def paper(cls) -> Self:
        """Twice the passes; the papers' own networks are not built here."""
        return cls(epochs=320)

    def check(self) -> None:
        """Refuse data sets for which no classes are written down."""
        for name in (*self.datasets, self.dataset):
            if name not in PAIRS:
                raise ParameterError(
                    f"No two classes of {name!r} are written down to be relabelled; "
                    f"{did_you_mean(name, PAIRS)}"
                )

    def parts(self) -> Mapping[str, Config]:
        """Give the runs by name; those on copied labels have the name of their data set."""
        return {name: self._copied(name) for name in self.datasets} | {
            "taught": self._taught(),
            "private": self._private(),
        }

    def _copied(self, name: str) -> Copied:
        if name == "digits":
            small = dict(side=0, images=500, width=64, channels=4)
            return Copied(name, epochs=self.epochs, passes=8, seeds=self.seeds, **small)
        if name == "cifar10":  # of which labels are fitted sooner
            size = dict(side=16, images=2500, passes=0)
            return Copied(name, epochs=self.epochs // 4, seeds=self.seeds, **size)
        return Copied(name, epochs=self.epochs, seeds=self.seeds)

    def _taught(self) -> Taught:
        if self.dataset == "digits":
            return Taught("digits", 0, 300, unlabelled=700, steps=100, seeds=self.seeds)
        return Taught(self.dataset, seeds=self.seeds)

    def _private(self) -> Private:
        own = dict(epsilons=self.epsilons, delta=self.delta, seeds=self.private_seeds)
        if self.dataset == "digits":
            small = dict(side=0, images=800, batch=100, epochs=5, width=64)
            return Private("digits", **small, **own)  # type: ignore[arg-type]
        return Private(self.dataset, **own)  # type: ignore[arg-type]
