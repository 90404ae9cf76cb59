"""Chapter 15: orders, worlds, explainers, tangent kernels against linear models, the smoke page."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from nbcore import claims
from nbcore.chapters.learned_first import (
    exercises,
    explained,
    figures,
    kernel_figures,
    networks,
    observe,
    pictures,
    scaling,
    study,
    tangent,
    worlds,
)
from nbcore.chapters.learned_first.config import ANIMALS, HALVES, LearnedFirst, Tangent, Worlds
from nbcore.errors import ParameterError
from nbcore.measures.estimate import Estimate


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_classes_are_put_into_two_groups():
    labels = np.arange(10)
    assert pictures.grouped(labels, HALVES).tolist() == [0] * 5 + [1] * 5
    assert pictures.grouped(labels, ANIMALS).tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 0, 0]


def test_a_larger_sample_begins_with_the_smaller_one():
    small, large = (pictures.pictures("digits", n, 100, 3, HALVES) for n in (40, 80))
    assert (small.y == large.y[:40]).all() and set(small.y) == {0, 1} and small.classes == 2
    assert abs(float(large.x.mean())) < 1e-4 and abs(float(large.x.std()) - 1) < 0.01
    with pytest.raises(ParameterError, match="has 1,297 training pictures, not 2,000"):
        pictures.pictures("digits", 2000, 10, 0)


def test_passes_see_every_picture_once_a_pass_and_begin_in_order():
    order = networks.passes(10, 4, 7, 0)
    assert order.shape == (7, 4) and order[:2].ravel().tolist() == list(range(8))
    for k in (2, 4):
        assert len(set(order[k : k + 2].ravel())) == 8
    assert (order == networks.passes(10, 4, 7, 0)).all()


def test_the_loop_is_torchs_descent_along_the_order():
    x, y = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 2
    order = networks.passes(12, 4, 5, 1)
    net, own = (networks.connected(3, 6, 2, 1, seed=4) for _ in range(2))
    seen = networks.follow(
        net, x, y, order, (0, 5), lambda m, s: (s, weights(m)), lr=0.1, precision="float32"
    )
    optimiser = torch.optim.SGD(own.parameters(), lr=0.1, momentum=0.9)
    assert seen[0][0] == 0 and torch.equal(seen[0][1], weights(own))
    for k, row in enumerate(order):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 + np.cos(np.pi * k / 5)) / 2
        optimiser.zero_grad()
        nn.functional.cross_entropy(own(x[row]), y[row]).backward()
        optimiser.step()
    assert torch.allclose(seen[1][1], weights(own), atol=1e-6) and seen[1][0] == 5


def test_a_random_explainer_knows_as_much_and_nothing_of_the_picture():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    linear = np.where(rng.random(4000) < 0.7, y, 1 - y)
    shuffled = explained.within(linear, y, 0)
    for label in (0, 1):
        assert shuffled[y == label].sum() == linear[y == label].sum()
        pair = np.corrcoef(shuffled[y == label], linear[y == label])[0, 1]
        assert abs(pair) < 0.1
    assert (shuffled != linear).any()


def test_worlds_are_one_until_a_picture_comes_again():
    config = Worlds(dataset="digits", fresh=600, real=200, few=50, width=4, hidden=8, tested=100)
    plans = worlds.orders(config, 0)
    assert {len(p) for p in plans.values()} == {12}
    assert (plans[worlds.REAL][:4] == plans[worlds.IDEAL][:4]).all()
    assert set(plans[worlds.REAL].ravel()) == set(range(200))
    assert len(set(plans[worlds.IDEAL].ravel())) == 600
    member = worlds._member(config, "seed1")
    soft = member["soft"].sel(network=worlds.CNN)
    first, later = member["step"].values <= 4, member["step"].values > 5
    real, ideal = soft.sel(world=worlds.REAL).values, soft.sel(world=worlds.IDEAL).values
    assert real[first] == pytest.approx(ideal[first], abs=1e-6) and first.any()
    assert abs(real[later] - ideal[later]).max() > 1e-4
    for wrong in (dict(few=20), dict(real=700)):
        with pytest.raises(ParameterError, match=r"give from one batch \(50\) up"):
            worlds.orders(replace(config, **wrong), 0)


def test_soft_error_by_hand_and_pixels_that_move():
    x = torch.log(torch.tensor([[0.5, 0.5], [0.25, 0.75]]))
    net = nn.Linear(2, 2, bias=False)
    net.load_state_dict({"weight": torch.eye(2)})
    soft, hard = worlds.errors(net, 0, x, torch.tensor([0, 1]))
    assert soft == pytest.approx((0.5 + 0.25) / 2) and hard in (0.0, 0.5)
    picture = torch.arange(8.0).reshape(1, 2, 2, 2)
    out = worlds.moved(picture, torch.tensor([3, 2, 1, 0]))
    assert out[0, 0].flatten().tolist() == [3, 2, 1, 0]
    assert out[0, 1].flatten().tolist() == [7, 6, 5, 4]


def test_gradients_are_those_of_autograd_one_by_one():
    net = networks.convolutional(3, 1, channels=1, norm=False, seed=2)
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    rows = tangent.gradients(net, x)
    for k in range(4):
        own = torch.autograd.grad(net(x[k : k + 1]).sum(), list(net.parameters()))
        assert torch.allclose(rows[k], torch.cat([g.flatten() for g in own]), atol=1e-5)
    kernel, cross = tangent.tangent_kernel(net, x, [x[:2]])
    assert kernel == pytest.approx((rows @ rows.T).numpy(), rel=1e-4)
    assert cross == pytest.approx(kernel[:2], rel=1e-4)


def test_a_linear_models_kernel_is_its_inputs_and_regression_is_ridge_regression():
    rng = np.random.default_rng(0)
    x, truth = rng.standard_normal((30, 5)).astype(np.float32), rng.standard_normal(5)
    y = np.sign(x @ truth)
    linear = nn.Linear(5, 1, bias=False)
    kernel, cross = tangent.tangent_kernel(linear, torch.as_tensor(x[:20]), [torch.as_tensor(x)])
    assert kernel == pytest.approx((x[:20] @ x[:20].T).astype(float), rel=1e-4, abs=1e-5)
    found = tangent.regress(kernel, y[:20], (cross[20:], y[20:]), cross)
    a, scale = x[:20].astype(float), np.trace(kernel) / 20
    fits = [
        x @ np.linalg.solve(a.T @ a + r * scale * np.eye(5), a.T @ y[:20]) for r in tangent.RIDGES
    ]
    wrong = [float((np.sign(f[20:]) != y[20:]).mean()) for f in fits]
    assert found == pytest.approx(fits[int(np.argmin(wrong))], abs=5e-3)
    top = np.linalg.eigvalsh(kernel).max() / 20
    assert tangent.curvature(kernel) == pytest.approx(top)


def test_networks_without_a_tangent_kernel_are_refused():
    x = torch.zeros(2, 1, 8, 8)
    with pytest.raises(ParameterError, match="one output, not 3"):
        tangent.gradients(networks.convolutional(2, 3, 1, norm=False), x)
    with pytest.raises(ParameterError, match="With batch norm an output depends on the other"):
        tangent.gradients(networks.convolutional(2, 1, 1).eval(), x)


def test_a_lazy_network_hardly_moves_and_fits_all_the_same():
    config = Tangent(dataset="digits", task=HALVES, least=20, most=80, pretrained=20, tested=200)
    own = scaling.sets(config, 0)
    moved, errors = {}, {}
    for lazy in (False, True):
        net = networks.convolutional(8, 1, 1, norm=False, seed=0).eval()
        before = weights(net)
        rate = 1 / (2 * tangent.curvature(tangent.tangent_kernel(net, own.x)[0]))
        errors[lazy], _ = scaling.train(own, net, 80, 20, rate, 0, lazy)
        moved[lazy] = float((weights(net) - before).norm() / before.norm())
    assert moved[True] < moved[False] / 20
    assert max(errors.values()) < 0.35


def test_sizes_double_and_hold_that_of_pretraining():
    assert scaling.sizes(Tangent()) == [250, 500, 1000, 2000]
    for wrong in (dict(pretrained=300), dict(pretrained=1000), dict(most=600)):
        with pytest.raises(ParameterError, match="has to be one of these sizes"):
            scaling.sizes(replace(Tangent(), **wrong))


def test_steps_are_read_between_checkpoints():
    curve, steps = np.array([0.9, 0.8, 0.4, 0.1]), np.array([0, 10, 40, 100.0])
    assert study.steps_needed(curve, steps, 0.6) == pytest.approx(20)
    assert study.steps_needed(curve, steps, 0.9) == 1
    assert np.isnan(study.steps_needed(curve, steps, 0.05))


def test_an_interval_is_inside_outside_or_across():
    inside, across, outside = (
        Estimate(v, v - 0.1, v + 0.1, 5, "1", "seeds") for v in (0.5, 0.75, 0.95)
    )
    assert [figures.judged(e, high=0.8) for e in (inside, across, outside)] == [1, 0, -1]


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_are_solved(name):
    answers = {"learned-share": 0.2414, "learned-steps": 216, "learned-pictures": 64_000}
    exercise = exercises.EXERCISES[name]
    assert exercise.truth() == pytest.approx(answers[name], abs=exercise.tolerance(0))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "OBSERVATIONS"):
            patch.setenv(f"NBCORE_{name}", str(tmp_path_factory.mktemp(name)))
        found = study.load(LearnedFirst.resolve("smoke", epochs=3, images=200, most=160))
        yield found, observe.record(found, "smoke")


def test_every_check_is_observed_and_nothing_small_is_the_papers(tiny):
    _, seen = tiny
    assert sorted(seen) == ["C13", "C29", "C35"]
    for key, observation in seen.items():
        assert observation.setup == "reduced"
        assert set(observation.observed) <= {c.name for c in claims.get(key).checks}
        assert len(observation.observed) >= len(claims.get(key).checks) - 2


def test_what_is_early_is_before_the_network_knows_as_much(tiny):
    found, _ = tiny
    known, linear = found.known(), found.knows(explained.LINEAR)
    for row, k, own in zip(known, found.early(), linear, strict=True):
        assert k == 0 or (row[: k + 1] <= own).all()
        assert k == len(row) - 1 or row[k + 1] > own or (row <= own).all()
    random = found.knows(explained.RANDOM)
    assert random == pytest.approx(linear)


def test_every_figure_has_a_title_and_words(tiny):
    found, _ = tiny
    drawn = [getattr(figures, n)(found) for n in ("learning", "retained", "two_worlds", "race")]
    drawn += [kernel_figures.scaling_laws(found), kernel_figures.along(found)]
    for figure in drawn:
        told = figure.to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60
    assert all(k in repr(kernel_figures.exponents(found)) for k in scaling.LEARNERS)
    assert "test pictures" in repr(figures.told(found))


def test_runs_that_nobody_computed_are_not_asked_for(tiny):
    found, _ = tiny
    bare = study.Study(found.config, {})
    drawn = [getattr(figures, n)(bare) for n in ("learning", "retained", "two_worlds", "race")]
    drawn += [getattr(kernel_figures, n)(bare) for n in ("scaling_laws", "along", "exponents")]
    assert all("Not drawn: the run" in repr(d) for d in [*drawn, figures.told(bare)])
    with pytest.raises(ParameterError, match="no run 'world'"):
        LearnedFirst.resolve("book", runs=["world"]).check()
