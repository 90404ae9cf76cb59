"""Exact risks, ridge paths and kernels: hand-worked, brute force, and independent solvers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, stats
from sklearn.linear_model import Ridge

from nbcore.measures.generalization import kernels
from nbcore.measures.generalization.ridge import exact_risk, optimal_ridge, ridge_errors


def test_exact_risk_by_hand():
    assert exact_risk(4, 10) == pytest.approx((0.6, 0.8))
    assert exact_risk(8, 10) == pytest.approx((0.2, 8.0))
    assert exact_risk(40, 10) == pytest.approx((0.0, 10 / 29))


@pytest.mark.parametrize("n", [5, 14])
def test_the_variance_is_the_mean_of_an_inverse_wishart(n):
    d = 10
    small = min(n, d)
    drawn = stats.invwishart(max(n, d), np.eye(small)).rvs(4000, random_state=0)
    traces = np.trace(drawn, axis1=1, axis2=2)
    assert exact_risk(n, d)[1] == pytest.approx(traces.mean(), rel=0.1)


@pytest.mark.parametrize("n", [9, 10, 11])
def test_near_d_the_risk_is_infinite_and_refused(n):
    with pytest.raises(ValueError, match="infinite; ask for an n"):
        exact_risk(n, 10)


def test_no_examples_are_refused():
    with pytest.raises(ValueError, match="or more, not n=0"):
        exact_risk(0, 10)
    with pytest.raises(ValueError, match="0 or more, not -1"):
        ridge_errors(np.eye(2), [1, 0], [0, 0], [-1])
    with pytest.raises(ValueError, match="squared norm 0"):
        optimal_ridge(3, 1, seen=0)


@given(st.integers(2, 12), st.integers(2, 12), st.floats(0.01, 100), st.integers(0, 999))
def test_ridge_errors_are_those_of_another_solver(n, d, ridge, seed):
    rng = np.random.default_rng(seed)
    x, beta, noise = rng.standard_normal((n, d)), rng.standard_normal(d), rng.standard_normal(n)
    bias, variance = ridge_errors(x, beta, noise, [0.0, ridge])
    least = np.linalg.lstsq(x, x @ beta + noise, rcond=None)[0]
    other = Ridge(ridge, fit_intercept=False, solver="cholesky").fit(x, x @ beta + noise).coef_
    assert (bias + variance)[0] == pytest.approx(least - beta, rel=1e-4, abs=1e-5)
    assert (bias + variance)[1] == pytest.approx(other - beta, rel=1e-6, abs=1e-7)
    assert bias[0] == pytest.approx(np.linalg.pinv(x) @ x @ beta - beta, abs=1e-6)


def test_without_a_ridge_it_is_where_gradient_descent_from_0_goes():
    rng = np.random.default_rng(1)
    x, beta, noise = rng.standard_normal((4, 7)), rng.standard_normal(7), rng.standard_normal(4)
    found, y = np.zeros(7), x @ beta + noise
    for _ in range(20_000):
        found -= 0.02 * x.T @ (x @ found - y)
    assert sum(ridge_errors(x, beta, noise, [0]))[0] == pytest.approx(found - beta, abs=1e-6)


def test_the_best_ridge_is_the_best_of_a_grid_on_average():
    rng, d, n = np.random.default_rng(2), 8, 6
    best = optimal_ridge(d, 0.5)
    assert best == pytest.approx(2.0)
    grid, risk = best * np.array([0.25, 0.5, 1, 2, 4]), np.zeros(5)
    for _ in range(3000):
        beta = rng.standard_normal(d) / np.sqrt(d)
        off = sum(ridge_errors(rng.standard_normal((n, d)), beta, rng.normal(0, 0.5, n), grid))
        risk += (off**2).sum(1)
    assert risk.argmin() == 2
    # what is not seen is noise: .25 + .5 over .5 / 4 for each of four dimensions seen
    assert optimal_ridge(4, 0.5, seen=0.5, unseen=0.5) == pytest.approx(6.0)


CIRCLE = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])


def test_kernels_by_hand():
    near = kernels.laplace(CIRCLE, CIRCLE)
    assert near[0] == pytest.approx([1, np.exp(-np.sqrt(2)), np.exp(-2)])
    # one hidden layer: s' + t slope, at right angles 1 / π + 0, halved
    one = kernels.relu_tangent(CIRCLE, CIRCLE, hidden=1)
    assert one[0] == pytest.approx([1, 1 / (2 * np.pi), 0], abs=1e-12)


def test_the_tangent_kernel_is_that_of_a_wide_network():
    rng, width = np.random.default_rng(3), 20_000
    angle = 1.0
    x = np.array([[1, 0], [np.cos(angle), np.sin(angle)]])
    w, v = rng.standard_normal((width, 2)), rng.standard_normal(width)
    before = x @ w.T
    on, hidden = (before > 0).astype(float), np.maximum(before, 0)
    by_last = 2 * hidden @ hidden.T / width
    by_first = 2 * ((on * v) @ (on * v).T) / width * (x @ x.T)
    wide = by_last + by_first
    assert kernels.relu_tangent(x, x, 1)[0, 1] == pytest.approx(wide[0, 1] / 2, rel=0.03)


def test_fits_go_through_their_points_and_a_singular_kernel_is_refused():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    for kernel in (kernels.laplace, kernels.relu_tangent):
        assert kernels.fitted(kernel(x, x), kernel(x, x), y) == pytest.approx(y, abs=1e-8)
    with pytest.raises(ValueError, match="12 inputs is singular in double precision; add a"):
        kernels.fitted(-np.ones((12, 12)), np.ones((1, 12)), y)


def test_decimal_arithmetic_agrees_with_doubles_where_these_suffice():
    rng = np.random.default_rng(5)
    x, y, query = rng.standard_normal((6, 2)), rng.standard_normal(6), rng.standard_normal((4, 2))

    def gaussian(a, b):
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * 0.5**2))

    expected = gaussian(query, x) @ linalg.solve(gaussian(x, x), y)
    found, residual = kernels.gaussian_fit(x, query, y, 0.5, digits=40)
    assert found == pytest.approx(expected, rel=1e-6) and residual < 1e-30
    rough, worse = kernels.gaussian_fit(x, query, y, 0.5, digits=8)
    assert worse > residual and np.isfinite(rough).all()
