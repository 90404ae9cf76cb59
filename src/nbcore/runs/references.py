"""What a definition refers to: by name, through a module, or as a member of an object.

An object's class is read from annotations, constructors and what functions say they return. Where
none of these tells, the member may be that of any class (`Any`).
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from nbcore.runs.source import BODY, Class, Function, Module, Place, Source, imported, walk_scope

#: the classes that a value, or what it contains, may have; None: nothing is known
Types = frozenset[Place] | None

#: in annotations, names of things that hold no object of ours of which they would not tell
FOREIGN = frozenset(
    "int str float bool bytes complex object dict list tuple set frozenset range slice type Path "
    "None Literal Callable Iterator Iterable Sequence Mapping Generator Collection Optional Union "
    "ClassVar Self NDArray ndarray ArrayLike Tensor Dataset DataArray DataFrame Series Final "
    "device dtype Generator np torch xr pd npt typing floating int64 float64 float32".split()
)
_FILE = re.compile(r"[\w-]+\.(csv|yaml|yml|json|txt)")
_NAMED = re.compile(r"nbcore(\.\w+)+(:\w+)?")


class Reference(NamedTuple):
    """kind "name": a definition or a class that is made use of; "type": a class that an object
    has; "member": `attribute` of objects of these `types`; "any": of an unknown object; "whole":
    a module of which any part may be used; "file": a data file beside the module."""

    kind: str
    place: Place = Place("")
    types: frozenset[Place] = frozenset()
    attribute: str = ""


class Scope(NamedTuple):
    """The names of a function: to what they are bound, as expressions, annotations or imports."""

    values: dict[str, list[ast.expr | Types]]
    annotations: dict[str, ast.expr | None]
    imports: dict[str, Place]


def references(source: Source, place: Place) -> list[Reference]:
    """Everything that one definition refers to (of a class: its header, not its methods)."""
    reader = _Reader(source, place)
    reader.read()
    return reader.found


def class_of(source: Source, place: Place) -> Class | None:
    """The class at a place, or None for anything else."""
    module = source.module(place.module)
    return module.classes.get(place.path) if module else None


def bases(source: Source, place: Place) -> Iterator[Place | None]:
    """The bases of a class, as named; None for one that is not ours."""
    found, module = class_of(source, place), source.module(place.module)
    reader = _Reader(source, place)
    assert found and module
    for base in found.node.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        at = reader.resolve(plain)
        yield at if at and class_of(source, at) else None


def lineage(source: Source, place: Place) -> list[Place]:
    """A class and its bases, the nearest first, as far as they are ours."""
    out = [place]
    for base in bases(source, place):
        out += [p for p in lineage(source, base) if p not in out] if base else []
    return out


class _Reader(ast.NodeVisitor):
    def __init__(self, source: Source, place: Place):
        self.source, self.place = source, place
        module = source.module(place.module)
        assert module is not None, f"There is no module {place.module}."
        self.module: Module = module
        self.scopes: list[Scope] = []
        self.found: list[Reference] = []
        self.asked: set[tuple[str, int]] = set()
        owner = place.path.partition(".")[0]
        self.owner = Place(place.module, owner) if owner in module.classes else None

    def read(self) -> None:
        name, _, member = self.place.path.partition(".")
        kind = self.module.classes.get(name)
        if kind is None:
            return self._visit_all(self.module.bound.get(name, []))
        if member:
            return self._visit_all(kind.members.get(member, []))
        node = kind.node
        parts = [*node.bases, *node.keywords, *node.decorator_list]
        self._visit_all(parts + [f.value for f in kind.fields.values() if f.value])

    def _visit_all(self, nodes: list) -> None:
        for node in nodes:
            self.visit(node)

    # scopes

    def visit_FunctionDef(self, node: Function) -> None:
        defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        self._visit_all([*node.decorator_list, *defaults])
        method = self.owner is not None and not self.scopes and "." in self.place.path
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
        self.scopes.append(_scope(node, self.module.package))
        plain = [*node.args.posonlyargs, *node.args.args]
        if method and not static and plain:
            self.scopes[-1].values[plain[0].arg] = [frozenset({self.owner})]  # type: ignore
        self._visit_all(node.body)
        self.scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all([*node.args.defaults, *(d for d in node.args.kw_defaults if d)])
        self.scopes.append(_scope(node, self.module.package))
        self.visit(node.body)
        self.scopes.pop()

    def _comprehension(self, node) -> None:
        values: dict[str, list[ast.expr | Types]] = {}
        for part in node.generators:
            for target in ast.walk(part.target):
                if isinstance(target, ast.Name):
                    values.setdefault(target.id, []).append(part.iter)
        self.scopes.append(Scope(values, {}, {}))
        self.generic_visit(node)
        self.scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all([n for n in (node.target, node.value) if n])

    # references

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._refer(self.resolve(node), node.id)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A text that names a module or one of its parts, to be imported later, or a data file."""
        if not isinstance(node.value, str):
            return
        if _FILE.fullmatch(node.value) and self.source.file(self.module.name, node.value):
            self.found.append(Reference("file", Place(self.module.name, node.value)))
        elif _NAMED.fullmatch(node.value):
            module, _, name = node.value.partition(":")
            if self.source.module(module):
                whole = Reference("whole", Place(module))
                at = self.source.find(Place(module, name)) if name else None
                self.found.append(Reference("name", at) if at else whole)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("getattr", "hasattr") and len(node.args) > 1:
            attribute = node.args[1]
            if isinstance(attribute, ast.Constant):  # as if it were written object.attribute
                self.visit_Attribute(ast.Attribute(node.args[0], attribute.value, ast.Load()))
                return self._visit_all(node.args[2:])
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        at = self.resolve(node)
        if at is not None:
            self._bases_named(node)
            return self._refer(at, "")
        base = self.resolve(node.value)
        if base is not None and not base.path:  # a module of ours: nothing that we know of it
            return self._bases_named(node)
        types = self._class_object(node.value)
        types = self.types(node.value) if types is None else types
        if types is None:
            if not self._is_foreign(node.value) and not node.attr.startswith("__"):
                self.found.append(Reference("any", attribute=node.attr))
        elif types:
            self.found.append(Reference("member", types=types, attribute=node.attr))
        self.visit(node.value)

    def _bases_named(self, node: ast.Attribute) -> None:
        """Of a.b.c that is resolved, the import of `a` counts too."""
        first: ast.expr = node
        while isinstance(first, ast.Attribute):
            first = first.value
        if isinstance(first, ast.Name) and self._local(first.id) is None:
            self._import_of(first.id)

    def _refer(self, at: Place | None, name: str) -> None:
        if name and self._local(name) is None:
            self._import_of(name)
        if at is not None:
            self.found.append(Reference("name" if at.path else "whole", at))

    def _import_of(self, name: str) -> None:
        if name in self.module.imports:
            self.found.append(Reference("import", Place(self.module.name, name)))

    def _is_foreign(self, node: ast.expr) -> bool:
        """Whether an expression starts from an import that is not ours, such as np or torch."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            return isinstance(node, ast.Constant | ast.JoinedStr)
        scope = self._local(node.id)
        imports = scope.imports if scope else self.module.imports
        return node.id in imports and self.source.find(imports[node.id]) is None

    # what names stand for

    def _local(self, name: str) -> Scope | None:
        for scope in reversed(self.scopes):
            if name in scope.values or name in scope.annotations or name in scope.imports:
                return scope
        return None

    def resolve(self, node: ast.expr) -> Place | None:
        """The definition or module that an expression names; None for objects and foreign names."""
        if isinstance(node, ast.Name):
            scope = self._local(node.id)
            if scope is not None:
                at = scope.imports.get(node.id)
                return self.source.find(at) if at else None
            return self.source.find(Place(self.module.name, node.id))
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value)
            if base is not None and not base.path:
                return self.source.find(Place(base.module, node.attr))
        return None

    def _class_object(self, node: ast.expr) -> Types:
        """The class whose own member an expression such as Config.book reads."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "super" and self.owner:
                return frozenset(b for b in bases(self.source, self.owner) if b)
        at = self.resolve(node)
        return frozenset({at}) if at and class_of(self.source, at) else None

    def types(self, node: ast.expr) -> Types:
        """The classes of ours that a value, or what it contains, may have; None: not known."""
        key = (ast.dump(node) if isinstance(node, ast.Name) else "", id(node))
        if key in self.asked:
            return None
        self.asked.add(key)
        try:
            return self._types(node)
        finally:
            self.asked.discard(key)

    def _types(self, node: ast.expr) -> Types:
        if isinstance(node, ast.Name):
            scope = self._local(node.id)
            return self._of_local(scope, node.id) if scope else self._class_object(node)
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if isinstance(node, ast.Attribute):
            owners = self._class_object(node.value) or self.types(node.value)
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
                owners = self._class_object(node.func.value) or self.types(node.func.value)
                return _union([self.of_member(c, node.func.attr) for c in owners or ()])
        else:
            at = self.resolve(node.func)
        if at is None:
            return self.types(node.func) if isinstance(node.func, ast.Name) else None
        return frozenset({at}) if class_of(self.source, at) else self._returned(at)

    def _returned(self, at: Place) -> Types:
        """What a function of ours says it returns; of a table, what it is declared to hold."""
        module = self.source.module(at.module)
        statement = module.bound.get(at.path, [None])[0] if module else None
        return _Reader(self.source, at).of_statement(statement)

    def of_statement(self, statement: ast.stmt | None) -> Types:
        if isinstance(statement, Function) and statement.returns is not None:
            return self.annotated(statement.returns)
        if isinstance(statement, ast.AnnAssign):
            return self.annotated(statement.annotation)
        return None

    def of_member(self, place: Place, attribute: str) -> Types:
        """The classes of a field, property or method's result of a class of ours."""
        for owner in lineage(self.source, place):
            found = class_of(self.source, owner)
            if found and attribute in found.fields:
                return _Reader(self.source, owner).annotated(found.fields[attribute].annotation)
            if found and attribute in found.members:
                said = _Reader(self.source, owner).of_statement(found.members[attribute][0])
                return said
        return None

    def annotated(self, node: ast.expr) -> Types:
        """The classes of ours that an annotation names, through aliases; None for foreign ones."""
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
                return _Reader(self.source, at).annotated(statement.value)
            return None
        return frozenset() if name in FOREIGN else None


