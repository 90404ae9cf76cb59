"""Presets: every experiment is a frozen dataclass with three settings of its fields.

`smoke` (seconds, 2 cores, embedded data), `book` (what is published), `paper` (the paper's own).
Any single field can be overridden; unknown fields and wrong types are refused in one sentence.
"""

import dataclasses
import importlib
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from nbcore.chapters import chapter_folders
from nbcore.errors import ParameterError, StoreError, did_you_mean

PRESETS = ("smoke", "book", "paper")
#: how a field has to compare with the paper's for a run to be the paper's setup: see `Config.setup`
EQUAL, AT_LEAST, FREE = "equal", "at least", "free"


def param(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Any, ...] = (),
    in_address: bool = True,
    is_path: bool = False,
    paper: str = EQUAL,
) -> Any:
    """Declare a field of a Config with its meaning and range.

    in_address: whether it is part of what identifies a run; is_path: may name a file or folder,
    which is taken relative to the reader's working directory.
    """
    meta = dict(help=help, low=low, high=high, choices=choices)
    meta |= dict(in_address=in_address, is_path=is_path, paper=paper)
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class Config:
    """Base of all experiments. Subclasses add fields made by `param` and override presets.

    `book` is the defaults; `smoke` and `paper` return changed copies. Each docstring says the cost.
    """

    slug: ClassVar[str] = ""
    #: claims of which even the `paper` preset is a stand-in: other networks, private data
    stand_ins: ClassVar[Collection[str]] = ()

    @classmethod
    def book(cls) -> Self:
        """The published setting."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Seconds on embedded data."""
        return cls()

    @classmethod
    def paper(cls) -> Self:
        """The paper's own setting."""
        return cls()

    @classmethod
    def resolve(cls, preset: str = "book", **overrides: Any) -> Self:
        """Build a preset with single fields replaced; None as override keeps the preset's value."""
        if preset not in PRESETS:
            raise ParameterError(
                f"There is no preset {preset!r} for {cls.slug}; {did_you_mean(preset, PRESETS)}"
            )
        given = {k: v for k, v in overrides.items() if v is not None}
        fields = {f.name: f for f in dataclasses.fields(cls)}
        for name in given:
            if name not in fields:
                raise ParameterError(
                    f"{cls.slug} has no parameter {name!r}; {did_you_mean(name, fields)}"
                )
        hints = typing.get_type_hints(cls)
        checked = {k: check_value(k, v, hints[k], fields[k].metadata) for k, v in given.items()}
        return dataclasses.replace(getattr(cls, preset)(), **checked)

    @classmethod
    def from_address(cls, address: typing.Mapping[str, Any], **others: Any) -> Self:
        """Rebuild the config of a stored run from the fields of its address and from others.

        StoreError if the result has another address, as after a change of the fields.
        """
        hints = typing.get_type_hints(cls)
        names = [f.name for f in dataclasses.fields(cls) if f.name in address]
        config = cls(**{name: _convert(address[name], hints[name]) for name in names}, **others)
        if config.address() != address:
            raise StoreError(
                f"The stored settings of {cls.slug} are not those of its parameters today; it can "
                "only be computed anew."
            )
        return config

    def check(self) -> None:
        """Refuse early what would only fail after a long start, e.g. a file that is not there."""

    def before_computing(self) -> None:
        """Refuse what only a look at the networks tells, before the first member is computed."""

    def parts(self) -> Mapping[str, "Config"]:
        """Give the runs that the numbers come from, by name; a chapter with one run names none."""
        return {}

    def setup(self, claim: str = "", parts: Collection[str] = ()) -> str:
        """Say whether this is the paper's own setup of a claim: "paper" or "reduced".

        It is "paper" if every field equals that of the `paper` preset. Counts (seeds, members,
        images) may be larger, and fields that do not affect the claim (`param`'s `paper`) may
        differ. The same must be true of every run in `parts` on which the claim rests: those named
        here, or all of the preset's. A claim in `stand_ins` is always "reduced".
        """
        own = claim not in self.stand_ins and self._is_at_least(type(self).paper(), parts)
        return "paper" if own else "reduced"

    def _is_at_least(self, paper: "Config", parts: Collection[str] = ()) -> bool:
        for f in dataclasses.fields(self):
            mine, theirs = getattr(self, f.name), getattr(paper, f.name)
            how = f.metadata.get("paper", EQUAL)
            if (how == EQUAL and mine != theirs) or (how == AT_LEAST and mine < theirs):
                return False
        mine, theirs = self.parts(), paper.parts()
        wanted = parts or theirs
        return all(n in mine and n in theirs and mine[n]._is_at_least(theirs[n]) for n in wanted)

    def address(self) -> dict[str, Any]:
        """Return the fields that identify a run: all that are declared to be in the address."""
        out = {}
        for f in dataclasses.fields(self):
            if f.metadata.get("in_address", True):
                value = getattr(self, f.name)
                out[f.name] = list(value) if isinstance(value, tuple) else value
        return out


