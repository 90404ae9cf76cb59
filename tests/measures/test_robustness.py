import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from nbcore.measures import robustness as r

ODDS_BY_THREE = dict(id_acc=[0.50, 0.75, 0.90], ood_acc=[0.25, 0.50, 0.75])
inner = st.floats(0.02, 0.98)


def test_a_shift_that_divides_the_odds_is_a_line_of_slope_one():
    line = r.fit_line(**ODDS_BY_THREE)
    assert line.slope == pytest.approx(1)
    assert line.intercept == pytest.approx(-np.log(3))
    assert line.r2 == pytest.approx(1)
    assert line.id_range == (0.50, 0.90)
    assert r.effective_robustness(0.75, 0.60, line) == pytest.approx(0.10)


@pytest.mark.parametrize("scale", r.SCALES)
def test_fit_equals_numpy_least_squares(scale):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.3, 0.9, 40)
    y = np.clip(x - 0.1 + rng.normal(0, 0.02, 40), 0.05, 0.95)
    forward, backward = r.SCALES[scale]
    slope, intercept = np.polyfit(forward(x), forward(y), 1)
    line = r.fit_line(x, y, scale)
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept))
    assert line.predict(0.6) == pytest.approx(backward(slope * forward(0.6) + intercept))
    rest = forward(y) - slope * forward(x) - intercept
    assert line.r2 == pytest.approx(1 - rest.var() / forward(y).var())
    assert r.residuals(x, y, line) == pytest.approx(rest)


@given(st.floats(0.3, 2), st.floats(-2, 1), st.lists(inner, min_size=3, max_size=20, unique=True))
def test_models_on_a_line_have_no_effective_robustness(slope, intercept, ids):
    true = r.Line(slope, intercept, 1, 0, 0, "logit", 0, (0, 1))
    ids = np.array(ids)
    if np.ptp(ids) < 1e-3:
        return
    fitted = r.fit_line(ids, true.predict(ids))
    assert np.allclose(r.effective_robustness(ids, true.predict(ids), fitted), 0, atol=1e-6)


def test_the_ends_of_the_scale_predict_their_limits():
    line = r.fit_line(**ODDS_BY_THREE)
    assert line.predict([0, 1]) == pytest.approx([0, 1])
    flat = r.Line(0, 0, 0, 0, 0, "logit", 3, (0.1, 0.9))
    assert flat.predict([0, 0.5, 1]) == pytest.approx([0.5, 0.5, 0.5])


def test_a_linear_prediction_stays_an_accuracy():
    line = r.fit_line([0.5, 0.6, 0.7], [0.1, 0.3, 0.5], "linear")
    assert line.predict([0.0, 1.0]) == pytest.approx([0, 1])


@pytest.mark.parametrize(
    ("id_acc", "ood_acc", "scale", "words"),
    [
        ([0.5, 0.6], [0.4, 0.5], "logit", "at least three models"),
        ([0.5, 0.6, 0.7], [0.4, 0.5], "logit", "same models"),
        ([0.5, np.nan, 0.7], [0.4, 0.5, 0.6], "logit", "NaN"),
        ([50, 60, 70], [40, 50, 60], "logit", "divide percentages by 100"),
        ([0.5, 0.6, 1.0], [0.4, 0.5, 0.6], "logit", "exactly 0 or 1"),
        ([0.5, 0.6, 0.7], [0.0, 0.5, 0.6], "probit", "exactly 0 or 1"),
        ([0.5, 0.5, 0.5], [0.4, 0.5, 0.6], "logit", "same ID accuracy"),
        ([0.5, 0.6, 0.7], [0.4, 0.5, 0.6], "log", "scale must be one of"),
    ],
)
def test_what_cannot_be_fitted_says_why(id_acc, ood_acc, scale, words):
    with pytest.raises(ValueError, match=words):
        r.fit_line(id_acc, ood_acc, scale)


def test_linear_scale_accepts_zero_and_one():
    assert r.fit_line([0, 0.5, 1], [0, 0.4, 0.8], "linear").slope == pytest.approx(0.8)


@pytest.mark.parametrize("k,n", [(0, 20), (1, 20), (10, 20), (20, 20), (1763, 2000)])
def test_clopper_pearson_equals_scipys_exact_interval(k, n):
    low, high = r.clopper_pearson(k, n)
    theirs = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert (low, high) == pytest.approx((theirs.low, theirs.high))


def test_clopper_pearson_broadcasts_and_refuses_impossible_counts():
    low, high = r.clopper_pearson([0, 5], [[10], [20]])
    assert low.shape == high.shape == (2, 2)
    for bad in [(11, 10), (-1, 10), (1, 0), (np.nan, 10)]:
        with pytest.raises(ValueError, match="0 <= correct <= total"):
            r.clopper_pearson(*bad)
    with pytest.raises(ValueError, match="level"):
        r.clopper_pearson(1, 2, level=95)


