"""Where data are: NBCORE_DATA, the cache, what ships them, their public home; in this order."""

import gzip
import hashlib
import os
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from nbcore.data.catalog import CATALOG, Entry, Name, combine, entry, is_path
from nbcore.errors import DataError
from nbcore.paths import cache_dir

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
# The forms in which images may lie in a folder: the first that is there is read, else pictures.
FORMS = ("*.parquet", "*-ubyte*", "*-binary.tar.gz", "*_32x32.mat")


class Found(NamedTuple):
    """Data that are on this machine: `files` are what is read and what the checksum covers."""

    name: str
    root: Path
    files: list[Path]
    source: str
    entry: Entry | None = None


class Row(NamedTuple):
    """One line of `status`: found and source say where it is, size is in bytes."""

    name: str
    kind: str
    found: Path | None
    source: str
    size: int


def is_picture(file: Path) -> bool:
    """Whether a file is a picture, by its ending."""
    return file.name.lower().endswith(PICTURES)


def _files(root: Path, needs: list[str], skip: str = "") -> list[Path]:
    """The data files in a folder: `needs` if all are there, or else one of the forms of images."""
    if needs:
        return [root / n for n in needs] if all((root / n).is_file() for n in needs) else []
    for pattern in FORMS:
        if files := sorted(root.rglob(pattern)):
            return files
    pictures = sorted(file for file in root.rglob("*") if is_picture(file))
    return [file for file in pictures if not skip or skip not in file.name]


def _places(e: Entry) -> dict[Path, str]:
    """The folders in which a data set is looked for, in order, and what each of them is."""
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
    """What a name or a path stands for, if it is on this machine; nothing is fetched.

    A name of the catalogue wins over a folder that is called so: that is ./digits, or a Path.
    DataError: an unknown name, or a path that does not exist or holds no images.
    """
    text, path = os.fspath(name), Path(name).expanduser()
    if not is_path(name):
        e = entry(text)
        for root, source in _places(e).items():
            # a download that broke off leaves the cache with fewer files than belong there
            whole = e.needs or (list(e.get) if source == "cache" else [])
            if files := _files(root, whole, e.skip):
                return Found(text, root, files, source, e)
        return None
    if not path.exists():
        raise DataError(f"There is no file or folder {text!r}; check the path.")
    if files := [path] if path.is_file() else _files(path, []):
        return Found(text, path if path.is_dir() else path.parent, files, "path")
    raise DataError(
        f"{text!r} holds no images: expected parquet with `img` or `image` and `label`, or "
        "pictures in a folder per class, with or without train/ and test/ above."
    )


def obtain(name: Name) -> Found:
    """`find`, else the public home: a file gets into the cache whole and checked, or not at all.

    DataError: as `find`; no download, no network, a truncated file, another checksum.
    """
    if found := find(name):
        return found
    e = entry(os.fspath(name))
    target = cache_dir() / "data" / e.folder
    try:
        if e.predictions:
            from nbcore.data.testbeds import pack

            pack(e, target)
        for file, sha256 in e.get.items():
            download(e.base + file, target / file, sha256 or None)
    except (OSError, ValueError) as error:
        raise _missing(e, f"fetching it failed ({error})") from error
    if found := find(name):
        return found
    raise _missing(e, "there is no download of it")


def _missing(e: Entry, why: str) -> DataError:
    tried = [f"{kind} ({root})" for root, kind in _places(e).items()]
    tried = tried if os.environ.get("NBCORE_DATA") else ["NBCORE_DATA (not set)", *tried]
    what = " and ".join(e.needs) or "image parquet, its original files or a folder per class"
    fetch = f"run `nbcore data get {e.name}` with a network, or " if e.base else ""
    return DataError(
        f"{e.name} is not in {', '.join(tried)}, and {why}: {fetch}put {what} "
        f"from {e.home} into the folder {e.folder} of NBCORE_DATA."
    )


def download(url: str, file: Path, sha256: str | None = None, progress: bool = True) -> Path:
    """Fetch one file under a temporary name, check it, rename it (`pooch.retrieve`).

    OSError: no answer or a short one.  ValueError: another sha256.  NBCORE_OFFLINE=1 forbids it.
    """
    import pooch
    from requests.exceptions import ChunkedEncodingError, ConnectionError, Timeout

    if os.environ.get("NBCORE_OFFLINE"):
        raise OSError("NBCORE_OFFLINE is set")
    pooch.get_logger().setLevel("ERROR")
    web = pooch.HTTPDownloader(progressbar=progress, timeout=(10, 60))
    try:
        return Path(pooch.retrieve(url, sha256, file.name, file.parent, downloader=web))
    except (ConnectionError, Timeout, ChunkedEncodingError) as error:
        raise OSError(f"{url.split('/')[2]} did not answer, or not in full") from error
    except ValueError as error:
        came = re.search(r"but got ([0-9a-f]{64})", str(error))
        found = came[1] if came else "another"
        raise ValueError(f"{url} has the sha256 {found}, expected is {sha256}") from error


@lru_cache(maxsize=4096)
def _sha256(file: Path, packed: bool, size: int, mtime: int) -> str:
    """Of a file's contents; size and mtime are there so that a changed file is read again."""
    try:
        with gzip.open(file) if packed else open(file, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, EOFError) as error:
        raise DataError(f"{file} cannot be read ({error}); fetch it again.") from error


def checksum_of(found: Found) -> str:
    """sha256 over the files' paths and sha256s; a .gz counts by its contents.

    The path of a picture starts below the root, since the folders are its label; that of any other
    file below the folder that all are in, so that it does not matter how deep that lies.
    """
    common = Path(os.path.commonpath([file.parent for file in found.files]))
    form = {}
    for file in found.files:
        name = file.relative_to(found.root if is_picture(file) else common).as_posix()
        packed = file.suffix == ".gz" and not name.endswith(".tar.gz")
        stat = file.stat()
        digest = _sha256(file, packed, stat.st_size, stat.st_mtime_ns)
        form[name.removesuffix(".gz") if packed else name] = digest
    return combine(form)


def _here(name: Name) -> Found:
    if found := find(name):
        return found
    raise _missing(entry(os.fspath(name)), "nothing was fetched")


def checksum(name: Name) -> str:
    """The checksum of what a name or a path stands for; DataError if it is not on this machine."""
    return checksum_of(_here(name))


def where(name: Name) -> Path:
    """The folder a data set is in; DataError if it is not on this machine."""
    return _here(name).root


def get(name: Name) -> Path:
    """The folder a data set is in, fetched from its public home if it is not on this machine."""
    return obtain(name).root


def status() -> list[Row]:
    """All of the catalogue and where it is on this machine; opens and fetches nothing."""
    rows = []
    for e in CATALOG.values():
        found = find(e.name) or Found(e.name, Path(), [], e.home)
        size = sum(file.stat().st_size for file in found.files)
        rows.append(Row(e.name, e.kind, found.root if size else None, found.source, size))
    return rows
