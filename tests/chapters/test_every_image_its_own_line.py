"""Chapter 11: profiles by hand, choices that are refused, splits on planted models, the page."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore import claims
from nbcore.chapters.every_image_its_own_line import exercises, figures, observe, runs
from nbcore.chapters.every_image_its_own_line.config import EveryImageItsOwnLine, Profiles
from nbcore.measures.generalization import profiles as measure


def test_a_falling_profile_by_hand():
    found = measure.profile_correlation([[1, 0], [1, 0], [0, 1], [0, 1]], [0.6, 0.7, 0.8, 0.9])
    assert found == pytest.approx([-2 / np.sqrt(5), 2 / np.sqrt(5)])
    assert np.isnan(measure.profile_correlation([[1], [1], [1]], [0.1, 0.2, 0.3])).all()


@given(st.integers(3, 12), st.integers(1, 9), st.integers(0, 999))
def test_correlations_are_numpys(models, images, seed):
    rng = np.random.default_rng(seed)
    right, accuracy = rng.random((models, images)) < 0.5, rng.random(models)
    found = measure.profile_correlation(right, accuracy)
    for k in range(images):
        if right[:, k].any() and not right[:, k].all():
            assert found[k] == pytest.approx(np.corrcoef(right[:, k], accuracy)[0, 1], abs=1e-9)
        else:
            assert np.isnan(found[k])
    mixed = measure.set_correlation(right, accuracy)
    if np.ptp(right.mean(1)) > 0:
        assert mixed == pytest.approx(np.corrcoef(right.mean(1), accuracy)[0, 1], abs=1e-9)


def test_bins_hold_equally_many_models_and_their_mean_is_the_accuracy():
    rng = np.random.default_rng(0)
    right, accuracy = rng.random((12, 30)) < 0.6, rng.permutation(np.linspace(0.1, 0.9, 12))
    at, share = measure.binned_profile(right, accuracy, 4)
    assert at.tolist() == pytest.approx(np.sort(accuracy).reshape(4, 3).mean(1))
    assert share.mean() == pytest.approx(right.mean()) and (np.diff(at) > 0).all()


def test_choices_that_cannot_be_made_are_refused():
    right = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1]])
    with pytest.raises(ValueError, match="1 examples have a profile that falls, not the 2"):
        measure.falling(right, [0.1, 0.2, 0.3], 2)
    assert measure.falling(right, [0.1, 0.2, 0.3], 1).tolist() == [1]
    with pytest.raises(ValueError, match="Beside the 2 chosen examples there are 1"):
        measure.equally_hard(right, [0, 1], np.random.default_rng(0))
    with pytest.raises(ValueError, match="fractions in \\[0, 1\\], not up to 30"):
        measure.profile_correlation(right, [10, 20, 30])
    with pytest.raises(ValueError, match="three models or more"):
        measure.profile_correlation(right[:2], [0.1, 0.2])
    with pytest.raises(ValueError, match="3 models make 1 to 3 bins, not 4"):
        measure.binned_profile(right, [0.1, 0.2, 0.3], 4)


def test_the_control_is_solved_by_as_many_models():
    rng = np.random.default_rng(1)
    right = rng.random((10, 500)) < rng.random(500)
    chosen = np.arange(40)
    matched = measure.equally_hard(right, chosen, rng)
    assert not set(matched) & set(chosen) and len(set(matched)) == 40
    gap = np.sort(right[:, matched].sum(0)) - np.sort(right[:, chosen].sum(0))
    assert abs(gap).max() <= 1


def planted(falls: float, models: int = 40, images: int = 2000):
    """Models of one ability; on a share of the images the more able ones are wrong."""
    rng = np.random.default_rng(2)
    sign = np.where(rng.random(images) < falls, -1, 1)
    ability = np.linspace(-1, 2, models)[:, None]
    chance = 1 / (1 + np.exp(-(2 * sign * ability - rng.normal(0, 1, images))))
    right = rng.random((models, images)) < chance
    return right, right.mean(1), np.array([f"f{k % 8}" for k in range(models)])


def test_splits_find_what_was_planted_and_nothing_else():
    found = runs._splits(*planted(0.05), Profiles(subset=100, splits=5))
    assert found.shape == (5, 2) and (found[:, 1] > 0.5).all() and (found[:, 0] < -0.5).all()
    with pytest.raises(ValueError, match="ask for fewer, or take more models"):
        runs._splits(*planted(0.0), Profiles(subset=100, splits=5))


def test_halves_are_whole_families():
    families = np.array(list("aabbbcddde"))
    half = runs._halves(families, np.random.default_rng(0))
    assert 5 <= half.sum() <= 8
    assert all(len(set(half[families == f])) == 1 for f in set(families))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("fv_16k", "features"),
        ("random_features_32k_aug", "features"),
        ("wide_resnet_tf", "ResNet"),
        ("se_resnext50_32x4d", "SE and DPN"),
        ("inception_resnet_v2_tf", "Inception"),
        ("pnasnet5large", "searched"),
        ("cudaconvnet", "cudaconvnet"),
    ],
)
def test_families(model, name):
    assert runs.family(model) == name


@pytest.fixture
def stored():
    return runs.load_profiles(EveryImageItsOwnLine.smoke().profiles)


def test_the_stored_run_is_recorded_and_drawn(stored, monkeypatch, tmp_path):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))
    assert stored.origin == "stored"
    seen = observe.record(stored, EveryImageItsOwnLine.smoke(), "smoke")
    assert seen.setup == "reduced" and len(seen.observed) == 2
    own = seen.observed["imagenetv2 chosen images held-out correlation"]
    assert own.low <= own.value <= own.high and own.n == 20
    for draw in (
        figures.splits,
        figures.line,
        figures.pager,
        figures.correlations,
        figures.difficulty,
        figures.scatter,
    ):
        told = draw(stored).to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60
    told = figures.leverage(stored, EveryImageItsOwnLine.smoke()).to_dict()
    assert "Fisher vectors" in " ".join(told["title"]["text"]) and len(told["description"]) > 60
    assert observe.shares_told(stored).text.count("fall,") == 2
    assert len(figures.threshold().to_dict()["description"]) > 60


def test_the_splits_are_those_of_the_run(stored):
    config = EveryImageItsOwnLine.smoke()
    table, found = stored.table("imagenetv2"), observe.leverage(stored, config)
    kept = table["held_out"].sel(models=runs.ALL, subset=runs.CHOSEN).values
    assert found["held_out"].tolist() == kept.tolist() and 0 < found["judges"].sum() < len(kept)
    # where Fisher vectors judge, three points far to the left weigh in: the halves differ by that
    for k, judges in enumerate(found["judges"]):
        rng = np.random.default_rng([config.profiles.seed, k])
        chooses = runs._halves(table["family"].values, rng)
        assert chooses[np.isin(table["model"], ("fv_4k", "fv_16k", "fv_64k"))].any() != judges


@pytest.mark.parametrize(
    ("judging", "choosing", "said"),
    [
        (-0.1, -0.5, "pull the correlation up: median −0.10 with them, −0.50 without"),
        (-0.5, -0.1, "pull the correlation down"),
        (-0.1, -0.15, "make little difference"),
        (None, -0.1, "No two kinds"),
    ],
)
def test_what_fisher_vectors_do(judging, choosing, said):
    assert said in figures.pulled(judging, choosing)


@pytest.mark.parametrize(
    ("own", "said"),
    [(0.03, "more than with any"), (0.001, "fewer than with any"), (0.015, "no more than")],
)
def test_shares_beside_luck(own, said):
    assert said in observe.beside_luck(own, np.array([0.01, 0.02]))


def test_networks_of_ones_own_are_judged_if_there_are_enough(tmp_path):
    rng, file = np.random.default_rng(0), tmp_path / "networks.csv"
    ids = np.linspace(0.25, 0.85, 32)
    rows = [f"n{k},{a:.4f},{0.5 - 0.3 * a + rng.normal(0, 0.02):.4f}" for k, a in enumerate(ids)]
    file.write_text("\n".join(["model,id,ood", *rows]))
    (found,) = observe.published(str(file), 200).values()
    pairs = np.array([[float(v) for v in row.split(",")[1:]] for row in rows])
    assert found.value == pytest.approx(np.corrcoef(pairs.T)[0, 1], abs=1e-6) and found.high < 0
    assert set(observe.published(str(file), 200)) <= {c.name for c in claims.get("C25").checks}
    file.write_text("\n".join(["model,id,ood", *rows[:20]]))
    assert observe.published(str(file), 200) == {}


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_have_answers(name):
    exercise = exercises.EXERCISES[name]
    assert -1 <= exercise.truth() <= 1 and exercise.hint.endswith(".")


def test_the_stored_numbers_come_from_the_public_predictions(real_data):
    stored = runs.load_profiles(EveryImageItsOwnLine.book().profiles).table("cifar10.1")
    again = runs._member(EveryImageItsOwnLine.book().profiles, "cifar10.1")
    assert again["held_out"].values == pytest.approx(stored["held_out"].values)
