"""Every paper has a row with a verdict or a reason, and the reasons stand on one page."""

import re

import pytest

from nbcore import claims
from nbcore.claims import Estimate, abstracts
from nbcore.claims.listing import _parse
from nbcore.errors import ClaimError
from nbcore.publish import claims_page, front
from nbcore.publish.chapters import find_chapters, named
from nbcore.publish.pages import papers

PAGES = {"more-data-can-hurt": "chapters/14_more_data_can_hurt.html"}
IDS = [f"C{k}" for k in range(1, 40)]


def rows(html):
    return dict(re.findall(r'<tr><th scope="row">(\w+)</th>(.*?)</tr>', html))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))


def test_the_list_has_all_papers_once_in_order():
    assert list(abstracts()) == IDS
    assert len({a.title for a in abstracts().values()}) == len(IDS)


def test_every_claim_of_the_third_part_belongs_to_a_paper():
    known = {c.id for a in abstracts().values() for c in a.claims}
    assert known == {c for c in claims.ledger() if c.startswith("C")}


def test_every_row_has_a_verdict_or_a_reason():
    found = rows(papers.papers_table(PAGES))
    assert list(found) == ["A", "B", *IDS]
    for paper in abstracts().values():
        row = found[paper.id]
        if paper.claims:
            assert all(claims.NOT_RUN in row for c in paper.claims)
        elif paper.whole:
            assert f'href="not_run.html#{paper.id.lower()}"' in row and "not run here" in row
        else:
            assert "not run yet" in row and re.search(r"<td>1[1-9] [A-Z]", row)


def test_verdicts_are_those_of_what_was_observed():
    run = {"origin": "stored", "date": "2026-01-02", "hardware": "m", "oldest": ""}
    seen = {
        c.name: Estimate.exact(c.bound + (1 if c.rule == "above" else -1), 9)
        for c in claims.get("C33").checks
    }
    where = dict(run=run, subject="draws", preset="book", setup="paper")
    claims.record("C33", seen, **where)
    row = rows(papers.papers_table(PAGES))["C33"]
    assert 'href="chapters/14_more_data_can_hurt.html#claim-C33"' in row and "✓ " not in row
    assert claims.REPRODUCED in row and ">✓</span>" in row


def test_the_first_two_papers_are_counted():
    found = rows(papers.papers_table({}))
    wanted = sum(c.startswith("A") for c in claims.ledger())
    assert found["A"].endswith(f"</span> {wanted}</td>") and "Andreassen" in found["A"]


def test_the_page_says_of_each_what_why_and_what_it_needs():
    page = papers.not_run_page()
    left = [a for a in abstracts().values() if a.left_out and not (a.whole and a.claims)]
    assert {a.id for a in left} >= {"C5", "C15", "C20", "C21", "C27", "C36", "C14", "C16", "C39"}
    for paper in left:
        assert f"({paper.id.lower()})=\n### {paper.id} " in page
    assert page.count("**Why not here.**") == page.count("**It would need.**") == len(left)
    planned = {a.id for a in abstracts().values() if a.planned and not a.claims}
    assert all(f"{key} *" in page for key in planned)


def test_what_waits_for_its_chapter_is_named():
    written = {c.slug for c in find_chapters()}
    page = papers.not_run_page()
    for claim in claims.ledger().values():
        assert (f"{claim.id} *{claim.title}*" in page) == (claim.chapter not in written)
    assert named("line") == "1 The line" and named("not-there") == "Not there (planned)"


def test_both_pages_show_the_table():
    assert papers.papers_table({}) in claims_page.ledger_page({})
    assert 'class="paper-table"' in front.front_page("<!-- front: papers -->", {}, [])


@pytest.mark.parametrize(
    "entry", [{"id": "C1", "title": "t"}, {"id": "C1", "why": "w"}, {"id": "C1", "left_out": {}}]
)
def test_a_malformed_entry_is_named(entry):
    with pytest.raises(ClaimError, match="Entry C1 of the list of papers is malformed"):
        _parse(dict(title="t", authors="a", year=1) | entry | {"pages": 3})


def test_a_paper_with_neither_chapter_nor_reason_is_refused(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    entry = "- {id: C5, title: t, authors: a, year: 2000}\n"
    (tmp_path / "book/abstracts.yml").write_text(entry)
    monkeypatch.setattr("nbcore.claims.listing.project_root", lambda: tmp_path)
    with pytest.raises(ClaimError, match="C5 has no check in the ledger; say in which chapter"):
        abstracts.__wrapped__()
    kept = entry.replace("}", ", planned: 19 Later}")
    (tmp_path / "book/abstracts.yml").write_text(kept * 2)
    with pytest.raises(ClaimError, match="names C5 twice"):
        abstracts.__wrapped__()
