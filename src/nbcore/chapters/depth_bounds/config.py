"""Chapter 4: its parameters."""

from dataclasses import dataclass
from typing import ClassVar, Self

from nbcore.depths.roster import DepthConfig


@dataclass(frozen=True)
class DepthBounds(DepthConfig):
    """Chapter 4."""

    slug: ClassVar[str] = "depth-bounds"

    @classmethod
    def book(cls) -> Self:
        """Chapter 3's ensembles: 4 h and 6 GB; their ResNet18 is for a GPU (6 h on two cores)."""
        return cls(
            datasets=("fashion-mnist", "cifar10", "cifar10", "cifar10"),
            networks=("mlp", "vgg16", "resnet18", "mlp"),
        )
