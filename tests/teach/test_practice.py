"""Hints, questions and numbers stand where they belong, in the page and in the notebook."""

import re

import nbformat
import pytest

from nbcore import exercises
from nbcore.exercises import Question
from nbcore.publish.chapters import find_chapters, read_source
from nbcore.publish.numbers import number_exercises
from nbcore.teach import practice

CHAPTERS = find_chapters()
#: sections that have nothing to ask about, by how their headings begin
NOT_ASKED = ("Live", "Your own", "The claims, one by one", "Rerun", "Exercises")


@pytest.mark.parametrize("found", CHAPTERS, ids=lambda c: c.stem)
def test_every_section_closes_with_a_question_and_every_exercise_has_two_hints(found):
    text = "\n".join(c.source for c in read_source(found.path).cells if c.cell_type == "markdown")
    wanted = [h for h in practice.SECTION.findall(text) if not h.startswith(NOT_ASKED)]
    asked = practice.questions(found.slug)
    assert sorted(asked) == sorted(wanted)
    for question in asked.values():
        assert 2 <= len(question.choices) <= 4 and 0 <= question.right < len(question.choices)
        assert len(set(question.choices)) == len(question.choices)
        assert question.text.endswith("?") and question.why.endswith(".")
    for name, exercise in practice.exercises(found.slug).items():
        assert len(exercise.hints) == 2 and len(set(exercise.hints)) == 2, name
    solutions = text.count("solution-start")
    assert solutions == len(practice.exercises(found.slug)) == text.count("**Why.**")


def notebook(*cells):
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_markdown_cell(c) if isinstance(c, str) else nbformat.v4.new_code_cell(c[0])
        for c in cells
    ]
    return made


def test_a_question_stands_before_the_next_section_even_within_a_cell(monkeypatch):
    asked = {
        "A": Question("What is `1 < 2`?", ("true", "no <b>"), 0, "Because."),
        "C": Question("And this?", ("x", "y"), 1, "So."),
    }
    monkeypatch.setattr(practice, "questions", lambda slug: asked)
    made = notebook("# T\n\n## A\n\ntext", ("1",), "more\n\n### deep\n\n## B\n\nb", "## C\n\nc")
    practice.add_practice(made, "none", 3)
    texts = [c.source for c in made.cells]
    at = [i for i, t in enumerate(texts) if "nbquestion" in t]
    assert len(at) == 2 and at[1] == len(texts) - 1
    assert texts[at[0] - 1].endswith("### deep") and texts[at[0] + 1].startswith("## B")
    first = texts[at[0]]
    assert 'id="question-3-1" data-right="0"' in first and "<code>1 &lt; 2</code>" in first
    assert "no &lt;b&gt;" in first and "<strong>a.</strong> Because." in first
    assert "\n" not in first  # one block for Markdown
    again = [c.source for c in made.cells]
    practice.add_practice(made, "none", 3)
    assert [c.source for c in made.cells] == again


def test_hints_fold_under_their_exercise_and_come_one_by_one_in_the_notebook(monkeypatch):
    own = exercises.Exercise(lambda: 2.0, lambda t: 0.1, "second", first="first")
    monkeypatch.setattr(practice, "exercises", lambda slug: {"x": own})
    made = notebook("## E\n\nask\n\n````{solution-start} x\n:class: dropdown\n````")
    practice.add_practice(made, "none", 1)
    assert 'Check with `exercises.check("x", your_answer)`.\n\n<details' in made.cells[-1].source
    assert re.findall(r"<summary>(.*?)</summary><p>(.*?)</p>", made.cells[-1].source) == [
        ("Hint 1", "first"),
        ("Hint 2", "second"),
    ]
    monkeypatch.setattr(exercises, "all_exercises", lambda: {"x": own})
    monkeypatch.setattr(exercises, "_misses", exercises.Counter())
    said = [exercises.check("x", 3) for _ in range(3)]
    assert [s.rpartition(" ")[2] for s in said] == ["first", "second", "second"]
    assert exercises.check("x", 2.05) == "Right."
    assert "no number" in exercises.check("x", float("nan"))


@pytest.mark.parametrize("found", CHAPTERS, ids=lambda c: c.stem)
def test_every_exercise_says_how_it_is_checked(found):
    made = read_source(found.path)
    practice.add_practice(made, found.slug, 1)
    text = "\n".join(c.source for c in made.cells if c.cell_type == "markdown")
    for name in practice.exercises(found.slug):
        assert text.count(f'exercises.check("{name}"') == 1, name


def test_exercises_are_numbered_by_chapter():
    class Env:
        toc_fignumbers = {
            "chapters/07_x": {"exercise": {"a": (4,), "b": (5,)}},
            "teach": {"figure": {"f": (1,)}},
        }

    assert number_exercises(None, Env) == []
    assert Env.toc_fignumbers["chapters/07_x"]["exercise"] == {"a": (7, 1), "b": (7, 2)}
    assert Env.toc_fignumbers["teach"] == {"figure": {"f": (1,)}}
