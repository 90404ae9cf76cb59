"""Chapter 6's several networks: on digits from end to end, and every rule on planted numbers."""

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

from nbcore import claims
from nbcore.chapters.zero_shot_class_maps import network_checks as checks
from nbcore.chapters.zero_shot_class_maps import network_dominance as dominance
from nbcore.chapters.zero_shot_class_maps import network_figures as figures
from nbcore.chapters.zero_shot_class_maps import network_study, networks
from nbcore.chapters.zero_shot_class_maps.config import TEN_DIGITS, ZeroShot
from nbcore.chapters.zero_shot_class_maps.network_study import NetworkStudy
from nbcore.errors import DataError, ParameterError
from nbcore.lines.curves import Curve
from nbcore.models import offline
from nbcore.models.pretrained import create

BED = ("mean-30", "knn-30", "knn-450", "mlp-10", "mlp-30", "mlp-450", "plain16-30", "plain16-450")


def digits(**changes) -> ZeroShot:
    fields = dict(testbed=BED, steps=60, resamples=40, network_pulls=(0.001,), network_seeds=1)
    return ZeroShot.resolve("smoke", **fields | changes)


@pytest.fixture
def outside(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "seen"))


def test_end_to_end_and_extended(outside):
    first = network_study.study(digits())
    assert first.run.origin == "computed" and first.networks == (TEN_DIGITS,)
    read, chance = (first.curve(TEN_DIGITS, what) for what in ("max", networks.SHUFFLED))
    assert read.id[0, 0] > 0.8 and len(chance.steps) == 20
    assert chance.id[0].mean() == pytest.approx(0.2, abs=0.1)  # of five groups, two sources each
    mapped = first.curve(TEN_DIGITS, networks.MAPPED)
    assert mapped.id[0, 0] == read.id[0, 0]  # it starts as the reading by maximum
    more = network_study.study(digits(network_seeds=2))
    assert more.run.path == first.run.path
    assert more.curve(TEN_DIGITS, networks.FRESH).seeds == 2
    seen = checks.observed(more)
    assert set(seen) <= {"A16", "A26", "A27", "A33", "A34"} and seen
    for claim, numbers in seen.items():
        claims.record(
            claim, numbers, run=more.run, subject="digits", preset="smoke", setup=claims.STAND_IN
        )
    for draw in (figures.heights, figures.dominance, figures.gains):
        assert draw(more) is not None
    for show in (figures.readings, figures.trained):
        assert TEN_DIGITS in show(more).markup
    control = network_study.study(digits(network_seeds=2), shuffled=True)
    assert TEN_DIGITS in figures.shuffled(control).markup


def test_on_images_or_with_a_map_of_your_own_no_network_is_read_unasked(tmp_path):
    assert ZeroShot.book().compared == tuple(offline.NETWORKS)
    own = ZeroShot.resolve("book", ood=("cifar10.1-v6",))
    assert own.compared == () and network_study.study(own) is None
    assert "name the networks" in figures.heights(None).markup
    assert dataclasses.replace(own, networks=("resnet18",)).compared == ("resnet18",)
    file = tmp_path / "mine.yaml"
    file.write_text("a: [0]\n")
    assert ZeroShot.resolve("book", class_map=str(file)).compared == ()


def test_members_are_new_seeds_network_by_network():
    config = networks.MappedHeads(networks=("a", "b"), pulls=(0.01,), seeds=2)
    names = networks.member_names(config)
    assert len(names) == len(set(names)) == 2 * (4 + 2 * 3)
    assert "a, λ = 0.01-seed5" in names and "b, fresh head-seed6" in names
    assert [n[0] for n in names] == ["a"] * 10 + ["b"] * 10


def test_features_of_one_length_change_no_logit():
    rng = torch.Generator().manual_seed(0)
    x, w = torch.randn(50, 8, generator=rng) * 7, torch.randn(4, 8, generator=rng)
    banks, weight = networks.of_one_length({"train": x, "id": 2 * x}, w, length=3.0)
    assert float(banks["train"].square().sum(1).mean()) == pytest.approx(9.0, rel=1e-5)
    torch.testing.assert_close(banks["id"] @ weight.T, 2 * x @ w.T)


