"""What can be asked for by name; the table itself is `catalog.toml`, which explains its fields."""

import hashlib
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from nbcore.errors import DataError, did_you_mean


def combine(form: dict[str, str]) -> str:
    """One sha256 for several files: over the sorted lines "sha256  name"."""
    lines = sorted(f"{digest}  {name}" for name, digest in form.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """A line of the catalogue (`catalog.toml` says what each field is)."""

    name: str
    kind: str
    about: str
    licence: str
    cite: str
    folder: str
    home: str
    base: str = ""
    get: dict[str, str] = field(default_factory=dict)
    forms: tuple[dict[str, str], ...] = ()
    needs: tuple[str, ...] = ()
    shipped: str = ""
    skip: str = ""
    classes: tuple[str, ...] = ()

    @property
    def declared(self) -> tuple[str, ...]:
        """The checksums of its known forms, the published runs' first."""
        return tuple(combine(form) for form in self.forms)


def _entry(name: str, row: dict[str, Any]) -> Entry:
    classes = tuple(row["classes"].split(", ")) if "classes" in row else ()
    forms = tuple(row.get("forms") or ([row["get"]] if "get" in row else []))
    needs = tuple(row.get("needs", ()))
    return Entry(**row | {"name": name, "classes": classes, "forms": forms, "needs": needs})


CATALOG: dict[str, Entry] = {
    name: _entry(name, row)
    for name, row in tomllib.loads(
        (files(__package__) / "catalog.toml").read_text(encoding="utf-8")
    ).items()
}


def entry(name: str) -> Entry:
    """The catalogue's line for a name; an unknown one is a DataError that names the nearest."""
    if name not in CATALOG:
        raise DataError(
            f"There is no data set {name!r}: {did_you_mean(name, CATALOG)}; "
            "a folder of your own is given as a path, such as './my-images'."
        )
    return CATALOG[name]
