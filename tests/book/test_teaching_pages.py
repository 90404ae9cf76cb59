"""What teachers and students use of the built book, in a browser."""

import json
import re
from pathlib import Path

import pytest

from nbcore.publish.chapters import find_chapters
from nbcore.teach.definitions import DEFINITIONS
from nbcore.teach.practice import exercises, questions
from nbcore.teach.students import SOURCES, WITH

CHAPTERS = find_chapters()
ONE = "chapters/05_depth_learning_margins"


def test_a_question_is_answered_in_the_page_with_the_keyboard(open_page):
    page = open_page(ONE)
    question = page.locator("div.nbquestion").first
    right = int(question.get_attribute("data-right"))
    choices = question.locator("input[type=radio]")
    wrong = (right + 1) % choices.count()
    choices.nth(wrong).focus()
    page.keyboard.press("Space")
    said = question.locator("[role=status]")
    assert said.inner_text().startswith("✗") and question.locator("details[open]").count() == 0
    for _ in range((right - wrong) % choices.count()):
        page.keyboard.press("ArrowDown")
    assert said.inner_text() == "✓ Right." and question.locator("details[open]").count() == 1
    assert question.locator("li.nbright").count() == 1 and question.locator(".nbwrong").count() == 0


def test_without_javascript_a_questions_answer_folds_out(open_page):
    page = open_page(ONE, 390, javascript=False)
    question = page.locator("div.nbquestion").first
    assert question.locator("input").count() == 0 and question.locator("li").count() >= 2
    question.locator("summary").click()
    assert question.locator("details p").is_visible()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.stem)
def test_questions_exercises_and_hints_are_there_and_numbered(open_page, chapter):
    page = open_page(f"chapters/{chapter.stem}")
    number = int(chapter.number)
    asked = page.locator("div.nbquestion p strong").all_inner_texts()
    asked = [text for text in asked if text.startswith("Question")]
    wanted = range(1, len(questions(chapter.slug)) + 1)
    assert asked == [f"Question {number}.{i}" for i in wanted]
    titles = page.locator("div.exercise p.admonition-title").all_inner_texts()
    found = [re.match(r"Exercise (\d+\.\d+) \(", title) for title in titles]
    assert [m and m[1] for m in found] == [f"{number}.{i}" for i in range(1, len(titles) + 1)]
    hints = sum(len(exercise.hints) for exercise in exercises(chapter.slug).values())
    assert page.locator("details.nbhint").count() == hints >= len(titles) > 0
    assert "with the exercises" in page.locator(".opening-facts").inner_text()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.stem)
def test_the_download_is_for_students_and_solutions_lie_apart(built, chapter):
    html = (built / "chapters" / f"{chapter.stem}.html").read_text()
    links = [Path(link).name for link in re.findall(rf'href="\.\./({SOURCES}/[^"]+)"', html)]
    assert set(links) == {f"{chapter.stem}.ipynb", f"{chapter.stem}{WITH}.ipynb"}
    texts = [json.dumps(json.loads((built / SOURCES / name).read_text())) for name in set(links)]
    student, whole = sorted(texts, key=len)
    assert "# your answer" in student and "**Solution**" not in student
    assert "**Why.**" not in student and "**Solution**" in whole


def test_the_page_for_teachers_has_hours_and_three_plans(open_page):
    page = open_page("teach")
    rows = page.locator("table").first.locator("tbody tr")
    assert rows.count() == len(CHAPTERS)
    for row in rows.all():
        assert re.search(r"\d+ min\s.*(½|\d) ?½? hours?", row.inner_text().replace("\n", " "))
    assert page.locator("h2:has-text('Plan')").count() == 3
    assert page.get_by_text("Rubric").count() >= 1


def test_every_definition_leads_to_its_function(open_page):
    page = open_page("equations")
    assert page.locator("section h3").count() == len(DEFINITIONS)
    assert page.locator("svg.formula").count() >= len(DEFINITIONS)
    page.locator("table a").first.click()
    assert page.url.endswith("#definition-the-line-of-a-testbed")
