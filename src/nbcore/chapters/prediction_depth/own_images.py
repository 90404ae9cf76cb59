"""Images of your own for a pretrained network: at its size, split in two, thinned to memory."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nbcore.data import readers
from nbcore.data.fetch import obtain
from nbcore.data.images import ImageSet
from nbcore.data.images import load as load_images
from nbcore.data.sources import Found
from nbcore.data.splits import held_out_sentence, hold_out, splits_of
from nbcore.errors import DataError
from nbcore.measures.selection import balanced_subset

#: bytes that the images, and later the embeddings at one probe, may take
BUDGET = 3 * 2**29
FEWEST = 4  # images of a class: three to learn from, one to hold out


class Images(NamedTuple):
    """Images of your own, those to learn from first.

    images: uint8 (n, h, w, c); labels: (n,) indices into classes; files: (n,) names, or split and
    index where a file holds many; training: how many of them are to learn from; found: of how many
    these were chosen; notes: what was left out or is odd.
    """

    images: np.ndarray
    labels: np.ndarray
    files: np.ndarray
    training: int
    classes: tuple[str, ...]
    found: int
    notes: tuple[str, ...] = ()


def load(
    dataset: str,
    size: int,
    room: Callable[[np.ndarray], int],
    most: int = 0,
    held_out: float = 0.2,
    seed: int = 0,
) -> Images:
    """Load the images of a folder or name, with their own test split or `held_out` of each class.

    size: side that they are brought to (or, where all of them would not fit into memory so, that of
    the network that resizes them); room: given one image (1, h, w, c), how many like it may be
    used; most: at most so many, 0 for all. More are thinned evenly over the classes. DataError:
    fewer than two classes, or than four images in one; a damaged image; too many.
    """
    found = obtain(dataset)
    splits = splits_of(found)
    parts = [_load(dataset, found, split or "train", size) for split in splits]
    names = max((part.classes for part in parts), key=len)
    notes = tuple(dict.fromkeys(f"{note}." for part in parts for note in part.notes))
    total = sum(map(len, parts))
    limit = min(room(parts[0].images[:1]), most or total, total)
    kept = []
    for part in parts:
        share = min(max(round(limit * len(part) / total), 1), len(part))
        kept.append(np.sort(balanced_subset(part.labels, share, seed)))
    if len(parts) == 1:
        _enough([parts[0].labels[kept[0]]], names, dataset, total, limit)
        out = hold_out(parts[0].labels[kept[0]], held_out, seed)
        kept = [kept[0][~out], kept[0][out]]
        notes += (held_out_sentence(found, held_out, seed, len(kept[0]), len(kept[1])),)
        parts *= 2
    else:
        _enough(
            [p.labels[i] for p, i in zip(parts, kept, strict=True)], names, dataset, total, limit
        )
    chosen = list(zip(parts, kept, strict=True))
    images = [part.images[i] for part, i in chosen]
    channels = max(x.shape[-1] for x in images)  # grey repeated where the other part has colours
    images = [np.broadcast_to(x, (*x.shape[:-1], channels)) for x in images]
    labels = np.concatenate([part.labels[i] for part, i in chosen])
    used, labels = np.unique(labels, return_inverse=True)
    files = [part.files[i] for part, i in chosen]
    classes = tuple(str(names[i]) for i in used)
    return Images(
        np.concatenate(images), labels, np.concatenate(files), len(kept[0]), classes, total, notes
    )


def _load(dataset: str, found: Found, split: str, size: int) -> ImageSet:
    n = _count(found)
    if n is not None and n * size * size * 3 <= BUDGET:
        return load_images(dataset, split, size)
    try:
        return load_images(dataset, split)  # of their own size, which is usually small
    except DataError as error:
        if "different sizes" not in str(error):
            raise
    raise DataError(
        f"{dataset} has {n} images of different sizes, which at {size}×{size} pixels take more "
        f"than {BUDGET / 2**30:.1f} GiB; give {BUDGET // (3 * size * size)} at most."
    )


def _count(found: Found) -> int | None:
    """Count the images in all splits; None for arrays, whose images have one size already."""
    if readers.is_tree(found):
        return len(found.files)
    if found.files[0].suffix != ".parquet":
        return None
    return sum(len(readers.read(found, split).labels) for split in readers.splits(found))


def _enough(
    labels: list[np.ndarray], names: Sequence[str], dataset: str, total: int, limit: int
) -> None:
    counts = np.bincount(labels[0], minlength=len(names))
    used = np.unique(np.concatenate(labels))
    thinned = f" ({limit} of {total} images were used)" if limit < total else ""
    if len(used) < 2:
        raise DataError(
            f"{dataset} has images of one class only, {names[used[0]]!r}; a head needs two classes "
            "or more, in a folder each."
        )
    few = [i for i in used if counts[i] < FEWEST]
    if few:
        others = f", and too few also {', '.join(names[i] for i in few[1:4])}" if few[1:] else ""
        raise DataError(
            f"The class {names[few[0]]!r} of {dataset} has {counts[few[0]]} images to learn from"
            f"{others}{thinned}; a class needs {FEWEST}: add some, or leave the class out."
        )
