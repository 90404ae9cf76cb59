"""Chapter 10: on digits from end to end, every rule on planted curves, and what it refuses."""

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

from nbcore.chapters.holding_on import checks, figures, observe, study
from nbcore.chapters.holding_on import heads as last
from nbcore.chapters.holding_on import replay as small
from nbcore.chapters.holding_on.config import HoldingOn
from nbcore.chapters.holding_on.study import Held
from nbcore.claims import observations
from nbcore.errors import DataError, ParameterError
from nbcore.lines.config import TEN_DIGITS
from nbcore.lines.curves import Curve, Study
from nbcore.lines.mapped import old_features, open_mapped
from nbcore.runs.run import Run

BED = ("mean-30", "knn-30", "mlp-10", "mlp-30", "mlp-450", "plain16-30", "plain16-450")


def digits(**changes) -> HoldingOn:
    fields = dict(
        testbed=BED,
        resamples=40,
        seeds=1,
        head_steps=60,
        pretrain_steps=40,
        tune_steps=20,
        points=3,
        replay_batches=(1,),
        replay_weights=(100.0,),
    )
    return HoldingOn.resolve("smoke", **fields | changes)


@pytest.fixture
def outside(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "seen"))


def test_end_to_end_and_found_again(outside):
    config = digits()
    heads, replayed = study.last_layers(config), study.replayed(config)
    assert heads.run.origin == "computed" and replayed.run.origin == "computed"
    mapped = heads.curves.curves[last.condition(TEN_DIGITS, last.MAPPED)]
    path = heads.paths.curves[last.condition(TEN_DIGITS, last.PATH)]
    # a path begins as the reading through the map, and ends as its training does
    assert path.id[0, 0] == mapped.id[0, 0] and path.id[0, -1] == mapped.id[0, -1]
    assert len(path.steps) == 3 and small.NONE in replayed.paths.curves
    shuffled = f"1 batch{small.SHUFFLED}"
    assert [*replayed.curves.curves] == [small.NONE, "1 batch", "weight 100", shuffled]
    found = observe.record(heads, replayed, config, "smoke")
    assert {"A31", "A32"} <= set(found)
    asked = {"share kept without replay", "share kept with 1 batch"}
    assert asked <= set(found["A31"].observed)
    assert {o.chapter for seen in observations().values() for o in seen} == {"holding-on"}
    assert "Shown for the network of ten digits." in observe.computed(heads, config).text
    assert "Not computed yet" in observe.computed(None, config).text
    for shown in (
        figures.gains(heads, config),
        figures.training_and_path(heads, config),
        figures.along(heads, config),
        *figures.section(replayed, config, "digits"),
        observe.methods(heads, config),
        observe.controls(heads, replayed, config),
        figures.shuffled(study.last_layers(config, shuffled=True), config),
    ):
        assert shown is not None
    assert "digits" in observe.advice(heads, replayed, None, config)
    # what is stored is found without being asked to compute
    later = dataclasses.replace(config, compute=False)
    assert study.replayed(later).run.path == replayed.run.path


def test_what_is_not_stored_is_said_with_how_to_make_it(outside):
    config = dataclasses.replace(digits(), compute=False)
    assert study.last_layers(config) is None and study.replayed(config) is None
    assert study.digits(config) is None and study.whole_networks(config) is None
    for shown in (
        figures.gains(None, config),
        figures.along(None, config),
        *figures.section(None, config, "digits"),
        observe.methods(None, config),
        observe.conditions(None, config, "digits"),
        observe.controls(None, None, config),
    ):
        assert "compute=true" in shown.markup
    assert "whole_networks" in figures.whole_paths(None).markup
    assert "compute=true" in observe.advice(None, None, None, config)
    assert observe.record(None, None, config, "smoke") == {}


def planted(name, ids, ers, seeds=3, noise=0.001, draws=200) -> Curve:
    rng = np.random.default_rng(len(name))
    ids, ers = np.asarray(ids, float), np.asarray(ers, float)
    moved = noise * rng.standard_normal((draws + 1, 2, len(ids)))
    moved[0] = 0
    inside, er = ids + moved[:, 0], ers + moved[:, 1]
    by_seed, covered = np.tile(er[0], (seeds, 1)), np.ones(len(ids), bool)
    steps, ids_by_seed = np.arange(len(ids)), np.tile(ids, (seeds, 1))
    band = np.full(len(ids), 0.02)
    return Curve(name, steps, inside, inside, er, er, er, ids_by_seed, by_seed, covered, band)


