"""A data set's images as arrays with labels, by name or from a folder of your own."""

import io
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from nbcore import files
from nbcore.data import pixels, readers, scaling
from nbcore.data.catalog import Name
from nbcore.data.fetch import obtain
from nbcore.data.folders import shown
from nbcore.data.pixels import Unreadable
from nbcore.data.readers import Raw, Read
from nbcore.data.scaling import CONTRAST, Deep
from nbcore.data.sources import Found, checksum_of
from nbcore.errors import DataError, ParameterError, StoreError
from nbcore.paths import cache_dir

#: the share of a set's images that may be unreadable; they are left out and named
BEARABLE = 0.01
#: a class with fewer images than this is named
FEW = 10


@dataclass(frozen=True)
class ImageSet:
    """Images with labels.

    images: uint8 (n, h, w, c), c = 1 (grey) or 3 (RGB).  labels: int64 (n,), indices into classes.
    checksum: sha256 over the source files of all splits.  source: where they were found.
    files: (n,) names, or split and number where a file holds many.  notes: what was left out or is
    odd, a sentence each.  positions: (n,) where each image stands in the split as it lies on disk.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    checksum: str
    source: str
    files: np.ndarray = field(default_factory=lambda: np.array([], str))
    notes: tuple[str, ...] = ()
    positions: np.ndarray = field(default_factory=lambda: np.array([], int))

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Any) -> "ImageSet":
        """Select examples of the set by positions, a mask or a slice."""
        parts = {k: getattr(self, k) for k in ("images", "labels", "files", "positions")}
        return replace(self, **{k: v[indices] if len(v) else v for k, v in parts.items()})


def load(name: Name, split: str = "test", size: int | None = None) -> ImageSet:
    """Load a data set by its name in the catalogue, or your own images by their path.

    split: "train", "test" or, where there is one, "val"; a folder without splits, or with only
    one, gives the same images for each (`train_test` holds images out). size: resize to size×size
    pixels (bicubic); needed where images differ in size. A path may end in ::LAYOUT, see `layout`.
    DataError: nothing there, no such split, two ways to read it, or a file that is damaged or of
    another form. Of your own images up to 1 % may be unreadable: they are left out, and named.
    """
    if size is not None and (not isinstance(size, int) or size < 1):
        raise ParameterError(f"size is a whole number of pixels from 1, not {size!r}.")
    found = obtain(name)
    part = readers.read(found, split)
    digest, place = checksum_of(found), f"{found.source}: {shown(found.root)}"
    images, lost = _pixels(part, size, found, split, digest)
    kept = np.setdiff1d(np.arange(len(part.labels)), sorted(lost))
    notes = [*found.skipped, *_bearable(found, part, lost)]
    labels = part.labels[kept]
    if found.entry is None:
        notes += _odd(found, images, labels, part.classes)
    files = np.asarray(part.files)[kept]
    return ImageSet(
        found.name,
        split,
        images,
        labels,
        tuple(part.classes),
        digest,
        place,
        files,
        tuple(notes),
        kept,
    )


class Decoded(NamedTuple):
    """Images, None for those that are unreadable; lost: why, by their position."""

    images: list[np.ndarray | Deep | None]
    lost: dict[int, str]


def decode_all(raw: Raw, size: int | None, name: str) -> Decoded:
    """Decode every image, in threads where the images are large enough."""

    def one(item: Any) -> np.ndarray | Deep | str:
        try:
            return pixels.decode(item, size)
        except Unreadable as error:
            return str(error)

    # threads pay where decoding dwarfs the hand-over, not for images of 32×32
    small = not isinstance(raw[0], Path) and len(raw[0]) < 20_000
    with ThreadPoolExecutor(1 if small else os.cpu_count()) as pool:
        done = (map if small else pool.map)(one, raw)
        images = list(tqdm(done, shown(name), len(raw), leave=False, delay=2, disable=None))
    lost = {i: image for i, image in enumerate(images) if isinstance(image, str)}
    return Decoded([None if isinstance(image, str) else image for image in images], lost)


def _pixels(
    part: Read, size: int | None, found: Found, split: str, digest: str
) -> tuple[np.ndarray, dict[int, str]]:
    """Read the images of a split: uint8 (n, h, w, c), and why some are unreadable, by position.

    Images that take long to decode are kept in the cache, which is 20 times faster and checked
    when it is read.
    """
    raw = part.raw
    if isinstance(raw, np.ndarray) and (size is None or raw.shape[1:3] == (size, size)):
        return raw, {}
    kept = cache_dir() / "decoded" / f"{digest}-{split}-{size}.npz"
    if found_there := _kept(kept):
        return found_there
    start = time.monotonic()
    images, lost = decode_all(raw, size, found.name)
    _bearable(found, part, lost)
    out = _stacked([x for x in images if x is not None], found, split, size)
    if (len(out) > 5_000 or time.monotonic() - start > 5) and out.nbytes < 2**30:
        where, why = np.array(list(lost), int), np.array(list(lost.values()), str)
        np.savez(buffer := io.BytesIO(), images=out, lost=where, why=why)
        with suppress(StoreError):  # a full disk or a read-only cache is no reason to fail
            files.write_checked(kept, buffer.getbuffer())
    return out, lost


def _kept(file: Path) -> tuple[np.ndarray, dict[int, str]] | None:
    """Read what `_pixels` has kept in the cache; None where it is missing or damaged."""
    try:
        files.check(file)
        with open(file, "rb") as stream:
            stream.seek(files.HEADER)
            with np.load(stream, allow_pickle=False) as z:
                return z["images"], dict(zip(z["lost"].tolist(), z["why"].tolist(), strict=True))
    except files.Damaged as error:
        with suppress(StoreError):
            files.set_aside(file, str(error))
    except OSError:
        pass
    return None


def _stacked(
    images: list[np.ndarray | Deep], found: Found, split: str, size: int | None
) -> np.ndarray:
    shapes = [(x.values if isinstance(x, Deep) else x).shape for x in images]
    if len(two := list(dict.fromkeys(shape[:2] for shape in shapes))[:2]) == 2:
        (h, w), (h2, w2) = two
        raise DataError(
            f"{shown(found.name)} has images of different sizes, such as {w}×{h} and {w2}×{h2} "
            f"pixels: choose one, as in size={min(h, w)}."
        )
    over = _ranges(images, found, split, size)
    channels = max(shape[2] for shape in shapes)  # grey only if all are
    flat = (scaling.to_bytes(image, over) for image in images)
    out = np.stack([np.broadcast_to(x, (*shapes[0][:2], channels)) for x in flat])
    low, high = int(out.min()), int(out.max())
    # of plain tiles the values may differ by as little as they like, of pictures they may not
    plain = all(x.min() == x.max() for x in out)
    if found.entry is None and high - low < (1 if plain else CONTRAST):
        stored = "".join(f", stored as {a:g} to {b:g}" for a, b in over.values())
        raise DataError(
            f"The images of {shown(found.name)} have no contrast: all values lie between {low} and "
            f"{high} of 255{stored}; save them so that their values use the range of their type."
        )
    return out


def _ranges(
    images: list[np.ndarray | Deep], found: Found, split: str, size: int | None
) -> dict[str, tuple[float, float]]:
    """Compute the ranges of deep images over all splits, so that all are scaled alike."""
    over = scaling.ranges(images)
    for other in readers.splits(found) if over else ():
        if other != split and len(readers.splits(found)) > 1:
            part = decode_all(readers.read(found, other).raw, size, found.name)
            for kind, (low, high) in scaling.ranges(
                [x for x in part.images if x is not None]
            ).items():
                a, b = over.get(kind, (low, high))
                over[kind] = min(a, low), max(b, high)
    return over


def _bearable(found: Found, part: Read, lost: dict[int, str]) -> list[str]:
    """Describe the unreadable images. DataError for too many, or for a whole class."""
    if not lost:
        return []
    where = sorted(lost)
    first, n = where[0], len(part.labels)
    item = part.raw[first]
    label = pixels.name_of(item, f"{shown(found.name)}[{first}]")
    reasons = Counter(lost.values())
    counted = "; ".join(f"{count} {why}" for why, count in reasons.most_common())
    rest = f" ({len(lost)} of {n:,} images: {counted})" if len(lost) > 1 else ""
    left = np.bincount(np.delete(part.labels, where), minlength=len(part.classes))
    gone = [c for c in np.unique(part.labels) if not left[c]]
    whole = f"; no image of the class {shown(part.classes[gone[0]])!r} can be read" if gone else ""
    if found.entry is not None or gone or len(lost) > BEARABLE * n:
        raise DataError(
            f"{label} is no readable image ({lost[first]}){rest}{whole}; mend or remove it."
        )
    names = ", ".join(pixels.name_of(part.raw[i], f"[{i}]") for i in where[:3])
    more = ", …" if len(where) > 3 else ""
    return [
        f"{len(lost)} of {n:,} images cannot be read and are left out: {counted}: {names}{more}"
    ]


def _odd(found: Found, images: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Write notes on classes of few images, and on grey images among coloured ones."""
    out = []
    counts = np.bincount(labels, minlength=len(classes))
    few = [f"{shown(classes[i])} {counts[i]}" for i in np.unique(labels) if counts[i] < FEW]
    if few:
        more = f" and {len(few) - 6} more" if len(few) > 6 else ""
        out.append(f"few images: {', '.join(few[:6])}{more}")
    if images.shape[-1] == 3:
        grey = int(sum((x[..., :1] == x).all() for x in images))
        if 0 < grey < len(images):
            out.append(f"{grey:,} of {len(images):,} images are grey among coloured ones")
    return out
