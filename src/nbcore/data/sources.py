"""Where data are: NBCORE_DATA, the cache, a package or the system; and which files are data."""

import gzip
import hashlib
import os
import stat
import zlib
from fnmatch import fnmatch
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from nbcore.data import folders
from nbcore.data.catalog import CATALOG, Entry, Name, combine, entry, is_path
from nbcore.data.folders import is_picture, shown
from nbcore.data.layout import LAYOUTS
from nbcore.data.pixels import images_among
from nbcore.errors import DataError
from nbcore.paths import cache_dir

# The forms in which images may lie in a folder: the first that is there is read, else pictures.
FORMS = ("*.parquet", "*-ubyte*", "*-binary.tar.gz", "*_32x32.mat")
#: counts up when the pixels or labels of a folder are read in another way than before
READING = 2


class Found(NamedTuple):
    """Data that are on this machine: `files` are read, and the checksum covers them.

    layout: the one that was asked for, "" for the only one possible; skipped: what else is in the
    folder, in words; beside: pictures that are there beside image parquet; pictures: the files are
    known to be pictures by their content, whatever their names.
    """

    name: str
    root: Path
    files: list[Path]
    source: str
    entry: Entry | None = None
    layout: str = ""
    skipped: tuple[str, ...] = ()
    beside: tuple[Path, ...] = ()
    pictures: bool = False


class Row(NamedTuple):
    """One line of `status`: found and source say where it is, size is in bytes."""

    name: str
    kind: str
    found: Path | None
    source: str
    size: int


def split_layout(name: Name) -> tuple[Name, str]:
    """Split a name from its layout: `./imgs::split/class` -> ("./imgs", "split/class")."""
    path, mark, layout = os.fspath(name).rpartition("::")
    return (path, layout) if mark and layout in LAYOUTS else (name, "")


def with_layout(name: str, layout: str) -> str:
    """Add a layout to the name of your own folder; other names are returned unchanged."""
    if (
        not layout
        or not is_path(name)
        or split_layout(name)[1]
        or not Path(name).expanduser().is_dir()
    ):
        return name
    return f"{name if Path(name).name != name else Path('.', name).absolute()}::{layout}"


def short_name(name: Name) -> str:
    """Shorten the name of a data set to its last folder, for where a whole path is too long."""
    path = os.fspath(split_layout(name)[0])
    return shown(Path(path).name or Path(path).absolute().name or "images")


def is_own(name: Name) -> bool:
    """Say whether a name stands for your own images, given by their path."""
    return is_path(split_layout(name)[0])


def places(e: Entry) -> dict[Path, str]:
    """List the folders in which a data set is looked for, in order, and the kind of each."""
    found = {}
    if base := os.environ.get("NBCORE_DATA"):
        found[Path(base).expanduser() / e.folder] = "NBCORE_DATA"
    found[cache_dir() / "data" / e.folder] = "cache"
    if e.shipped.startswith("package:"):
        package, _, rest = e.shipped.removeprefix("package:").partition("/")
        spec = find_spec(package)  # finds the package without importing it
        for folder in (spec and spec.submodule_search_locations) or ():
            found[Path(folder) / rest] = f"package {package}"
    elif e.shipped:
        found[Path(e.shipped)] = "system"
    return found


def find(name: Name) -> Found | None:
    """Find the data that a name or a path stands for on this machine; None if there are none.

    Nothing is fetched. A name of the catalogue wins over a folder of the same name: write that as
    ./digits, or give a Path. DataError: an unknown name, or a path that does not exist or holds no
    images.
    """
    name, layout = split_layout(name)
    if is_path(name):
        return _own(os.fspath(name), Path(name).expanduser(), layout)
    e = entry(os.fspath(name))
    for root, source in places(e).items():
        # a download that broke off leaves the cache with fewer files than belong there
        whole = e.needs or (list(e.get) if source == "cache" else [])
        if files := _files(root, whole, e.skip):
            return Found(e.name, root, files, source, e)
    return None


def _files(root: Path, needs: list[str], skip: str) -> list[Path]:
    """List the files of a catalogue's set: `needs` if all are there, or else one of the forms."""
    if needs:
        return [root / n for n in needs] if all((root / n).is_file() for n in needs) else []
    if not root.is_dir():
        return []
    files = folders.contents(root).files
    for pattern in FORMS:
        if hits := [file for file in files if fnmatch(file.name, pattern)]:
            return hits
    return [file for file in files if is_picture(file) and not (skip and skip in file.name)]


