"""Images to train on and others to test on: a set's own splits, or a part of each class held out.

Everything that trains and tests on images of your own goes through `hold_out`.
"""

import sys
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from nbcore.data import readers, trees
from nbcore.data.catalog import Name
from nbcore.data.fetch import obtain
from nbcore.data.folders import shown
from nbcore.data.images import ImageSet, load
from nbcore.data.sources import Found, is_own
from nbcore.errors import DataError
from nbcore.text import plain

#: of each class, where a set has no splits
SHARE, SEED = 0.2, 0
#: images of a class that are needed to hold some of them out
FEWEST = 2


class TrainTest(NamedTuple):
    """Two sets without an image in common, and a sentence on where the second comes from."""

    train: ImageSet
    test: ImageSet
    said: str


def splits_of(found: Found) -> list[str]:
    """Return the split to learn from and the one held out; only the first if there is no other.

    DataError for several splits of which none is called train.
    """
    have = readers.splits(found)
    if len(have) == 1:
        return have
    if "train" not in have:
        raise DataError(
            f"{shown(found.name)} has the splits {', '.join(filter(None, have))}, and none to "
            "learn from; name one of them train."
        )
    other = next((split for split in ("test", "val") if split in have), None)
    return ["train", other] if other else ["train"]


def has_test(name: Name) -> bool:
    """Say whether a set has a split to test on besides the one to learn from."""
    return len(splits_of(obtain(name))) > 1


def hold_out(labels: np.ndarray, share: float = SHARE, seed: int = SEED) -> np.ndarray:
    """Draw a share of each class at random, at least one image: (n,) bool."""
    out = np.zeros(len(labels), bool)
    for c in np.unique(labels):
        own = np.random.default_rng([seed, c]).permutation(np.flatnonzero(labels == c))
        out[own[: max(round(share * len(own)), 1)]] = True
    return out


def train_test(
    name: Name, size: int | None = None, share: float = SHARE, seed: int = SEED
) -> TrainTest:
    """Load a set's images to train on and to test on, with equal channels; no image is in both.

    The test split is the set's own, or else val; without either, `share` of each class is held
    out, drawn with `seed`. DataError: as `load`; a class of one image, where some are to be held
    out.
    """
    found = obtain(name)
    split, *other = splits_of(found)
    train = load(name, split or "train", size)
    if other:
        test = load(name, other[0], size)
        return TrainTest(*_alike(train, test), _said_of_own(found, train, test))
    counts = np.bincount(train.labels)
    few = [c for c in np.unique(train.labels) if counts[c] < FEWEST]
    if few:
        raise DataError(
            f"{shown(found.name)} has no test split, and its class "
            f"{shown(train.classes[few[0]])!r} has {counts[few[0]]} image, of which none can be "
            "held out; add some, or make folders train and test."
        )
    out = hold_out(train.labels, share, seed)
    parts = train.subset(~out), replace(train.subset(out), split="test")
    return TrainTest(
        *parts, held_out_sentence(found, share, seed, int((~out).sum()), int(out.sum()))
    )


def held_out_sentence(found: Found, share: float, seed: int, training: int, test: int) -> str:
    """Write the page's sentence on what was held out of a set without splits."""
    return (
        f"{shown(found.name)} has no test split: of each class {share:.0%} of the images (one at "
        f"the least), drawn with seed {seed}, are held out: {training:,} to train on, {test:,} to "
        "test on."
    )


def _said_of_own(found: Found, train: ImageSet, test: ImageSet) -> str:
    if found.entry is not None:
        return ""
    same = ""
    if train.images.shape[1:] == test.images.shape[1:]:
        seen = {x.tobytes() for x in train.images}
        n = sum(x.tobytes() in seen for x in test.images)
        same = f"; {n} of them are, pixel for pixel, among the training images" if n else ""
    return (
        f"{shown(found.name)} has splits of its own: {len(train):,} images to train on, "
        f"{len(test):,} to test on{same}."
    )


def _alike(train: ImageSet, test: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Give both sets the larger number of channels of the two: grey is repeated."""
    channels = max(part.images.shape[-1] for part in (train, test))
    return tuple(  # type: ignore[return-value]
        replace(p, images=np.broadcast_to(p.images, (*p.images.shape[:-1], channels)))
        if p.images.shape[-1] < channels
        else p
        for p in (train, test)
    )


def describe(name: Name) -> list[str]:
    """Describe how your own images were read: the classes with counts, and what was left out.

    One sentence each. Nothing is decoded, so unreadable images are not in it (`ImageSet.notes`).
    """
    found = obtain(name)
    out = trees.told(found) if readers.is_tree(found) else [_table_told(found)]
    return [f"{shown(found.name)}: {text}." for text in (*out, *found.skipped)]


def _table_told(found: Found) -> str:
    parts = []
    for split in readers.splits(found):
        part = readers.read(found, split)
        counts = np.bincount(part.labels, minlength=len(part.classes))
        named = {str(c): int(n) for c, n in zip(part.classes, counts, strict=True) if n}
        parts.append((f"{split}: " if split else "") + shown(readers.listed(named)))
    return "; ".join(parts)


def tell(*names: Name, held_out: bool = False) -> None:
    """Say how the folders among these names were read, before anything is computed with them.

    In a notebook it is shown on the page, elsewhere on stderr; once for each name. held_out: also
    say how they are divided into images to train on and to test on.
    """
    for name in names:
        if is_own(name):
            _tell(str(name), held_out)


@cache
def _tell(name: str, held_out: bool) -> None:
    lines = describe(name)
    found = obtain(name)
    if held_out and len(splits_of(found)) == 1:
        labels = readers.read(found, splits_of(found)[0]).labels
        out = hold_out(labels)
        lines.append(held_out_sentence(found, SHARE, SEED, int((~out).sum()), int(out.sum())))
    shell = sys.modules.get("IPython")
    in_notebook = shell is not None and shell.get_ipython() is not None
    print("\n".join(map(plain, lines)), file=sys.stdout if in_notebook else sys.stderr)
