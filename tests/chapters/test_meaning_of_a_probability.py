"""Chapter 13: tables and groups, networks and auditors, small predictors, and the smoke page."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nbcore import claims
from nbcore.chapters.meaning_of_a_probability import (
    coins,
    committees,
    exercises,
    figures,
    grouped,
    network_figures,
    networks,
    observe,
    runs,
    study,
    tables,
)
from nbcore.chapters.meaning_of_a_probability.config import Groups, MeaningOfAProbability
from nbcore.errors import DataError, ParameterError
from nbcore.measures.calibration.binned import expected_calibration_error


def test_coins_are_calibrated_until_they_are_moved():
    assert expected_calibration_error(*coins.coin(0.0)) == 0
    table = coins.coins()
    assert table["distance"].to_numpy() == pytest.approx(table["move"].to_numpy())
    assert table["expected calibration error"].min() == pytest.approx(0.4)


def test_half_of_the_random_predictors_are_nearly_calibrated():
    found = coins.random_predictors(40)
    near = found["distance"] < 0.1
    assert 0.3 < near.mean() < 0.95 and found["distance"].min() < 1e-3
    assert (found["smooth calibration error"] <= 2 * found["distance"] + 1e-9).all()


def test_digits_and_their_groups():
    table = tables.load_table("digits")
    assert table.features.shape == (1797, 64) and table.groups.shape == (1797, 10)
    assert len(set(table.names)) == 10 and set(table.outcome) == {0.0, 1.0}
    assert abs(table.features.mean(0)).max() < 1e-9
    share = table.groups.mean(0)
    assert share.min() > 0.25 and share.max() < 0.4
    assert table.groups.sum(1).max() > 1  # they overlap
    pairs = dict(zip(table.names, table.groups.T, strict=True))
    assert not (pairs["dark"] & pairs["bright"]).any()


def test_groups_of_pictures_by_hand():
    images = np.zeros((10, 4, 4, 1), np.uint8)
    for k in range(10):
        images[k, :2] = 20 * k  # ever lighter above
    found = tables._looks(images)
    assert found["dark"].tolist() == [True] * 3 + [False] * 7
    assert found["light above"].tolist() == [False] * 7 + [True] * 3


def test_photographs_become_features(monkeypatch):
    try:
        tables.nbdata.load("cifar10", "train")
    except DataError:
        pytest.skip("CIFAR-10 is not on this machine")
    monkeypatch.setattr(tables, "PHOTOGRAPHS", 80)
    monkeypatch.setattr(tables, "SIDE", 32)
    table = tables._animals()
    assert table.features.shape == (80, tables.COMPONENTS) and len(table.names) == 10
    assert 0.15 < table.outcome.mean() < 0.55 and np.isfinite(table.features).all()


def test_tables_of_statsmodels_are_those_that_were_used():
    pytest.importorskip("statsmodels", reason="the tables come with statsmodels")
    fair, randhie = tables._fair(), tables._randhie()
    assert len(fair.outcome) == 6366 and fair.outcome.sum() == 2053
    assert len(randhie.outcome) == 20190 and len(randhie.names) == 10
    for table in (fair, randhie):
        share = table.groups.mean(0)
        assert share.min() > 0.03 and share.max() < 0.97 and table.groups.sum(1).max() > 2


def test_a_table_that_is_not_there_or_another_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install statsmodels, or choose the table digits"):
        tables._csv("fair")
    (tmp_path / "datasets" / "fair").mkdir(parents=True)
    (tmp_path / "datasets" / "fair" / "fair.csv").write_text("age\n3\n")
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(tables, "find_spec", lambda name: spec)
    with pytest.raises(DataError, match="missing or another than in its release 0.15"):
        tables._csv("fair")


def test_settings_that_are_not_known_are_refused():
    with pytest.raises(ParameterError, match="no table 'fare'"):
        MeaningOfAProbability.resolve("book", tables=["fare"]).check()
    with pytest.raises(ParameterError, match="Name one table or more"):
        replace(MeaningOfAProbability.book(), tables=()).check()
    with pytest.raises(ParameterError, match="digits has classes 0 to 9, not 12"):
        networks.pictures("digits", 8, (3, 12))


def test_pictures_of_two_classes_are_numbered():
    (x, y), (x_test, y_test) = networks.pictures("digits", 8, (3, 8))
    assert set(y) == set(y_test) == {0, 1} and x.shape[1] == x_test.shape[1] == 64
    assert x.mean() == pytest.approx(0, abs=1e-5) and x.std() == pytest.approx(1, abs=1e-5)


def test_networks_learn_either_loss():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    seen = []
    net = networks.network(3, 8, 2, seed=1)
    networks.fit(net, x, y, 300, 1, at=[0, 300], look=lambda: seen.append(1))
    shares = networks.probabilities(net, x)
    assert len(seen) == 2 and shares.sum(1) == pytest.approx(1)
    assert (shares.argmax(1) == y).mean() > 0.95
    net = networks.network(3, 8, 1, seed=1)
    networks.fit(net, x, y.astype(np.float32), 300, 1)
    p = networks.probabilities(net, x)
    assert ((p - y) ** 2).mean() < 0.1 and p.min() >= 0 and p.max() <= 1


def test_a_violation_by_hand():
    p, y = np.array([0.05, 0.05, 0.55, 0.55]), np.array([0, 1, 1, 0.0])
    # level 0: residuals -.05, .95; level 5: .45, -.55
    assert networks.violation(np.ones(4), p, y) == pytest.approx((0.9 + 0.1) / 4)
    assert networks.violation(np.array([-1, 1, 1, -1.0]), p, y) == pytest.approx((1 + 1) / 4)
    assert networks.violation(np.ones(1), np.array([1.0]), np.array([0.0])) == 1


def test_an_auditor_finds_a_group_that_is_there_and_nothing_where_none_is():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2000, 4)).astype(np.float32)
    chance = np.where(x[:, 1] > 0, 0.8, 0.4)
    y = (rng.random(2000) < chance).astype(float)
    off = np.full(2000, 0.6)
    auditor = networks.audit(off, y, x, 2, 100, seed=0)
    assert np.abs(auditor(x)).max() <= 1
    assert networks.violation(auditor(x), off, y) == pytest.approx(0.2, abs=0.04)
    clean = networks.audit(chance, y, x, 2, 100, seed=0)
    fresh = (rng.random(2000) < chance).astype(float)
    assert networks.violation(clean(x), chance, fresh) < 0.04


def test_votes_of_committees_by_hand():
    answers = np.array([[0, 1], [1, 1], [0, 0]])
    chosen = np.array([[True, False], [True, True], [True, True]])
    found = committees.shares(answers, chosen, 2, 2)
    assert found.tolist() == [[0.5, 0.5], [0.5, 0.5]]  # of the first example the third is too many


def test_committees_are_less_sure_of_what_they_did_not_train_on():
    table = committees.committees()
    assert len(table) == 4 and table["voters"].min() >= 5
    assert (table["error, held out"] > table["error, training"]).all()
    assert table.filter(like="SmoothECE").to_numpy().max() < 0.5


def test_wrong_labels_are_as_many_as_asked():
    rng, labels = np.random.default_rng(0), np.arange(5000) % 10
    wrong = runs._wrong(labels, 0.2, 10, rng) != labels
    assert wrong.mean() == pytest.approx(0.2, abs=0.02)
    assert (runs._wrong(labels, 0.0, 10, rng) == labels).all()
    assert runs.moments(4000)[0] == 0 and runs.moments(4000)[-1] == 4000


def test_multicalibration_reaches_rows_it_did_not_see():
    member = grouped._member(Groups(table="digits"), "split0")
    error = member["error"].sel(model=grouped.BAYES)
    assert float(error.sel(remedy=grouped.MULTI)) < float(error.sel(remedy=grouped.NONE)) / 2
    assert (member["gap"] <= 2 * member["smooth"] + 1e-6).all()
    assert (member["gap"] >= member["smooth"] ** 2 - 1e-6).all()
    assert member["p"].shape == (5, 450) and member["size"].min() >= grouped.LEAST


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_are_solved(name):
    answers = {"probability-three": 0.4 / 3, "probability-bins": 4.0, "probability-shift": 0.04}
    exercise = exercises.EXERCISES[name]
    if name == "probability-bins":  # by chance alone: about the root of how many times the bins
        assert 2 < exercise.truth() < 6
    else:
        assert exercise.truth() == pytest.approx(answers[name], abs=exercise.tolerance(0))


def test_parts_are_addressed_without_their_number_of_members():
    parts = MeaningOfAProbability.book().parts()
    assert replace(parts["gap"], seeds=9).address() == parts["gap"].address()
    assert MeaningOfAProbability.book().setup("C11", ["predictors"]) == "paper"
    assert MeaningOfAProbability.book().setup("C6", ["gap"]) == "reduced"
    assert MeaningOfAProbability.smoke().setup("C11", ["predictors"]) == "reduced"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "OBSERVATIONS"):
            patch.setenv(f"NBCORE_{name}", str(tmp_path_factory.mktemp(name)))
        torch.set_num_threads(1)
        found = study.load(MeaningOfAProbability.resolve("smoke", steps=40, predictors=10))
        yield found, observe.record(found, "smoke")


def test_all_claims_are_recorded_and_none_as_the_papers(tiny):
    _, seen = tiny
    assert sorted(seen) == ["C10", "C11", "C12", "C23", "C24", "C6"]
    for key, observation in seen.items():
        assert observation.setup == "reduced"
        assert {c.name for c in claims.get(key).checks} == set(observation.observed), key


def test_every_figure_has_a_title_and_words(tiny):
    found, _ = tiny
    drawn = [
        figures.diagrams(found),
        figures.by_bins(found),
        figures.moved_coins(found),
        figures.sandwich(found),
        figures.group_errors(found, 0),
        network_figures.along(found),
        network_figures.gap_scatter(found),
        network_figures.auditors(found),
    ]
    for figure in drawn:
        told = figure.to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60
    assert "Not drawn" in repr(figures.group_errors(found, 1))
    assert "naive Bayes" in repr(figures.accuracies(found))
    assert "networks of 8 units" in repr(network_figures.premise(found))
    assert "Fashion-MNIST, MLP" in repr(network_figures.committee_table())
