"""Chapter 5: its parameters."""

from dataclasses import dataclass
from typing import ClassVar, Self

from nbcore.depths.roster import DepthConfig


@dataclass(frozen=True)
class LearningMargins(DepthConfig):
    """Chapter 5."""

    slug: ClassVar[str] = "depth-learning-margins"

    @classmethod
    def book(cls) -> Self:
        """The ensembles of chapter 4, at its cost."""
        return cls(
            datasets=("fashion-mnist", "cifar10", "cifar10", "cifar10"),
            networks=("mlp", "vgg16", "resnet18", "mlp"),
        )
