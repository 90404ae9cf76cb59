"""What one classifier explains of another: closed forms, scikit-learn, and what must hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from nbcore.measures.generalization.explained import (
    conditional_information,
    explained_share,
    joint_counts,
    mutual_information,
    performance_correlation,
    retained_share,
)
from nbcore.measures.generalization.kernels import kernel_distance

three = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60
)


def entropy(p):
    return -p * np.log(p) - (1 - p) * np.log(1 - p)


def test_eight_pictures_by_hand():
    label, linear = [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 0, 1, 1, 1]
    other = [0, 0, 1, 0, 1, 0, 1, 1]
    same = joint_counts(linear, label, linear)
    assert mutual_information(same.sum(-1)) == pytest.approx(np.log(2) - entropy(0.25))
    assert explained_share(same) == pytest.approx(1) and retained_share(same) == pytest.approx(1)
    counts = joint_counts(other, label, linear)
    # knowing the linear answer, one of two labels is left only where the other one says so
    given_linear = entropy(0.25) - np.log(2) / 2
    assert conditional_information(counts) == pytest.approx(given_linear)
    known = np.log(2) - entropy(0.25)
    assert explained_share(counts) == pytest.approx((known - given_linear) / known)


def test_a_noisy_channel_and_independent_classifiers():
    p = np.array([[0.8, 0.2], [0.2, 0.8]]) / 2
    assert mutual_information(p) == pytest.approx(np.log(2) - entropy(0.2))
    right = np.array([[0.8, 0.2], [0.2, 0.8]])
    table = np.einsum("fy,ly->fyl", right, right) / 2
    agree = 0.8**2 + 0.2**2
    assert conditional_information(table) == pytest.approx(entropy(agree) - entropy(0.2))
    assert explained_share(table) == pytest.approx(retained_share(table))


@given(three)
def test_information_is_that_of_scikit_learn(rows):
    f, y, k = np.array(rows).T
    counts = joint_counts(f, y, k, sizes=3)
    assert mutual_information(counts.sum(-1)) == pytest.approx(mutual_info_score(f, y), abs=1e-9)
    within = sum((k == c).mean() * mutual_info_score(f[k == c], y[k == c]) for c in np.unique(k))
    assert conditional_information(counts) == pytest.approx(within, abs=1e-9)


@given(three)
def test_what_is_explained_is_symmetric(rows):
    f, y, k = np.array(rows).T
    one, other = joint_counts(f, y, k, sizes=3), joint_counts(k, y, f, sizes=3)
    assert performance_correlation(one) == pytest.approx(performance_correlation(other), abs=1e-9)
    assert retained_share(one) == pytest.approx(explained_share(other), nan_ok=True, abs=1e-6)


def test_a_constant_explainer_explains_nothing_and_a_constant_prediction_is_not_defined():
    y = np.array([0, 1, 1, 0, 1])
    constant = np.zeros(5, int)
    assert explained_share(joint_counts(y, y, constant)) == pytest.approx(0)
    assert np.isnan(explained_share(joint_counts(constant, y, y)))


def test_many_tables_at_once():
    rng = np.random.default_rng(0)
    tables = rng.integers(1, 9, (4, 5, 2, 2, 2))
    found = explained_share(tables)
    assert found.shape == (4, 5)
    assert found[2, 3] == pytest.approx(float(explained_share(tables[2, 3])))


@pytest.mark.parametrize(
    ("variables", "sizes", "message"),
    [
        (([0, 1], [0]), None, "for the same examples"),
        (([], []), None, "for the same examples"),
        (([0.5, 1], [0, 1]), None, "must be classes"),
        (([-1, 1], [0, 1]), None, "must be classes"),
        (([0, 3], [0, 1]), 2, "classes up to 3, but sizes is 2"),
    ],
)
def test_what_cannot_be_counted_is_refused(variables, sizes, message):
    with pytest.raises(ValueError, match=message):
        joint_counts(*variables, sizes=sizes)


def test_tables_that_are_none_are_refused():
    with pytest.raises(ValueError, match="empty"):
        mutual_information(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="3 dims or more and none below 0"):
        conditional_information(np.ones((2, 2)))
    with pytest.raises(ValueError, match="none below 0"):
        mutual_information(np.array([[1, -1], [1, 1]]))


def test_kernel_distance():
    a = np.array([[2.0, 1.0], [1.0, 2.0]])
    assert kernel_distance(a, 3 * a) == pytest.approx(0)
    assert kernel_distance(np.diag([1.0, 0]), np.diag([0, 1.0])) == 1
    assert kernel_distance(np.eye(2), np.ones((2, 2))) == pytest.approx(1 - 1 / np.sqrt(2))
    for other in (np.eye(3), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="cannot be compared"):
            kernel_distance(a, other)
