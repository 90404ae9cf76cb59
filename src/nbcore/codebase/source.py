"""The source of modules as definitions: what each name is bound to, without what affects no number.

Nothing is imported or executed. `Source` finds modules by a loader, so that a test can read a text
that is in no file.
"""

import ast
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from nbcore.measures.blocks import SETTINGS

#: module name -> its text, or None where it is not ours to read
Loader = Callable[[str], str | None]
Function = ast.FunctionDef | ast.AsyncFunctionDef
#: calls of which only the first so many arguments enter numbers: neither a parameter's help and
#: range, nor what a progress bar shows, nor how much is remembered
SHOWN = {"param": 1, "tqdm": 1, "lru_cache": 0}
#: the name under which the statements of a module that bind nothing are kept
BODY = "<body>"


class Place(NamedTuple):
    """A definition: `path` is a name, Class.member, or "" for the module itself."""

    module: str
    path: str = ""


def read_package(name: str) -> str | None:
    """Read the text of one of nbcore's modules; None for a name that is not one."""
    import nbcore

    first, *rest = name.split(".")
    if first != "nbcore":
        return None
    path = Path(nbcore.__file__).parent.joinpath(*rest)
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return file.read_text("utf-8")
    return "" if path.is_dir() and any(path.glob("*.py")) else None


class Module:
    """What a module's text binds: imports, classes with their members, everything else."""

    def __init__(self, name: str, text: str, package: str):
        tree = _clean(text)
        self.name, self.package = name, package
        self.imports: dict[str, Place] = {}
        self.classes: dict[str, Class] = {}
        self.bound: dict[str, list[ast.stmt]] = {}
        for statement in tree.body:
            names = list(_bound(statement))
            for name in names or [BODY]:
                self.bound.setdefault(name, []).append(statement)
            for inner in ast.walk(statement) if not _defines(statement) else ():
                self.imports |= imported(inner, package)
            if isinstance(statement, ast.ClassDef):
                self.classes[statement.name] = Class(statement)
        for name in self.imports:
            self.bound.pop(name, None)


class Class:
    """Members by name; the fields that a constructor fills; everything else in its body."""

    def __init__(self, node: ast.ClassDef):
        self.node = node
        self.members: dict[str, list[ast.stmt]] = {}
        self.fields: dict[str, ast.AnnAssign] = {}
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and not _is_class_variable(statement):
                self.fields[last_name(statement.target)] = statement
                continue
            for name in list(_bound(statement)) or [BODY]:
                self.members.setdefault(name, []).append(statement)

    def digest(self) -> str:
        """Hash what a constructor needs: the bases, the decorators, the fields with defaults."""
        node = self.node
        fields = [[name, _shape(field.value)] for name, field in self.fields.items()]
        return digest([_shape([*node.bases, *node.keywords, *node.decorator_list]), fields])


class Source:
    """Modules by name, read when asked for; `replaced` returns the same with other texts."""

    def __init__(self, load: Loader = read_package):
        self.load = load
        self._modules: dict[str, Module | None] = {}
        self._known: dict[tuple[Any, Place], tuple[Any, set[str]]] = {}
        self._asked: list[set[str]] = []

    def module(self, name: str) -> Module | None:
        """Read a module, or return None where it is not followed."""
        for asked in self._asked:
            asked.add(name)
        if name not in self._modules:
            text = self.load(name)
            package = name if text is not None and self._has_parts(name) else _parent(name)
            self._modules[name] = None if text is None else _parsed(name, text, package)
        return self._modules[name]

    def replaced(self, texts: Mapping[str, str]) -> "Source":
        """Make a source in which some modules have these texts; unaffected results are kept."""
        other = Source(lambda name: texts[name] if name in texts else self.load(name))
        other._modules = {k: m for k, m in self._modules.items() if k not in texts}
        other._known = {k: v for k, v in self._known.items() if not v[1] & set(texts)}
        return other

    def remember(self, read: Callable[["Source", Place], Any], place: Place) -> Any:
        """Return `read(source, place)`, computed once, and note the modules that it asked for."""
        key = read, place
        if key not in self._known:
            self._asked.append(set())
            value = read(self, place)
            self._known[key] = value, self._asked.pop()
        value, asked = self._known[key]
        for outer in self._asked:
            outer |= asked
        return value

    def file(self, module: str, name: str) -> str | None:
        """Read the text of a data file in a module's package, or return None."""
        import nbcore

        folder = Path(nbcore.__file__).parents[1].joinpath(*module.split("."))
        folder = folder if folder.is_dir() else folder.parent
        found = sorted(folder.rglob(name)) if folder.is_dir() else []
        return found[0].read_text("utf-8") if found else None

    def _has_parts(self, name: str) -> bool:
        """Say whether a name is a package: only then may relative imports start from itself."""
        import nbcore

        first, *rest = name.split(".")
        return first == "nbcore" and Path(nbcore.__file__).parent.joinpath(*rest).is_dir()

    def find(self, place: Place) -> Place | None:
        """Find where a module's name is defined, through any number of imports; None: elsewhere."""
        for _ in range(20):
            module = self.module(place.module)
            if module is None or not place.path:
                return place if module else None
            if place.path in module.imports:
                place = module.imports[place.path]
            elif place.path in module.bound:
                return place
            else:
                inner = Place(f"{place.module}.{place.path}")
                return inner if self.module(inner.module) else None
        return None


