"""Chapter 17: its parameters, and those of the run that its numbers come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from nbcore.runs.config import AT_LEAST, FREE, Config, param


@dataclass(frozen=True)
class Sampling(Config):
    """Samples from analytic scores: guided, composed, weighted."""

    slug: ClassVar[str] = "analytic-sampling"

    particles: int = param(20_000, "particles of a member", low=200, paper=AT_LEAST)
    steps: int = param(1000, "reverse steps with guidance and of compositions", low=10)
    levels: int = param(200, "reverse steps of weighted particles", low=10, paper=AT_LEAST)
    seeds: int = param(5, "members", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class SamplingUnseen(Config):
    """Chapter 17; one sampler on scores that are known exactly."""

    slug: ClassVar[str] = "sampling-unseen"
    #: a part of C18 is left out; composition is shown on this book's own features
    stand_ins: ClassVar[tuple[str, ...]] = ("C18", "C19")

    particles: int = param(20_000, "particles of a member", low=200, paper=FREE)
    steps: int = param(1000, "reverse steps with guidance and of compositions", low=10, paper=FREE)
    levels: int = param(200, "reverse steps of weighted particles", low=10, paper=FREE)
    seeds: int = param(5, "members", low=3, paper=FREE)
    resamples: int = param(1000, "bootstrap resamples", low=20, paper=FREE)
    workers: int = param(1, "processes", low=1, in_address=False, paper=FREE)
    device: str = param("cpu", "nothing here needs another", in_address=False, paper=FREE)

    @classmethod
    def book(cls) -> Self:
        """What is published: four minutes of one core, 1 GB."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Few particles and steps: five seconds on one core, 1 GB."""
        return cls(particles=500, steps=60, levels=40, seeds=3, resamples=100)

    @classmethod
    def paper(cls) -> Self:
        """Twice the steps: the theorems are about their limit."""
        return cls(steps=2000)

    def parts(self) -> Mapping[str, Config]:
        """Give the run by name."""
        return {
            "sampling": Sampling(
                particles=self.particles, steps=self.steps, levels=self.levels, seeds=self.seeds
            )
        }
