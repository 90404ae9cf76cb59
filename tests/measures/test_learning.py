import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nbcore.measures.learning import iteration_learned, scaled_steps

#: predictions at four checkpoints, the network's final answer, and when it was learned
BY_HAND = [
    ([1, 1, 1, 1], 1, 0),  # right from the initialisation
    ([0, 1, 1, 1], 1, 1),
    ([1, 0, 1, 1], 1, 2),  # forgotten in between
    ([0, 2, 0, 1], 1, 3),
    ([1, 1, 1, 0], 1, -1),  # the last checkpoint differs from the final network
]


def test_iteration_learned_by_hand():
    history, final, wanted = zip(*BY_HAND, strict=True)
    assert iteration_learned(np.array(history), np.array(final)).tolist() == list(wanted)


def learned_by_the_text(history, final):
    """Section 3.2: learned at t if the prediction at t - 1 differs from the converged network's
    and all from t on equal it; at 0 if it is the same at initialisation and ever after."""
    if all(answer == final for answer in history):
        return 0
    for t in range(1, len(history)):
        if history[t - 1] != final and all(answer == final for answer in history[t:]):
            return t
    return -1


histories = hnp.arrays(
    np.int16, st.tuples(st.integers(1, 12), st.integers(1, 9)), elements=st.integers(0, 2)
)


@given(histories, st.data())
def test_iteration_learned_equals_the_loop_from_the_text(history, data):
    final = data.draw(hnp.arrays(np.int16, len(history), elements=st.integers(0, 2)))
    wanted = [learned_by_the_text(h, f) for h, f in zip(history, final, strict=True)]
    assert iteration_learned(history, final).tolist() == wanted


@given(histories)
def test_repeated_checkpoints_only_rename_the_iterations(history):
    learned = iteration_learned(history, history[:, -1])
    twice = iteration_learned(np.repeat(history, 2, axis=1), history[:, -1])
    assert (twice == 2 * learned).all()


def test_scaled_steps_by_hand():
    steps = [0, 10, 40, 100]
    # 21 examples: 0 to 19 learned by checkpoint 2, one later; the 95th percentile is the 20th value
    learned = [0] * 5 + [1] * 10 + [2] * 5 + [3]
    scaled = scaled_steps(learned, steps)
    assert sorted(set(scaled)) == pytest.approx([0, 0.25, 1, 2.5])
    assert scaled_steps([0, 3, -1], steps, percentile=100) == pytest.approx(
        [0, 1, math.nan], nan_ok=True
    )


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=60))
def test_scaled_steps_equal_the_loop(learned):
    steps = np.array([0, 3, 9, 27, 81])
    scaled = scaled_steps(learned, steps)
    known = sorted(float(steps[i]) for i in learned if i >= 0)
    place = 0.95 * (len(known) - 1)
    if known:
        low, high = known[math.floor(place)], known[math.ceil(place)]
        scale = low + (place - math.floor(place)) * (high - low)
    for index, value in zip(learned, scaled, strict=True):
        if index < 0:
            assert math.isnan(value)
        elif scale > 0:
            assert value == pytest.approx(steps[index] / scale)
        else:  # 95 in 100 were known from the start: there is no unit of time
            assert value == 0
    if known and scale > 0:
        assert np.nanpercentile(scaled, 95) == pytest.approx(1)


def test_nothing_learned_stays_undefined():
    assert np.isnan(scaled_steps([-1, -1], [0, 5])).all()


@pytest.mark.parametrize(
    ("history", "final"), [([1, 1], [1, 1]), (np.ones((2, 0)), [1, 1]), ([[1, 1]], [1, 1])]
)
def test_wrong_shapes_of_histories_are_refused(history, final):
    with pytest.raises(ValueError, match=r"needs \(example, checkpoint\) and \(example,\)"):
        iteration_learned(history, final)


@pytest.mark.parametrize(
    ("learned", "steps"), [([0, 3], [0, 1, 2]), ([-2], [0, 1]), ([], [0, 1]), ([[0]], [0, 1])]
)
def test_indices_outside_the_checkpoints_are_refused(learned, steps):
    with pytest.raises(ValueError, match=r"learned must index the \d checkpoints"):
        scaled_steps(np.array(learned, int), steps)
