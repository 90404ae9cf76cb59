"""Chapter 7's runs on the embedded digits: what is chosen, end to end, growth, bad input."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from nbcore.chapters.example_difficulty import choices, conditions
from nbcore.chapters.example_difficulty import config as chapter
from nbcore.chapters.example_difficulty import runs as members
from nbcore.chapters.example_difficulty.choices import (
    chosen,
    difficulty_scores,
    plan,
    schedule,
    training_labels,
)
from nbcore.chapters.example_difficulty.conditions import Condition
from nbcore.chapters.example_difficulty.config import ExampleDifficulty
from nbcore.chapters.example_difficulty.pretraining import run_pretraining
from nbcore.chapters.example_difficulty.runs import run_example_difficulty, study
from nbcore.errors import DataError, NbcoreError, ParameterError
from nbcore.lines.frames import frame
from nbcore.runs import store

FEW = ("full-hard", "full-then-hard", "head-easy", "scratch-phase-out-25", "pretrain-60")
SMALL = ExampleDifficulty.resolve(
    "smoke",
    conditions=FEW,
    seeds=1,
    head_seeds=1,
    steps=12,
    random_steps=12,
    head_steps=30,
    schedule_steps=12,
    random_schedule_steps=12,
    further_steps=8,
    checkpoints=4,
    score_members=4,
    depth_members=2,
    pretrain_steps=12,
    tuned_steps=12,
    resamples=30,
    device="cpu",
    testbed=("mean-30", "knn-30", "logistic-450", "patches-450", "mlp-450"),
)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    choices._scores.cache_clear()


def with_fields(**changes) -> ExampleDifficulty:
    return dataclasses.replace(SMALL, **changes)


def planted(tmp_path, **changes) -> ExampleDifficulty:
    """A config whose scores are in a file: the place of an example among all the digits."""
    file = tmp_path / "scores.npy"
    np.save(file, np.arange(1_297) / 1_297)
    return with_fields(difficulty=str(file), **changes)


def test_smoke_end_to_end_and_read_again(tmp_path):
    first = study(SMALL)
    assert set(first.curves) == set(FEW)
    assert first.pretraining is not None and first.pretraining.experiment == "pretraining-size"
    going_on = first.curves["full-then-hard"]
    table = first.run.table("curves").sel(member="full-then-hard-seed0")
    last = int(np.flatnonzero(table["phase"].values == 0)[-1])
    assert going_on.steps[last] == SMALL.schedule_steps
    assert going_on.steps[-1] == SMALL.schedule_steps + SMALL.further_steps
    assert first.curves["scratch-phase-out-25"].steps[-1] == SMALL.random_schedule_steps
    assert first.curves["full-hard"].er.shape[0] == 1 + SMALL.resamples
    again = study(SMALL)
    assert again.run.origin == "cached" and frame(again).equals(frame(first))
    control = study(SMALL, shuffled=True)
    assert all(c.ood[0, -1] < 0.4 for c in control.curves.values())


def test_interrupted_members_are_kept_and_seeds_are_added(tmp_path, monkeypatch):
    config = planted(tmp_path, conditions=("full-hard", "head-easy"))
    trained: list[str] = []
    compute = members.compute

    def until(limit):
        def stopped(config, name):
            if len(trained) == limit:
                raise KeyboardInterrupt
            trained.append(name)
            return compute(config, name)

        return stopped

    monkeypatch.setattr(members, "compute", until(1))
    with pytest.raises(KeyboardInterrupt):
        run_example_difficulty(config)
    monkeypatch.setattr(members, "compute", until(99))
    few = run_example_difficulty(config)
    assert trained == ["full-hard-seed0", "head-easy-seed0"]
    # a published run is extended from its tables alone, and equals one computed at once
    store.publish(few)
    more = dataclasses.replace(config, seeds=2)
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "a fresh checkout"))
    extended = run_example_difficulty(more)
    assert trained[2:] == ["full-hard-seed1"] and extended.path.name == few.path.name
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "all at once"))
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "no results"))
    whole = run_example_difficulty(more)
    xr.testing.assert_identical(extended.table("curves"), whole.table("curves"))


def test_choices_are_balanced_disjoint_and_those_of_the_scores(tmp_path):
    config = planted(tmp_path)
    labels = training_labels(config)
    score = difficulty_scores(config)
    assert labels.max() == 4 and len(score) == len(labels)
    parts = {c: chosen(config, c) for c in ("hard", "easy", "random", "shuffled-hard")}
    for part in parts.values():
        assert np.bincount(labels[part]).tolist() == [20] * 5
    assert not set(parts["hard"]) & set(parts["easy"])
    for k in range(5):
        own = np.flatnonzero(labels == k)  # scores rise with the place
        assert np.array_equal(np.intersect1d(parts["hard"], own), own[:20])
    assert np.array_equal(parts["random"], chosen(config, "random"))
    assert not np.array_equal(parts["random"], chosen(config, "random", 1))
    ours = difficulty_scores(config, "c-scores")
    assert ours[chosen(config, "c-scores-hard")].mean() < ours.mean() - 0.1
    # dealt out anew, low scores say nothing of an example's own
    assert abs(score[parts["shuffled-hard"]].mean() - score.mean()) < 0.1
    assert score[parts["hard"]].mean() < 0.2


def test_a_schedule_drops_the_easiest_and_its_phases_match_those_of_everything(tmp_path):
    config = planted(tmp_path, phases=10, schedule_steps=100)
    parts = schedule(config, 25)
    assert [len(parts[0]), len(parts[-1])] == [len(training_labels(config)), 25]
    assert all(set(b) <= set(a) for a, b in zip(parts, parts[1:], strict=False))
    score = difficulty_scores(config)
    assert all(score[a].mean() >= score[b].mean() for a, b in zip(parts, parts[1:], strict=False))
    out, everything = (plan(config, Condition("full", c)) for c in ("phase-out-25", "all"))
    for a, b in zip(out, everything, strict=True):
        assert (a.recipe.steps, a.recipe.lr) == (
            b.recipe.steps,
            b.recipe.lr,
        ) and a.recipe.steps == 10
        assert len(b.indices) == len(score)
    rates = [p.recipe.lr / config.lr for p in out]
    assert rates == pytest.approx([1] * 7 + [0.1] * 3)


def test_depths_find_their_examples_although_the_pool_has_another_order(monkeypatch):
    source = chapter.depth_run(SMALL)
    labels = choices._all_labels("digits", 8)
    order = choices.chosen_examples(labels, source.examples, source.seed)
    depth = np.tile((order % 5).astype(np.int8), (2, 1))  # by the place in the training set
    depth[:, np.flatnonzero(order == 7)] = -1
    dims = ("member", "example")
    table = xr.Dataset(
        {
            "held_out": (dims, np.zeros(depth.shape, bool)),
            "depth": (dims, depth),
            "half": ("member", [-1, -1]),
        },
        {"member": source.names(), "probe": np.arange(6)},
    )
    monkeypatch.setattr(
        choices, "run_ensemble", lambda *_, **__: SimpleNamespace(table=lambda _: table)
    )
    found = choices._depth_scores(SMALL, labels)
    expected = -(np.arange(len(labels)) % 5).astype(float)
    expected[7] = -6  # it never has a depth, and counts as deeper than any
    assert np.array_equal(found, expected)
    assert len(order) == len(labels) == 1_297


def test_c_scores_and_depths_of_the_digits_agree_somewhat():
    score, depth = (difficulty_scores(SMALL, m) for m in ("c-scores", "depth"))
    assert len(score) == len(depth) == len(training_labels(SMALL))
    assert np.corrcoef(score, depth)[0, 1] > 0.05
    hard = chosen(SMALL, "depth-hard")
    assert depth[hard].mean() < depth.mean() - 0.3


def test_another_difficulty_file_is_another_run(tmp_path):
    first = planted(tmp_path)
    before = first.address()
    np.save(tmp_path / "scores.npy", np.arange(1_297)[::-1] / 1_297)
    assert first.address() != before
    assert first.address() == dataclasses.replace(first, seeds=5, conditions=()).address()
    assert SMALL.address() != with_fields(score_members=8).address()


def test_presets_name_every_member():
    config = ExampleDifficulty.book()
    names = conditions.member_names(config)
    # three choices, six last layers; two that go on, everything and three schedules, one control
    expected = 3 * config.seeds + 3 * config.scratch_seeds + 6 * config.head_seeds
    expected += 7 * config.control_seeds
    assert len(names) == len(set(names)) == expected
    everything = dataclasses.replace(config, extended=True)
    # four schedules from random weights, two choices by depth
    assert len(conditions.member_names(everything)) == expected + 6 * config.control_seeds
    assert names[0] == "full-hard-seed0" and names[-1] == "head-depth-easy-seed4"
    assert conditions.pretraining(config).names()[:2] == ["pretrain-0-seed0", "pretrain-600-seed0"]
    assert len(conditions.pretraining(config).names()) == 4 * config.scratch_seeds
    by_depth = conditions.conditions(dataclasses.replace(config, difficulty="depth"))
    assert "full-shuffled-hard" in by_depth and "head-depth-hard" not in by_depth
    assert not any("c-scores" in name for name in conditions.conditions(everything))
    published = dataclasses.replace(everything, difficulty="published")
    by_ours = {n for n in conditions.conditions(published) if "c-scores" in n}
    kinds = ("c-scores-hard", "c-scores-easy")
    assert by_ours == {f"{start}-{kind}" for start in ("full", "head") for kind in kinds}
    ensemble = chapter.depth_run(config)
    assert (ensemble.dataset, ensemble.examples) == ("cifar10", 50_000)  # all that are chosen from
    assert ensemble.names() == [f"full-{i:03}" for i in range(config.depth_members)]


def refused(match, error: type[NbcoreError] = ParameterError):
    return pytest.raises(error, match=match)


def test_bad_input_is_one_sentence(tmp_path, monkeypatch):
    with refused("no condition 'full-hrd'; did you mean 'full-hard'"):
        conditions.conditions(with_fields(conditions=("full-hrd",)))
    with refused("no file 'c-score' .FileNotFoundError.; give c-scores, depth", DataError):
        with_fields(difficulty="c-score").check()
    with refused("no file '.*none.pth' .FileNotFoundError.; give a .pth", DataError):
        with_fields(weights=str(tmp_path / "none.pth")).address()
    with refused("ask for .* or fewer"):
        run_example_difficulty(planted(tmp_path, subset=5_000, conditions=("full-hard",)))
    with refused("multiple of 5"):
        chosen(planted(tmp_path, subset=101), "hard")
    with refused("leave 2 for each; give 4 or more"):
        plan(planted(tmp_path, schedule_steps=6), Condition("full", "all"))
    with refused("subset of 9000 examples was asked of 648"):
        too_many = with_fields(pretrain_images=(9_000,), conditions=("pretrain-9000",))
        run_pretraining(conditions.pretraining(too_many))
    np.save(tmp_path / "short.npy", np.zeros(1_000))
    with refused("1000|1,000", DataError):
        chosen(with_fields(difficulty=str(tmp_path / "short.npy")), "hard")
    scores = np.arange(1_297) / 1_297
    scores[5] = np.nan
    np.save(tmp_path / "missing.npy", scores)
    with refused("NaN|nan", DataError):
        chosen(with_fields(difficulty=str(tmp_path / "missing.npy")), "hard")
    missing = np.where(np.arange(649) < 3, np.nan, 0.5)  # never left out of a network's half
    monkeypatch.setattr(choices, "_scores", lambda *_: missing)
    with refused("3 of 649 scores are NaN"):
        run_example_difficulty(with_fields(conditions=("full-hard",)))
