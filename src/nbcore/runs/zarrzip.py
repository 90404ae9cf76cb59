"""A labelled data set as one file: zarr inside a zip, the same bytes for the same content."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbcore.errors import StoreError

if TYPE_CHECKING:
    import xarray as xr


def write(path: Path, dataset: xr.Dataset) -> None:
    """Write `dataset` to `path`. Entries are sorted and undated, so that checksums repeat.

    Each array is one chunk, since files are read whole. It is zarr format 2, because format 3 has
    no stable form for fixed-length text yet.
    """
    import zarr
    from numcodecs import Blosc

    # a third of the size of the default's; numbers only, texts are few
    compressor = Blosc("zstd", clevel=9, shuffle=Blosc.SHUFFLE)
    chunks: dict = {}
    store = zarr.storage.MemoryStore(chunks)
    encoding = {
        name: {"chunks": v.shape, "compressors": compressor}
        for name, v in dataset.variables.items()
        if v.dtype.kind in "biuf" and v.size and v.ndim
    }
    plain = dataset.drop_encoding()
    plain.to_zarr(store, mode="w", consolidated=False, zarr_format=2, encoding=encoding)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for key in sorted(chunks):
            archive.writestr(zipfile.ZipInfo(key), chunks[key].to_bytes())


def read(path: Path) -> xr.Dataset:
    """Read the whole data set in `path`. StoreError if it is no such file."""
    import xarray as xr
    import zarr

    if not zipfile.is_zipfile(path):
        raise StoreError(f"{path} is not a stored data set; delete it and run the chapter again.")
    try:
        with zarr.storage.ZipStore(path, mode="r") as store:
            return xr.open_zarr(store, consolidated=False, zarr_format=2).load()
    except Exception as error:  # zip, zarr and numcodecs each have their own kinds
        raise StoreError(
            f"{path} is not a stored data set ({type(error).__name__}); delete it and run "
            "the chapter again."
        ) from None
