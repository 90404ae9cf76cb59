"""Chapter 2: the whole smoke experiment, planted curves, and somebody's own model and folders."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
import xarray as xr
from PIL import Image

from nbcore import claims
from nbcore.chapters.rise_and_fall import observe as page
from nbcore.chapters.rise_and_fall import runs as chapter
from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.chapters.rise_and_fall.runs import study
from nbcore.errors import DataError, ParameterError
from nbcore.lines.compare import at_equal_accuracy
from nbcore.lines.config import SHIFTED
from nbcore.lines.frames import frame
from nbcore.lines.tables import summary
from nbcore.lines.trained import load_sets

FEW = ("full", "last-layer", "last-layer-mse", "random", "random-small")


@pytest.fixture(scope="module")
def smoke():
    return RiseAndFall.resolve(
        "smoke",
        conditions=FEW,
        seeds=1,
        head_seeds=2,
        head_steps=60,
        steps=30,
        random_steps=30,
        small_steps=30,
        resamples=40,
        testbed=("mean-30", "knn-30", "mlp-10", "mlp-450", "plain16-30", "plain16-450"),
    )


def test_smoke_end_to_end_and_read_again(smoke, own_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    first = study(smoke)
    assert first.run.origin == first.testbed.origin == "computed"
    assert set(first.curves) == set(FEW) and first.line.n == 6
    full, last = first.curves["full"], first.curves["last-layer"]
    assert full.seeds == 1 and last.seeds == 2 and full.id[0, -1] > 0.6
    again = study(smoke)
    assert again.run.origin == "cached" and frame(again).equals(frame(first))
    more = study(dataclasses.replace(smoke, seeds=2))
    assert more.curves["full"].seeds == 2  # a member was added to the same run
    assert more.run.path == first.run.path
    control = study(smoke, shuffled=True)
    assert all(np.nanmax(c.excess()[0]) < 0.05 for c in control.curves.values())
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "seen"))
    seen = page.record(more, smoke, "smoke")
    assert {"A5", "A6", "A7", "A12", "A13", "A38"} <= set(seen)
    assert all(o.verdict in claims.VERDICTS and o.setup == "reduced" for o in seen.values())
    assert len(summary(more)) == len(FEW) and len(page.differences(more)) == len(FEW) - 1


def planted(robust, n=20_000):
    """A testbed on the line slope 1, intercept -.5 (logit) and a curve `robust` points above it."""
    rng = np.random.default_rng(0)

    def bits(accuracy):
        right = rng.random((*np.shape(accuracy), n)) < np.asarray(accuracy)[..., None]
        return np.packbits(right, axis=-1)

    def line(x):
        return 1 / (1 + np.exp(0.5) * (1 - x) / x)

    x = np.linspace(0.2, 0.9, 12)
    bed = xr.Dataset(
        {"correct_id": (("member", "b"), bits(x)), "correct_ood": (("member", "c"), bits(line(x)))},
        {"member": [f"plain16-{i}" for i in range(12)]},
        {"total_id": n, "total_ood": n},
    )
    path = np.array([0.3, 0.5, 0.7, 0.8])
    inside = np.tile(path, (3, 1))
    outside = line(inside) + np.array(robust)
    dims = ("member", "checkpoint")
    runs = xr.Dataset(
        {
            "correct_id": ((*dims, "b"), bits(inside)),
            "correct_ood": ((*dims, "c"), bits(outside)),
            "step": (dims, np.tile([0.0, 1, 10, 100], (3, 1))),
        },
        {"member": [f"full-seed{i}" for i in range(3)]},
        {"total_id": n, "total_ood": n},
    )
    return SimpleNamespace(table=lambda _: bed), SimpleNamespace(table=lambda _: runs)


def study_of(monkeypatch, robust):
    bed, runs = planted(robust)
    monkeypatch.setattr(chapter, "run_testbed", lambda *_: bed)
    monkeypatch.setattr(chapter, "run_conditions", lambda *_: runs)
    names = tuple(str(m) for m in bed.table("models")["member"].values)
    return study(RiseAndFall.resolve("book", testbed=names, resamples=100))


def test_a_planted_rise_and_fall_is_found_at_its_height(monkeypatch):
    curve = study_of(monkeypatch, [0.0, 0.03, 0.06, 0.0]).curves["full"]
    assert curve.er[0] == pytest.approx([0, 0.03, 0.06, 0], abs=0.012)
    assert (curve.start, curve.peak, curve.end) == (0, 2, 3)
    observed = page._rise_and_fall(curve)
    assert all(e.low > 0.02 and e.high < 0.1 for e in observed.values())
    assert page._vanishing(curve)["cifar shift peak excess over the interval"].value > 0.03
    assert page._vanishing(curve)["cifar shift end excess over the interval"].value < 0


def test_without_a_planted_effect_nothing_exceeds_the_interval(monkeypatch):
    curve = study_of(monkeypatch, [0.0, 0.0, 0.0, 0.0]).curves["full"]
    assert np.abs(curve.er[0]).max() < 0.012 and curve.excess()[0].max() < 0.005
    low, high = np.quantile(curve.er[1:], [0.025, 0.975], axis=0)
    assert (low < 0.004).all() and (high > -0.004).all()


def test_curves_are_compared_at_equal_accuracy(monkeypatch):
    a = study_of(monkeypatch, [0.0, 0.05, 0.05, 0.0]).curves["full"]
    b = study_of(monkeypatch, [0.0, 0.0, 0.0, 0.0]).curves["full"]
    found = at_equal_accuracy(a, b)
    assert found.accuracy.min() == pytest.approx(0.3, abs=0.01)
    assert found.draws[0].max() == pytest.approx(0.05, abs=0.015)


def folder(root, n, classes, seed, size=20, mode="RGB"):
    rng = np.random.default_rng(seed)
    for label in range(classes):
        (root / f"class{label}").mkdir(parents=True)
        for i in range(n):
            seen = label if rng.random() < 0.5 else rng.integers(classes)
            level = rng.integers(0, 60) + 60 * seen
            pixels = rng.integers(0, 60, (size + i % 2, size, 3)) + level
            picture = Image.fromarray(pixels.astype(np.uint8)).convert(mode)
            picture.save(root / f"class{label}" / f"{i}.png")
    return str(root)


def test_another_timm_model_and_two_folders(tmp_path, own_cache):
    """Images of differing sizes, another model, its weights from a file, two shifted sets."""
    weights = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), weights)
    config = RiseAndFall.resolve(
        "book",
        model="test_resnet",
        weights=str(weights),
        id=folder(tmp_path / "a", 12, 3, 0),
        ood=[folder(tmp_path / "b", 5, 3, 1), folder(tmp_path / "c", 5, 3, 2)],
        image_size=16,
        train_images=30,
        test_images=20,
        conditions=["full", "last-layer"],
        seeds=1,
        head_seeds=1,
        size=32,
        feature_size=32,
        steps=6,
        head_steps=20,
        batch=10,
        workers=1,
        checkpoints=3,
        testbed=["mean-30", "logistic-12", "knn-30", "mlp-12"],
        epochs=0.02,
        resamples=20,
    )
    for role in ("ood", "ood2"):
        result = study(config, role)
        assert set(result.curves) == {"full", "last-layer"}
        assert result.ood_total == 15 and result.line.n >= 3
    with pytest.raises(ParameterError, match="'ood3'"):
        study(config, "ood3")


def test_bad_input_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="labels up to 9 .* has 5 classes"):
        load_sets("digits", (SHIFTED, "digits"), 8, 50)
    grey = folder(tmp_path / "grey", 2, 3, 0, mode="L")
    colour = folder(tmp_path / "colour", 4, 3, 0)
    with pytest.raises(DataError, match="same mode"):
        load_sets(colour, (grey,), 16, 6)
    with pytest.raises(ParameterError, match="no condition 'ful'; did you mean 'full'"):
        chapter.conditions(RiseAndFall(conditions=("ful",)))
    with pytest.raises(ParameterError, match="did you mean"):
        RiseAndFall.resolve("book", head_step=3)


def test_presets_name_every_member():
    names = chapter.member_names(RiseAndFall.book())
    assert len(names) == len(set(names)) == 3 * 3 + 5 * 5
    assert names[0] == "last-layer-seed0"
    # at one size there is no `last-layer-small`
    assert len(chapter.member_names(RiseAndFall.paper())) == 3 * 5 + 4 * 5


def test_a_rerun_without_a_condition_gets_a_sentence_in_the_place_of_its_figure(monkeypatch):
    from nbcore.chapters.rise_and_fall import figures

    measured = study_of(monkeypatch, 0.0)
    absent = ["last-layer-mse"]
    assert not set(absent) & set(measured.curves)
    for shown in (
        figures.curves(measured, absent),
        figures.course(measured, absent),
        figures.gap_share(measured, absent),
    ):
        assert "Not drawn: of last layer, squared error none was run" in repr(shown)
