"""The opening of a chapter says what its run saw."""

import re

import nbformat
import pytest

from nbcore import claims
from nbcore.claims import Estimate, Finding, Observation
from nbcore.errors import ClaimError
from nbcore.publish import opening
from nbcore.publish.chapters import find_chapters

CHAPTERS = find_chapters()
SLUGS = [c.slug for c in CHAPTERS]
# wanted: at most .05
RARE = Finding(
    "A3", "imagenetv2 share above 1 point and its interval", "{percent}", "no", "{count}."
)


def seen(value: float, low: float, high: float, n: int = 67) -> list[Observation]:
    return [Observation("A3", {RARE.check: Estimate(value, low, high, n, "fraction")})]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_chapter_opens_with_three_findings(slug):
    findings, before = opening.told_by(slug)
    assert len(findings) == 3 and set(before) < set(SLUGS) - {slug}
    for finding in findings:
        sentences = finding.held, finding.missed, finding.undecided
        finding.rule()  # the ledger has it
        assert len(set(sentences)) == 3
        for text in sentences:
            plain = re.sub(r"\{(ours|percent|points|wanted|count)\}", "", text)
            assert text.endswith(".") and not re.search(r"(?<![A-Za-z])\d|[{}]", plain), text
            assert plain != text or text != finding.held, "what holds is said with its number"


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        ((0.02, 0.01, 0.04), "2.0 % [1.0, 4.0]"),
        ((0.04, 0.01, 0.06), "4.0 % [1.0, 6.0] The interval reaches beyond the bound."),
        ((0.2, 0.15, 0.25), "no"),
        ((0.06, 0.04, 0.08), "67. Undecided: the interval covers the bound."),
    ],
)
def test_the_words_follow_from_how_the_check_came_out(observed, said):
    assert claims.told(RARE, seen(*observed)) == said


def test_what_was_not_looked_at_is_not_found():
    assert claims.told(RARE, []) == ""


def test_points_carry_their_sign_and_percent_none():
    up, down = Estimate(0.047, 0.031, 0.063, 5), Estimate(-0.02, -0.03, -0.01, 5)
    assert claims.show_scaled(up, "points") == "+4.7 points [3.1, 6.3]"
    assert claims.show_scaled(down, "points") == "\u22122.0 points [\u22123.0, \u22121.0]"
    assert claims.show_scaled(Estimate.exact(0.5, 3), "%") == "50 %"


def test_a_check_that_the_ledger_lacks_is_refused():
    with pytest.raises(ClaimError, match="A3 has no check 'imagenet share'"):
        Finding("A3", "imagenet share", "", "", "").rule()


def test_the_opening_stands_behind_the_first_text(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))
    cells = [nbformat.v4.new_markdown_cell(t) for t in ("# Title\n\nWords.", "## The idea")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    chapter = CHAPTERS[1]
    opening.add_opening(notebook, chapter, CHAPTERS)
    assert [c.source[:8] for c in notebook.cells] == [
        "# Title\n",
        "```{raw}",
        "## The i",
        "<p class",
    ]
    assert "\n\n## Cite this page\n\n" in notebook.cells[-1].source
    html = notebook.cells[1].source
    own = [c.id for c in claims.ledger().values() if c.chapter == chapter.slug]
    assert re.findall(r'href="#claim-(\w+)"', html) == own
    assert "<li>Not judged in this run: A5, A6, A11.</li>" in html
    assert f'href="{CHAPTERS[0].stem}.html"' in html and "about 1 minutes" not in html


def test_a_page_says_how_to_cite_it():
    text = opening.entry(CHAPTERS[0])
    assert text.count("{") == text.count("}")
    assert "@incollection{lines-and-depths-line," in text and "title     = {The line}" in text


def test_minutes_count_words_and_figures():
    text = nbformat.v4.new_markdown_cell("word " * 1000)
    chart = nbformat.v4.new_output("display_data", {"text/html": '<div class="nbchart">'})
    code = nbformat.v4.new_code_cell("draw()", outputs=[chart, chart])
    assert opening.minutes(nbformat.v4.new_notebook(cells=[text])) == 5
    assert opening.minutes(nbformat.v4.new_notebook(cells=[text, code])) == 6
