"""C-scores: by hand, against a plain loop, and how well they repeat themselves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from nbcore.measures.cscores import c_scores, spearman, spearman_brown, split_half_reliability

T, F = True, False


def test_by_hand():
    # three members; the second example was held out twice and right once, the last one never
    held = np.array([[T, T, F, F], [F, T, T, F], [T, F, T, F]])
    right = np.array([[T, F, T, T], [T, T, F, T], [T, T, F, T]])
    found = c_scores(right, held)
    assert found.count.tolist() == [2, 2, 2, 0]
    assert found.score[:3].tolist() == [1.0, 0.5, 0.0] and math.isnan(found.score[3])
    assert found.standard_error[:3].tolist() == [0, pytest.approx(math.sqrt(0.25 / 2)), 0]
    assert math.isnan(found.standard_error[3])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_as_a_plain_loop_counts(seed):
    rng = np.random.default_rng(seed)
    right, held = rng.random((2, 6, 9)) < 0.5
    found = c_scores(right, held)
    for example in range(9):
        asked = [right[m, example] for m in range(6) if held[m, example]]
        assert found.count[example] == len(asked)
        expected = np.mean(asked) if asked else math.nan
        np.testing.assert_equal(found.score[example], expected)


def members(n=24, examples=400, seed=0):
    """Members that are right with each example's own rate, on halves that were drawn."""
    rng = np.random.default_rng(seed)
    rate = rng.random(examples)
    return rng.random((n, examples)) < rate, rng.random((n, examples)) < 0.5, rate


def test_more_members_repeat_each_other_better():
    right, held, _ = members()
    found = split_half_reliability(right, held, (2, 6, 12), draws=20)
    assert found.shape == (3, 20)
    assert (np.diff(found.mean(axis=1)) > 0).all() and 0.5 < found[-1].mean() < 1
    again = split_half_reliability(right, held, (2, 6, 12), draws=20)
    np.testing.assert_array_equal(found, again)
    other = split_half_reliability(right, held, (2, 6, 12), draws=20, seed=1)
    assert not np.array_equal(found, other)


def test_spearman_brown_foretells_twice_the_members():
    right, held, _ = members(n=48, examples=3000)
    six, twelve = split_half_reliability(right, held, (6, 12), draws=20).mean(axis=1)
    assert spearman_brown(six, 2) == pytest.approx(twelve, abs=0.03)
    assert spearman_brown(0.5, 1) == 0.5 and spearman_brown(0.5, 3) == pytest.approx(0.75)


def test_members_that_say_nothing_repeat_nothing():
    rng = np.random.default_rng(3)
    right, held = rng.random((2, 20, 2000)) < 0.5
    assert abs(split_half_reliability(right, held, 10, draws=10)).max() < 0.1


def test_groups_are_disjoint():
    # one member is right where the other is wrong; a group compared with itself would give 1
    right = np.array([[T, T, F, F], [F, F, T, T]])
    assert (split_half_reliability(right, np.ones_like(right), 1) == -1).all()


def test_spearman_leaves_out_what_is_missing():
    x, y = np.array([1, 2, 3, np.nan, 5, 5]), np.array([2, 1, 4, 9, np.nan, 7])
    known = [0, 1, 2, 5]
    assert spearman(x, y) == pytest.approx(spearmanr(x[known], y[known]).statistic)
    assert math.isnan(spearman([1, 1], [1, 2])) and math.isnan(spearman([np.nan, 1], [1, 2]))


ONES = np.ones((4, 3), bool)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: c_scores(ONES, ONES[:2]), r"one shape.*\(4, 3\) and \(2, 3\)"),
        (lambda: c_scores(ONES[0], ONES[0]), r"\(member, example\)"),
        (lambda: c_scores(ONES.astype(int), ONES), "truth values, not int64"),
        (lambda: split_half_reliability(ONES, ONES, 3), "sizes from 1 to 2 for 4 members"),
        (lambda: split_half_reliability(ONES, ONES, 0), "sizes from 1"),
        (lambda: split_half_reliability(ONES, ONES, 1, draws=0), "at least one draw"),
    ],
)
def test_what_does_not_fit_is_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
