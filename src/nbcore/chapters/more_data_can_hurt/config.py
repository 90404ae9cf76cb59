"""Chapter 14: its parameters, and those of the runs that its numbers come from.

An expected risk is the paper's own setting as soon as it is simulated; networks and random features
are small stand-ins, whatever their size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from nbcore.errors import ParameterError, did_you_mean
from nbcore.runs.config import AT_LEAST, FREE, Config, param

#: the studies of networks: along training, along width and weight decay, along the training set
PARTS = ("epochs", "widths", "sizes")


@dataclass(frozen=True)
class Linear(Config):
    """Least squares and ridge on Gaussian inputs: along n, and along d at a fixed n."""

    slug: ClassVar[str] = "linear-risk"

    dimensions: tuple[int, ...] = param((30, 60, 100), "d; the last one is judged", low=20)
    sigma: float = param(0.5, "standard deviation of the noise; β has norm 1", low=0.01, high=10)
    draws: int = param(50, "draws of a member", low=2, paper=AT_LEAST)
    seeds: int = param(8, "members", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class Features(Config):
    """Random ReLU features of pictures and least squares on noisy labels."""

    slug: ClassVar[str] = "random-features"

    dataset: str = param("fashion-mnist", "pictures")
    side: int = param(14, "pixels a side after averaging; 0 leaves them", low=0)
    images: int = param(500, "training pictures; the width where they vary", low=20)
    noise: float = param(0.2, "share of training labels that are wrong", low=0, high=0.9)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class Kernels(Config):
    """Kernels fitted to pure noise on the circle and on the sphere in four dimensions."""

    slug: ClassVar[str] = "noisy-kernels"

    largest: int = param(1024, "inputs at most; halved down to 32", low=64, paper=AT_LEAST)
    decimal: int = param(128, "inputs at most in decimal arithmetic", low=16, paper=AT_LEAST)
    seeds: int = param(8, "members", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class Annealing(Config):
    """Problems of two weights; the page computes them itself."""

    slug: ClassVar[str] = "annealing"

    problems: int = param(50, "problems", low=3, paper=AT_LEAST)


@dataclass(frozen=True)
class Networks(Config):
    """Networks with one hidden layer on pictures with wrong labels."""

    slug: ClassVar[str] = "noisy-networks"

    part: str = param("epochs", "which study", choices=PARTS)
    dataset: str = param("fashion-mnist", "pictures")
    side: int = param(14, "pixels a side after averaging; 0 leaves them", low=0)
    images: int = param(4000, "training pictures; of `sizes`, the most", low=20)
    noise: float = param(0.2, "share of training labels that are wrong", low=0, high=0.9)
    width: int = param(128, "hidden units; of `widths`, the most", low=4)
    epochs: int = param(1000, "passes over the training pictures", low=1)
    lr: float = param(0.05, "learning rate", low=0)
    seeds: int = param(5, "members", low=3, in_address=False)


@dataclass(frozen=True)
class MoreDataCanHurt(Config):
    """Chapter 14; risks of linear models, kernels, and networks that fit noise."""

    slug: ClassVar[str] = "more-data-can-hurt"
    #: about networks, in part or in whole
    stand_ins: ClassVar[tuple[str, ...]] = ("C8", "C32", "C34")

    dataset: str = param("fashion-mnist", "pictures for features and networks", paper=FREE)
    side: int = param(14, "pixels a side after averaging; 0 leaves them", low=0, paper=FREE)
    draws: int = param(50, "draws in each of a linear run's members", low=2, paper=FREE)
    seeds: int = param(5, "members of the runs on features and kernels", low=3, paper=FREE)
    networks: tuple[str, ...] = param(
        (), "studies of networks to compute now; none means those kept", paper=FREE
    )
    network_seeds: int = param(5, "members of the runs on networks", low=3, paper=FREE)
    epochs: int = param(1000, "epochs where training is followed", low=1, paper=FREE)
    images: int = param(4000, "pictures where training is followed", low=20, paper=FREE)
    problems: int = param(50, "problems of two dimensions", low=3, paper=FREE)
    resamples: int = param(1000, "bootstrap resamples", low=20, paper=FREE)
    workers: int = param(2, "processes", low=1, in_address=False, paper=FREE)
    device: str = param("cpu", "auto, cpu or cuda", in_address=False, paper=FREE)

    @classmethod
    def book(cls) -> Self:
        """What is published: half an hour of one core for all runs, 2 GB."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Digits, small sizes: about 15 seconds on one core, 1 GB."""
        return cls(
            dataset="digits",
            side=0,
            draws=5,
            seeds=3,
            networks=PARTS,
            network_seeds=3,
            epochs=20,
            images=200,
            problems=5,
            resamples=100,
            workers=1,
        )

    @classmethod
    def paper(cls) -> Self:
        """CIFAR-10 and 4,000 epochs, as the papers have them, but with this book's networks."""
        return cls(dataset="cifar10", side=0, epochs=4000, images=50_000, networks=PARTS)

    def check(self) -> None:
        """Refuse studies that are not known."""
        for name in self.networks:
            if name not in PARTS:
                raise ParameterError(
                    f"There is no study of networks {name!r}; {did_you_mean(name, PARTS)}"
                )

    @property
    def tiny(self) -> bool:
        """Whether sizes are those of the smoke preset."""
        return self.dataset == "digits"

    def parts(self) -> Mapping[str, Config]:
        """Give the runs by name."""
        shown: dict[str, Any] = dict(dataset=self.dataset, side=self.side)
        small = self.tiny
        nets: dict[str, Any] = dict(shown, seeds=self.network_seeds, width=32 if small else 128)
        grown = dict(images=self.images, epochs=self.epochs)
        shorter: dict[str, dict[str, Any]] = {
            "widths": dict(images=100, epochs=20) if small else dict(images=1000, epochs=300),
            "sizes": dict(images=200, epochs=20) if small else dict(images=2000, epochs=300),
        }
        return {
            "linear": Linear(
                dimensions=(30,) if small else (30, 60, 100),
                draws=self.draws,
                seeds=3 if small else 8,
            ),
            "features": Features(**shown, images=60 if small else 500, seeds=self.seeds),
            "kernels": Kernels(
                largest=128 if small else 1024, decimal=16 if small else 128, seeds=self.seeds
            ),
            "annealing": Annealing(problems=self.problems),
            **{p: Networks(part=p, **nets | shorter.get(p, grown)) for p in PARTS},
        }
