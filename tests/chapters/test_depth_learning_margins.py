"""Chapter 5 on small tables whose answers are known, and its statistics against plain loops."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from nbcore import claims
from nbcore.chapters.depth_learning_margins import controls
from nbcore.chapters.depth_learning_margins import observe as page
from nbcore.chapters.depth_learning_margins.config import LearningMargins
from nbcore.chapters.depth_learning_margins.study import LearningView
from nbcore.measures import correlation as statistics
from nbcore.measures.bootstrap import draw_weights, estimate

LAST, STEPS = 14, np.array([0, 10, 20, 40, 80, 160])


def ensemble(link=1.0, n=400, tests=200, members=10, full=4, seed=0):
    """Tables in which the step learned and the log margins follow the depth with weight `link`."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 4
    difficulty = rng.random(n)
    size, names = members + full, [f"full-{i:03}" for i in range(full)]
    names += [f"split-{i:03}" for i in range(members)]
    held = np.zeros((size, n), bool)
    for i in range(members):
        held[full + i, i % 5 :: 5] = True

    def noisy(x, scale=0.15):
        return np.clip(x + scale * rng.normal(size=(size, len(x))), 0, 1)

    pace = link * difficulty + (1 - link) * rng.random(n)
    test = rng.random(tests)
    depth, learned = (np.rint(noisy(difficulty) * LAST), np.rint(noisy(pace) * 5))
    depth[0, 0], learned[-1, 5] = -1, -1  # undefined
    final = np.where(noisy(difficulty) > 0.8, (label + 1) % 4, label)
    tested = np.rint(noisy(test) * LAST)
    members_table = xr.Dataset(
        {
            "held_out": (("member", "example"), held),
            "final": (("member", "example"), final.astype(np.int16)),
            "final_test": (("member", "test_example"), np.zeros((size, tests), np.int16)),
            "depth": (("member", "example"), depth.astype(np.int8)),
            "depth_test": (("member", "test_example"), tested.astype(np.int8)),
            "learned": (("member", "example"), learned.astype(np.int8)),
            "step": ("checkpoint", STEPS),
            "half": ("member", np.array([-1] * full + [i // 5 % 2 for i in range(members)])),
            "accuracy_train": (("member", "checkpoint"), np.ones((size, 6))),
            "accuracy_val": (("member", "checkpoint"), np.full((size, 6), 0.8)),
        },
        {"member": names, "probe": [f"p{i}" for i in range(LAST + 1)]},
    )

    def margin(x):
        return np.exp(2 - 3 * (link * x + (1 - link) * rng.random(len(x))))

    examples = xr.Dataset(
        {
            "label": ("example", label),
            "label_test": ("test_example", np.zeros(tests, int)),
            "output_margin_train": ("example", margin(difficulty)),
            "output_margin_test": ("test_example", margin(test)),
            "input_margin_train": ("margin_example", margin(difficulty[:100])),
            "input_margin_test": ("margin_test_example", margin(test[:100])),
        }
    )
    return {"members": members_table, "examples": examples}


def study(link=1.0, key="cifar10:vgg16", **sizes):
    tables = ensemble(link, **sizes)
    return LearningView(key, tables["members"], tables["examples"], resamples=60)


@pytest.fixture(scope="module")
def linked():
    return study(1.0)


@pytest.mark.parametrize("ranks", [True, False])
@pytest.mark.parametrize("strata", [False, True])
def test_a_weighted_correlation_is_that_of_the_repeated_sample(ranks, strata):
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 6, 80).astype(float), rng.normal(size=80)
    y += 0.3 * x
    y[3] = np.nan
    group = rng.integers(0, 3, 80)
    weights = draw_weights(80, 4)
    found = statistics.correlation(x, y, weights, ranks=ranks, within=group if strata else None)
    for w, value in zip(weights, found, strict=True):
        again = np.repeat(np.arange(80), w.astype(int))
        again = again[again != 3]
        u, v, g = x[again], y[again], group[again]
        if ranks:
            u, v = stats.rankdata(u), stats.rankdata(v)
        if strata:
            u, v = (z - np.array([z[g == k].mean() for k in g]) for z in (u, v))
        assert value == pytest.approx(stats.pearsonr(u, v).statistic, abs=1e-6)


def test_weighted_profiles_and_variances_are_those_of_the_repeated_sample():
    rng = np.random.default_rng(2)
    bins, x = rng.integers(0, 3, 120), rng.normal(size=120)
    bins[:5] = 3  # too few
    weights = draw_weights(120, 3)
    spread = statistics.spread(x, bins, 5, weights)
    counts = np.eye(5)[bins]
    means = statistics.profile(counts * x[:, None], counts, weights)
    assert np.isnan(spread[:, 3:]).all() and np.isnan(means[:, 3:]).all()
    for row, w in enumerate(weights):
        again = np.repeat(np.arange(120), w.astype(int))
        for b in range(3):
            some = x[again][bins[again] == b]
            assert spread[row, b] == pytest.approx(some.var(ddof=1), rel=1e-4)
            assert means[row, b] == pytest.approx(some.mean(), abs=1e-5)


def test_order_over_depths_skips_empty_ones():
    curves = np.array([[1.0, np.nan, 2, 3], [3, np.nan, 2, 1]])
    assert statistics.over_depths(curves) == pytest.approx([1, -1])
    assert np.isnan(statistics.over_depths(curves[:, :3])).all()


def test_means_by_role_against_a_loop(linked):
    depth, learned = (linked.members[v].values for v in ("depth", "learned"))
    held = linked.members["held_out"].values
    found = linked.means("val")
    for e in (0, 5, 17):
        rows = [m for m in range(4, 14) if held[m, e] and depth[m, e] >= 0 and learned[m, e] >= 0]
        assert found.depth[e] == pytest.approx(np.mean(depth[rows, e]))
        scale = [
            np.percentile(STEPS[learned[m][learned[m] >= 0]], 95) for m in rows
        ]  # per network, over its whole pool
        wanted = np.mean([STEPS[learned[m, e]] / s for m, s in zip(rows, scale, strict=True)])
        assert found.learned[e] == pytest.approx(wanted)
    assert not (linked.seen("val") & linked.seen("train")).any()
    assert not linked.seen("train")[:4].any()  # the full members are no part of the splits


def test_steps_may_stand_once_or_once_per_member(linked):
    members = linked.members
    repeated = members.assign(step=members["step"].expand_dims(member=members["member"]))
    again = dataclasses.replace(linked, members=repeated)
    assert np.array_equal(again.steps, linked.steps, equal_nan=True)


def test_the_profile_counts_predictions(linked):
    means, share = linked.by_depth("val")
    mask = linked.seen("val") & linked.settled
    at = mask & (linked.members["depth"].values == 7)
    assert share[7] == pytest.approx(at.sum() / mask.sum())
    assert means[0, 7] == pytest.approx(linked.steps[at].mean())
    zero = linked.seen("val") & (linked.members["depth"].values == 0)
    assert linked.at_input("val")[0] == pytest.approx(zero.sum() / linked.seen("val").sum())


def runs_of(found):
    summary = dict(origin="computed", hardware="x", date="2026-01-01")
    return {
        k: SimpleNamespace(table=lambda name, s=s: getattr(s, name), summary=lambda: summary)
        for k, s in found.items()
    }


def recorded(found, monkeypatch, tmp_path):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))
    return page.record(found, runs_of(found), None, LearningMargins.book(), "book")


