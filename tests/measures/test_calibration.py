"""Calibration: by hand, by brute force, against each other's bounds, and against relplot."""

import json
from pathlib import Path

import numpy as np
import pytest
import relplot_values
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from sklearn.isotonic import IsotonicRegression

from nbcore.measures.calibration import groups as remedies
from nbcore.measures.calibration.binned import (
    binned_ece,
    by_value,
    confidence,
    expected_calibration_error,
    reliability,
)
from nbcore.measures.calibration.distance import (
    distance_from_calibration,
    interval_error,
    kernel_error,
    lower_distance,
    partitions,
)
from nbcore.measures.calibration.smooth import (
    closest_lipschitz,
    post_processing_gap,
    smooth_calibration_error,
    smooth_ece,
    smooth_ece_at,
    smooth_reliability,
)

PINNED = json.loads(Path(__file__).with_name("relplot_values.json").read_text())
#: two inputs, half each, of which one never and one always happens
COIN = [0.0, 1.0]


@st.composite
def predictors(draw, most=6):
    """A predictor of a few inputs: predictions, chances, weights."""
    n = draw(st.integers(1, most))
    share = st.floats(0, 1).map(lambda v: round(v, 3))
    p, y = (np.array(draw(st.lists(share, min_size=n, max_size=n))) for _ in "py")
    w = np.array(draw(st.lists(st.integers(1, 9), min_size=n, max_size=n)), float)
    return p, y, w


def test_bins_by_hand():
    p, y = [0.1, 0.15, 0.9, 1.0], [0, 1, 1, 1]
    mean, outcome, share = reliability(p, y, bins=2)
    assert mean == pytest.approx([0.125, 0.95]) and outcome == pytest.approx([0.5, 1])
    assert share == pytest.approx([0.5, 0.5])
    assert binned_ece(p, y, 2) == pytest.approx(0.5 * 0.375 + 0.5 * 0.05)
    assert binned_ece(p, y, 4, by="mass") == pytest.approx((0.1 + 0.85 + 0.1 + 0) / 4)
    assert binned_ece(p, y, 1) == pytest.approx(abs(0.5375 - 0.75))


@pytest.mark.parametrize("by", ["width", "mass"])
def test_bins_against_a_loop(by):
    rng = np.random.default_rng(0)
    p, y = rng.random(97), rng.integers(0, 2, 97)
    order, total = np.argsort(p), 0.0
    for k in range(10):
        if by == "width":
            own = [i for i in range(97) if k / 10 <= p[i] < (k + 1) / 10]
        else:
            own = [order[i] for i in range(97) if i * 10 // 97 == k]
        total += abs(sum(y[i] - p[i] for i in own)) / 97
    assert binned_ece(p, y, 10, by) == pytest.approx(total)


def test_confidence_and_merged_values_by_hand():
    p, right = confidence([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]], [1, 1, 0])
    assert p.tolist() == [0.8, 0.6, 0.5] and right.tolist() == [1, 0, 1]
    values, share, residual = by_value([0.5, 0.2, 0.5], [1, 0, 0], [1, 2, 1])
    assert values.tolist() == [0.2, 0.5] and share.tolist() == [0.5, 0.5]
    assert residual == pytest.approx([-0.2, 0.0])


@pytest.mark.parametrize(
    "p, y, w, words",
    [
        ([1.2], [1], None, r"probabilities lie in \[0, 1\], but one is 1.2; give shares"),
        ([0.2], [-1], None, r"Outcomes lie in \[0, 1\], but one is -1"),
        ([np.nan], [1], None, "but one is nan"),
        ([0.2, 0.3], [1], None, "three lists of one length"),
        ([], [], None, "three lists of one length"),
        ([0.2], [1], [0], "one of them above 0"),
    ],
)
def test_bad_input_is_refused(p, y, w, words):
    with pytest.raises(ValueError, match=words):
        smooth_calibration_error(p, y, w)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="equal width or mass, not 0 by 'width'"):
        binned_ece([0.5], [1], 0)
    with pytest.raises(ValueError, match="a width above 0, not 0"):
        smooth_ece_at([0.5], [1], 0)
    with pytest.raises(ValueError, match="9 inputs at most, not 10; for more, lower_distance"):
        distance_from_calibration(np.full(10, 0.5), np.full(10, 0.5))
    with pytest.raises(ValueError, match="one level or more, and alpha above 0, not 10 and 0"):
        remedies.multicalibrate([0.5], [1], np.ones((1, 1)), alpha=0)


