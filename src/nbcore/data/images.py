"""Images as arrays: image parquet, ImageFolder trees, IDX, CIFAR's binary release, .mat, .npy."""

import gzip
import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nbcore.data.sources import PICTURES, Found, obtain
from nbcore.errors import DataError, ParameterError

Raw = Sequence[bytes | Path] | np.ndarray  # what is still to be decoded, or pixels already
Read = tuple[Raw, np.ndarray, tuple[str, ...]]  # images, labels, class names ("" names unknown)
_SPLIT = re.compile(r"(train|test|val|validation|valid)(?![a-z])")
_SAME = {"validation": "val", "valid": "val", "t10k": "test"}
BROKEN = (OSError, ValueError, EOFError, KeyError, zlib.error, tarfile.TarError)


@dataclass(frozen=True)
class ImageSet:
    """Images with labels.

    images: uint8 (n, h, w, c), c = 1 (grey) or 3 (RGB), 0..255.  labels: int64 (n,), indices into
    `classes`.  checksum: sha256 over the source files, all splits.  source: where it was found.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    checksum: str
    source: str

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Sequence[int] | np.ndarray) -> "ImageSet":
        """The same set with these examples only: positions, a slice or a mask."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])


def load(name: str | os.PathLike[str], split: str = "test", size: int | None = None) -> ImageSet:
    """A data set by its name in the catalogue, or a folder of your own by its path.

    split: "train", "test" or "val"; "test" takes "val" where there is no test split, and a folder
    without splits is whole under any of them.  size: resize to size×size pixels (bicubic); needed
    where images differ in size.  DataError: nothing there, not readable, not of the stated form.
    """
    if split not in ("train", "test", "val"):
        raise ParameterError(f"split is 'train', 'test' or 'val', not {split!r}.")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ParameterError(f"size is a whole number of pixels from 1, not {size!r}.")
    found = obtain(name)
    if found.entry and found.entry.kind != "images":
        how = "load_testbed" if found.entry.kind == "predictions" else "load_timm_results"
        raise DataError(f"{found.name} holds {found.entry.kind}, no images: use {how}.")
    try:
        raw, labels, classes = _reader(found.files[0])(found, split)
    except BROKEN as error:
        raise DataError(
            f"{found.name} in {found.root} cannot be read ({str(error).splitlines()[0]}); "
            "a file may be truncated: fetch it again."
        ) from error
    classes = _named(found, labels, (found.entry.classes if found.entry else ()) or classes)
    images = _pixels(raw, size, found.name)
    place = f"{found.source}: {found.root}"
    return ImageSet(found.name, split, images, labels, classes, found.checksum, place)


def _reader(file: Path) -> Callable[[Found, str], Read]:
    by_end = {".parquet": _parquet, "ubyte": _idx, "ubyte.gz": _idx, ".tar.gz": _cifar_binary}
    by_end |= {".mat": _svhn, "_data.npy": _npy, ".csv.gz": _digits, ".csv": _digits}
    by_end |= dict.fromkeys(PICTURES, _tree)
    return next(reader for end, reader in by_end.items() if file.name.lower().endswith(end))


def _choose(found: Found, split: str) -> list[Path]:
    """The files of a split, read off the file's name or else the folders above it."""
    splits: dict[str, list[Path]] = {}
    for file in found.files:
        parts = file.relative_to(found.root).parts
        names = parts[:1] if file.suffix.lower() in PICTURES else parts[::-1]
        hit = next((m for part in names if (m := _SPLIT.match(part.lower()))), None)
        word = hit[1] if hit and (len(parts) > 1 or file.suffix == ".parquet") else ""
        splits.setdefault(_SAME.get(word, word), []).append(file)
    if "" in splits and len(splits) == 1:
        return splits[""]
    for choice in (split, "val") if split == "test" else (split,):
        if choice in splits:
            return splits[choice]
    have = ", ".join(sorted(s or "files outside any split" for s in splits))
    raise DataError(f"{found.name} in {found.root} has no split {split!r}; it has: {have}.")


