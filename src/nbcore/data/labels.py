"""Other labels for the training images of a data set, in the order of those images."""

import numpy as np

from nbcore.data.catalog import CATALOG, entry
from nbcore.data.fetch import obtain
from nbcore.errors import DataError, did_you_mean


def load_labels(name: str, column: str, given: np.ndarray) -> np.ndarray:
    """int64 (n,) labels under `column` of a set of labels such as "cifar10n".

    given: the labels (n,) that the images come with; where the set repeats them (its first array)
    they must be the same, or the order differs. DataError: unknown name or column, another length
    or order, a damaged file.
    """
    e = entry(name)
    if e.kind != "labels":
        known = ", ".join(k for k, v in CATALOG.items() if v.kind == "labels")
        raise DataError(f"{name} holds {e.kind}, not labels; known sets of labels: {known}.")
    if column not in e.arrays:
        raise DataError(f"{name} has no labels {column!r}; {did_you_mean(column, e.arrays)}")
    file = obtain(name).files[0]
    try:
        with np.load(file, allow_pickle=False) as arrays:
            clean, wanted = arrays[e.arrays[0]].astype(np.int64), arrays[column].astype(np.int64)
    except Exception as error:  # a damaged zip has many ways to fail
        raise DataError(f"{file} is damaged ({type(error).__name__}); renew it.") from error
    if not np.array_equal(clean, given):
        raise DataError(
            f"{name} is for {len(clean)} images in their published order, but these {len(given)} "
            "images have other labels; give the training split of the data set it belongs to."
        )
    return wanted