def test_a_coin_moved_by_a_little():
    """p = ½ ∓ ε for what never and always happens: ECE jumps to ½, the rest stays small."""
    for eps in (1e-2, 1e-4, 1e-6):
        p = [0.5 - eps, 0.5 + eps]
        assert expected_calibration_error(p, COIN) == pytest.approx(0.5 - eps)
        # residuals ∓(½ - ε), η = ∓ε: all that a 1-Lipschitz function can do
        assert smooth_calibration_error(p, COIN) == pytest.approx(eps * (0.5 - eps), rel=1e-6)
        assert interval_error(p, COIN) == pytest.approx(2 * eps)
        assert distance_from_calibration(p, COIN) == pytest.approx(eps)
        off = (0.5 - eps) / 2
        assert kernel_error(p, COIN) == pytest.approx(off * np.sqrt(2 - 2 * np.exp(-2 * eps)))
        assert smooth_ece(p, COIN) <= max(np.sqrt(1.6 * eps), 2 / 4096)
    assert expected_calibration_error([0.5, 0.5], COIN) == 0


def test_one_value_by_hand():
    """p = .3 for a chance of .7: every measure is .4 but smCE's gap, .4²."""
    for measure in (
        expected_calibration_error,
        smooth_calibration_error,
        interval_error,
        kernel_error,
        distance_from_calibration,
        lower_distance,
        smooth_ece,
    ):
        assert measure([0.3], [0.7]) == pytest.approx(0.4, abs=1e-6)
    assert post_processing_gap([0.3], [0.7]) == pytest.approx(0.16)


def test_all_partitions_are_tried():
    assert [sum(1 for _ in partitions(n)) for n in (1, 2, 3, 4, 5)] == [1, 2, 5, 15, 52]
    # two inputs at .5 of chances .1 and .9 and one at .9 of chance .5: joined, nothing moves
    assert distance_from_calibration([0.5, 0.5, 0.9], [0.1, 0.9, 0.5]) == pytest.approx(0.4 / 3)


def _brute_distance(p, y, w):
    """Over all labellings of inputs by block numbers, most of them several times."""
    best, n = np.inf, len(p)
    for code in np.ndindex(*(n,) * n):
        q = np.empty(n)
        for block in set(code):
            own = np.array(code) == block
            q[own] = (w[own] * y[own]).sum() / w[own].sum()
        best = min(best, (w * np.abs(p - q)).sum() / w.sum())
    return best


@settings(max_examples=25, deadline=None)
@given(predictors(most=4))
def test_distance_against_all_labellings(case):
    assert distance_from_calibration(*case) == pytest.approx(_brute_distance(*case), abs=1e-9)


def _brute_intervals(p, y, w):
    values, share, residual = by_value(p, y, w)
    best, n = np.inf, len(values)
    for cuts in np.ndindex(*(2,) * (n - 1)):
        at, cost = np.concatenate([[0], np.cumsum(cuts)]).astype(int), 0.0
        for block in range(at[-1] + 1):
            own = at == block
            cost += abs((share * residual)[own].sum()) + share[own].sum() * np.ptp(values[own])
        best = min(best, cost)
    return best


