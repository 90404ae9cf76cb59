"""The three architectures of the prediction-depth paper (PD A.2), each with a width.

All are `Classifier`s: raw images go in. Weights are drawn from `seed` as He et al. 2015 proposed,
without which thirteen convolutions that have no normalisation do not start to learn.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, relu

from nbcore.errors import ParameterError, did_you_mean
from nbcore.models.pretrained import Classifier
from nbcore.models.small import CIFAR_MEAN, CIFAR_STD

#: channels of each stage in units of the width, and convolutions in it
VGG16 = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
GREY_MEAN, GREY_STD = (0.5,), (0.5,)


def vgg16(width: int = 64, n_classes: int = 10, channels: int = 3, seed: int = 0) -> Classifier:
    """Build VGG16 without its dense layers, batch norm or dropout (A.2.2).

    It has 13 convolutions and one linear layer. width: channels of the first convolution. Pooling
    rounds sides up, so any side will do.
    """
    layers: list[nn.Module] = []
    inside = channels
    for factor, convolutions in VGG16:
        for _ in range(convolutions):
            layers += [nn.Conv2d(inside, factor * width, 3, padding=1), nn.ReLU()]
            inside = factor * width
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    net = nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, n_classes)
    )
    return _finish(net, channels, f"vgg16-{width}", seed)


class StandardizedConv2d(nn.Conv2d):
    """A convolution whose filters are brought to mean 0 and variance 1 (Qiao et al. 2019)."""

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight
        if not x.is_cuda:  # on a CPU, group norm is 1.6 times slower on channels-last tensors
            x, w = x.contiguous(), w.contiguous()
        var, mean = torch.var_mean(w, dim=(1, 2, 3), keepdim=True, correction=0)
        scale = (w[0].numel() * var + 1e-8).rsqrt()  # variance 1 / fan-in keeps activations level
        return conv2d(x, (w - mean) * scale, self.bias, self.stride, self.padding)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with group norm and a shortcut (He et al. 2016, basic block).

    `sum` passes on the sum before its ReLU: the place to probe, as in the other architectures.
    """

    def __init__(self, inside: int, outside: int, stride: int):
        super().__init__()
        self.conv1 = StandardizedConv2d(inside, outside, 3, stride, 1, bias=False)
        self.norm1 = _group_norm(outside)
        self.conv2 = StandardizedConv2d(outside, outside, 3, 1, 1, bias=False)
        self.norm2 = _group_norm(outside)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(
                StandardizedConv2d(inside, outside, 1, stride, bias=False), _group_norm(outside)
            )
        self.sum = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm2(self.conv2(relu(self.norm1(self.conv1(x)))))
        return relu(self.sum(out + self.shortcut(x)))


def resnet18(width: int = 64, n_classes: int = 10, channels: int = 3, seed: int = 0) -> Classifier:
    """Build ResNet18 for small images with group norm and weight standardization (A.2.1).

    width: channels of the stem, a multiple of 4; stages have 1, 2, 4 and 8 times as many.
    """
    if width % 4:
        raise ParameterError(f"The width of resnet18 is a multiple of 4, not {width}.")
    stem = StandardizedConv2d(channels, width, 3, 1, 1, bias=False)
    blocks: list[nn.Module] = []
    inside = width
    for stage in range(4):
        for block in range(2):
            outside, stride = width * 2**stage, 2 if stage and not block else 1
            blocks.append(ResidualBlock(inside, outside, stride))
            inside = outside
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, n_classes)]
    net = nn.Sequential(stem, _group_norm(width), nn.ReLU(), *blocks, *head)
    return _finish(net, channels, f"resnet18-{width}", seed)


def mlp(
    width: int = 2048,
    n_classes: int = 10,
    channels: int = 3,
    seed: int = 0,
    depth: int = 7,
    side: int = 32,
) -> Classifier:
    """Build `depth` hidden layers of `width` with ReLU (A.2.3) on a side x side image's pixels."""
    sizes = [side * side * channels, *[width] * depth]
    layers: list[nn.Module] = [nn.Flatten()]
    for a, b in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(a, b), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(sizes[-1], n_classes))
    return _finish(net, channels, f"mlp-{depth}x{width}", seed)


ARCHITECTURES: dict[str, Callable[..., Classifier]] = {
    "resnet18": resnet18,
    "vgg16": vgg16,
    "mlp": mlp,
}


def build(
    architecture: str,
    width: int,
    n_classes: int = 10,
    channels: int = 3,
    side: int = 32,
    depth: int = 7,
    seed: int = 0,
) -> Classifier:
    """Build one of `ARCHITECTURES` by name; only the MLP uses side and depth (hidden layers)."""
    if architecture not in ARCHITECTURES:
        raise ParameterError(
            f"There is no architecture {architecture!r}; "
            f"{did_you_mean(architecture, ARCHITECTURES)}"
        )
    if architecture == "mlp":
        return mlp(width, n_classes, channels, seed, depth, side)
    return ARCHITECTURES[architecture](width, n_classes, channels, seed)


def probe_points(model: Classifier, in_block: str = "sum") -> dict[str, str]:
    """Map probe names to paths of the modules whose output is read, from the first to the last.

    VGG16: every convolution; MLP: every hidden layer; ResNet18: the stem's norm and each of the 8
    blocks at `in_block`: its "sum", or one of "conv1", "norm1", "conv2", "norm2" (the paper's text
    of this point is lost). All come before the ReLU (A.5). Input and softmax, which every network
    has, are not listed: with them, depth 0 is the input and the last depth the softmax.
    ParameterError for a network that is not one of the paper's, or an unknown point.
    """
    kind = model.name.split("-")[0]
    modules = {n: m for n, m in model.named_modules() if m is not model.head}
    if kind == "resnet18":
        blocks = [n for n, m in modules.items() if isinstance(m, ResidualBlock)]
        if in_block not in dict(modules[blocks[0]].named_children()) or in_block == "shortcut":
            raise ParameterError(
                f"A residual block can be probed at conv1, norm1, conv2, norm2 or sum, not "
                f"{in_block!r}."
            )
        return {"stem": "net.1"} | {
            f"block{i}": f"{n}.{in_block}" for i, n in enumerate(blocks, start=1)
        }
    layer = {"vgg16": ("conv", nn.Conv2d), "mlp": ("hidden", nn.Linear)}.get(kind)
    if layer is None:
        raise ParameterError(
            f"The model {model.name!r} has no named probe points; say which modules to read, for "
            "example with probes.block_points(model)."
        )
    paths = [n for n, m in modules.items() if type(m) is layer[1]]
    return {f"{layer[0]}{i}": path for i, path in enumerate(paths, start=1)}


def _group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(32, channels // 4), channels)


def _finish(net: nn.Module, channels: int, name: str, seed: int) -> Classifier:
    """Draw the weights (He et al. 2015), the last layer's small, so that logits start near 0."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    mean, std = (CIFAR_MEAN, CIFAR_STD) if channels == 3 else (GREY_MEAN, GREY_STD)
    model = Classifier(net, None, mean, std, name)
    nn.init.normal_(model.head.weight, std=0.01, generator=generator)  # type: ignore[arg-type]
    return model
