"""Which folders are splits and which are classes, decided by the names in a tree alone.

The rule, level by level from the root:

- a single folder is unwrapped (`archive/images/cat` is `cat`);
- a level whose names are all split words is the split level. Split words are those of `WORDS`, in
  any case, and with common additions: `seg_train`, `split=train`, `training_set`, `test2017`, or
  one more word that all of the level share, as in `pets_train`, `pets_test`;
- the next level is the class level: a class is the folder directly under the root or the split;
- below a class images are collected, however deep they lie.

Where two readings are possible, both are given, and `nbcore.data` refuses to choose.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: split -> the words that name it
WORDS = {
    "train": ("train", "training", "trn", "trainval"),
    "test": ("test", "testing", "tst"),
    "val": ("val", "valid", "validation", "dev", "eval", "evaluation"),
    "extra": ("extra",),
    "unlabelled": ("unlabelled", "unlabeled", "pred", "predict", "prediction"),
}
#: what may stand before or after a split word
AROUND = (
    *("split", "set", "dataset", "data", "subset", "folder", "images", "image", "imgs", "img"),
    *("seg", "part", "photos", "pictures", "pics", "cropped", "resized"),
)
#: the ways to read a folder; "parquet" is meant where pictures lie beside image parquet
LAYOUTS = ("class", "split/class", "class/split", "parquet")

_SPLIT = {word: split for split, words in WORDS.items() for word in words}
_AROUND = "|".join(AROUND)
_NAME = re.compile(rf"(?:{_AROUND})*({'|'.join(_SPLIT)})(?:{_AROUND})*")

Parts = tuple[str, ...]  # a file below the root: its folders, then its name


class Reading(NamedTuple):
    """A layout, and for each file its split ("" without splits) and class (None: left out)."""

    layout: str
    splits: list[str]
    classes: list[str | None]

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the images as {split: {class: number}}; both in the order of their names."""
        pairs = Counter((s, c) for s, c in zip(self.splits, self.classes, strict=True) if c)
        out: dict[str, dict[str, int]] = {}
        for (split, label), n in sorted(pairs.items()):
            out.setdefault(split, {})[label] = n
        return out

    def told(self, most: int = 12) -> str:
        """Write the counts in words: `train: cat 9, dog 9; test: cat 3, dog 3`."""
        return "; ".join(
            f"{split}: {listed(counts, most)}" if split else listed(counts, most)
            for split, counts in self.counts().items()
        )


def listed(counts: dict[str, int], most: int = 12) -> str:
    """List counts as `cat 9, dog 9`, and say how many more there are."""
    shown = ", ".join(f"{name} {n:,}" for name, n in list(counts.items())[:most])
    return f"{shown} and {len(counts) - most} more" if len(counts) > most else shown


def split_of(name: str) -> str | None:
    """Map a name by itself to its split, else None: "seg_train" -> "train", "test tube" -> None."""
    letters = re.sub(r"[\W\d_]+", "", name.lower())
    match = _NAME.fullmatch(letters)
    return _SPLIT[match[1]] if match else None


def splits_of_level(names: Iterable[str]) -> dict[str, str] | None:
    """Map names of a level to splits if all are split words or differ only in one, else None."""
    names = list(names)
    alone = {name: split for name in names if (split := split_of(name))}
    if len(alone) == len(names):
        return alone
    words = [re.split(r"[\W_]+", name.lower()) for name in names]
    if len({len(w) for w in words}) != 1:
        return None
    differ = [i for i in range(len(words[0])) if len({w[i] for w in words}) > 1]
    found = [split_of(w[differ[0]]) for w in words] if len(differ) == 1 else []
    distinct = set(found) - {None}
    return dict(zip(names, found, strict=True)) if len(distinct) > 1 and None not in found else None  # type: ignore[arg-type]


class _Level(NamedTuple):
    """The files below one folder, by index: those in sub-folders, by name, and all others."""

    folders: dict[str, list[int]]
    loose: list[int]


def _level(paths: Sequence[Parts], files: Iterable[int], depth: int) -> _Level:
    folders: dict[str, list[int]] = {}
    loose = []
    for i in files:
        if len(paths[i]) > depth + 1:
            folders.setdefault(paths[i][depth], []).append(i)
        else:
            loose.append(i)
    return _Level(folders, loose)


