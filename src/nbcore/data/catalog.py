"""What can be asked for by name. The table is `catalog.toml`, which explains its fields."""

import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from nbcore.errors import DataError, did_you_mean

Name = str | os.PathLike[str]


def combine(form: dict[str, str]) -> str:
    """One sha256 for several files, given theirs: over the sorted lines "sha256  name"."""
    lines = sorted(f"{digest}  {name}" for name, digest in form.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """A line of the catalogue."""

    name: str
    kind: str
    about: str
    licence: str
    cite: str
    folder: str
    home: str
    title: str = ""
    pool: int = 0
    base: str = ""
    get: dict[str, str] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    shipped: str = ""
    skip: str = ""
    classes: list[str] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    predictions: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)


_TABLE = tomllib.loads((files(__package__) / "catalog.toml").read_text(encoding="utf-8"))
CATALOG = {name: Entry(name=name, **row) for name, row in _TABLE.items()}


def entry(name: str) -> Entry:
    """The catalogue's line for a name; an unknown one is a DataError that names the nearest."""
    if name not in CATALOG:
        raise DataError(
            f"There is no data set {name!r}: {did_you_mean(name, CATALOG)}; "
            "a folder of your own is given as a path, such as ./my-images."
        )
    return CATALOG[name]


def is_path(name: Name) -> bool:
    """Whether a data set is asked for by its path: a Path, ./name, or a folder that is there."""
    if not isinstance(name, str):
        return True
    try:
        return name not in CATALOG and (Path(name).name != name or Path(name).exists())
    except (OSError, ValueError):  # too long, or with a byte that no name has
        return False


def declared(name: Name) -> tuple[str, ...]:
    """The known checksums of a data set, that of the published runs first; needs no data.

    None are known of images of your own, given by their path, or of files published without any.
    """
    e = None if is_path(name) else entry(str(name))
    forms = (e.forms or [e.get]) if e else []
    return tuple(combine(form) for form in forms if all(form.values()))
