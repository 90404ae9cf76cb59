"""What a name stands for inside a definition, and which of nbcore's classes a value may have.

A value's class is read from annotations, constructors, and the return types of functions.
"""

import ast
import builtins
from collections.abc import Iterator

from nbcore.codebase.scopes import Scope, Types
from nbcore.codebase.source import Class, Function, Module, Place, Source, last_name

#: packages whose classes hold no object of ours of which an annotation would not tell
FOREIGN = ("builtins", "typing", "collections", "pathlib", "numpy", "xarray", "pandas")
#: of torch only these: what is annotated as a Module may well be a class of ours
FOREIGN_OF_TORCH = ("Tensor", "device", "dtype", "Generator")


def class_of(source: Source, place: Place) -> Class | None:
    """Return the class at a place, or None for anything else."""
    module = source.module(place.module)
    return module.classes.get(place.path) if module else None


def bases(source: Source, place: Place) -> Iterator[Place | None]:
    """List the bases of a class, in order; None for one that is not nbcore's."""
    found, module = class_of(source, place), source.module(place.module)
    reader = Names(source, place)
    assert found and module
    for base in found.node.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        at = reader.resolve(plain)
        yield at if at and class_of(source, at) else None


def lineage(source: Source, place: Place) -> list[Place]:
    """List a class and its bases in nbcore, the nearest first."""
    return source.remember(_lineage, place)


def _lineage(source: Source, place: Place) -> list[Place]:
    out = [place]
    for base in bases(source, place):
        out += [p for p in lineage(source, base) if p not in out] if base else []
    return out


class Names:
    """The names of one definition; `scopes` are those of the functions being read."""

    def __init__(self, source: Source, place: Place):
        self.source, self.place = source, place
        module = source.module(place.module)
        assert module is not None, f"There is no module {place.module}."
        self.module: Module = module
        self.scopes: list[Scope] = []
        self.asked: set[int] = set()
        owner = place.path.partition(".")[0]
        self.owner = Place(place.module, owner) if owner in module.classes else None

    def local(self, name: str) -> Scope | None:
        for scope in reversed(self.scopes):
            if name in scope.values or name in scope.annotations or name in scope.imports:
                return scope
        return None

    def resolve(self, node: ast.expr) -> Place | None:
        """Find the definition or module that an expression names; None for any other."""
        if isinstance(node, ast.Name):
            scope = self.local(node.id)
            if scope is not None:
                at = scope.imports.get(node.id)
                return self.source.find(at) if at else None
            return self.source.find(Place(self.module.name, node.id))
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value)
            if base is not None and not base.path:
                return self.source.find(Place(base.module, node.attr))
        return None

    def class_object(self, node: ast.expr) -> Types:
        """Find the class whose own member an expression such as Config.book reads."""
        if isinstance(node, ast.Call) and last_name(node) == "super" and self.owner:
            return frozenset(b for b in bases(self.source, self.owner) if b)
        at = self.resolve(node)
        return frozenset({at}) if at and class_of(self.source, at) else None

    def types(self, node: ast.expr) -> Types:
        """Find nbcore's classes that a value, or what it contains, may have; None: not known."""
        key = id(node)
        if key in self.asked:
            return None
        self.asked.add(key)
        try:
            return self._types(node)
        finally:
            self.asked.discard(key)

    def _types(self, node: ast.expr) -> Types:
        if isinstance(node, ast.Name):
            scope = self.local(node.id)
            return self._of_local(scope, node.id) if scope else self.class_object(node)
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if isinstance(node, ast.Attribute):
            owners = self.class_object(node.value) or self.types(node.value)
            return _union([self.of_member(c, node.attr) for c in owners]) if owners else None
        if isinstance(node, ast.Subscript | ast.Starred | ast.NamedExpr):
            return self.types(node.value)
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.Compare):
            return frozenset()
        if isinstance(node, ast.IfExp):
            return _union([self.types(node.body), self.types(node.orelse)])
        if isinstance(node, ast.BoolOp):
            return _union([self.types(v) for v in node.values])
        return None

    def _of_local(self, scope: Scope, name: str) -> Types:
        if (annotation := scope.annotations.get(name)) is not None:
            return self.annotated(annotation)
        known = scope.values.get(name, [])
        return _union([self.types(v) if isinstance(v, ast.expr) else v for v in known])

    def _of_call(self, node: ast.Call) -> Types:
        if isinstance(node.func, ast.Attribute):
            at = self.resolve(node.func)
            if at is None:
                owners = self.class_object(node.func.value) or self.types(node.func.value)
                return _union([self.of_member(c, node.func.attr) for c in owners or ()])
        else:
            at = self.resolve(node.func)
        if at is None:
            return self.types(node.func) if isinstance(node.func, ast.Name) else None
        return frozenset({at}) if class_of(self.source, at) else self._returned(at)

    def _returned(self, at: Place) -> Types:
        """Find the classes that a function declares to return, or a table declares to hold."""
        module = self.source.module(at.module)
        statement = module.bound.get(at.path, [None])[0] if module else None
        return Names(self.source, at).of_statement(statement)

    def of_statement(self, statement: ast.stmt | None) -> Types:
        if isinstance(statement, Function) and statement.returns is not None:
            return self.annotated(statement.returns)
        if isinstance(statement, ast.AnnAssign):
            return self.annotated(statement.annotation)
        return None

    def of_member(self, place: Place, attribute: str) -> Types:
        """Find the classes of a field, a property or a method's result of a class of nbcore."""
        for owner in lineage(self.source, place):
            found = class_of(self.source, owner)
            if found and attribute in found.fields:
                return Names(self.source, owner).annotated(found.fields[attribute].annotation)
            if found and attribute in found.members:
                said = Names(self.source, owner).of_statement(found.members[attribute][0])
                return said
        return None

    def annotated(self, node: ast.expr) -> Types:
        """Find nbcore's classes that an annotation names, through aliases; None if foreign."""
        if isinstance(node, ast.Constant):
            if not isinstance(node.value, str):
                return frozenset()
            try:
                return self.annotated(ast.parse(node.value, mode="eval").body)
            except SyntaxError:
                return frozenset()
        if isinstance(node, ast.Name | ast.Attribute):
            return self._annotated_name(node)
        parts = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
            return frozenset()
        return _union([self.annotated(part) for part in parts]) if parts else frozenset()

    def _annotated_name(self, node: ast.Name | ast.Attribute) -> Types:
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name == "Self" and self.owner:
            return frozenset({self.owner})
        at = self.resolve(node)
        if at is not None and at.path:
            if class_of(self.source, at):
                return frozenset({at})
            module = self.source.module(at.module)
            statement = module.bound[at.path][0] if module else None
            if isinstance(statement, ast.Assign):  # an alias
                return Names(self.source, at).annotated(statement.value)
            return None
        return frozenset() if self._foreign_class(node) else None

    def _foreign_class(self, node: ast.Name | ast.Attribute) -> bool:
        first: ast.expr = node
        while isinstance(first, ast.Attribute):
            first = first.value
        name = first.id if isinstance(first, ast.Name) else ""
        package = self.module.imports.get(
            name, Place("builtins" if hasattr(builtins, name) else "")
        )
        root = package.module.partition(".")[0]
        return root in FOREIGN or (root == "torch" and last_name(node) in FOREIGN_OF_TORCH)


def _union(parts: list[Types]) -> Types:
    """Unite the classes of several values; None when one of them is not known."""
    if not parts or any(p is None for p in parts):
        return None
    return frozenset().union(*(p for p in parts if p is not None))
