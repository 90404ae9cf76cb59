"""Images as arrays: image parquet, a folder per class, IDX, CIFAR's binary release, .mat, .npy."""

import gzip
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tqdm import tqdm

from nbcore.data.catalog import Name
from nbcore.data.sources import Found, checksum_of, is_picture, obtain
from nbcore.errors import DataError, ParameterError
from nbcore.paths import cache_dir

Raw = np.ndarray | Sequence[bytes | Path]  # pixels, or images still to be decoded
Read = tuple[Raw, np.ndarray, Sequence[str]]  # with labels and class names (none: not known)


@dataclass(frozen=True)
class ImageSet:
    """Images with labels.

    images: uint8 (n, h, w, c), c = 1 (grey) or 3 (RGB).  labels: int64 (n,), indices into classes.
    checksum: sha256 over the source files of all splits.  source: where they were found.
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

    def subset(self, indices: Any) -> "ImageSet":
        """The same set with these examples only: positions, a mask or a slice."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])


def load(name: Name, split: str = "test", size: int | None = None) -> ImageSet:
    """A data set by its name in the catalogue, or images of your own by their path.

    split: "train", "test" or, where there is one, "val"; a folder without splits is the same under
    each.  size: resize to size×size pixels (bicubic); needed where images differ in size.
    DataError: nothing there, no such split, or a file that is damaged or of another form.
    """
    if size is not None and (not isinstance(size, int) or size < 1):
        raise ParameterError(f"size is a whole number of pixels from 1, not {size!r}.")
    found = obtain(name)
    raw, labels, classes = read(found, split)
    digest, place = checksum_of(found), f"{found.source}: {found.root}"
    images = _pixels(raw, size, found.name, f"{digest}-{split}-{size}")
    return ImageSet(found.name, split, images, labels, tuple(classes), digest, place)


def read(found: Found, split: str) -> Read:
    """A split as it lies on disk: pixels or images still to be decoded, labels, class names."""
    e = found.entry
    if e and e.kind != "images":
        raise DataError(f"{e.name} holds {e.kind}: use load_testbed or load_timm_results.")
    try:
        raw, labels, names = _reader(found.files[0])(found, split)
    except DataError:
        raise
    except Exception as error:  # every format has its own kinds for a damaged file
        raise _bad(found, f"is damaged ({str(error).splitlines()[0]}); renew it") from error
    if len(raw) != len(labels) or isinstance(raw, np.ndarray) and raw.dtype != np.uint8:
        raise _bad(found, f"is damaged ({len(raw)} images, {len(labels)} labels); renew it")
    names = (e.classes if e else ()) or names
    top = len(names) or 100_000
    if not len(labels) or labels.min() < 0 or labels.max() >= top:
        have = f"{labels.min()} to {labels.max()}" if len(labels) else "none"
        raise _bad(found, f"needs labels from 0 to {top - 1}, but has {have}")
    return raw, labels, tuple(names) or tuple(str(i) for i in range(labels.max() + 1))


def _bad(found: Found, why: str) -> DataError:
    return DataError(f"{found.name} in {found.root} {why}.")


def _reader(file: Path) -> Callable[[Found, str], Read]:
    readers = {".parquet": _parquet, "ubyte": _idx, "ubyte.gz": _idx, ".tar.gz": _cifar_binary}
    readers |= {".mat": _svhn, ".npy": _npy, ".csv.gz": _digits}
    return next((read for end, read in readers.items() if file.name.endswith(end)), _tree)


def _choose(found: Found, split: str, splits: Mapping[str, Any]) -> Any:
    if split in splits:
        return splits[split]
    have = ", ".join(sorted(s or "files outside any split" for s in splits))
    raise _bad(found, f"has no split {split!r}; it has: {have}")


def _by_name(found: Found, split: str) -> list[Path]:
    """The files of a split, as their name or a folder above them says; all, if none says."""
    splits: dict[str, list[Path]] = {}
    for file in found.files:
        parts = file.relative_to(found.root).parts
        # of a picture the outermost folder alone, and not its class: that may be called "train"
        words = parts[:-2][:1] if is_picture(file) else parts[::-1]
        hits = (re.match(r"(train|test|val)(id(ation)?)?(?![a-z])", w.lower()) for w in words)
        splits.setdefault(next((hit[1] for hit in hits if hit), ""), []).append(file)
    return found.files if set(splits) == {""} else _choose(found, split, splits)


def _parquet(found: Found, split: str) -> Read:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    from pyarrow.types import is_binary, is_integer, is_large_binary, is_struct

    table = pq.read_table(_by_name(found, split))
    columns = {column.name: column.type for column in table.schema}
    image = next((name for name in ("img", "image") if name in columns), "")
    label = next((name for name in ("label", "fine_label") if name in columns), "")
    data: Any = table[image] if image else None
    if image and is_struct(columns[image]):
        data = pc.struct_field(data, "bytes")
    binary = image and (is_binary(data.type) or is_large_binary(data.type))
    if not binary or not label or not is_integer(columns[label]):
        have = ", ".join(f"{name} ({kind})" for name, kind in columns.items())
        raise _bad(found, f"needs bytes in `img` or `image`, integers in `label`; it has {have}")
    if data.null_count or table[label].null_count:
        raise _bad(found, "has rows without image bytes or label; fill them in")
    meta = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    names = meta.get("info", {}).get("features", {}).get(label, {}).get("names") or ()
    return data.to_pylist(), table[label].to_numpy().astype(np.int64), names


