"""The images that `nbcore difficulty` judges, looked at and checked before any training."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from nbcore import data as nbdata
from nbcore.data import pixels, readers, scaling
from nbcore.data.fetch import obtain
from nbcore.data.sources import Found
from nbcore.data.splits import splits_of
from nbcore.errors import DataError
from nbcore.measures.selection import balanced_subset

#: images of up to this side in pixels are used as they are, and larger ones brought to SMALL
LARGEST, SMALL = 64, 32


class Sample(NamedTuple):
    """The images to be judged, those of the training split where there are several.

    labels (n,), files (n,) names, raw: n arrays, files or encoded images; classes; grey: one
    channel; side: in pixels, that the images should be brought to, None: as they are; notes: what
    was left out or is odd, a sentence each; native: the side in pixels that all of them have, where
    that is LARGEST or less.
    """

    labels: np.ndarray
    files: np.ndarray
    raw: readers.Raw
    classes: tuple[str, ...]
    grey: bool
    side: int | None
    notes: tuple[str, ...] = ()
    native: int | None = None

    def some(self, n: int, seed: int) -> np.ndarray:
        """Return positions of the images that an ensemble of `n` examples uses, in its order."""
        return balanced_subset(self.labels, min(n, len(self.labels)), seed)

    def picture(self, position: int, most: int = 96) -> Image.Image:
        """Draw one image in its own colours, at most `most` pixels wide and high."""
        decoded = pixels.decode(self.raw[position])
        over = scaling.ranges([decoded])  # of this one alone: it is to be looked at
        shown = scaling.to_bytes(decoded, over)
        image = Image.fromarray(shown[..., 0] if shown.shape[-1] == 1 else shown)
        image.thumbnail((most, most), Image.Resampling.LANCZOS)
        return image


def look(dataset: str) -> Sample:
    """Read the sample of a name or a folder; what cannot be read of a folder is left out.

    DataError: nothing there, not images, images of one class only, too many unreadable ones.
    """
    found = obtain(dataset)
    split = splits_of(found)[0] or "train"
    raw, labels, classes, files = readers.read(found, split)
    used = np.unique(labels)
    if len(used) < 2:
        raise DataError(
            f"{dataset} has images of one class only, {classes[used[0]]!r}; a network needs two "
            "classes or more to tell apart, in a folder each."
        )
    grey, side, native = _form(found, raw)
    notes: tuple[str, ...] = ()
    if found.entry is None:
        part = nbdata.load(dataset, split, side)
        labels, files, notes = part.labels, part.files, part.notes
        raw = [raw[i] for i in part.positions]
    return Sample(labels, np.asarray(files), raw, tuple(classes), grey, side, notes, native)


def enough(sample: Sample, positions: np.ndarray, folds: int, dataset: str) -> None:
    """Raise DataError unless every class has an example for each of the folds."""
    counts = np.bincount(sample.labels[positions], minlength=len(sample.classes))
    few = [i for i in np.unique(sample.labels) if counts[i] < max(folds, 2)]
    if few:
        others = f" (too few also: {', '.join(sample.classes[i] for i in few[1:4])})"
        raise DataError(
            f"The class {sample.classes[few[0]]!r} of {dataset} has {counts[few[0]]} images"
            f"{others if few[1:] else ''}, but every one of {folds} folds is to hold one out; add "
            "images, leave the class out, or use fewer folds, as in held_out=0.5."
        )


def _form(found: Found, raw: readers.Raw) -> tuple[bool, int | None, int | None]:
    """Say whether images are grey, the side to bring them to, and their own, from about 100."""
    if isinstance(raw, np.ndarray):
        height, width, channels = raw.shape[1:]
        fits = max(height, width) <= LARGEST
        return channels == 1, None if fits else SMALL, max(height, width) if fits else None
    sizes, grey = set(), True
    for i in np.unique(np.linspace(0, len(raw) - 1, 100).astype(int)):
        if head := pixels.header(raw[i]):
            sizes.add(head[0])
            grey &= head[1]
    width, height = max(sizes, default=(0, 0))
    fits = len(sizes) == 1 and width == height <= LARGEST
    if found.entry is not None and fits:
        return grey, None, width  # as the book's own ensembles
    return grey, width if fits else SMALL, width if fits else None
