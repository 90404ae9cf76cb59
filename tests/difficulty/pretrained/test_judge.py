"""Photographs, arrays, embeddings and probabilities, judged from the command and from Python."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nbcore import difficulty
from nbcore.difficulty import page
from nbcore.difficulty.planning import Difficulty
from nbcore.difficulty.pretrained import advice, against, features
from nbcore.errors import DataError, ParameterError

CLASSES = ("ant", "bee", "cow")


@pytest.fixture(scope="module", autouse=True)
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "BUILD", "RESULTS"):
            patch.setenv(f"NBCORE_{name}", str(folder / name))
        yield


def pictures(n: int) -> list[np.ndarray]:
    """Noise, each class brightest in a colour of its own; classes in turn."""
    rng = np.random.default_rng(0)
    out = rng.integers(0, 90, (n, 32, 32, 3))
    for i in range(n):
        out[i, ..., i % 3] += 90 + rng.integers(40)
    return list(out.astype(np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    for i, x in enumerate(pictures(90)):
        (root / CLASSES[i % 3]).mkdir(exist_ok=True)
        Image.fromarray(x).save(root / CLASSES[i % 3] / f"{i:02}.png")
    shutil.copy(root / "ant" / "00.png", root / "bee" / "copy.png")
    Image.fromarray(pictures(93)[92]).save(root / "ant" / "wrong.png")  # a cow
    return root


@pytest.fixture(scope="module")
def embeddings():
    """Three blobs in two layers, and labels of which six are wrong."""
    rng = np.random.default_rng(3)
    true = np.arange(240) % 3
    blobs = np.eye(3)[true] * 4 + rng.normal(size=(240, 3))
    labels = true.copy()
    labels[:6] = (true[:6] + 1) % 3
    return {"early": blobs + 2 * rng.normal(size=(240, 3)), "late": blobs}, labels, true


def test_a_folder_of_photographs_is_judged_by_heads(folder, tmp_path):
    settings = dict(dataset=str(folder), image_size=32, members=10, k=10, corner=5)
    found = page.report(Difficulty.resolve(**settings), tmp_path)
    told = json.loads(json.dumps(found.as_dict()))
    assert told["pretrained"] and told["network"] == "efficientnet_lite0" and told["side"] == 32
    assert told["held_out_accuracy"] > 0.8 and told["held_out_times"] == [2, 2]
    assert 0 <= told["wrong_labels"]["value"] < 0.2
    table = pd.read_csv(told["files"]["csv"]).set_index("file")
    for name, suggested in (("ant/wrong.png", "cow"), ("bee/copy.png", "ant")):
        row = table.loc[name]
        assert row["action"] == "relabel" and row["suggested"] == suggested and row["wrong"] > 0.4
        assert row["consistency"] == 0 and row["doubt"] > table["doubt"].median()
    assert table.loc["bee/copy.png", "duplicate_of"] == "ant/00.png"
    assert (table["action"] == "keep").sum() > 80 and table["depth_val"].between(0, 13).all()
    assert told["duplicates_apart"] >= 1 and "with different labels" in found.text()
    assert "expected to be wrong (wanted: 80%)" in found.text()
    assert "probability wrong" in (tmp_path / "difficulty.html").read_text()


def test_settings_of_training_are_refused_for_what_is_pretrained(folder):
    with pytest.raises(ParameterError, match="steps is a setting of networks that are trained"):
        page.report(Difficulty.resolve(dataset=str(folder), steps=100))
    with pytest.raises(ParameterError, match="k is 80, but a head trains on about 73 images"):
        page.report(Difficulty.resolve(dataset=str(folder), k=80))


def test_embeddings_of_ones_own(embeddings):
    given, labels, true = embeddings
    table = difficulty.judge(given, labels, classes=CLASSES, members=10, k=10)
    wrong = labels != true
    assert (table["action"][wrong] == "relabel").mean() > 0.6
    assert (table["action"][~wrong] == "keep").mean() > 0.9
    moved = table[wrong & (table["action"] == "relabel")]
    assert (moved["suggested"] == np.array(CLASSES)[true[moved.index]]).all()
    assert table["depth_val"].max() <= 2 and set(table["label"]) == set(CLASSES)
    expected = table.attrs["expected_precision"]["relabel"]
    assert expected["low"] <= expected["value"] <= expected["high"]
    again = difficulty.judge(given, labels, classes=CLASSES, members=10, k=10)
    pd.testing.assert_frame_equal(table, again)
    one = difficulty.judge(given["late"], [CLASSES[i] for i in labels], members=5, k=10)
    assert (one["label"] == table["label"]).all()


def test_images_and_a_torch_data_set_are_the_same():
    import torch
    from torch.utils.data import TensorDataset

    images = np.stack(pictures(60))
    labels = np.arange(60) % 3
    settings = dict(side=32, members=5, k=8)
    table = difficulty.judge(images, labels, **settings)
    scaled = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    other = difficulty.judge(TensorDataset(scaled, torch.from_numpy(labels)), **settings)
    pd.testing.assert_frame_equal(table, other)
    assert (table["action"] == "keep").mean() > 0.9


def test_probabilities_alone_give_suggestions_without_depths():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.45, 0.55], [0.6, 0.4]])
    table = difficulty.judge(None, ["a", "a", "b", "a"], probabilities=p)
    assert table["action"].tolist() == ["keep", "relabel", "inspect", "inspect"]
    assert table["suggested"].isna().tolist() == [True, False, True, True]
    assert table["suggested"][1] == "b"
    assert table["doubt"].idxmax() == 1 and "depth_val" not in table


X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
BAD = {
    "several labels": ((X, [[0, 1]] * 40), {}, DataError, "one label a row"),
    "uneven labels": ((X, [[0], [0, 1]] * 20), {}, DataError, "one label a row"),
    "unlabelled": ((X, ["a", None] * 20), {}, DataError, "20 of 40 rows have no label, .* row 1"),
    "one class": ((X, ["a"] * 40), {}, DataError, "All 40 labels are 'a'"),
    "no name": ((X, Y), {"classes": ["a"]}, DataError, "names for 0 to 0"),
    "few": ((X, [0] * 37 + [1] * 3), {}, DataError, "'1' has 3 of 40 rows.* 5 folds"),
    "length": ((X[:39], Y), {}, ParameterError, "39 rows for 40 labels"),
    "NaN": ((np.where(X > 2, np.nan, X), Y), {}, ParameterError, "hold NaN or infinity"),
    "sum": ((None, Y), {"probabilities": X[:, :2] * 0 + 0.7}, ParameterError, "row 0 sums to 1.4"),
    "shape": ((None, Y), {"probabilities": X}, ParameterError, r"here \(40, 2\), not \(40, 3\)"),
    "negative": ((None, Y), {"probabilities": X[:, :2]}, ParameterError, "lie from 0 to 1"),
    "nothing": ((None, Y), {}, ParameterError, "Give images, embeddings or probabilities"),
    "neighbours": ((X, Y), {"k": 33}, ParameterError, "k is 33, but a head trains on 32"),
    "images": ((np.zeros((40, 8, 8, 4)), Y), {}, ParameterError, "Images are uint8"),
    "no network": (
        (np.zeros((40, 8, 8, 3), np.uint8), Y),
        {"network": "efficientnet_lite9", "k": 5},
        ParameterError,
        "cannot be had: .* efficientnet_lite0, efficientnet_lite1",
    ),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(case):
    given, settings, kind, sentence = case
    with pytest.raises(kind, match=sentence):
        difficulty.judge(*given, **settings)


def test_pairs_that_neighbours_confuse_and_labels_changed_on_purpose():
    labels = np.repeat([0, 1, 2], 4)
    found = np.repeat(np.arange(12)[:, None], 3, 1)
    found[:4, 1] = 8  # class 0 lies beside class 2
    np.testing.assert_array_equal(advice.confused(found, labels, 3), [2, 2, 0])
    pair = np.array([2, 0, 1])
    for how in (advice.ALIKE, advice.PAIRS):
        out, changed = advice.changed_labels(labels, how, pair, 0.5, 1)
        assert changed.sum() == 6 and ((out != labels) == changed).all()
        if how == advice.PAIRS:
            assert (out[changed] == pair[labels[changed]]).all()
    assert [advice.share_to_change(n) for n in (100, 400, 10_000)] == [0.1, 0.075, 0.05]


def test_the_comparison_ranks_by_every_method(monkeypatch):
    monkeypatch.setattr(features, "BLOCK", 64)
    run = against.run_against(against.Against.smoke())
    table = run.table("methods")
    assert table["wrong"].item() == 30 and table["examples"].item() == 300
    values = against.methods_table(run)
    assert {against.OURS, against.CLEANLAB, against.KNN, against.LOSS} <= set(values["method"])
    ours = values.set_index("method").loc[against.OURS]
    assert ours["ahead"] == 0 == ours["ahead_high"] and ours["low"] <= ours["value"] + 0.05
    assert ours["value"] > 0.5
    compared = against.calibration(run)
    assert compared["action"].tolist() == ["relabel", "inspect"]
    assert (compared["share_true"] == 0.1).all()
    known = compared[compared["suggested"] > 0]
    assert known["true"].between(0, 1).all()
    assert (known["expected_low"] <= known["expected_high"]).all()


def test_points_of_a_curve_by_hand():
    wrong = np.array([True, False, True, False])
    weights = np.array([[1, 1, 1, 1], [2, 0, 1, 1]], float)
    found = against.curve_points(np.array([4.0, 3.0, 2.0, 1.0]), wrong, weights)
    np.testing.assert_allclose(found["average_precision"], [(1 + 2 / 3) / 2, 1.0])
    np.testing.assert_allclose(found["at_true"], [0.5, 1.0])
    np.testing.assert_allclose(found["at_100"], [0.5, 0.75])
