"""Difficulty scores: the published form, files of one's own, and what is refused."""

import warnings

import numpy as np
import pytest

from nbcore.data import fetch
from nbcore.data.scores import load_scores
from nbcore.errors import DataError

LABELS = np.tile(np.arange(10), 5)
SCORES = np.linspace(0, 1, 50)


@pytest.fixture
def published(tmp_path, monkeypatch, own_cache):
    """A small file in the place of CIFAR-10's published scores, which are float32 and labelled."""
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    file = tmp_path / "c_scores" / "cifar10-cscores-orig-order.npz"
    file.parent.mkdir()
    np.savez(file, labels=LABELS, scores=SCORES.astype(np.float32))
    return file


def test_published_scores_are_found_by_the_number_of_classes(published):
    for source in ("published", "cifar10-c-scores"):
        found = load_scores(source, LABELS)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, SCORES, atol=1e-7)
    with pytest.raises(DataError, match="CIFAR-10 and CIFAR-100, and these 6 labels have 3"):
        load_scores("published", np.arange(6) % 3)


def test_published_scores_that_cannot_be_checked_are_refused(published):
    with pytest.raises(DataError, match="another order: 50 of its 50 labels"):
        load_scores("published", (LABELS + 1) % 10)
    np.savez(published, scores=SCORES)
    with pytest.raises(DataError, match="no labels, so its order cannot be checked"):
        load_scores("published", LABELS)


def test_without_them_it_says_where_to_get_them(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setenv("NBCORE_OFFLINE", "1")
    with pytest.raises(DataError, match="fetching it failed.*pluskid.*folder c_scores"):
        load_scores("published", LABELS)


def test_a_download_without_a_checksum_is_kept_whole(tmp_path, monkeypatch, own_cache):
    asked = []

    def download(url, file, sha256=None, progress=True):
        asked.append((url, sha256))
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, labels=LABELS, scores=SCORES)

    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setattr(fetch, "download", download)
    np.testing.assert_array_equal(load_scores("published", LABELS), SCORES)
    assert asked == [
        (
            "https://pluskid.github.io/structural-regularity/cscores/"
            "cifar10-cscores-orig-order.npz",
            None,
        )
    ]


def write(folder, form, scores=SCORES, labels=LABELS):
    """A file of one's own; labels None: without them."""
    file = folder / f"mine.{form}"
    if form == "npy":
        np.save(file, scores)
    elif form == "npz":
        np.savez(file, scores=scores, **({} if labels is None else {"labels": labels}))
    else:
        head = "score" if labels is None else "score,label"
        columns = [scores] if labels is None else [scores, labels]
        rows = [",".join(repr(v.item()) for v in row) for row in zip(*columns, strict=True)]
        file.write_text("\n".join([head, *rows]) + "\n")
    return file


@pytest.mark.parametrize("form", ["npy", "npz", "csv"])
@pytest.mark.parametrize("labels", [LABELS, None], ids=["labelled", "bare"])
def test_files_of_ones_own(tmp_path, form, labels):
    file = write(tmp_path, form, labels=labels)
    np.testing.assert_array_equal(load_scores(str(file), LABELS), SCORES)
    np.testing.assert_array_equal(load_scores(file, LABELS), SCORES)


@pytest.mark.parametrize("form", ["npz", "csv"])
def test_labels_in_another_order_are_refused(tmp_path, form):
    swapped = LABELS.copy()
    swapped[[3, 4]] = swapped[[4, 3]]
    with pytest.raises(DataError, match="another order: 2 of its 50 labels"):
        load_scores(write(tmp_path, form, labels=swapped), LABELS)


@pytest.mark.parametrize("form", ["npy", "npz", "csv"])
def test_length_and_missing_values_are_refused(tmp_path, form):
    with pytest.raises(DataError, match=r"shape \(49,\), and there are 50 images"):
        load_scores(write(tmp_path, form, SCORES[1:], LABELS[1:]), LABELS)
    holes = SCORES.copy()
    holes[[4, 9]] = np.nan, np.inf
    words = (
        "line 6: score must be a number, but it is nan" if form == "csv" else "2 of the 50 scores"
    )
    with pytest.raises(DataError, match=words):
        load_scores(write(tmp_path, form, holes), LABELS)


def test_what_is_no_file_of_scores(tmp_path):
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "b.csv").write_text("points\n1\n")
    (tmp_path / "c.csv").write_text("score\nhigh\n")
    np.savez(tmp_path / "d.npz", points=SCORES)
    np.save(tmp_path / "e.npy", np.array([{}], dtype=object))  # a pickle is never opened
    for name, words in {
        "a.txt": "from .npy, .npz or .csv, not from a.txt",
        "b.csv": "line 1: the header lacks score: it has points",
        "c.csv": "line 2: score must be a number, but it is high",
        "d.npz": "lacks 'scores'",
        "e.npy": "is damaged",
        "f.npy": "There is no file of scores",
    }.items():
        with pytest.raises(DataError, match=words):
            load_scores(tmp_path / name, LABELS)
    with pytest.raises(DataError, match="cifar10n holds labels, not scores"):
        load_scores("cifar10n", LABELS)


@pytest.mark.parametrize("label", ["1.5", "inf", "1e300", "-1e19"])
def test_a_label_that_is_no_whole_number_is_refused_with_its_row(tmp_path, label):
    file = tmp_path / "scores.csv"
    file.write_text(f"score,label\n0.5,1\n0.25,{label}\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="line 3: label must be a (whole )?number"):
            load_scores(file, np.array([1, 2]))
