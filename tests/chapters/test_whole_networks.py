"""Chapter 2's whole networks on larger images: trained on digits, in pieces, and judged."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from nbcore import claims
from nbcore.chapters.rise_and_fall import whole, whole_figures
from nbcore.chapters.rise_and_fall.config import WHOLE, RiseAndFall
from nbcore.chapters.rise_and_fall.whole import beside, run_whole, study
from nbcore.errors import ParameterError
from nbcore.lines import whole as engine
from nbcore.lines.config import OWN_NET
from nbcore.lines.curves import Curve
from nbcore.runs.store import publish

BED = ("mean-30", "knn-30", "mlp-10", "mlp-450", "logistic-30", "patches-30")
FIRST, SECOND, OTHER = (f"{OWN_NET}@8, rate {r}" for r in ("0.02-seed0", "0.02-seed1", "0.1-seed0"))


@pytest.fixture
def smoke(own_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "seen"))
    return RiseAndFall.resolve(
        "smoke", whole_networks=[FIRST], whole_passes=2, head_steps=60, resamples=40, testbed=BED
    )


def killed(*_, **__):
    raise KeyboardInterrupt


TRAIN = engine.loop.train


def only_before(model, data, evaluations, *rest, **named):
    """Pretraining and last layers are trained without evaluations, whole networks with them."""
    assert not evaluations, "a whole network was trained again"
    return TRAIN(model, data, evaluations, *rest, **named)


def with_members(config, *names):
    return dataclasses.replace(config, whole_networks=names)


def test_a_run_in_pieces_its_paths_and_what_the_page_says(smoke, own_cache, monkeypatch, tmp_path):
    # killed while the path is evaluated: the network is not trained again
    with monkeypatch.context() as patch:
        patch.setattr(engine, "evaluate_path", killed)
        with pytest.raises(KeyboardInterrupt):
            run_whole(smoke)
        assert list(own_cache.glob("partial/trained/*.pt"))
    with monkeypatch.context() as patch:
        patch.setattr(engine.loop, "train", only_before)
        first = run_whole(smoke)
    assert first.member_names == [FIRST]
    # both ends of the path are what was trained: all, and the last layer alone
    member = first.member(FIRST)
    path, curve = member["path_prediction_id"].values, member["prediction_id"].values
    assert np.array_equal(path[-1], curve[-1])
    accuracy = (path == member["label_id"].values).mean(1)
    assert (
        len(accuracy) == 11 and accuracy[0] > 0.4 > (curve[0] == member["label_id"].values).mean()
    )
    start, end = engine.endpoints(beside(smoke), FIRST)
    assert set(start) == set(end) and not list(own_cache.glob("partial/**/*.pt"))
    # a second piece adds to a published first one, on a machine that has only that
    publish(first)
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "elsewhere"))
    more = run_whole(with_members(smoke, SECOND, OTHER))
    assert more.member_names == [FIRST, SECOND, OTHER]
    # without names, the run with most members is found, and nothing is computed
    found = study(with_members(smoke))
    assert {k: c.seeds for k, c in found.curves.items()} == {FIRST[:-6]: 2, OTHER[:-6]: 1}
    paths = study(with_members(smoke), table="paths")
    assert paths.curves[FIRST[:-6]].steps.tolist() == list(range(11))
    assert "2 whole networks leave" in str(whole_figures.curves(found).to_dict())
    assert "On the path" in str(whole_figures.paths(with_members(smoke)).to_dict())
    assert "rate 0.1" in whole_figures.table(found).markup
    assert "Shuffled" in whole_figures.control(with_members(smoke)).markup
    told = repr(whole_figures.told(found, with_members(smoke, FIRST, "x@8, rate 1-seed0")))
    assert "(2 seeds)" in told and "Not trained yet" in told and "x, 8 px, rate 1 (1 seed)" in told
    seen = whole.record(found, found, None, smoke, "smoke")
    assert {"A7", "A8", "A11"} <= set(seen) and all(o.setup == "reduced" for o in seen.values())


def test_without_any_the_page_says_so_and_names_what_is_missing(own_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    book = RiseAndFall.resolve("book")
    assert run_whole(book) is None and study(book) is None
    assert whole.record(None, None, None, book, "book") == {}
    assert "EfficientNet-Lite0, 128 px, rate 0.001 (3 seeds)" in repr(
        whole_figures.told(None, book)
    )
    for shown in (
        whole_figures.curves(None),
        whole_figures.paths(book),
        whole_figures.table(None),
        whole_figures.control(book),
    ):
        assert "none of these networks has been trained yet" in repr(shown)
    assert RiseAndFall.resolve("book", ood=("cifar10.1-v6",)).planned == ()


def test_names_are_read_and_others_refused():
    found = engine.member("mobilenet_v2@128, squared error, rate 0.001-seed3")
    assert found == ("mobilenet_v2", 128, "mse", 0.001, 3)
    assert [engine.member(n).loss for n in WHOLE] == ["cross-entropy"] * 10
    assert whole.words("mobilenet_v2@128, rate 0.001") == "MobileNetV2, 128 px, rate 0.001"
    for wrong in (
        "mobilenet_v2",
        "a@b, rate 1-seed0",
        "a@8, l1, rate 1-seed0",
        "a@8, rate 1-seedx",
    ):
        with pytest.raises(ParameterError, match="NETWORK@SIDE, rate R-seedS"):
            engine.member(wrong)


def planted(name, shape, noise=0.002, seeds=3, band=0.01):
    """A curve of this shape above the line, with little noise between seeds."""
    shape = np.asarray(shape, float)
    rng = np.random.default_rng(len(name))
    by_seed = shape + rng.normal(0, noise, (seeds, len(shape)))
    draws = by_seed.mean(0) + rng.normal(0, noise, (201, len(shape)))
    draws[0] = by_seed.mean(0)
    ids, ones = np.linspace(0.5, 0.9, len(shape)), np.ones_like(draws)
    return Curve(
        name,
        np.arange(len(shape)),
        ones * ids,
        ones,
        draws,
        draws,
        draws,
        np.tile(ids, (seeds, 1)),
        by_seed,
        np.ones(len(shape), bool),
        np.full(len(shape), band),
    )


RISE, TURN = [0, 0.02, 0.04, 0.06], [0, 0.06, 0.03, 0.0]


def judged(monkeypatch, tmp_path, curves, rivals=()):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "seen"))
    run = {"date": "2026-11-27", "members": "6", "origin": "computed"}
    doubt = lambda _: ""  # noqa: E731
    found = SimpleNamespace(curves={c.name: c for c in curves}, run=run, doubt=doubt)
    other = SimpleNamespace(curves={c.name: c for c in rivals})
    heads = SimpleNamespace(
        curves={
            f"{n}@128, rate 0.001": planted("h", TURN) for n in ("mobilenet_v2", "squeezenet1_0")
        }
    )
    return whole.record(found, other, heads, RiseAndFall.resolve("book"), "book")


def test_what_has_not_turned_is_undecided_but_a_peak_counts(monkeypatch, tmp_path):
    names = [
        f"{n}@128, rate 0.001" for n in ("efficientnet_lite0", "mobilenet_v2", "squeezenet1_0")
    ]
    shapes = TURN, TURN, RISE
    curves = [planted(n, s) for n, s in zip(names, shapes, strict=True)]
    rate = planted("efficientnet_lite0@128, rate 0.01", TURN)
    random = planted("random", [0, 0, 0, 0])
    assert [whole.turned(c) for c in curves] == [True, True, False]
    seen = judged(monkeypatch, tmp_path, [*curves, rate], [random])
    assert set(seen) == {"A5", "A7", "A8", "A11", "A13"}
    assert seen["A5"].verdict == claims.REDUCED and not seen["A5"].doubt
    for key in ("A7", "A8", "A13"):
        assert "SqueezeNet, 128 px, rate 0.001" in seen[key].doubt
        assert seen[key].verdict == claims.UNDECIDED
    assert seen["A11"].verdict == claims.REDUCED and not seen["A11"].doubt
    assert all(e.n >= 3 for o in seen.values() for e in o.observed.values())
    turned = judged(monkeypatch, tmp_path, [planted(n, TURN) for n in names], [random])
    assert {turned[k].verdict for k in ("A5", "A7")} == {claims.REDUCED}
    assert turned["A8"].verdict == claims.SO_FAR  # nobody has looked at ImageNet's shift
    assert "A11" not in turned


def test_a_flat_curve_leaves_the_peak_undecided_until_it_has_turned(monkeypatch, tmp_path):
    flat = [0, 0.001, 0.002, 0.003]
    seen = judged(
        monkeypatch,
        tmp_path,
        [planted("mobilenet_v2@128, rate 0.001", flat)],
        [planted("random", flat)],
    )
    assert "too short" in seen["A5"].doubt and seen["A5"].verdict == claims.UNDECIDED
