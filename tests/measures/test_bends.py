"""Bends against least squares written out, and on models that lie on a known curve."""

import numpy as np
import pytest
from scipy import special

from nbcore.measures import bends
from nbcore.measures.robustness import NoLine, fit_line

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 2, 40)


def models(c2: float, noise: float = 0.05):
    y = c2 * X**2 + 0.7 * X - 0.5 + RNG.normal(0, noise, len(X))
    return special.expit(X), special.expit(y)


def test_equals_least_squares_written_out():
    ids, oods = models(-0.1)
    found, y = bends.bend(ids, oods), special.logit(oods)
    design = np.stack([X**2, X, np.ones_like(X)], 1)
    inverse = np.linalg.inv(design.T @ design)
    expected = inverse @ design.T @ y
    rest = y - design @ expected
    assert found.coefficients == pytest.approx(expected)
    assert found.covariance == pytest.approx(inverse * (rest @ rest) / (len(X) - 3))
    assert found.term == pytest.approx(expected[0]) and found.n == 40


def test_a_planted_bend_is_found_and_a_straight_testbed_has_none():
    assert bends.bend(*models(-0.1)).significant
    found = [bends.bend(*models(0.0)).significant for _ in range(200)]
    assert 1 <= sum(found) <= 22  # one in twenty by chance: 10 of 200


def test_the_band_is_about_the_curve():
    ids, oods = models(-0.1, noise=1e-9)
    value, low, high = bends.bend(ids, oods).band(np.array([0.4, 0.6]))
    x = special.logit([0.4, 0.6])
    assert value == pytest.approx(special.expit(-0.1 * x**2 + 0.7 * x - 0.5))
    assert low == pytest.approx(value, abs=1e-6) and high == pytest.approx(value, abs=1e-6)
    _, low, high = bends.bend(*models(-0.1, noise=0.2)).band(0.5)
    assert 0 < low < high < 1


def test_leaving_a_family_out_shows_who_makes_the_slope():
    ids, oods = models(0.0)
    families = np.where(X > 1.5, "strong", np.where(X < 0, "weak", "middle"))
    oods = np.where(families == "strong", oods * 0.8, oods)
    slopes = bends.without_each(ids, oods, families)
    rest = families != "strong"
    line = fit_line(ids[rest], oods[rest])
    assert slopes["strong"] == (line.slope, line.slope_se)
    assert slopes["strong"][0] > slopes["weak"][0]
    assert bends.without_each(ids[:4], oods[:4], ["a", "a", "a", "b"]).keys() == {"b"}


def test_too_few_models_have_no_bend():
    with pytest.raises(NoLine, match="five models, but got 4"):
        bends.bend([0.2, 0.3, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4])