def _tree(found: Found, split: str) -> Read:
    files = _by_name(found, split)
    if any(file.parent == found.root for file in files):
        raise _bad(found, "has pictures outside any class folder; move them into one")
    # the classes of all splits, so that one that a split lacks does not shift the others
    classes = sorted({file.parent.name for file in found.files})
    index = {name: i for i, name in enumerate(classes)}
    return files, np.array([index[file.parent.name] for file in files], np.int64), classes


def _idx(found: Found, split: str) -> Read:
    starts = {"train": "train-", "test": "t10k-"}
    pairs = {s: [f for f in found.files if f.name.startswith(t)] for s, t in starts.items()}
    arrays = []  # of images, then of labels
    for file in _choose(found, split, {s: pair for s, pair in pairs.items() if len(pair) == 2}):
        with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as stream:
            data = stream.read()
        shape = np.frombuffer(data, ">u4", data[3], offset=4).astype(int)
        arrays.append(np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape))
    return arrays[0][..., None], arrays[1].astype(np.int64), ()


def _cifar_binary(found: Found, split: str) -> Read:
    """CIFAR's binary release: one label byte per image (CIFAR-100: two), then 3×32×32 bytes.

    Read from the archive itself: nothing is unpacked and nothing unpickled.
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
    return np.ascontiguousarray(images), data[:, -3073].astype(np.int64), classes


def _svhn(found: Found, split: str) -> Read:
    from scipy.io import loadmat

    mat = loadmat(_choose(found, split, {file.name.split("_")[0]: file for file in found.files}))
    labels = mat["y"].ravel().astype(np.int64) % 10  # the release writes the digit 0 as 10
    return np.ascontiguousarray(mat["X"].transpose(3, 0, 1, 2)), labels, ()


def _npy(found: Found, split: str) -> Read:
    files = _choose(found, split, {"test": found.files})  # data, labels
    images, labels = (np.load(file, allow_pickle=False) for file in files)
    return images, labels.astype(np.int64), ()


def _digits(found: Found, split: str) -> Read:
    part = _choose(found, split, {"train": slice(1297), "test": slice(1297, None)})
    table = np.loadtxt(found.files[0], delimiter=",")[part]  # the last 500 are by other writers
    images = np.round(table[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    return images, table[:, 64].astype(np.int64), ()


def _pixels(raw: Raw, size: int | None, name: str, key: str) -> np.ndarray:
    """uint8 (n, h, w, c) from encoded images or arrays; DataError if their sizes differ.

    Many decoded images are kept in the cache under `key`: reading them back is 20 times faster.
    """
    if isinstance(raw, np.ndarray) and (size is None or raw.shape[1:3] == (size, size)):
        return raw
    kept = cache_dir() / "decoded" / f"{key}.npy"
    with suppress(OSError, ValueError, EOFError):
        return np.load(kept, allow_pickle=False)
    # threads pay where decoding dwarfs the hand-over, not for images of 32×32
    small = not isinstance(raw[0], Path) and len(raw[0]) < 20_000
    with ThreadPoolExecutor(1 if small else os.cpu_count()) as pool:
        where = (f"{name}[{i}]" for i in range(len(raw)))
        done = (map if small else pool.map)(_decode, raw, [size] * len(raw), where)
        images = list(tqdm(done, name, len(raw), leave=False, delay=2, disable=None))
    shapes = [image.shape[:2] for image in images]
    if len(two := list(dict.fromkeys(shapes))[:2]) == 2:
        (h, w), (h2, w2) = two
        raise DataError(
            f"{name} has images of different sizes, such as {w}×{h} and {w2}×{h2} pixels: "
            f"choose one, as in size={min(h, w)}."
        )
    channels = max(image.shape[2] for image in images)  # grey only if all are
    out = np.stack([np.broadcast_to(image, (*shapes[0], channels)) for image in images])
    if len(out) > 5_000 and out.nbytes < 2**30:
        with suppress(OSError):  # a full disk or a read-only cache is no reason to fail
            kept.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=kept.parent) as folder:
                np.save(Path(folder) / kept.name, out)
                os.replace(Path(folder) / kept.name, kept)
    return out


def _decode(raw: bytes | Path | np.ndarray, size: int | None, where: str) -> np.ndarray:
    """One image as uint8 (h, w, 1 or 3); palettes become RGB, 16 bits 8, transparency goes."""
    from PIL import Image

    try:
        if isinstance(raw, np.ndarray):
            image = Image.fromarray(raw.squeeze())
        else:
            image = Image.open(io.BytesIO(raw) if isinstance(raw, bytes) else raw)
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) >> 8).astype("u1"))
        image = image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    except Exception as error:  # PIL raises many kinds for a damaged file
        where = str(raw) if isinstance(raw, Path) else where
        raise DataError(f"{where} is no readable image ({error}); mend or remove it.") from error
    if size:
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return np.atleast_3d(np.asarray(image))
