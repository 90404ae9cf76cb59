"""Chapter 11: its parameters, and those of the run that its numbers come from."""

from dataclasses import dataclass
from typing import ClassVar, Self

from nbcore.runs.config import AT_LEAST, FREE, Config, param


@dataclass(frozen=True)
class Profiles(Config):
    """Profiles of single images over public models, and subsets chosen on half of the families."""

    slug: ClassVar[str] = "image-profiles"

    subset: int = param(100, "images chosen in each split, of 10,000", low=2)
    splits: int = param(20, "splits of the model families", low=3)
    shuffles: int = param(20, "permutations of the models, as a control", low=3)
    seed: int = param(0, "seed of splits and permutations", low=0)


@dataclass(frozen=True)
class EveryImageItsOwnLine(Config):
    """Chapter 11. Every preset reads the stored profiles where the settings are theirs."""

    slug: ClassVar[str] = "every-image-its-own-line"
    #: on ImageNetV2, with images chosen anew
    stand_ins: ClassVar[tuple[str, ...]] = ("C25",)

    subset: int = param(100, "images chosen in each split, of 10,000", low=2, paper=AT_LEAST)
    splits: int = param(20, "splits of the model families", low=3, paper=FREE)
    negative: str | None = param(
        None,
        "CSV of 30 or more networks on CIFAR-10 and CIFAR-10-Neg: model, id, ood",
        is_path=True,
        paper=FREE,
    )
    resamples: int = param(1000, "bootstrap resamples", low=20, in_address=False, paper=FREE)
    workers: int = param(1, "processes", low=1, in_address=False, paper=FREE)
    device: str = param("cpu", "nothing here needs another", in_address=False, paper=FREE)

    def check(self) -> None:
        """Read the networks' file first, so that a mistake in it shows before long work starts."""
        if self.negative is not None:
            from nbcore.lines.own_models import (
                read_models,  # pandas, and only for networks of yours
            )

            read_models(self.negative)

    @classmethod
    def book(cls) -> Self:
        """100 images in each of 20 splits: ten seconds, 1 GB."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """The stored profiles: no data needed, a few seconds."""
        return cls(resamples=100)

    @classmethod
    def paper(cls) -> Self:
        """As many images as CIFAR-10-Neg has, of the public models that there are."""
        return cls(subset=1000)

    @property
    def profiles(self) -> Profiles:
        """Give the settings of the run."""
        return Profiles(subset=self.subset, splits=self.splits)
