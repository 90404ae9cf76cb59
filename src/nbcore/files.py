"""Files that numbers come from: written whole or not at all, and checked when they are read.

A process may be killed at any moment and a disk may be full, read-only or faulty. So a file gets
its name only when all of it is on the disk; a folder replaces another in two renames, which the
next command completes if the process was killed; and a file of the cache begins with the checksum
of what follows.
"""

import glob
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock, Timeout

from nbcore.errors import NbcoreError, StoreError
from nbcore.paths import build_dir, cache_dir, results_dir
from nbcore.text import plain

Bytes = bytes | memoryview

#: what a checked file begins with; its length keeps arrays aligned that are mapped into memory
HEADER = 128
MAGIC = "nbcore checked file 1, sha256 of what follows: "


class Damaged(StoreError):
    """A file that is not as it was written."""


@lru_cache(maxsize=1000)
def note(text: str) -> None:
    """Print a note on stderr, once a process, that people should know but need not act upon.

    Such lines are kept out of executed notebooks: what was mended is no part of a page.
    """
    print(f"nbcore: {plain(text)}", file=sys.stderr, flush=True)


def unwritable(path: Path, error: OSError) -> StoreError:
    """Write in one sentence why a file cannot be written, and the variable that moves its place."""
    name = ""
    places = {"NBCORE_CACHE": cache_dir, "NBCORE_RESULTS": results_dir, "NBCORE_BUILD": build_dir}
    for variable, place in places.items():
        with suppress(NbcoreError):
            name = name or (variable if path.is_relative_to(place()) else "")
    other = f"name another folder with {name}" if name else "name another place"
    why = error.strerror or str(error)
    return StoreError(f"{path} cannot be written ({why}); make room or give access, or {other}.")


def write_atomically(path: Path, content: Bytes | Callable[[Path], object]) -> None:
    """Write a file under a temporary name, bring it to the disk, and rename it.

    content: bytes, or a function that writes them to the path it is given. If anything fails, the
    path holds what it held before. StoreError where it cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        if callable(content):
            content(temporary)
        else:
            temporary.write_bytes(content)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """Remove temporary files that killed processes left when they tried to write this file."""
    import psutil

    for left in path.parent.glob(f"{glob.escape(path.name)}.*.tmp"):
        number = re.search(r"\.(\d+)\.tmp$", left.name)
        if number and not psutil.pid_exists(int(number[1])):
            left.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sha256(path: Path) -> str:
    """Read a file and return the checksum of its bytes, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_once(path: Path) -> str:
    """Return the checksum of a file, read again only where the system says that it was changed."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@lru_cache(maxsize=4096)
def _sha256(path: Path, *state: int) -> str:
    return sha256(path)


def _header(digest: str) -> bytes:
    return (MAGIC + digest).ljust(HEADER - 1).encode() + b"\n"


def write_checked(path: Path, content: Bytes) -> None:
    """Write a file of the cache whole or not at all: the checksum in a header, then the content."""
    header = _header(hashlib.sha256(content).hexdigest())

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            file.write(header)
            file.write(content)

    write_atomically(path, write)


def read_checked(path: Path) -> memoryview:
    """Return the content of a file of `write_checked`. Damaged if any of it has changed."""
    content = memoryview(path.read_bytes())
    if content[:HEADER] != _header(hashlib.sha256(content[HEADER:]).hexdigest()):
        raise Damaged(f"The file {path} is damaged: its content does not have its checksum")
    return content[HEADER:]


def check(path: Path) -> None:
    """Raise Damaged unless a file is as `write_checked` wrote it; it is not held in memory."""
    with open(path, "rb") as file:
        header, digest = file.read(HEADER), hashlib.file_digest(file, "sha256").hexdigest()
    if header != _header(digest):
        raise Damaged(f"The file {path} is damaged: its content does not have its checksum")


@lru_cache(maxsize=64)
def _check_once(path: Path, *state: int) -> None:
    check(path)


def kept(path: Path, make: Callable[[], Bytes]) -> Path:
    """Return the path of a checked file of the cache; make it where it is missing or damaged.

    One process makes it, others wait. A process checks a file again only where it was changed.
    """

    def holds() -> bool:
        try:
            stat = path.stat()
            _check_once(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        except FileNotFoundError:
            return False
        except Damaged as error:
            set_aside(path, str(error))
            return False
        return True

    if not holds():
        with locked(path.with_name(f"{path.name}.lock"), f"makes {path.name}"):
            if not holds():
                write_checked(path, make())
    return path


def mapped(path: Path) -> np.ndarray:
    """Map the array of a checked .npy file into memory, for reading."""
    with open(path, "rb") as file:
        file.seek(HEADER)
        np.lib.format.read_magic(file)
        shape, columns_first, dtype = np.lib.format.read_array_header_1_0(file)
        order: Literal["F", "C"] = "F" if columns_first else "C"
        return np.memmap(path, dtype, "r", file.tell(), shape, order)


def set_aside(path: Path, why: str) -> None:
    """Rename a damaged file to `NAME.damaged-TIME` and say so, so that it is no longer used."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    target = path.with_name(f"{path.name}.damaged-{now}-{os.getpid()}")
    try:
        path.rename(target)
    except FileNotFoundError:
        return  # another process was faster
    except OSError as error:
        raise unwritable(path, error) from None
    note(f"{why}; it was set aside as {target.name}, and what it held is made anew.")


def is_set_aside(path: Path) -> bool:
    """Say whether `set_aside` has given a file its name."""
    return re.search(r"\.damaged-\d{8}T\d{6}-\d+$", path.name) is not None


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file. If another process holds it, say what that process does, and wait.

    The system frees the lock of a process that was killed. StoreError if it cannot be made.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            note(f"Another process {what}; waiting until it is done (its lock is {path}).")
            lock.acquire()
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        yield
    finally:
        lock.release()


def put_folder(new: Path, target: Path) -> None:
    """Replace a folder by a finished one; the old one is kept until the new one is there.

    A process that is killed in between leaves either the old one, or the old one under another
    name, which `restore_folder` puts back.
    """
    former = _former(target)
    with locked(_folder_lock(target), f"replaces {target}"):
        _restore(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rename(former)
            new.rename(target)
        except OSError as error:
            _restore(target)
            raise unwritable(target, error) from None
        _sync(target.parent)
        shutil.rmtree(former, ignore_errors=True)


def restore_folder(target: Path) -> None:
    """Put back what a killed `put_folder` moved away, or remove it if the new folder is there."""
    if _former(target).exists():
        with locked(_folder_lock(target), f"replaces {target}"):
            _restore(target)


def _restore(target: Path) -> None:
    former = _former(target)
    if target.exists():
        shutil.rmtree(former, ignore_errors=True)
    elif former.exists():
        former.rename(target)


def _former(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _folder_lock(target: Path) -> Path:
    """Return the path of a folder's lock file, in the cache, away from what is published."""
    name = hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:16]
    return cache_dir() / "locks" / f"{name}.lock"
