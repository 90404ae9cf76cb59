"""Which code a run's numbers come from: everything reached from the functions that computed them.

    entry = entry_points([partial(member, config), reduce])    # kept in a run's manifest
    fingerprint(entry)                                         # {module: digest}, kept beside it

Found in the source, never by executing it: from the functions on, every name is followed through
nbcore's modules: functions, tables, constants, decorators, imports at the top and inside functions,
classes with their bases, members of objects (`references`). A module's digest covers the
definitions of it that are reached, and no others; docstrings, comments, annotations, error texts,
and what `blocks` declares, are in no digest.
"""

import ast
import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbcore.codebase.names import bases, class_of, lineage
from nbcore.codebase.references import Reference, references
from nbcore.codebase.source import BODY, Place, Source, digest, last_name, statements_digest
from nbcore.errors import StoreError

#: modules that are not followed: no number comes from them
OUTSIDE = {
    "nbcore.measures.blocks": "how much is done at a time",
    "nbcore.errors": "what errors say",
    "nbcore.paths": "where files lie",
    "nbcore.files": "how files are written and checked",
    "nbcore.data.catalog": "which data there are; a manifest has the checksums of those it used",
    "nbcore.data.sources": "where data are found; a manifest has the checksums of those it used",
    "nbcore.data.fetch": "how they get there",
    "nbcore.text": "what is printed",
    "nbcore.runs.engines": "which process computes a member",
    "nbcore.runs.plan": "what a run is made of; its functions are followed where they are named",
    "nbcore.runs.store": "where a run is kept",
    "nbcore.runs.provenance": "what is said of a run",
    "nbcore.runs.criteria": "when a number counts as another",
}
#: bases that call no method by themselves
PLAIN_BASES = {"object", "NamedTuple", "Protocol", "Generic", "ABC"}
#: an entry of this form stands for an object of a class that was given to the function
OBJECT = "()"


def entry_points(functions: Iterable[Any]) -> list[str]:
    """Name what computes a run: `module:function`, and `module:Class()` of objects bound to it."""
    found: set[str] = set()
    for function in functions:
        found |= set(_entries(function))
    return sorted(found)


def _entries(value: Any) -> Iterator[str]:
    if isinstance(value, functools.partial):
        for part in (value.func, *value.args, *value.keywords.values()):
            yield from _entries(part)
    elif inspect.ismethod(value):
        yield f"{value.__func__.__module__}:{value.__func__.__qualname__}"
        yield from _entries(value.__self__)
    elif inspect.isfunction(value) or inspect.isclass(value):
        yield f"{value.__module__}:{value.__qualname__}"
    elif hasattr(value, "__wrapped__"):  # such as lru_cache
        yield from _entries(value.__wrapped__)
    elif type(value).__module__.partition(".")[0] == "nbcore":
        yield f"{type(value).__module__}:{type(value).__qualname__}{OBJECT}"


def fingerprint(entries: Iterable[str], source: Source | None = None) -> dict[str, str]:
    """Compute {module: digest} over the definitions that are reached from the entries.

    StoreError for an entry that no longer exists.
    """
    reached = closure(entries, source)
    modules: dict[str, list[list[str]]] = {}
    for (module, path), hashed in sorted(reached.items()):
        modules.setdefault(module, []).append([path, hashed])
    return {module: digest(parts) for module, parts in modules.items()}


def closure(entries: Iterable[str], source: Source | None = None) -> dict[Place, str]:
    """Find every definition that is reached from the entries, with the hash of its code."""
    walk = _Walk(source or Source())
    for entry in entries:
        walk.enter(entry)
    walk.run()
    return walk.reached


