"""Pretrained ImageNet classifiers, with their head exposed and their preprocessing inside.

Names: `efficientnet_lite0` and the others of `offline`, whose weights need no network, the six of
the paper by their torchvision names (`PAPER_MODELS`), and any timm model, such as the paper's BiT
(`resnetv2_50x1_bit.goog_in21k`). A prefix `timm/` asks for timm where both know a name.
"""

from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import interpolate

from nbcore.errors import ParameterError, did_you_mean
from nbcore.models import offline

OFFLINE = "efficientnet_lite0"
PAPER_MODELS = ("alexnet", "resnet18", "resnet50", "resnet152", "vgg11_bn", "wide_resnet50_2")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Classifier(nn.Module):
    """A network that takes raw images: resizing and normalisation are its first step.

    `forward(images)`: uint8 or float in [0, 255], (n, 1 or 3, h, w) -> logits (n, classes).
    One channel is repeated to three. `size` is the side in pixels that the network sees
    (bicubic); None leaves the images as they are.
    """

    def __init__(
        self,
        net: nn.Module,
        size: int | None = None,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        std: tuple[float, ...] = IMAGENET_STD,
        name: str = "model",
    ):
        super().__init__()
        self.net, self.size, self.name = net, size, name
        self.register_buffer("mean", 255 * torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(std).view(-1, 1, 1), persistent=False)
        self.head_name = _head_name(net, name)

    def prepare(self, images: Tensor) -> Tensor:
        """Turn raw images into what the network expects: float, resized, normalised."""
        x = (images.float() - self.mean) / self.std  # type: ignore[operator]
        if self.size is not None and x.shape[-2:] != (self.size, self.size):
            x = interpolate(x, size=(self.size, self.size), mode="bicubic", antialias=False)
        return x

    def forward(self, images: Tensor) -> Tensor:
        return self.net(self.prepare(images))

    @property
    def head(self) -> nn.Module:
        """The last layer: a linear layer, or a convolution over one pixel (BiT)."""
        return self.net.get_submodule(self.head_name)

    @property
    def feature_dim(self) -> int:
        """Length of the penultimate feature vector."""
        return self.head.weight.shape[1]  # type: ignore[index,return-value]

    def features(self, images: Tensor) -> Tensor:
        """Return what the head receives, (n, feature_dim): the penultimate features."""
        caught: list[Tensor] = []
        handle = self.head.register_forward_pre_hook(lambda _, args: caught.append(args[0]))
        try:
            self(images)
        finally:
            handle.remove()
        return caught[0].flatten(1)

    def replace_head(self, n_classes: int) -> None:
        """Put a fresh last layer for `n_classes` on, initialised as torch does by default."""
        old = self.head
        if isinstance(old, nn.Conv2d):
            new: nn.Module = nn.Conv2d(old.in_channels, n_classes, 1)
        else:
            new = nn.Linear(self.feature_dim, n_classes)
        self.net.set_submodule(self.head_name, new)


def create(
    name: str = OFFLINE,
    n_classes: int | None = None,
    pretrained: bool = True,
    size: int | None = None,
    seed: int = 0,
    weights: str | Path | None = None,
) -> Classifier:
    """Load a classifier by name; `n_classes` puts a fresh head on it (None keeps ImageNet's).

    `pretrained=False` initialises every layer from `seed`; the fresh head always comes from
    `seed`. `weights` is a state dict on disk (.pth or .safetensors) to use instead of the
    published ones. Raises ParameterError for an unknown name, a model without a classifier
    head, weights that do not fit, and weights that cannot be fetched.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if name in offline.NETWORKS:
            net = offline.build(name)
        else:
            net = _build(name, pretrained and weights is None)
        config = getattr(net, "pretrained_cfg", None) or {}
        if weights is not None:
            load_weights(net, weights)
        elif name in offline.NETWORKS and pretrained:
            load_weights(net, offline.weights_file(name), in_order=True)
        model = Classifier(
            offline.with_linear_head(net),
            size,
            tuple(config.get("mean", IMAGENET_MEAN)),
            tuple(config.get("std", IMAGENET_STD)),
            name,
        )
        if n_classes is not None:
            torch.manual_seed(seed)  # the same head whatever was drawn for the body
            model.replace_head(n_classes)
    return model


def load_weights(net: nn.Module, path: str | Path, in_order: bool = False) -> None:
    """Load a state dict by name, or one to one in the order of its entries.

    Raises ParameterError when the file cannot be read or a tensor is missing or of another shape.
    """
    try:
        found = timm.models.load_state_dict(str(path), device="cpu", weights_only=True)
    except Exception as error:
        raise ParameterError(
            f"The weights {path} cannot be read as a state dict ({type(error).__name__}); "
            "give a .pth or .safetensors file with tensors by name."
        ) from None
    expected = net.state_dict()
    if in_order and len(found) == len(expected):
        found = dict(zip(expected, found.values(), strict=True))
    wrong = next((k for k in expected if k not in found), None)
    wrong = wrong or next((k for k in found if k not in expected), None)
    wrong = wrong or next((k for k in expected if found[k].shape != expected[k].shape), None)
    if wrong is not None:
        shape = tuple(found[wrong].shape) if wrong in found else "nothing"
        want = tuple(expected[wrong].shape) if wrong in expected else "nothing"
        raise ParameterError(
            f"The weights {path} do not fit {type(net).__name__}: {wrong} should be {want} and "
            f"is {shape}; give weights of the same architecture."
        )
    net.load_state_dict(found)


def _build(name: str, pretrained: bool) -> nn.Module:
    plain = name.removeprefix("timm/")
    if name not in PAPER_MODELS and not timm.is_model(plain):
        known = [
            *offline.NETWORKS,
            *PAPER_MODELS,
            *timm.list_models(),
            *timm.list_models(pretrained=True),
        ]
        near = did_you_mean(plain, known)
        hint = near if near.startswith("did") else "see timm.list_models()"
        raise ParameterError(f"There is no model {name!r}; {hint}")
    try:
        if name in PAPER_MODELS:
            weights: Any = "DEFAULT" if name == "alexnet" else "IMAGENET1K_V1"
            return torchvision.models.get_model(name, weights=weights if pretrained else None)
        return timm.create_model(plain, pretrained=pretrained)
    except (OSError, RuntimeError, ValueError) as error:  # hub and URL errors are OSErrors
        if not pretrained:
            raise
        raise ParameterError(
            f"The weights of {name!r} could not be fetched ({type(error).__name__}); connect to "
            f"the network, give weights=FILE, or use {OFFLINE!r}, whose weights need no network."
        ) from None


def _head_name(net: nn.Module, name: str) -> str:
    """Find the path of the layer that makes the logits; ParameterError when there is none."""
    modules = {n: m for n, m in net.named_modules() if not list(m.children())}
    if hasattr(net, "get_classifier"):
        head = net.get_classifier()  # type: ignore[operator]
    else:
        head = next((m for m in reversed(modules.values()) if list(m.parameters())), None)
    if isinstance(head, nn.Linear | nn.Conv2d):
        return next(n for n, m in modules.items() if m is head)
    raise ParameterError(
        f"The model {name!r} has no single classifier head to train; name a model that ends in "
        "one linear layer, such as a timm model with ImageNet classes."
    )
