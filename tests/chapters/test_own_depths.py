"""Images of one's own: in a tiny network, bad input, and in the one that ships with a package."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from PIL import Image
from sklearn.datasets import load_digits

from nbcore.chapters.prediction_depth import own_images, own_runs
from nbcore.chapters.prediction_depth import own_page as page
from nbcore.chapters.prediction_depth.config import PredictionDepth, companions
from nbcore.chapters.prediction_depth.own_runs import OwnDepths, measure, run_own
from nbcore.depths.roster import ensembles
from nbcore.errors import DataError, ParameterError
from nbcore.measures.depth import knn_predict, prediction_depth
from nbcore.models import pretrained, probes
from nbcore.models.small import small_cnn
from nbcore.publish.chapters import get_chapter
from nbcore.training import loop

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))


@pytest.fixture
def tiny(monkeypatch):
    """A network of 16 pixels in the place of a pretrained one."""

    def create(name, seed=0):
        model = small_cnn(8, 10, seed=seed)
        model.net.pretrained_cfg = {"input_size": (3, 16, 16)}
        return model

    monkeypatch.setattr(pretrained, "create", create)


def draw(folder, counts, side=20, grey=False):
    """Noisy pictures, brighter from class to class; returns the folder."""
    for c, (name, n) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            shape = (side, side + i % 3) if grey else (side, side + i % 3, 3)
            pixels = RNG.integers(0, 60, shape) + 180 * c // max(len(counts) - 1, 1)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{i:03}.png")
    return folder


@pytest.fixture
def folder(tmp_path):
    return draw(tmp_path / "mine", {"ant": 20, "bee": 20, "cow": 12})


def config(folder, **more) -> OwnDepths:
    return OwnDepths(**{"dataset": str(folder), "k": 5, "device": "cpu"} | more)


def test_depths_are_those_of_the_definition(folder, tiny):
    m = measure(config(folder))
    assert m.attrs["classes"] == ["ant", "bee", "cow"] and m.sizes["image"] == 52
    out = m["held_out"].values
    np.testing.assert_array_equal(np.bincount(m["label"].values[out]), [4, 4, 2])
    model = pretrained.create("any")
    chosen = own_images.load(str(folder), 16, lambda _: 10**6)
    own_runs.fit_head(model, chosen, "cpu")
    np.testing.assert_array_equal(chosen.files, m["file"])
    images, n = loop.as_tensor(chosen.images), chosen.training
    said = [
        knn_predict(e[:n].numpy(), chosen.labels[:n], e.numpy(), 5)
        for _, e in probes.read(model, images, probes.block_points(model))
    ]
    answers = probes.logits(model, images).argmax(1).numpy()
    np.testing.assert_array_equal(m["prediction"], answers)
    np.testing.assert_array_equal(m["depth"], prediction_depth(np.stack(said, 1), answers))
    assert m["votes"].values.max() <= 5
    assert (m["prediction"] == m["label"]).values.mean() > 0.9


def test_a_rerun_is_read_and_a_changed_folder_is_not(folder, tiny, monkeypatch):
    first = run_own(config(folder))
    assert first.origin == "computed"
    monkeypatch.setattr(own_runs, "measure", lambda _: pytest.fail("measured again"))
    again = run_own(config(folder))
    assert again.origin == "cached" and again.member("images").identical(first.member("images"))
    (folder / "ant" / "000.png").unlink()
    with pytest.raises(pytest.fail.Exception):
        run_own(config(folder))


def test_the_table_has_a_row_per_image(folder, tiny, tmp_path):
    run = run_own(config(folder))
    file = own_runs.write_table(run, str(folder))
    table, m = pd.read_csv(file), run.member("images")
    assert file.name.startswith("mine-") and len(table) == 52
    assert set(table["file"]) == {p.relative_to(folder).as_posix() for p in folder.rglob("*.png")}
    assert (table["label"] == table["file"].str.split("/").str[0]).all()
    assert (table["correct"] == (table["label"] == table["prediction"])).all()
    assert list(table["split"].unique()) == ["training", "held out"]
    np.testing.assert_array_equal(table["votes softmax"], m["votes"].sel(probe="softmax"))


def test_a_split_of_the_folders_own_is_kept(tmp_path, tiny):
    draw(tmp_path / "mine" / "train", {"ant": 9, "bee": 8})
    draw(tmp_path / "mine" / "test", {"ant": 3})
    m = measure(config(tmp_path / "mine"))
    assert m["held_out"].values.sum() == 3
    assert all(f.startswith("test/ant") for f in m["file"].values[-3:])
    draw(tmp_path / "mine" / "test", {"cow": 3})
    with pytest.raises(DataError, match="The class 'cow' of .* has 0 images to learn from"):
        measure(config(tmp_path / "mine"))


def test_parquet_and_a_named_set_are_images_too(tmp_path, tiny):
    import io

    def png(c):
        file = io.BytesIO()
        pixels = RNG.integers(100 * c, 100 * c + 50, (9, 9), dtype=np.uint8)
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()

    rows = [{"image": {"bytes": png(i % 2)}, "label": i % 2} for i in range(20)]
    pd.DataFrame(rows).to_parquet(tmp_path / "mine.parquet")
    m = measure(config(tmp_path / "mine.parquet"))
    assert m["held_out"].values.sum() == 4 and m["file"].values[0] == "train 0"
    m = measure(config("digits", examples=120))
    assert m.sizes["image"] == 120 and m.attrs["found"] == 1797
    assert m["file"].values[-1].startswith("test ")


def test_grey_images_and_two_classes_work(tmp_path, tiny):
    m = measure(config(draw(tmp_path / "grey", {"dark": 10, "light": 10}, grey=True)))
    assert m.sizes["channel"] == 1
    assert (m["prediction"] == m["label"]).all() and set(m["prediction"].values) == {0, 1}


def test_more_images_than_memory_are_thinned_evenly(folder, tiny, monkeypatch):
    monkeypatch.setattr(own_runs, "_room", lambda *_: 30)
    m = measure(config(folder))
    assert (m.sizes["image"], m.attrs["found"]) == (30, 52)
    np.testing.assert_array_equal(np.bincount(m["label"]), [10, 10, 10])
    with pytest.raises(DataError, match=r"3 images.*\(9 of 52 images were used\); a class needs 4"):
        measure(config(folder, examples=9))


def test_the_widest_probe_decides_how_many_fit(tiny, monkeypatch):
    model = pretrained.create("any")
    points, image = probes.block_points(model), np.zeros((1, 16, 16, 3), np.uint8)
    widest = max(e.shape[1] for _, e in probes.read(model, loop.as_tensor(image), points))
    monkeypatch.setattr(own_runs, "BUDGET", 4 * widest * 7 + 3)
    assert own_runs._room(model, points, image) == 7


@pytest.mark.parametrize(
    "counts, words",
    [
        ({"ant": 9}, "images of one class only, 'ant'"),
        ({"ant": 9, "bee": 3}, "The class 'bee' of .* has 3 images to learn from; a class needs 4"),
        ({"ant": 9, "bee": 3, "cow": 2}, "3 images to learn from, and too few also cow; a class"),
    ],
)
def test_too_few_images_are_one_sentence(tmp_path, tiny, counts, words):
    with pytest.raises(DataError, match=words):
        measure(config(draw(tmp_path / "few", counts)))


def test_other_bad_input_is_one_sentence(folder, tiny, monkeypatch, tmp_path):
    with pytest.raises(ParameterError, match="only 42 training images to find 43 neighbours among"):
        measure(config(folder, k=43))
    with pytest.raises(DataError, match="no file or folder"):
        run_own(config(tmp_path / "nowhere"))
    (folder / "ant" / "000.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="000.png is no readable image"):
        measure(config(folder))
    monkeypatch.setattr(own_images, "BUDGET", 1000)
    (folder / "ant" / "000.png").unlink()
    with pytest.raises(DataError, match="51 images of different sizes.*give 1 at most"):
        measure(config(folder))


def test_an_unknown_model_is_one_sentence(folder):
    with pytest.raises(ParameterError, match="no model 'efficientnet_lite'; did you mean"):
        measure(config(folder, model="efficientnet_lite"))


@pytest.mark.parametrize(
    "where, words", [("features", "of the features"), ("probe", "at the probe ")]
)
def test_a_network_that_gives_nan_is_one_sentence(folder, tiny, monkeypatch, where, words):
    if where == "features":
        monkeypatch.setattr(loop, "cached_features", lambda *_: torch.full((32, 4), float("nan")))
    else:
        read = probes.read
        monkeypatch.setattr(
            probes, "read", lambda *a, **k: ((n, e * float("nan")) for n, e in read(*a, **k))
        )
    with pytest.raises(ParameterError, match=f"does not give finite numbers.*{words}.*another"):
        measure(config(folder))


def test_the_gallery_holds_the_ends_of_each_class():
    depths = np.array([3, 1, 2, -1, 5, 4, 0, 7])
    labels, held = np.array([0] * 6 + [1] * 2), np.array([True] * 7 + [False])
    np.testing.assert_array_equal(own_runs.pick(depths, labels, held, 2), [1, 2, 0, 5, 4, 6])
    n = 40
    chosen = own_runs.pick(np.arange(n) % 20, np.zeros(n, int), np.ones(n, bool), 1)
    np.testing.assert_array_equal(chosen, [0, 20, 1, 21, 2, 37, 18, 38, 19, 39])
    assert len(own_runs.pick(depths, labels, np.zeros(8, bool), 2)) == 0


def test_the_page_shows_everything(folder, tiny, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(page, "display", shown.append)
    given = PredictionDepth.resolve(
        "smoke", dataset=str(folder), model="efficientnet_lite0", own_k=5, device="cpu"
    )
    page.show_own(given)
    said = capsys.readouterr().out
    assert "52 images of 3 classes, 10 of them held out" in said and "k = 5" in said
    assert "Computed on" in said and "One row an image: " in said
    figures, texts = shown[:2], [repr(x) for x in shown[2:]]
    assert all(f.to_dict()["description"] for f in figures)
    assert "votes for the label" in texts[0] and "earliest decided" in texts[1]
    page.show_own(dataclasses.replace(given, dataset="", model=""))
    assert "-p dataset=FOLDER" in capsys.readouterr().out


@pytest.mark.parametrize("preset", ["book", "smoke"])
def test_own_images_leave_the_chapters_ensembles_as_they_are(folder, preset):
    chapter = get_chapter("prediction-depth")
    own = [f"preset={preset}", f"dataset={folder}", "model=efficientnet_lite0"]
    given = chapter.check(chapter.read([*own, "own_k=3", "own_images=20", "own_seed=1"]))
    config = PredictionDepth.resolve(**given)
    assert ensembles(config) == ensembles(PredictionDepth.resolve(preset))
    assert companions(config) == companions(PredictionDepth.resolve(preset))
    assert config.setup() == PredictionDepth.resolve(preset).setup()
    for name, value, instead in (
        ("k", "3", "give own_k"),
        ("seed", "4", "give own_seed"),
        ("examples", "20", "give own_images"),
        ("width", "3", "leave it out"),
        ("members", "3", "leave it out"),
        ("scale", "paper", "leave it out"),
        ("datasets", "cifar10", "leave it out"),
    ):
        words = f"{name} is a setting of the chapter's .*{instead}"
        with pytest.raises(ParameterError, match=words):
            chapter.check(chapter.read([*own, f"{name}={value}"]))


@pytest.mark.parametrize(
    "depths, found",
    [
        ([0, 0, 3, 3], "100% of the shallower 2, 50% of the deeper 2"),
        ([0, 3, 3, 3], "100% of the shallower 1, 67% of the deeper 3"),
    ],
)
def test_the_title_compares_shallower_with_deeper(depths, found):
    m = xr.Dataset(
        {
            "depth": ("image", depths),
            "held_out": ("image", [True] * 4),
            "label": ("image", [0, 1, 1, 0]),
            "prediction": ("image", [0, 1, 1, 1]),
        },
        coords={"probe": list("abcd")},
    )
    assert f"are less often right: {found}" in page.by_depth(m).to_dict()["description"]


def test_figures_stand_where_no_depth_is_defined(folder, tiny):
    m = measure(config(folder))
    m["depth"][:] = -1
    assert "undefined" in page.histogram(m).to_dict()["description"]
    assert "too few" in page.by_depth(m).to_dict()["description"]


@pytest.fixture(scope="module")
def digits_folder(tmp_path_factory):
    """Three kinds of digits, fifteen pictures each, one subfolder a class."""
    root = tmp_path_factory.mktemp("mine")
    digits = load_digits()
    for label in (0, 1, 4):
        (root / f"digit {label}").mkdir()
        for i in np.flatnonzero(digits.target == label)[:15]:
            picture = Image.fromarray((digits.images[i] * 15).astype(np.uint8))
            picture.resize((40, 40)).save(root / f"digit {label}" / f"{i}.png")
    return root


def test_depths_of_pictures_in_the_network_that_ships_with_a_package(digits_folder):
    given = OwnDepths(dataset=str(digits_folder), k=5, device="cpu")
    run = own_runs.run_own(given)
    seen = run.member("images")
    assert seen.sizes["image"] == 45 and int(seen["held_out"].sum()) == 9
    assert seen.attrs["classes"] == ["digit 0", "digit 1", "digit 4"]
    assert seen["probe"].values[0] == "input" and seen["probe"].values[-1] == "softmax"
    right = seen["prediction"].values == seen["label"].values
    assert right[~seen["held_out"].values].mean() > 0.9  # the head was fitted to them
    last = seen.sizes["probe"] - 1
    assert set(seen["depth"].values) <= {-1, *range(last + 1)}
    assert (seen["votes"].values <= 5).all()
    # a picture that all probes give to its class with most votes, and the network too, is shallow
    sure = right & (seen["votes"].values >= 3).all(1)
    assert sure.any() and (seen["depth"].values[sure] == 0).all()
    table = pd.read_csv(own_runs.write_table(run, str(digits_folder)))
    assert len(table) == 45 and {"file", "label", "prediction", "depth"} <= set(table)
    assert own_runs.run_own(given).origin == "cached"
