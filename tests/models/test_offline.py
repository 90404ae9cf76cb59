"""Pretrained networks whose weights need no network: they are theirs, and do what they should."""

import numpy as np
import pytest
import torch
import torchvision
from timm.data import ImageNetInfo

from nbcore import data
from nbcore.data.classmaps import load_map
from nbcore.errors import DataError
from nbcore.models import offline
from nbcore.models.pretrained import create

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, 96, 96), np.uint8))


@pytest.mark.parametrize("name", offline.NETWORKS)
def test_every_network_ends_in_a_linear_layer_on_its_features(name):
    model = create(name, 10, pretrained=False, size=64).eval()
    with torch.no_grad():
        features = model.features(IMAGES)
        assert features.shape == (3, model.feature_dim)
        torch.testing.assert_close(model.head(features), model(IMAGES))


def test_squeezenet_is_its_own_network_without_the_last_relu(real_data):
    theirs = torchvision.models.squeezenet1_0(weights=None).eval()
    path = offline.weights_file("squeezenet1_0")
    theirs.load_state_dict(torch.load(path, weights_only=True))
    ours = create("squeezenet1_0", size=96).eval()
    with torch.no_grad():
        x = ours.prepare(IMAGES)
        places = theirs.classifier[1](theirs.features(x))
        torch.testing.assert_close(ours(IMAGES), places.mean((2, 3)), rtol=1e-4, atol=1e-4)


def test_mobilenet_is_torchvisions(real_data):
    theirs = torchvision.models.mobilenet_v2(weights=None).eval()
    theirs.load_state_dict(torch.load(offline.weights_file("mobilenet_v2"), weights_only=True))
    ours = create("mobilenet_v2", size=96).eval()
    with torch.no_grad():
        torch.testing.assert_close(ours(IMAGES), theirs(ours.prepare(IMAGES)))


def test_larger_networks_of_one_family_know_more(real_data):
    """Accuracy on photographs of ten classes, ImageNet's classes summed over the map."""
    images = data.load("cinic10-imagenet", "test")
    synsets = ImageNetInfo().label_names()
    table = load_map("cifar10", images.classes, synsets).targets
    rows = np.random.default_rng(0).permutation(len(images))[:200]
    x, truth = torch.from_numpy(images.images[rows]).permute(0, 3, 1, 2), images.labels[rows]
    right = {}
    for name in ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"):
        with torch.no_grad():
            chance = create(name, size=128).eval()(x).softmax(1).numpy()
        scores = np.stack([chance[:, table[c]].sum(1) for c in images.classes], 1)
        right[name] = (scores.argmax(1) == truth).mean()
    assert 0.3 < right["efficientnet_lite0"] < right["efficientnet_lite2"], right


def test_weights_that_are_not_here_are_one_sentence(monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_OFFLINE", "1")
    monkeypatch.delenv("NBCORE_DATA", raising=False)
    with pytest.raises(DataError, match="mobilenet_v2"):
        create("mobilenet_v2")
    with pytest.raises(DataError, match="squeezenet1_0"):
        create("squeezenet1_0")


def test_changed_weights_are_refused_with_both_checksums(monkeypatch, tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "mobilenet_v2-b0353104.pth").write_bytes(b"other weights")
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="sha256 is .* where b03531047ff"):
        create("mobilenet_v2")