def _union(parts: list[Types]) -> Types:
    """All classes of several values; None when one of them is not known."""
    if not parts or any(p is None for p in parts):
        return None
    return frozenset().union(*(p for p in parts if p is not None))


def _scope(node: Function | ast.Lambda, package: str) -> Scope:
    """The names that a function binds: parameters, targets, local imports and definitions."""
    a = node.args
    every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(x for x in (a.vararg, a.kwarg) if x)]
    scope = Scope({}, {arg.arg: arg.annotation for arg in every}, {})
    body = node.body if isinstance(node.body, list) else [node.body]
    outer = {n for s in body for g in ast.walk(s) if isinstance(g, ast.Global) for n in g.names}
    for statement in body:
        for inner in walk_scope(statement):
            scope.imports.update(imported(inner, package))
            _bind(scope, inner)
    for name in outer:
        scope.values.pop(name, None)
    return scope


def _bind(scope: Scope, node: ast.AST) -> None:
    """Enter what one node binds, with the expression that the name takes its value from."""
    if isinstance(node, Function | ast.ClassDef):
        scope.values.setdefault(node.name, []).append(None)
        return
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        scope.annotations[node.target.id] = node.annotation
        return
    targets: list[tuple[ast.AST, ast.expr | None]] = []
    if isinstance(node, ast.Assign):
        targets = [(t, node.value) for t in node.targets]
    elif isinstance(node, ast.AugAssign | ast.NamedExpr):
        targets = [(node.target, node.value)]
    elif isinstance(node, ast.For | ast.AsyncFor):
        targets = [(node.target, node.iter)]
    elif isinstance(node, ast.withitem) and node.optional_vars:
        targets = [(node.optional_vars, node.context_expr)]
    elif isinstance(node, ast.ExceptHandler) and node.name:
        scope.values.setdefault(node.name, []).append(frozenset())
    elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
        scope.values.setdefault(node.name, []).append(None)
    for target, value in targets:
        for name in ast.walk(target):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                scope.values.setdefault(name.id, []).append(value)
