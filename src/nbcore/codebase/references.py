"""What a definition refers to: by name, through a module, or as a member of an object.

If the class of an object is unknown (`names`), its member may be that of any class.
"""

import ast
import re
from typing import NamedTuple

from nbcore.codebase.names import Names
from nbcore.codebase.scopes import Scope, Types, scope_of
from nbcore.codebase.source import Function, Place, Source, last_name

_FILE = re.compile(r"[\w-]+\.(csv|yaml|yml|json|txt)")
_NAMED = re.compile(r"nbcore(\.\w+)+(:\w+)?")


class Reference(NamedTuple):
    """A thing that a definition refers to; `kind` says in which way.

    "name": a definition or a class that is used; "member": `attribute` of objects of these `types`;
    "any": of an object of which nothing is known; "import": what a module's import binds; "whole":
    a module of which any part may be used; "file": a data file beside it.
    """

    kind: str
    place: Place = Place("")
    types: frozenset[Place] = frozenset()
    attribute: str = ""


def references(source: Source, place: Place) -> list[Reference]:
    """List everything that one definition refers to (of a class: its header, not its methods)."""
    reader = _Reader(source, place)
    reader.read()
    return reader.found


class _Reader(Names, ast.NodeVisitor):
    def __init__(self, source: Source, place: Place):
        super().__init__(source, place)
        self.found: list[Reference] = []

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
        method = not self.scopes and "." in self.place.path
        static = "staticmethod" in map(last_name, node.decorator_list)
        self.scopes.append(scope_of(node, self.module.package))
        plain = [*node.args.posonlyargs, *node.args.args]
        if self.owner and method and not static and plain:
            self.scopes[-1].values[plain[0].arg] = [frozenset({self.owner})]
        self._visit_all(node.body)
        self.scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all([*node.args.defaults, *(d for d in node.args.kw_defaults if d)])
        self.scopes.append(scope_of(node, self.module.package))
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
        """Find a text that names a data file, or a module (or part of one) to be imported later."""
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
            if isinstance(attribute, ast.Constant) and isinstance(
                attribute.value, str
            ):  # as if it were written object.attribute
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
        types = self.class_object(node.value)
        types = self.types(node.value) if types is None else types
        if types is None:
            if not self._is_foreign(node.value) and not node.attr.startswith("__"):
                self.found.append(Reference("any", attribute=node.attr))
        elif types:
            self.found.append(Reference("member", types=types, attribute=node.attr))
        self.visit(node.value)

    def _bases_named(self, node: ast.Attribute) -> None:
        """Count the import of `a` as used if a.b.c is resolved."""
        first: ast.expr = node
        while isinstance(first, ast.Attribute):
            first = first.value
        if isinstance(first, ast.Name) and self.local(first.id) is None:
            self._import_of(first.id)

    def _refer(self, at: Place | None, name: str) -> None:
        if name and self.local(name) is None:
            self._import_of(name)
        if at is not None:
            self.found.append(Reference("name" if at.path else "whole", at))

    def _import_of(self, name: str) -> None:
        if name in self.module.imports:
            self.found.append(Reference("import", Place(self.module.name, name)))

    def _is_foreign(self, node: ast.expr) -> bool:
        """Say whether an expression starts from an import of another library, such as np."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            return isinstance(node, ast.Constant | ast.JoinedStr)
        scope = self.local(node.id)
        imports = scope.imports if scope else self.module.imports
        return node.id in imports and self.source.find(imports[node.id]) is None
