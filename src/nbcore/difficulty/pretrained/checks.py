"""What people give as labels, embeddings and probabilities, checked before anything is computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nbcore.errors import DataError, ParameterError

#: by how much a row of probabilities may miss a sum of 1
SUM = 1e-3


def coded(labels: Any, classes: Sequence[str] | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn labels, numbers or names, into numbers from 0 and the classes' names.

    classes: names by number, where labels are numbers; else the sorted labels. DataError: several
    labels a row, rows without one, one class only, a number without a name.
    """
    try:
        given = np.asarray(labels)
    except ValueError:  # rows of different lengths
        given = np.empty((0, 2))
    if given.dtype == object and any(isinstance(v, list | tuple | set | np.ndarray) for v in given):
        given = np.empty((0, 2))
    if given.ndim != 1:
        raise DataError(
            "Give one label a row; sets with several labels an image can be judged a label at a "
            "time, as has it and has it not."
        )
    if missing := np.flatnonzero(pd.isna(given) | (given == "")).tolist():
        raise DataError(
            f"{len(missing)} of {len(given)} rows have no label, the first of them row "
            f"{missing[0]}; leave these rows out."
        )
    if classes is None:
        names, codes = np.unique(given, return_inverse=True)
        known = tuple(str(name) for name in names)
    else:
        codes, known = _numbered(given, classes), tuple(map(str, classes))
    if len(np.unique(codes)) < 2:
        raise DataError(
            f"All {len(codes)} labels are {known[codes[0]]!r}; two classes or more are needed."
            if len(codes)
            else "There are no labels."
        )
    return codes.astype(np.int64), known


def _numbered(given: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    whole = given.astype(int) if given.dtype.kind in "iufb" else np.full(len(given), -1)
    if given.dtype.kind not in "iufb" or (whole != given).any():
        raise DataError("With classes named, labels are whole numbers from 0; leave classes out.")
    if len(whole) and (whole.min() < 0 or whole.max() >= len(classes)):
        raise DataError(
            f"Labels run from {whole.min()} to {whole.max()}, but there are names for 0 to "
            f"{len(classes) - 1}."
        )
    return whole


def enough_of_each(codes: np.ndarray, classes: Sequence[str], folds: int) -> None:
    """Raise DataError unless every class has an example for each fold, and two at least."""
    counts = np.bincount(codes, minlength=len(classes))
    few = np.flatnonzero((counts > 0) & (counts < max(folds, 2)))
    if len(few):
        more = f", and {len(few) - 1} more classes have too few" if len(few) > 1 else ""
        raise DataError(
            f"The class {classes[few[0]]!r} has {counts[few[0]]} of {len(codes)} rows{more}, but "
            f"every one of {folds} folds is to hold one out; add rows, leave the class out, or "
            "hold out more, as in held_out=0.5."
        )


def embeddings(given: Any, n: int) -> dict[str, np.ndarray]:
    """Check embeddings of n rows, one array or several by probe, in the order of depth."""
    named = dict(given) if isinstance(given, Mapping) else {"embedding": given}
    if not named:
        raise ParameterError("There is no embedding; give one array (row, number) or more.")
    out = {}
    for name, values in named.items():
        x = np.asarray(values)
        if x.ndim != 2 or not x.shape[1] or x.dtype.kind not in "fiu":
            raise ParameterError(
                f"The embedding {name!r} must be numbers (row, number), not {x.shape} of {x.dtype}."
            )
        if len(x) != n:
            raise ParameterError(
                f"The embedding {name!r} has {len(x)} rows for {n} labels; give a row for each, in "
                "their order."
            )
        bad = np.flatnonzero(~np.isfinite(x).all(1))
        if len(bad):
            raise ParameterError(
                f"{len(bad)} rows of the embedding {name!r} hold NaN or infinity, the first of "
                f"them row {bad[0]}; leave these rows out."
            )
        out[str(name)] = x
    return out


def probabilities(given: Any, n: int, classes: int) -> np.ndarray:
    """Check out-of-fold probabilities (row, class), whose rows must sum to one."""
    p = np.asarray(given, float)
    if p.shape != (n, classes):
        raise ParameterError(
            f"Probabilities must be (row, class), here {(n, classes)}, not {p.shape}; their "
            "columns are the classes in sorted order, or in that of classes."
        )
    if np.isnan(p).any() or p.min() < 0 or p.max() > 1 + SUM:
        raise ParameterError("Probabilities lie from 0 to 1, and every row needs them.")
    off = np.abs(p.sum(1) - 1)
    if (worst := int(off.argmax())) >= 0 and off[worst] > SUM:
        raise ParameterError(
            f"Rows of probabilities must sum to 1, but {int((off > SUM).sum())} of {n} do not: row "
            f"{worst} sums to {p[worst].sum():.3f}; give softmax outputs, not logits."
        )
    return p