def test_a_planted_relation_is_found(linked, monkeypatch, tmp_path):
    found = {
        "fashion-mnist:mlp": study(1.0, "fashion-mnist:mlp", full=0, seed=3),
        linked.key: linked,
    }
    seen = recorded(found, monkeypatch, tmp_path)
    assert set(seen) == {"B14", "B15", "B16", "B17", "B18", "B19", "B20"}
    wanted = dict(
        B14="reproduced in a reduced setup",
        B15="reproduced in a reduced setup",
        B16="not reproduced",
        B20="reproduced in a reduced setup",
    )
    assert {k: seen[k].verdict for k in wanted} == wanted
    assert all(o.setup == "reduced" for o in seen.values())
    assert seen["B17"].verdict == claims.REDUCED  # by the weaker bounds: the others are not asked
    assert seen["B17"].observed["output margin correlation (reduced setup)"].value < -0.8
    assert seen["B17"].observed["output margin correlation (reduced setup)"].n == 4
    deepest = seen["B18"].observed["largest mean depth"]
    assert deepest.value == linked.members["depth_test"].values[:4].mean(0).max()


def test_without_a_relation_nothing_is_claimed(monkeypatch, tmp_path):
    found = {"cifar10:vgg16": study(0.0)}
    seen = recorded(found, monkeypatch, tmp_path)
    assert {seen[k].verdict for k in ("B15", "B20")} == {claims.UNDECIDED}
    assert seen["B17"].verdict in (claims.UNDECIDED, claims.NOT)
    low = min(e.low for e in seen["B15"].observed.values())
    assert low < 0 < max(e.high for e in seen["B15"].observed.values())


