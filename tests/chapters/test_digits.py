"""Chapter 2's digits: a run on the embedded ones, and planted courses told apart by the checks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nbcore import claims
from nbcore.chapters.rise_and_fall import digits, digits_observe
from nbcore.chapters.rise_and_fall.digits_config import (
    BESIDE,
    LINE,
    Condition,
    Digits,
    conditions,
    member_names,
)
from nbcore.data import catalog
from nbcore.lines.config import SHIFTED
from nbcore.lines.curves import Curve, Study
from nbcore.measures.robustness import fit_line
from nbcore.measures.selection import balanced_subset
from nbcore.runs.plan import stored_plan
from nbcore.training.kinds import CONVOLUTIONS, split_name


@pytest.fixture
def small():
    return Digits(
        id="digits",
        ood=(SHIFTED,),
        image_size=8,
        test_images=250,
        networks=(),
        sizes=(100, 50),
        head_steps=40,
        head_lr=0.05,
        head_checkpoints=6,
        pictures=("digits",),
        pretrain_steps=(20,),
        steps=20,
        checkpoints=5,
        seeds=2,
        batch=32,
        testbed=("mean-30", "knn-30", "logistic-30", "patches-30", "mlp-10"),
        beside=("knn-10",),
        epochs=0.15,
        resamples=40,
        workers=1,
    )


def test_end_to_end_control_and_related_evidence(small, own_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "seen"))
    found = digits.study(small)
    names = [c.name for c in conditions(small)]
    assert list(found.curves) == names and len(names) == 4 and found.line.n == 5
    assert all(c.seeds == 2 for c in found.curves.values())
    assert found.curves["last-layer, digits, 100"].id[0, -1] > 0.5
    assert set(found.run.manifest["data"]) == {"id", "pretraining"}
    plan = stored_plan(found.run.manifest)
    assert plan is not None and plan.members == sorted(member_names(small))
    assert digits.computed(small) and not digits.computed(replace(small, seeds=3))
    assert digits.study(small, line_only=True).curves == {}
    mixed = digits.study(small, with_classical=True)
    assert mixed.line.n == 6 and len(mixed.apart) == 0 and len(found.apart) == 1
    shuffled = digits.study(small, shuffled=True)
    right = shuffled.curves["last-layer, digits, 100"].ood[0, -1]
    assert right < 0.4 < found.curves["last-layer, digits, 100"].ood[0, -1]
    seen = digits_observe.record(found, small, "smoke")
    assert seen.related and seen.setup == "reduced" and claims.observations() == {"A5": [seen]}
    assert "classical ones too" in digits_observe.told(found, small, mixed, shuffled).text
    assert "small, digits, last layer, 50 digits" in digits_observe.table(found).text


def test_the_line_is_of_networks_from_scratch_and_none_is_mirrored():
    for name in LINE:
        kind, n = split_name(name)
        assert 50 <= n <= 60_000 and not CONVOLUTIONS[kind].crops
    assert all(split_name(name)[0] not in CONVOLUTIONS for name in BESIDE)
    assert len({*LINE, *BESIDE}) == len(LINE) + len(BESIDE)


def test_what_the_book_asks_for_is_in_the_catalogue():
    config = Digits.resolve("book")
    for name in (config.id, *config.ood, *config.pictures):
        assert catalog.entry(name) is not None
    assert len(config.pretrain_steps) == len(config.pictures)
    whole = Digits(whole=("efficientnet_lite0",))
    assert whole.address() == config.address()
    assert Condition("whole", "efficientnet_lite0", 5_000) in conditions(whole)
    assert Condition("whole", "efficientnet_lite0", 5_000) not in conditions(config)


def test_neighbours_start_from_other_networks_and_smaller_sets_are_the_start_of_larger_ones():
    names = member_names(Digits())
    assert len(names) == len(set(names)) == 3 * len(conditions(Digits()))
    first = [n.split(", ")[1] for n in names[:7]]
    assert len(set(first)) == 7
    labels = np.repeat(np.arange(10), 30)
    assert np.array_equal(balanced_subset(labels, 200)[:50], balanced_subset(labels, 50))


def test_the_smoke_preset_needs_no_data():
    assert digits_observe.load("smoke") is None
    for part in digits_observe.section("smoke"):
        assert "not embedded" in str(part)


def test_conditions_in_words():
    assert digits_observe.words("last-layer, squeezenet1_0, 5000") == (
        "SqueezeNet, last layer, 5,000 digits"
    )
    assert digits_observe.words("whole, fashion-mnist, 5000") == (
        "small, Fashion-MNIST, whole network, 5,000 digits"
    )
    assert digits_observe.words("random, cnn16, 5000") == "random start, 5,000 digits"


def planted(heights, band=0.02, seeds=3):
    """A curve of these heights above the line, with a tenth of a point of noise between seeds."""
    rng = np.random.default_rng(5)
    shape = np.asarray(heights, float)
    noise = rng.normal(0, 0.001, (seeds, len(shape)))
    by_seed = shape + noise - noise.mean(0)
    drawn = rng.integers(0, seeds, (200, seeds))
    draws = np.stack([by_seed.mean(0), *(by_seed[pick].mean(0) for pick in drawn)])
    ones, along = np.ones_like(draws), np.linspace(0.7, 0.98, len(shape))
    return Curve(
        name="x",
        steps=np.arange(len(shape)),
        id=ones * along,
        ood=ones,
        er=draws,
        gap_share=draws,
        er_of_these=draws,
        id_by_seed=np.tile(along, (seeds, 1)),
        er_by_seed=by_seed,
        covered=np.ones(len(shape), bool),
        band=np.full(len(shape), band),
    )


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([0.00, 0.03, 0.06, 0.03, 0.00], digits_observe.BOTH),
        ([0.06, 0.05, 0.03, 0.01, 0.00], digits_observe.FALLS),
        ([0.00, 0.03, 0.06, 0.06, 0.05], digits_observe.STAYS),
        ([0.00, 0.01, 0.01, 0.00, 0.00], digits_observe.INSIDE),
        ([0.00, 0.01, 0.0202, 0.00, 0.00], digits_observe.UNSURE),
        ([0.00, 0.03, 0.06, 0.03, 0.0202], digits_observe.OPEN),
    ],
)
def test_a_planted_course_is_told(heights, expected):
    assert digits_observe.course(planted(heights)) == expected


def test_a_height_within_the_lines_scatter_is_not_unusual():
    """Models 5 points beside a line: a peak of 6 points leaves chance, not their scatter."""
    at = np.array([0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
    models = pd.DataFrame({"id": at, "ood": at - 0.2 + 0.05 * np.array([1, -1, 1, -1, 1, -1])})
    line = fit_line(models["id"], models["ood"])
    models["er"] = models["ood"] - line.predict(models["id"])
    name = "last-layer, mobilenet_v2, 5000"
    curves = {name: planted([0.00, 0.03, 0.06, 0.03, 0.00])}
    found = Study(None, None, models, models[:0], line, None, curves, 5_000, 2_007)
    wide = digits_observe.against_scatter(found).curves[name]
    assert digits_observe.course(found.curves[name]) == digits_observe.BOTH
    assert (wide.band > 0.06).all() and digits_observe.course(wide) == digits_observe.INSIDE
    assert digits_observe.outside_chance(found) == 5
    assert "5 of its 6 networks are themselves outside" in digits_observe.line_words(found)
    said = digits_observe.verdict_words(found, Digits(networks=("mobilenet_v2",)))
    assert "1 of 1 networks of ImageNet peak above the line's chance band" in said
    assert "0 of 1 networks of ImageNet peak above the line's scatter" in said
