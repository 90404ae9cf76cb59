"""Read a folder of pictures by its layout: the only possible one, or the one asked for."""

from collections import Counter
from functools import lru_cache

from nbcore.data.folders import shown
from nbcore.data.layout import WORDS, Parts, Reading, forced, readings
from nbcore.data.sources import Found
from nbcore.errors import DataError

#: pictures beside the class folders (a logo, a contact sheet) that do not stop a run
STRAY = 0.05


def reading(found: Found) -> Reading:
    """Find split and class of every file. DataError without class folders, or with two readings."""
    return _reading(found.name, found.layout, tuple(_parts(found)))


def _parts(found: Found) -> list[Parts]:
    return [file.relative_to(found.root).parts for file in found.files]


@lru_cache(maxsize=16)
def _reading(name: str, layout: str, paths: tuple[Parts, ...]) -> Reading:
    if layout:
        chosen = forced(paths, layout)
        if chosen is None:
            raise DataError(
                f"{shown(name)} cannot be read as {layout}: {_ways(name, readings(paths))}."
            )
        return chosen
    options = readings(paths)
    if not options:
        raise DataError(_without_classes(name, paths))
    if len(options) > 1:
        raise DataError(f"{shown(name)} can be read in two ways or more: {_ways(name, options)}.")
    loose = _loose(options[0])
    labelled = sum(label is not None for label in options[0].classes)
    if len(loose) > max(3, STRAY * labelled) or len(loose) >= labelled:
        first = shown("/".join(paths[loose[0]]))
        raise DataError(
            f"{shown(name)} has {len(loose)} pictures outside any class folder, such as {first}; "
            "put each into the folder of its class, or take them out."
        )
    return options[0]


def _ways(name: str, options: list[Reading]) -> str:
    """List the possible readings with their counts, and say how to choose."""
    if not options:
        return "it has no folders that could be classes"
    told = " or ".join(f"layout={r.layout} ({shown(r.told())})" for r in options)
    return f"{told}; choose one, as in -p layout={options[-1].layout}"


def _without_classes(name: str, paths: tuple[Parts, ...]) -> str:
    folders = sorted({parts[0] for parts in paths if len(parts) > 1})
    if not folders:
        first = shown(paths[0][-1])
        return (
            f"{shown(name)} has {len(paths)} pictures outside any class folder, such as {first}; "
            "put each into the folder of its class."
        )
    return (
        f"{shown(name)} has the splits {shown(', '.join(folders[:6]))} and no class folders in "
        "them; put each picture into a folder of its class or, where these are the classes, give "
        "layout=class."
    )


def _loose(how: Reading) -> list[int]:
    """List the files without a class, except those of a split in which no file has one."""
    labelled = {s for s, c in zip(how.splits, how.classes, strict=True) if c}
    return [
        i
        for i, (split, label) in enumerate(zip(how.splits, how.classes, strict=True))
        if label is None and (split in labelled or split == "")
    ]


def one_form(found: Found) -> None:
    """Raise DataError where class folders are beside image parquet, so either may be meant."""
    if not found.beside:
        return
    paths = [file.relative_to(found.root).parts for file in found.beside]
    options = [r for r in readings(paths) if any(len(c) > 1 for c in r.counts().values())]
    if options:
        raise DataError(
            f"{shown(found.name)} can be read in two ways: layout=parquet "
            f"({len(found.files)} files, such as {shown(found.files[0].name)}) or "
            f"layout={options[0].layout} ({shown(options[0].told())}); choose one, as in "
            "-p layout=parquet."
        )


def told(found: Found) -> list[str]:
    """Describe how a folder of pictures was read: classes with counts, and what was left out."""
    how = reading(found)
    names = {label for label in how.classes if label}
    n = sum(label is not None for label in how.classes)
    out = [f"{n:,} images of {len(names)} classes, by layout={how.layout}: {shown(how.told())}"]
    if how.layout != "class":
        words = ", ".join(word for words in WORDS.values() for word in words)
        out.append(f"split words are {words}, with or without affixes")
    loose = [i for i, label in enumerate(how.classes) if label is None]
    by_split = Counter(how.splits[i] for i in loose)
    for split, count in sorted(by_split.items()):
        first = next(i for i in loose if how.splits[i] == split)
        where = f"in {split} outside" if split else "outside"
        example = shown(found.files[first].relative_to(found.root).as_posix())
        out.append(f"{count:,} pictures {where} any class folder are left out, such as {example}")
    return out + _within(found, how)


def _within(found: Found, how: Reading) -> list[str]:
    """Name folders below the classes, whose images count as the class's.

    They are named because some hold masks.
    """
    below = Counter(
        parts[-2]
        for parts, label in zip(_parts(found), how.classes, strict=True)
        if label and len(parts) > 1 and parts[-2] != label and f"={label}" not in parts[-2]
    )
    if not below:
        return []
    names = ", ".join(f"{shown(name)} {n:,}" for name, n in below.most_common(6))
    return [f"folders below the classes were read as part of them: {names}"]
