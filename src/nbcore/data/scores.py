"""Difficulty scores of a training set: the published C-scores, or a file of your own.

    scores = load_scores("published", images.labels)     # CIFAR-10's or CIFAR-100's C-scores
    scores = load_scores("my-scores.csv", images.labels)  # a column `score`, perhaps `label`

Low is hard. Scores say nothing about which image they belong to, so the one thing that must not go
wrong is their order: wherever a file repeats the labels, every one of them has to match.
"""

import os
from pathlib import Path

import numpy as np

from nbcore.data.catalog import CATALOG, entry
from nbcore.data.fetch import obtain
from nbcore.data.tables import read_table
from nbcore.errors import DataError, did_you_mean


def load_labels(name: str, column: str, given: np.ndarray) -> np.ndarray:
    """Load int64 (n,) labels under `column` of a set of labels such as "cifar10n".

    given: the labels (n,) that the images come with; where the set repeats them (its first array)
    they must be the same, or the order differs. DataError: unknown name or column, another length
    or order, a damaged file.
    """
    e = entry(name)
    if e.kind != "labels":
        known = ", ".join(k for k, v in CATALOG.items() if v.kind == "labels")
        raise DataError(f"{name} holds {e.kind}, not labels; known sets of labels: {known}.")
    if column not in e.arrays:
        raise DataError(f"{name} has no labels {column!r}; {did_you_mean(column, e.arrays)}")
    file = obtain(name).files[0]
    try:
        with np.load(file, allow_pickle=False) as arrays:
            clean, wanted = arrays[e.arrays[0]].astype(np.int64), arrays[column].astype(np.int64)
    except Exception as error:  # a damaged zip has many ways to fail
        raise DataError(f"{file} is damaged ({type(error).__name__}); renew it.") from error
    if not np.array_equal(clean, given):
        raise DataError(
            f"{name} is for {len(clean)} images in their published order, but these {len(given)} "
            "images have other labels; give the training split of the data set it belongs to."
        )
    return wanted


#: the number of classes tells which of the published sets is meant
PUBLISHED = {10: "cifar10-c-scores", 100: "cifar100-c-scores"}


def load_scores(source: str | os.PathLike[str], labels: np.ndarray) -> np.ndarray:
    """Load float64 (n,) scores in the order of the training images whose labels (n,) are given.

    source: "published" (Jiang et al., 2021, for CIFAR-10 or CIFAR-100, whichever has as many
    classes), the catalogue's name of one of them, or a path: .npy (n,), .npz with `scores` and
    perhaps `labels`, .csv with a column `score` and perhaps `label`. The published files' home
    states no checksum, so they are trusted as far as they can be checked: all 50,000 labels that
    they repeat must be those of the images. DataError: no such file, an unknown or damaged form,
    another length, another order, scores that are NaN or infinite.
    """
    labels = np.asarray(labels)
    name = _published(labels) if source == "published" else os.fspath(source)
    if name in CATALOG:
        if CATALOG[name].kind != "scores":
            raise DataError(
                f"{name} holds {CATALOG[name].kind}, not scores; give published or a path."
            )
        file = obtain(name).files[0]
    else:
        file = Path(name).expanduser()
    scores, repeated = _read(file)
    if repeated is None and name in CATALOG:
        raise DataError(f"{file} has no labels, so its order cannot be checked; renew it.")
    _check(file, scores, repeated, labels)
    return scores


def _published(labels: np.ndarray) -> str:
    classes = len(np.unique(labels))
    if classes not in PUBLISHED:
        raise DataError(
            "C-scores are published for the training images of CIFAR-10 and CIFAR-100, and these "
            f"{len(labels)} labels have {classes} classes; give a file of scores by its path."
        )
    return PUBLISHED[classes]


def _read(file: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Read scores and, where the file has them, labels; pickled files are refused."""
    readers = {".npy": _npy, ".npz": _npz, ".csv": _csv}
    if not file.is_file():
        raise DataError(f"There is no file of scores {str(file)!r}; check the path.")
    if file.suffix not in readers:
        raise DataError(f"Scores are read from .npy, .npz or .csv, not from {file.name}.")
    try:
        scores, labels = readers[file.suffix](file)
        return np.asarray(scores, np.float64), labels
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{file} lacks {error}; name its scores so and write it again.") from error
    except Exception as error:  # every form has its own ways to be damaged
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{file} is damaged ({why}); renew it.") from error


def _npy(file: Path):
    return np.load(file, allow_pickle=False), None


def _npz(file: Path):
    with np.load(file, allow_pickle=False) as arrays:
        if "scores" not in arrays:
            raise KeyError("scores")
        return arrays["scores"], arrays.get("labels")


def _csv(file: Path):
    table = read_table(file, ["score"], ["label"])
    scores = table.numbers("score")
    if "label" not in table.columns:
        return scores, None
    labels = table.numbers("label")
    # beyond 2^53 a float is no longer every whole number, and beyond 2^63 there is none to give
    if (wrong := (labels != np.rint(labels)) | (np.abs(labels) > 2**53)).any():
        row = int(np.argmax(wrong))
        cell = table.texts("label")[row]
        raise table.error(row, f"label must be a whole number, but it is {cell}")
    return scores, labels.astype(np.int64)


def _check(file: Path, scores: np.ndarray, repeated: np.ndarray | None, labels: np.ndarray) -> None:
    if scores.shape != labels.shape:
        raise DataError(
            f"{file} holds scores of the shape {scores.shape}, and there are {len(labels)} "
            "images; give one score for every image of the training split."
        )
    if repeated is not None and not np.array_equal(repeated, labels):
        other = int((repeated != labels).sum()) if repeated.shape == labels.shape else len(repeated)
        raise DataError(
            f"{file} is in another order: {other} of its {len(repeated)} labels are not those of "
            "the images; bring the scores into the order of the training split."
        )
    if bad := int((~np.isfinite(scores)).sum()):
        raise DataError(
            f"{bad} of the {len(scores)} scores in {file} are NaN or infinite; give every image a "
            "finite score."
        )
