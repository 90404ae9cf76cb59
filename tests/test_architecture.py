"""Who may import whom, without a circle, and how large things may grow: read from the source."""

import ast
import graphlib
import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbcore.chapters import chapter_folders

ROOT = Path(__file__).parents[1]
SRC, NOTEBOOKS = ROOT / "src", sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py"))
LARGEST_MODULE, LARGEST_FOLDER = 300, 18
#: what these folders must not know of: where runs are kept, what is made of them, who shows it
ABOVE = {
    "bench",
    "chapters",
    "charts",
    "claims",
    "cli",
    "depths",
    "difficulty",
    "doctor",
    "exercises",
    "lines",
    "publish",
    "runs",
}
LOW = ("data", "models", "training")
#: (who, whom): the chapters that read chapter 2's curves, and the page that reads chapter 3's run
BETWEEN_CHAPTERS = {
    ("example_difficulty", "rise_and_fall"),
    ("zero_shot_class_maps", "rise_and_fall"),
}
NOTEBOOKS_OF_OTHERS = {("depth_learning_margins", "prediction_depth")}


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((SRC / "nbcore").rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """The modules of nbcore that a file imports, at its top or in a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "nbcore")
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are written in full"
            if (node.module or "").split(".")[0] == "nbcore":
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield whole if whole in MODULES else str(node.module)


GRAPH = {name: set(imported(path)) - {name} for name, path in MODULES.items()}


def folder(module: str) -> str:
    """nbcore.data.images -> data; nbcore.cli -> cli."""
    return module.split(".")[1] if "." in module else ""


def chapter(module: str) -> str:
    """nbcore.chapters.line.config -> line; else nothing."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["chapters"] and len(parts) > 2 else ""


def edges(*folders: str) -> Iterator[tuple[str, str]]:
    for name, targets in GRAPH.items():
        if not folders or folder(name) in folders:
            yield from ((name, target) for target in sorted(targets))


def test_measures_import_nothing_else_of_nbcore():
    assert [e for e in edges("measures") if folder(e[1]) != "measures"] == []


def test_data_models_and_training_know_nothing_of_what_is_built_on_them():
    assert [e for e in edges(*LOW) if folder(e[1]) in ABOVE] == []


def test_no_engine_knows_of_a_chapter():
    """Chapters are found by their folder; only `chapters` itself, which lists them, is imported."""
    assert [e for e in edges() if chapter(e[1]) and folder(e[0]) != "chapters"] == []


def test_no_chapter_knows_of_another_but_for_the_exceptions_named():
    pairs = {(chapter(a), chapter(b)) for a, b in edges("chapters") if chapter(b)}
    assert {(a, b) for a, b in pairs if a != b} == BETWEEN_CHAPTERS
    modules = {b for a, b in edges("chapters") if (chapter(a), chapter(b)) in BETWEEN_CHAPTERS}
    assert modules == {"nbcore.chapters.rise_and_fall.config"}


def test_a_notebook_reads_its_own_chapter():
    pairs = {(p.stem[3:], chapter(m)) for p in NOTEBOOKS for m in imported(p) if chapter(m)}
    assert {(a, b) for a, b in pairs if a != b} == NOTEBOOKS_OF_OTHERS


def test_notebook_folder_slug_and_test_share_one_name():
    assert sorted(p.stem[3:] for p in NOTEBOOKS) == chapter_folders()
    tests = {p.stem.removeprefix("test_") for p in (ROOT / "tests" / "chapters").iterdir()}
    assert set(chapter_folders()) <= tests


def test_no_import_goes_in_a_circle():
    """Neither at the top of modules nor in functions; packages are what is in their `__init__`."""
    try:
        tuple(graphlib.TopologicalSorter(GRAPH).static_order())
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_modules_and_folders_stay_small():
    long = {n: len(p.read_text("utf-8").splitlines()) for n, p in MODULES.items()}
    assert {n: lines for n, lines in long.items() if lines > LARGEST_MODULE} == {}
    full = Counter(p.parent.relative_to(SRC).as_posix() for p in MODULES.values())
    assert {f: n for f, n in full.items() if n > LARGEST_FOLDER} == {}


def test_no_module_takes_another_ones_private_names():
    taken = []
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nbcore"):
                taken += [f"{name}: {a.name}" for a in node.names if a.name.startswith("_")]
    assert taken == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_what_a_notebook_takes_from_nbcore_is_there(path):
    tree, modules = ast.parse(path.read_text("utf-8")), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nbcore"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in MODULES:
                    modules[alias.asname or alias.name] = importlib.import_module(whole)
                else:
                    assert hasattr(importlib.import_module(str(node.module)), alias.name), whole
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            assert module is None or hasattr(module, node.attr), f"{node.value.id}.{node.attr}"