@lru_cache(maxsize=1024)
def _parsed(name: str, text: str, package: str) -> Module:
    return Module(name, text, package)


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def imported(node: ast.AST, package: str) -> dict[str, Place]:
    """Return what an import statement binds; nothing for any other node."""
    if isinstance(node, ast.Import):
        return {
            a.asname or a.name.split(".")[0]: Place(a.name if a.asname else a.name.split(".")[0])
            for a in node.names
        }
    if isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
        module = ".".join(part for part in (base, node.module) if part)
        return {a.asname or a.name: Place(module, a.name) for a in node.names}
    return {}


def _defines(node: ast.AST) -> bool:
    return isinstance(node, Function | ast.ClassDef)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """List the names that a statement of a module or class binds, in any branch."""
    if isinstance(statement, Function | ast.ClassDef):
        yield statement.name
        return
    for node in walk_scope(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, Function | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(node, "")


def walk_scope(root: ast.AST) -> Iterator[ast.AST]:
    """List all nodes below one that share its scope: none inside functions and comprehensions."""
    own = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node is root or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, *own)):
            waiting += ast.iter_child_nodes(node)


def _is_class_variable(node: ast.AnnAssign) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "ClassVar" for n in ast.walk(node.annotation))


def last_name(node: ast.AST) -> str:
    """Return `c` for the expressions c, a.b.c, c(...) and c[...]; an empty text for others."""
    if isinstance(node, ast.Call | ast.Subscript):
        return last_name(node.func if isinstance(node, ast.Call) else node.value)
    return getattr(node, "id", None) or getattr(node, "attr", None) or ""


def _clean(text: str) -> ast.Module:
    """Parse a text into a tree without docstrings, error texts and what `SETTINGS` names."""
    return _Cleaner().visit(ast.parse(text))


class _Cleaner(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        name = last_name(node.exc) if node.exc else ""
        return ast.Raise(exc=ast.Constant(value=name), cause=None)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return ast.Assert(test=self.visit(node.test), msg=None)

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        plain = [*node.posonlyargs, *node.args][-len(node.defaults) :] if node.defaults else []
        for names, defaults in ((plain, node.defaults), (node.kwonlyargs, node.kw_defaults)):
            for i, argument in enumerate(names):
                if argument.arg in SETTINGS and defaults[i] is not None:
                    defaults[i] = ast.Constant(value=None)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = last_name(node.func)
        if name.endswith(("Error", "Exception", "Warning")):
            return ast.Call(func=node.func, args=[], keywords=[])
        if name in SHOWN:
            node.args, node.keywords = node.args[: SHOWN[name]], []
        node.keywords = [k for k in node.keywords if k.arg not in SETTINGS]
        return self.generic_visit(node)


def digest(shape: Any) -> str:
    """Hash nested lists into sixteen hex digits."""
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:16]


def statements_digest(statements: list[ast.stmt]) -> str:
    """Hash the code of statements; the same under every version of Python."""
    return digest(_shape(statements))


#: fields of nodes that say nothing about what is computed
_SILENT = {"ctx", "kind", "type_comment", "annotation", "returns", "simple", "type_params"}


def _shape(node: Any) -> Any:
    """Convert a tree to nested lists, without annotations and absent or empty parts.

    Versions of Python differ in these parts.
    """
    if isinstance(node, ast.AnnAssign):
        node = ast.Assign([node.target], node.value) if node.value else ast.Pass()
    if isinstance(node, ast.AST):
        fields = ((k, v) for k, v in ast.iter_fields(node) if k not in _SILENT)
        return [type(node).__name__, *([k, _shape(v)] for k, v in fields if v not in (None, []))]
    if isinstance(node, list):
        return [shape for n in node if (shape := _shape(n)) != ["Pass"]]
    return repr(node)
