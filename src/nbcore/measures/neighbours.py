"""Find exact nearest neighbours by Euclidean distance, in blocks, so that no N x N array exists.

Distances are computed in float32, after the bank's median was taken from bank and queries and both
were scaled by a power of two: an offset costs no digits, and no square overflows. Where the k-th
and the next distance still lie closer than float32 can tell, the query is answered again in
float64. So the k neighbours are those of a float64 brute force, whatever the dtype, offset or
scale of the embeddings; only examples that are equally far to float64's rounding can change places.

Back ends: "torch" (one matrix product and one top-k per block, on the CPU or a GPU) and "faiss".
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nbcore.measures import blocks

#: a copy of queries takes this part of the memory that a copy of the bank may take
QUERIES = 4
#: neighbours beyond the k-th that are found too, should they be as near as it to float32's rounding
SPARE = 8
#: rows of the bank whose median is the centre
SAMPLE = 101
#: dtypes whose values float32 holds exactly
NARROW = {torch.float32, torch.float16, torch.bfloat16}

Array = NDArray | Tensor
Found = tuple[Tensor, Tensor, Tensor]


class Frame(NamedTuple):
    """Where embeddings are centred (d,), the power of two they are multiplied by, in which dtype.

    `working` is float32 for embeddings of 16 or 32 bits: as the centre is such a number too, the
    difference is rounded once, as it would be if it were computed in float64.
    """

    centre: Tensor
    scale: float
    working: torch.dtype

    def place(self, rows: Tensor, dtype: torch.dtype) -> Tensor:
        """Return rows (n, d) centred and scaled, as a copy in `dtype`."""
        working = torch.promote_types(self.working, dtype)
        copy = rows.to(working) - self.centre.to(rows.device, working)
        if self.scale != 1:
            copy *= self.scale
        return copy.to(dtype)

    def rows(self, share: int = 1) -> int:
        """Say how many rows may be copied at a time, into a share of the memory for copies."""
        return max(blocks.COPY_BYTES // (share * self.working.itemsize * len(self.centre)), 1)


def nearest(
    bank: Array, queries: Array, k: int, exclude_self: bool = False, backend: str = "torch"
) -> NDArray[np.int64]:
    """Find (query, k) indices into the bank, the nearest first.

    bank (n, d), queries (q, d): any real numbers, finite. exclude_self: the queries are the bank,
    in order, and each is left out of its own neighbours by its index (a duplicate elsewhere still
    counts). Which k they are is exact; in their order two may swap that float32 cannot tell apart.
    ValueError: k outside 1 to n (n - 1 with exclude_self), other shapes, NaN, infinity, or values
    so far apart that their squares are not finite.
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
    frame = _frame(b, q)
    every = torch.arange(len(q))
    found = BACKENDS[backend](b, q, frame, every, min(k + 1 + SPARE, most), exclude_self)
    return _settled(b, q, frame, k, exclude_self, found).numpy()


def _checked(array: Array, name: str) -> Tensor:
    tensor = torch.as_tensor(array)
    if tensor.ndim != 2 or 0 in tensor.shape or tensor.is_complex():
        form = f"{tuple(tensor.shape)} of {str(tensor.dtype).removeprefix('torch.')}"
        raise ValueError(f"The {name} must be (example, feature) of real numbers, not {form}.")
    bad = sum(
        int((~torch.isfinite(part)).any(1).sum())
        for part in _parts(tensor)
        if not torch.isfinite(part.sum())
    )
    if bad:
        raise ValueError(f"{bad} of {len(tensor)} rows of the {name} hold NaN or infinity.")
    return tensor