def compare(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """List the modules in which two fingerprints differ."""
    return sorted(m for m in {*recorded, *now} if recorded.get(m) != now.get(m))


@dataclass
class _Walk:
    source: Source
    reached: dict[Place, str] = field(default_factory=dict)
    waiting: list[Reference] = field(default_factory=list)
    classes: set[Place] = field(default_factory=set)
    members: set[tuple[Place, str]] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)

    def enter(self, entry: str) -> None:
        """Start from `module:function`, `module:Class()` or a definition inside a function."""
        module, _, path = entry.partition(":")
        top = path.removesuffix(OBJECT).partition(".<locals>")[0]
        name, _, member = top.partition(".")
        at = self.source.find(Place(module, name))
        if at is None:
            if module.partition(".")[0] != "nbcore":  # a test's or a notebook's: not ours to follow
                return
            raise StoreError(f"There is no {entry} in nbcore any more; the run cannot be compared.")
        if path.endswith(OBJECT):
            self.classes.add(at)
        elif member:
            self.members.add((at, member))
        else:
            self.waiting.append(Reference("name", at))

    def run(self) -> None:
        """Follow references until nothing new is found."""
        while True:
            while self.waiting:
                self.take(self.waiting.pop())
            before = len(self.reached)
            for owner, name in list(self.members):
                self.member(owner, name)
            for owner in self._classes_in_reach():
                for name in self.unknown:
                    self.own_member(owner, name)
            if not self.waiting and len(self.reached) == before:
                return

    def take(self, reference: Reference) -> None:
        kind, place, types, name = reference
        if place.module in OUTSIDE or any(t.module in OUTSIDE for t in types):
            return
        if kind == "import":
            module = self.source.module(place.module)
            assert module is not None
            target = module.imports[place.path]
            self.reached[Place(place.module, f"import {place.path}")] = ":".join(target)
        elif kind == "file":
            self.reached[place._replace(path=f"file {place.path}")] = digest(
                self.source.file(*place)
            )
        elif kind == "whole":
            self.whole(place.module)
        elif kind == "any":
            self.unknown.add(name)
        elif kind == "member":
            self.classes |= types
            self.members |= {(t, name) for t in types}
        elif class_of(self.source, place):
            self.construct(place)
        else:
            self.definition(place)

    def definition(self, place: Place) -> None:
        """Reach a function, a table or a constant: its code counts, and what it refers to."""
        if place in self.reached:
            return
        self._add(place, self.source.remember(_hashed, place))

    def construct(self, place: Place) -> None:
        """Reach a class that is named: its fields, its bases, and what is called without a name."""
        self.classes.add(place)
        if place in self.reached:
            return
        found = class_of(self.source, place)
        assert found is not None
        self._add(place, found.digest())
        all_of_it = any(
            last_name(base) not in PLAIN_BASES and at is None
            for owner in lineage(self.source, place)
            for base, at in zip(
                class_of(self.source, owner).node.bases,  # type: ignore[union-attr]
                bases(self.source, owner),
                strict=True,
            )
        )
        for name in found.members:
            if all_of_it or name == BODY or (name.startswith("__") and name.endswith("__")):
                self.definition(Place(place.module, f"{place.path}.{name}"))

    def member(self, owner: Place, name: str) -> None:
        """Reach `object.name` of an object of this class, or of a known class below it."""
        for place in lineage(self.source, owner):
            if self.own_member(place, name):
                break
        for below in list(self.classes):
            if below != owner and owner in lineage(self.source, below):
                self.own_member(below, name)

    def own_member(self, place: Place, name: str) -> bool:
        """Reach a class's own member, and say whether the class has a member or field of this name.

        A field has no code of its own here: its value comes from the code that makes the object.
        """
        found = class_of(self.source, place)
        if found and name in found.members and place.module not in OUTSIDE:
            self.definition(Place(place.module, f"{place.path}.{name}"))
        return bool(found and (name in found.members or name in found.fields))

    def whole(self, name: str) -> None:
        """Reach everything that a module defines, since the module is passed on as an object."""
        module = self.source.module(name)
        for path in module.bound if module else ():
            self.waiting.append(Reference("name", Place(name, path)))
        for path, kind in module.classes.items() if module else ():
            self.members |= {(Place(name, path), member) for member in kind.members}

    def _add(self, place: Place, hashed: str) -> None:
        self.reached[place] = hashed
        self.waiting += self.source.remember(references, place)
        if place.module not in self.modules:
            self.modules.add(place.module)
            self.waiting += _run_on_import(self.source, place.module)

    def _classes_in_reach(self) -> list[Place]:
        parsed = {name: self.source.module(name) for name in self.modules}
        return [Place(name, c) for name, m in parsed.items() if m for c in m.classes]


def _hashed(source: Source, place: Place) -> str:
    module = source.module(place.module)
    assert module is not None
    name, _, member = place.path.partition(".")
    kind = module.classes.get(name)
    return statements_digest(kind.members[member] if kind else module.bound[place.path])


def _run_on_import(source: Source, name: str) -> Iterator[Reference]:
    """Find statements that bind no name, and definitions that one of our decorators has seen."""
    module = source.module(name)
    assert module is not None
    for path, statements in module.bound.items():
        decorators = [d for s in statements for d in getattr(s, "decorator_list", ())]
        ours = any(
            r.place.module not in OUTSIDE and source.module(r.place.module)
            for d in decorators
            for r in _named_by(source, name, d)
        )
        if path == BODY or ours:
            yield Reference("name", Place(name, path))


def _named_by(source: Source, name: str, node: ast.expr) -> Iterator[Reference]:
    function = node.func if isinstance(node, ast.Call) else node
    first = function
    while isinstance(first, ast.Attribute):
        first = first.value
    if isinstance(first, ast.Name) and (at := source.find(Place(name, first.id))):
        yield Reference("name", at)