def _need(found: Found, *names: str) -> list[Path]:
    """Files by name, packed or not; DataError names the missing one."""
    have = {file.name.removesuffix(".gz"): file for file in found.files}
    for name in names:
        if name not in have:
            raise DataError(f"{found.root} lacks {name} of {found.name}; put it there.")
    return [have[name] for name in names]


def _parquet(found: Found, split: str) -> Read:
    import pyarrow.parquet as pq

    raw: list[bytes | Path] = []
    labels: list[np.ndarray] = []
    classes: tuple[str, ...] = ()
    for file in _choose(found, split):
        try:
            table = pq.read_table(file)
        except Exception as error:  # pyarrow raises many kinds for a damaged file
            raise DataError(f"{file} is no whole parquet file; fetch it again.") from error
        image = next((c for c in ("img", "image") if c in table.column_names), None)
        label = next((c for c in ("label", "fine_label") if c in table.column_names), None)
        if not image or not label:
            raise DataError(
                f"{file} needs a column `img` or `image` and a column `label`; "
                f"it has: {', '.join(table.column_names)}."
            )
        column = table[label]
        if column.null_count or not str(column.type).startswith(("int", "uint")):
            raise DataError(f"{file}: column `{label}` must hold whole numbers without gaps.")
        labels.append(column.to_numpy().astype(np.int64))
        for i, cell in enumerate(table[image].to_pylist()):
            data = cell.get("bytes") if isinstance(cell, dict) else cell
            if not isinstance(data, bytes):
                raise DataError(f"{file}: row {i} of column `{image}` holds no image bytes.")
            raw.append(data)
        meta = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
        names = meta.get("info", {}).get("features", {}).get(label, {}).get("names")
        classes = tuple(names or classes)
    return raw, np.concatenate(labels), classes


def _tree(found: Found, split: str) -> Read:
    files = _choose(found, split)
    # classes are those of all splits, so that a class missing from one keeps the others' labels
    classes = tuple(sorted({file.parent.name for file in found.files}))
    if any(file.parent == found.root for file in files):
        raise DataError(f"{found.root} has pictures outside a class folder; move them into one.")
    index = {name: i for i, name in enumerate(classes)}
    return files, np.array([index[f.parent.name] for f in files], np.int64), classes


def _idx(found: Found, split: str) -> Read:
    part = {"train": "train", "test": "t10k", "val": "t10k"}[split]
    arrays = []
    for file in _need(found, f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"):
        with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as stream:
            data = stream.read()
        dims = data[3] if len(data) > 3 else 0
        shape = np.frombuffer(data[4 : 4 + 4 * dims], ">u4").astype(int)
        if data[:3] != b"\x00\x00\x08" or len(data) != 4 + 4 * dims + int(np.prod(shape)):
            raise DataError(f"{file} is no whole IDX file; fetch it again.")
        arrays.append(np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape))
    return arrays[0][..., None], arrays[1].astype(np.int64), ()


def _cifar_binary(found: Found, split: str) -> Read:
    """CIFAR's binary release: per image one label byte (CIFAR-100: two), then 3×32×32 bytes.

    Read straight from the archive, so that nothing is unpacked and nothing is unpickled.
    """
    wanted = re.compile(
        r"(data_batch_\d|train)\.bin" if split == "train" else r"test(_batch)?\.bin"
    )
    parts, names = {}, ""
    with tarfile.open(found.files[0]) as archive:
        for member in archive:
            base = member.name.rpartition("/")[2]
            if wanted.fullmatch(base):
                parts[base] = archive.extractfile(member).read()  # type: ignore[union-attr]
            elif base == "fine_label_names.txt":
                names = archive.extractfile(member).read().decode()  # type: ignore[union-attr]
    head = 2 if "100" in found.files[0].name else 1
    data = np.frombuffer(b"".join(parts[k] for k in sorted(parts)), np.uint8)
    if not len(data):
        raise DataError(f"{found.files[0]} holds no {split} images; fetch it again.")
    data = data.reshape(-1, head + 3072)
    images = data[:, head:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), data[:, head - 1].astype(np.int64), tuple(names.split())


