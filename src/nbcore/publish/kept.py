"""Executed chapters that are kept, and used again while nothing that they came from has changed.

What a chapter comes from: its notebook and parameters, every module of nbcore that these reach, the
claims it observes, the packages and the data on this machine, and the runs that it looked up. The
runs are only known after an execution (`NBCORE_READS` names the file where they are listed), so an
entry is looked at in two steps: by its key, then by the runs it names.
"""

import ast
import hashlib
import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import jupytext

import nbcore
from nbcore import claims, files
from nbcore.codebase.source import imported, read_package
from nbcore.paths import build_dir, cache_dir
from nbcore.publish.chapters import Chapter
from nbcore.runs.manifests import MANIFEST
from nbcore.runs.run import READS

Loader = Callable[[str], str | None]


def restore(chapter: Chapter, key: str, notebook: Path, observations: Path) -> bool:
    """Put a kept notebook and what it observed in place; False where nothing fits."""
    entry = _entry(chapter, key)
    try:
        runs = json.loads((entry / "runs.json").read_text())
    except (OSError, ValueError):
        return False
    if any(_state(Path(place)) != state for place, state in runs.items()):
        return False
    notebook.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(notebook, (entry / "notebook.ipynb").read_bytes())
    shutil.copytree(entry / "observations", observations, dirs_exist_ok=True)
    return True


def keep(chapter: Chapter, key: str, notebook: Path, observations: Path, reads: Path) -> None:
    """Keep an executed notebook in place of any earlier one of its chapter.

    reads: the file that lists the folders where its runs were looked for.
    """
    entry = _entry(chapter, key)
    shutil.rmtree(entry.parent, ignore_errors=True)
    (entry / "observations").mkdir(parents=True)
    shutil.copy(notebook, entry / "notebook.ipynb")
    for file in observations.glob(f"*.{chapter.slug}.*.json"):
        shutil.copy(file, entry / "observations")
    places = sorted(set(reads.read_text().splitlines())) if reads.exists() else []
    # last: an entry without it is none
    states = {place: _state(Path(place)) for place in places}
    files.write_atomically(entry / "runs.json", json.dumps(states).encode())


def packed(chapter: Chapter, key: str) -> bytes:
    """Pack an entry, to be sent from the machine that executed the chapter."""
    buffer, entry = io.BytesIO(), _entry(chapter, key)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(p for p in entry.rglob("*") if p.is_file()):
            archive.write(file, file.relative_to(entry).as_posix())
    return buffer.getvalue()


def receive(content: bytes, notebook: Path, observations: Path) -> None:
    """Put the notebook and the observations of a packed entry in place."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name == "notebook.ipynb":
                files.write_atomically(notebook, archive.read(name))
            elif name.startswith("observations/"):
                files.write_atomically(observations / Path(name).name, archive.read(name))


@contextmanager
def recorded(reads: Path) -> Iterator[None]:
    """List the folders where runs are looked for, here and in kernels started meanwhile."""
    reads.unlink(missing_ok=True)
    os.environ[READS] = str(reads)
    try:
        yield
    finally:
        os.environ.pop(READS)


def key_of(chapter: Chapter, parameters: dict[str, Any], load: Loader = read_package) -> str:
    """Hash everything but the runs that an execution of the chapter depends on."""
    source = chapter.path.read_text("utf-8")
    texts = reached(chapter, source, lru_cache(None)(load))
    named = "".join(texts.values())
    ledger = [
        repr(c)
        for c in claims.ledger().values()
        if c.chapter == chapter.slug or f'"{c.id}"' in named
    ]
    parts = [source, repr(sorted(parameters.items())), sys.version, *ledger, *_around()]
    parts += [f"{name}\n{texts[name]}" for name in sorted(texts)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def reached(chapter: Chapter, source: str, load: Loader = read_package) -> dict[str, str]:
    """Return the texts of the modules of nbcore that a notebook imports, and of what they import.

    Those of the chapter's own folder count, imported or not: some are found by their names.
    """
    folder = f"nbcore.chapters.{chapter.slug.replace('-', '_')}"
    waiting = {folder, *(f"{folder}.{p.stem}" for p in _folder(folder).glob("*.py"))}
    for cell in jupytext.reads(source, fmt="py:percent").cells:
        if cell.cell_type == "code":
            waiting |= _imports(cell.source, "")
    found: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        text = None if name in found else load(name)
        if text is not None:
            found[name] = text
            package = name if _folder(name).is_dir() else name.rpartition(".")[0]
            waiting |= _imports(text, package) | {name.rpartition(".")[0]}
    return found


@lru_cache(maxsize=1024)
def _imports(text: str, package: str) -> frozenset[str]:
    """List what a text imports, in functions too: modules, and names that may be modules."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        for place in imported(node, package).values():
            found |= {place.module, f"{place.module}.{place.path}"}
    return frozenset(name for name in found if name.startswith("nbcore"))


def _folder(name: str) -> Path:
    return Path(nbcore.__file__).parent.joinpath(*name.split(".")[1:])


@lru_cache(maxsize=1)
def _around() -> list[str]:
    """Describe what is around the code: packages, files that are no code, the data here."""
    packages = sorted(f"{d.name}=={d.version}" for d in distributions())
    code = Path(nbcore.__file__).parent
    beside = [p for p in sorted(code.rglob("*")) if p.is_file() and p.suffix not in (".py", ".pyc")]
    sums = [f"{p.relative_to(code)} {files.sha256(p)}" for p in beside]
    data = [_listing(Path(os.environ.get("NBCORE_DATA") or "/nowhere"))]
    return [*packages, *sums, *data, _listing(cache_dir() / "data")]


def _listing(folder: Path) -> str:
    found = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
    return "\n".join(f"{p} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in found)


def _state(run: Path) -> str:
    """Hash the manifest of a run, which has the checksums of its files; "" where there is none."""
    manifest = run / MANIFEST
    return files.sha256(manifest) if manifest.is_file() else ""


def _entry(chapter: Chapter, key: str) -> Path:
    return build_dir() / "kept" / chapter.stem / key
