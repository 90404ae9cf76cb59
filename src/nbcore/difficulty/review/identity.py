"""What an image is called, wherever it lies: the sha256 of its content.

Of a file or of encoded bytes it is that of the bytes, as `sha256sum` prints it; of pixels without a
file it is that of their shape and values. So a decision on an image survives that its file is moved
or renamed, and two copies of one image have one id.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from nbcore import files
from nbcore.data.folders import shown
from nbcore.data.readers import Raw
from nbcore.errors import DataError

#: so many digits are shown to people; tables have all 64
SHOWN = 12
#: the fewest digits by which a table may name an image
FEWEST = 8


def image_id(raw: bytes | Path | np.ndarray) -> str:
    """Compute the id of one image: 64 hexadecimal digits. DataError for a file that cannot be read.

    raw: encoded bytes, a file, or pixels (height, width, channels) in bytes.
    """
    if isinstance(raw, Path):
        try:
            about = raw.stat()
            return _of_file(raw, about.st_size, about.st_mtime_ns)
        except OSError as error:
            raise DataError(
                f"{shown(raw)} cannot be read ({error.strerror}); mend or remove it."
            ) from None
    if isinstance(raw, bytes):
        return hashlib.sha256(raw).hexdigest()
    head = f"{raw.dtype.str} {raw.shape} ".encode()
    return hashlib.sha256(head + np.ascontiguousarray(raw).tobytes()).hexdigest()


@lru_cache(maxsize=2**17)
def _of_file(file: Path, *state: int) -> str:
    return files.sha256(file)


def image_ids(raw: Raw, positions: Iterable[int]) -> list[str]:
    """Compute the ids of the images at these positions, in their order."""
    return [image_id(raw[int(i)]) for i in positions]


def store_of(name: str, classes: tuple[str, ...]) -> str:
    """Name the place where a browser keeps decisions: by the set, not by the page or its folder."""
    digest = hashlib.sha256("\n".join((name, *classes)).encode("utf-8", "surrogateescape"))
    return f"nbcore-decisions-{digest.hexdigest()[:16]}"
