"""Choices by difficulty: balance, disjointness, determinism, schedules, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcore.measures.selection import falling_sizes, phase_out, select, shuffled_within_class

RNG = np.random.default_rng(7)
LABELS = RNG.permutation(np.repeat(np.arange(4), 30))
SCORES = RNG.integers(0, 6, len(LABELS)) / 5  # many ties


def test_by_hand():
    labels = [0, 1, 0, 1, 0, 1]
    scores = [0.9, 0.2, 0.1, 0.8, 0.5, 0.3]
    assert select("hard", scores, labels, 2).tolist() == [1, 2]
    assert select("easy", scores, labels, 2).tolist() == [0, 3]
    assert select("hard", scores, labels, 4).tolist() == [1, 2, 4, 5]


@pytest.mark.parametrize("kind", ["hard", "easy", "random"])
def test_balanced_sorted_distinct_and_the_same_again(kind):
    found = select(kind, SCORES, LABELS, 40, seed=5)
    assert np.bincount(LABELS[found]).tolist() == [10] * 4
    assert len(set(found)) == 40 and (np.diff(found) > 0).all()
    np.testing.assert_array_equal(found, select(kind, SCORES, LABELS, 40, seed=5))
    # the tied examples at the border, and the random ones, are drawn
    assert not np.array_equal(found, select(kind, SCORES, LABELS, 40, seed=6))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 15))
def test_hard_and_easy_are_disjoint_and_in_order_in_every_class(seed, share):
    hard, easy = (select(kind, SCORES, LABELS, 4 * share, seed) for kind in ("hard", "easy"))
    assert not set(hard) & set(easy)
    for label in range(4):
        mine = np.flatnonzero(label == LABELS)
        inside, left = np.intersect1d(mine, hard), np.setdiff1d(mine, hard)
        assert SCORES[inside].max() <= SCORES[left].min()
        assert SCORES[np.intersect1d(mine, easy)].min() >= SCORES[inside].max()


def test_random_does_not_look_at_the_scores():
    nan = np.full(len(LABELS), np.nan)
    for scores in (nan, None, SCORES):
        np.testing.assert_array_equal(
            select("random", scores, LABELS, 20), select("random", SCORES, LABELS, 20)
        )


def test_uneven_classes_are_balanced_too():
    labels = np.array([3, 3, 3, 3, 8, 8])
    assert np.unique(labels[select("hard", np.arange(6), labels, 4)]).tolist() == [3, 8]


def test_a_schedule_is_nested_and_drops_the_easiest():
    sizes = [120, 60, 20, 4]
    phases = phase_out(SCORES, LABELS, sizes, seed=2)
    assert [len(phase) for phase in phases] == sizes
    assert phases[0].tolist() == list(range(120))
    for before, after in zip(phases, phases[1:], strict=False):
        assert set(after) <= set(before)
    for phase, size in zip(phases[1:], sizes[1:], strict=True):
        np.testing.assert_array_equal(phase, select("hard", SCORES, LABELS, size, seed=2))


def test_sizes_fall_by_one_factor_to_whole_classes():
    sizes = falling_sizes(50_000, 1_000, 10, 10)
    assert sizes[0] == 50_000 and sizes[-1] == 1_000 and len(sizes) == 10
    assert all(size % 10 == 0 for size in sizes)
    ratios = np.array(sizes[1:]) / sizes[:-1]
    assert np.ptp(ratios) < 0.01
    assert falling_sizes(1297, 100, 3, 10) == [1297, 360, 100]


def test_shuffled_scores_stay_in_their_class():
    found = shuffled_within_class(SCORES, LABELS, seed=1)
    for label in range(4):
        np.testing.assert_array_equal(
            np.sort(found[label == LABELS]), np.sort(SCORES[label == LABELS])
        )
    assert not np.array_equal(found, SCORES)
    np.testing.assert_array_equal(found, shuffled_within_class(SCORES, LABELS, seed=1))
    distinct = np.arange(len(LABELS), dtype=float)
    shuffled = shuffled_within_class(distinct, LABELS)
    hard, dealt = (select("hard", s, LABELS, 40) for s in (distinct, shuffled))
    assert len(set(hard) & set(dealt)) < 30  # a third of each class by chance, so about 13


NAN = np.where(np.arange(len(LABELS)) < 3, np.nan, SCORES)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: select("hardest", SCORES, LABELS, 4), "hard, random, easy, not 'hardest'"),
        (lambda: select("hard", SCORES, LABELS, 42), "42 examples.*by 4 classes"),
        (lambda: select("random", SCORES, LABELS, 0), "multiple of 4"),
        (lambda: select("hard", SCORES[:-1], LABELS, 4), r"per example, 120, not.*\(119,\)"),
        (lambda: select("hard", None, LABELS, 4), "one score per example"),
        (lambda: select("easy", NAN, LABELS, 4), "3 of 120 scores are NaN"),
        (lambda: phase_out(NAN, LABELS, [120, 4]), "3 of 120 scores are NaN"),
        (lambda: phase_out(SCORES, LABELS, [4, 120]), "fall from phase to phase"),
        (lambda: phase_out(SCORES, LABELS, []), "fall from phase to phase"),
        (lambda: phase_out(SCORES, LABELS, [120, 50]), "50 examples.*by 4 classes"),
        (lambda: select("hard", SCORES, LABELS[None], 4), "one class per example"),
        (lambda: shuffled_within_class(SCORES[:5], LABELS), "one score per example"),
        (lambda: falling_sizes(100, 15, 3, 10), "multiple of 10, not in 3 to 15"),
        (lambda: falling_sizes(100, 10, 1, 10), "at least two phases"),
    ],
)
def test_what_does_not_fit_is_one_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_class_that_is_too_small_is_named():
    labels = np.array([0] * 9 + [6] * 5 + [7] * 9)
    with pytest.raises(ValueError, match="are 6 of each class, and class 6 has 5; ask for 15"):
        select("hard", np.arange(23), labels, 18)
