"""List the files in a user's folder: follow links, skip hidden files, never wait on a pipe."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nbcore.errors import DataError

#: folders that systems and tools leave behind
SYSTEM = ("__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found", "@eaDir")
#: endings of images; any other file is an image if its content says so
PICTURES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".bmp", ".dib", ".gif", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".avif", ".avifs", ".jp2", ".j2k"),
    *(".jpf", ".jpx", ".jpc", ".tga", ".psd", ".qoi", ".dds", ".sgi", ".pcx", ".heic", ".heif"),
    # no format of Pillow's, but images to people: their absence has to be noticed
    *(".hif", ".jxl", ".svg", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"),
)


#: so often may links lead to the same folder: folders full of links to each other have no end
MOST = 8


class Contents(NamedTuple):
    """The regular files of a folder, in the order of their paths, and what else is in it.

    odd: links that lead nowhere, named pipes and the like; looped: links back to a folder above,
    or to a folder that was seen often.
    """

    files: list[Path]
    odd: list[Path]
    looped: list[Path]


def contents(root: Path) -> Contents:
    """List all files below a folder, except hidden files and system folders.

    A link to a folder is followed, unless it leads back to a folder that contains it. DataError:
    a folder that cannot be opened.
    """
    out, visits = Contents([], [], []), Counter[tuple[int, int]]()
    stack = [(root, frozenset([_identity(root)]))]
    while stack:
        folder, above = stack.pop()
        for entry in _entries(folder):
            path = Path(entry.path)
            if entry.name.startswith(".") or entry.name in SYSTEM:
                continue
            try:
                mode = entry.stat().st_mode
            except OSError:  # a link that leads nowhere, or in a circle
                out.odd.append(path)
                continue
            if stat.S_ISDIR(mode):
                own = _identity(path)
                visits[own] += 1
                if own in above or visits[own] > MOST:
                    out.looped.append(path)
                else:
                    stack.append((path, above | {own}))
            else:
                (out.files if stat.S_ISREG(mode) else out.odd).append(path)
    return Contents(sorted(out.files), sorted(out.odd), out.looped)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from list(entries)
    except OSError as error:
        raise DataError(
            f"The folder {shown(folder)} cannot be opened ({error.strerror}); allow it to be read."
        ) from None


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


def is_picture(file: Path) -> bool:
    """Say whether a file is an image, judged by its ending."""
    return file.name.lower().endswith(PICTURES)


def shown(path: os.PathLike[str] | str) -> str:
    r"""Write a path as printable text: bytes that are not UTF-8 are written as \xe9."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_utf8(path: os.PathLike[str] | str) -> bool:
    """Say whether a path can be written as UTF-8."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return False
    return True