def a_study(*curves: Curve) -> Study:
    fields = dict.fromkeys(("testbed", "run", "models", "apart", "line", "bend"))
    return Study(**fields, curves={c.name: c for c in curves}, id_total=0, ood_total=0)


def test_the_chosen_point_is_the_nearest_to_the_start_that_costs_a_point():
    training = planted("training", [0.5, 0.6, 0.7, 0.8], [0.10, 0.08, 0.06, 0.04])
    path = planted("path", [0.5, 0.7, 0.791, 0.8, 0.8], [0.10, 0.09, 0.08, 0.06, 0.04])
    found = checks.path_gain(path, training)
    assert found.at == 2 and found.band == 0.02 and found.counts
    # at .791 training stands nine tenths of the way from .06 to .04
    assert found.gain.value == pytest.approx(0.08 - 0.0418, abs=1e-9)


def test_a_mixture_more_accurate_than_training_ever_was_is_compared_with_its_end():
    training = planted("training", [0.5, 0.6, 0.7], [0.10, 0.08, 0.06])
    path = planted("path", [0.5, 0.74, 0.7], [0.10, 0.07, 0.06])
    found = checks.path_gain(path, training)
    assert found.at == 1 and found.gain.value == pytest.approx(0.01)
    weaker = planted("weaker", [0.3, 0.31, 0.31], [0.1, 0.1, 0.1])
    assert checks.path_gain(weaker, training) is None  # training was never so weak


def test_whole_networks_are_told_as_far_as_they_are_trained():
    training = planted("net@128, rate 0.001", [0.5, 0.6, 0.7], [0.10, 0.08, 0.06])
    path = planted("net@128, rate 0.001", [0.5, 0.695, 0.7], [0.10, 0.09, 0.06])
    held = Held(a_study(training), a_study(path))
    said = figures.whole_paths(held).text
    assert "mixed at 0.5" in said and "+2.9" in said and "3 seeds" in said


def test_replay_is_asked_by_the_ledgers_names():
    base = planted(small.NONE, [0.5, 0.6, 0.7], [0.06, 0.05, 0.03])
    curves = [
        planted("1 batch", [0.5, 0.6, 0.7], [0.06, 0.05, 0.035]),
        planted("weight 100", [0.5, 0.55, 0.6], [0.06, 0.055, 0.09]),
        planted(f"1 batch{small.SHUFFLED}", [0.5, 0.6, 0.7], [0.9, 0.9, 0.9]),
    ]
    held = Held(a_study(base, *curves), a_study())
    seen = checks.robustness_of_replay(held)
    assert set(seen) == {
        f"{k} {what} beyond the interval"
        for k in ("1 batch", "100 batches")
        for what in ("end gain", "gain at equal accuracy")
    }
    end, equal = (
        seen[f"100 batches {w} beyond the interval"] for w in ("end gain", "gain at equal accuracy")
    )
    assert end.value == pytest.approx(0.06 - 0.02) and equal.value == pytest.approx(0.04 - 0.02)
    assert seen["1 batch end gain beyond the interval"].value == pytest.approx(0.005 - 0.02)


def remembering(tmp_path, **right) -> Held:
    """A run whose old test images are right as given, (seed, checkpoint, image) by condition."""
    members, bits = [], []
    for name, known in right.items():
        for seed, one in enumerate(known):
            members.append(f"{name.replace('_', ' ')}-seed{seed}")
            bits.append(np.packbits(np.asarray(one, bool), axis=-1))
    table = xr.Dataset(
        {
            f"correct_{small.OLD}": (("member", "checkpoint", "byte"), np.stack(bits)),
            "step": (("member", "checkpoint"), np.tile([0.0, 5.0], (len(members), 1))),
        },
        {"member": members},
        {f"total_{small.OLD}": 8},
    )
    run = Run(tmp_path, {"members": {}}, "stored")
    run._open["table-curves.zarr.zip"] = table
    run.manifest = {"tables": {"curves": {}}, "members": {}}
    names = [n.replace("_", " ") for n in right]
    found = a_study(*(planted(n, [0.5, 0.6], [0.0, 0.0]) for n in names))
    return Held(dataclasses.replace(found, run=run), a_study())


