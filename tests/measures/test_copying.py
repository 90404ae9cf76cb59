"""Planted labels, answers by class, slopes, and the bound that privacy gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore.measures.generalization.copying import answers, chosen, privacy_bound, replaced, slope


def test_images_are_chosen_with_the_chance_of_their_cell_and_alone():
    cells = np.arange(30_000) % 3
    found = chosen(cells, [0.0, 0.3, 1.0], seed=0)
    shares = [found[cells == c].mean() for c in range(3)]
    assert shares[0] == 0 and shares[2] == 1 and shares[1] == pytest.approx(0.3, abs=0.02)
    assert (chosen(cells[:100], [0.0, 0.3, 1.0], seed=0) == found[:100]).all()
    assert len(chosen([], [0.5], seed=0)) == 0


def test_bad_chances_and_cells_without_one_are_refused():
    with pytest.raises(ValueError, match=r"lie in \[0, 1\], not \[0.5, 1.2\]"):
        chosen([0, 1], [0.5, 1.2], seed=0)
    with pytest.raises(ValueError, match="2 chances, for cells 0 to 1, but the images are in"):
        chosen([0, 2], [0.5, 0.5], seed=0)


def test_answers_by_hand():
    found = answers([1, 1, 0, 2], [0, 0, 0, 2], 3)
    assert found[0] == pytest.approx([1 / 3, 2 / 3, 0]) and found[2].tolist() == [0, 0, 1]
    assert np.isnan(found[1]).all()


@given(st.integers(0, 200))
def test_a_slope_is_that_of_numpys_fit(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 3, 8))
    fits = [np.polyfit(a, b, 1)[0] for a, b in zip(x, y, strict=True)]
    assert slope(x, y) == pytest.approx(fits)


def test_the_bound_by_hand_and_at_its_ends():
    assert privacy_bound(np.log(3), 0) == pytest.approx(0.5)
    assert privacy_bound(0, 0.02) == pytest.approx(0.02)
    assert privacy_bound(900, 0.1) == 1 and privacy_bound(0, 1) == 1
    assert replaced(np.log(2), 0.01) == pytest.approx((2 * np.log(2), 0.03))
    for epsilon, delta in ((-1, 0.1), (1, -0.1), (1, 2)):
        with pytest.raises(ValueError, match="an ε from 0 and a δ in"):
            privacy_bound(epsilon, delta)


@given(st.floats(0, 5), st.floats(0, 0.5))
def test_no_two_private_distributions_are_farther_apart_than_the_bound(epsilon, delta):
    """Randomized response that reveals all with chance δ is private, and reaches the bound."""
    keep = np.exp(epsilon) / (1 + np.exp(epsilon))
    first = np.array([delta, (1 - delta) * keep, (1 - delta) * (1 - keep), 0])
    second = first[::-1]
    assert (first - np.exp(epsilon) * second).clip(0).sum() <= delta + 1e-9
    assert abs(first - second).sum() / 2 == pytest.approx(privacy_bound(epsilon, delta))
