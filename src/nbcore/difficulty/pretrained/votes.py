"""What the neighbours of an image say at each probe, for every split from one search.

Of each image twice as many neighbours as vote are searched once among all images. A split's voters
are the nearest of these that it trains on; where fewer than k of them are, the search is made again
among the split's own, so that the votes are exactly those of a search for every split.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping

import numpy as np
from tqdm import tqdm

from nbcore import files
from nbcore.difficulty.pretrained.features import Features
from nbcore.measures.depth import count_votes
from nbcore.measures.neighbours import nearest
from nbcore.paths import cache_dir

#: neighbours searched for each one that votes
SPARE = 2


def found_at(embedding: np.ndarray, k: int) -> np.ndarray:
    """Find (example, 2 k) neighbours of each example among all, itself among them, nearest first.

    embedding (example, number). With fewer examples than 2 k, all of them.
    """
    return nearest(embedding, embedding, min(SPARE * k, len(embedding))).astype(np.int32)


def kept_neighbours(features: Features, k: int) -> dict[str, np.ndarray]:
    """Find or compute `found_at` of every probe, kept in the cache by the features' files."""
    names = "".join(file.stem for file in features.files) + features.files[0].parent.name
    out = {}
    for probe in tqdm(features.probes, "neighbours", leave=False, delay=2):
        key = hashlib.sha256(f"{names} {probe} {k}".encode()).hexdigest()[:24]
        file = cache_dir() / "neighbours" / f"{key}.npy"
        try:
            found = np.load(io.BytesIO(files.read_checked(file)))
        except (OSError, files.Damaged):
            found = found_at(features.at(probe), k)
            np.save(buffer := io.BytesIO(), found)
            files.write_checked(file, buffer.getbuffer())
        out[probe] = found
    return out


def votes(
    found: np.ndarray,
    trained: np.ndarray,
    labels: np.ndarray,
    k: int,
    classes: int,
    embedding: np.ndarray | None = None,
) -> np.ndarray:
    """Count the (example, class) votes of each example's k nearest among those trained on.

    found: as `found_at`; trained (example,) bool; labels (example,); embedding (example, number)
    is searched again where too few of an example's neighbours were trained on. ValueError: fewer
    than k trained on, or a new search is needed and there is no embedding.
    """
    if (bank := int(trained.sum())) < k:
        raise ValueError(f"{k} neighbours are to vote, but only {bank} examples are trained on.")
    inside = trained[found]
    rank = np.cumsum(inside, axis=1, dtype=np.int16)
    voting = inside & (rank <= k)
    flat = (labels[found] + np.arange(len(found))[:, None] * classes)[voting]
    counts = np.bincount(flat, minlength=len(found) * classes).reshape(-1, classes)
    short = np.flatnonzero(rank[:, -1] < k)
    if len(short):
        if embedding is None:
            raise ValueError(f"{len(short)} examples need a new search; give the embedding.")
        again = nearest(embedding[trained], embedding[short], k)
        counts[short] = count_votes(labels[trained][again], classes)
    return counts


def answers(
    found: Mapping[str, np.ndarray],
    held_out: np.ndarray,
    labels: np.ndarray,
    k: int,
    classes: int,
    embedding: Mapping[str, np.ndarray] | Features,
) -> tuple[np.ndarray, np.ndarray]:
    """Let the neighbours vote at every probe for every member.

    found: probe -> `found_at`; held_out (member, example). Returns the class with most votes, int16
    (member, probe, example), and the share of an example's votes that are for its label, the mean
    over the members that held it out (probe, example), NaN where none did.
    """
    said = np.empty((len(held_out), len(found), len(labels)), np.int16)
    share = np.zeros((len(found), len(labels)))
    rows, times = np.arange(len(labels)), held_out.sum(0)
    bar = tqdm(total=said.shape[0] * said.shape[1], desc="votes", leave=False, delay=2)
    for p, (probe, neighbours) in enumerate(found.items()):
        own = _embedding(embedding, probe) if _short(neighbours, held_out, k) else None
        for m, held in enumerate(held_out):
            counts = votes(neighbours, ~held, labels, k, classes, own)
            said[m, p] = counts.argmax(1)
            share[p] += np.where(held, counts[rows, labels] / k, 0.0)
            bar.update()
    bar.close()
    return said, np.where(times > 0, share / np.maximum(times, 1), np.nan)


def _short(found: np.ndarray, held_out: Iterable[np.ndarray], k: int) -> bool:
    """Say whether any example has too few neighbours in any split."""
    return any(bool(((~held)[found].sum(1, dtype=np.int16) < k).any()) for held in held_out)


def _embedding(source: Mapping[str, np.ndarray] | Features, probe: str) -> np.ndarray:
    return source.at(probe) if isinstance(source, Features) else source[probe]
