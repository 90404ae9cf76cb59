"""What students get: every exercise, no solution, an environment, and notebooks that run."""

import re
import zipfile
from pathlib import Path

import jupytext
import nbformat
import pytest

from nbcore.publish import chapters
from nbcore.teach import archive, students

ROOT = Path(__file__).parents[2]
CHAPTERS = chapters.find_chapters()


def text_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells)


def solution_lines(path):
    """The last line of each solution, which holds the answer, from the source's text alone."""
    blocks = path.read_text().split("solution-start")[1:]
    codes = [b.split("# %%\n", 1)[1].split("\n# %%", 1)[0].strip() for b in blocks]
    return [code.splitlines()[-1] for code in codes]


@pytest.mark.parametrize("found", CHAPTERS, ids=lambda c: c.stem)
def test_students_get_every_exercise_and_no_solution(found):
    notebook = students.student_notebook(found.path)
    nbformat.validate(notebook)
    text = text_of(notebook)
    names = re.findall(r"solution-start\} (\S+)", found.path.read_text())
    assert text.count("### Exercise:") == len(names) == 3
    assert [n for c in notebook.cells if (n := students.exercise_of(c))] == names
    assert "solution-" not in text and "{exercise" not in text and "{cite" not in text
    assert text.count("```") % 2 == 0
    assert not [line for line in solution_lines(found.path) if line in text]


@pytest.mark.parametrize("found", CHAPTERS, ids=lambda c: c.stem)
def test_solutions_are_put_back_where_they_were(found):
    whole = students.instructor_notebook(found.path)
    nbformat.validate(whole)
    code = "\n".join(c.source for c in whole.cells if c.cell_type == "code")
    source = jupytext.read(found.path, fmt="py:percent")
    wanted = [c.source for c in source.cells if c.cell_type == "code"]
    mine = [c.source for c in whole.cells if c.cell_type == "code"]
    assert mine[-1] == wanted[-1] and len(mine) == len(wanted)
    assert all(line in code for line in solution_lines(found.path))
    assert not [c for c in whole.cells if students.exercise_of(c)]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The students' archive, unpacked."""
    folder = tmp_path_factory.mktemp("students")
    archive.pack_students(folder / "students.zip")
    with zipfile.ZipFile(folder / "students.zip") as pack:
        pack.extractall(folder)
    return folder / "lines-and-depths"


def test_no_file_of_the_students_archive_holds_a_solution(packed):
    """Code in nbcore computes what is right; how it is found stands in no file."""
    texts = {
        p: p.read_text()
        for p in packed.rglob("*")
        if p.suffix in (".py", ".ipynb", ".md", ".txt", ".html", ".yml") and p.is_file()
    }
    assert len(list(packed.glob("*.ipynb"))) == len(list(packed.glob("notebooks/*.py")))
    for found in CHAPTERS:
        for line in solution_lines(found.path):
            escaped = line.replace('"', '\\"')
            named = [p for p, text in texts.items() if line in text or escaped in text]
            assert not named, line
    assert not [p for p in packed.rglob("*") if "solution" in p.name]


def test_the_students_archive_can_be_installed_and_says_how(packed):
    readme = (packed / "README.md").read_text()
    for found in CHAPTERS:
        assert f"`{found.stem}.ipynb`" in readme and (packed / f"{found.stem}.ipynb").is_file()
    for name in ("pyproject.toml", "requirements.lock", "environment.yml", "Makefile"):
        assert (packed / name).read_bytes() == (ROOT / name).read_bytes()
    assert (packed / "src/nbcore/cli.py").is_file() and any(
        packed.glob("results/*/*/manifest.json")
    )
    assert not list(packed.rglob("__pycache__"))


def test_the_archives_chapters_are_those_of_the_book(packed, monkeypatch):
    monkeypatch.setenv("NBCORE_ROOT", str(packed))
    found = chapters.find_chapters()
    assert [(c.stem, c.title) for c in found] == [(c.stem, c.title) for c in CHAPTERS]
    again = students.student_notebook(found[0].path)
    first = nbformat.read(packed / f"{found[0].stem}.ipynb", as_version=4)
    assert text_of(again) == text_of(first)  # hints and questions once
