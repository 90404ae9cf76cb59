"""Class maps on scores: by hand, against the plain loop, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore.measures import zeroshot as z


def test_by_hand_max_mean_and_sum_disagree():
    # bird has four sources, deer one, cat two; the seventh class has no target
    classes = {"bird": [0, 1, 2, 3], "deer": [4], "cat": [5, 6]}
    p = [[0.11, 0.11, 0.11, 0.11, 0.20, 0.26, 0.00, 0.10]]
    assert z.class_scores(p, classes, "max") == pytest.approx(np.array([[0.11, 0.20, 0.26]]))
    assert z.class_scores(p, classes, "mean") == pytest.approx(np.array([[0.11, 0.20, 0.13]]))
    assert z.class_scores(p, classes, "sum") == pytest.approx(np.array([[0.44, 0.20, 0.26]]))
    said = {how: list(classes)[z.class_scores(p, classes, how).argmax()] for how in z.HOW}
    assert said == {"max": "cat", "mean": "deer", "sum": "bird"}


@st.composite
def problems(draw):
    n_sources = draw(st.integers(1, 12))
    owners = draw(st.lists(st.integers(-1, 3), min_size=n_sources, max_size=n_sources))
    order = draw(st.permutations(range(n_sources)))
    classes = {f"t{t}": [i for i in order if owners[i] == t] for t in set(owners) - {-1}}
    seed, rows = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 6))
    p = np.random.default_rng(seed).dirichlet(np.ones(n_sources), rows)
    return p, classes


@given(problems())
def test_equal_to_the_loop_over_targets(problem):
    p, classes = problem
    if not classes:
        with pytest.raises(ValueError, match="no targets"):
            z.class_scores(p, classes)
        return
    for how, plain in (("max", np.max), ("mean", np.mean), ("sum", np.sum)):
        wanted = np.stack([plain(p[:, sources], axis=1) for sources in classes.values()], axis=1)
        assert z.class_scores(p, classes, how) == pytest.approx(wanted)


@given(problems())
def test_the_order_of_sources_and_the_scale_of_logits_do_not_matter(problem):
    p, classes = problem
    if not classes:
        return
    turned = {target: sources[::-1] for target, sources in classes.items()}
    total = 0.0
    for how in z.HOW:
        assert z.class_scores(p, turned, how) == pytest.approx(z.class_scores(p, classes, how))
        assert z.combine(3 * p, classes, how) == pytest.approx(3 * z.combine(p, classes, how))
    total = z.class_scores(p, classes, "sum").sum(1)
    assert (total <= 1 + 1e-9).all()
    single = {target: sources[:1] for target, sources in classes.items()}
    first = z.class_scores(p, single, "max")
    assert (first == z.class_scores(p, single, "sum")).all()
    assert (first <= z.class_scores(p, classes, "max")).all()


@given(problems(), st.integers(0, 1000))
def test_a_shuffled_map_keeps_the_sizes_and_uses_no_source_twice(problem, seed):
    p, classes = problem
    if not classes:
        return
    wrong = z.shuffled_map(classes, p.shape[1], seed)
    assert {k: len(v) for k, v in wrong.items()} == {k: len(v) for k, v in classes.items()}
    drawn = [i for v in wrong.values() for i in v]
    assert len(set(drawn)) == len(drawn) and set(drawn) <= set(range(p.shape[1]))


def test_shuffled_maps_are_right_by_chance_alone():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 60)
    p = 0.001 + np.eye(20)[labels * 4 + rng.integers(0, 4, 300)]
    p /= p.sum(1, keepdims=True)
    classes = {str(k): range(4 * k, 4 * k + 4) for k in range(5)}
    assert (z.class_scores(p, classes).argmax(1) == labels).all()
    seen = [
        (z.class_scores(p, z.shuffled_map(classes, 20, s)).argmax(1) == labels).mean()
        for s in range(300)
    ]
    assert np.mean(seen) == pytest.approx(0.2, abs=3 * np.std(seen) / 300**0.5 + 0.01)


def test_logits_and_probabilities_can_choose_differently():
    logits = np.array([[3.0, -9.0, 2.5, 2.4]])
    p = np.exp(logits) / np.exp(logits).sum()
    classes = {"a": [0, 1], "b": [2, 3]}
    assert z.class_scores(p, classes, "mean").argmax() == 1  # .5 e^2.5 + .5 e^2.4 > .5 e^3
    assert z.combine(logits, {"a": [0], "b": [2, 3]}, "sum").argmax() == 1
    assert z.combine(logits, classes, "max").argmax() == z.class_scores(p, classes, "max").argmax()


@pytest.mark.parametrize(
    ("p", "classes", "how", "words"),
    [
        ([[0.5, 0.4]], {"a": [0]}, "max", "row 0 sums to 0.9"),
        ([[0.5, 0.5], [2.0, 1.0]], {"a": [0]}, "max", "row 1 sums to 3"),
        ([[1.5, -0.5]], {"a": [0]}, "max", "not negative"),
        ([[np.nan, 1.0]], {"a": [0]}, "max", "finite"),
        ([[0.5, 0.5]], {"a": [0], "b": [2]}, "max", "target b has the source 2, .* 0 to 1"),
        ([[0.5, 0.5]], {"a": [-1]}, "max", "source -1"),
        ([[0.5, 0.5]], {"a": [0], "b": []}, "max", "target b has no source class"),
        ([[0.5, 0.5]], {"a": [0], "b": [1, 0]}, "sum", "source 0 is used twice, for a and b"),
        ([[0.5, 0.5]], {}, "max", "no targets"),
        ([[0.5, 0.5]], {"a": [0]}, "median", "max, mean, sum"),
        ([0.5, 0.5], {"a": [0]}, "max", "shape"),
    ],
)
def test_bad_input_is_one_sentence(p, classes, how, words):
    with pytest.raises(ValueError, match=words) as error:
        z.class_scores(p, classes, how)
    assert "\n" not in str(error.value)


def test_rows_may_miss_one_by_rounding_and_columns_follow_the_map():
    p = np.array([[0.25, 0.75 + 9e-5]])
    assert z.class_scores(p, {"b": [1], "a": [0]}).tolist() == [[0.75 + 9e-5, 0.25]]
    assert z.class_scores(np.empty((0, 3)), {"a": [0, 1]}).shape == (0, 1)
