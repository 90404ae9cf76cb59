import pytest
import torch
from torch import nn
from torch.nn.functional import relu

from nbcore.errors import ParameterError
from nbcore.models import papers, probes
from nbcore.models.pretrained import Classifier, create

IMAGES = torch.randint(
    0, 256, (7, 3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)
ARCHITECTURES = sorted(papers.ARCHITECTURES)


def network(architecture):
    model = papers.build(architecture, 4, 5, 3, side=12, depth=3)
    with torch.no_grad():
        model.head.weight.mul_(100)  # so that the softmax is not flat
    return model


def everything(model, images=IMAGES, points=None, **options):
    points = papers.probe_points(model) if points is None else points
    return dict(probes.read(model, images, points, **options))


def by_hand(model, x):
    """What stands before every ReLU of one of the paper's networks, layer by layer."""
    x, out = model.prepare(x), {}
    out["input"] = x
    blocks = convolutions = hidden = 0
    for layer in model.net:
        if isinstance(layer, papers.ResidualBlock):
            blocks += 1
            inner = layer.norm2(layer.conv2(relu(layer.norm1(layer.conv1(x)))))
            out[f"block{blocks}"] = inner + layer.shortcut(x)
            x = relu(out[f"block{blocks}"])
            continue
        x = layer(x)
        if type(layer) is nn.Conv2d:
            convolutions += 1
            out[f"conv{convolutions}"] = x
        elif type(layer) is nn.Linear and layer is not model.head:
            hidden += 1
            out[f"hidden{hidden}"] = x
        elif type(layer) is nn.GroupNorm:
            out["stem"] = x
    out["softmax"] = x.exp() / x.exp().sum(1, keepdim=True)
    return {name: value.flatten(1) for name, value in out.items()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_probes_equal_a_forward_pass_by_hand(architecture):
    model = network(architecture)
    found = everything(model)
    with torch.no_grad():
        wanted = by_hand(model.eval(), IMAGES)
    assert list(found) == list(wanted)
    assert list(found)[0] == "input" and list(found)[-1] == "softmax"
    for name, value in found.items():
        assert value.dtype == torch.float32 and not value.requires_grad
        torch.testing.assert_close(value, wanted[name], msg=name)
        if name != "softmax":  # read before the ReLU
            assert (value < 0).any(), name


def test_the_first_and_the_last_probe():
    model = network("vgg16")
    found = everything(model)
    mean, std = torch.tensor(papers.CIFAR_MEAN), torch.tensor(papers.CIFAR_STD)
    pixels = (IMAGES.permute(0, 2, 3, 1) / 255 - mean) / std
    torch.testing.assert_close(found["input"], pixels.permute(0, 3, 1, 2).flatten(1))
    torch.testing.assert_close(found["softmax"], probes.logits(model, IMAGES).softmax(1))
    torch.testing.assert_close(found["softmax"].sum(1), torch.ones(7))
    assert found["conv1"].shape == (7, 4 * 12 * 12) and found["conv13"].shape == (7, 32)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_groups_and_batches_change_nothing(architecture, monkeypatch):
    model = network(architecture)
    whole = everything(model)
    passes = []
    one_pass = probes._pass
    monkeypatch.setattr(probes, "_pass", lambda *a: passes.append(list(a[2])) or one_pass(*a))
    everything(model)
    assert len(passes) == 2  # one image to learn the sizes, then all points together
    for budget in (1, 5_000, 10**9):
        passes.clear()
        parts = everything(model, max_bytes=budget)
        assert list(parts) == list(whole)
        assert all(torch.equal(parts[name], whole[name]) for name in whole)
        held = [sum(4 * 7 * whole[n].shape[1] for n in group) for group in passes[1:]]
        assert all(h <= budget or len(g) == 1 for h, g in zip(held, passes[1:], strict=True))
    assert len(passes) == 2
    for name, value in everything(model, batch=3).items():
        torch.testing.assert_close(value, whole[name], atol=1e-5, rtol=1e-5)


def test_the_model_is_left_in_eval_mode_without_hooks():
    model = network("resnet18").train()
    model.net.insert(3, nn.Dropout(0.5))
    points = {"first": "net.4.sum"}
    first, again = everything(model, points=points), everything(model.train(), points=points)
    assert not model.training and all(torch.equal(first[k], again[k]) for k in first)
    assert not any(m._forward_hooks for m in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_points_that_cannot_be_read_are_one_sentence():
    model = network("mlp")
    with pytest.raises(ParameterError, match="no module 'net.99' to probe"):
        everything(model, points={"a": "net.1", "b": "net.99"})
    model = network("mlp")
    model.spare = nn.Linear(2, 2)
    with pytest.raises(ParameterError, match="points idle never ran"):
        everything(model, points={"a": "net.1", "idle": "spare"})
    assert not any(m._forward_hooks for m in model.modules())


def test_grey_images_and_no_points_at_all():
    model = papers.mlp(8, 4, channels=1, side=8, depth=1)
    grey = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    found = everything(model, grey, {})
    assert {name: tuple(v.shape) for name, v in found.items()} == {
        "input": (3, 64),
        "softmax": (3, 4),
    }


# --- networks that are not the paper's


@pytest.mark.parametrize(
    ("name", "points"), [("resnet18", 10), ("timm/resnet18", 10), ("efficientnet_lite0", 12)]
)
def test_a_network_of_timm_is_probed_at_its_blocks(name, points):
    model = create(name, 5, pretrained=False, size=32).train()
    found = probes.block_points(model)
    assert len(found) == points and not any("head" in p or p.endswith("fc") for p in found)
    read = everything(model, IMAGES[:2], found)
    assert list(read) == ["input", *found, "softmax"]
    assert all(v.ndim == 2 and len(v) == 2 and v.isfinite().all() for v in read.values())
    # the batch norm at the start is followed by a ReLU in place, which must not be seen
    if name != "efficientnet_lite0":
        assert (read["bn1"] < 0).any()


def test_blocks_are_thinned_evenly_and_the_last_one_stays():
    model = create("efficientnet_lite0", 5, pretrained=False, size=32)
    every = list(probes.block_points(model, at_most=1000))
    assert every[:3] == ["conv_stem", "bn1", "blocks.0.0"] and every[-1] == "bn2"
    for few in (1, 2, 5, 12):
        kept = list(probes.block_points(model, few))
        places = [every.index(name) for name in kept]
        assert len(kept) == few and kept[-1] == every[-1] and places == sorted(set(places))


def test_a_network_without_layers_before_its_head_is_refused():
    net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    with pytest.raises(ParameterError, match="no layers before its head"):
        probes.block_points(Classifier(net, name="bare"))


def test_logits_in_batches_equal_one_pass():
    model = network("resnet18").train()
    z = probes.logits(model, IMAGES, batch=2)
    assert not model.training and z.shape == (7, 5) and z.dtype == torch.float32
    with torch.no_grad():
        torch.testing.assert_close(z, model(IMAGES), atol=1e-5, rtol=1e-5)
