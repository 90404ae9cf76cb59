"""A small network of every family that timm knows, probed as nbcore probes networks."""

import timm
import torch

from nbcore.models import probes
from nbcore.models.pretrained import create

#: words in the names of small networks, looked at first
SMALL = ("atto", "femto", "pico", "nano", "xxs", "tiny", "mini", "small", "lite0", "b0", "18")
MOST = 60_000_000


def smallest(looked_at: int = 4) -> list[str]:
    """Name the network with the fewest weights of each of timm's modules, 60 million at most.

    Of each module the first `looked_at` are counted, in the order of their names' promise.
    """
    found = []
    for module in timm.list_modules():
        names = timm.list_models(module=module)
        names.sort(key=lambda n: (not any(word in n for word in SMALL), len(n), n))
        sizes = {name: weights(name) for name in names[:looked_at]}
        found += [n for n in sizes if sizes[n] == min(sizes.values()) <= MOST][:1]
    return sorted(found)


def weights(name: str) -> float:
    """Count a network's weights; infinite where it cannot be built without numbers."""
    try:
        with torch.device("meta"):
            net = timm.create_model(name, pretrained=False)
    except Exception:
        return float("inf")
    return sum(p.numel() for p in net.parameters())


def probe(name: str, side: int) -> None:
    """Read two images at the network's blocks; AssertionError where a probe is not as promised."""
    model = create(f"timm/{name}", 5, pretrained=False, size=side)
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    points = probes.block_points(model)
    read = dict(probes.read(model, images, points))
    assert list(read) == ["input", *points, "softmax"], list(read)
    for at, values in read.items():
        assert values.ndim == 2 and len(values) == 2 and values.isfinite().all(), at
    with torch.no_grad():
        features, logits = model.features(images), model(images)
        again = torch.nn.functional.linear(features, model.head.weight.flatten(1), model.head.bias)
    assert torch.allclose(again, logits, atol=1e-4, rtol=1e-4), "the head"
