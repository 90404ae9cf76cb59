"""Networks of many families either run or are refused in a sentence."""

import pytest
import torch
from torch import nn

from nbcore.errors import ParameterError
from nbcore.lines.config import look_at
from nbcore.models import fits, probes
from nbcore.models.pretrained import Classifier, create
from nbcore.runs.config import resolve

#: convolutions, stages of several resolutions, tokens of a fixed side, tuples between stages
FAMILIES = [
    ("convnext_atto", 32),
    ("hrnet_w18_small", 32),
    ("vit_tiny_patch16_224", 224),
    ("xcit_nano_12_p8_224", 64),
    ("mambaout_femto", 32),
    ("regnety_002", 32),
]


@pytest.mark.parametrize(("name", "side"), FAMILIES)
def test_networks_of_many_families_are_probed(name, side):
    model = create(f"timm/{name}", 5, pretrained=False, size=side)
    points = probes.block_points(model)
    read = dict(
        probes.read(model, torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8), points)
    )
    assert points and list(read) == ["input", *points, "softmax"]
    assert all(v.ndim == 2 and len(v) == 2 and v.isfinite().all() for v in read.values())
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize("name", ["volo_d1_224", "coat_tiny", "vit_tiny_patch16_224"])
def test_a_side_that_a_network_cannot_read_is_one_sentence(name):
    with pytest.raises(ParameterError, match=rf"{name}' cannot read images of 64 × 64 pixels"):
        fits.try_out(name, [64])
    fits.try_out(name, [224])


def test_a_network_is_refused_where_its_blocks_are_asked_for():
    name = "vit_tiny_patch16_224"
    with pytest.raises(ParameterError, match="cannot read images of 64 × 64 pixels"):
        probes.block_points(create(f"timm/{name}", pretrained=False, size=64))


def test_a_chapter_looks_at_its_network_before_it_computes():
    config = resolve("rise-and-fall", model="volo_d1_224", conditions=["last-layer"])
    with pytest.raises(ParameterError, match="of 128 × 128 pixels"):
        config.before_computing()
    resolve("rise-and-fall").before_computing()
    look_at(["digits-network", "clip:ViT-B-32", "mobilenet_v2"], [1])  # known to fit


def test_what_is_not_about_the_side_stays_what_it_is():
    class Full(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x):
            raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError):
        fits.see(Classifier(Full(), name="full"), torch.zeros(1, 3, 8, 8))