def check_value(name: str, value: Any, hint: Any, meta: typing.Mapping[str, Any]) -> Any:
    """Convert `value` to the type of `hint` (int to float, list to tuple) and check its range.

    ParameterError for another type or a value out of range.
    """
    converted = _convert(value, hint)
    if converted is _NO:
        raise ParameterError(
            f"{name} must be {_type_name(hint)}, but {value!r} is {type(value).__name__}."
        )
    choices, low, high = meta.get("choices"), meta.get("low"), meta.get("high")
    if choices and converted not in choices:
        known = ", ".join(map(str, choices))
        raise ParameterError(f"{name} must be one of {known}, not {value!r}.")
    for bound, wrong, word in ((low, "below", "at least"), (high, "above", "at most")):
        numbers = converted if isinstance(converted, tuple) else (converted,)
        if bound is not None and any(
            (n < bound) if wrong == "below" else n > bound for n in numbers
        ):
            raise ParameterError(f"{name} must be {word} {bound}, not {value!r}.")
    return converted


_NO = object()


def _convert(value: Any, hint: Any) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return next((c for a in args if (c := _convert(value, a)) is not _NO), _NO)
    if origin is tuple:
        items = value if isinstance(value, (list, tuple)) else [value]
        converted = tuple(_convert(item, args[0]) for item in items)
        return _NO if _NO in converted else converted
    if hint is types.NoneType:
        return None if value is None else _NO
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) and hint is not bool:
        return _NO
    return value if isinstance(value, hint) else _NO


def _type_name(hint: Any) -> str:
    args = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return f"a list of {_type_name(args[0])}"
    if args:
        return " or ".join(_type_name(a) for a in args if a is not types.NoneType)
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return names.get(hint, str(hint))


def absolute(value: Any, folder: Path) -> Any:
    """Make a name, or each of a list of names, absolute if it exists as a path in `folder`."""
    if isinstance(value, (list, tuple)):
        return [absolute(v, folder) for v in value]
    try:
        there = isinstance(value, str) and (folder / value).exists()
    except (OSError, ValueError):  # no name that a file could have
        return value
    return str((folder / value).resolve()) if there else value


def slugs() -> list[str]:
    """List the slugs of all chapters: their folders' names, with dashes."""
    return [name.replace("_", "-") for name in chapter_folders()]


def config_class(slug: str) -> type[Config]:
    """Return a chapter's Config: the class with this slug in its folder's module `config`.

    ParameterError for a slug without a folder, or a module without exactly one such class.
    """
    if slug not in slugs():
        raise ParameterError(f"No experiment {slug!r}; {did_you_mean(slug, slugs())}")
    module = importlib.import_module(f"nbcore.chapters.{slug.replace('-', '_')}.config")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Config) and value.slug == slug
    ]
    if len(found) != 1:
        raise ParameterError(
            f"{module.__name__} must define one Config whose slug is {slug!r}, it has {len(found)}."
        )
    return found[0]


def resolve(slug: str, preset: str = "book", **overrides: Any) -> Config:
    """Build the config of a chapter: `resolve("line", "smoke", bins=50)`."""
    return config_class(slug).resolve(preset, **overrides)


def from_cell(slug: str, namespace: typing.Mapping[str, Any]) -> Config:
    """Build the config that a parameters cell asks for: `from_cell("line", globals())`."""
    names = {f.name for f in dataclasses.fields(config_class(slug))} & set(namespace)
    return resolve(slug, namespace["preset"], **{name: namespace[name] for name in names})


def shown(value: Any, most: int = 8) -> str:
    """Write a parameter's value for people; of a long list, its beginning and length."""
    if value is None:
        return "–"
    if not isinstance(value, tuple):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if len(value) > most:
        return f"{value[0]}, {value[1]}, … ({len(value)} in all)"
    return ", ".join(map(str, value))


def describe(slug: str) -> list[dict[str, str]]:
    """Describe each parameter in a row for the pages: name, meaning, values by preset, range."""
    cls = config_class(slug)
    settings = {preset: getattr(cls, preset)() for preset in PRESETS}
    rows = []
    for f in dataclasses.fields(cls):
        low, high, choices = (f.metadata.get(k) for k in ("low", "high", "choices"))
        limits = ", ".join(map(str, choices)) if choices else ""
        if not limits and (low is not None or high is not None):
            limits = f"{'' if low is None else low} … {'' if high is None else high}".strip()
        values = {p: shown(getattr(c, f.name)) for p, c in settings.items()}
        book = values.pop("book")
        others = ", ".join(f"{p} {v}" for p, v in values.items() if v != book)
        rows.append(
            {
                "parameter": f.name,
                "meaning": f.metadata["help"],
                "value": f"{book} ({others})" if others else book,
                "range": limits,
            }
        )
    return rows