def _parts(tensor: Tensor) -> Iterator[Tensor]:
    """Yield the rows in turn, as float32 or float64, a bounded number of bytes at a time."""
    dtype = torch.float32 if tensor.dtype in NARROW else torch.float64
    for part in tensor.split(max(blocks.COPY_BYTES // (dtype.itemsize * tensor.shape[1]), 1)):
        yield part.to(dtype)


def _frame(bank: Tensor, queries: Tensor) -> Frame:
    """Centre at the bank's middle, and scale so that no feature is farther from it than 1.

    The middle is the median of some rows: a mean can be moved away from all others by one outlier.
    """
    some = bank[torch.linspace(0, len(bank) - 1, SAMPLE).long().unique()]
    narrow = {bank.dtype, queries.dtype} <= NARROW
    centre = some.to(torch.float32 if narrow else torch.float64).median(0).values.double()
    largest = 0.0
    for tensor in (bank, queries):
        for part in _parts(tensor):
            low, high = (float(end) for end in torch.aminmax(part))
            largest = max(largest, high - float(centre.min()), float(centre.max()) - low)
    if not math.isfinite(largest * largest * bank.shape[1]):
        raise ValueError(
            f"The embeddings lie {largest:.1e} apart, and squares of that are not finite; divide "
            "bank and queries by one number."
        )
    if 1e-6 < largest < 1e12:  # no square of these overflows or vanishes in float32
        return Frame(centre, 1.0, torch.float32 if narrow else torch.float64)
    working = torch.float32 if narrow and 1e-30 < largest < 1e30 else torch.float64
    return Frame(centre, math.ldexp(1.0, -max(math.frexp(largest)[1], -1000)), working)


def _torch(
    bank: Tensor,
    queries: Tensor,
    frame: Frame,
    asked: Tensor,
    k: int,
    exclude_self: bool,
    dtype: torch.dtype = torch.float32,
) -> Found:
    """Find the k nearest for the queries `asked` (indices, a).

    Returns indices (a, k), squared distances (a, k) and squared norms (a,), the latter two in the
    frame, computed in `dtype`.
    """
    whole = len(asked) == len(queries)
    room = blocks.ON_GPU if bank.is_cuda else 1
    size = torch.empty(len(asked), dtype=dtype, device=bank.device)
    best = torch.full((len(asked), k), torch.inf, dtype=dtype, device=bank.device)
    at = torch.full((len(asked), k), -1, device=bank.device)
    for first in range(0, len(bank), frame.rows() * room):
        part = frame.place(bank[first : first + frame.rows() * room], dtype)
        squares = torch.linalg.vecdot(part, part)
        rows = max(blocks.DISTANCE_BYTES // (dtype.itemsize * len(part)), blocks.ROWS)
        start = 0
        for block in asked.split(min(rows, frame.rows(QUERIES)) * room):
            here = slice(start, start := start + len(block))
            # all queries are a slice, which is not copied before it is centred
            some = queries[here] if whole else queries[block.to(queries.device)]
            placed = frame.place(some, dtype).to(bank.device)
            if not first:
                size[here] = torch.linalg.vecdot(placed, placed)
            # |q - b|^2 without |q|^2, which does not change the order of a query's neighbours
            distance = torch.addmm(squares, placed, part.T, beta=1.0, alpha=-2.0)
            if exclude_self:
                own = block.to(bank.device) - first
                inside = (own >= 0) & (own < len(part))
                distance[inside.nonzero()[:, 0], own[inside]] = torch.inf
            values, near = distance.topk(min(k, len(part)), largest=False)
            values, near = (
                torch.cat([best[here], values], 1),
                torch.cat([at[here], near + first], 1),
            )
            best[here], chosen = values.topk(k, largest=False)
            at[here] = near.gather(1, chosen)
    return at.cpu(), (best + size[:, None]).cpu(), size.cpu()


def _faiss(
    bank: Tensor, queries: Tensor, frame: Frame, asked: Tensor, k: int, exclude_self: bool
) -> Found:
    """Find neighbours as `_torch` does, with faiss; `asked` are all queries."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatL2(bank.shape[1])
    for part in bank.split(frame.rows()):
        index.add(frame.place(part, torch.float32).cpu().numpy())
    parts = []
    for block in asked.split(frame.rows(QUERIES)):
        placed = frame.place(queries[block.to(queries.device)], torch.float32).cpu()
        squares, found = index.search(placed.numpy(), k + exclude_self)
        if exclude_self:
            others = found != block.numpy()[:, None]
            others[others.all(1), -1] = False  # crowded out by duplicates: drop the last instead
            found, squares = (a[others].reshape(-1, k) for a in (found, squares))
        at, distance = torch.from_numpy(found), torch.from_numpy(squares)
        parts.append((at, distance, torch.linalg.vecdot(placed, placed)))
    at, distance, size = (torch.cat(column) for column in zip(*parts, strict=True))
    return at, distance, size


def _settled(
    bank: Tensor, queries: Tensor, frame: Frame, k: int, exclude_self: bool, found: Found
) -> Tensor:
    """Return (query, k) neighbours; those that float32 leaves open are settled in float64.

    Either all that may be meant are among the SPARE further ones that were found, and these are
    compared with each other, or the whole bank is searched again.
    """
    at, distance, size = found
    if distance.shape[1] == k:
        return at
    error = _error(distance[:, k - 1], size, bank.shape[1])
    beyond = distance[:, k:] - distance[:, k - 1 : k] > 2 * error[:, None]
    whole = len(bank) - exclude_self == distance.shape[1]
    many = torch.zeros_like(beyond[:, -1]) if whole else ~beyond[:, -1]
    few = (~beyond[:, 0] & ~many).nonzero()[:, 0]
    for part in few.split(max(frame.rows(QUERIES) // (2 * at.shape[1]), 1)) if len(few) else ():
        near = frame.place(bank[at[part].flatten().to(bank.device)], torch.float64)
        asked = frame.place(queries[part.to(queries.device)], torch.float64).to(near.device)
        away = near.view(len(part), -1, bank.shape[1]) - asked[:, None]
        nearest_first = torch.linalg.vecdot(away, away).topk(k, largest=False).indices.cpu()
        at[part, :k] = at[part].gather(1, nearest_first)
    if many.any():
        again = many.nonzero()[:, 0]
        at[again, :k] = _torch(bank, queries, frame, again, k, exclude_self, torch.float64)[0]
    return at[:, :k]


def _error(distance: Tensor, size: Tensor, d: int) -> Tensor:
    """Bound (query,) what float32 makes of a squared distance like `distance`, and up to twice it.

    Squared distances were seen to be wrong by up to 4 (d = 10), 10 (512) and 11 (16,384) roundings
    of the sum of both squared norms, on embeddings of five shapes.
    """
    single = torch.finfo(torch.float32)
    reach = size + (size.sqrt() + 2 * distance.clamp(min=0).sqrt()) ** 2
    return (8 + d**0.5 / 8) * single.eps * reach + d * single.tiny


BACKENDS = {"torch": _torch, "faiss": _faiss}
