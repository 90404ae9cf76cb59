"""What is measured on: data sets, testbeds and result tables, asked for by name or by path.

    from nbcore import data
    images = data.load("digits", split="test")    # uint8 (n, h, w, c) and int64 labels (n,)
    mine = data.load("./my-images", size=32)      # a folder per class, or image parquet
    testbed = data.load_testbed("testbed-imagenetv2")

A name is looked up in the folder NBCORE_DATA, the cache, the package or distribution that ships
it, and is fetched from its public home (checksummed) when it is in none of them.
"""

import os
from pathlib import Path
from typing import NamedTuple

from nbcore.data.catalog import CATALOG, entry
from nbcore.data.images import ImageSet, load
from nbcore.data.sources import find, obtain
from nbcore.data.testbeds import Testbed, load_testbed, load_timm_results
from nbcore.errors import DataError

__all__ = [
    "CATALOG", "ImageSet", "Row", "Testbed", "checksum", "declared", "entry", "get", "load",
    "load_testbed", "load_timm_results", "status", "where",
]  # fmt: skip


class Row(NamedTuple):
    """One line of `status`: size in bytes of what was found; found and source say where."""

    name: str
    kind: str
    found: Path | None
    source: str
    size: int


def status() -> list[Row]:
    """Every data set of the catalogue and where it is on this machine; reads and fetches nothing."""
    rows = []
    for e in CATALOG.values():
        if hit := find(e.name):
            size = sum(file.stat().st_size for file in hit.files)
            rows.append(Row(e.name, e.kind, hit.root, hit.source, size))
        else:
            rows.append(Row(e.name, e.kind, None, e.home, 0))
    return rows


def where(name: str | os.PathLike[str]) -> Path:
    """The folder that holds a data set; DataError when it is not on this machine."""
    if hit := find(name):
        return hit.root
    raise DataError(f"{name} is not on this machine: `nbcore data get {name}` fetches it.")


def get(name: str | os.PathLike[str]) -> Path:
    """The folder that holds a data set, fetched from its public home where it must be."""
    return obtain(name).root


def checksum(name: str | os.PathLike[str]) -> str:
    """sha256 over the files found for a name or a path (see `sources.Found.checksum`)."""
    if hit := find(name):
        return hit.checksum
    raise DataError(f"{name} is not on this machine: `nbcore data get {name}` fetches it.")


def declared(name: str) -> tuple[str, ...]:
    """The known checksums of a data set, that of the published runs first; needs no data."""
    return entry(name).declared
