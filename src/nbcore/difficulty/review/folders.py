"""Correct the labels of pictures in folders: which file goes where, and back again."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from nbcore.data import trees
from nbcore.data.folders import SYSTEM, contents, shown
from nbcore.data.layout import Parts, forced, readings
from nbcore.data.sources import Found
from nbcore.difficulty.review.decisions import Item, Outcome
from nbcore.difficulty.review.identity import SHOWN, image_id
from nbcore.errors import DataError, ParameterError
from nbcore.text import UNSEEN, plain

#: how a folder may say what it is named for, as `layout` reads it
_LABEL = re.compile(r"^(label|class|category)=(?=.)")


class Pictures(NamedTuple):
    """The labelled pictures of a folder: parts of each path below the root, splits and items."""

    paths: list[Parts]
    splits: list[str]
    items: list[Item]

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in order."""
        return sorted({item.label for item in self.items})


def look(found: Found) -> Pictures:
    """Read the ids and labels of all pictures with a class, in every split."""
    how = trees.reading(found)
    out = Pictures([], [], [])
    rows = list(zip(found.files, how.splits, how.classes, strict=True))
    for file, split, label in tqdm(rows, desc="ids", leave=False, delay=2):
        if label and file.is_file():  # a broken link has no content
            out.paths.append(file.relative_to(found.root).parts)
            out.splits.append(split)
            out.items.append(Item(image_id(file), label))
    return out


def moves(
    paths: Sequence[Parts],
    items: Sequence[Item],
    labels: Sequence[str | None],
    splits: Sequence[str] | None = None,
    others: Sequence[Parts] = (),
) -> list[Parts | None]:
    """Find each picture's path after its label changed; None for those that are left out.

    The folder of the class is replaced, what is above and below it stays. Where a file of that name
    is there (whatever the case of its letters), the id is added to the name. splits: one a picture,
    None for a single one; others: files that stay where they are. ParameterError: a class that can
    be no folder.
    """
    depths = _class_depths(paths, items, splits or [""] * len(paths))
    spelled: dict[tuple[Parts, str], str] = {}
    for parts, item, at in zip(paths, items, depths, strict=True):
        spelled[parts[:at], item.label] = spelled[(), item.label] = parts[at]
    out: list[Parts | None] = [
        parts if label == item.label else None
        for parts, item, label in zip(paths, items, labels, strict=True)
    ]
    taken = {_folded(parts) for parts in [*out, *others] if parts}
    for i, (parts, item, label) in enumerate(zip(paths, items, labels, strict=True)):
        if label is None or label == item.label:
            continue
        at = depths[i]
        own = _LABEL.match(parts[at])
        new = spelled.get((parts[:at], label)) or spelled.get(((), label))
        folder = new or (own[0] if own else "") + _folder(label)
        out[i] = _free((*parts[:at], folder, *parts[at + 1 :]), item.id, taken)
        taken.add(_folded(out[i] or ()))
    return out


def _class_depths(
    paths: Sequence[Parts], items: Sequence[Item], splits: Sequence[str]
) -> list[int]:
    """Find which part of each path is the folder of its class.

    It is the same part all over a split; a folder above may happen to have a class's name.
    """
    named = [
        [_LABEL.sub("", unicodedata.normalize("NFC", part)) for part in parts[:-1]]
        for parts in paths
    ]
    same: dict[str, set[int]] = {}
    for names, item, split in zip(named, items, splits, strict=True):
        fits = {at for at, name in enumerate(names) if name == item.label}
        same[split] = same.get(split, fits) & fits
    return [
        min(same[split]) if same[split] else names.index(item.label)
        for names, item, split in zip(named, items, splits, strict=True)
    ]


def _folder(label: str) -> str:
    """Check that a new class can be the name of a folder, on any system."""
    odd = set(label) & set('/\\:*?"<>|') or UNSEEN.search(label)
    reserved = label.startswith(".") or label in SYSTEM or label != label.rstrip(" .")
    if odd or reserved or len(label.encode("utf-8", "surrogateescape")) > 200:
        raise ParameterError(
            f"The class {plain(label)[:60]!r} is to be a folder, but systems do not allow that "
            'name; choose one of up to 200 bytes without / \\ : * ? " < > | and no dot first.'
        )
    return label