def _unwrap(paths: Sequence[Parts], files: list[int], depth: int) -> int:
    """Return the depth below nested single folders; a few stray files beside them are ignored."""
    while True:
        level = _level(paths, files, depth)
        if len(level.folders) != 1 or 4 * len(level.loose) >= len(files):
            return depth
        inside = _level(paths, next(iter(level.folders.values())), depth + 1)
        if not inside.folders or 4 * len(inside.loose) >= len(files):
            return depth
        depth += 1


def readings(paths: Sequence[Parts]) -> list[Reading]:
    """List the possible readings of a tree of images, the likeliest first.

    paths: each image's parts below the root. Empty: no folder could be a class.
    """
    files = list(range(len(paths)))
    depth = _unwrap(paths, files, 0)
    level = _level(paths, files, depth)
    by_split = splits_of_level(level.folders) if level.folders else None
    if by_split and len(set(by_split.values())) > 1:
        found = _split_class(paths, level, by_split, depth)
        return [found] if any(found.classes) else []
    out = [_class(paths, level)] if level.folders else []
    named = _named(level)
    splits = _split_class(paths, level, named, depth)
    per_split: dict[str, set[str]] = {}
    for split, label in zip(splits.splits, splits.classes, strict=True):
        if label:
            per_split.setdefault(split, set()).add(label)
    if any(len(labels) > 1 for labels in per_split.values()):
        out.append(splits)
    below = _class_split(paths, level, depth)
    if len({s for s, c in zip(below.splits, below.classes, strict=True) if c}) > 1:
        out.append(below)
    return out


def forced(paths: Sequence[Parts], layout: str) -> Reading | None:
    """Read a tree by the layout that was asked for; None where it has no such levels."""
    files = list(range(len(paths)))
    depth = _unwrap(paths, files, 0)
    level = _level(paths, files, depth)
    if layout == "class":
        found = _class(paths, level)
    elif layout == "split/class":
        named = splits_of_level(level.folders) or {
            n: s for n in level.folders if (s := split_of(n))
        }
        found = _split_class(paths, level, named, depth)
    else:
        found = _class_split(paths, level, depth)
    return found if any(found.classes) else None


def _named(level: _Level) -> dict[str, str]:
    return {name: split for name in level.folders if (split := split_of(name))}


def _blank(paths: Sequence[Parts], layout: str) -> Reading:
    return Reading(layout, [""] * len(paths), [None] * len(paths))


def _class(paths: Sequence[Parts], level: _Level) -> Reading:
    out = _blank(paths, "class")
    for name, files in _tidy(level.folders).items():
        for i in files:
            out.classes[i] = name
    return out


def _split_class(
    paths: Sequence[Parts], level: _Level, splits: dict[str, str], depth: int
) -> Reading:
    out = _blank(paths, "split/class")
    inner = {name: depth + 1 for name in splits}
    while inner:  # what wraps the classes of every split
        below = {n: _unwrap(paths, level.folders[n], d) for n, d in inner.items()}
        if not all(below[n] > inner[n] for n in inner):
            break
        inner = below
    for name, split in splits.items():
        at = _level(paths, level.folders[name], inner[name])
        only = next(iter(at.folders)) if len(at.folders) == 1 else ""
        while only and (split_of(only) or only.lower() in AROUND):  # seg_pred/seg_pred, val/images
            inner[name] += 1
            at = _level(paths, level.folders[name], inner[name])
            only = next(iter(at.folders)) if len(at.folders) == 1 else ""
        for i in level.folders[name]:
            out.splits[i] = split
        for label, files in _tidy(at.folders).items():
            for i in files:
                out.classes[i] = label
    return out


def _class_split(paths: Sequence[Parts], level: _Level, depth: int) -> Reading:
    out = _blank(paths, "class/split")
    for label, files in _tidy(level.folders).items():
        for name, inside in _level(paths, files, depth + 1).folders.items():
            for i in inside if (split := split_of(name)) else ():
                out.splits[i], out.classes[i] = split or "", label
    return out


def _tidy(folders: dict[str, list[int]]) -> dict[str, list[int]]:
    """Group folders by class name: `label=cat` becomes cat, and é has one spelling (NFC)."""
    out: dict[str, list[int]] = {}
    for name, files in folders.items():
        label = re.sub(r"^(label|class|category)=(?=.)", "", unicodedata.normalize("NFC", name))
        out.setdefault(label, []).extend(files)
    return out
