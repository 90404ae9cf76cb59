"""The names that a function binds, and to what: they shadow the names of its module."""

import ast
from typing import NamedTuple

from nbcore.codebase.source import Function, Place, imported, walk_scope

#: the classes that a value, or what it contains, may have; None: nothing is known
Types = frozenset[Place] | None


class Scope(NamedTuple):
    """The names of a function and what they are bound to: expressions, annotations or imports."""

    values: dict[str, list[ast.expr | Types]]
    annotations: dict[str, ast.expr | None]
    imports: dict[str, Place]


def scope_of(node: Function | ast.Lambda, package: str) -> Scope:
    """Collect the names that a function binds: parameters, targets, local imports, definitions."""
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
    """Enter what one node binds, with the expression that gives the name its value."""
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
