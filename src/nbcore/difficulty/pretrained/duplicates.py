"""Images that are there more than once, and images that no class resembles.

A copy with the same label counts twice; one with another label says that a label is wrong; one in
another split leaks from training into testing. Copies are looked for among the nearest neighbours
at the input and at the last probe, which have been searched anyway.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from nbcore.data.readers import Raw

#: cosine of centred features from which two images are nearly the same, in the input and at the end
NEAR_INPUT, NEAR_END = 0.98, 0.95
COLUMNS = ["one", "other", "exact", "similarity", "same_label", "same_split"]


def duplicates(
    first: np.ndarray,
    last: np.ndarray,
    found: Mapping[str, np.ndarray],
    labels: np.ndarray,
    splits: np.ndarray | None = None,
) -> pd.DataFrame:
    """List pairs of images that are the same or nearly so, each once, the nearest first.

    first, last (example, number): features at the input and before the head; found: probe ->
    (example, neighbour) with those two probes first and last; labels, splits (example,).
    Columns: one, other (positions), exact (equal at the input; else alike at both ends), similarity
    (the smaller of the two cosines), same_label, same_split.
    """
    pairs = _pairs(list(found.values()))
    if not len(pairs):
        return pd.DataFrame(columns=COLUMNS)
    a, b = pairs.T
    ends = [_cosine(x, a, b) for x in (first, last)]
    exact = np.array([np.array_equal(first[i], first[j]) for i, j in pairs])
    near = (ends[0] >= NEAR_INPUT) & (ends[1] >= NEAR_END)
    out = pd.DataFrame(
        {
            "one": a,
            "other": b,
            "exact": exact,
            "similarity": np.where(exact, 1.0, np.minimum(*ends)),
            "same_label": labels[a] == labels[b],
            "same_split": True if splits is None else splits[a] == splits[b],
        }
    )[exact | near]
    return out.sort_values(["similarity", "one"], ascending=[False, True], ignore_index=True)


def also_in(raw: Raw, others: Mapping[str, tuple[Raw, np.ndarray]]) -> np.ndarray:
    """Find images that are in another split too, byte for byte: (example,) where, "" for nowhere.

    raw: n images as they are stored; others: split -> such images and their (m,) names.
    """
    there: dict[bytes, str] = {}
    for images, names in others.values():
        there |= {_content(image): str(name) for image, name in zip(images, names, strict=True)}
    return np.array([there.get(_content(image), "") for image in raw] if there else [""] * len(raw))


def _content(image: np.ndarray | bytes | Path) -> bytes:
    data = image.read_bytes() if isinstance(image, Path) else bytes(image)
    return hashlib.sha256(data).digest()


def _pairs(neighbours: list[np.ndarray], most: int = 6) -> np.ndarray:
    """List (pair, 2) of examples that are among each other's first neighbours at both ends."""
    sets = []
    for found in (neighbours[0], neighbours[-1]):
        near = found[:, :most]
        one = np.repeat(np.arange(len(near)), near.shape[1])
        pairs = np.sort(np.stack([one, near.ravel()], 1), axis=1)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        sets.append({(int(a), int(b)) for a, b in pairs})
    return np.array(sorted(sets[0] & sets[1]), np.int64).reshape(-1, 2)


def _cosine(x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute the cosine of pairs of centred rows; 1 for two rows of zeros."""
    centre = x.mean(0, dtype=np.float64)
    left, right = x[a] - centre, x[b] - centre
    size = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.where(size > 0, (left * right).sum(1) / np.maximum(size, 1e-300), 1.0)


def unlike(last: np.ndarray, found: np.ndarray, share: float = 0.01) -> np.ndarray:
    """Mark (example,) bool the images that no class resembles: those farthest from all others.

    last (example, number): features before the head; found (example, neighbour), itself first or
    among them. The distance to the tenth neighbour is compared with that neighbour's own, so that
    dense and sparse classes count alike; at most `share` of the images, and only those whose ratio
    stands out by more than three interquartile ranges above the upper quartile.
    """
    k = min(10, found.shape[1] - 1)
    if k < 1:
        return np.zeros(len(last), bool)
    x = np.asarray(last, np.float32)
    far = np.linalg.norm(x - x[found[:, k]], axis=1).astype(float)
    around = np.median(far[found[:, : k + 1]], axis=1)
    ratio = far / np.maximum(around, 1e-12)
    low, high = np.quantile(ratio, [0.25, 0.75])
    limit = max(high + 3 * (high - low), np.quantile(ratio, 1 - share))
    return ratio > limit
