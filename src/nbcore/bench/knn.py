"""Exact nearest neighbours beside scikit-learn, faiss and plain torch, by dimension."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import ClassVar

import numpy as np
import torch

from nbcore import data as nbdata
from nbcore.bench.clock import Side, alternate, threads
from nbcore.bench.record import Comparison, Found
from nbcore.errors import ParameterError
from nbcore.measures.neighbours import BACKENDS, nearest
from nbcore.runs.config import Config, param

#: how far two sets of distances may lie apart, as a share of the distance
WITHIN = 1e-4
#: bytes of distances that plain torch holds at a time
BLOCK = 32 * 2**20

Finder = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Knn(Config):
    """Bank, queries and dimensions. About three minutes of one core."""

    slug: ClassVar[str] = "knn"

    dataset: str = param("cifar10", "images whose pixels are the embeddings, by name")
    bank: int = param(50_000, "images in the bank", low=100)
    queries: int = param(1_500, "of these that are asked for", low=10)
    dimensions: tuple[int, ...] = param((64, 512, 3072), "of the embeddings", low=2)
    k: int = param(30, "neighbours", low=1)
    rounds: int = param(3, "times that every side answers", low=1)
    threads: int = param(1, "threads of every side", low=1)

    @classmethod
    def smoke(cls) -> "Knn":
        """Digits: no data to be had, a second."""
        return cls(dataset="digits", bank=1_200, queries=1_000, dimensions=(16, 64), k=10)


def scikit_learn(bank: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Find (query, k) neighbours by scikit-learn's brute force."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(bank).kneighbors(queries)[1]


def plain_faiss(bank: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Find (query, k) neighbours by faiss's flat index."""
    import faiss

    index = faiss.IndexFlatL2(bank.shape[1])
    index.add(bank)
    return index.search(queries, k)[1]


def plain_torch(bank: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Find (query, k) neighbours by torch's distances and top k, some queries at a time."""
    b, rows = torch.from_numpy(bank), max(BLOCK // (4 * len(bank)), 1)
    parts = torch.from_numpy(queries).split(rows)
    return torch.cat([torch.cdist(q, b).topk(k, largest=False).indices for q in parts]).numpy()


PEERS: dict[str, Finder] = {
    "scikit-learn, brute force": scikit_learn,
    "faiss, flat index": plain_faiss,
    "torch, cdist and topk": plain_torch,
}


def run(config: Knn) -> Found:
    """Compare the default back end with every peer, the others with scikit-learn, by dimension."""
    found: list[Comparison] = []
    with threads(config.threads):
        pixels = _pixels(config)
        for d in config.dimensions:
            found += _at(config, _embedded(pixels, d))
    return Found(tuple(found))


def _pixels(config: Knn) -> np.ndarray:
    """Return (bank, number) pixels, each channel centred."""
    images = nbdata.load(config.dataset, "train").images[: config.bank].astype(np.float32) / 255
    if len(images) < config.bank:
        raise ParameterError(
            f"{config.dataset} has {len(images)} images, but the bank is to have {config.bank}; "
            f"give bank={len(images)}."
        )
    return (images - images.mean((0, 1, 2))).reshape(len(images), -1)


def _embedded(pixels: np.ndarray, d: int) -> np.ndarray:
    """Bring pixels to d numbers by a random projection, unless they have so many."""
    if pixels.shape[1] == d:
        return pixels
    axes = np.random.default_rng(0).normal(size=(pixels.shape[1], d)).astype(np.float32)
    return pixels @ axes


def _at(config: Knn, bank: np.ndarray) -> list[Comparison]:
    """Time all sides on one bank."""
    queries = np.ascontiguousarray(bank[: config.queries])
    own = {name: partial(nearest, backend=name) for name in BACKENDS if find_spec(name)}
    sides: dict[str, Finder] = {f"nbcore, {name}": find for name, find in own.items()} | PEERS
    if not find_spec("faiss"):
        del sides["faiss, flat index"]
    for find in sides.values():
        find(bank[:500], queries[:50], config.k)  # libraries are loaded with the first product
    jobs = {name: partial(find, bank, queries, config.k) for name, find in sides.items()}
    done = alternate(jobs, config.rounds)
    if torch.cuda.is_available():
        done["nbcore, torch on the GPU"] = _on_gpu(bank, queries, config)
    far = {name: _distances(bank, queries, side.result) for name, side in done.items()}
    first, *others = [name for name in done if name.startswith("nbcore")]
    peers = [name for name in PEERS if name in done]
    pairs = [(first, peer) for peer in peers] + [(name, peers[0]) for name in others]
    return [
        Comparison(
            f"{config.queries:,} of {len(bank):,}, d = {bank.shape[1]:,}",
            ours,
            peer,
            done[ours].rounds,
            done[peer].rounds,
            round(done[ours].memory, 1),
            round(done[peer].memory, 1),
            "distances of the neighbours",
            float(np.max(np.abs(far[ours] - far[peer]) / np.maximum(far[peer], 1e-6))),
            WITHIN,
        )
        for ours, peer in pairs
    ]


def _on_gpu(bank: np.ndarray, queries: np.ndarray, config: Knn) -> Side:
    """Time the torch back end on the GPU, bank and queries there already; its memory there."""
    b, q = torch.from_numpy(bank).cuda(), torch.from_numpy(queries).cuda()
    nearest(b[:1000], q[:100], config.k)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    side = alternate({"gpu": lambda: nearest(b, q, config.k)}, config.rounds)["gpu"]
    side.memory = (torch.cuda.max_memory_allocated() - before) / 1e6
    return side


def _distances(bank: np.ndarray, queries: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return (query, k) distances in float64, sorted: ties may be found in any order."""
    rows = max(2**22 // (at.shape[1] * bank.shape[1]), 1)
    parts = []
    for start in range(0, len(queries), rows):
        here = slice(start, start + rows)
        apart = bank[at[here]].astype(np.float64) - queries[here, None].astype(np.float64)
        parts.append(np.sqrt(np.einsum("qkd,qkd->qk", apart, apart)))
    return np.sort(np.concatenate(parts), 1)