def _svhn(found: Found, split: str) -> Read:
    from scipy.io import loadmat

    part = "train" if split == "train" else "test"
    mat = loadmat(_need(found, f"{part}_32x32.mat")[0])
    labels = mat["y"].ravel().astype(np.int64) % 10  # the release writes the digit 0 as 10
    return np.ascontiguousarray(mat["X"].transpose(3, 0, 1, 2)), labels, ()


def _npy(found: Found, split: str) -> Read:
    if split == "train":
        raise DataError(f"{found.name} is a test set; it has no split 'train'.")
    images, labels = (np.load(file, allow_pickle=False) for file in found.files)
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(labels):
        raise DataError(f"{found.files[0]} does not hold uint8 images (n, h, w, c), one per label.")
    return images, labels.astype(np.int64), ()


def _digits(found: Found, split: str) -> Read:
    table = np.loadtxt(found.files[0], delimiter=",")
    table = table[:1297] if split == "train" else table[1297:]  # the test digits: other writers
    images = np.round(table[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    return images, table[:, 64].astype(np.int64), ()


def _named(found: Found, labels: np.ndarray, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Class names for every label, or DataError for a label outside their range."""
    if not len(labels):
        raise DataError(f"{found.name} in {found.root} holds no images.")
    top = len(classes) or 100_000
    if labels.min() < 0 or labels.max() >= top:
        bad = int(labels.min() if labels.min() < 0 else labels.max())
        raise DataError(f"{found.name}: labels run from 0 to {top - 1}, but there is a {bad}.")
    return classes or tuple(str(i) for i in range(int(labels.max()) + 1))


def _pixels(raw: Raw, size: int | None, name: str) -> np.ndarray:
    """uint8 (n, h, w, c): decoded by a few threads (PIL releases the interpreter's lock)."""
    if (
        isinstance(raw, np.ndarray)
        and size in (None, raw.shape[1])
        and (raw.shape[1] == raw.shape[2] or size is None)
    ):
        return raw
    from tqdm import tqdm

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        jobs = pool.map(lambda pair: _decode(pair[1], size, f"{name}[{pair[0]}]"), enumerate(raw))
        pixels = list(tqdm(jobs, name, len(raw), leave=False, delay=2, disable=None, unit="img"))
    first = pixels[0]
    for i, image in enumerate(pixels):
        if image.shape[:2] != first.shape[:2]:
            raise DataError(
                f"{name} has images of different sizes ({first.shape[1]}×{first.shape[0]} and "
                f"{image.shape[1]}×{image.shape[0]} at {i}): choose one with size=, such as "
                f"size={min(*first.shape[:2], *image.shape[:2])}."
            )
    channels = max(image.shape[2] for image in pixels)  # grey only if all of them are
    out = np.empty((len(pixels), *first.shape[:2], channels), np.uint8)
    for i, image in enumerate(pixels):
        out[i] = image
    return out


def _decode(raw: bytes | Path | np.ndarray, size: int | None, where: str) -> np.ndarray:
    """One image as uint8 (h, w, 1 or 3); palettes and transparency become RGB, 16 bits 8."""
    from PIL import Image

    if isinstance(raw, np.ndarray):
        image = Image.fromarray(raw.squeeze())
    else:
        if isinstance(raw, Path):
            where = str(raw)
        try:
            image = Image.open(io.BytesIO(raw) if isinstance(raw, bytes) else raw)
            image.load()
        except Exception as error:  # PIL raises many kinds for a damaged file
            raise DataError(
                f"{where} is no readable image ({error}); mend or remove it."
            ) from error
    if image.mode.startswith(("I", "F")):  # 16 bits: keep the upper 8
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    image = image.convert("L" if image.mode in ("1", "L", "LA", "La") else "RGB")
    if size:
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels
