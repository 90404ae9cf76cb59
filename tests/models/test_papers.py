import math

import pytest
import timm.layers
import torch
import torchvision
from torch import nn

from nbcore.errors import ParameterError
from nbcore.models import papers
from nbcore.models.papers import StandardizedConv2d, build, probe_points
from nbcore.models.small import small_cnn


def count(model, kind):
    return sum(type(m) is kind for m in model.modules())


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def conv(a, b, side=3):
    return a * b * side * side


@pytest.fixture(scope="module")
def full_size():
    """The paper's three at the paper's widths."""
    return {"vgg16": papers.vgg16(), "resnet18": papers.resnet18(), "mlp": papers.mlp()}


def test_vgg16_at_full_width_is_torchvisions_without_dense_layers(full_size):
    model = full_size["vgg16"]
    sizes = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    by_hand = sum(conv(a, b) + b for a, b in zip([3, *sizes], sizes, strict=False))
    assert parameters(model) == by_hand + 512 * 10 + 10 == 14_719_818
    with torch.device("meta"):
        theirs = torchvision.models.vgg16().features
    shapes = [tuple(m.weight.shape) for m in theirs if isinstance(m, nn.Conv2d)]
    assert [tuple(m.weight.shape) for m in model.modules() if type(m) is nn.Conv2d] == shapes
    assert count(model, nn.Conv2d) == 13 and count(model, nn.Linear) == 1
    assert count(model, nn.MaxPool2d) == 5 and count(model, nn.ReLU) == 13


def test_resnet18_at_full_width_has_eight_blocks_and_no_batch_norm(full_size):
    model = full_size["resnet18"]
    by_hand = conv(3, 64) + 2 * 64
    for a, b in zip([64, 64, 128, 256], [64, 128, 256, 512], strict=True):
        by_hand += conv(a, b) + 3 * conv(b, b) + 8 * b  # four norms of a scale and a shift
        by_hand += (conv(a, b, 1) + 2 * b) if a != b else 0
    assert parameters(model) == by_hand + 512 * 10 + 10 == 11_173_962
    with torch.device("meta"):
        theirs = torchvision.models.resnet18()
    stages = sum(parameters(getattr(theirs, f"layer{i}")) for i in (1, 2, 3, 4))
    assert stages == sum(parameters(m) for m in model.modules() if type(m) is papers.ResidualBlock)
    assert count(model, papers.ResidualBlock) == 8
    assert count(model, StandardizedConv2d) == 1 + 16 + 3 and count(model, nn.Conv2d) == 0
    assert count(model, nn.GroupNorm) == 1 + 16 + 3


def test_mlp_at_full_width_has_seven_hidden_layers(full_size):
    model = full_size["mlp"]
    by_hand = (3072 + 1) * 2048 + 6 * (2048 + 1) * 2048 + (2048 + 1) * 10
    assert parameters(model) == by_hand == 31_492_106
    assert count(model, nn.Linear) == 8 and count(model, nn.ReLU) == 7
    deep = papers.mlp(16, depth=15, side=8, channels=1, n_classes=3)
    assert count(deep, nn.Linear) == 16 and deep.head.weight.shape == (3, 16)
    assert deep.name == "mlp-15x16"


def test_no_network_normalises_by_batch_or_drops(full_size):
    for model in full_size.values():
        kinds = {type(m).__name__ for m in model.modules()}
        assert not {k for k in kinds if "BatchNorm" in k or "Dropout" in k}


def test_probe_points_of_the_paper(full_size):
    points = {name: probe_points(model) for name, model in full_size.items()}
    assert {name: len(p) for name, p in points.items()} == {"vgg16": 13, "resnet18": 9, "mlp": 7}
    assert list(points["vgg16"]) == [f"conv{i}" for i in range(1, 14)]
    assert list(points["resnet18"]) == ["stem", *(f"block{i}" for i in range(1, 9))]
    assert list(points["mlp"]) == [f"hidden{i}" for i in range(1, 8)]
    for name, model in full_size.items():  # in the order in which the modules stand
        order = [n for n, _ in model.named_modules()]
        places = [order.index(path) for path in points[name].values()]
        assert places == sorted(places) and model.head_name not in points[name].values()