def test_a_map_that_lacks_a_class_is_one_sentence(outside, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("'0': [0, 5]\n'1': [1, 6]\n'2': [2, 7]\n'3': [3, 8]\n")
    config = networks.beside(digits(class_map=str(file), networks=(TEN_DIGITS,)))
    with pytest.raises(DataError, match="lacks 4; its targets must be the classes 0, 1, 2, 3, 4"):
        networks.member(config, f"{TEN_DIGITS}, max-seed0")


def test_weights_of_another_network_are_one_sentence(tmp_path):
    file = tmp_path / "other.pth"
    torch.save(create("squeezenet1_0", pretrained=False).net.state_dict(), file)
    with pytest.raises(ParameterError, match="do not fit MobileNetV2") as error:
        create("mobilenet_v2", weights=file)
    assert "\n" not in str(error.value)


def planted(name, ids, ers, seeds=5, noise=0.001, draws=200) -> Curve:
    """A curve of these accuracies and heights, with noise between draws and seeds."""
    rng = np.random.default_rng(len(name))
    ids, ers = np.asarray(ids, float), np.asarray(ers, float)
    moved = noise * rng.standard_normal((draws + 1, 2, len(ids)))
    moved[0] = 0
    inside, er = ids + moved[:, 0], ers + moved[:, 1]
    by_seed = np.tile(er[0], (seeds, 1))
    covered = np.ones(len(ids), bool)
    return Curve(
        name,
        np.arange(len(ids)),
        inside,
        inside,
        er,
        er,
        er,
        np.tile(ids, (seeds, 1)),
        by_seed,
        covered,
        np.full(len(ids), 0.02),
    )


def a_study(curves, names=("net",), pulls=(), **more) -> NetworkStudy:
    named = {f"{n}, {what}": c for n in names for what, c in curves.items()}
    named = {k: dataclasses.replace(c, name=k) for k, c in named.items()}
    fields = dict.fromkeys(("testbed", "run", "models", "apart", "line", "bend"))
    return NetworkStudy(
        **fields, curves=named, id_total=0, ood_total=0, networks=names, pulls=pulls, **more
    )


def test_the_weak_pull_is_the_largest_that_costs_a_point():
    free = planted("free", [0.5, 0.6, 0.7, 0.8], [0.1, 0.08, 0.06, 0.04])
    curves = {
        networks.MAPPED: free,
        networks.pulled(0.01): planted("a", [0.5, 0.6, 0.7, 0.795], [0.1, 0.08, 0.06, 0.041]),
        networks.pulled(0.1): planted("bb", [0.5, 0.6, 0.7, 0.793], [0.1, 0.08, 0.06, 0.05]),
        networks.pulled(1.0): planted("ccc", [0.5, 0.55, 0.6, 0.7], [0.1, 0.09, 0.08, 0.09]),
        networks.pulled(100.0): planted("dddd", [0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.1, 0.1]),
    }
    study = a_study(curves, pulls=(0.01, 0.1, 1.0, 100.0))
    assert checks.weak_pull(study, "net") == 0.1
    gain, band = checks.pull_gain(study, "net", 0.1)
    # at .793 the free head stands .7 % of the way before its end, .0014 above .04
    assert gain.value == pytest.approx(0.05 - 0.0414, abs=1e-6) and band == 0.02
    seen = checks._pulled(study, ("net",))
    assert seen["weak pull gain at equal accuracy beyond the interval"].value == pytest.approx(
        0.0086 - 0.02, abs=1e-6
    )
    assert seen["accuracy lost with lambda 100"].value == pytest.approx(0.3)
    dear = a_study(curves | {networks.pulled(0.01): curves[networks.pulled(1.0)]}, pulls=(0.01,))
    assert checks.weak_pull(dear, "net") is None


def test_readings_that_agree_and_stand_high_are_seen():
    heights = {"max": 0.11, "mean": 0.12, "sum": 0.115}
    read = {how: planted(how, [0.45], [er], 1) for how, er in heights.items()}
    fresh = planted("fresh", [0.4, 0.6, 0.7], [0.02, 0.05, 0.03])
    study = a_study(read | {networks.FRESH: fresh}, ("n1", "n2", "n3"))
    apart, share, over = checks._readings(study).values()
    assert apart.value == pytest.approx(0.01 - 0.02) and apart.high < 0 and apart.n == 3
    assert share.value == 1.0 and share.n == 3
    assert over.value == pytest.approx(0.12 - 0.02 - 0.05) and over.low > 0


def test_a_model_that_errs_in_its_own_way_exceeds_every_comparable_one():
    rng = np.random.default_rng(0)
    hard = rng.random(2000)  # a shared order of difficulty
    bed = np.stack([hard + 0.02 * rng.standard_normal(2000) < a for a in (0.5, 0.52, 0.54, 0.9)])
    names = ["mlp-10", "cnn16-300", "res16-300", "res16-50000"]
    weights = np.ones((2000, 3), np.float32)
    own_way = rng.random((2, 2000)) < 0.52  # knows nothing of that order
    found = dominance.compared(own_way, bed, names, weights, 0.1)
    assert found.names == ("mlp-10", "cnn16-300", "res16-300")  # .9 is no like accuracy
    assert found.own[0] > 0.2 > found.theirs[0].max()
    like_them = (hard < 0.53)[None]
    assert dominance.compared(like_them, bed, names, weights, 0.1).own[0] < 0.05
    assert dominance.compared(own_way, bed, ["knn-30", *names[1:]], weights, 0.1) is None
    assert not dominance.is_network("knn-30") and dominance.is_network("resnet32-crops-long-300")


def test_no_number_rests_on_the_network_that_was_known():
    config = ZeroShot.book()
    study = a_study({}, ("efficientnet_lite0", "mobilenet_v2"))
    assert "efficientnet_lite0" in checks.subject(study, config, "A16")
    assert "efficientnet_lite0" not in checks.subject(study, config, "A26")
    assert "from which the shifted images are" in checks.subject(study, config, "A16")


def test_a_reading_keeps_its_maps_as_checkpoints():
    found = networks.Prepared(
        {"train": torch.eye(3), "id": torch.eye(3)},
        torch.eye(3),
        torch.zeros(3),
        {"a": (0,), "b": (1, 2)},
        np.arange(2),
        {"id": np.array([0, 1, 1])},
    )
    read = networks._read(found, [found.targets, {"a": (1,), "b": (0, 2)}], "max")
    assert isinstance(read, xr.Dataset) and read["prediction_id"].shape == (2, 3)
    assert read["prediction_id"].values.tolist() == [[0, 1, 1], [1, 0, 1]]
