import dataclasses

import numpy as np
import pytest
import xarray as xr

from nbcore import data
from nbcore.depths import ensembles
from nbcore.depths.ensembles import Ensemble, load_pool, plant_noise, run_ensemble
from nbcore.errors import DataError, ParameterError
from nbcore.runs import store
from nbcore.training import loop

TINY = Ensemble(
    dataset="digits",
    examples=60,
    test_examples=20,
    width=16,
    depth=2,
    steps=20,
    batch=20,
    checkpoints=4,
    k=5,
    held_out=0.2,
    members=3,
    workers=1,
    device="cpu",
)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))


def with_fields(**changes) -> Ensemble:
    return dataclasses.replace(TINY, **changes)


def checksums(run) -> dict[str, str]:
    return {name: entry["sha256"] for name, entry in run.manifest["members"].items()}


@pytest.mark.parametrize("members, full, came", [(1, 0, 1), (0, 1, 1), (0, 0, 0)])
def test_fewer_than_two_members_are_refused(members, full, came):
    with pytest.raises(ParameterError, match=f"needs two members or more, not {came}"):
        run_ensemble(with_fields(members=members, full_members=full))


def test_more_neighbours_than_examples_are_refused_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr(ensembles, "member", lambda *_: pytest.fail("a member was trained"))
    with pytest.raises(ParameterError, match="k is 49, but a member trains on about 48 examples"):
        run_ensemble(with_fields(k=49))
    with pytest.raises(ParameterError, match="k is 61, but a member trains on about 60"):
        run_ensemble(with_fields(k=61, members=0, full_members=2))


def test_members_are_added_without_training_the_others_again(monkeypatch):
    trained, member = [], ensembles.member
    monkeypatch.setattr(ensembles, "member", lambda c, n: (trained.append(n), member(c, n))[1])
    few = run_ensemble(with_fields(members=2))
    more = run_ensemble(with_fields(members=3, full_members=1))
    assert trained == ["split-000", "split-001", "split-002", "full-000"]
    assert more.path == few.path and checksums(few).items() < checksums(more).items()
    assert list(more.table("members")["member"]) == sorted(trained)
    assert run_ensemble(with_fields(members=2)).origin == "cached"
    assert len(trained) == 4


def test_a_published_ensemble_is_extended_from_its_tables_alone(monkeypatch, tmp_path):
    config = with_fields(input_margins=10, held_out=0.5)
    few = run_ensemble(dataclasses.replace(config, members=3, full_members=1))
    store.publish(few)
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "a fresh checkout"))
    more = dataclasses.replace(config, members=4, full_members=2)
    extended = run_ensemble(more)
    assert len(extended.member_names) == 6 and len(list(extended.path.glob("member-*"))) == 2
    assert store.verify(extended) == 2 + len(extended.manifest["tables"])
    assert run_ensemble(more).origin == "cached"

    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "all at once"))
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "no results"))
    whole = run_ensemble(more)
    for name in whole.manifest["tables"]:
        xr.testing.assert_allclose(extended.table(name), whole.table(name), rtol=1e-5)
        assert {k: v.dtype for k, v in extended.table(name).variables.items()} == {
            k: v.dtype for k, v in whole.table(name).variables.items()
        }


def test_a_published_ensemble_of_other_code_is_not_extended(monkeypatch, tmp_path):
    run = run_ensemble(TINY)
    run.manifest["source"] |= {"nbcore.measures.depth": "0" * 16}
    store.publish(run)
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "a fresh checkout"))
    more = run_ensemble(with_fields(members=4))
    assert len(list(more.path.glob("member-*"))) == 4


