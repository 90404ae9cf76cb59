"""How likely a label is wrong: by hand, and where the truth is known by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore.difficulty.pretrained import suspicion
from nbcore.difficulty.pretrained.suspicion import KINDS


def evidence(**changes):
    given = dict(
        labels=[0, 1],
        probability=[[0.8, 0.2], [0.9, 0.1]],
        consistency=[1.0, 0.0],
        neighbours=[0.5, np.nan],
        depth_val=[2.0, 1.0],
        depth_train=[2.0, 3.0],
        last_probe=4,
        kinds=KINDS,
    )
    return suspicion.evidence(**(given | changes))


def test_evidence_by_hand():
    found = evidence()
    np.testing.assert_allclose(found[:, 0], np.log([0.2 / 0.8, 0.9 / 0.1]))
    np.testing.assert_allclose(found[:, 1], -np.log([0.8, 0.1]))
    np.testing.assert_allclose(found[:, 2], -np.log([1.02 / 0.02, 0.02 / 1.02]))
    np.testing.assert_allclose(found[:, 3], [0.0, 0.0], atol=1e-12)  # even, and unknown
    np.testing.assert_allclose(found[:, 4], [-0.5, 0.75])
    np.testing.assert_allclose(found[:, 5], [0.0, 0.5])
    assert evidence(kinds=("depth",)).shape == (2, 2) and len(KINDS) == 4
    with pytest.raises(ValueError, match="example, class"):
        evidence(labels=[0])


def test_weights_find_the_column_that_tells():
    rng = np.random.default_rng(0)
    changed = rng.random(2000) < 0.1
    x = np.stack([changed + 0.3 * rng.normal(size=2000), rng.normal(size=2000)], 1)
    found = suspicion.weigh([x[:1000], x[1000:]], [changed[:1000], changed[1000:]])
    assert found.weight[0] > 5 * abs(found.weight[1]) and 0.05 < found.planted < 0.15
    scores = found.score(x)
    assert scores[changed].min() > np.median(scores[~changed])
    with pytest.raises(ValueError, match="some, not all"):
        suspicion.weigh([x], [np.zeros(2000, bool)])


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_the_share_of_wrong_labels_is_recovered_where_outputs_are_calibrated(share):
    """Right labels are drawn from the softmax at twice the outputs, wrong ones anew."""
    rng = np.random.default_rng(1)
    logits = 2.0 * rng.normal(size=(6000, 5))
    p = suspicion.softmax(2 * logits)
    true = (p.cumsum(1) > rng.random((6000, 1))).argmax(1)
    wrong = rng.random(6000) < share
    labels = np.where(wrong, (true + rng.integers(1, 5, 6000)) % 5, true)
    found, scale = suspicion.noise_share(labels, logits)
    assert abs(found - share) < 0.015 and abs(scale - 2) < 0.25


def test_the_probability_is_that_of_the_mixture():
    """Scores of right labels and wrong ones are drawn from two normals, so it is known."""
    rng = np.random.default_rng(2)
    share, n = 0.2, 20_000
    wrong = rng.random(n) < share
    own = rng.normal(np.where(wrong, 2.0, 0.0))
    left = rng.normal(np.where(rng.random(n) < share, 2.0, 0.0))  # the copy holds wrong ones too
    found = suspicion.wrong_probability(own, left, rng.normal(2.0, size=n), share)
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.01)):
        some = (found >= low) & (found < high)
        assert abs(found[some].mean() - wrong[some].mean()) < 0.04


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.05, 1))
def test_suggestions_from_the_threshold_on_are_as_precise_as_wanted(values, wanted):
    p = np.array(values)
    least = suspicion.threshold_for(p, wanted)
    if np.isfinite(least):
        assert p[p >= least].mean() >= wanted - 1e-9 or (p == least).sum() > 1
        lower = p[p < least]
        assert not len(lower) or p[p >= lower.max()].mean() < wanted + 1e-9
    else:
        assert p.max() < wanted


def test_only_some_are_counted():
    p = np.array([0.9, 0.1, 0.8])
    assert suspicion.threshold_for(p, 0.85, [True, True, False]) == 0.9
    assert suspicion.threshold_for(p, 0.95) == np.inf
