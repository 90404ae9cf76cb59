import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore.measures import bounds
from nbcore.measures.bounds import Bound, fit_bound, score_bound


def planted(n=4000, slope=-0.07, height=0.95, members=400, seed=0, side="lower"):
    """Scores between the line and 1 (or, mirrored, 0), and two noisy halves of members."""
    rng = np.random.default_rng(seed)
    depth = np.where(rng.random(n) < 0.5, rng.uniform(0, 1, n), rng.uniform(0, 9, n))
    line = height + slope * depth
    p = line + (1 - line) * rng.random(n)
    a, b = (rng.binomial(members, p) / members for _ in range(2))
    return (depth, a, depth, b) if side == "lower" else (depth, 1 - a, depth, 1 - b)


def test_by_hand():
    """Two depths with 101 scores each: 0 to 100, and their halves."""
    score = np.concatenate([np.arange(101.0), np.arange(101.0) / 2])
    depth = np.repeat([0.0, 2.0], 101)
    bound = fit_bound(depth, score)
    percentile = 0.05 * (101 + 1 / 3) - 2 / 3  # of 0 to 100, as rank and as value
    assert bound.slope == pytest.approx(-percentile / 2 / 2)
    # 10 of the 202 scores may lie below. Moved back to depth 0 by the slope, the second group
    # starts at 2.2 and goes up in halves: 0 to 4 and 2.2, 2.7, 3.2, 3.7, 4.2 are the lowest ten
    assert bound.intercept == pytest.approx(percentile / 2 + 2.5)
    assert bound.share_beyond(depth, score) == 10 / 202
    mirrored = fit_bound(depth, -score, side="upper")
    assert (mirrored.slope, mirrored.intercept) == pytest.approx((-bound.slope, -bound.intercept))


def bound_by_the_text(depth, score, side, share, bins=20):
    """The procedure of `fit_bound`'s docstring with numpy's percentile and polyfit."""
    sign = 1 if side == "lower" else -1
    edges = np.linspace(depth.min(), depth.max(), bins + 1)
    x, y, w = [], [], []
    for i in range(bins):
        inside = (depth >= edges[i]) & ((depth < edges[i + 1]) | (i == bins - 1))
        if inside.sum() >= 20:
            x.append(depth[inside].mean())
            level = 100 * share if side == "lower" else 100 * (1 - share)
            y.append(np.percentile(score[inside], level, method="median_unbiased"))
            w.append(inside.sum())
    if len(x) < 2:
        return None
    slope, _ = np.polyfit(x, y, 1, w=np.sqrt(w))
    # the tightest of all parallels through a point with few enough points beyond it
    heights = score - slope * depth
    for height in sorted(heights, key=lambda h: -sign * h):
        if sum(sign * (heights - height) < -1e-9) <= share * len(score) + 1e-9:
            return slope, height
    raise AssertionError("no parallel")


@given(
    st.integers(0, 10**6),
    st.sampled_from(["lower", "upper"]),
    st.sampled_from([0.0, 0.05, 0.1, 0.25]),
    st.integers(60, 400),
)
def test_equals_percentiles_and_polyfit(seed, side, share, n):
    rng = np.random.default_rng(seed)
    depth = rng.integers(0, 40, n) * rng.integers(0, 2, n) / 4
    score = rng.binomial(10, np.clip(1 - depth / 15, 0, 1)) / 10
    wanted = bound_by_the_text(depth, score, side, share)
    if wanted is None:
        return
    bound = fit_bound(depth, score, side, share)
    assert (bound.slope, bound.intercept) == pytest.approx(wanted, abs=1e-9)
    assert bound.share_beyond(depth, score) <= share + 1e-12


@pytest.mark.parametrize("side", ["lower", "upper"])
def test_a_planted_bound_is_found_and_shuffled_depths_fail(side):
    case = planted(side=side)
    result = score_bound(*case, side=side, resamples=200)
    sign = 1 if side == "lower" else -1
    # scores fill the room above the line evenly: its 5th percentile is 5 % of the way up
    assert result.bound.slope == pytest.approx(-0.07 * 0.95 * sign, abs=0.006)
    low, high = result.slope_interval
    assert low <= result.bound.slope <= high and high - low < 0.02
    assert high < 0 if side == "lower" else low > 0
    assert result.at_lowest == pytest.approx(0.95 if side == "lower" else 0.05, abs=0.015)
    assert result.share_beyond < 0.06 and result.share_interval[0] < 0.05
    assert result.control_share > 2 * result.share_beyond
    assert result.control_interval[0] > result.share_interval[1]
    assert result.control_interval[0] < result.control_share < result.control_interval[1]
    assert result.n == 4000


def test_where_depth_says_nothing_the_control_is_no_worse():
    depth, a, _, b = planted()
    nothing = np.random.default_rng(5).permutation(depth)
    result = score_bound(nothing, a, nothing, b, resamples=200)
    assert result.slope_interval[0] < 0 < result.slope_interval[1]
    assert result.control_share == pytest.approx(result.share_beyond, abs=0.01)


