"""Chapter 12: planted labels, methods that copy, students, private steps, and the smoke page."""

import numpy as np
import pytest
import torch

from nbcore import claims
from nbcore.chapters.test_set_remembers import (
    budget,
    copied,
    exercises,
    figures,
    methods,
    observe,
    pictures,
    private,
    private_figures,
    study,
    taught,
)
from nbcore.chapters.test_set_remembers.config import Copied, Private, Remembers
from nbcore.chapters.test_set_remembers.pictures import Part
from nbcore.errors import ParameterError
from nbcore.measures.estimate import Estimate
from nbcore.training.recipe import Recipe


def blobs(n=120, classes=3, seed=0):
    """Make classes far apart on a line, each spread over a little square."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    inputs = (rng.random((n, 4)) + np.eye(4)[labels] * 20).astype(np.float32)
    images = np.zeros((n, 8, 8, 1), np.uint8)
    images[np.arange(n), labels * 2] = 200
    images[:, 6:] = rng.integers(0, 255, (n, 2, 8, 1))
    return Part(images, inputs, labels)


def test_every_fitting_method_fits_wrong_labels_and_votes_do_not_repeat_them():
    part, test = blobs(), blobs(600, seed=1)
    given = np.where((part.labels == 0) & (np.arange(120) % 4 == 0), 2, part.labels)
    wrong, zeros = (given != part.labels).sum() / 40, test.labels == 0
    choice = part.inputs[:9], given[:9]
    recipe = Recipe(2000, 64, 0.03, weight_decay=0.0, checkpoints=2)
    said = {
        "one": methods.neighbours(part, given, test.inputs, 1),
        "tree": methods.tree(part, given, test.inputs, 0),
        "narrow": methods.kernel(part, given, test.inputs, True),
        "wide": methods.kernel(part, given, test.inputs, False),
        "mlp": methods.mlp(part, given, choice, test.inputs, 512, recipe, 0).end,
    }
    for name, found in said.items():
        assert found.fit > 0.9, name
        assert (found.answers[~zeros] == test.labels[~zeros]).all(), name
        assert set(found.answers[zeros]) <= {0, 2}, name
    assert (said["one"].answers[zeros] == 2).mean() == pytest.approx(wrong, abs=0.12)
    many = methods.neighbours(part, given, test.inputs, 25)
    assert (many.answers == test.labels).mean() > 0.97 and many.fit < 1


def test_the_narrow_kernel_is_nearly_one_neighbour():
    part, test = blobs(), blobs(300, seed=2)
    given = np.random.default_rng(0).integers(0, 3, 120)
    near = methods.neighbours(
        part._replace(inputs=pictures.unit(part.inputs)), given, pictures.unit(test.inputs), 1
    )
    narrow = methods.kernel(part, given, test.inputs, True)
    assert (near.answers == narrow.answers).mean() > 0.85


def test_a_convolutional_network_learns_the_pictures_and_stays_where_it_is_told():
    part = blobs()
    found = methods.vgg(part, part.labels, part.images, 4, 12, 0)
    assert (found.answers == part.labels).mean() > 0.9 and found.fit > 0.9


def test_pictures_grow_and_more_than_there_are_is_refused():
    small, test = pictures.draw("digits", 0, 50, 3)
    large, _ = pictures.draw("digits", 0, 100, 3)
    assert (large.images[:50] == small.images).all() and len(test.labels) == 500
    with pytest.raises(ParameterError, match="1,297 training pictures here, not 2,000"):
        pictures.draw("digits", 0, 2000, 3)
    assert pictures.group(np.array([0, 4, 5, 9]), "digits").tolist() == [0, 0, 1, 1]


def test_noise_is_as_asked_and_never_the_right_label():
    labels = np.arange(20_000) % 10
    found = taught.noisy(labels, 0.4, 10, 0)
    wrong = found != labels
    assert wrong.mean() == pytest.approx(0.4, abs=0.01)
    counts = np.bincount((found - labels)[wrong] % 10, minlength=10)
    assert counts[0] == 0 and counts[1:].min() > 700
    assert sorted(copied.flip_chances(10, 1)) == pytest.approx(np.linspace(0, 0.4, 10))


def test_a_quarter_turn_is_that_of_the_picture():
    images = np.arange(18, dtype=np.uint8).reshape(2, 3, 3, 1)
    flat = images.reshape(2, -1).astype(np.float32)
    found = private.rotated(images, flat, np.array([True, False]))
    assert found[0].tolist() == np.rot90(images[0, :, :, 0]).ravel().tolist()
    assert (found[1] == flat[1]).all()


def test_without_noise_and_with_a_wide_cut_a_private_step_is_a_step_of_sgd():
    config = Private("digits", 0, 40, clip=1e6, batch=40, epochs=1, width=5)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype(np.float32), np.arange(40) % 3
    net = private.train_privately(x, y, config, 0.0, seed=4)
    plain = methods.perceptron(6, 5, 3, 4)
    loss = torch.nn.functional.cross_entropy(plain(torch.as_tensor(x)), torch.as_tensor(y))
    loss.backward()
    for mine, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        wanted = theirs.detach() - private.PRIVATE_RATE * theirs.grad
        assert mine.detach().numpy() == pytest.approx(wanted.numpy(), abs=1e-4)


def test_a_cut_bounds_what_one_picture_can_do():
    config = Private("digits", 0, 40, clip=0.01, batch=40, epochs=1, width=5)
    x = 100 * np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    net = private.train_privately(x, np.arange(40) % 3, config, 0.0, seed=4)
    start = methods.perceptron(6, 5, 3, 4)
    moved = [
        (a - b).detach().square().sum()
        for a, b in zip(net.parameters(), start.parameters(), strict=True)
    ]
    assert 0 < float(sum(moved)) ** 0.5 <= private.PRIVATE_RATE * 0.01 + 1e-6


def test_the_noise_keeps_the_budget_by_an_accountant_of_its_own():
    from opacus.accountants import PRVAccountant

    noise = budget.noise_for(2.0, 1e-5, 800, 100, 40)
    other = PRVAccountant()
    other.history = [(noise, 100 / 800, 40)]
    assert 1.2 < other.get_epsilon(delta=1e-5) <= 2.0
    assert budget.noise_for(1.0, 1e-5, 800, 100, 40) > noise


@pytest.mark.parametrize(
    ("epsilon", "delta", "said"),
    [
        (1e-9, 1e-12, "ε = 1e-09, δ = 1e-12 cannot be met in 40 steps of 100 among 800"),
        (1.0, 0.01, "could give one of them away for sure; give one between 0 and 0.0013"),
        (1.0, 0.0, "could give one of them away"),
        (0.0, 1e-5, "needs an ε above 0"),
    ],
)
def test_a_budget_that_cannot_be_met_is_a_sentence(epsilon, delta, said):
    with pytest.raises(ParameterError, match=said):
        budget.noise_for(epsilon, delta, 800, 100, 40)


def test_groups_are_weighed_as_they_are_drawn():
    labels = np.array([0, 0, 1, 1])
    said = {
        "train": np.array([0, 1, 1, 1]),
        "upright": np.array([0, 0, 1, 0]),
        "turned": np.array([1, 1, 1, 1]),
    }
    odd = np.array([False, True, False, False])
    found = private._by_group(said, labels, odd, labels, 0.25)
    assert found[0].tolist() == [0.5, 1.0, 0.0, 0.75]
    assert found[1] == pytest.approx([0.75, 0.625, 0.5, 0.6875])


def test_unknown_data_and_parts():
    with pytest.raises(ParameterError, match="No two classes of 'mnits' are written down"):
        Remembers.resolve("book", datasets=["mnits"]).check()
    parts = Remembers.book().parts()
    assert list(parts) == ["fashion-mnist", "cifar10", "taught", "private"]
    assert Copied.from_address(parts["cifar10"].address()) == parts["cifar10"]
    assert Remembers.paper().setup("C30") == "reduced"


def test_the_number_farthest_from_what_is_expected_is_taken():
    found = [Estimate(v, v, v, 5) for v in (0.9, 1.05, 1.3)]
    assert observe.farthest(found, 1).value == 1.3 and observe.largest(found).value == 1.3
    assert observe._less(found[0], 0.5).value == pytest.approx(0.4)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "OBSERVATIONS"):
            patch.setenv(f"NBCORE_{name}", str(tmp_path_factory.mktemp(name)))
        found = study.load(Remembers.resolve("smoke", epochs=20))
        yield found, observe.record(found, "smoke")


def test_every_check_is_observed_and_nothing_small_is_the_papers(tiny):
    _, seen = tiny
    assert sorted(seen) == ["C30", "C4", "C9"]
    for key, observation in seen.items():
        assert observation.setup == "reduced"
        assert set(observation.observed) == {c.name for c in claims.get(key).checks}


def test_one_neighbour_copies_and_a_shuffled_teacher_teaches_nothing(tiny):
    found, seen = tiny
    planted, one = found.planted("digits").mean(), found.rate("digits", methods.ONE).mean()
    assert one == pytest.approx(planted, abs=0.12)
    assert found.rate("digits", methods.MANY).mean() < 0.1
    shuffled = "control student of a label-shuffled teacher accuracy"
    assert seen["C9"].observed[shuffled].value < 0.3
    assert found.student(methods.ONE)[:, -1].mean() > 0.3


def test_every_figure_has_a_title_and_words(tiny):
    found, _ = tiny
    drawn = [figures.elsewhere(found, "digits")]
    drawn += [getattr(figures, k)(found) for k in ("rates", "cells", "students", "pupils")]
    drawn += [getattr(private_figures, k)(found) for k in ("groups", "budgets")]
    for figure in drawn:
        told = figure.to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60
    assert len(figures.told_apart(found)) == len(copied.METHODS)
    assert private_figures.accuracies(found)["noise"].iloc[-1] == 0


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_are_solved(name):
    answers = {"remembers-vote": 0.0175, "remembers-student": 0.3778, "remembers-budget": 0.05}
    exercise = exercises.EXERCISES[name]
    assert exercise.truth() == pytest.approx(answers[name], abs=exercise.tolerance(0))
