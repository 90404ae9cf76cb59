"""Features, their cache, neighbours' votes and heads: against plain computations."""

import numpy as np
import pytest
import torch
from PIL import Image

from nbcore.difficulty.pretrained import features, heads, votes
from nbcore.difficulty.pretrained.duplicates import also_in, duplicates, unlike
from nbcore.errors import DataError, ParameterError
from nbcore.measures.depth import knn_votes

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def place(own_cache):
    yield


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3)).astype(np.uint8)


def test_features_are_the_networks_pooled_and_are_not_computed_twice(images, monkeypatch):
    monkeypatch.setattr(features, "BLOCK", 2)
    found = features.extract(images, side=32)
    model = features.load_network("efficientnet_lite0").eval()
    model.size = 32
    with torch.inference_mode():
        last = model.features(torch.from_numpy(images).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found.at("penultimate"), last, rtol=2e-3, atol=2e-3)
    assert found.probes[0] == "input" and "bn2" not in found.probes  # it is the same
    assert found.at("input").shape == (5, 972) and found.at("input").dtype == np.float16
    monkeypatch.setattr(features, "_pass", lambda *_: pytest.fail("computed again"))
    monkeypatch.setattr(features, "_distinct", lambda *_: dict.fromkeys(found.probes[1:-1]))
    monkeypatch.setattr(features, "_key", lambda *_: found.files[0].parent.name)
    again = features.extract(images, side=32)
    assert again.files == found.files and len(found.files) == 3


def test_a_damaged_block_is_computed_again(images):
    file = features.extract(images, side=32).files[0]
    good = file.read_bytes()
    file.write_bytes(good[:-7])
    assert features.extract(images, side=32).files == (file,)
    assert file.read_bytes() == good


def test_pictures_are_decoded_in_order_and_a_bad_one_is_named(tmp_path, images):
    names = []
    for i, x in enumerate(images):
        names.append(tmp_path / f"{i}.png")
        Image.fromarray(x).resize((32, 32)).save(names[-1])
    found = features.extract(names, side=32)
    one = features.extract(names[3:4], side=32)
    np.testing.assert_allclose(found.at("input")[3], one.at("input")[0], atol=2e-3)
    names[2].write_text("no image")
    with pytest.raises(DataError, match=r"2\.png is no readable image"):
        features.extract(names, side=32)


def test_what_cannot_be_had_is_said_with_what_can():
    with pytest.raises(ParameterError, match="cannot be had: .* efficientnet_lite0, .*mobilenet"):
        features.load_network("efficientnet_lite9")
    with pytest.raises(ParameterError, match="1 to 4096 numbers"):
        features.extract(np.zeros((1, 8, 8, 3), np.uint8), numbers=5000)


@pytest.mark.parametrize("shape", [(2, 16, 7, 5), (2, 50, 192), (2, 5000), (2, 300)])
def test_pooled_values_are_averages(shape):
    x = torch.randn(shape)
    out = features.pooled(x, 1024)
    assert out.shape[0] == 2 and out.shape[1] <= 1024
    np.testing.assert_allclose(features.pooled(torch.ones(shape), 1024), 1.0, rtol=1e-6)
    if shape[1] == 300:
        assert torch.equal(out, x)


def test_votes_from_one_search_are_those_of_a_search_for_each_split():
    x = RNG.normal(size=(90, 4)).astype(np.float32)
    labels, k = RNG.integers(0, 3, 90), 7
    found = votes.found_at(x, k)
    trained = np.arange(90) % 5 != 0
    expected = knn_votes(x[trained], labels[trained], x, k, n_classes=3)
    np.testing.assert_array_equal(votes.votes(found, trained, labels, k, 3), expected)
    few = RNG.random(90) < 0.3  # fewer than 7 of 14 neighbours: searched again
    expected = knn_votes(x[few], labels[few], x, k, n_classes=3)
    np.testing.assert_array_equal(votes.votes(found, few, labels, k, 3, x), expected)
    with pytest.raises(ValueError, match="need a new search"):
        votes.votes(found, few, labels, k, 3)
    with pytest.raises(ValueError, match="only 2 examples"):
        votes.votes(found, np.arange(90) < 2, labels, k, 3)


def test_the_neighbours_share_is_a_mean_over_held_out_members():
    x = RNG.normal(size=(60, 3)).astype(np.float32)
    labels = RNG.integers(0, 2, 60)
    held = np.stack([np.arange(60) % 3 == i % 3 for i in range(2)])
    said, share = votes.answers({"a": votes.found_at(x, 5)}, held, labels, 5, 2, {"a": x})
    counts = knn_votes(x[~held[0]], labels[~held[0]], x, 5, n_classes=2)
    np.testing.assert_array_equal(said[0, 0], counts.argmax(1))
    np.testing.assert_allclose(share[0, held[0]], (counts[np.arange(60), labels] / 5)[held[0]])
    assert np.isnan(share[0, 2::3]).all()


def test_heads_are_ridge_regressions():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(1)
    x = heads.prepared(rng.normal(size=(120, 6)))
    labels = (x[:, 0] + 0.3 * rng.normal(size=120) > 0).astype(int) + (x[:, 1] > 0)
    held = np.stack([np.arange(120) % 3 == i for i in range(3)])
    found = heads.fit(x, labels, held, 3)
    one_hot = np.eye(3)[labels] - 1 / 3
    alpha = found.penalty * float((x**2).mean()) * 80
    wide = np.hstack([x, np.ones((120, 1))])
    model = Ridge(alpha, fit_intercept=False).fit(wide[~held[1]], one_hot[~held[1]])
    z = model.predict(wide) * found.scale
    np.testing.assert_allclose(found.logits[held[1]], z[held[1]], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found.answers[1], z.argmax(1))
    top = np.sort(z, 1)
    np.testing.assert_allclose(found.margin[1], top[:, -1] - top[:, -2], atol=1e-3)
    assert (found.history[:, -1] == found.answers).all()
    assert (found.probability.argmax(1) == labels).mean() > 0.6


def test_copies_are_found_once_with_what_they_say_of_labels():
    x = RNG.normal(size=(40, 8)).astype(np.float16)
    x[7], x[9] = x[3], x[4] + np.float16(0.001)
    found = {"input": votes.found_at(x, 5), "end": votes.found_at(x, 5)}
    labels = np.zeros(40, int)
    labels[7] = 1
    pairs = duplicates(x, x, found, labels, np.arange(40) < 9)
    assert pairs[["one", "other", "exact"]].values.tolist() == [[3, 7, True], [4, 9, False]]
    assert pairs["same_label"].tolist() == [False, True]
    assert pairs["same_split"].tolist() == [True, False]
    assert duplicates(x[10:], x[10:], {"a": votes.found_at(x[10:], 5)}, labels[10:]).empty


def test_images_that_are_in_another_split_too(tmp_path):
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_text(file.name)
    others = {"test": ([b"c", b"x"], np.array(["test c", "test x"]))}
    assert also_in(files, others).tolist() == ["", "", "test c"]
    assert also_in(files, {}).tolist() == [""] * 3
    pixels = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    assert also_in(pixels, {"test": (pixels[1:], np.array(["t 0"]))}).tolist() == ["", "t 0"]


def test_an_image_like_no_other_stands_out():
    x = RNG.normal(size=(200, 5)).astype(np.float32)
    x[17] += 40
    marked = unlike(x, votes.found_at(x, 10))
    assert marked[17] and marked.sum() <= 2
