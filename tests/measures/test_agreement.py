import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

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


@given(tables, st.integers(0, 2**32 - 1))
def test_mean_dominance_is_the_mean_over_pairs(correct, seed):
    model, others = correct[0], correct if len(correct) == 1 else correct[1:]
    pairs = [
        min(a.dominance_probability(model, one), a.dominance_probability(one, model))
        for one in others
    ]
    assert a.mean_dominance(model, others) == pytest.approx([np.mean(pairs)])
    # a draw that takes each example as often as another is the plain mean again; a draw of some
    # examples is the mean over these, with the same model the lower one
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 3, model.size) + (rng.permutation(model.size) == 0)
    drawn = np.repeat(np.arange(model.size), counts)
    lower = [o.sum() <= model.sum() for o in others]
    again = [
        (o & ~model if low else ~o & model)[drawn].mean()
        for o, low in zip(others, lower, strict=True)
    ]
    weights = np.stack([np.full(model.size, 2), counts], 1)
    assert a.mean_dominance(model, others, weights) == pytest.approx(
        [np.mean(pairs), np.mean(again)]
    )


def test_mean_dominance_needs_other_models_on_the_same_examples():
    with pytest.raises(ValueError, match="3 examples need other models"):
        a.mean_dominance([True, False, True], np.ones((2, 4), bool))
    with pytest.raises(ValueError, match="3 examples need other models"):
        a.mean_dominance([True, False, True], np.ones((0, 3), bool))


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


# --- what the members of an ensemble say of an example they did not train on


@st.composite
def ensembles(draw):
    """predictions, labels, held_out, n_classes; what a member trained on may hold anything."""
    members, examples = draw(st.integers(1, 7)), draw(st.integers(1, 8))
    classes = draw(st.integers(1, 4))
    held_out = draw(hnp.arrays(bool, (members, examples)))
    inside = st.integers(0, classes - 1)
    predictions = draw(hnp.arrays(int, (members, examples), elements=inside))
    labels = draw(hnp.arrays(int, examples, elements=inside))
    return np.where(held_out, predictions, -99), labels, held_out, classes


def by_the_text(predictions, labels, held_out, classes):
    """Consensus, consistency, consensus-consistency and entropy, one example and one model at a
    time, as sections 3.1, A.6.2 and C.2 say."""
    rows = []
    for example, truth in enumerate(labels):
        unseen = [
            int(model[example])
            for model, apart in zip(predictions, held_out, strict=True)
            if apart[example]
        ]
        if not unseen:
            rows.append((-1, math.nan, math.nan, math.nan))
            continue
        most = max(unseen.count(c) for c in range(classes))
        tied = [c for c in range(classes) if unseen.count(c) == most]
        consensus = truth if truth in tied else min(tied)
        agreeing = sum(answer == consensus for answer in unseen)
        correct = sum(answer == truth for answer in unseen)
        entropy = 0.0
        for c in range(classes):
            p = unseen.count(c) / len(unseen)
            entropy -= p * math.log(p) if p else 0.0
        rows.append((consensus, correct / len(unseen), agreeing / len(unseen), entropy))
    return np.array(rows, float).T


MEASURES = (a.consensus_class, a.consistency_score, a.consensus_consistency, a.prediction_entropy)


@given(ensembles())
def test_ensemble_measures_equal_the_loop_from_the_text(ensemble):
    for measure, wanted in zip(MEASURES, by_the_text(*ensemble), strict=True):
        np.testing.assert_allclose(measure(*ensemble), wanted, atol=1e-12)


# five members; columns: all agree, two against two with the label among them, the same without
# it, right once of two, never held out
SAID = np.array(
    [[2, 0, 1, 0, 0], [2, 0, 1, 1, 0], [2, 2, 2, 9, 0], [2, 2, 2, 9, 0], [2, 1, 0, 9, 0]]
)
ROLE = np.array([[1, 1, 1, 1, 0]] * 2 + [[1, 1, 1, 0, 0]] * 3, bool)
TRUTH = [2, 2, 0, 0, 1]


def test_ensemble_measures_by_hand():
    case = SAID, TRUTH, ROLE, 3
    assert a.consensus_class(*case).tolist() == [2, 2, 1, 0, -1]
    two_two_one = -(0.8 * np.log(0.4) + 0.2 * np.log(0.2))
    for measure, wanted in {
        a.consistency_score: [1, 0.4, 0.2, 0.5, np.nan],
        a.consensus_consistency: [1, 0.4, 0.4, 0.5, np.nan],
        a.prediction_entropy: [0, two_two_one, two_two_one, np.log(2), np.nan],
    }.items():
        np.testing.assert_allclose(measure(*case), wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("tie", "consensus"),
    [("label", [2, 2, 1, 0, -1]), ("lowest", [2, 0, 1, 0, -1]), ("highest", [2, 2, 2, 1, -1])],
)
def test_the_tie_rule_moves_the_consensus_but_not_its_consistency(tie, consensus):
    case = SAID, TRUTH, ROLE, 3
    assert a.consensus_class(*case, tie=tie).tolist() == consensus
    np.testing.assert_array_equal(
        a.consensus_consistency(*case, tie=tie), a.consensus_consistency(*case)
    )


