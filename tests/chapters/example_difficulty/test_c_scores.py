"""The C-score run on the embedded digits: members, tables, growth, bad input."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from nbcore.chapters.example_difficulty import c_scores
from nbcore.chapters.example_difficulty.c_scores import CScoreRun, run_c_scores, scores, votes
from nbcore.errors import ParameterError
from nbcore.runs import store

TINY = CScoreRun.resolve("smoke", members=4, epochs=0.5, device="cpu")


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))


def with_members(n, **changes) -> CScoreRun:
    return dataclasses.replace(TINY, members=n, **changes)


def test_members_come_in_complementary_halves_and_votes_are_those_of_the_members():
    run = run_c_scores(TINY)
    correct, held_out = votes(run)
    assert correct.shape == held_out.shape == (4, 1297)
    assert (held_out[0] ^ held_out[1]).all() and (held_out[2] ^ held_out[3]).all()
    assert not np.array_equal(held_out[0], held_out[2])
    table = run.table("members")
    for i, (_, member) in enumerate(run.members()):
        assert np.array_equal(correct[i], member["correct"].values)
        share = member["correct"].values[member["held_out"].values].mean()
        assert table["accuracy_held_out"].values[i] == pytest.approx(share)
    found = scores(run)
    assert (found.count == 2).all()
    expected = [correct[held_out[:, i], i].mean() for i in range(1297)]
    assert np.allclose(found.score, expected)


def test_digits_are_learned_and_the_gallery_holds_the_easiest_and_hardest():
    run = run_c_scores(CScoreRun.resolve("smoke", members=6, device="cpu"))
    assert run.table("members")["accuracy_held_out"].values.mean() > 0.85
    score, pictures = scores(run).score, run.table("thumbnails")
    shown = pictures["example"].values
    assert len(shown) == len(set(shown)) == 480
    images = c_scores.load_training_set(TINY)
    assert np.array_equal(pictures["image"].values, images.images[shown])
    for k in range(10):
        own = score[images.labels == k]
        mine = score[shown[images.labels[shown] == k]]
        assert mine.min() == own.min() and mine.max() == own.max()


def test_a_score_is_missing_where_no_member_left_an_example_out():
    run = run_c_scores(with_members(2, splits="independent"))
    found = scores(run)
    never = found.count == 0
    assert 0.1 < never.mean() < 0.4 and np.isnan(found.score[never]).all()
    assert not np.isnan(found.score[~never]).any()


def test_an_interrupted_run_continues_and_a_published_one_is_extended(monkeypatch, tmp_path):
    trained, member = [], c_scores.member
    monkeypatch.setattr(c_scores, "member", lambda c, n: (trained.append(n), member(c, n))[1])
    few = run_c_scores(with_members(2))
    store.publish(few)
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "a fresh checkout"))
    extended = run_c_scores(TINY)
    assert trained == ["half-000", "half-001", "half-002", "half-003"]
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "all at once"))
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "no results"))
    whole = run_c_scores(TINY)
    for name in whole.manifest["tables"]:
        xr.testing.assert_identical(extended.table(name), whole.table(name))


def test_bad_input_is_one_sentence(tmp_path):
    with pytest.raises(ParameterError, match="kind must be one of cnn16"):
        CScoreRun.resolve("smoke", kind="vgg16")
    with pytest.raises(ParameterError, match="members must be at least 2"):
        CScoreRun.resolve("smoke", members=1)
    with pytest.raises(ParameterError, match="held-out share .* not 1.0"):
        run_c_scores(with_members(2, share=1.0))
    for label in "ab":
        (tmp_path / "own" / label).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(np.full((6, 6), i, np.uint8)).save(
                tmp_path / "own" / label / f"{i}.png"
            )
    with pytest.raises(ParameterError, match="6×6 pixels.*image_size=8"):
        run_c_scores(with_members(2, dataset=str(tmp_path / "own")))
