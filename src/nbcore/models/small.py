"""Small networks that are trained here from scratch: members of testbeds."""

import torch
from torch import nn

from nbcore.models.pretrained import Classifier

CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def _block(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()
    )


class Residual(nn.Module):
    """x + f(x), f two convolutions of the same width."""

    def __init__(self, width: int):
        super().__init__()
        self.f = nn.Sequential(_block(width, width), _block(width, width))

    def forward(self, x):
        return x + self.f(x)


def small_cnn(
    width: int, n_classes: int = 10, residual: bool = False, channels: int = 3, seed: int = 0
) -> Classifier:
    """Build three stages of width, 2 and 4 x width, each halving the image; mean pooling; linear.

    A stage is one convolution with batch norm, followed by a residual pair in the second and
    third when `residual` is set. Images of any side from 8 pixels; `channels` 1 or 3.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        inside = channels
        for stage in range(3):
            outside = width * 2**stage
            layers += [_block(inside, outside), nn.MaxPool2d(2)]
            if residual and stage:
                layers.append(Residual(outside))
            inside = outside
        net = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, n_classes)
        )
    return _classifier(net, channels, f"cnn-{width}")


def small_vgg(width: int, n_classes: int = 10, channels: int = 3, seed: int = 0) -> Classifier:
    """Build three stages as in `small_cnn`, each of two convolutions with batch norm."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        inside = channels
        for outside in (width, 2 * width, 4 * width):
            layers += [_block(inside, outside), _block(outside, outside), nn.MaxPool2d(2)]
            inside = outside
        net = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, n_classes)
        )
    return _classifier(net, channels, f"vgg-{width}")


def mlp(
    side: int, width: int, depth: int, n_classes: int = 10, channels: int = 3, seed: int = 0
) -> Classifier:
    """Build `depth` hidden layers of `width` with ReLU on the pixels of a side x side image."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = [side * side * channels, *[width] * depth]
        layers = [
            m for a, b in zip(sizes, sizes[1:], strict=False) for m in (nn.Linear(a, b), nn.ReLU())
        ]
        net = nn.Sequential(nn.Flatten(), *layers, nn.Linear(sizes[-1], n_classes))
    return _classifier(net, channels, f"mlp-{width}x{depth}")


def _classifier(net: nn.Module, channels: int, name: str) -> Classifier:
    mean, std = (CIFAR_MEAN, CIFAR_STD) if channels == 3 else ((0.5,), (0.5,))
    return Classifier(net, None, mean, std, name)