def _free(parts: Parts, digits: str, taken: set[Parts]) -> Parts:
    file, number, tried = Path(parts[-1]), 1, parts
    while _folded(tried) in taken:
        more = f"-{digits[:SHOWN]}" + (f"-{number}" if number > 1 else "")
        tried, number = (*parts[:-1], f"{file.stem}{more}{file.suffix}"), number + 1
    return tried


def _folded(parts: Parts) -> Parts:
    return tuple(unicodedata.normalize("NFC", part).casefold() for part in parts)


def correct(found: Found, seen: Pictures, outcome: Outcome) -> dict[str, Any]:
    """Plan the corrected folder: {"files": {target: source}, "moved", "removed"}, paths as parts.

    ParameterError where the result would not be read as it is meant.
    """
    labelled = set(seen.paths)
    everything = [file.relative_to(found.root).parts for file in contents(found.root).files]
    others = [parts for parts in everything if parts not in labelled]
    targets = moves(seen.paths, seen.items, outcome.labels, seen.splits, others)
    _as_meant(found, seen, outcome, targets, others)
    pairs = list(zip(seen.paths, targets, seen.items, strict=True))
    return {
        "files": {to: parts for parts, to, _ in pairs if to} | {parts: parts for parts in others},
        "moved": [
            {"id": item.id, "from": "/".join(parts), "to": "/".join(to)}
            for parts, to, item in pairs
            if to and to != parts
        ],
        "removed": [
            {"id": item.id, "from": "/".join(parts)} for parts, to, item in pairs if not to
        ],
    }


def _as_meant(
    found: Found,
    seen: Pictures,
    outcome: Outcome,
    targets: Sequence[Parts | None],
    others: Sequence[Parts],
) -> None:
    """Read the planned paths as the corrected folder will be read, and compare."""
    pictures = {file.relative_to(found.root).parts for file in found.files}
    wanted = {
        to: (split, label)
        for to, split, label in zip(targets, seen.splits, outcome.labels, strict=True)
        if to
    }
    paths = [*wanted, *(parts for parts in others if parts in pictures)]
    one = forced(paths, found.layout) if found.layout else None
    options = [one] if one else readings(paths)
    if found.layout and not one or len(options) != 1:
        raise ParameterError(
            "After these decisions the folder could be read in several ways or none, since a "
            "class and a split would have like names; choose another name for the class."
        )
    read = zip(paths, options[0].splits, options[0].classes, strict=True)
    for parts, *have in read:
        if parts in wanted and tuple(have) != wanted[parts]:
            other = f"read as {plain(have[1])!r}" if have[1] else "left out"
            raise ParameterError(
                f"{shown('/'.join(parts))} would be {other}, not read as "
                f"{plain(wanted[parts][1])!r}; choose another name for the class."
            )


def restore(root: Path, log: dict[str, Any]) -> dict[Parts, Parts]:
    """Plan the folder as it was before a correction: {target: source}, parts below the root.

    What was added since then stays. DataError: a corrected picture that is not there any more, has
    another content, or whose former place is taken.
    """
    files = {parts: parts for parts in (f.relative_to(root).parts for f in contents(root).files)}
    for move in log["moved"]:
        at = tuple(move["to"].split("/"))
        if files.pop(at, None) is None or image_id(root.joinpath(*at)) != move["id"]:
            raise DataError(
                f"{shown(move['to'])} is not the image {move['id'][:SHOWN]} that the log says it "
                "is; undo needs the corrected folder as it was written."
            )
    back = {tuple(m["from"].split("/")): tuple(m["to"].split("/")) for m in log["moved"]}
    for entry in log["removed"]:
        back[tuple(entry["from"].split("/"))] = tuple(entry["kept"].split("/"))
    if lost := sorted(files.keys() & back.keys()):
        raise DataError(
            f"{shown('/'.join(lost[0]))} was added after the correction, where another image is to "
            "go back to; rename it first."
        )
    return files | back
