"""What the chapters on lines share: their common parameters, data roles, the trained testbed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from nbcore.runs.config import AT_LEAST, FREE, Config, param
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.own_folders import apply_layout, layout_param
from nbcore.training import kinds

#: the embedded stand-in for a shift: digits below 5; their shifted copies; a network pretrained on
#: the digits from 5 up
SHIFTED, OWN_NET = "digits-shifted", "digits-network"
#: another: a network that is trained on all ten digits in a second
TEN_DIGITS = "ten-digits"


@dataclass(frozen=True)
class LineConfig(Config):
    """What is measured on what, and the testbed whose line it is measured against.

    All models of a chapter see the same images, so that one line holds for them.
    """

    model: str = param("efficientnet_lite0", "pretrained network: a timm or torchvision name")
    weights: str | None = param(
        None, "state dict to use instead of the published weights", is_path=True
    )
    id: str = param(
        "cifar10", "data set to train on: a name or a folder", in_address=False, is_path=True
    )
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets, same classes", in_address=False, is_path=True
    )
    image_size: int = param(32, "side to which all images are first brought", low=8, high=1024)
    feature_size: int = param(128, "side for last-layer training", low=8, high=1024)
    test_images: int = param(4_000, "ID test images, class-balanced", low=10, paper=AT_LEAST)
    conditions: tuple[str, ...] = param(
        (), "conditions to run; none means all", in_address=False, paper=FREE
    )
    testbed: tuple[str, ...] = param(
        (), "models of the line, KIND-N; none means the book's networks", in_address=False
    )
    apart: tuple[str, ...] = param(
        (),
        "models shown beside it, KIND-N; none means classical ones beside the book's networks",
        in_address=False,
        paper=FREE,
    )
    epochs: float = param(1.0, "training of the testbed's networks, relative", low=0.01, high=100)
    resamples: int = param(
        500,
        "bootstrap resamples of images and seeds",
        low=20,
        high=10_000,
        in_address=False,
        paper=FREE,
    )
    workers: int = param(2, "processes", low=1, high=64, in_address=False, paper=FREE)
    device: str = param("auto", "auto, cpu or cuda", in_address=False, paper=FREE)
    layout: str | None = layout_param()

    def __post_init__(self) -> None:
        apply_layout(self, "id", "ood")

    @property
    def line_models(self) -> tuple[str, ...]:
        """List the models through which the line is fitted."""
        return self.testbed or kinds.CONVOLUTIONAL

    @property
    def models_beside(self) -> tuple[str, ...]:
        """List the models that are shown beside the line and not in its fit."""
        return self.apart or (() if self.testbed else kinds.CLASSICAL)

    def sides(self) -> tuple[int, ...]:
        """List the sides in pixels of the images that the network is to read."""
        return (self.feature_size,)

    def before_computing(self) -> None:
        """Refuse a network that cannot read images of these sides."""
        look_at([self.model], self.sides())

    @property
    def subject(self) -> str:
        """Name the network and the images, as claim cards do."""
        return f"{self.model} on {', '.join((self.id, *self.ood))}"


def look_at(models: Iterable[str], sides: Collection[int]) -> None:
    """Let networks see an image of each side (pixels). ParameterError: see `fits.cannot_read`."""
    from nbcore.models import fits, offline  # torch, which a config does without

    for name in models:
        made_here = name in (OWN_NET, TEN_DIGITS) or name.startswith("clip:")
        if not made_here and name not in offline.NETWORKS:
            fits.try_out(name, sides)


@dataclass(frozen=True)
class TestbedRun(Config):
    """What the testbed's models depend on besides their data."""

    slug: ClassVar[str] = "small-testbed"
    __test__: ClassVar[bool] = False

    image_size: int = param(32, "side of the images")
    test_images: int = param(4_000, "ID test images")
    epochs: float = param(1.0, "training of the networks, relative")


def data_roles(config: LineConfig) -> dict[str, str]:
    """Map each role to its data set: "id", then "ood", "ood2", ... (made copies are not listed)."""
    roles = {"id": config.id}
    roles |= {"ood" + (str(i + 1) if i else ""): name for i, name in enumerate(config.ood)}
    return {role: name for role, name in roles.items() if name != SHIFTED}


def data_of(manifest: Manifest) -> dict[str, Any]:
    """Read `id` and `ood` of a config from the manifest of a run that was stored with it."""
    names = data_names(manifest)
    ood = sorted((role for role in names if role.startswith("ood")), key=lambda r: (len(r), r))
    return {"id": names["id"], "ood": tuple(names[role] for role in ood)}