def test_neither_the_order_nor_an_interruption_changes_a_bit(monkeypatch, tmp_path):
    straight = run_ensemble(TINY)
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "another"))
    monkeypatch.setattr(Ensemble, "names", lambda self: ["split-002", "split-000", "split-001"])
    batch, train, left = loop._batch, loop.train, iter(range(30))

    def stops(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return batch(*arguments)

    with monkeypatch.context() as m:
        m.setattr(loop, "_batch", stops)  # in the second member
        m.setattr(loop, "train", lambda *a, **k: train(*a, save_every=0.0, **k))
        with pytest.raises(KeyboardInterrupt):
            run_ensemble(TINY)
    assert len(list((tmp_path / "another/partial").glob("*.pt"))) == 1
    steps = []
    monkeypatch.setattr(loop, "_batch", lambda *a: (steps.append(a[-1]), batch(*a))[1])
    again = run_ensemble(TINY)
    assert steps[0] == 10  # where the second member was
    assert checksums(again) == checksums(straight)
    assert again.manifest["tables"].keys() == straight.manifest["tables"].keys()
    for name in again.manifest["tables"]:
        assert again.table(name).identical(straight.table(name))


def test_what_was_never_held_out_is_missing_and_not_zero():
    run = run_ensemble(with_fields(members=2, full_members=1))
    members, examples = run.table("members"), run.table("examples")
    ever = members["held_out"].values.any(0)
    assert ever.sum() == 24  # two of five folds
    np.testing.assert_array_equal(np.isnan(examples["output_margin_val"]), ~ever)
    assert not np.isnan(examples["output_margin_train"]).any()
    np.testing.assert_array_equal(run.table("votes")["count"].sum("half"), ever)
    full = members.sel(member="full-000")
    assert np.isnan(full["accuracy_val"]).all() and np.isnan(full["probe_accuracy_val"]).all()
    assert not np.isnan(full["accuracy_train"]).any()


def test_the_tables_say_what_the_members_say():
    run = run_ensemble(TINY)
    table = run.table("members")
    for name, member in run.members():
        row, held = table.sel(member=name), member["held_out"].values
        np.testing.assert_array_equal(row["final"], member["final"])
        right = member["final"].values == member["label"].values
        assert float(row["accuracy_val"][-1]) == pytest.approx(right[held].mean())
        for i in np.flatnonzero(row["depth"].values >= 0)[:20]:
            said = member["votes"].values[i].argmax(-1)
            d, answer = int(row["depth"][i]), int(member["final"][i])
            assert (said[d:] == answer).all() and (d == 0 or said[d - 1] != answer)


def test_planted_noise_has_its_share_and_is_the_same_every_time():
    labels = np.arange(20_000) % 10
    noisy = plant_noise(labels, 0.4, 10, seed=3)
    # nine in ten of the labels that are drawn anew differ
    assert (noisy != labels).mean() == pytest.approx(0.36, abs=0.01)
    np.testing.assert_array_equal(noisy, plant_noise(labels, 0.4, 10, seed=3))
    assert (noisy != plant_noise(labels, 0.4, 10, seed=4)).any()
    assert np.bincount(noisy[noisy != labels]).min() > 550  # to every class alike
    np.testing.assert_array_equal(plant_noise(labels, 0.0, 10), labels)
    assert (labels == np.arange(20_000) % 10).all()


def test_a_pool_with_planted_noise_keeps_the_original_labels():
    clean, noisy = load_pool(TINY), load_pool(with_fields(noise=0.5))
    np.testing.assert_array_equal(noisy.images, clean.images)
    np.testing.assert_array_equal(noisy.original, clean.labels)
    assert 0.2 < (noisy.labels != noisy.original).mean() < 0.7
    np.testing.assert_array_equal(noisy.test_labels, clean.test_labels)


def test_human_labels_are_those_of_the_same_images(real_data):
    if not any(r.name == "cifar10n" and r.found for r in data.status()):
        pytest.skip("needs CIFAR-10N's labels in NBCORE_DATA/cifar10n")
    config = with_fields(dataset="cifar10", examples=2000, labels="cifar10n:aggre_label")
    pool, clean = load_pool(config), load_pool(dataclasses.replace(config, labels=""))
    np.testing.assert_array_equal(pool.original, clean.labels)
    # the majority label differs for 9 % of the 50,000 (Wei et al. 2022)
    assert (pool.labels != pool.original).mean() == pytest.approx(0.09, abs=0.02)
    assert config.roles() == {"images": "cifar10", "labels": "cifar10n"}


def test_labels_of_another_data_set_are_refused(real_data):
    with pytest.raises(DataError, match="is for 50000 images"):
        load_pool(with_fields(labels="cifar10n:aggre_label"))