def test_mode_and_entropy_equal_scipy():
    rng = np.random.default_rng(1)
    said, labels = rng.integers(0, 5, (30, 200)), rng.integers(0, 5, 200)
    everyone = np.ones(said.shape, bool)
    mode = stats.mode(said, axis=0)  # of tied values the lowest
    assert a.consensus_class(said, labels, everyone, 5, "lowest").tolist() == mode.mode.tolist()
    share = a.consensus_consistency(said, labels, everyone, 5)
    np.testing.assert_allclose(share, mode.count / 30)
    counts = np.array([(said == c).sum(0) for c in range(5)])
    np.testing.assert_allclose(
        a.prediction_entropy(said, labels, everyone, 5), stats.entropy(counts)
    )


@given(ensembles(), st.randoms(use_true_random=False))
def test_members_in_any_order_and_score_bounds(ensemble, random):
    said, labels, held_out, classes = ensemble
    order = random.sample(range(len(said)), len(said))
    consensus, right, agree, entropy = (m(*ensemble) for m in MEASURES)
    for measure, value in zip(MEASURES, (consensus, right, agree, entropy), strict=True):
        np.testing.assert_array_equal(measure(said[order], labels, held_out[order], classes), value)
    seen = held_out.any(0)
    assert (np.isnan(agree) == ~seen).all() and (np.isnan(entropy) == ~seen).all()
    assert (agree[seen] >= right[seen]).all() and (agree[seen] * classes >= 1 - 1e-12).all()
    same = consensus[seen] == labels[seen]
    assert (agree[seen][same] == right[seen][same]).all()
    assert (entropy[seen] <= math.log(classes) + 1e-12).all()


@given(
    hnp.arrays(float, (4, 6), elements=st.sampled_from([0.0, 1.5, -2.0, np.nan])),
    hnp.arrays(bool, (4, 6)),
)
def test_held_out_mean_equals_the_loop(values, role):
    means = a.held_out_mean(values, role)
    for column, mask, mean in zip(values.T, role.T, means, strict=True):
        used = [v for v, m in zip(column, mask, strict=True) if m and not math.isnan(v)]
        np.testing.assert_allclose(mean, sum(used) / len(used) if used else math.nan, atol=1e-12)


def test_held_out_mean_takes_whole_numbers_and_either_role():
    depth, held_out = np.array([[0, 4], [2, 6]]), np.array([[True, False], [True, False]])
    np.testing.assert_array_equal(a.held_out_mean(depth, held_out), [1, np.nan])
    np.testing.assert_array_equal(a.held_out_mean(depth, ~held_out), [np.nan, 5])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(said=SAID[0]), r"\(member, example\)"),
        (dict(said=SAID[:0], role=ROLE[:0]), "with a member and an example"),
        (dict(said=SAID[:, :0], role=ROLE[:, :0], truth=[]), "with a member and an example"),
        (dict(role=ROLE[:4]), "members' shape"),
        (dict(role=ROLE + 2), "right or wrong"),
        (dict(truth=TRUTH[:3]), "5 examples need as many labels"),
        (dict(truth=[2, 2, 0, 0, 3]), "labels must be classes from 0 to 2"),
        (dict(truth=[2, 2, 0, 0, -1]), "run from -1 to 2"),
        (dict(role=np.ones_like(ROLE)), "predictions must be classes from 0 to 2"),
        (dict(said=SAID / 2), "whole numbers"),
    ],
)
def test_bad_ensembles_are_one_sentence(measure, change, words):
    case = dict(said=SAID, truth=TRUTH, role=ROLE) | change
    with pytest.raises(ValueError, match=words) as caught:
        measure(case["said"], case["truth"], case["role"], 3)
    assert "\n" not in str(caught.value)


def test_an_unknown_tie_rule_and_a_mean_over_other_shapes_are_refused():
    with pytest.raises(ValueError, match="label, lowest, highest, not 'nearest'"):
        a.consensus_class(SAID, TRUTH, ROLE, 3, tie="nearest")
    with pytest.raises(ValueError, match="members' shape"):
        a.held_out_mean(SAID, ROLE[:, :2])
    with pytest.raises(ValueError, match=r"\(member, example\)"):
        a.held_out_mean([1.0, 2.0], [True, True])
