"""What benchmarks write down: ratios, fitted growth, JSON and back, and what got slower."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore.bench import clock, kept, words
from nbcore.bench.kept import Record
from nbcore.bench.record import Comparison, Found, Growth, Quantity, Spread
from nbcore.errors import ParameterError, StoreError

SIDE = Comparison(
    "work",
    "ours",
    "peer",
    (1.0, 2.0, 1.0),
    (2.0, 3.0, 4.0),
    same="sums",
    difference=0.0,
    within=0.1,
)
SPEED = Quantity("speed", 100.0, "images/s", better="more")
MEMORY = Quantity("memory", 2.0, "GB", limit=4.0, better="less")
GROWS = Growth("work", "images", (1, 2), ((1.0, 2.0),), Spread(1.0, 0.9, 1.1), 1.0)
FOUND = Found((SIDE,), (SPEED, MEMORY), (GROWS,))


def record(found=FOUND, settings=None, quick=False, **changed):
    conditions = {"hardware": "a machine", "threads": 1, "load_before": [0.5], "versions": {}}
    conditions |= {"date": "2026-01-02T03:04+00:00"} | changed
    return Record("toy", "a toy", quick, conditions, settings or {"n": 3, "d": (1, 2)}, 4.0, found)


def test_a_ratio_is_the_median_of_rounds_with_their_range():
    assert SIDE.ratio == (2.0, 1.5, 4.0)  # by hand: 2/1, 3/2, 4/1


def test_results_agree_within_what_is_allowed():
    assert SIDE.agree is True
    assert dataclasses.replace(SIDE, difference=0.2).agree is False
    assert dataclasses.replace(SIDE, difference=None).agree is None
    assert "MORE than allowed" in words.results(dataclasses.replace(SIDE, difference=0.2))


@given(st.floats(-1, 4), st.floats(1e-4, 10), st.integers(2, 5))
def test_the_power_of_a_power_law_is_found(exponent, first, rounds):
    sizes = [10, 20, 50, 100]
    seconds = np.tile(first * np.array(sizes, float) ** exponent, (rounds, 1))
    if seconds.min() < 1e-8:
        return
    found = clock.power(sizes, seconds)
    assert found.value == pytest.approx(exponent, abs=1e-3)
    assert found.low <= found.value <= found.high


def test_the_interval_of_a_power_is_that_of_a_regression_by_hand():
    """Three points, one round: slope, residual variance over n - 2, Student's t of one degree."""
    x, y = np.log([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 1.5])
    slope, cut = np.polyfit(x, y, 1)
    rest = y - slope * x - cut
    error = np.sqrt((rest**2).sum() / 1 / ((x - x.mean()) ** 2).sum())
    found = clock.power([1, 2, 4], np.exp(y)[None])
    assert found.value == pytest.approx(slope, abs=1e-4)
    assert found.high - found.low == pytest.approx(2 * 12.7062 * error, abs=1e-3)
    with pytest.raises(ValueError, match="3 measurements"):
        clock.power([1, 2], np.ones((1, 2)))


def test_sides_take_turns_and_each_begins_once():
    called = []
    sides = {name: (lambda name=name: called.append(name) or name.upper()) for name in "abc"}
    done = clock.alternate(sides, 3)
    assert called == list("abcbcacab")
    assert [side.result for side in done.values()] == ["A", "B", "C"]
    assert all(len(side.rounds) == 3 for side in done.values())
    with pytest.raises(ParameterError, match="one round or more"):
        clock.alternate(sides, 0)


def test_memory_that_is_taken_is_seen():
    with clock.watched() as memory:
        taken = np.ones(40_000_000 // 8)
        memory.look()
    assert memory.growth > 30
    del taken


def test_a_number_of_threads_is_set_and_taken_back():
    import torch
    from threadpoolctl import threadpool_info

    before = torch.get_num_threads()
    with clock.threads(2):
        assert torch.get_num_threads() == 2
        assert {pool["num_threads"] for pool in threadpool_info()} == {2}
    assert torch.get_num_threads() == before


def test_a_record_is_the_same_after_json(tmp_path):
    file = tmp_path / "toy.json"
    file.write_text(json.dumps(record().as_dict()))
    again = kept.read(file)
    assert again.found == FOUND
    assert json.loads(json.dumps(again.as_dict())) == json.loads(file.read_text())
    assert json.loads(file.read_text())["comparisons"][0]["ratio"]["value"] == 2.0


@pytest.mark.parametrize("text", ["", "[]", '{"benchmark": "toy"}'])
def test_a_file_that_holds_no_figures_is_a_sentence(tmp_path, text):
    file = tmp_path / "toy.json"
    file.write_text(text)
    with pytest.raises(StoreError, match="holds no figures of a benchmark"):
        kept.read(file)


@pytest.fixture
def figures(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_ROOT", str(tmp_path))
    monkeypatch.setenv("NBCORE_BUILD", str(tmp_path / "build"))
    return tmp_path / "benchmarks" / "figures"


def test_what_is_slower_by_a_quarter_is_said(figures):
    assert kept.against_kept(record()) == ["toy: no figures are kept to compare with."]
    assert kept.write(record(), keep=True) == figures / "toy.json"
    assert kept.against_kept(record()) == [
        "toy: nothing is slower by a quarter than on 2026-01-02."
    ]
    slow = Found(
        (dataclasses.replace(SIDE, seconds=(1.3, 2.6, 1.3)),),
        (dataclasses.replace(SPEED, value=70.0), dataclasses.replace(MEMORY, value=2.6)),
        (dataclasses.replace(GROWS, seconds=((1.0, 2.6),)),),
    )
    found = kept.against_kept(record(slow))
    assert [line.partition(":")[2].split(" by ")[0] for line in found] == [
        " work, ours is slower",
        " speed is worse",
        " memory is worse",
        " work of 2 images is slower",
        " the load before was 0.5, 0.5 when kept.",
    ]
    assert "by 30%" in found[0] and "ratio 1.54, kept 2.00" in found[0]
    fast = Found((dataclasses.replace(SIDE, seconds=(0.5, 1.0, 0.5)),), (MEMORY,), ())
    assert len(kept.against_kept(record(fast))) == 1


def test_a_busy_machine_that_slows_both_is_not_blamed_on_ours(figures):
    kept.write(record(), keep=True)
    both = dataclasses.replace(SIDE, seconds=(4.0, 8.0, 4.0), peer_seconds=(8.0, 12.0, 16.0))
    assert "nothing is slower" in kept.against_kept(record(Found((both,))))[0]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"hardware": "another"}, "the hardware is another, not a machine"),
        ({"threads": 2}, "the threads are 2, not 1"),
        ({"settings": {"n": 4, "d": (1, 2)}}, "other settings (n)"),
    ],
)
def test_other_hardware_threads_or_settings_are_not_compared(figures, other, sentence):
    kept.write(record(), keep=True)
    slow = Found((dataclasses.replace(SIDE, seconds=(9.0, 9.0, 9.0)),))
    said = kept.against_kept(record(slow, **other))
    assert said == [f"toy: not compared with the kept figures: {sentence}."]


def test_quick_figures_are_kept_apart(figures):
    kept.write(record(quick=True), keep=True)
    assert kept.kept_figures()["toy"].quick
    kept.write(record(), keep=True)
    assert not kept.kept_figures()["toy"].quick
    assert sorted(f.name for f in figures.iterdir()) == ["toy-quick.json", "toy.json"]
