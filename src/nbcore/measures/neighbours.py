"""Exact nearest neighbours by Euclidean distance, in blocks, so that no N x N array exists.

Back ends: "torch" (one matrix product and one top-k per block, on the CPU or a GPU) and "faiss".
Both find the k smallest float32 distances; they can only differ where two are equal to rounding.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nbcore.measures import blocks

Array = NDArray | Tensor


def nearest(
    bank: Array, queries: Array, k: int, exclude_self: bool = False, backend: str = "torch"
) -> NDArray[np.int64]:
    """(query, k) indices into the bank, the nearest first.

    bank (n, d), queries (q, d): float, finite. exclude_self: the queries are the bank, in order,
    and each is left out of its own neighbours by its index (a duplicate elsewhere still counts).
    ValueError: k outside 1 to n (n - 1 with exclude_self), other shapes, NaN or infinity.
    """
    b, q = _checked(bank, "bank"), _checked(queries, "queries")
    if b.shape[1] != q.shape[1]:
        raise ValueError(f"Bank and queries differ in dimension: {b.shape[1]} and {q.shape[1]}.")
    if exclude_self and b.shape != q.shape:
        raise ValueError(
            f"exclude_self needs the bank itself as queries, but their shapes are "
            f"{tuple(q.shape)} and {tuple(b.shape)}."
        )
    most = len(b) - exclude_self
    if not 1 <= k <= most:
        raise ValueError(f"k must be from 1 to {most}, the size of the bank, not {k}.")
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, not {backend!r}.")
    return BACKENDS[backend](b, q, k, exclude_self)


def _checked(array: Array, name: str) -> Tensor:
    tensor = torch.as_tensor(array)
    tensor = tensor.float() if not tensor.is_floating_point() else tensor
    if tensor.ndim != 2 or 0 in tensor.shape:
        raise ValueError(f"The {name} must be (example, feature), not {tuple(tensor.shape)}.")
    if not torch.isfinite(tensor.sum()) and not torch.isfinite(tensor).all():
        bad = int((~torch.isfinite(tensor)).any(1).sum())
        raise ValueError(f"{bad} of {len(tensor)} rows of the {name} hold NaN or infinity.")
    return tensor


def _torch(bank: Tensor, queries: Tensor, k: int, exclude_self: bool) -> NDArray[np.int64]:
    rows = max(blocks.DISTANCE_BYTES // (bank.element_size() * len(bank)), blocks.ROWS)
    squares = torch.empty(len(bank), dtype=bank.dtype, device=bank.device)
    for part, out in zip(bank.split(rows), squares.split(rows), strict=True):
        torch.sum(part * part, 1, out=out)
    # |q - b|^2 without |q|^2, which does not change the order of a query's neighbours
    rows *= blocks.ON_GPU if bank.is_cuda else 1
    out = torch.empty(len(queries), k, dtype=torch.int64)
    for start in range(0, len(queries), rows):
        block = queries[start : start + rows]
        distance = torch.addmm(squares, block.to(bank), bank.T, beta=1.0, alpha=-2.0)
        if exclude_self:
            own = torch.arange(len(block), device=bank.device)
            distance[own, own + start] = torch.inf
        out[start : start + rows] = distance.topk(k, largest=False).indices.cpu()
    return out.numpy()


def _faiss(bank: Tensor, queries: Tensor, k: int, exclude_self: bool) -> NDArray[np.int64]:
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatL2(bank.shape[1])
    index.add(np.ascontiguousarray(bank.cpu().numpy(), np.float32))
    asked = np.ascontiguousarray(queries.cpu().numpy(), np.float32)
    found = index.search(asked, k + exclude_self)[1]
    if exclude_self:
        others = found != np.arange(len(found))[:, None]
        others[others.all(1), -1] = False  # crowded out by duplicates: drop the last instead
        found = found[others].reshape(-1, k)
    return found


BACKENDS = {"torch": _torch, "faiss": _faiss}
