import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nbcore.measures import agreement as a

tables = hnp.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 30)))


def test_dominance_by_hand():
    lower = [True, True, False, False, False]
    higher = [True, False, True, True, False]
    assert a.dominance_probability(lower, higher) == pytest.approx(1 / 5)
    assert a.dominance_probability(higher, lower) == pytest.approx(2 / 5)


@given(tables)
def test_matrix_equals_the_loop_over_pairs(correct):
    matrix = a.dominance_matrix(correct)
    for i in range(len(correct)):
        for j in range(len(correct)):
            wanted = (
                sum(x and not y for x, y in zip(correct[i], correct[j], strict=True))
                / correct.shape[1]
            )
            assert matrix[i, j] == pytest.approx(wanted)


@given(tables)
def test_pairs_name_the_less_accurate_model_first(correct):
    difference, dominance = a.dominance_pairs(correct)
    assert difference.size == len(correct) * (len(correct) - 1) // 2
    assert (difference >= 0).all()
    # P(lower right) - P(higher right) = dominance - P(higher right, lower wrong)
    assert (dominance <= 1 - difference + 1e-12).all()


@given(tables)
def test_solved_counts_equal_the_loop(correct):
    counts = a.solved_counts(correct)
    assert counts.tolist() == [sum(map(int, column)) for column in correct.T]


def test_independent_errors_give_the_product():
    rng = np.random.default_rng(0)
    low, high = rng.random(200_000) < 0.6, rng.random(200_000) < 0.9
    assert a.dominance_probability(low, high) == pytest.approx(
        float(a.independent_dominance(0.6, 0.9)), abs=0.005
    )


def test_counts_may_be_given_as_zero_and_one():
    assert a.dominance_matrix([[1, 0], [0, 1]]).tolist() == [[0, 0.5], [0.5, 0]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: a.dominance_matrix([[3, 7]]), "right or wrong"),
        (lambda: a.dominance_matrix([True, False]), "2 dimension"),
        (lambda: a.dominance_matrix(np.zeros((3, 0), bool)), "examples"),
        (lambda: a.dominance_probability([True], [True, False]), "same examples"),
    ],
)
def test_wrong_shapes_say_what_was_expected(call, words):
    with pytest.raises(ValueError, match=words):
        call()
