"""What a teacher gives to students: the built site, and the chapters without solutions.

The students' archive is a checkout of the book without its solutions: the notebooks, nbcore with
the exact versions that it needs, and the published runs that the notebooks read.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat

from nbcore import files
from nbcore.errors import NbcoreError
from nbcore.paths import build_dir, project_root, results_dir
from nbcore.publish.chapters import find_chapters
from nbcore.teach.students import student_notebook

#: what of the checkout students get as it is; notebooks are made for them
ENVIRONMENT = ("pyproject.toml", "requirements.lock", "environment.yml", "Makefile", "LICENSE")
SETTINGS = ("_config.yml", "_toc.yml")
TOP = Path("lines-and-depths")
LEFT_OUT = {"__pycache__"}
#: files that do not get smaller
PACKED = {".zip", ".png", ".jpg", ".npz"}


def make_archives() -> list[Path]:
    """Write `_build/site.zip` and `_build/students.zip`; the book must have been built."""
    html = build_dir() / "html"
    files.restore_folder(html)
    if not (html / "index.html").is_file():
        raise NbcoreError(f"There is no built book in {html}; run make book first.")
    site, students = build_dir() / "site.zip", build_dir() / "students.zip"
    files.write_atomically(site, lambda path: _pack_site(path, html))
    files.write_atomically(students, pack_students)
    return [site, students]


def pack_students(path: Path) -> None:
    """Write the students' archive to `path`: README, environment, notebooks, nbcore, runs."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(str(TOP / "README.md"), STUDENTS_README.format(chapters=_listed()))
        for name, file in _as_it_is():
            packed = file.suffix in PACKED
            archive.write(file, TOP / name, zipfile.ZIP_STORED if packed else None)
        for chapter in find_chapters():
            notebook = student_notebook(chapter.path)
            archive.writestr(str(TOP / f"{chapter.stem}.ipynb"), nbformat.writes(notebook))
            source = jupytext.writes(notebook, fmt="py:percent")
            archive.writestr(str(TOP / "notebooks" / chapter.path.name), source)


def _pack_site(path: Path, html: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(p for p in html.rglob("*") if p.is_file()):
            archive.write(file, TOP / file.relative_to(html))


def _as_it_is() -> Iterator[tuple[Path, Path]]:
    """List what is packed unchanged: (name in the archive, file)."""
    root = project_root()
    for name in (*ENVIRONMENT, *SETTINGS):
        yield Path(name), root / name
    folders = {"book": root / "book", "src": root / "src", "results": results_dir()}
    for inside, folder in folders.items():
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            if not LEFT_OUT & set(file.parts):
                yield Path(inside) / file.relative_to(folder), file


def _listed() -> str:
    chapters = find_chapters()
    return "\n".join(f"| `{c.stem}.ipynb` | {int(c.number)} {c.title} |" for c in chapters)


STUDENTS_README = """# Lines & Depths: notebooks for students

| notebook | chapter |
|---|---|
{chapters}

Each ends with exercises. Where a solution would be there is a cell for your answer;
`exercises.check("name", answer)` says at once whether it is right, and gives a hint if not.

## Start

With Python 3.11 or newer and make (about 6 GB with PyTorch; no data, no GPU):

```bash
make setup
.venv/bin/jupyter lab 01_line.ipynb      # or: .venv/bin/nbcore open line
```

Without make: `python3 -m venv .venv`, then `.venv/bin/pip install --require-hashes -r
requirements.lock` and `.venv/bin/pip install --no-deps -e .`. With conda: `conda env create -f
environment.yml`.

Long runs are stored in `results/`, so a notebook is read through in a minute or two. Nothing is
fetched from a network, and nothing is sent.

## Hand in

Save the notebook and hand in that one file. Try before whether it can be graded:

```bash
.venv/bin/nbcore grade 01_line.ipynb
```
"""
