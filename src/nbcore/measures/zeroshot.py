"""Zero-shot scores through a class map (ER §5.2, appendix C.7): several sources, one target."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Map = Mapping[str, Sequence[int]]
HOW = ("max", "mean", "sum")


def class_scores(probabilities: ArrayLike, class_map: Map, how: str = "max") -> Floats:
    """Score each target: its sources' probabilities combined by max, mean or sum (ER C.7).

    probabilities: (example, source), rows summing to 1 within 1e-4; class_map: {target: source
    indices}. Returns (example, target), columns in the map's order. The scores need not sum to 1:
    sources without a target keep their share. Raises ValueError for rows that do not sum to 1, a
    source that is not a column or feeds twice, a target with no source, another `how`.
    """
    p = np.asarray(probabilities, float)
    if p.ndim == 2 and p.size:
        if not np.isfinite(p).all() or p.min() < -1e-4:
            raise ValueError("Probabilities must be finite and not negative; apply a softmax.")
        off = np.abs(p.sum(axis=1) - 1)
        if off.max() > 1e-4:
            row = int(off.argmax())
            raise ValueError(
                f"Every row of probabilities must sum to 1, but row {row} sums to "
                f"{p[row].sum():.4g}; apply a softmax, or use combine for logits."
            )
    return combine(p, class_map, how)


def combine(scores: ArrayLike, class_map: Map, how: str = "max") -> Floats:
    """Score each target as `class_scores`, from any numbers, such as logits."""
    values = np.asarray(scores, float)
    if values.ndim != 2:
        raise ValueError(f"Scores must be (example, source), not of shape {values.shape}.")
    if how not in HOW:
        raise ValueError(f"how must be one of {', '.join(HOW)}, not {how!r}.")
    columns, starts, sizes = _layout(class_map, values.shape[1])
    picked = values[:, columns]
    if how == "max":
        return np.maximum.reduceat(picked, starts, axis=1)
    total = np.add.reduceat(picked, starts, axis=1)
    return total / sizes if how == "mean" else total


def _layout(class_map: Map, n_sources: int):
    """List all sources one after the other, where each target starts, and how many it has."""
    if not class_map:
        raise ValueError("The class map has no targets; name at least one.")
    sources = {target: [int(i) for i in found] for target, found in class_map.items()}
    if empty := [str(target) for target, found in sources.items() if not found]:
        raise ValueError(
            f"The target {empty[0]} has no source class, so it could never be predicted; give it "
            "one or leave it out."
        )
    columns = np.array([i for found in sources.values() for i in found])
    owner = [str(target) for target, found in sources.items() for _ in found]
    outside = (columns < 0) | (columns >= n_sources)
    if outside.any():
        at = int(outside.argmax())
        raise ValueError(
            f"The target {owner[at]} has the source {columns[at]}, but the scores have the classes "
            f"0 to {n_sources - 1}."
        )
    values, first, counts = np.unique(columns, return_index=True, return_counts=True)
    if (counts > 1).any():
        twice = values[counts > 1][0]
        into = [owner[i] for i in np.flatnonzero(columns == twice)]
        raise ValueError(f"The source {twice} is used twice, for {' and '.join(into)}.")
    sizes = np.array([len(found) for found in sources.values()])
    return columns, np.concatenate([[0], sizes.cumsum()[:-1]]), sizes


def shuffled_map(class_map: Map, n_sources: int, seed: int = 0) -> dict[str, tuple[int, ...]]:
    """Make the control map: as many sources per target, drawn at random from all `n_sources`."""
    columns, starts, sizes = _layout(class_map, n_sources)
    drawn = np.random.default_rng(seed).permutation(n_sources)[: len(columns)]
    return {
        target: tuple(int(i) for i in drawn[start : start + size])
        for target, start, size in zip(class_map, starts, sizes, strict=True)
    }
