"""The forms in which images are stored: each reader returns pixels, or images still to be decoded.

Image parquet, a folder per class, IDX, CIFAR's binary release, SVHN's .mat, .npy, digits' table.
"""

import gzip
import json
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nbcore.data import trees
from nbcore.data.folders import is_picture, shown
from nbcore.data.layout import listed, split_of
from nbcore.data.matlab import read_arrays
from nbcore.data.pixels import LFS
from nbcore.data.sources import Found
from nbcore.errors import DataError

__all__ = ["Raw", "Read", "bad", "is_tree", "listed", "read", "splits"]

Raw = np.ndarray | Sequence[bytes | Path]  # pixels, or images still to be decoded


class Read(NamedTuple):
    """A split as it lies on disk. files: (n,) names; classes: none where they are not known."""

    raw: Raw
    labels: np.ndarray
    classes: Sequence[str]
    files: np.ndarray | None = None


def read(found: Found, split: str) -> Read:
    """Read a split: pixels or images still to be decoded, labels, class names, files.

    If your own set has only one split, that one is read, whichever is asked for.
    """
    e = found.entry
    try:
        raw, labels, names, files = _reader(found)(found, split)
    except DataError:
        raise
    except Exception as error:  # every format has its own kinds for a damaged file
        raise bad(found, f"is damaged ({_first_line(error)}); renew it") from error
    if len(raw) != len(labels) or isinstance(raw, np.ndarray) and raw.dtype != np.uint8:
        raise bad(found, f"is damaged ({len(raw)} images, {len(labels)} labels); renew it")
    names = (e.classes if e else ()) or names
    top = len(names) or 100_000
    if not len(labels) or labels.min() < 0 or labels.max() >= top:
        have = f"{labels.min()} to {labels.max()}" if len(labels) else "none"
        raise bad(found, f"needs labels from 0 to {top - 1}, but has {have}")
    if files is None:
        files = np.array([f"{split} {i}" for i in range(len(labels))])
    names = tuple(names) or tuple(str(i) for i in range(labels.max() + 1))
    return Read(raw, labels, names, files)


def splits(found: Found) -> list[str]:
    """List the splits of a set that have labelled images, in order; [""] where it has none."""
    if is_tree(found):
        return list(trees.reading(found).counts())
    if _reader(found) is _parquet:
        return sorted(_by_name(found))
    return ["test"] if _reader(found) is _npy else ["test", "train"]


def is_tree(found: Found) -> bool:
    """Say whether a set consists of pictures in folders."""
    return _reader(found) is _tree


def bad(found: Found, why: str) -> DataError:
    """Build the error that says what is wrong with a set, and where it is."""
    return DataError(f"{shown(found.name)} in {shown(found.root)} {why}.")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _reader(found: Found) -> Callable[[Found, str], Read]:
    readers = {".parquet": _parquet, "ubyte": _idx, "ubyte.gz": _idx, ".tar.gz": _cifar_binary}
    if (e := found.entry) and e.kind != "images":
        raise DataError(f"{e.name} holds {e.kind}: use load_testbed or load_timm_results.")
    readers |= {".mat": _svhn, ".npy": _npy, ".csv.gz": _digits}
    first = found.files[0]
    if found.pictures or is_picture(first):
        return _tree
    return next((read for end, read in readers.items() if first.name.endswith(end)), _tree)


def _choose(found: Found, split: str, splits: Mapping[str, Any]) -> Any:
    if split in splits:
        return splits[split]
    if len(splits) == 1 and found.entry is None:
        return next(iter(splits.values()))
    have = ", ".join(sorted(s or "files outside any split" for s in splits))
    raise bad(found, f"has no split {split!r}; it has: {have}")


def _by_name(found: Found) -> dict[str, list[Path]]:
    """Group parquet files by split, from their name or the nearest folder above; "" if none fit."""
    out: dict[str, list[Path]] = {}
    for file in found.files:
        parts = file.relative_to(found.root).parts[::-1]
        words = [re.split(r"[-_.]\d", parts[0].removesuffix(".parquet"))[0], *parts[1:]]
        words += re.split(r"[\W_]+", words[0])  # cifar10-test-00000.parquet
        hits = (split_of(word) for word in words)
        out.setdefault(next((hit for hit in hits if hit), ""), []).append(file)
    return out


