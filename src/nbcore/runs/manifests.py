"""Read and write a run's manifest, with its own checksum.

The checksum is that of the manifest as canonical JSON without it. It guards against accident, not
against intent: whoever changes a manifest through `write_manifest` gets a new one.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbcore.files import Damaged, write_atomically

MANIFEST = "manifest.json"
Manifest = Mapping[str, Any]
FIELDS = ("experiment", "config", "data", "source", "members", "tables")


def checksum(manifest: dict[str, Any]) -> str:
    """Return the sha256 of a manifest without its field `checksum`, as hexadecimal digits."""
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def data_names(manifest: Manifest) -> dict[str, str]:
    """Return {role: name of the data set} of a stored run."""
    return {role: entry["name"] for role, entry in manifest["data"].items()}


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write a run's manifest, whole or not at all, with its checksum (which is also set in it)."""
    manifest["checksum"] = checksum(manifest)
    write_atomically(folder / MANIFEST, _text(manifest))


def read_manifest(folder: Path, to_the_byte: bool = False) -> dict[str, Any]:
    """Read a run's manifest. Damaged, without a remedy in the message, if it was changed.

    to_the_byte: Damaged also if only its form differs from what `write_manifest` writes.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        manifest = json.loads(content)
    except FileNotFoundError:
        raise Damaged(f"The run {folder} has no manifest") from None
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(f"The manifest {path} cannot be read ({type(error).__name__})") from None
    if not isinstance(manifest, dict) or any(field not in manifest for field in FIELDS):
        raise Damaged(f"The manifest {path} lacks what a manifest holds: {', '.join(FIELDS)}")
    if "checksum" not in manifest:
        raise Damaged(f"The manifest {path} has no checksum, as all have that are written today")
    if manifest["checksum"] != checksum(manifest):
        raise Damaged(f"The manifest {path} was changed: it does not have its checksum")
    # a checkout may end its lines in the way of its system
    if to_the_byte and content.replace(b"\r\n", b"\n") != _text(manifest):
        raise Damaged(f"The manifest {path} was changed in its form")
    return manifest


def _text(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
