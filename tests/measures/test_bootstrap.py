"""Intervals are judged by what they promise: how often they hold the truth, in simulations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbcore.measures import bootstrap as b
from nbcore.measures.estimate import Estimate


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_without_other_noise_other_seeds_give_the_t_interval(seeds):
    x = np.random.default_rng(seeds).normal(size=seeds)
    draws = b.seed_weights(seeds, 4000, np.random.default_rng(0)) @ x
    low, high = b.interval(draws[1:])
    half = stats.t.ppf(0.975, seeds - 1) * stats.sem(x)
    assert draws[0] == pytest.approx(x.mean())
    # for two and three seeds the directions are few or even, for more a sample of them
    assert (high - low) / 2 == pytest.approx(half, rel=0.02 if seeds == 2 else 0.1)
    assert (high + low) / 2 == pytest.approx(x.mean(), abs=0.01 * half)


@given(st.integers(1, 12), st.integers(0, 60))
def test_weights_of_seeds_sum_to_one_and_a_single_seed_says_nothing(seeds, resamples):
    weights = b.seed_weights(seeds, resamples, np.random.default_rng(0))
    assert weights.shape == (resamples + 1, seeds)
    assert weights.sum(1) == pytest.approx(1)
    assert weights[0] == pytest.approx(1 / seeds)
    if seeds == 1:
        assert (weights == 1).all()


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("images", "between"), [(0.01, 1.0), (1.0, 1.0), (1.0, 0.3)])
def test_images_and_seeds_together_are_covered(seeds, images, between):
    rng, held, resampled = np.random.default_rng(1), 0, 0
    for _ in range(400):
        by_seed = rng.normal(0, images) + rng.normal(0, between, seeds)
        drawn = np.r_[0, rng.normal(0, images, 200)]
        draws = (b.seed_weights(seeds, 200, rng) * (by_seed + drawn[:, None])).sum(1)
        low, high = b.interval(draws[1:])
        held += low <= 0 <= high
        few = by_seed[rng.integers(0, seeds, (200, seeds))].mean(1) + drawn[1:]
        low, high = b.interval(few)
        resampled += low <= 0 <= high
    assert held / 400 > 0.92
    if seeds == 2 and images < between:  # the control: resampling two seeds is far too narrow
        assert resampled / 400 < 0.6


def curves(truth, shared, rng, draws=150, spread=1.0):
    """Draws of a noisy curve, the first one observed, of which a part is common to all points."""

    def noise(n):
        own = rng.normal(0, np.sqrt(1 - shared), (n, len(truth))) * spread
        return rng.normal(0, np.sqrt(shared), (n, 1)) + own

    observed = truth + noise(1)
    return np.concatenate([observed, observed + noise(draws)])


FLAT, HUMP = np.zeros(8), np.array([0, 0.5, 1, 2, 1, 0.5, 0, 0])
PEAK = np.array([0, 1, 2, 6, 2, 1, 0, -1.0])


@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_a_simultaneous_band_holds_all_points_at_once_and_a_pointwise_one_does_not(shared):
    rng, held, pointwise = np.random.default_rng(2), 0, 0
    for _ in range(300):
        draws = curves(FLAT, shared, rng, 300)
        away, error = np.abs(draws[0] - FLAT), b.standard_errors(draws)
        held += (away <= b.simultaneous(draws) * error).all()
        pointwise += (away <= 1.96 * error).all()
    assert held / 300 > 0.92
    assert pointwise < held and (shared > 0 or pointwise / 300 < 0.8)


def test_one_point_needs_no_more_than_its_own_interval():
    draws = curves(np.zeros(1), 0, np.random.default_rng(3), 5000)
    assert b.simultaneous(draws) == pytest.approx(1.96, abs=0.001)
    seen, (low, high) = b.peak_estimate(draws, 1, "1"), b.interval(draws[1:])
    assert (seen.low, seen.high) == pytest.approx((low, high), abs=0.06)


@pytest.mark.parametrize("truth", [FLAT, HUMP, PEAK])
def test_a_peak_is_held_wherever_it_is_and_percentiles_of_the_highest_miss_it(truth):
    rng, held, percentile = np.random.default_rng(4), np.zeros(2), 0
    for _ in range(200):
        draws = curves(truth, 0.0, rng)
        seen = b.peak_estimate(draws, 1, "1")
        held += seen.low <= truth.max(), truth.max() <= seen.high
        percentile += b.interval(draws[1:].max(1))[0] <= truth.max()
    assert (held / 200 > 0.94).all()
    if truth is FLAT:
        assert percentile / 200 < 0.2


@pytest.mark.parametrize(("one", "other"), [(FLAT, FLAT), (PEAK, FLAT), (FLAT, PEAK)])
def test_a_difference_of_two_peaks_is_held(one, other):
    rng, held = np.random.default_rng(5), np.zeros(2)
    for _ in range(60):
        draws = curves(np.r_[one, other], 0.7, rng)
        seen = b.peak_estimate(draws[:, :8], 1, "1", less=draws[:, 8:])
        true = one.max() - other.max()
        held += seen.low <= true, true <= seen.high
    assert (held / 60 > 0.92).all()


def test_noisy_points_far_below_the_peak_do_not_widen_its_lower_end():
    rng = np.random.default_rng(6)
    draws = curves(PEAK, 0.0, rng, 400, spread=np.r_[5, 1, 1, 0.1, 1, 1, 1, 1])
    assert b.peak_estimate(draws, 1, "1").low > draws[0, 3] - 0.5


def test_draws_without_a_value_are_left_out_and_an_undefined_number_says_so():
    seen = b.estimate(np.array([1.0, np.nan, 0.5, 2.0]), 3, "1")
    assert seen.defined and seen.low < 1 < seen.high
    assert not b.estimate(np.array([np.nan, np.nan]), 3, "1").defined


def test_an_estimate_says_what_its_interval_covers():
    assert Estimate.exact(1, 3).over == ""
    assert Estimate.share(1, 2, 3, "models").over == "models"
    assert b.estimate(np.array([1.0, 2.0]), 3, "1").over == "examples; networks fixed"
    assert b.share(np.array([0.0, 1.0]), 3).over == "examples; networks fixed"
    assert b.members_label(1) == "examples; networks fixed"
    assert b.members_label(2) == "examples and networks"


def test_few_members_are_not_resampled():
    """The mean over two networks spreads as t with one degree of freedom does."""
    values = np.tile([[0.4], [0.6]], (1, 50))  # all examples alike: networks alone differ
    low, high = b.interval(b.ensemble_mean_draws(values, 2000)[1:])
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 1) * 0.1, rel=0.02)
