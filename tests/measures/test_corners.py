"""Corner examples: by hand, by brute force, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcore.measures.corners import CORNERS, corner_examples, corner_size, placed, scaled_plane

NAN = math.nan


def test_by_hand():
    # axes run from 2 to 6 (validation) and from 1 to 11 (training)
    val = [2, 2, 6, 6, 4, 3]
    train = [1, 11, 1, 11, 6, 2]
    assert scaled_plane(val, train)[:, 4:].tolist() == [[0.5, 0.25], [0.5, 0.1]]
    one = corner_examples(val, train, n=1)
    assert {k: v.tolist() for k, v in one.items()} == {
        "easy": [0],  # low when held out, low when trained on
        "looks_like_another_class": [1],  # low when held out, high when trained on
        "ambiguous_unless_labelled": [2],  # high when held out, low when trained on
        "ambiguous": [3],
    }
    assert corner_examples(val, train, n=2)["easy"].tolist() == [0, 5]
    # the fifth is as near to every corner; the sixth is nearer to two of them
    assert corner_examples(val, train, n=2)["ambiguous"].tolist() == [3, 4]


def test_each_axis_has_its_own_scale():
    val, train = [0.0, 0.1, 0.2], [0.0, 50.0, 100.0]
    assert scaled_plane(val, train).tolist() == [[0, 0.5, 1], [0, 0.5, 1]]


def test_ties_go_to_the_lower_index_and_can_stand_in_two_corners():
    val, train = [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]
    found = corner_examples(val, train, n=2)
    assert found["easy"].tolist() == [0, 1] and found["ambiguous"].tolist() == [3, 4]
    # all six are one side away from the empty corners
    assert found["looks_like_another_class"].tolist() == [0, 1]
    assert found["ambiguous_unless_labelled"].tolist() == [0, 1]


def test_examples_that_were_never_in_a_split_are_left_out_of_corners_and_scale():
    val = [1.0, NAN, 3.0, 2.0, 9.0]
    train = [1.0, 0.0, 3.0, 1.0, NAN]
    assert placed(val, train).tolist() == [True, False, True, True, False]
    assert np.isnan(scaled_plane(val, train)[:, [1, 4]]).all()
    assert scaled_plane(val, train)[0, [0, 2, 3]].tolist() == [0, 1, 0.5]
    found = corner_examples(val, train, n=3)
    assert all(set(v.tolist()) == {0, 2, 3} for v in found.values())


@pytest.mark.parametrize(
    "val, train, n, words",
    [
        ([1, 2, NAN], [1, 2, 3], 3, "there are 2 of 3"),
        ([1, 2], [1, 2], 0, "at least 1"),
        ([1, 2], [1, 2, 3], 1, "shapes"),
        ([[1, 2]], [[1, 2]], 1, "shapes"),
        ([NAN, NAN], [1, 2], 1, "None of 2 examples"),
        ([], [], 1, "None of 0 examples"),
        ([0, 0, 0], [1, 2, 3], 1, "All 3 mean validation depths are 0"),
        ([1, 2], [5, 5], 1, "mean training depths are 5"),
        ([1, math.inf], [1, 2], 1, "finite"),
        ([1, -1], [1, 2], 1, "undefined"),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(val, train, n, words):
    with pytest.raises(ValueError, match=words):
        corner_examples(val, train, n)


def test_a_corner_is_one_in_five_hundred_but_at_least_twenty():
    assert [corner_size(n) for n in (100, 10_000, 50_000)] == [20, 20, 100]


depths = st.integers(0, 12) | st.just(-1)  # -1 becomes NaN; few values, so that there are ties


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(depths, depths), min_size=2, max_size=40), st.integers(1, 40))
def test_against_brute_force(points, n):
    pairs = [(NAN if v < 0 else v / 3, NAN if t < 0 else t / 4) for v, t in points]
    known = [i for i, p in enumerate(pairs) if not any(map(math.isnan, p))]
    spans = [{pairs[i][axis] for i in known} for axis in (0, 1)]
    val, train = zip(*pairs, strict=True)
    if min(map(len, spans)) < 2 or n > len(known):
        with pytest.raises(ValueError):
            corner_examples(val, train, n)
        return
    found = corner_examples(val, train, n)
    for name, corner in CORNERS.items():

        def away(i, corner=corner):
            sides = [
                (pairs[i][a] - min(spans[a])) / (max(spans[a]) - min(spans[a])) - corner[a]
                for a in (0, 1)
            ]
            return round(math.dist(sides, (0, 0)), 9)

        wanted = sorted(known, key=lambda i: (away(i), i))[:n]
        assert found[name].tolist() == wanted


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 100), st.floats(0, 10))
def test_scale_and_order_do_not_matter(seed, factor, shift):
    rng = np.random.default_rng(seed)
    val, train = rng.random((2, 60)) * 14
    found = corner_examples(val, train, 5)
    stretched = corner_examples(val * factor + shift, train, 5)
    order = rng.permutation(60)
    moved = corner_examples(val[order], train[order], 5)
    for name in CORNERS:
        assert set(stretched[name]) == set(found[name]) == set(order[moved[name]])
    # exchanging the splits exchanges the two corners off the diagonal
    other = corner_examples(train, val, 5)
    assert set(other["ambiguous_unless_labelled"]) == set(found["looks_like_another_class"])
