"""Read the numeric arrays of a MATLAB 5 file, the form in which SVHN is published.

scipy's reader (1.17) is not used: some damaged files crash its process, since a changed byte in
the type of an element becomes an address outside its table. The format is in MathWorks' "MAT-File
Format".
"""

import math
import zlib
from pathlib import Path

import numpy as np

from nbcore.errors import DataError

#: the type of an element -> how its numbers are stored
STORED = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
#: the class of an array -> what its numbers are
CLASSES = {
    **{6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2"},
    **{12: "i4", 13: "u4", 14: "i8", 15: "u8"},
}
MATRIX, COMPRESSED, HEADER, COMPLEX = 14, 15, 128, 8


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the real numeric arrays of a file by name; arrays of other kinds are left out.

    DataError: no MATLAB 5 file, or damage that can be detected.
    """
    content = path.read_bytes()
    order = {b"IM": "<", b"MI": ">"}.get(content[126:HEADER], "")
    try:
        if not order:
            raise ValueError("it does not begin as a MATLAB 5 file")
        arrays, at = {}, HEADER
        while at < len(content):
            kind, body, at = _element(content, at, order)
            if kind == COMPRESSED:
                kind, body, _ = _element(zlib.decompress(body), 0, order)
            if kind == MATRIX and (found := _array(body, order)):
                arrays[found[0]] = found[1]
    except (ValueError, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}); renew it.") from None
    return arrays


def _element(content: bytes, at: int, order: str) -> tuple[int, bytes, int]:
    """Read the element that begins at `at`: its type, its bytes, and where the next one begins."""
    if at + 8 > len(content):
        raise ValueError("it ends within an element")
    kind, size = (int(n) for n in np.frombuffer(content, f"{order}u4", 2, at))
    start = at + 8
    if small := kind >> 16:  # up to four bytes lie where the size would
        kind, size, start = kind & 0xFFFF, small, at + 4
    if size > (4 if small else len(content) - start):
        raise ValueError("an element is longer than the file")
    # only compressed elements are followed at once, others on the next multiple of 8
    end = start + size if kind == COMPRESSED else at + -(-(start - at + size) // 8) * 8
    return kind, content[start : start + size], end


def _array(body: bytes, order: str) -> tuple[str, np.ndarray] | None:
    """Read an array's name and values; None for text, cells, structures or complex numbers."""
    at, parts = 0, list[tuple[int, bytes]]()
    while at < len(body) and len(parts) < 4:  # flags, shape, name, values
        kind, part, at = _element(body, at, order)
        parts.append((kind, part))
    if len(parts) < 4 or len(parts[0][1]) != 8:
        return None
    flags = int(np.frombuffer(parts[0][1], f"{order}u4", 1)[0])
    kind, values = parts[3]
    if flags & 0xFF not in CLASSES or flags >> 8 & COMPLEX:
        return None
    if kind not in STORED:
        raise ValueError(f"an element has the unknown type {kind}")
    shape = [int(n) for n in np.frombuffer(parts[1][1], f"{order}i4")]
    stored = np.frombuffer(values, f"{order}{STORED[kind]}")
    if min(shape, default=-1) < 0 or math.prod(shape) != len(stored):
        raise ValueError(f"an array of the shape {shape} has {len(stored)} values")
    array = stored.astype(CLASSES[flags & 0xFF]).reshape(shape, order="F")
    return parts[2][1].decode("latin-1"), array
