"""The data sets that can be asked for by name. Their table `catalog.toml` explains its fields."""

import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from nbcore.errors import DataError, did_you_mean

Name = str | os.PathLike[str]


def combine(form: dict[str, str]) -> str:
    """Combine the sha256 of several files into one, over the sorted lines "sha256  name"."""
    lines = sorted(f"{digest}  {name}" for name, digest in form.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue."""

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
    """Return the catalogue's entry for a name. DataError for an unknown one names the nearest."""
    if name not in CATALOG:
        raise DataError(
            f"There is no data set {name!r}: {did_you_mean(name, CATALOG)}; "
            "a folder of your own is given as a path, such as ./my-images."
        )
    return CATALOG[name]


def is_path(name: Name) -> bool:
    """Say whether a data set is given by its path: a Path, ./name, or a folder that exists."""
    if not isinstance(name, str):
        return True
    try:
        return name not in CATALOG and (Path(name).name != name or Path(name).exists())
    except (OSError, ValueError):  # too long, or with a byte that no name has
        return False


def declared(name: Name) -> tuple[str, ...]:
    """Return the known checksums of a data set, that of the published runs first; needs no data.

    The tuple is empty for your own images, given by their path, and for files published without
    checksums.
    """
    e = None if is_path(name) else entry(str(name))
    forms = (e.forms or [e.get]) if e else []
    return tuple(combine(form) for form in forms if all(form.values()))
