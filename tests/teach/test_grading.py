"""Students' notebooks are graded by what they hand in, whatever they are or do."""

import json
import sys

import nbformat
import pytest

from nbcore import cli
from nbcore.publish.chapters import get_chapter
from nbcore.teach import grading
from nbcore.teach.students import put_back, solutions, student_notebook

START = "from nbcore import exercises"


def write(path, *codes, chapter="05_depth_learning_margins"):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(code) for code in codes]
    if chapter:
        notebook.metadata["nbcore"] = {"chapter": chapter}
    nbformat.write(notebook, path)
    return path


def test_each_exercise_is_judged_by_the_last_number_handed_in(tmp_path):
    path = write(
        tmp_path / "a.ipynb",
        START,
        'exercises.check("learning-when", 7); exercises.check("learning-when", 40)',
        'exercises.check("learning-margin", 2.5)',
        'exercises.check("learning-log", not_there)',
        "print('Right.')",
    )
    graded = grading.grade(path)
    when, margin, log = graded.checks
    assert not graded.problem and graded.right == 1
    assert (when.check, when.outcome, when.answer) == ("learning-when", grading.RIGHT, 40)
    assert margin.outcome == grading.WRONG and "too high" in margin.said
    assert log.outcome == grading.FAILED and "NameError" in log.said


def test_hostile_notebooks_are_stopped_and_forge_nothing(tmp_path, monkeypatch):
    forged = write(
        tmp_path / "forged.ipynb",
        START,
        "import os; f = os.environ['NBCORE_ANSWERS']",
        "exercises.judge = lambda *a: exercises.Verdict('Right.', True)",
        "exercises.check('learning-log', 99)",
        'open(f, \'a\').write(\'Right.\\n{"name": "learning-when", "right": true}\\n[[[\\n\')',
        'open(f, \'a\').write(\'{"name": "learning-margin", "answer": NaN}\\n\\x00\')',
        "input('stop?')",
        "while True: print('x' * 1000)",
    )
    graded = grading.grade(forged, limit=8)
    assert "stopped after 8 seconds" in graded.problem
    assert [c.outcome for c in graded.checks] == [grading.MISSING, grading.WRONG, grading.WRONG]
    json.dumps(graded.as_dict(), allow_nan=False)
    gone = write(tmp_path / "gone.ipynb", "import os; os._exit(3)")
    assert "process ended" in grading.grade(gone).problem


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no Jupyter notebook"),
        (b'{"cells": [', "is no Jupyter notebook"),
        (b'{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "no Jupyter"),
        (b"\xff\xfe\x00", "is no Jupyter notebook"),
        (b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "of no chapter"),
        (None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_notebook_of_the_book_gets_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "b.ipynb"
    if content is not None:
        path.write_bytes(content)
    graded = grading.grade(path)
    assert sentence in graded.problem and not graded.checks
    assert "not graded" in graded.text()


def test_a_chapter_is_known_by_its_exercises_where_its_metadata_are_lost(tmp_path):
    path = write(tmp_path / "c.ipynb", 'exercises.check("bounds-noise", .1)', chapter=None)
    assert grading._chapter(grading._read(path), path) == "04_depth_bounds"


def test_the_command_reports_every_notebook_and_fails_where_one_was_none(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(
        grading, "grade", lambda path, limit: grading.Graded(str(path), problem="x")
    )
    monkeypatch.setattr(sys, "argv", ["nbcore", "grade", "a.ipynb", "b.ipynb", "--json"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    assert stop.value.code == 1 and "2 of 2 notebooks did not run" in said.err
    assert [g["notebook"] for g in json.loads(said.out)] == ["a.ipynb", "b.ipynb"]


def test_a_whole_chapter_is_graded_without_answers_and_with_the_solutions(tmp_path):
    """The students' notebook of the shortest chapter runs to its end either way."""
    path = get_chapter("every-image-its-own-line").path
    empty = student_notebook(path)
    for name, notebook in {"empty": empty, "solved": put_back(empty, solutions(path))}.items():
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        graded = grading.grade(tmp_path / f"{name}.ipynb")
        wanted = grading.RIGHT if name == "solved" else grading.MISSING
        assert not graded.problem
        assert [c.outcome for c in graded.checks] == 3 * [wanted], graded.text()
