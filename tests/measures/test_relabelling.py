"""The rule by hand; its scores against scikit-learn, scipy and a bootstrap that draws examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from nbcore.measures import relabelling as r

NAN = np.nan
#: label, consensus, agreement, depth held out, depth in training (of 8), what to do, doubt
CASES = {
    "agreed on its label": (3, 3, 1.0, 0.0, 0.0, "keep", -1.0),
    "its label, though learned late": (3, 3, 0.75, 2.0, 6.0, "keep", -0.25),
    "no agreement on its label": (3, 3, 0.5, 4.0, 4.0, "inspect", -0.5),
    "looks like another class": (3, 5, 1.0, 0.0, 8.0, "relabel", 2.0),
    "just agreed, just earlier": (3, 5, 2 / 3, 4.0, 4.5, "relabel", 2 / 3 + 1 / 16),
    "another class, no agreement": (3, 5, 0.5, 0.0, 8.0, "inspect", 1.5),
    "ambiguous unless labelled": (3, 5, 1.0, 8.0, 0.0, "inspect", 0.0),
    "as early with its label": (3, 5, 1.0, 4.0, 4.0, "inspect", 1.0),
    "no depth in training": (3, 5, 1.0, 2.0, NAN, "inspect", 1.0),
    "never held out": (3, -1, NAN, NAN, 2.0, "", NAN),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_rule_by_hand(case):
    *given_, action, doubt = case
    columns = [np.array([value]) for value in given_]
    assert r.suggest(*columns, 8).tolist() == [action]
    np.testing.assert_allclose(r.doubt(*columns, 8), [doubt])


def test_the_thresholds_are_arguments():
    case = [np.array([v]) for v in CASES["looks like another class"][:5]]
    assert r.suggest(*case, 8, min_gap=0.9).tolist() == ["relabel"]
    assert r.suggest(*case, 8, min_gap=1.0).tolist() == ["inspect"]
    case[2] = np.array([0.75])
    assert r.suggest(*case, 8, min_agreement=0.75).tolist() == ["relabel"]
    assert r.suggest(*case, 8, min_agreement=0.8).tolist() == ["inspect"]


def test_more_doubt_never_takes_a_suggestion_back():
    rng = np.random.default_rng(0)
    n = 400
    label, consensus = rng.integers(3, size=n), rng.integers(3, size=n)
    agree, val, train = rng.uniform(0.3, 1, n), rng.uniform(0, 8, n), rng.uniform(0, 8, n)
    before = r.suggest(label, consensus, agree, val, train, 8) == "relabel"
    firmer = r.suggest(label, consensus, np.minimum(agree + 0.1, 1), val / 2, train, 8)
    assert (firmer[before] == "relabel").all() and before.any()


def test_other_shapes_are_refused():
    one = np.array([1])
    with pytest.raises(ValueError, match="one label, consensus"):
        r.suggest(np.array([1, 2]), one, one, one, one, 8)
    with pytest.raises(ValueError, match="last probe from 1, not 0"):
        r.suggest(one, one, one, one, one, 0)


@pytest.mark.parametrize("k, n", [(0, 7), (7, 7), (3, 7), (95, 100), (0, 1)])
def test_wilson_is_scipys(k, n):
    theirs = binomtest(k, n).proportion_ci(0.9, method="wilson")
    np.testing.assert_allclose(r.wilson_interval(k, n, 0.9), theirs, atol=1e-12)


def test_wilson_of_nothing_and_of_nonsense():
    assert r.wilson_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="8 successes of 7"):
        r.wilson_interval(8, 7)


pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)


@given(pairs)
def test_scores_are_scikit_learns(pairs):
    guess, bad = np.array(pairs).T
    got = r.score(guess, bad, resamples=20)
    p, rec, f, _ = precision_recall_fscore_support(
        bad, guess, average="binary", zero_division=np.nan
    )
    for what, theirs in {"precision": p, "recall": rec}.items():
        np.testing.assert_allclose(got[what].value, theirs)
        assert np.isnan(theirs) or got[what].low - 1e-12 <= theirs <= got[what].high + 1e-12
    # where there is nothing to find, scikit-learn's F1 is undefined even with false alarms
    expected = f if bad.any() or not guess.any() else 0.0
    np.testing.assert_allclose(got["f1"].value, expected)


def test_the_bootstrap_of_counts_is_one_of_examples():
    rng = np.random.default_rng(1)
    bad = rng.random(300) < 0.2
    one, two = (np.where(rng.random(300) < wrong, ~bad, bad) for wrong in (0.05, 0.15))
    i = rng.integers(300, size=(4000, 300))
    f = np.array([2 * (g & bad)[i].sum(1) / (g[i].sum(1) + bad[i].sum(1)) for g in (one, two)])
    ends = np.quantile([f[0], f[0] - f[1]], [0.025, 0.975], axis=1)
    f1 = r.score(one, bad, resamples=20_000)["f1"]
    np.testing.assert_allclose([f1.low, f1.high], ends[:, 0], atol=0.01)
    apart = r.f1_difference(one, two, bad, resamples=20_000)
    np.testing.assert_allclose([apart.low, apart.high], ends[:, 1], atol=0.01)
    f_one, f_two = (r.score(g, bad)["f1"].value for g in (one, two))
    assert apart.value == pytest.approx(f_one - f_two)


def test_a_method_is_not_ahead_of_itself():
    bad = np.arange(50) < 10
    guess = np.arange(50) % 3 == 0
    assert r.f1_difference(guess, guess, bad) == (0.0, 0.0, 0.0)
    better = r.f1_difference(bad, guess, bad)
    worse = r.f1_difference(guess, bad, bad)
    assert better.value == -worse.value > 0 and better.low > 0 > worse.high


scored = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=1, max_size=40
)


@given(scored)
def test_average_precision_is_scikit_learns_ties_and_weights_too(rows):
    score, bad, weight = (np.array(x) for x in zip(*rows, strict=True))
    if not bad.any():
        assert np.isnan(r.average_precision(score, bad))
        return
    theirs = average_precision_score(bad, score)
    np.testing.assert_allclose(r.average_precision(score, bad), theirs)
    if (weight * bad).sum():
        theirs = average_precision_score(bad, score, sample_weight=weight)
        np.testing.assert_allclose(r.average_precision(score, bad, weight), theirs)


def test_average_precision_by_hand():
    # wrong labels at the places 1 and 3: (1/1 + 2/3) / 2
    assert r.average_precision([9, 8, 7, 6], [True, False, True, False]) == pytest.approx(5 / 6)
    assert r.average_precision([1, 1, 1, 1], [True, False, True, False]) == 0.5
    with pytest.raises(ValueError, match="no NaN"):
        r.average_precision([1.0, NAN], [True, False])


def test_rankings_are_compared_on_the_same_draws():
    rng = np.random.default_rng(2)
    bad = rng.random(500) < 0.2
    good, poor = bad + rng.normal(0, 0.5, 500), rng.random(500)
    each, ahead = r.average_precisions([good, good, poor], bad, resamples=50)
    assert ahead[0] == ahead[1] == (0.0, 0.0, 0.0)
    assert each[0] == each[1] and each[0].low < each[0].value < each[0].high
    assert ahead[2].low > 0.2 and ahead[2].value == pytest.approx(each[0].value - each[2].value)


def test_masks_are_true_or_false():
    with pytest.raises(ValueError, match="one true or false"):
        r.score(np.array([0, 1]), np.array([True, False]))
    empty = np.zeros(0, bool)
    assert all(np.isnan(v.value) for v in r.score(empty, empty).values())
