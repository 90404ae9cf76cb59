"""How a file of a reader's own enters a run's address: by its content; an edit is another run."""

import hashlib
import json
from pathlib import Path

from nbcore.data.classmaps import BUILT_IN, read_map
from nbcore.errors import DataError

WEIGHTS = "give a .pth or .safetensors file"


def digest(content: bytes) -> str:
    """Return the first 16 hexadecimal digits of the content's SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def of_file(file: str | Path, advice: str = WEIGHTS) -> str:
    """Return a file's digest. DataError, which ends in `advice`, where it cannot be read."""
    try:
        return digest(Path(file).read_bytes())
    except OSError as error:
        raise DataError(
            f"There is no file {str(file)!r} ({type(error).__name__}); {advice}."
        ) from None


def of_map(class_map: str) -> str:
    """Return the name of a class map that ships with nbcore, or the digest of what a file says."""
    if class_map in BUILT_IN:
        return class_map
    return digest(json.dumps(read_map(class_map)).encode())
