import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.neighbors import KNeighborsClassifier

from nbcore.measures import depth as d

#: probe answers (example, probe) with the network's answer first, and the depth they make
BY_HAND = [
    (1, [1, 1, 1, 1], 0),  # the input's neighbours already say it, and so do all later ones
    (1, [0, 1, 1, 1], 1),
    (1, [1, 0, 1, 1], 2),  # right at the input, but not from there on
    (1, [1, 1, 0, 1], 3),  # only the softmax
    (1, [0, 2, 0, 1], 3),
    (1, [1, 1, 1, 0], -1),  # the softmax probe disagrees with the network: undefined (A.6.1)
    (2, [0, 0, 0, 0], -1),
]


def test_depth_by_hand():
    final, probes, wanted = zip(*BY_HAND, strict=True)
    assert d.prediction_depth(np.array(probes), np.array(final)).tolist() == list(wanted)


def depth_by_the_text(probes, final):
    """Section 2.1: the layer from which on every later probe equals the network's final class,
    while the probe of the layer before differs; 0 where all probes agree."""
    if probes[-1] != final:
        return -1
    for layer in range(len(probes)):
        before_differs = layer == 0 or probes[layer - 1] != final
        if before_differs and all(answer == final for answer in probes[layer:]):
            return layer
    raise AssertionError("no depth")


answers = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 12), st.integers(1, 9)), elements=st.integers(0, 2)
)


@given(answers, st.data())
def test_depth_equals_the_loop_from_the_text(probes, data):
    final = data.draw(hnp.arrays(np.int64, len(probes), elements=st.integers(0, 2)))
    found = d.prediction_depth(probes, final)
    assert found.tolist() == [depth_by_the_text(p, f) for p, f in zip(probes, final, strict=True)]


@given(answers)
def test_depth_against_the_last_probe_is_always_defined(probes):
    depth = d.prediction_depth(probes, probes[:, -1])
    assert depth.min() >= 0 and depth.max() < probes.shape[1]
    # a probe put before the input, which says nothing new, moves every depth but 0 by one
    longer = d.prediction_depth(np.hstack([probes[:, :1], probes]), probes[:, -1])
    assert (longer == np.where(depth == 0, 0, depth + 1)).all()


@pytest.mark.parametrize(
    ("probes", "final"),
    [([1, 1], [1, 1]), (np.ones((2, 0)), [1, 1]), ([[1, 1]], [1, 1]), (np.ones((2, 3)), 1)],
)
def test_wrong_shapes_of_depth_are_refused(probes, final):
    with pytest.raises(ValueError, match=r"needs \(example, probe\) and \(example,\)"):
        d.prediction_depth(probes, final)


# --- votes


RNG = np.random.default_rng(0)
BANK, LABELS = RNG.normal(size=(300, 12)).astype(np.float32), RNG.integers(0, 4, 300)
QUERIES = RNG.normal(size=(80, 12)).astype(np.float32)


def votes_by_the_text(bank, labels, queries, k, classes, leave_out=False):
    """k-NN as anyone would write it: all distances, sorted, the first k vote."""
    rows = []
    for i, query in enumerate(queries):
        distances = [
            (float(((query.astype(float) - x) ** 2).sum()), j)
            for j, x in enumerate(bank)
            if not (leave_out and j == i)
        ]
        nearest = [labels[j] for _, j in sorted(distances)[:k]]
        rows.append([nearest.count(c) for c in range(classes)])
    return rows


@pytest.mark.parametrize("backend", ["torch", "faiss"])
@pytest.mark.parametrize("k", [1, 30, 300])
def test_votes_equal_the_loop_and_scikit_learn(backend, k):
    pytest.importorskip(backend)
    votes = d.knn_votes(BANK, LABELS, QUERIES, k, backend=backend)
    assert votes.tolist() == votes_by_the_text(BANK, LABELS, QUERIES, k, 4)
    theirs = KNeighborsClassifier(k, algorithm="brute").fit(BANK, LABELS)
    np.testing.assert_allclose(votes / k, theirs.predict_proba(QUERIES), atol=1e-12)
    predicted = d.knn_predict(BANK, LABELS, QUERIES, k, backend=backend)
    assert predicted.tolist() == theirs.predict(QUERIES).tolist()  # both: of tied the lowest
    assert (votes.sum(1) == k).all()


