"""Fetch data that are not on this machine from their public home, and check them."""

import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tqdm import tqdm

from nbcore import files
from nbcore.data.catalog import CATALOG, Entry, Name, declared, entry
from nbcore.data.readers import read
from nbcore.data.sources import Found, checksum_of, find, missing
from nbcore.errors import DataError
from nbcore.paths import cache_dir

#: the folder of a download in progress begins so, and goes on with the number of its process
PART = ".part-"


def obtain(name: Name) -> Found:
    """Find a data set on this machine, or else fetch it from its public home into the cache.

    A file enters the cache only when it is complete and its checksum is right. A download that was
    damaged later is set aside and fetched again; one process fetches, others wait. DataError: as
    `find`; no download, no network, a truncated file, another checksum.
    """
    if (found := find(name)) and not _set_damaged_aside(found):
        return found
    e = entry(os.fspath(name))
    if not (e.get or e.predictions):
        raise missing(e, "there is no download of it")
    target = cache_dir() / "data" / e.folder
    with files.locked(target.with_name(f"{target.name}.lock"), f"fetches {e.name}"):
        if found := find(name):
            return found
        fetch(e)
    if found := find(name):
        return found
    raise missing(e, "there is no download of it")


def damaged(found: Found) -> list[Path]:
    """List the files of a download in the cache that differ from what was fetched."""
    e = found.entry
    if e is None or found.source != "cache" or not (e.get or e.predictions):
        return []
    with suppress(DataError):  # what cannot be read has no checksum
        if checksum_of(found) in (wanted := declared(e.name)) or not wanted:
            return []
    if e.predictions:
        return found.files
    sums = {found.root / file: digest for file, digest in e.get.items() if digest}
    return [file for file in found.files if sums.get(file, "") not in ("", files.sha256(file))]


def _set_damaged_aside(found: Found) -> bool:
    wrong = damaged(found)
    for file in wrong:
        files.set_aside(file, f"The download {file} is damaged: it has another checksum")
    return bool(wrong)


def get(name: Name) -> Path:
    """Return the folder of a data set; fetch it from its public home if it is not here."""
    return obtain(name).root


def fetch(e: Entry) -> None:
    """Fetch the files of a set into the cache, except those that are there and complete."""
    target = cache_dir() / "data" / e.folder
    try:
        if e.predictions and not _is_whole(target / e.needs[0], e.forms[-1][e.needs[0]]):
            pack(e, target)
        for file, digest in e.get.items():
            download(e.base + file, target / file, digest or None)
    except (OSError, ValueError) as error:
        raise missing(e, f"fetching it failed ({error})") from error


def _is_whole(file: Path, digest: str | None) -> bool:
    """Say whether a file exists and has the sha256 that is stated, if one is."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return not digest or hashlib.file_digest(stream, "sha256").hexdigest() == digest


def download(url: str, file: Path, sha256: str | None = None, progress: bool = True) -> Path:
    """Fetch a file into a temporary folder, check it and move it into place (`pooch.retrieve`).

    OSError: no answer, an incomplete one, or NBCORE_OFFLINE=1. ValueError: another sha256.
    """
    import pooch
    from requests.exceptions import ChunkedEncodingError, ConnectionError, Timeout

    if _is_whole(file, sha256):
        return file
    if os.environ.get("NBCORE_OFFLINE"):
        raise OSError("NBCORE_OFFLINE is set")
    pooch.get_logger().setLevel("ERROR")
    web = pooch.HTTPDownloader(progressbar=progress, timeout=(10, 60))
    file.parent.mkdir(parents=True, exist_ok=True)
    _sweep(file.parent)
    try:
        with TemporaryDirectory(prefix=f"{PART}{os.getpid()}-", dir=file.parent) as folder:
            os.replace(pooch.retrieve(url, sha256, file.name, folder, downloader=web), file)
    except (ConnectionError, Timeout, ChunkedEncodingError) as error:
        raise OSError(f"{url.split('/')[2]} did not answer, or not in full") from error
    except ValueError as error:
        came = re.search(r"but got ([0-9a-f]{64})", str(error))
        found = came[1] if came else "another"
        raise ValueError(f"{url} has the sha256 {found}, expected is {sha256}") from error
    return file


def _sweep(folder: Path) -> None:
    """Remove the partial downloads of processes that no longer run."""
    import psutil

    for left in folder.glob(f"{PART}*-*"):
        process = left.name.removeprefix(PART).split("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def pack(e: Entry, target: Path) -> None:
    """Fetch a testbed's public files and write them as one .npz, in the catalogue's last form.

    For each model and test set, CIFAR-10.1's repository holds a JSON list of classes, ImageNetV2's
    an int array (n, 5), the best class first. Neither states checksums, so the .npz is checked: its
    bytes depend on the content alone. OSError: no answer (the files fetched so far are kept, to
    continue from there). ValueError: other content (nothing is kept).
    """
    parts = target / "parts"

    def part(path: str) -> Path:
        return download(e.base + path, parts / path.replace("/", "."), progress=False)

    try:
        np.savez(buffer := io.BytesIO(), **_arrays(e, part))  # type: ignore[arg-type]
        if sha256(buffer.getvalue()).hexdigest() != e.forms[-1][e.needs[0]]:
            raise ValueError("another sha256")
    except (OSError, DataError):
        raise
    except Exception as error:  # what is no JSON or .npy of that form fails in many ways
        shutil.rmtree(parts)
        raise ValueError(f"the files at {e.base} are not those nbcore knows") from error
    (parts / e.needs[0]).write_bytes(buffer.getvalue())
    os.replace(parts / e.needs[0], target / e.needs[0])
    shutil.rmtree(parts)


def test_labels(name: str) -> np.ndarray:
    """Read the labels of the test split of a catalogue's set, to compare predictions with."""
    return read(obtain(name), "test").labels


def _arrays(e: Entry, part: Callable[[str], Path]) -> dict[str, np.ndarray]:
    def predictions(path: str) -> np.ndarray:
        if path.endswith(".json"):
            return np.array(json.loads(part(path).read_text()), np.uint8)
        # fv_16k's columns on ImageNetV2 stand in reverse order
        best = -1 if path.endswith("imagenetv2-b-33/fv_16k.npy") else 0
        return np.load(part(path), allow_pickle=False)[:, best].astype(np.uint16)

    def labels(path: str) -> np.ndarray:
        if path in CATALOG:
            return test_labels(path)
        if path.endswith(".npy"):
            return np.load(part(path), allow_pickle=False)
        pairs = json.loads(part(path).read_text())["image_filenames"]
        return np.array([synset for _, synset in pairs])

    arrays = {"model": np.array(e.models, "<U40")}
    truths = [np.unique(labels(path), return_inverse=True) for path in e.labels]
    with ThreadPoolExecutor(8) as pool:
        for key, path in zip(e.arrays, e.predictions, strict=True):
            files = pool.map(predictions, map(path.format, e.models))
            arrays[key] = np.stack(list(tqdm(files, key, len(e.models), disable=None)))
    for key, (_, index) in zip(e.arrays, truths, strict=True):
        arrays[f"{key}_labels"] = index.astype(arrays[key].dtype)
    classes = truths[0][0]
    return arrays | ({"synset": classes} if classes.dtype.kind == "U" else {})