def test_what_is_remembered_is_counted_by_hand(tmp_path):
    full, six, two = [1] * 8, [1] * 6 + [0] * 2, [1] * 2 + [0] * 6
    held = remembering(tmp_path, no_replay=[[full, two]] * 3, **{"1 batch": [[full, six]] * 3})
    seen = checks.remembering(held, 50)
    assert seen["share kept without replay"].value == 0.25
    assert seen["share kept with 1 batch"].value == 0.75
    more = seen["replay minus no replay pretraining-set accuracy"]
    assert more.value == 0.5 and more.n == 3 and more.low > 0


def test_a_random_end_is_as_far_and_elsewhere():
    end = {"moved": torch.ones(4, 3), "shifted": torch.tensor([3.0, 4.0])}
    drawn = last.random_end(end, 0)
    assert {k: round(float(v.norm()), 5) for k, v in drawn.items()} == {
        "moved": round(12**0.5, 5),
        "shifted": 5.0,
    }
    assert not torch.equal(drawn["moved"], end["moved"])
    end["moved"][1] = 0  # a source that training did not reach
    assert not last.random_end(end, 0)["moved"][1].any()
    rises = checks.random_rise(planted("random", [0.5, 0.49, 0.45], [0.1, 0.1, 0.1]))
    assert rises.value == 0.0 <= checks.COST


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("no replay", (0, 0.0, False)),
        ("1 batch", (1, 1.0, False)),
        ("10 batches", (10, 10.0, False)),
        ("weight 2.5", (1, 2.5, False)),
        ("2 batches, shuffled labels", (2, 2.0, True)),
    ],
)
def test_a_condition_says_what_is_replayed(name, read):
    assert small.read(name) == read


@pytest.mark.parametrize("name", ["1 batches", "ten batches", "weight", "weight x", "replay"])
def test_a_condition_of_another_form_is_one_sentence(name):
    with pytest.raises(ParameterError, match="Nothing is replayed by") as error:
        small.read(name)
    assert "\n" not in str(error.value)


def test_bad_parameters_are_refused(outside, tmp_path):
    with pytest.raises(ParameterError, match="replay_weights must be at least 0"):
        HoldingOn.resolve("smoke", replay_weights=(-1.0,))
    with pytest.raises(DataError, match="no class map"):
        HoldingOn.resolve("smoke", class_map=str(tmp_path / "none.yaml")).check()
    line = last.line_of(last.beside(digits()), TEN_DIGITS)
    found = open_mapped(line, "digits", 100)
    stranger = found._replace(sources=tuple("abcdefghij"))
    with pytest.raises(ParameterError, match="that ten-digits was not trained on"):
        old_features(line, stranger, "digits", 10, 10)


def test_on_images_of_your_own_no_network_is_trained_unasked():
    assert len(HoldingOn.book().compared) == 5
    own = HoldingOn.resolve("book", ood=("cifar10.1-v6",))
    assert own.compared == () and not own.ours and study.last_layers(own) is None
    assert dataclasses.replace(own, networks=("resnet18",)).compared == ("resnet18",)
    assert dataclasses.replace(own, model="resnet18").compared == ("resnet18",)
    assert HoldingOn.paper().setup("A33") == "reduced"


def test_weights_and_maps_of_your_own_are_known_by_content(tmp_path):
    weights, mapped = tmp_path / "w.pth", tmp_path / "m.yaml"
    weights.write_bytes(b"one")
    mapped.write_text("a: [0]\n")
    config = HoldingOn.resolve("book", model="resnet18", weights=str(weights))
    asked = dataclasses.replace(last.beside(config), class_map=str(mapped))
    before = asked.address()
    assert str(tmp_path) not in str(before) and asked.networks == ("resnet18",)
    weights.write_bytes(b"two")
    assert asked.address()["weights"] != before["weights"]
    weights.unlink()
    with pytest.raises(DataError, match="There is no file"):
        asked.address()
    with pytest.raises(ParameterError, match="those of one network"):
        dataclasses.replace(config, networks=("a", "b")).check()


def test_some_conditions_can_be_asked_for():
    config = HoldingOn.resolve("book", conditions=("mapped head", "no replay", "1 batch"))
    assert last.beside(config).conditions == ("mapped head",)
    assert small.beside(config).conditions == ("no replay", "1 batch")
