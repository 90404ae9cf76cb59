"""Chapter 14: rises, slopes, stacks of networks, wrong labels, descent, and the smoke page."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from nbcore import claims
from nbcore.chapters.more_data_can_hurt import (
    annealing,
    curves,
    exercises,
    features,
    figures,
    kernels,
    linear,
    network_figures,
    networks,
    observe,
    pictures,
    stacked,
    study,
)
from nbcore.chapters.more_data_can_hurt.config import Linear, MoreDataCanHurt, Networks
from nbcore.errors import ParameterError
from nbcore.measures.generalization.ridge import exact_risk
from nbcore.training.recipe import Recipe


def test_a_stack_of_one_is_torchs_sgd():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (20, 3, 3, 1)).astype(np.uint8)
    labels = np.arange(20) % 3
    recipe = Recipe(steps=7, batch=20, lr=0.1, checkpoints=3)
    sets = {"train": (images, labels)}
    steps, errors = stacked.train_stack(images, labels[None], sets, recipe, 5, [0.01], seed=3)
    net = torch.nn.Sequential(torch.nn.Linear(9, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    parts = stacked.start(1, 9, 5, 3, seed=3)
    with torch.no_grad():
        for mine, theirs in zip(parts, net.parameters(), strict=True):
            theirs.copy_(mine[0].T.reshape(theirs.shape))
    x = torch.as_tensor((images.reshape(20, -1) - images.mean()) / images.std()).float()
    y = torch.as_tensor(labels)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    wrong = []
    for _ in range(8):
        wrong.append(float((net(x).argmax(1) != y).float().mean()))
        sgd.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        sgd.step()
    assert errors.shape == (1, 1, len(steps))
    assert errors[0, 0] == pytest.approx([wrong[s] for s in steps])


def test_networks_of_a_stack_do_not_know_of_each_other():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (30, 2, 2, 1)).astype(np.uint8)
    given_ = rng.integers(0, 3, (2, 30))
    given_[:, 0] = 2
    recipe = Recipe(steps=6, batch=10, lr=0.1, checkpoints=3)
    sets = {"test": (images, given_[0])}
    both = stacked.train_stack(images, given_, sets, recipe, 4, [0.0, 0.1], seed=1)[1]
    for k, decay in enumerate((0.0, 0.1)):
        alone = stacked.train_stack(images, given_[k : k + 1], sets, recipe, 4, [decay], seed=1)
        assert both[k] == pytest.approx(alone[1][0])


def test_wrong_labels_are_as_many_as_asked_and_do_not_depend_on_how_many_there_are():
    labels = np.arange(5000) % 10
    found = pictures.wrong_labels(labels, 0.2, 10, seed=0)
    wrong = found != labels
    assert wrong.mean() == pytest.approx(0.2, abs=0.02)
    assert np.bincount((found - labels)[wrong] % 10, minlength=10)[1:].min() > 70
    assert (pictures.wrong_labels(labels[:100], 0.2, 10, seed=0) == found[:100]).all()


def test_pictures_are_averaged_in_blocks_or_refused():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    assert pictures.shrunk(image, 2).ravel().tolist() == [2, 4, 10, 12]
    assert pictures.shrunk(image, 0) is image
    with pytest.raises(ParameterError, match="not averaged to 3×3; give a side that divides"):
        pictures.shrunk(image, 3)
    with pytest.raises(ParameterError, match="1,297 training pictures, not 2,000; ask for fewer"):
        pictures.pictures("digits", 0, 2000, 0.2, 0)


def test_sets_of_pictures_do_not_meet_and_grow():
    small, large = (pictures.pictures("digits", 0, n, 0.2, 5) for n in (50, 100))
    assert (large.images[:50] == small.images).all() and (large.given[:50] == small.given).all()
    assert len(small.choice[0]) == 100 and len(small.test[0]) == 400


def test_a_member_of_the_linear_run_has_the_exact_risk_as_its_mean():
    run = linear._member(Linear(dimensions=(24,), draws=150), "seed7")
    n = linear.counts(24)
    for k in (2, 4, 14, 19):
        bias, variance = exact_risk(int(n[k]), 24)
        plain = run.isel(dimension=0, ridge=0, ratio=k)
        assert float(plain["bias"].mean()) == pytest.approx(bias, abs=0.04)
        assert float(plain["variance"].mean()) == pytest.approx(0.25 * variance, rel=0.2)
    assert (n[(n > 0)] != 24).all() and np.isnan(run["bias"].values[..., n < 0]).all()


def test_all_dimensions_seen_and_a_whole_sample_are_one_problem():
    """At d = p nothing is unseen, so the errors are those of ridge regression on all of x."""
    rng = np.random.default_rng(0)
    risks = linear._along_d(20, 0.5, rng)
    assert risks.shape == (3, len(linear.dims(20))) and (risks > 0).all()
    assert linear.dims(20)[-1] == 40 and abs(linear.dims(20) - 20).min() > linear.NEAREST


def test_features_interpolate_at_as_many_as_pictures():
    sets = pictures.pictures("digits", 0, 40, 0.2, 0)
    weights = np.random.default_rng(0).standard_normal((65, 80))
    phi = features._features(sets.images, weights)
    assert phi.shape == (40, 80) and np.linalg.matrix_rank(phi) == 40
    errors = features._errors(sets, 80, 40, weights)
    assert errors.shape == (2, len(features.RIDGES)) and (errors < 1).all()


def test_sizes_of_kernel_runs():
    assert kernels.sizes(256, 64) == [64, 128, 256] and kernels.sizes(100, 30) == [50, 100]


def test_early_stopping_takes_what_the_pictures_to_choose_by_like():
    errors = np.zeros((1, 3, 4))
    errors[0] = [[0.5, 0.4, 0.2, 0.0], [0.6, 0.3, 0.4, 0.5], [0.6, 0.35, 0.4, 0.45]]
    ends = networks._ends(errors)
    assert ends[0, 0].tolist() == [0.0, 0.5, 0.45] and ends[0, 1].tolist() == [0.4, 0.3, 0.35]


def test_tuned_errors_are_those_at_the_fewest_errors_of_choice():
    error = xr.DataArray(
        [[[0.3, 0.1], [0.2, 0.4]]],
        dims=("member", "set", "ridge"),
        coords={"set": ["choice", "test"]},
    )
    assert study._chosen(error, True).tolist() == [0.4]
    assert study._chosen(error, False).tolist() == [0.2]


def test_both_schedules_stop_at_one_training_loss():
    train, test = np.diag(annealing.TRAIN), np.diag(annealing.TEST)
    small, annealed, large = (
        annealing.descend(train, test, s) for s in ("small", "annealed", "large")
    )
    assert 0.8 * annealing.STOP < annealed.train_loss <= small.train_loss <= annealing.STOP
    # the second weight learns (1 - .1 / 100) a step and has to come to √(2 · .002 / .01)
    assert len(small.path) == pytest.approx(np.log(0.4**0.5) / np.log(1 - 0.001), rel=0.01)
    assert small.test_loss > 100 * annealed.test_loss
    assert not large.stopped and small.stopped
    assert annealed.path[-1] == pytest.approx([1, 1], abs=0.1)


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_are_solved(name):
    answers = {"more-turn": 49, "more-needed": 127, "more-ridge": 6.25}
    exercise = exercises.EXERCISES[name]
    assert exercise.truth() == pytest.approx(answers[name], abs=exercise.tolerance(0))


def test_parts_are_addressed_without_their_number_of_members():
    parts = MoreDataCanHurt.book().parts()
    nets = [p for p in parts.values() if isinstance(p, Networks)]
    assert {n.part for n in nets} == {"epochs", "widths", "sizes"}
    assert replace(nets[0], seeds=9).address() == nets[0].address()
    assert MoreDataCanHurt.book().setup("C33", ["linear"]) == "paper"
    assert MoreDataCanHurt.book().setup("C34", ["linear"]) == "reduced"
    assert MoreDataCanHurt.smoke().setup("C33", ["linear"]) == "reduced"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "OBSERVATIONS"):
            patch.setenv(f"NBCORE_{name}", str(tmp_path_factory.mktemp(name)))
        config = MoreDataCanHurt.resolve("smoke", epochs=4, draws=3, problems=3)
        found = study.load(config)
        yield found, observe.record(found, "smoke")


def test_all_claims_are_recorded_and_none_as_the_papers(tiny):
    _, seen = tiny
    assert sorted(seen) == ["C31", "C32", "C33", "C34", "C8"]
    for key, observation in seen.items():
        assert observation.setup == "reduced"
        names = {check.name for check in claims.get(key).checks}
        missing = names - set(observation.observed)
        assert all("slope" in name for name in missing), missing


def test_studies_of_networks_that_nobody_computed_are_not_asked_for(tiny):
    found, _ = tiny
    kept = {
        k: v for k, v in found.runs.items() if isinstance(v.manifest["config"].get("part"), str)
    }
    assert set(kept) == {"epochs", "widths", "sizes"}
    bare = study.Study(found.config, {k: v for k, v in found.runs.items() if k not in kept})
    for name in ("network_widths", "epochs", "network_costs"):
        assert "Not drawn: the study" in repr(getattr(network_figures, name)(bare))
    names = [*observe.noise(bare), *observe.tuned(bare), *observe.descents(bare)]
    assert names and not any(name.startswith(("networks", "epochs")) for name in names)
    with pytest.raises(ParameterError, match="no study of networks 'depths'"):
        MoreDataCanHurt.resolve("book", networks=["depths"]).check()


def test_the_risk_that_the_reader_moves_is_the_exact_one():
    """At σ = .5 and n = .9 d, bias and σ² variance of the published draws."""
    found = study.load(MoreDataCanHurt.book())
    data = figures.explorer(found).to_dict()["datasets"]
    rows = [r.split(",") for text in data.values() for r in str(text).splitlines()]
    own = next(
        r for r in rows if r[:3] == ["100.0", "0.0", "0.9"] or r[:3] == ["100", "0.0", "0.9"]
    )
    bias, variance = exact_risk(90, 100)
    assert float(own[3]) == pytest.approx(bias, abs=0.02)
    assert float(own[4]) == pytest.approx(variance, rel=0.15)


def test_every_figure_has_a_title_and_words(tiny):
    found, _ = tiny
    drawn = [
        figures.risk(found),
        figures.ridges(found),
        figures.explorer(found),
        figures.feature_widths(found),
        figures.feature_counts(found),
        network_figures.network_widths(found),
        network_figures.epochs(found),
        figures.costs(found, "circle"),
        figures.costs(found, "sphere"),
        network_figures.network_costs(found),
        figures.paths(),
    ]
    for figure in drawn:
        told = figure.to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60
    assert "digits" in repr(figures.told(found))
    assert "when annealed, about the same, as it must be" in repr(figures.control())


def test_the_chapter_on_honest_science_leaves_out_seeds_with_the_same_outcome():
    from nbcore.chapters.honest_science import own_checks, own_curves

    found = study.load(MoreDataCanHurt.book())
    own = curves.outcomes(found)
    for source in own_curves.load():
        for k in range(source.units if source.name in ("kernels", "networks by pictures") else 0):
            seen = own_checks.outcomes(source.without(k).observed(curves.DRAWS))
            for (claim, name), outcome in seen.items():
                assert outcome in own[claims.readable(name)], (claim, name)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ([{claims.HELD}, {claims.MISSED}], "all 2 outcomes of C8 stay"),
        ([{claims.HELD}, {claims.HELD, claims.UNDECIDED}], "none turns from held to missed"),
        ([{claims.HELD}, {claims.HELD, claims.MISSED}], "1 of them turned from held to missed"),
    ],
)
def test_what_hangs_on_one_seed_is_said(kinds, said):
    text = curves.fragile({f"check {k}": v for k, v in enumerate(kinds)})
    assert said in text and ("“check 1”" in text) == ("all 2" not in text)


@pytest.mark.parametrize(
    ("at", "said"),
    [(500, "as many as there are"), (400, "near the 500"), (2000, "far from the 500")],
)
def test_where_the_error_over_pictures_is_largest(at, said):
    x = np.array([100, 400, 500, 2000])
    assert said in figures.most_wrong((x == at).astype(float), x, 500)
