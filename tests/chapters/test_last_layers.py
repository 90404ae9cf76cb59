"""Chapter 2's last layers of several networks: trained on digits, extended, and judged."""

import dataclasses

import numpy as np
import pytest

from nbcore import claims
from nbcore.chapters.rise_and_fall import last_layers, networks
from nbcore.chapters.rise_and_fall.config import NETWORKS, RiseAndFall
from nbcore.lines.config import OWN_NET
from nbcore.lines.curves import Curve
from nbcore.lines.frames import frame
from nbcore.measures.estimate import Estimate
from nbcore.models import offline

BED = ("mean-30", "knn-30", "mlp-10", "mlp-450", "logistic-30", "patches-30")


@pytest.fixture
def smoke():
    return RiseAndFall.resolve(
        "smoke", head_seeds=2, head_steps=60, resamples=40, testbed=BED, head_lrs=(0.05, 0.1)
    )


def test_end_to_end_and_extended(smoke, own_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "seen"))
    first = last_layers.study(smoke)
    names = [f"{OWN_NET}@8, rate {lr}" for lr in ("0.05", "0.1")]
    assert list(first.curves) == names and first.run.origin == "computed"
    assert len(first.curves[names[0]].steps) > 12 and first.curves[names[0]].id[0, -1] > 0.5
    more = last_layers.study(dataclasses.replace(smoke, head_seeds=3))
    assert more.run.path == first.run.path and more.curves[names[0]].seeds == 3
    again = last_layers.study(smoke)
    assert again.run.origin == "cached" and set(frame(again)["condition"]) <= set(names)
    seen = networks.record(more, smoke, "smoke")
    assert set(seen) <= {"A10", "A36"} and all(o.setup == "reduced" for o in seen.values())
    assert "of 1 networks peak above the chance band" in str(networks.curves(more, smoke).to_dict())
    assert "peaks highest, at" in str(networks.peaks(more, smoke).to_dict())
    assert f"{OWN_NET}, 8 px, rate 0.1" in networks.table(more).markup


def test_on_images_of_your_own_no_network_is_trained_unasked():
    own = RiseAndFall.resolve("book", ood=("cifar10.1-v6",))
    assert own.compared == () and last_layers.study(own) is None
    assert networks.record(None, own, "book") == {}
    assert dataclasses.replace(own, networks=("resnet18",)).compared == ("resnet18",)
    assert RiseAndFall.book().compared == NETWORKS == tuple(offline.NETWORKS)


def test_conditions_name_the_side_a_network_was_pretrained_on():
    config = last_layers.beside(RiseAndFall.resolve("book", head_sizes=(128, 0)))
    found = last_layers.conditions(config)
    assert len(found) == 16 and "efficientnet_lite2@260, rate 0.001" in found
    # at their own sides only those of one series are compared
    assert not [n for n in found if "@224" in n and not n.startswith("efficientnet")]
    assert networks.words("squeezenet1_0@128, rate 0.01") == "SqueezeNet, 128 px, rate 0.01"


def planted(peak, draw=0, seeds=5):
    """A curve that peaks `peak` above the line with 2 points of noise between seeds."""
    rng = np.random.default_rng(int(peak * 1000) + draw)
    shape = peak * np.exp(-(np.linspace(-2, 2, 9) ** 2))
    by_seed = shape + rng.normal(0, 0.002, (seeds, 9))
    draws = np.stack(
        [by_seed.mean(0), *(by_seed[rng.integers(0, seeds, seeds)].mean(0) for _ in range(200))]
    )
    ids = np.linspace(0.4, 0.9, 9)
    ones = np.ones_like(draws)
    inside = np.tile(ids, (seeds, 1))
    return Curve(
        "x",
        np.arange(9),
        ones * ids,
        ones,
        draws,
        draws / 0.1,
        draws,
        inside,
        by_seed,
        np.ones(9, bool),
        np.full(9, 0.01),
    )


def test_a_planted_order_of_sizes_is_found_and_equal_ones_are_undecided():
    config = RiseAndFall.resolve("book")
    names = networks.main_names(config)[:3]
    found = networks._sizes(dict(zip(names, map(planted, (0.03, 0.05, 0.07)), strict=True)), config)
    assert set(found) == {
        "lite1 minus lite0 peak, last layer, same images",
        "lite2 minus lite1 peak, last layer, same images",
    }
    checks = {c.name: c for c in claims.get("A10").checks}
    assert all(checks[k].outcome(v) == "held" for k, v in found.items())
    alike = [planted(0.05, draw) for draw in range(3)]
    same = networks._sizes(dict(zip(names, alike, strict=True)), config)
    assert all(checks[k].outcome(v) == "undecided" for k, v in same.items())
    assert isinstance(next(iter(same.values())), Estimate)