@settings(max_examples=40, deadline=None)
@given(predictors())
def test_intervals_against_all_cuts(case):
    assert interval_error(*case) == pytest.approx(_brute_intervals(*case), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(predictors())
def test_the_kernel_error_against_all_pairs(case):
    values, share, residual = by_value(*case)
    r = share * residual
    total = r @ np.exp(-np.abs(values[:, None] - values)) @ r
    assert kernel_error(*case) ** 2 == pytest.approx(total, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(predictors())
def test_the_bounds_of_the_papers(case):
    distance, ece = distance_from_calibration(*case), expected_calibration_error(*case)
    smooth, interval, tiny = smooth_calibration_error(*case), interval_error(*case), 1e-7
    assert smooth / 2 <= distance + tiny and distance <= min(interval, ece) + tiny
    assert interval <= 4 * np.sqrt(distance) + tiny
    assert kernel_error(*case) <= np.sqrt(smooth) + tiny and smooth <= ece + tiny
    assert smooth**2 <= post_processing_gap(*case) + tiny
    assert post_processing_gap(*case) <= 2 * smooth + tiny
    lower = lower_distance(*case, points=41)
    assert lower <= distance + 1 / 80 and smooth / 2 <= lower + tiny <= 2 * smooth + 1 / 40


@settings(max_examples=40, deadline=None)
@given(predictors(most=9))
def test_the_closest_lipschitz_function_against_a_general_solver(case):
    values, share, residual = by_value(*case)
    mine = closest_lipschitz(values, share, residual)
    assert (np.abs(np.diff(mine)) <= np.diff(values) + 1e-12).all()
    if len(values) > 1:
        gaps = np.diff(values)
        theirs = optimize.minimize(
            lambda f: share @ (f - residual) ** 2,
            np.full(len(values), share @ residual),
            jac=lambda f: 2 * share * (f - residual),
            constraints=optimize.LinearConstraint(
                np.diff(np.eye(len(values)), axis=0), -gaps, gaps
            ),
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-13},
        )
        assert share @ (mine - residual) ** 2 <= theirs.fun + 1e-9


def test_the_smooth_error_falls_with_width_from_ece_to_the_mean():
    rng = np.random.default_rng(1)
    p = rng.choice([0.2, 0.35, 0.8], 300)
    y = rng.integers(0, 2, 300).astype(float)
    errors = [smooth_ece_at(p, y, s) for s in (1e-3, 0.01, 0.05, 0.2, 1.0, 20.0)]
    assert (np.diff(errors) <= 1e-12).all()
    assert errors[0] == pytest.approx(expected_calibration_error(p, y), abs=1e-9)
    assert errors[-1] == pytest.approx(abs(p.mean() - y.mean()), abs=1e-9)
    own = smooth_ece(p, y)
    assert smooth_ece_at(p, y, own) == pytest.approx(own, abs=1e-6)


def test_smoothing_is_a_sum_of_mirrored_gaussians():
    p, y, sigma, at = (
        np.array([0.05, 0.4, 0.9]),
        np.array([1.0, 0.0, 1.0]),
        0.15,
        np.array([0.1, 0.7]),
    )
    images = np.concatenate([s * p[:, None] + 2 * np.arange(-6, 7) for s in (1, -1)], 1)
    kernel = np.exp(-0.5 * ((at[:, None, None] - images) / sigma) ** 2).sum(-1)
    kernel /= sigma * np.sqrt(2 * np.pi)
    curve, density = smooth_reliability(p, y, sigma, at)
    assert density == pytest.approx(kernel.mean(1), rel=1e-3)
    assert curve == pytest.approx(at + kernel @ (y - p) / kernel.sum(1), rel=1e-3)


@pytest.mark.parametrize(
    "name, case", relplot_values.cases(), ids=lambda v: v if isinstance(v, str) else ""
)
def test_smooth_ece_is_that_of_its_authors(name, case):
    """They take the width from a grid of 1/1,024; see `relplot_values` for what is compared."""
    theirs = PINNED["values"][name]
    if theirs["smooth"] < relplot_values.WIDEST:
        assert smooth_ece(*case) == pytest.approx(theirs["smooth"], abs=1e-3)
    assert smooth_ece_at(*case, 0.1) == pytest.approx(theirs["at .1"], abs=2e-4)


def test_platt_and_isotonic():
    rng = np.random.default_rng(2)
    p = rng.random(4000)
    y = (rng.random(4000) < 0.2 + 0.3 * p).astype(float)
    none = np.zeros((4000, 0), bool)
    for fit in (remedies.platt, remedies.isotonic):
        assert smooth_ece(fit(p, y)(p, none), y) < 0.3 * smooth_ece(p, y)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(p, y)
    new = rng.random(50)
    assert remedies.isotonic(p, y)(new, none[:50]) == pytest.approx(theirs.predict(new))


def test_a_patch_by_hand():
    """One group is right where the other is wrong; together they are calibrated."""
    p, y = np.full(8, 0.5), np.array([1, 1, 1, 0, 0, 0, 0, 1.0])
    groups = np.repeat([[True, False], [False, True]], 4, axis=0)
    assert remedies.group_errors(p, y, groups) == pytest.approx([0.25, 0.25], abs=1e-6)
    fixed = remedies.multicalibrate(p, y, groups, alpha=0.05)(p, groups)
    assert fixed.tolist() == [0.75] * 4 + [0.25] * 4
    assert np.isnan(remedies.group_errors(p, y, np.zeros((8, 1), bool))).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_after_multicalibration_no_cell_is_off(seed):
    rng = np.random.default_rng(seed)
    p, y = rng.random(300), rng.integers(0, 2, 300).astype(float)
    groups = rng.random((300, 3)) < 0.4
    fixed = remedies.multicalibrate(p, y, groups, alpha=0.02)(p, groups)
    assert ((y - fixed) ** 2).mean() <= ((y - p) ** 2).mean()
    level = np.minimum((fixed * 10).astype(int), 9)
    for own in remedies.with_all(groups, 300).T:
        off = [abs((y - fixed)[own & (level == k)].sum()) / 300 for k in range(10)]
        assert max(off) <= 0.02 + 1e-12