def _own(text: str, path: Path, layout: str) -> Found:
    """Find your own images: one of the forms, or pictures; other files are named as skipped."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        raise DataError(f"There is no file or folder {shown(text)!r}; check the path.") from None
    if not stat.S_ISDIR(mode):
        return _single(text, path, mode)
    files, odd, looped = folders.contents(path)
    told = [f"{len(looped)} links back to a folder above ({shown(looped[0])})"] if looped else []
    lost = [file for file in odd if not is_picture(file)]
    if lost:
        told.append(f"{len(lost)} broken links, named pipes or the like ({shown(lost[0])})")
    pictures = images_among(files) + [file for file in odd if is_picture(file)]
    tables = [file for file in files if fnmatch(file.name, FORMS[0])]
    have = {file: has_images(file) for file in tables}
    # one that cannot be read belongs to the others, and the reader names it
    with_images = [f for f in tables if have[f] is not False] if True in have.values() else []
    if with_images and layout in ("", "parquet"):
        beside = () if layout else tuple(pictures)
        return Found(text, path, with_images, "path", None, layout, tuple(told), beside)
    rest = sorted(set(files) - set(pictures))
    for pattern in FORMS[1:]:
        if hits := [file for file in rest if fnmatch(file.name, pattern)]:
            return Found(text, path, hits, "path", None, layout, tuple(told))
    if pictures and layout != "parquet":
        if rest:
            more = ", …" if len(rest) > 3 else ""
            first = ", ".join(shown(file.relative_to(path)) for file in rest[:3])
            told.append(f"{len(rest)} files that are no images ({first}{more})")
        return Found(text, path, sorted(pictures), "path", None, layout, tuple(told), (), True)
    if tables:  # none has images: the reader says what they have
        return Found(text, path, tables, "path", None, layout, tuple(told))
    raise DataError(
        f"{shown(text)!r} holds no images: expected parquet with `img` or `image` and `label`, or "
        "pictures in a folder per class, with or without train/ and test/ above."
    )


def _single(text: str, path: Path, mode: int) -> Found:
    if not stat.S_ISREG(mode):
        raise DataError(f"{shown(text)!r} is a named pipe or a device; give a folder or a file.")
    if not any(fnmatch(path.name, pattern) for pattern in FORMS):
        raise DataError(
            f"{shown(text)!r} is a single file that holds no set of images; give image parquet, or "
            "a folder with pictures in a folder per class."
        )
    return Found(text, path.parent, [path], "path")


def has_images(file: Path) -> bool | None:
    """Say whether a parquet file has a column of images; None if it cannot be read."""
    import pyarrow.parquet as pq

    try:
        return bool({"img", "image"} & set(pq.read_schema(file).names))
    except Exception:  # damaged files fail in many ways
        return None


def missing(e: Entry, why: str) -> DataError:
    """Build the error that says where a data set was looked for, and how to get it."""
    tried = [f"{kind} ({root})" for root, kind in places(e).items()]
    tried = tried if os.environ.get("NBCORE_DATA") else ["NBCORE_DATA (not set)", *tried]
    what = " and ".join(e.needs) or "image parquet, its original files or a folder per class"
    fetch = f"run `nbcore data get {e.name}` with a network, or " if e.base else ""
    return DataError(
        f"{e.name} is not in {', '.join(tried)}, and {why}: {fetch}put {what} "
        f"from {e.home} into the folder {e.folder} of NBCORE_DATA."
    )


@lru_cache(maxsize=2**17)
def _sha256(file: Path, packed: bool, size: int, mtime: int) -> str:
    """Compute the sha256 of a file's contents.

    size and mtime are part of the cache's key, so that a changed file is read again.
    """
    try:
        with gzip.open(file) if packed else open(file, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{shown(file)} cannot be read ({error}); fetch it again.") from error


def checksum_of(found: Found) -> str:
    """Compute the sha256 over the files' paths and sha256s; a .gz counts by its contents.

    The path of a picture starts below the root, since its folders give its label. The path of any
    other file starts below the folder that contains them all, so that the depth of that folder does
    not matter. Of your own images, the chosen layout and the version of the reading count too.
    """
    pictures = found.pictures or not _is_form(found.files[0])
    common = Path(os.path.commonpath([file.parent for file in found.files]))
    form = {}
    for file in found.files:
        name = shown(file.relative_to(found.root if pictures else common).as_posix())
        packed = file.suffix == ".gz" and not name.endswith(".tar.gz")
        if not file.is_file():  # a link that leads nowhere, a named pipe
            form[name] = ""
            continue
        about = file.stat()
        digest = _sha256(file, packed, about.st_size, about.st_mtime_ns)
        form[name.removesuffix(".gz") if packed else name] = digest
    if found.entry is None:
        form["/reading"] = f"{READING} {found.layout}"
    return combine(form)


def _is_form(file: Path) -> bool:
    return not is_picture(file) and any(
        fnmatch(file.name, pattern) for pattern in (*FORMS, "*.npy", "*.npz", "*.csv", "*.csv.gz")
    )


def here(name: Name) -> Found:
    """Find a data set on this machine, as `find` does. DataError if it is not there."""
    if found := find(name):
        return found
    raise missing(entry(os.fspath(name)), "nothing was fetched")


def checksum(name: Name) -> str:
    """Compute the checksum of a data set by its name or path. DataError if it is not here."""
    return checksum_of(here(name))


def where(name: Name) -> Path:
    """Return the folder of a data set. DataError if it is not on this machine."""
    return here(name).root


def status() -> list[Row]:
    """List the catalogue with where each set is on this machine; opens and fetches nothing."""
    rows = []
    for e in CATALOG.values():
        found = find(e.name) or Found(e.name, Path(), [], e.home)
        size = sum(file.stat().st_size for file in found.files)
        rows.append(Row(e.name, e.kind, found.root if size else None, found.source, size))
    return rows
