"""What is said of peaks and of several curves, on curves made by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcore.lines import compare
from nbcore.lines.curves import Curve
from nbcore.measures.estimate import Estimate


def curve(accuracy, er, noise=0.0, covered=True, seeds=1, band=0.01, draws=200, name="one", key=0):
    """A curve that passes these accuracies and heights, in percent; noise in percent, in draws."""
    rng = np.random.default_rng(key)
    x, y = np.asarray(accuracy) / 100, np.asarray(er) / 100
    jitter = np.r_[np.zeros((1, len(x))), rng.normal(0, noise / 100, (draws, len(x)))]
    shift = np.r_[np.zeros((1, len(x))), rng.normal(0, noise / 100, (draws, len(x)))]
    heights = y + shift
    return Curve(
        name,
        np.arange(len(x)),
        x + jitter,
        x + heights,
        heights,
        heights,
        heights,
        np.tile(x, (seeds, 1)),
        np.tile(y, (seeds, 1)),
        np.broadcast_to(covered, x.shape).astype(bool),
        np.full(len(x), band),
    )


#: ID accuracies of a schedule that drops its easy examples, as published in chapter 7
PHASING_OUT = [52.0, 31.4, 52.8, 61.0, 59.5, 54.9, 51.6, 52.8, 52.4, 51.9]


def test_two_curves_are_compared_on_equally_many_checkpoints_of_nearest_accuracy():
    long = curve([10, 20, 30, 40, 50, 60], [1, 9, 2, 3, 4, 5])
    short = curve([11, 33, 58], [0, 0, 1])
    i, j = compare.matched(long, short)
    assert (i.tolist(), j.tolist()) == ([0, 2, 5], [0, 1, 2])
    assert compare.matched(short, long)[0].tolist() == [0, 1, 2]
    # the long curve's 9 stands where the short one has no checkpoint
    assert compare.peak_difference(long, short).value == pytest.approx(0.04)


def test_more_checkpoints_alone_do_not_raise_a_peak():
    """The control: of pure noise the longer curve peaks higher, unless it is thinned."""
    rng, thinned, whole = np.random.default_rng(0), [], []
    for k in range(200):
        long = curve(np.linspace(20, 80, 12), rng.normal(0, 1, 12), key=k, draws=2)
        short = curve(np.linspace(20, 80, 4), rng.normal(0, 1, 4), key=k, draws=2)
        i, j = compare.matched(long, short)
        thinned.append(long.er[0, i].max() - short.er[0, j].max())
        whole.append(long.er[0].max() - short.er[0].max())
    assert np.mean(whole) > 0.004
    assert abs(np.mean(thinned)) < 0.0015


def test_rise_and_fall_of_a_clear_peak_and_of_none():
    clear = curve([20, 40, 60, 80], [0, 3, 6, 1], noise=0.2)
    rise, fall = compare.rise(clear), compare.fall(clear)
    assert (rise.value, fall.value) == pytest.approx((0.06, 0.05))
    assert rise.low > 0.04 and fall.low > 0.03 and rise.over == "images"
    rng = np.random.default_rng(1)
    flat = [curve([20, 40, 60, 80], rng.normal(0, 0.5, 4), 0.5, key=k) for k in range(40)]
    assert sum(compare.rise(c).low > 0 for c in flat) <= 3


def test_never_significant_is_judged_for_all_checkpoints_at_once():
    """On the line, one of ten checkpoints leaves its own interval often, the widened one seldom."""
    rng, own, jointly = np.random.default_rng(2), 0, 0
    for k in range(150):
        c = curve(np.linspace(20, 80, 10), rng.normal(0, 0.5, 10), 0.5, band=0.0098, key=k)
        own += bool(c.excess()[0].max() > 0)
        jointly += bool(compare.ever_significant([c]).value > 0)
    assert own / 150 > 0.15
    assert jointly / 150 < 0.06
    robust = curve([20, 40, 60], [0, 5, 0], 0.5, band=0.0098)
    assert compare.ever_significant([robust]).value > 0.02


def test_seeds_do_not_widen_what_counts_as_significant():
    c = curve([20, 40, 60], [0, 5, 0], 0.5, band=0.0098, seeds=2)
    c.er = c.er.copy()
    c.er[1:] *= 20  # other seeds may differ much
    assert compare.ever_significant([c]).value > 0.02
    assert compare.ever_significant([c]).low < 0


def test_a_curve_is_interpolated_over_accuracy_only_where_it_rises():
    schedule = curve(PHASING_OUT, np.zeros(10), noise=0.8)
    stretch = compare.rising(schedule)
    assert PHASING_OUT[1] in schedule.id[0, stretch] * 100 and stretch[0] == 1
    assert stretch[-1] <= 4  # from 61.0 it falls to 54.9, beyond noise
    rise = curve([20, 40, 39.5, 60], np.zeros(4), noise=0.8)
    assert compare.rising(rise).tolist() == [0, 1, 2, 3]  # half a point is noise
    low = curve([20, 40], [0, 0], covered=False)
    assert compare.rising(low).tolist() == []


def test_a_schedule_is_compared_at_its_own_checkpoints_after_the_fall_too():
    everything = curve([20, 40, 60, 80], [0, 0, 0, 0], noise=0.1, name="all")
    schedule = curve([30, 70, 50], [0, 0, 4], noise=0.1)
    found = compare.at_equal_accuracy(schedule, everything)
    assert found.at.tolist() == [0, 1, 2]
    assert found.draws[0] == pytest.approx([0, 0, 0.04])
    seen = compare.largest_beyond([found], schedule, everything)
    assert seen.value == pytest.approx(0.03) and seen.low > 0.02


def test_curves_that_cannot_be_compared_say_why():
    a, b = curve([20, 30], [0, 0]), curve([50, 60], [0, 0], name="other")
    assert "never as accurate as other" in compare.at_equal_accuracy(a, b).reason
    falling = curve([60, 50, 40], [0, 0, 0], name="falling")
    nothing = compare.at_equal_accuracy(a, falling)
    assert "falling rises along no two" in nothing.reason and not len(nothing.at)


def test_by_hand_smallest_largest_and_absolute():
    low, high = Estimate(-2, -3, 1, 5, "1", "images"), Estimate(1, 0, 4, 3, "1", "images and seeds")
    assert compare.least([low, high]) == Estimate(-2, -3, 1, 3, "1", "images")
    assert compare.largest([low, high]) == Estimate(1, 0, 4, 3, "1", "images")
    assert compare.absolute(low) == Estimate(2, 0, 3, 5, "1", "images")
    assert compare.absolute(Estimate(-2, -3, -1, 5)) == Estimate(2, 1, 3, 5)
    assert compare.jointly(5) == pytest.approx(0.99)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_a_rising_stretch_is_a_run_of_covered_checkpoints(accuracy):
    stretch = compare.rising(curve(accuracy, np.zeros(len(accuracy)), draws=4))
    assert len(stretch) >= 1
    assert (np.diff(stretch) == 1).all()
    assert (np.diff(np.asarray(accuracy)[stretch]) >= -1e-9).all()


def test_what_a_comparison_covers():
    many, one = curve([20, 30], [0, 0], seeds=3), curve([20, 30], [0, 0], seeds=1)
    assert compare.over(many, many) == "images and seeds"
    assert compare.over(many, one) == "images"
    assert compare.number(many.er[:, 0], many, one).n == 1
