"""Where data are: NBCORE_DATA, the cache, what ships them, and their public home, in this order."""

import gzip
import hashlib
import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from nbcore.data.catalog import CATALOG, Entry, combine, entry
from nbcore.errors import DataError
from nbcore.paths import cache_dir

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
# The forms images may lie in, tried in this order; an ImageFolder tree comes last.
PATTERNS = ("*.parquet", "*-ubyte*", "*-binary.tar.gz", "*_32x32.mat", "*_data.npy", "digits.csv*")


class Found(NamedTuple):
    """Data that lie somewhere: files are what is read and what the checksum covers."""

    name: str
    root: Path
    files: tuple[Path, ...]
    source: str
    entry: Entry | None = None

    @property
    def checksum(self) -> str:
        """sha256 over the files' names and sha256s; of a .gz, over its contents.

        A picture counts with the folders above it, since they are its label.
        """
        form = {}
        for file in self.files:
            part = file.relative_to(self.root) if file.suffix.lower() in PICTURES else file.name
            digest = _digest(file, *_stamp(file))
            form[Path(part).as_posix().removesuffix(".gz" * _packed(file))] = digest
        return combine(form)


def _stamp(file: Path) -> tuple[int, int]:
    return (file.stat().st_size, file.stat().st_mtime_ns)


def _packed(file: Path) -> bool:
    return file.suffix == ".gz" and not file.name.endswith(".tar.gz")


@lru_cache(maxsize=4096)
def _digest(file: Path, size: int, mtime: int) -> str:
    """sha256 of one file's contents; size and mtime make a changed file a new question."""
    try:
        with gzip.open(file) if _packed(file) else open(file, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    except (OSError, EOFError) as error:
        raise DataError(f"{file} cannot be read ({error}); fetch it again.") from error


def files_of(root: Path, needs: tuple[str, ...] = (), skip: str = "") -> tuple[Path, ...]:
    """The files in a folder that are data, sorted; none if one of `needs` is missing.

    A file whose name starts with `skip` is not counted.
    """
    if needs:
        return tuple(root / n for n in needs) if all((root / n).is_file() for n in needs) else ()
    if root.is_file():
        return (root,)
    for pattern in PATTERNS:
        if found := sorted(f for f in root.rglob(pattern) if f.is_file()):
            return tuple(found)
    return tuple(
        sorted(
            f
            for f in root.rglob("*")
            if f.suffix.lower() in PICTURES and not (skip and f.name.startswith(skip))
        )
    )


def places(e: Entry) -> list[tuple[Path, str]]:
    """The folders in which a data set is looked for, with a word for people, in order."""
    found = [(Path(cache_dir()) / "data" / e.folder, "cache")]
    if base := os.environ.get("NBCORE_DATA"):
        found = [(Path(base).expanduser() / f, "NBCORE_DATA") for f in (e.folder, e.name)] + found
    if e.shipped.startswith("package:"):
        package, _, rest = e.shipped.removeprefix("package:").partition("/")
        spec = find_spec(package)  # finds the package without importing it
        for where in (spec.submodule_search_locations or []) if spec else []:
            found.append((Path(where) / rest, f"package {package}"))
    elif e.shipped:
        found.append((Path(e.shipped), "system"))
    return found


def find(name: str | os.PathLike[str]) -> Found | None:
    """What a name or a path stands for, if it is on this machine; nothing is fetched.

    DataError: an unknown name, a path that does not exist or holds no data.
    """
    text = os.fspath(name)
    path = Path(text).expanduser()
    if text not in CATALOG and (path.exists() or path.name != text or not isinstance(name, str)):
        if not path.exists():
            raise DataError(f"There is no file or folder {text!r}; check the path.")
        if not (files := files_of(path)):
            raise DataError(
                f"{text!r} holds no data: expected image parquet, or pictures in one folder per "
                "class, with or without train/ and test/ above."
            )
        return Found(text, path if path.is_dir() else path.parent, files, "path")
    e = entry(text)
    for root, source in places(e):
        if files := files_of(root, e.needs, e.skip):
            return Found(e.name, root, files, source, e)
    return None


def obtain(name: str | os.PathLike[str]) -> Found:
    """What a name or a path stands for, fetched from its public home where it must be."""
    return find(name) or fetch(entry(os.fspath(name)))


def fetch(e: Entry) -> Found:
    """Download a data set into the cache; a file appears there whole and checked, or not at all.

    DataError: no public home, no network, a truncated file, or one with another checksum.
    NBCORE_OFFLINE=1 forbids downloads.
    """
    target = Path(cache_dir()) / "data" / e.folder
    tried = ", ".join(dict.fromkeys(f"{source} ({root})" for root, source in places(e)))
    if "NBCORE_DATA" not in os.environ:
        tried = f"NBCORE_DATA (not set), {tried}"
    want = f"put {', '.join(e.needs) or 'image parquet or an ImageFolder tree'} from {e.home}"
    advice = f"{want} into $NBCORE_DATA/{e.folder}"
    if not e.base:
        raise DataError(f"{e.name} is in none of {tried}, and cannot be fetched: {advice}.")
    try:
        if os.environ.get("NBCORE_OFFLINE", "0") not in ("", "0"):
            raise OSError("NBCORE_OFFLINE forbids downloads")
        if e.kind == "predictions":
            from nbcore.data.testbeds import pack

            pack(e, target)
        for name, digest in e.get.items():
            download(e.base + name, target / name, digest)
    except (OSError, ValueError) as error:
        reason = str(error).split("\n")[0].rstrip(". ")
        raise DataError(
            f"{e.name} is in none of {tried}, and fetching it from {e.home} failed ({reason}): "
            f"try `nbcore data get {e.name}` with a network, or {advice}."
        ) from error
    return find(e.name)  # type: ignore[return-value]


def download(url: str, file: Path, sha256: str | None = None, progress: bool = True) -> None:
    """Fetch one file under a temporary name, check it, rename it (`pooch.retrieve`)."""
    import pooch
    from requests.exceptions import ConnectionError, Timeout

    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=(10, 60))
    try:
        pooch.retrieve(url, sha256, file.name, file.parent, downloader=downloader)
    except (ConnectionError, Timeout) as error:
        raise OSError(f"{url.split('/')[2]} did not answer in full") from error
