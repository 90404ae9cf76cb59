"""What others say of the images: how it is reduced, kept and found again."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from nbcore import data as nbdata
from nbcore.chapters.example_difficulty import others as module
from nbcore.chapters.example_difficulty.others import LEVELS, OtherScores, checked, others
from nbcore.errors import DataError
from nbcore.measures.selection import select
from nbcore.runs.plan import stored_plan
from nbcore.runs.store import open_run

LABEL = np.arange(400) % 10
CONFIG = OtherScores(what="published", subset=40)


@pytest.fixture
def planted(tmp_path, monkeypatch, own_cache):
    """Scores and labels of people for 400 images, in the folder of the data."""
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    rng = np.random.default_rng(0)
    score = rng.random(400).round(2)  # with ties
    (tmp_path / "c_scores").mkdir()
    file = tmp_path / "c_scores" / "cifar10-cscores-orig-order.npz"
    np.savez(file, labels=LABEL, scores=score)
    (tmp_path / "cifar10n").mkdir()
    same, other = LABEL, (LABEL + 1) % 10
    answers = {name: same for name in ("clean_label", "random_label1", "worse_label")}
    answers |= {"random_label2": np.where(LABEL == 3, other, same)}
    answers |= {"random_label3": np.where(LABEL < 5, other, same)}
    answers |= {"aggre_label": np.where(LABEL == 3, other, same)}
    np.savez(tmp_path / "cifar10n" / "labels.npz", **answers)
    return score


def test_scores_are_kept_as_ranks_and_choices(planted):
    table = module._published(CONFIG, LABEL)
    level = table["level"].values
    assert level.dtype == np.uint8 and level.max() < LEVELS
    assert spearmanr(level, planted).statistic > 0.999
    for score in np.unique(planted):
        assert len(np.unique(level[planted == score])) == 1  # tied images share their rank
    for kind in ("hard", "easy"):
        bits = np.unpackbits(table[kind].values, count=400)
        assert np.array_equal(np.flatnonzero(bits), select(kind, planted, LABEL, 40))


def test_people_are_counted_and_named_only_where_they_disagree(planted):
    table = module._people(OtherScores(), LABEL)
    expected = np.where(LABEL == 3, 2, np.where(LABEL < 5, 1, 0))
    assert np.array_equal(table["disagree"].values, expected)
    assert np.array_equal(table["majority"].values, np.where(LABEL == 3, 4, -1))


def test_only_images_that_somebody_was_asked_about():
    assert others("people", "digits", 40) is None
    assert others("published", "./mine", 40) is None
    assert OtherScores(what="published", dataset="cifar100").known()
    assert not OtherScores(what="people", dataset="cifar100").known()


def test_nothing_is_fetched(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path))
    monkeypatch.setattr(module, "run_or_load", lambda plan: pytest.fail("it was computed"))
    assert others("people", "cifar10", 40) is None


def test_other_labels_are_refused(planted):
    table = module._people(OtherScores(), LABEL).assign(label=("example", LABEL))
    assert checked(table, LABEL) is table
    with pytest.raises(DataError, match="other labels than those of the C-scores"):
        checked(table, LABEL[::-1])


@pytest.mark.parametrize("what", ["people", "published"])
def test_the_books_tables_are_found_without_data(what, tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setenv("NBCORE_OFFLINE", "1")
    table = others(what, "cifar10", 5_000)
    assert table is not None and table.sizes["example"] == 50_000
    if what == "people":
        # its authors say that 9.03 % of the majority's labels are not CIFAR-10's
        assert (table["majority"].values >= 0).mean() == pytest.approx(0.0903, abs=5e-4)
    else:
        label = table["label"].values
        for kind in ("hard", "easy"):
            bits = np.unpackbits(table[kind].values).astype(bool)
            assert np.bincount(label[bits]).tolist() == [500] * 10
            mean = table["level"].values[bits].mean()
            assert mean < 0.25 * LEVELS if kind == "hard" else mean > 0.75 * LEVELS


@pytest.mark.skipif(not os.environ.get("NBCORE_DATA"), reason="needs NBCORE_DATA with the sets")
@pytest.mark.parametrize("what", ["people", "published"])
def test_the_books_tables_are_what_is_computed_today(what):
    config = OtherScores(what=what)
    for name in config.roles().values():
        if nbdata.sources.find(name) is None:
            pytest.skip(f"needs {name}")
    table = others(what, "cifar10", 5_000)
    again = module._member(config, "all")
    assert table is not None and table.identical(again)


def test_a_stored_run_has_its_plan():
    from nbcore.paths import results_dir

    for path in sorted(Path(results_dir(), "other-scores").iterdir()):
        plan = stored_plan(open_run(path, "stored").manifest)
        assert plan is not None and plan.members == ["all"] and plan.config.subset == 5_000
