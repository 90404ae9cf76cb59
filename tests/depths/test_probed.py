"""Ensembles of which a part is probed: the same numbers as where all is, and who is held out."""

from dataclasses import replace

import numpy as np
import pytest

from nbcore.depths import ensembles, probed
from nbcore.depths.probed import ProbedEnsemble, held_out_of, probed_part, run_probed
from nbcore.depths.roster import Ensemble
from nbcore.errors import ParameterError

FEW = dict(
    dataset="digits",
    examples=120,
    test_examples=30,
    architecture="vgg16",
    width=4,
    batch=32,
    lr=0.1,
    steps=12,
    checkpoints=4,
    k=5,
    workers=1,
)
SMALL = ProbedEnsemble(**FEW, probed=60, members=4, full_members=1, input_margins=10)


def test_where_all_is_probed_a_member_is_that_of_a_plain_ensemble():
    everything = replace(SMALL, probed=120)
    plain = Ensemble(**FEW, held_out=0.5, input_margins=10)
    for name in ("split-001", "full-000"):
        mine, theirs = probed.member(everything, name), ensembles.member(plain, name)
        assert set(mine) == set(theirs)
        for variable in theirs:
            np.testing.assert_array_equal(mine[variable], theirs[variable], err_msg=variable)


def test_a_part_is_balanced_and_every_pair_of_members_holds_each_example_out_once():
    part = probed_part(SMALL)
    pool = ensembles.load_pool(SMALL)
    assert np.bincount(part.pool.labels).tolist() == [6] * 10
    np.testing.assert_array_equal(part.pool.images, pool.images[part.index])
    out = [held_out_of(SMALL, f"split-00{i}")[0] for i in range(4)]
    assert [int(mask.sum()) for mask in out] == [30] * 4
    assert (out[0] ^ out[1]).all() and (out[2] ^ out[3]).all() and (out[0] != out[2]).any()
    assert not held_out_of(SMALL, "full-000")[0].any()


def test_the_bank_is_all_that_was_trained_on():
    """The input's votes, by brute force: no training touches them."""
    part, pool = probed_part(SMALL), ensembles.load_pool(SMALL)
    held, _ = held_out_of(SMALL, "split-000")
    rest = np.setdiff1d(np.arange(120), part.index)
    bank = np.concatenate([rest, part.index[~held]])
    found = probed.member(SMALL, "split-000")["votes"].sel(probe="input").values
    pixels = pool.images.reshape(120, -1).astype(float)
    for example, votes in zip(part.index, found, strict=True):
        away = ((pixels[bank] - pixels[example]) ** 2).sum(1)
        order = np.sort(away)
        if order[4] < order[5]:  # the five nearest are without doubt
            near = pool.labels[bank[away <= order[4]]]
            assert votes.tolist() == np.bincount(near, minlength=10).tolist()


def test_the_tables_are_those_of_an_ensemble_and_members_can_be_added(monkeypatch, tmp_path):
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path))
    run = run_probed(replace(SMALL, members=2))
    more = run_probed(SMALL)
    assert more.path == run.path and len(more.member_names) == 5
    members, votes = more.table("members"), more.table("votes")
    assert members.sizes["example"] == 60 and set(members["half"].values) == {-1, 0, 1}
    assert (votes["count"].values == 1).all()  # each half holds every example out once
    assert np.isfinite(more.table("examples")["output_margin_val"]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(probed=130), "Of a pool of 120 examples an even number can be probed"),
        (dict(probed=31), "not 31"),
        (dict(k=91), "a member trains on 90 examples; give a smaller k"),
    ],
)
def test_a_part_that_is_none_is_refused(change, words):
    with pytest.raises(ParameterError, match=words):
        run_probed(replace(SMALL, **change))
