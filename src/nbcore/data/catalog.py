"""What can be asked for by name. The table is `catalog.toml`, which explains its fields."""

import hashlib
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files

from nbcore.errors import DataError, did_you_mean


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


def declared(name: str) -> tuple[str, ...]:
    """The known checksums of a data set, that of the published runs first; needs no data."""
    e = entry(name)
    return tuple(combine(form) for form in e.forms or [e.get])