def _parquet(found: Found, split: str) -> Read:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow.types import is_binary, is_integer, is_large_binary, is_struct

    trees.one_form(found)
    files = _choose(found, split, _by_name(found))
    table = pa.concat_tables([_table(found, file) for file in files], promote_options="default")
    columns = {column.name: column.type for column in table.schema}
    image = next((name for name in ("img", "image") if name in columns), "")
    label = next((name for name in ("label", "fine_label") if name in columns), "")
    data: Any = table[image] if image else None
    if image and is_struct(columns[image]) and "bytes" in [f.name for f in columns[image]]:
        data = pc.struct_field(data, "bytes")
    binary = image and (is_binary(data.type) or is_large_binary(data.type))
    if not binary or not label or not is_integer(columns[label]):
        have = ", ".join(f"{name} ({kind})" for name, kind in columns.items())
        raise bad(found, f"needs bytes in `img` or `image`, integers in `label`; it has {have}")
    if data.null_count or table[label].null_count:
        raise bad(found, "has rows without image bytes or label; fill them in")
    meta = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    names = meta.get("info", {}).get("features", {}).get(label, {}).get("names") or ()
    return Read(data.to_pylist(), table[label].to_numpy().astype(np.int64), names)


def _table(found: Found, file: Path) -> Any:
    import pyarrow.parquet as pq

    with file.open("rb") as stream:
        if stream.read(len(LFS)) == LFS:
            raise DataError(
                f"{shown(file)} is a Git LFS pointer, not the data: run git lfs pull there."
            )
    try:
        return pq.ParquetFile(file).read()
    except Exception as error:  # pyarrow has several kinds for a damaged file
        raise DataError(
            f"{shown(found.name)}: {shown(file)} is damaged ({_first_line(error)}); renew it."
        ) from error


def _tree(found: Found, split: str) -> Read:
    """Read pictures in a folder per class, with the splits and classes that `layout` finds."""
    how = trees.reading(found)
    rows = list(zip(found.files, how.splits, how.classes, strict=True))
    names = sorted({label for _, _, label in rows if label})
    own: dict[str, list[tuple[Path, str]]] = {}
    for file, part, label in rows:
        if label:
            own.setdefault(part, []).append((file, label))
    chosen = own[""] if set(own) == {""} else _choose(found, split, own)
    index = {name: i for i, name in enumerate(names)}
    labels = np.array([index[label] for _, label in chosen], np.int64)
    paths = [file for file, _ in chosen]
    files = [shown(file.relative_to(found.root).as_posix()) for file in paths]
    return Read(paths, labels, names, np.array(files))


def _idx(found: Found, split: str) -> Read:
    starts = {"train": "train-", "test": "t10k-"}
    pairs = {s: [f for f in found.files if f.name.startswith(t)] for s, t in starts.items()}
    arrays = []  # of images, then of labels
    for file in _choose(found, split, {s: pair for s, pair in pairs.items() if len(pair) == 2}):
        with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as stream:
            data = stream.read()
        shape = np.frombuffer(data, ">u4", data[3], offset=4).astype(int)
        arrays.append(np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape))
    return Read(arrays[0][..., None], arrays[1].astype(np.int64), ())


def _cifar_binary(found: Found, split: str) -> Read:
    """Read CIFAR's binary release: one label byte per image (CIFAR-100: two), then 3×32×32 bytes.

    It is read from the archive itself: nothing is unpacked and nothing unpickled.
    """
    names = {"train": r"(data_batch_\d|train)\.bin", "test": r"test(_batch)?\.bin"}
    wanted, parts = re.compile(_choose(found, split, names) + "|fine_label_names.txt"), {}
    with tarfile.open(found.files[0]) as archive:
        for member in archive:
            if wanted.fullmatch(base := member.name.rpartition("/")[2]):
                parts[base] = archive.extractfile(member).read()  # type: ignore[union-attr]
    classes = parts.pop("fine_label_names.txt", b"").decode().split()
    data = np.frombuffer(b"".join(parts[base] for base in sorted(parts)), np.uint8)
    data = data.reshape(-1, 3074 if classes else 3073)
    images = data[:, -3072:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Read(np.ascontiguousarray(images), data[:, -3073].astype(np.int64), classes)


def _svhn(found: Found, split: str) -> Read:
    mat = read_arrays(
        _choose(found, split, {file.name.split("_")[0]: file for file in found.files})
    )
    labels = mat["y"].ravel().astype(np.int64) % 10  # the release writes the digit 0 as 10
    return Read(np.ascontiguousarray(mat["X"].transpose(3, 0, 1, 2)), labels, ())


def _npy(found: Found, split: str) -> Read:
    files = _choose(found, split, {"test": found.files})  # data, labels
    images, labels = (np.load(file, allow_pickle=False) for file in files)
    return Read(images, labels.astype(np.int64), ())


def _digits(found: Found, split: str) -> Read:
    part = _choose(found, split, {"train": slice(1297), "test": slice(1297, None)})
    table = np.loadtxt(found.files[0], delimiter=",")[part]  # the last 500 are by other writers
    images = np.round(table[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    return Read(images, table[:, 64].astype(np.int64), ())
