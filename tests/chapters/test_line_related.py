"""Chapter 1's related evidence: planted effects are found, controls give nothing, ranges hold."""

import numpy as np
import pytest

from nbcore.chapters.line import images, related
from nbcore.lines.public import load_accuracies
from nbcore.measures import robustness


@pytest.fixture(scope="module")
def more():
    return related.more_data()


def test_no_effective_robustness_is_given_outside_the_range(more):
    er = more.set_index(["model", "shift"])["er"]
    outside = [("BiT-M-R152x4-ILSVRC2012", s) for s in ("ImageNetV2", "ImageNet-R", "ObjectNet")]
    assert er.loc[outside].isna().all()
    assert er["google_resnet101_jft-300M", "ImageNet-R"] == pytest.approx(0.056, abs=1e-3)
    assert er["google_resnet101_jft-300M", "ImageNetV2"] == pytest.approx(-0.002, abs=1e-3)
    known = more.dropna(subset=["er"])
    assert ((known["low"] < known["er"]) & (known["er"] < known["high"])).all()


def test_clip_is_matched_with_its_own_fine_tuned_checkpoints():
    table = related.clip_after_fitting()
    clip = set(load_accuracies("open-clip:imagenetv2").models["model"])
    timm = set(load_accuracies("timm:imagenetv2").models["model"])
    assert set(related.FITTED) <= clip and set(related.FITTED.values()) <= timm
    v2 = table[table["shift"] == "ImageNetV2"].dropna()
    assert len(v2) == 5 and (v2["zero-shot"] > 0.04).all() and (v2["fine-tuned"] < 0.01).all()


def test_shuffled_sizes_and_families_give_nothing():
    for found in (related.pretraining_size(300), related.wider_pretraining(300)):
        controls = {k: e for k, e in found.items() if "shuffled" in k}
        assert len(controls) == len(found) / 2
        for control in controls.values():
            assert control.low < 0 < control.high
            assert abs(control.value) < (control.high - control.low) / 8


def test_an_extra_step_is_a_difference_of_the_same_network(more):
    found = related.extra_step(more)
    er = more[more["shift"] == "ImageNetV2"].set_index("model")["er"]
    sizes = ("R50x1", "R101x1", "R50x3")  # of the other two one side is outside the range
    by_hand = [er[f"BiT-M-{s}-ILSVRC2012"] - er[f"BiT-M-{s}-nonfinetuned"] for s in sizes]
    step = found["ER with the step minus without, ImageNetV2"]
    assert step.n == 3 and step.value == pytest.approx(np.mean(by_hand))
    assert step.high < 0 < found["ER with the step minus without, ImageNet-R"].low


def planted(models, id_images=4000, ood_images=1000, seed=0):
    """Answers of models that share the difficulty of each image: (model, image) bool, twice."""
    rng = np.random.default_rng(seed)
    skill = np.linspace(0, 2, models)[:, None]
    return tuple(
        rng.normal(shift, 1, n) + 0.3 * rng.normal(size=(models, n)) < skill
        for shift, n in ((0.0, id_images), (0.4, ood_images))
    )


def test_the_images_move_the_intercept_of_models_that_err_alike():
    inside, outside = planted(12)
    x, y = images.image_lines(inside, outside, 200, 0)
    assert x.shape == (201, 12) and x[0] == pytest.approx(inside.mean(axis=1))
    fits = [robustness.fit_line(u, v) for u, v in zip(x, y, strict=True)]
    spread = np.std([f.intercept for f in fits[1:]])
    assert spread > 2 * fits[0].intercept_se  # the regression knows nothing of the images


def test_triplets_are_counted_as_by_a_loop():
    inside, outside = planted(5)
    shares = images.cone_shares(inside, outside)
    assert shares.shape == (8, len(images.FACTORS)) and (np.diff(shares, axis=1) >= 0).all()
    ratios = []
    for i in range(5):
        for j in range(i):
            for k in range(j):
                p, q = ((r[i] & r[j] & r[k]).mean() for r in (inside, outside))
                ratios.append(max(p / q, q / p))
    wanted = [(np.array(ratios) <= c + 1e-6).mean() for c in images.FACTORS]
    assert shares[-1] == pytest.approx(wanted)
    assert images.cone_shares(inside, inside).min() == 1


def test_the_stored_numbers_of_the_images():
    drawn = images.load_images()
    assert drawn.origin == "stored" and drawn.table("images").attrs["triplets"] == 47_905
    curve = images.cone_curve(drawn)
    mean = curve[curve["series"] == "all eight patterns"].set_index("x")["y"]
    found = [100 * mean[c] for c in (1.25, 1.5, 1.75, 2.0)]
    assert found == pytest.approx([52.6, 85.2, 99.4, 100], abs=0.2)
    first = drawn.table("images")["line"].sel(models="without Fisher vectors").isel(draw=0)
    assert first.values == pytest.approx([0.9315, -0.5030], abs=5e-4)
