"""Write a folder of links whole or not at all, and never into one that is there."""

import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nbcore import files
from nbcore.data.folders import shown
from nbcore.data.layout import Parts
from nbcore.errors import ParameterError

#: how a file comes into the copy, in the order in which it is tried
WAYS = ("hard links", "symbolic links", "copies")
#: of progress bars
QUIET: dict[str, Any] = dict(leave=False, delay=2)


@contextmanager
def staged(out: Path, root: Path) -> Iterator[Path]:
    """Give a folder that becomes `out` when all went well, and is removed otherwise."""
    out = out.expanduser()
    if out.resolve().is_relative_to(root.resolve()):
        raise ParameterError(
            f"{shown(out)} lies in {shown(root)}, which must stay as it is; name a folder outside."
        )
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ParameterError(f"{shown(out)} is there and not empty; name a new folder with --out.")
    staging = out.parent / f".{out.name}.{os.getpid()}.tmp"
    try:
        staging.mkdir(parents=True)
        yield staging
        if out.exists():
            out.rmdir()
        staging.rename(out)
    except OSError as error:
        raise files.unwritable(out, error) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def link_all(plan: Mapping[Parts, Parts], root: Path, staging: Path) -> Counter[str]:
    """Bring files into a copy, {target: source}, below two folders; count the ways they came."""
    ways: Counter[str] = Counter()
    for target, source in tqdm(plan.items(), "links", **QUIET):
        ways[_link(root.joinpath(*source), staging.joinpath(*target))] += 1
    return ways


def _link(source: Path, target: Path) -> str:
    """Bring one file into the copy, by the first of `WAYS` that works."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):  # to write through a link would change an original
        raise FileExistsError(errno.EEXIST, "two files have this name", str(target))
    whole = source.resolve()
    ways: tuple[Callable[[Path, Path], None], ...] = (os.link, os.symlink)
    for way, make in zip(WAYS, ways, strict=False):
        try:
            make(whole, target)
            return way
        except OSError:
            continue  # another file system, or one without such links
    shutil.copy2(whole, target)
    return WAYS[-1]
