from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from nbcore.errors import ParameterError
from nbcore.models import pretrained
from nbcore.models.pretrained import PAPER_MODELS, Classifier, create, load_weights
from nbcore.models.small import mlp, small_cnn

REFERENCE = Path(__file__).parent / "efficientnet_lite0_logits.npy"


def test_offline_weights_give_the_logits_of_their_own_implementation():
    """The reference was computed by the package efficientnet-lite-pytorch (every 20th logit)."""
    ramp = np.arange(2 * 3 * 64 * 64).reshape(2, 3, 64, 64)
    images = torch.from_numpy((127.5 + 127.5 * np.sin(ramp * 0.0137)).astype(np.uint8))
    with torch.no_grad():
        logits = create().eval()(images)
    np.testing.assert_allclose(logits[:, ::20], np.load(REFERENCE), rtol=0, atol=1e-4)


def test_preprocessing_resizes_repeats_grey_and_normalises():
    model = create("resnet18", 10, pretrained=False, size=48)
    black = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    assert model.prepare(black).shape == (1, 3, 48, 48)
    expected = -np.array(pretrained.IMAGENET_MEAN) / np.array(pretrained.IMAGENET_STD)
    np.testing.assert_allclose(model.prepare(black)[0, :, 5, 5], expected, rtol=1e-5)
    assert create(size=None).prepare(black).shape == (1, 3, 32, 32)


@pytest.mark.parametrize("name", ["resnet18", "vgg11_bn", "resnetv2_50x1_bit", "timm/resnet18"])
def test_head_and_features_of_every_kind(name):
    if name == "vgg11_bn":  # 500 MB at full width: the head's place is what is tested
        with torch.device("meta"):
            model = Classifier(pretrained._build(name, False), 32, name=name)
        assert model.head_name == "classifier.6" and model.feature_dim == 4096
        return
    model = create(name, 7, pretrained=False, size=32).eval()
    images = torch.randint(0, 255, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        features, logits = model.features(images), model(images)
        again = model.head(features[..., None, None] if "bit" in name else features).flatten(1)
    assert features.shape == (2, model.feature_dim) and logits.shape == (2, 7)
    torch.testing.assert_close(again, logits)


def test_the_seed_decides_the_weights_and_the_paper_models_are_known():
    a, b, c = (create(n_classes=3, pretrained=False, seed=s).state_dict() for s in (0, 0, 1))
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert not torch.equal(a["net.conv_stem.weight"], c["net.conv_stem.weight"])
    heads = [create(n_classes=3, pretrained=p, seed=4).head.weight for p in (True, False)]
    assert torch.equal(*heads)
    import torchvision

    assert set(PAPER_MODELS) <= set(torchvision.models.list_models())
    assert all(timm.is_model(f"resnetv2_{k}_bit") for k in ("50x1", "101x3", "152x4"))


def test_unknown_model_names_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'resnet50'"):
        create("resnet_50x")
    with pytest.raises(ParameterError, match="timm.list_models"):
        create("qqqqqqq")


def test_model_without_classifier_head():
    for net in (
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.ReLU()),
        timm.create_model("resnet10t", num_classes=0),
    ):
        with pytest.raises(ParameterError, match="no single classifier head"):
            Classifier(net)


def test_weights_that_do_not_fit(tmp_path):
    net, file = torch.nn.Linear(3, 2), tmp_path / "w.pth"
    for state, message in (
        ({"weight": torch.zeros(2, 4), "bias": torch.zeros(2)}, "weight should"),
        ({"weight": torch.zeros(2, 3)}, "bias should .* is nothing"),
    ):
        torch.save(state, file)
        with pytest.raises(ParameterError, match=message):
            load_weights(net, file)
    file.write_bytes(b"not weights")
    with pytest.raises(ParameterError, match="cannot be read as a state dict"):
        create("resnet18", weights=file)
    torch.save({"weight": torch.ones(2, 3), "bias": torch.ones(2)}, file)
    load_weights(net, file)
    assert net.weight.sum() == 6


def test_weights_that_cannot_be_fetched(monkeypatch):
    def no_network(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", no_network)
    with pytest.raises(ParameterError, match="could not be fetched .* 'efficientnet_lite0'"):
        create("resnet10t")


def test_small_networks():
    images = torch.randint(0, 255, (2, 3, 32, 32), dtype=torch.uint8)
    for net in (small_cnn(8), small_cnn(8, residual=True), mlp(32, 64, 2)):
        assert net(images).shape == (2, 10)
    assert small_cnn(4, 3, channels=1)(images[:, :1, :8, :8]).shape == (2, 3)