def test_a_query_left_out_of_its_own_neighbours():
    votes = d.knn_votes(BANK, LABELS, BANK, 5, exclude_self=True)
    assert votes.tolist() == votes_by_the_text(BANK, LABELS, BANK, 5, 4, leave_out=True)
    itself = d.knn_votes(BANK, LABELS, BANK, 1)
    assert (itself.argmax(1) == LABELS).all()


def test_a_class_absent_from_the_bank_gets_no_votes():
    votes = d.knn_votes(BANK, LABELS, QUERIES, 7, n_classes=6)
    assert votes.shape == (80, 6) and (votes[:, 4:] == 0).all()
    twos = d.knn_votes(BANK[LABELS == 2], LABELS[LABELS == 2], QUERIES, 7, n_classes=4)
    assert (twos == [0, 0, 7, 0]).all()


def test_ties_by_hand():
    nearest_first = np.array([[2, 0, 0, 2], [1, 2, 2, 1], [3, 1, 2, 1], [3, 2, 1, 0]])
    assert d.vote(nearest_first, 4, "lowest").tolist() == [0, 1, 1, 0]
    assert d.vote(nearest_first, 4, "highest").tolist() == [2, 2, 1, 3]
    assert d.vote(nearest_first, 4, "nearest").tolist() == [2, 1, 1, 3]
    bank = np.array([[0.0], [1.0], [2.0], [4.0]])
    for tie, wanted in {"lowest": 0, "highest": 2, "nearest": 1}.items():
        assert d.knn_predict(bank, [1, 2, 0, 0], [[0.1]], 3, tie=tie).tolist() == [wanted]


found_labels = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 9), st.integers(1, 8)), elements=st.integers(0, 3)
)


@given(found_labels, st.sampled_from(d.TIES))
def test_vote_equals_the_loop(found, tie):
    for row, chosen in zip(found.tolist(), d.vote(found, 4, tie), strict=True):
        most = max(row.count(c) for c in range(4))
        tied = [c for c in range(4) if row.count(c) == most]
        wanted = {"lowest": min(tied), "highest": max(tied)}
        assert chosen == wanted.get(tie, next(c for c in row if c in tied))


@given(found_labels, st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_the_order_of_neighbours(found, random):
    order = random.sample(range(found.shape[1]), found.shape[1])
    counts = d.count_votes(found, 4)
    assert (counts == d.count_votes(found[:, order], 4)).all()
    assert (counts.sum(1) == found.shape[1]).all()
    assert d.count_votes(found).shape == (len(found), found.max() + 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(train_labels=LABELS[:5]), "300 training examples need 300 whole-number labels"),
        (dict(train_labels=LABELS / 2), "whole-number labels"),
        (dict(train_labels=LABELS - 1), "run from 0 to n_classes - 1"),
        (dict(n_classes=3), "they are 0 to 3 and n_classes is 3"),
        (dict(k=301), "k must be from 1 to 300"),
        (dict(k=300, query_embeddings=BANK, exclude_self=True), "k must be from 1 to 299"),
    ],
)
def test_bad_banks_are_one_sentence(options, words):
    case = dict(train_embeddings=BANK, train_labels=LABELS, query_embeddings=QUERIES) | options
    for call in (d.knn_votes, d.knn_predict):
        with pytest.raises(ValueError, match=words):
            call(**case)


def test_an_unknown_tie_rule_is_refused():
    with pytest.raises(ValueError, match="lowest, highest, nearest, not 'random'"):
        d.knn_predict(BANK, LABELS, QUERIES, tie="random")
