from collections import Counter

import pytest

from nbcore import exercises
from nbcore.errors import ParameterError


@pytest.mark.parametrize("name", exercises.all_exercises())
def test_the_truth_is_right_and_what_is_far_off_gets_a_hint(name, monkeypatch):
    monkeypatch.setattr(exercises, "_misses", Counter())
    exercise = exercises.all_exercises()[name]
    truth = exercise.truth()
    assert exercises.check(name, truth).right
    off = 3 * exercise.tolerance(truth)
    high, low = exercises.check(name, truth + off), exercises.check(name, truth - off)
    assert not high.right
    assert not low.right
    assert "too high" in high
    assert "too low" in low
    assert exercise.first in high
    assert exercise.hint in low


def test_answers_that_are_no_numbers_and_unknown_exercises_are_refused():
    with pytest.raises(ParameterError, match="one number"):
        exercises.check("line-mix", "half")
    with pytest.raises(ParameterError, match="did you mean 'line-mix'"):
        exercises.check("line-mx", 0.5)


def test_the_expected_accuracy_by_hand():
    # slope .94737 and intercept -.52198 of the 67 public models; logit(.8) = log 4
    assert exercises.all_exercises()["line-expect"].truth() == pytest.approx(0.6881, abs=2e-4)
