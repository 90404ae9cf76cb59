"""Hours on many machines: the schedule, and the page's table."""

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore.publish.pages import many_machines


def by_the_second(seconds, slots):
    """Step through time with whole seconds, by hand."""
    waiting, running = list(seconds), []
    for now in count():
        running = [end for end in running if end > now]
        while waiting and len(running) < slots:
            running.append(now + waiting.pop(0))
        if not waiting and not running:
            return now


def test_by_hand():
    assert many_machines.simulate([3, 1, 1, 1], 2) == 3
    assert many_machines.simulate([1, 1, 1, 3], 2) == 4  # the long one comes last
    assert many_machines.simulate([], 4) == 0
    with pytest.raises(ValueError, match="slots must be 1"):
        many_machines.simulate([1], 0)


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 5))
def test_the_schedule_is_that_of_a_clock(seconds, slots):
    ends = many_machines.simulate(seconds, slots)
    assert ends == by_the_second(seconds, slots)
    assert ends >= sum(seconds) / slots


def test_times_in_words():
    assert [many_machines.in_words(s) for s in (3600, 13_320, 1_980, 33)] == [
        "1 h",
        "3.7 h",
        "33 min",
        "0.55 min",
    ]


def test_the_table_comes_from_stored_members():
    rows = many_machines.table().splitlines()
    assert len(rows) == 2 + len(many_machines.RUNS)
    for row, how in zip(rows[2:], many_machines.RUNS.values(), strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        minutes = [float(t.split()[0]) * (60 if t.endswith("h") else 1) for t in cells[3:6]]
        assert cells[0] == how.what and (np.diff(minutes) < 0).all()
        assert minutes[0] == pytest.approx(60 * float(cells[6]), rel=0.1)
    assert many_machines.fill(f"a\n{many_machines.PLACE}\nb").count("|---") == 7
