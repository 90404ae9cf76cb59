"""Chapter 17: scores by differences, steps by hand, closed forms, compositions, weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbcore import claims
from nbcore.chapters.sampling_unseen import (
    composition,
    exercises,
    figures,
    guidance,
    observe,
    runs,
    sampler,
    steps,
    study,
    weighted,
)
from nbcore.chapters.sampling_unseen.config import SamplingUnseen
from nbcore.errors import ParameterError


def mixture(seed: int = 0, components: int = 3, dimension: int = 2) -> sampler.Mixture:
    rng = np.random.default_rng(seed)
    w = rng.random(components)
    shape = (components, dimension)
    return sampler.Mixture(w / w.sum(), rng.normal(size=shape), 0.3 + rng.random(shape))


@given(st.integers(0, 99), st.floats(0, 3))
def test_scores_are_gradients_of_densities(seed, t):
    own, rng = mixture(seed), np.random.default_rng(seed)
    x, eps = rng.normal(size=(4, 2)), 1e-5
    for k in range(2):
        step = eps * np.eye(2)[k]
        slope = (own.log(x + step, t) - own.log(x - step, t)) / (2 * eps)
        assert own.score(x, t)[:, k] == pytest.approx(slope, abs=1e-4)


def test_a_density_is_that_of_scipy_and_a_product_multiplies():
    one = sampler.Mixture(np.ones(1), np.array([[1.0]]), np.array([[4.0]]))
    x = np.array([[0.0], [2.5]])
    assert one.log(x, 5.0) == pytest.approx(stats.norm.logpdf(x[:, 0], 1, 3))
    both = sampler.product([mixture(1, 3, 1), mixture(2, 2, 1)])
    assert len(both.weights) == 6 and both.weights.sum() == pytest.approx(1)
    y = np.random.default_rng(0).normal(size=(5, 2))
    apart = mixture(1, 3, 1).log(y[:, :1]) + mixture(2, 2, 1).log(y[:, 1:])
    assert both.log(y) == pytest.approx(apart)


def test_samples_of_a_mixture_have_its_moments():
    own = mixture(3)
    x = own.draw(100_000, np.random.default_rng(0))
    assert x.mean(0) == pytest.approx(own.weights @ own.means, abs=0.02)


def test_one_step_by_hand():
    score = lambda x, t: -x / (1 + t)  # noqa: E731
    x = np.array([[4.0]])
    assert sampler.ddim(score, x, 3.0, 0.0) == pytest.approx(1.0)
    assert sampler.langevin(score, x, 3.0, 0.0, np.random.default_rng(0)) == pytest.approx(4.0)
    many = np.full((200_000, 1), 4.0)
    y = sampler.ddpm(score, many, 3.0, 0.0, np.random.default_rng(0))
    assert (y.mean(), y.var()) == pytest.approx((1.0, 3.0), abs=0.03)


def test_bad_scores_and_steps_are_refused():
    with pytest.raises(ParameterError, match="score at noise of variance 3 is not finite"):
        sampler.ddim(lambda x, t: x * np.inf, np.ones((1, 1)), 3.0, 1.0)
    with pytest.raises(ParameterError, match="one step or more, not 0"):
        sampler.times(0)


def test_standard_deviations_that_are_followed_are_those_of_samples():
    rng, score = np.random.default_rng(0), lambda x, t: -x / (4 + t)
    for kind in (steps.DDPM, steps.DDIM):
        x = np.sqrt(4 + steps.MOST) * rng.standard_normal((100_000, 1))

        def step(x, t, s, kind=kind):
            if kind == steps.DDPM:
                return sampler.ddpm(score, x, t, s, rng)
            return sampler.ddim(score, x, t, s)

        x = sampler.sample(step, x, 8, steps.MOST, sampler.LEAST)
        assert x.std() == pytest.approx(steps.spread(kind, 2.0, 8), rel=0.01)


def test_a_flow_by_hand():
    """One step of the flow goes from noise to the mean; two have one more factor."""
    assert steps.spread(steps.FLOW, 1.0, 1) == pytest.approx(0.0)
    assert steps.spread(steps.FLOW, 1.0, 2) == pytest.approx(0.5)


def test_a_normal_target_has_a_normal_reverse_step():
    one = sampler.Mixture(np.ones(1), np.zeros((1, 1)), np.ones((1, 1)))
    assert steps.reverse_divergence(one, 0.5, 0.1, points=5) == pytest.approx(0, abs=1e-9)
    assert steps.one_step(one) == pytest.approx(0, abs=1e-9)
    assert steps.reverse_divergence(steps.skewed(0), 0.5, 0.3, points=9) > 1e-4


def test_guided_variances_go_to_their_closed_forms():
    assert guidance.closed_form(guidance.DDPM, 3.0) == pytest.approx(6.2 / 16)
    assert guidance.closed_form(guidance.DDIM, 3.0) == 0.25 and guidance.powered(3.0) == 0.5
    for kind in (guidance.DDIM, guidance.DDPM):
        assert guidance.followed(kind, 3.0, 8000) == pytest.approx(
            guidance.closed_form(kind, 3.0), rel=0.005
        )
        assert guidance.closed_form(kind, 1.0) == pytest.approx(1.0)
    drawn = guidance.draw(guidance.PCG, 3.0, 40_000, 100, np.random.default_rng(0)).var()
    assert drawn == pytest.approx(guidance.followed(guidance.PCG, 3.0, 100), rel=0.03)


def test_a_composed_score_is_that_of_all_objects_where_conditions_are_apart():
    x = np.random.default_rng(0).normal(0, 2, (5, composition.FEATURES))
    for t in (0.0, 1.0, 20.0):
        own = composition.setting(composition.THREE)
        assert composition.composed(own)(x, t) == pytest.approx(
            composition.holding({0, 1, 2}).score(x, t)
        )
        turned = composition.setting(composition.ROTATED)
        inner = composition.holding({0, 1, 2}).score(x @ turned.rotation.T, t)
        assert composition.composed(turned)(x, t) == pytest.approx(inner @ turned.rotation)
    lost = composition.setting(composition.UNION)
    assert abs(composition.composed(lost)(x, 1.0) - inner).max() > 0.1


def test_success_is_counted_feature_by_feature():
    own = composition.setting(composition.THREE)
    x = np.array([[3, -3, 3, 0, 0, 0], [3, -3, 0, 0, 0, 0], [3, 3, 3, 0, 0, 3.0]])
    assert composition.succeeded(own, x).tolist() == [True, False, False]
    assert composition.overlap(own) == pytest.approx(0)
    assert composition.overlap(composition.setting(composition.OVERLAP)) == pytest.approx(0.5)


def test_weights_are_even_where_the_step_is_exact():
    assert weighted.effective(np.zeros(7)) == pytest.approx(1)
    assert weighted.effective(np.array([0.0, -np.inf])) == 0.5
    picked = weighted._again(np.log([0.5, 0.25, 0.25, 1e-300]), np.random.default_rng(0))
    assert np.bincount(picked, minlength=4).tolist() == [2, 1, 1, 0]


def test_weighted_particles_have_the_masses_of_the_exact_target():
    for name in runs.TARGETS:
        drawn = weighted.draw(name, 4000, 60, np.random.default_rng(0))
        p, middle = weighted.exact(name), (weighted.BINS[1:] + weighted.BINS[:-1]) / 2
        assert p.sum() == pytest.approx(1)
        assert (drawn.x < 0).mean() == pytest.approx(p[middle < 0].sum(), abs=0.06)
        assert 0.1 < drawn.effective.min() <= 1
    sample = np.random.default_rng(1).choice(middle, 20_000, p=p)
    assert weighted.divergence(sample, name) < 0.006
    assert weighted.divergence(sample + 1, name) > 0.1


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "OBSERVATIONS"):
            patch.setenv(f"NBCORE_{name}", str(tmp_path_factory.mktemp(name)))
        found = study.load(SamplingUnseen.resolve("smoke", particles=300, steps=50, levels=30))
        yield found, observe.record(found, "smoke")


def test_every_check_is_observed_and_nothing_small_is_the_papers(tiny):
    _, seen = tiny
    assert sorted(seen) == ["C18", "C19", "C2", "C22"]
    for key, observation in seen.items():
        assert observation.setup == "reduced"
        assert set(observation.observed) == {c.name for c in claims.get(key).checks}


def test_every_figure_has_a_title_and_words(tiny):
    found, _ = tiny
    drawn = [figures.reverse_step(), figures.errors(), figures.corrector()]
    for name in ("variances", "compositions", "samples", "particles", "effective"):
        drawn.append(getattr(figures, name)(found))
    for figure in drawn:
        told = figure.to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60
    assert figures.overlaps()["overlap"].isna().sum() == 1


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_are_solved(name):
    answers = {"sampling-corrector": 3, "sampling-ddim": 0.5, "sampling-cool": 0.5595}
    exercise = exercises.EXERCISES[name]
    assert exercise.truth() == pytest.approx(answers[name], abs=exercise.tolerance(0))
