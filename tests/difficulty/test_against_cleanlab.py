"""The comparison on a small ensemble with planted noise: what cleanlab is given, and what comes."""

import dataclasses
import sys

import numpy as np
import pytest

from nbcore.depths.ensembles import Ensemble, run_ensemble
from nbcore.difficulty import compare as relabelling
from nbcore.difficulty import softmax
from nbcore.difficulty.compare import FILTERS, OURS, compare, held_out_probabilities, verdict
from nbcore.difficulty.rows import rows
from nbcore.errors import ParameterError
from nbcore.measures.relabelling import score

NOISY = Ensemble(
    dataset="digits",
    examples=300,
    test_examples=10,
    width=32,
    depth=2,
    steps=250,
    batch=32,
    lr=0.03,
    checkpoints=4,
    k=10,
    held_out=0.2,
    members=6,
    full_members=1,
    workers=1,
    noise=0.2,
    device="cpu",
)


@pytest.fixture(scope="module", autouse=True)
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("relabelling")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "BUILD", "RESULTS"):
            patch.setenv(f"NBCORE_{name}", str(folder / name))
        yield


@pytest.fixture(scope="module")
def run(places):
    return run_ensemble(NOISY)


def row(table, method):
    return table[table["method"] == method].iloc[0]


def test_the_rows_are_the_measures_by_brute_force(run):
    table, members = rows(run, corner=5), run.table("members")
    split = [m for m in members["member"].values if str(m).startswith("split")]
    held, final, depth = (
        members[v].sel(member=split).values for v in ("held_out", "final", "depth")
    )
    label = run.table("examples")["label"].values
    for i in range(0, 300, 37):
        said = final[held[:, i], i]
        counts = np.bincount(said, minlength=10)
        one = table.iloc[i]
        assert one["n_val"] == len(said) and one["n_train"] == 6 - len(said)
        assert one["consistency"] == (said == label[i]).mean()
        assert counts[one["consensus"]] == counts.max()
        assert one["consensus_consistency"] == counts.max() / len(said)
        for role, mask in (("val", held[:, i]), ("train", ~held[:, i])):
            known = depth[mask, i][depth[mask, i] >= 0]
            assert one[f"n_depth_{role}"] == len(known)
            expected = known.mean() if len(known) else np.nan
            np.testing.assert_allclose(one[f"depth_{role}"], expected)
    assert table["n_val"].sum() == held.sum()
    assert table["corner"].value_counts().drop("").le(5).all()
    relabel = table["action"] == "relabel"
    assert (table["suggested"][relabel] == table["consensus"][relabel]).all()
    assert (table["suggested"][~relabel] == -1).all()


def test_a_corner_needs_its_examples(run):
    with pytest.raises(ParameterError, match="to hold 301 examples, but only .* of 300"):
        rows(run, corner=301)


def test_probabilities_are_shares_of_the_held_out_members(run):
    members = run.table("members")
    split = members.isel(member=members["half"].values >= 0)
    for kind in ("votes", "members"):
        p = held_out_probabilities(run, kind)
        assert p.shape == (300, 10)
        np.testing.assert_allclose(p.sum(1), 1)
    held, final = split["held_out"].values, split["final"].values
    for i in (0, 11, 299):
        share = np.bincount(final[held[:, i], i], minlength=10) / held[:, i].sum()
        np.testing.assert_allclose(held_out_probabilities(run, "members")[i], share)
    with pytest.raises(ParameterError, match="votes or members, not 'logits'"):
        held_out_probabilities(run, "logits")


def test_the_softmax_is_that_of_the_same_networks(run):
    again = softmax.run_softmax(NOISY)
    members = run.table("members")
    for name, m in again.members():
        stored = members["final"].sel(member=name).values[m["index"].values]
        np.testing.assert_array_equal(m["probability"].values.argmax(1), stored)
    table = again.table("probabilities")
    split = members["held_out"].values[members["half"].values >= 0]
    np.testing.assert_array_equal(table["count"], split.sum(0))
    p = softmax.softmax_of(NOISY)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert compare(run, p, resamples=20).attrs["probabilities"] == "given"
    with pytest.raises(ParameterError, match="without members on splits"):
        softmax.run_softmax(dataclasses.replace(NOISY, members=0))