def test_a_bound_fitted_to_chance_is_exposed_by_the_other_half():
    """Depths that know the scores of half a, not the examples, bound half a alone."""
    rng = np.random.default_rng(3)
    a, b = rng.random((2, 3000))
    depth = 9 * (1 - a) + rng.normal(0, 0.1, 3000)
    result = score_bound(depth, a, depth, b, resamples=50)
    assert result.bound.share_beyond(depth, a) <= 0.05
    assert result.share_beyond > 0.3
    assert result.share_beyond == pytest.approx(result.control_share, abs=0.03)


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Forty studies of one planted line against a study a hundred times as large."""
    depth, a, _, b = planted(300_000, seed=99)
    truth = fit_bound(depth, a)
    inside = []
    for seed in range(40):
        small = score_bound(*planted(3000, seed=seed), resamples=100)
        inside.append(
            [
                small.slope_interval[0] <= truth.slope <= small.slope_interval[1],
                small.share_interval[0] <= truth.share_beyond(depth, b) <= small.share_interval[1],
            ]
        )
    assert (np.mean(inside, axis=0) >= 0.85).all()  # 95 % but for chance: 34 of 40 or more


def test_bootstrap_draws_the_same_examples_in_both_halves():
    depth, a, _, _ = planted(1500)
    same = score_bound(depth, a, depth, a, resamples=60)
    # each draw is fitted and scored on the same points, so the share cannot exceed 5 %
    assert same.share_interval[1] <= 0.05


def test_same_seed_same_result_and_order_of_examples_does_not_matter():
    case = planted(800)
    result = score_bound(*case, resamples=30, seed=4)
    assert result == score_bound(*case, resamples=30, seed=4)
    assert result != score_bound(*case, resamples=30, seed=5)
    order = np.random.default_rng(0).permutation(800)
    shuffled = score_bound(*(values[order] for values in case), resamples=30, seed=4)
    assert shuffled.bound == result.bound
    assert shuffled.share_beyond == result.share_beyond


def test_missing_examples_are_left_out():
    case = planted(1000)
    few = [values[:900].copy() for values in case]
    holes = [values.copy() for values in case]
    for which, values in enumerate(holes):
        values[900 + 25 * which : 925 + 25 * which] = np.nan
    assert score_bound(*holes, resamples=20) == score_bound(*few, resamples=20)
    depth, score = holes[:2]
    used = np.isfinite(depth + score)
    assert fit_bound(depth, score) == fit_bound(depth[used], score[used])
    bound = Bound(0.0, 0.5, "lower")
    assert bound.share_beyond([0, 1, np.nan, 2], [0.2, 0.7, 0.1, np.nan]) == 0.5
    assert math.isnan(bound.share_beyond([np.nan], [1.0]))


def test_points_on_the_line_are_not_beyond_it():
    depth = np.arange(1000) % 7 / 7
    bound = fit_bound(depth, 0.9 - depth / 3)
    assert bound.share_beyond(depth, 0.9 - depth / 3) == 0
    assert bound.predict([0.0, 0.3]) == pytest.approx([0.9, 0.8])
    assert Bound(0.0, 0.5, "upper").share_beyond([0, 0, 0], [0.4, 0.5, 0.6]) == pytest.approx(1 / 3)


def test_thin_bins_are_left_out_and_few_examples_get_wider_bins():
    depth = np.concatenate([np.zeros(500), np.ones(100), np.full(19, 9.0)])
    score = np.concatenate([np.ones(500), np.full(100, 0.8), np.zeros(19)])
    assert fit_bound(depth, score).slope == pytest.approx(-0.2)
    spread = np.linspace(0, 10, 60)  # 3 examples in a twentieth, 30 in a half
    assert fit_bound(spread, 1 - spread / 20).slope == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(side="left"), "lower.*or.*upper.*not 'left'"),
        (dict(share=0.5), "from 0 to below 0.5"),
        (dict(share=-0.1), "from 0 to below 0.5"),
        (dict(bins=1), "bins must be 2 or more"),
        (dict(depth=[1.0, 2.0]), "equally long"),
        (dict(depth=np.ones((60, 1)), score=np.ones((60, 1))), r"must be \(example,\)"),
        (dict(depth=np.ones(60)), "two depth bins with 20 examples each, which the 60"),
        (dict(depth=np.r_[np.zeros(50), np.ones(10)]), "give more examples"),
        (dict(depth=np.full(60, np.nan)), "the 0 examples"),
        (dict(depth=[], score=[]), "the 0 examples"),
    ],
)
def test_what_cannot_be_bounded_is_one_sentence(options, words):
    case = dict(depth=np.arange(60.0), score=np.arange(60.0)) | options
    with pytest.raises(ValueError, match=words):
        fit_bound(**case)
    a = case.pop("depth"), case.pop("score")
    with pytest.raises(ValueError, match=words):
        score_bound(*a, *a, **case)


def test_halves_of_other_examples_and_no_resamples_are_refused():
    depth, a, _, _ = planted(100)
    with pytest.raises(ValueError, match="same examples, but have 100 and 99"):
        score_bound(depth, a, depth[1:], a[1:])
    with pytest.raises(ValueError, match="resamples must be 1 or more"):
        score_bound(depth, a, depth, a, resamples=0)
    assert bounds.BIN_EXAMPLES == 20
