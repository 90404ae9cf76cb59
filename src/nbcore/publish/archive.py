"""What a teacher gives to students: the built site, and the chapters without solutions."""

import zipfile
from pathlib import Path

import nbformat

from nbcore import files
from nbcore.errors import NbcoreError
from nbcore.paths import build_dir
from nbcore.publish.chapters import find_chapters, read_source


def student_notebook(path: Path) -> nbformat.NotebookNode:
    """Make the notebook of a chapter with an empty cell where each solution was.

    A solution is what is between the cells that hold `solution-start` and `solution-end`.
    """
    notebook = read_source(path)
    kept, inside = [], False
    for cell in notebook.cells:
        if "solution-end" in cell.source:
            kept.append(nbformat.v4.new_code_cell("# your answer"))
            rest = cell.source.split("solution-end", 1)[1].partition("\n````")[2].strip()
            if rest:
                kept.append(nbformat.v4.new_markdown_cell(rest))
            inside = "solution-start" in rest
        elif inside:
            continue
        else:
            kept.append(cell)
            inside = "solution-start" in cell.source
    for cell in kept:
        if cell.cell_type == "markdown":
            cell.source = _plain(cell.source)
    notebook.cells = kept
    return notebook


def _plain(source: str) -> str:
    """Turn directives that Jupyter would show as code into headings and text."""
    lines = []
    for line in source.splitlines():
        if "solution-start" in line:
            break
        if line.startswith("```{exercise-start}"):
            lines.append(f"### Exercise: {line.partition('}')[2].strip()}")
        elif not line.startswith(("```{exercise-end}", ":label:", "```", ":class:")):
            lines.append(line)
    return "\n".join(lines).strip()


def make_archives() -> list[Path]:
    """Write `_build/site.zip` and `_build/students.zip`; the book must have been built."""
    html = build_dir() / "html"
    files.restore_folder(html)
    if not (html / "index.html").is_file():
        raise NbcoreError(f"There is no built book in {html}; run make book first.")
    site, students = build_dir() / "site.zip", build_dir() / "students.zip"
    files.write_atomically(site, lambda path: _pack_site(path, html))
    files.write_atomically(students, _pack_notebooks)
    return [site, students]


def _pack_site(path: Path, html: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(p for p in html.rglob("*") if p.is_file()):
            archive.write(file, Path("lines-and-depths") / file.relative_to(html))


def _pack_notebooks(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for chapter in find_chapters():
            text = nbformat.writes(student_notebook(chapter.path))
            archive.writestr(f"lines-and-depths/{chapter.stem}.ipynb", text)