def test_controls(linked):
    for role in ("train", "val"):
        seen = controls.learning(linked, role)
        plain, mixed = (estimate(seen[k], 1, "1") for k in ("as defined", "depths shuffled"))
        assert plain.low > 0.5 and mixed.low < 0 < mixed.high
        # other networks' depths tell as much: it is the example, not the network
        assert seen["depth and step from different networks"][0] > 0.5
        assert seen["within a class"][0] == pytest.approx(plain.value, abs=0.05)
    seen = controls.margins(linked, "input")
    assert seen["as defined"][0] < -0.8 and abs(seen["depths shuffled"][0]) < 0.3
    table = controls.bars_table({"a": seen, "b": seen})
    assert list(table["group"][:2]) == ["a", "b"] and (table["low"] <= table["high"]).all()


def test_coarser_checkpoints_move_steps_up(linked):
    moved = controls.coarser_steps(linked)
    learned = linked.members["learned"].values
    assert (np.isnan(moved) == (learned < 0)).all()
    at = learned[0]
    kept = STEPS[np.where(at > 0, at + (5 - at) % 2, at)]
    assert moved[0] == pytest.approx(kept / np.percentile(kept, 95))


def test_a_control_explained_by_the_class_vanishes_within_it():
    rng = np.random.default_rng(5)
    label = np.repeat([0, 1], 200)
    x, y = label + 0.1 * rng.random(400), label + 0.1 * rng.random(400)
    w = draw_weights(400, 20)
    assert statistics.correlation(x, y, w)[0] > 0.7
    assert abs(statistics.correlation(x, y, w, within=label)[0]) < 0.2


def test_margins_that_are_missing_or_infinite():
    s = study(1.0)
    gone = dataclasses.replace(s, examples=s.examples.drop_vars("input_margin_test"))
    assert gone.margin("input", "test") is None and gone.depth_and_margin("input", "test") is None
    assert controls.margins(gone, "input") == {}
    values = s.examples["output_margin_test"].copy()
    values[:3] = np.inf
    odd = dataclasses.replace(s, examples=s.examples.assign(output_margin_test=values))
    found = odd.margin("output", "test")
    assert np.isnan(found.log[:3]).all() and odd.depth_and_margin("output", "test")[0] < -0.8


def test_an_ensemble_that_learned_nothing_gives_no_numbers(monkeypatch, tmp_path):
    """All depths undefined: nothing is recorded, nothing raises."""
    s = study(1.0)
    empty = s.members.assign(
        depth=s.members["depth"] * 0 - 1, depth_test=s.members["depth_test"] * 0 - 1
    )
    seen = recorded({s.key: dataclasses.replace(s, members=empty)}, monkeypatch, tmp_path)
    assert seen == {}


def test_tables(linked):
    found = {linked.key: linked}
    table = page.ensembles_table(found)
    assert table["networks on splits"][0] == 10 and table["held out"][0] == pytest.approx(0.8)
    assert page.checkpoints_table(linked).iloc[:, 1].sum() == pytest.approx(1)
    assert len(controls.summary(found)) == 2


def test_separability_is_read_by_layer():
    table = xr.Dataset(
        {"accuracy": (("member", "layer"), [[0.8, 1.0], [0.9, 0.98]])},
        {"member": ["a", "b"], "layer": ["input", "conv1"]},
    )
    run = SimpleNamespace(table=lambda _: table)
    seen = page._separated(run)
    assert (seen.value, seen.low, seen.high, seen.n) == (pytest.approx(0.99), 0.98, 1.0, 2)
    assert list(page.separability(run)["layer"]) == ["input", "conv1"]