@pytest.mark.parametrize("point", ["conv1", "norm1", "conv2", "norm2", "sum"])
def test_a_residual_block_can_be_probed_at_named_places(point):
    model = papers.resnet18(8)
    points = probe_points(model, point)
    assert points["block3"].endswith(f".{point}") and points["stem"] == "net.1"
    assert {type(model.get_submodule(p)) for n, p in points.items() if n != "stem"} == {
        {"c": StandardizedConv2d, "n": nn.GroupNorm, "s": nn.Identity}[point[0]]
    }


@pytest.mark.parametrize("point", ["relu", "shortcut", ""])
def test_other_places_in_a_block_are_refused(point):
    with pytest.raises(ParameterError, match=f"conv1, norm1, conv2, norm2 or sum, not '{point}'"):
        probe_points(papers.resnet18(8), point)


def test_a_network_that_is_not_the_papers_has_no_named_probe_points():
    with pytest.raises(ParameterError, match="no named probe points.*block_points"):
        probe_points(small_cnn(4))


def test_standardized_filters_have_mean_0_and_equal_norm():
    torch.manual_seed(0)
    layer = StandardizedConv2d(6, 10, 3, 1, 1, bias=False)
    with torch.no_grad():
        layer.weight.mul_(7).add_(3)
    seen = []
    real = papers.conv2d
    papers.conv2d = lambda x, w, *rest: seen.append(w) or real(x, w, *rest)
    try:
        x = torch.randn(2, 6, 9, 9)
        out = layer(x)
    finally:
        papers.conv2d = real
    torch.testing.assert_close(seen[0].mean((1, 2, 3)), torch.zeros(10), atol=1e-6, rtol=0)
    torch.testing.assert_close(seen[0].var((1, 2, 3), correction=0) * 54, torch.ones(10))
    # timm's own implementation, with the same scale of one over the root of the fan-in
    theirs = timm.layers.ScaledStdConv2d(6, 10, 3, 1, padding=1, bias=False, gamma=1.0, eps=1e-8)
    theirs.weight = layer.weight
    torch.testing.assert_close(out, theirs(x), atol=1e-5, rtol=1e-5)
    # so neither the scale nor the offset of a filter matters
    with torch.no_grad():
        layer.weight.mul_(0.2).add_(-1)
    torch.testing.assert_close(out, layer(x), atol=1e-5, rtol=1e-4)


def test_a_residual_block_equals_its_formula():
    torch.manual_seed(1)
    x = torch.randn(3, 8, 6, 6)
    for outside, stride in ((8, 1), (16, 2)):
        block = papers.ResidualBlock(8, outside, stride)
        shortcut = x if stride == 1 else block.shortcut[1](block.shortcut[0](x))
        hidden = block.norm1(block.conv1(x)).clamp(min=0)
        expected = (block.norm2(block.conv2(hidden)) + shortcut).clamp(min=0)
        torch.testing.assert_close(block(x), expected)
        assert expected.shape == (3, outside, 6 // stride, 6 // stride)


@pytest.mark.parametrize("architecture", papers.ARCHITECTURES)
@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3), (9, 3)])
def test_any_side_and_either_colour(architecture, side, channels):
    model = build(architecture, 8, 5, channels, side, depth=2).eval()
    images = torch.randint(0, 256, (2, channels, side, side), dtype=torch.uint8)
    with torch.no_grad():
        assert model(images).shape == (2, 5)


@pytest.mark.parametrize("architecture", papers.ARCHITECTURES)
def test_the_seed_decides_all_weights(architecture):
    def weights(seed):
        return build(architecture, 8, 5, 1, 8, 3, seed).state_dict()

    torch.manual_seed(0)
    first = weights(3)
    torch.manual_seed(1)
    again, other = weights(3), weights(4)
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert all(not torch.equal(first[k], other[k]) for k in first if k.endswith("conv1.weight"))
    assert not torch.equal(first[list(first)[0]], other[list(first)[0]])


def test_weights_are_drawn_as_he_et_al_and_logits_start_near_zero(full_size):
    for name in ("vgg16", "mlp"):
        for module in full_size[name].modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and module is not full_size[name].head:
                fan_in = module.weight[0].numel()
                spread = module.weight.std().item() * math.sqrt(fan_in / 2)
                assert spread == pytest.approx(1, abs=0.05)
                assert not module.bias.any()
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        for model in full_size.values():
            assert model.eval()(images).abs().max() < 2


def test_settings_that_make_no_network_are_one_sentence():
    with pytest.raises(ParameterError, match="no architecture 'vgg61'.*vgg16"):
        build("vgg61", 8)
    with pytest.raises(ParameterError, match="multiple of 4, not 6"):
        papers.resnet18(6)