@given(st.integers(20, 3000), inner, st.data())
def test_significance_band_and_binomial_test_agree(total, accuracy, data):
    right = data.draw(st.integers(0, total))
    line = r.fit_line(**ODDS_BY_THREE)
    expected = float(line.predict(accuracy))
    chance = stats.binom.sf(right - 1, total, expected)
    decided = bool(r.is_significant(accuracy, right / total, total, line))
    assert decided == (chance < 0.025 and bool(line.covers(accuracy)))
    above = right / total - expected > r.chance_band(accuracy, total, line)[1] + 1e-12
    assert above == (chance < 0.025)


def test_nothing_is_significant_outside_the_testbeds_range():
    line = r.fit_line(**ODDS_BY_THREE)
    assert not r.is_significant(0.95, 0.99, 10_000, line)
    assert r.is_significant(0.89, 0.99, 10_000, line)


@given(st.lists(st.tuples(inner, st.floats(-1, 1)), min_size=1, max_size=200), st.integers(1, 50))
def test_binned_average_equals_scipy_and_a_loop(points, bins):
    x, y = np.array(points).T
    ours = r.binned_average(x, y, bins, range=(0, 1))
    for what, values in (("mean", ours.mean), ("std", ours.std), ("count", ours.counts)):
        theirs = stats.binned_statistic(x, y, what, bins, range=(0, 1)).statistic
        assert np.allclose(values, theirs, atol=1e-12, equal_nan=True)
    edges = np.linspace(0, 1, bins + 1)
    for b in range(bins):
        own = [v for u, v in points if edges[b] <= u < edges[b + 1]]
        assert ours.counts[b] == len(own)
        assert not own or ours.mean[b] == pytest.approx(np.mean(own), abs=1e-12)


def test_binned_average_takes_the_range_of_x_and_keeps_the_last_point():
    ours = r.binned_average([0.2, 0.4, 0.6], [1.0, 2.0, 3.0], bins=2)
    assert ours.counts.tolist() == [1, 2]
    assert ours.centers == pytest.approx([0.3, 0.5])
    with pytest.raises(ValueError, match="NaN"):
        r.binned_average([0.1, np.nan], [1, 2])
    with pytest.raises(ValueError, match="equally long"):
        r.binned_average([], [])


def test_gap_fraction_is_one_on_the_diagonal_and_zero_on_the_line():
    line = r.fit_line(**ODDS_BY_THREE)
    assert r.gap_fraction([0.75, 0.75], [0.75, 0.50], line) == pytest.approx([1, 0])
    assert np.isnan(r.gap_fraction(1.0, 1.0, line))


@given(st.tuples(inner, inner), st.tuples(inner, inner), st.floats(0, 1))
def test_a_mixed_classifier_is_the_expected_accuracy_of_the_coin(low, high, alpha):
    mixed = r.mixed_classifier(low, high, alpha)
    assert mixed == pytest.approx(
        [alpha * a + (1 - alpha) * b for a, b in zip(low, high, strict=True)]
    )


def test_a_mixed_classifier_runs_from_the_high_model_to_the_low_one():
    path = r.mixed_classifier((0.5, 0.25), (0.9, 0.75), [0, 0.5, 1])
    assert path == pytest.approx(np.array([[0.9, 0.75], [0.7, 0.5], [0.5, 0.25]]))
    line = r.fit_line(**ODDS_BY_THREE)
    assert r.effective_robustness(0.7, 0.5, line) > 0.05


def test_one_more_model_of_the_testbed_stays_in_its_scatter():
    """Of lines with planted scatter, 95 % of further models keep within the band."""
    rng = np.random.default_rng(3)
    x = np.linspace(-1, 3, 12)
    inside = []
    for _ in range(200):
        y = 0.5 * x - 1 + rng.normal(0, 0.4, len(x))
        at = rng.choice([-1.0, 1.0, 3.0])
        more = special.expit(0.5 * at - 1 + rng.normal(0, 0.4))
        bed = special.expit(x), special.expit(y)
        low, high = r.scatter_band(special.expit(at), *bed)
        er = more - r.fit_line(*bed).predict(special.expit(at))
        inside.append(low <= er <= high)
    assert 0.91 <= np.mean(inside) <= 0.985


def test_a_scatter_band_by_hand():
    """Three models at logits -1, 0, 1 with residuals 1/6, -1/3, 1/6 of a line: t of one freedom."""
    x, y = np.array([-1.0, 0.0, 1.0]), np.array([-0.5, -0.5, 0.5])
    low, high = r.scatter_band(0.5, special.expit(x), special.expit(y))
    half = 12.7062047 * np.sqrt(1 / 6) * np.sqrt(4 / 3)
    assert high == pytest.approx(special.expit(-1 / 6 + half) - special.expit(-1 / 6), abs=1e-6)
    assert low == pytest.approx(special.expit(-1 / 6 - half) - special.expit(-1 / 6), abs=1e-6)
