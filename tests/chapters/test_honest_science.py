"""Chapter 19: thresholds, votes and graphs by hand, attacks that are the worst, own checks."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbcore import claims
from nbcore.chapters.honest_science import (
    exercises,
    figures,
    holdout,
    links,
    observe,
    own_checks,
    own_curves,
    own_figures,
    own_lines,
    simple,
    study,
)
from nbcore.chapters.honest_science.config import HonestScience
from nbcore.measures.estimate import Estimate


@pytest.mark.parametrize(
    ("scores", "bits", "said"),
    [
        ([0.2, 0.9], [0.02, 0.9], "At 10 queries .*2% against 20%.; from 100 on as many"),
        ([0.2, 0.9], [0.2, 0.9], "as many studies as the score"),
        ([0.2, 0.9], [0.02, 0.1], "and it still does at 100"),
    ],
)
def test_the_bit_is_compared_with_the_score(scores, bits, said):
    told = observe._bit_and_score(np.array([10, 100]), np.array(scores), np.array(bits), 1000)
    assert re.search(said, told)


def test_a_threshold_by_hand_and_its_promise():
    assert holdout.threshold(1, 1000) == pytest.approx(0.5 + np.sqrt(np.log(20) / 2000))
    assert holdout.allowed(839, 0.1) == pytest.approx(1e6, rel=0.05)
    with pytest.raises(ValueError, match="one query and sample or more, not 0 and 10"):
        holdout.threshold(0, 10)


@given(st.integers(1, 100_000), st.integers(50, 3000))
def test_the_exact_chance_of_a_false_yes_is_within_the_promise(queries, samples):
    bar = holdout.threshold(queries, samples)
    false = stats.binom.sf(np.ceil(bar * samples - 1e-9) - 1, samples, 0.5)
    assert queries * false <= holdout.LEVEL + 1e-12


def test_coins_are_fair_and_votes_by_hand():
    drawn = holdout.coins(300, 400, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {-1, 1} and abs(drawn.mean()) < 0.01
    agree = np.array([[1, 1, -1], [1, -1, -1], [1, 1, 1], [-1, 1, -1]], np.float32)
    found = holdout.votes(agree, np.array([1, 3]))
    # one feature, right on three of four; all three with bits 1, 1, -1 (the last is below chance)
    assert found[holdout.BITS] == pytest.approx([0.75, 1.0])
    assert found[holdout.SCORES][0] == 0.75


def test_the_first_yes_is_asked_for_by_what_was_explored():
    explored, held = np.array([0.5, 0.9, 0.2]), np.array([0.99, 0.1, 0.05])
    queries = np.array([1, 2, 3])
    # asked in the order 1, 2, 0; the second is turned around and passes
    assert holdout.first_yes(explored, held, queries, 1000).tolist() == [-1, 2, 2]
    assert holdout.first_yes(explored, np.full(3, 0.5), queries, 1000).tolist() == [-1] * 3


def test_until_yes_waits_as_long_as_the_exact_chance_says():
    rng = np.random.default_rng(0)
    waited = [holdout.until_yes(100, rng) for _ in range(400)]
    assert np.mean(waited) == pytest.approx(1 / stats.binom.sf(59, 100, 0.5), rel=0.15)


def test_without_noise_everything_is_recovered():
    rng = np.random.default_rng(0)
    signs = np.where(rng.random(80) < 0.5, -1, 1).astype(np.float32)
    assert links.core_first(signs, 1.0, 1.0, rng).wrong == 0
    assert links.one_tree(signs, 1.0, rng) == (0, 79)
    assert links.breadth_first(signs, 1.0, 600, rng) == (0, 600)


def test_answers_are_symmetric_and_as_noisy_as_told():
    rng = np.random.default_rng(1)
    signs = np.where(rng.random(300) < 0.5, -1, 1).astype(np.float32)
    told = links.answers(signs, 20_000, 0.4, rng)
    assert (told == told.T).all() and (np.diag(told) == 0).all()
    assert (told != 0).sum() == 40_000
    assert links.budget(2000, 0.5, 1.0) == int(2000 * np.log(2000) * 16)
    assert links.budget(50, 0.1, 1.0) == 1225
    assert (told * np.outer(signs, signs))[told != 0].mean() == pytest.approx(0.4, abs=0.02)


def test_the_core_asks_what_the_page_says_and_no_more():
    n, delta, c = 2000, 0.5, 4.0
    size, some = links.core_sizes(n, delta, c)
    assert size == np.ceil(c * np.log(n) / delta**3) and some == np.ceil(c * np.log(n) / delta**2)
    asked = size * (size - 1) / 2 + (n - size) * some
    assert asked <= c**2 / 2 * links.stated(n, delta, links.CORE)
    assert links.core_sizes(50, 0.1, 4.0) == (50, 50)


def test_wrong_signs_are_counted_up_to_a_common_one():
    label = np.array([1, 1, -1, -1], np.float32)
    assert links._compared(-label, label, 3) == (0.0, 3)
    assert links._compared(np.ones(4, np.float32), label, 3).wrong == 0.5


@given(st.integers(0, 999))
def test_no_move_is_worse_than_the_opponents(seed):
    """All corners of the cube of moves, one by one, against the two formulas."""
    rng = np.random.default_rng(seed)
    z = simple.draw(6, 4, 0.6, rng)
    w, moves, steep = rng.normal(size=4), 0.5, 1.25
    worst_linear, worst_clipped = (np.full(6, np.inf) for _ in range(2))
    for corner in product((-moves, moves), repeat=4):
        moved = z + np.array(corner)
        worst_linear = np.minimum(worst_linear, moved @ w)
        worst_clipped = np.minimum(worst_clipped, np.clip(steep * moved, -1, 1).sum(1))
    assert simple.linear_accuracy(z, w, moves) == pytest.approx((worst_linear > 0).mean())
    clipped = (worst_clipped > 1e-9).mean() + (abs(worst_clipped) <= 1e-9).mean() / 2
    assert simple.clipped_accuracy(z, steep, moves) == pytest.approx(clipped)


def test_means_are_as_accurate_as_the_binomial_says():
    z = simple.draw(20_000, 9, 0.55, np.random.default_rng(0))
    w = np.full(9, 1 / 9)
    assert simple.linear_accuracy(z, w, 0) == pytest.approx(stats.binom.sf(4, 9, 0.55), abs=0.01)
    robust = exercises.EXERCISES["honest-nine"].truth()
    assert simple.linear_accuracy(z, w, 0.3) == pytest.approx(robust, abs=0.01)
    assert simple.linear_accuracy(z, np.zeros(9), 0.3) == 0.5


def test_learning_against_a_strong_opponent_leaves_nothing():
    z = simple.draw(500, 20, 0.55, np.random.default_rng(0))
    assert np.abs(simple.learn(z, 0.0)).sum() > 0.5
    assert np.abs(simple.learn(z, 0.3)).sum() < 0.02
    fitted = simple.learn(z, 0.02)
    assert np.corrcoef(fitted, z.mean(0))[0, 1] > 0.8


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "OBSERVATIONS"):
            patch.setenv(f"NBCORE_{name}", str(tmp_path_factory.mktemp(name)))
        found = study.load(HonestScience.resolve("smoke", studies=4, seeds=3))
        yield found, observe.record(found, "smoke")


def test_every_check_is_observed_and_nothing_small_is_the_papers(tiny):
    _, seen = tiny
    assert sorted(seen) == ["C37", "C38", "C39"]
    for key, observation in seen.items():
        assert observation.setup == "reduced"
        assert set(observation.observed) == {c.name for c in claims.get(key).checks}


def test_the_published_holdout_run_is_the_papers_setup_and_the_others_are_not():
    book = HonestScience.book()
    assert book.setup("C38", ["holdout"]) == "paper"
    assert book.setup("C37", ["simple"]) == book.setup("C39", ["links"]) == "reduced"


def test_every_figure_has_a_title_and_words(tiny):
    found, _ = tiny
    for draw in ("discoveries", "power", "deceived", "recovery", "trade_off", "rounding"):
        told = getattr(figures, draw)(found).to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60


@pytest.fixture(scope="module")
def own():
    return own_checks.sources()


def test_own_checks_are_those_of_their_chapters(own):
    """What is computed again without a shuffle is what the chapters themselves record."""
    from nbcore.chapters.line import scales
    from nbcore.chapters.line.config import Line
    from nbcore.chapters.more_data_can_hurt import observe as theirs
    from nbcore.chapters.more_data_can_hurt import study as fourteen
    from nbcore.chapters.more_data_can_hurt.config import MoreDataCanHurt

    seen = {key: e for source in own for key, e in source.observed(200).items()}
    assert {c for c, _ in seen} == {"A1", "A2", "A3", "C8", "C32", "C33", "C34"}
    assert all(name in {c.name for c in claims.get(key).checks} for key, name in seen)
    run = fourteen.load(MoreDataCanHurt.resolve("book", resamples=200))
    made = {"C8": theirs.noise, "C32": theirs.tuned, "C33": theirs.exact, "C34": theirs.descents}
    for key, measure in made.items():
        for name, wanted in measure(run).items():
            assert seen[key, name].value == pytest.approx(wanted.value, rel=1e-4, abs=1e-6), name
    (lines,) = (s for s in own if isinstance(s, own_lines.Lines))
    for bed in lines.beds[:2]:
        for scale, draws in scales.r2_by_scale(bed, Line(resamples=20)).items():
            assert seen["A1", f"{bed.name} r2 {scale}"].value == pytest.approx(draws[0])


def test_a_shuffle_keeps_every_value_and_a_half_keeps_whole_units(own):
    rng = np.random.default_rng(0)
    curves = [s for s in own if isinstance(s, own_curves.Curves)]
    for source in curves:
        mixed, (left, right) = source.shuffled(rng), source.halves(rng)
        assert left.units + right.units == source.units == source.without(0).units + 1
        for axis, arrays in source.arrays.items():
            for name, values in arrays.items():
                moved = mixed.arrays[axis][name]
                assert np.sort(moved, -1) == pytest.approx(np.sort(values, -1))
    lines = next(s for s in own if isinstance(s, own_lines.Lines))
    for before, after in zip(lines.beds, lines.shuffled(rng).beds, strict=True):
        assert sorted(after.models["ood"]) == sorted(before.models["ood"])
        assert (after.models["id"] == before.models["id"]).all()


class Planted:
    """A table whose check holds only as it is stored."""

    name, units = "planted", 8

    def __init__(self, value):
        self.value = value

    def shuffled(self, rng):
        return Planted(0.0)

    def halves(self, rng):
        return Planted(0.9), Planted(-0.9)

    def observed(self, resamples):
        near = Estimate(self.value, self.value - 0.01, self.value + 0.01, 8)
        return {("C33", "risk at n = .95 d minus n = .5 d"): near}


def test_outcomes_are_counted_by_how_they_came_about():
    table = own_checks.again([Planted(1.0)], shuffles=4, splits=2, resamples=10)
    (row,) = own_checks.by_check(table).itertuples()
    assert (row.stored, row.shuffled, row.part, row.turned) == ("held", 0.0, 0.5, 0.5)
    assert own_checks.covered(table)[0] == 1 and own_checks.verdicts(table).empty
    assert "Of 1 checks 1 hold as stored, and 0" in " ".join(
        own_figures.shuffled(table).to_dict()["title"]["text"]
    )
    text = repr(own_figures.told(table))
    assert "0 of 1 outcomes are the same in every half; 1 turn" in text
    assert "risk at n" in repr(own_figures.changing_table(table))


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_are_solved(name):
    answers = {"honest-samples": 841, "honest-path": 7 / 16, "honest-nine": 0.3614}
    exercise = exercises.EXERCISES[name]
    assert exercise.truth() == pytest.approx(answers[name], abs=exercise.tolerance(0))