def test_cleanlab_is_given_the_labels_and_the_held_out_probabilities(run):
    from cleanlab.filter import find_label_issues

    table, known = compare(run, resamples=50), rows(run, corner=1)
    label = known["label"].to_numpy()
    wrong = label != known["original"].to_numpy()
    assert table.attrs == {
        "examples": 300,
        "wrong": wrong.sum(),
        "probabilities": "votes",
        "left_out": 0,
    }
    p = held_out_probabilities(run)
    for i, filter_by in enumerate(FILTERS):
        found = find_label_issues(label, p, filter_by=filter_by, n_jobs=1)
        theirs = row(table, f"cleanlab, {filter_by}" if i else "cleanlab")
        expected = score(found, wrong, resamples=20)
        assert theirs["suggested"] == found.sum()
        assert theirs["precision"] == expected["precision"].value
        assert theirs["recall"] == expected["recall"].value


def test_planted_labels_are_found_and_chance_finds_none(run):
    table = compare(run, resamples=100)
    ours, chance = row(table, OURS), row(table, relabelling.CHANCE)
    assert ours["precision"] > 0.6 and ours["recall"] > 0.3
    assert chance["precision"] < 0.35 and chance["suggested"] == ours["suggested"]
    assert chance["f1_ahead_low"] > 0 and chance["average_precision_ahead_low"] > 0
    assert ours["f1_ahead"] == ours["f1_ahead_low"] == 0
    for what in ("precision", "recall", "f1", "average_precision"):
        assert (table[f"{what}_low"] <= table[what]).all()
        assert (table[what] <= table[f"{what}_high"]).all()
    assert row(table, relabelling.SAME)["suggested"] == ours["suggested"]
    assert ours["mended"] <= ours["recall"]
    firmer = row(compare(run, resamples=20, agreement=1.0, gap=0.5), OURS)
    assert firmer["suggested"] < ours["suggested"]


@pytest.mark.parametrize(
    "low, high, word",
    [(0.1, 0.2, "wins over cl"), (-0.2, -0.1, "cleanlab wins"), (-0.1, 0.1, "Neither")],
)
def test_the_winner_is_the_one_whose_interval_says_so(run, low, high, word):
    table = compare(run, resamples=20)
    table.loc[table["method"] == "cleanlab", ["f1_ahead_low", "f1_ahead_high"]] = low, high
    assert word in verdict(table)


def test_examples_that_nobody_held_out_are_left_out_and_counted(run):
    few = run_ensemble(dataclasses.replace(NOISY, seed=1, members=2, full_members=0))
    table, known = compare(few, resamples=20), rows(few, corner=5)
    assert table.attrs["left_out"] == 180 and table.attrs["examples"] == 120
    unasked = known["n_val"] == 0
    assert (known["action"][unasked] == "").all() and (known["consensus"][unasked] == -1).all()
    assert (known["action"][~unasked] != "").all() and known["doubt"][unasked].isna().all()


def test_what_cannot_be_compared_is_said_in_a_sentence(run, monkeypatch):
    clean = dataclasses.replace(NOISY, noise=0.0, members=2, full_members=0)
    with pytest.raises(ParameterError, match="No label of the run .* is known to be wrong"):
        compare(run_ensemble(clean))
    whole = dataclasses.replace(NOISY, members=0, full_members=2)
    with pytest.raises(ParameterError, match="No member of the run .* holds examples out"):
        compare(run_ensemble(dataclasses.replace(whole, seed=2)))
    with pytest.raises(ParameterError, match="a row of probabilities an example"):
        compare(run, np.ones((3, 10)))
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    with pytest.raises(ParameterError, match=r"pip install 'nbcore\[cleanlab\]'"):
        compare(run, resamples=20)
    assert len(compare(run, resamples=20, filters=())) == 3
