"""Rises and slopes of curves along sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nbcore.measures.generalization import curves


def test_a_rise_by_hand():
    assert curves.rise(np.array([3.0, 1, 2, 4, 2])) == (1, 3)
    assert curves.rise(np.array([5.0, 1, 2, 0.5, 3.0])) == (3, 4)
    assert curves.rise(np.array([4.0, 3, 2.5, 1])) == (1, 2)  # falls least
    with pytest.raises(ValueError, match="two points or more, not 1"):
        curves.rise(np.array([1.0]))


@given(arrays(float, st.integers(2, 9), elements=st.floats(0, 1)))
def test_a_rise_is_the_largest_of_all_pairs(curve):
    before, peak = curves.rise(curve)
    pairs = [curve[j] - curve[i] for j in range(len(curve)) for i in range(j)]
    assert before < peak and curve[peak] - curve[before] == pytest.approx(max(pairs))


def test_slopes_of_powers():
    n = np.array([10.0, 20, 40])
    assert curves.slopes(np.array([n**0.5, 7 * n**-0.25]), n) == pytest.approx([0.5, -0.25])
    assert np.isnan(curves.slopes(np.array([[1.0, -1, 2]]), n)).all()
