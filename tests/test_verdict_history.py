"""The record of verdicts: what a build adds, what it says, and what it refuses."""

from datetime import date

import pytest

from nbcore import claims
from nbcore.claims import Estimate, Observation, history
from nbcore.errors import ClaimError
from nbcore.publish import claims_page

CHECK = "imagenetv2 share above 1 point and its interval"  # wanted: at most .05


def seen(value, preset="book"):
    estimate = Estimate(value, value - 0.005, value + 0.005, 67, "fraction")
    return {"A3": [Observation("A3", {CHECK: estimate}, chapter="line", preset=preset)]}


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "path", lambda: tmp_path / "verdicts.json")
    return tmp_path / "verdicts.json"


def test_only_verdicts_that_changed_are_added_with_the_checks_that_did_it(file):
    first = history.record(seen(0.02), date(2026, 1, 1))
    assert {c.before for c in first} == {""} and len(first) == len(claims.ledger())
    assert history.record(seen(0.03), date(2026, 1, 2)) == []  # another number, the same verdict
    assert len(history.entries()) == 1
    (change,) = history.record(seen(0.2), date(2026, 1, 3))
    assert (change.claim, change.day) == ("A3", "2026-01-03")
    assert change.before != change.after
    (reason,) = change.because
    assert reason.startswith(f"{claims.readable(CHECK)}: held (0.02") and "→ missed (0.2" in reason
    assert history.changes(history.entries())[-1] == change
    assert history.current(history.entries())["A3"]["verdict"] == change.after


def test_a_change_without_new_numbers_has_its_reason(file):
    history.record(seen(0.02), date(2026, 1, 1))
    (change,) = history.record(seen(0.2), date(2026, 1, 3), why="The rule was mended.")
    assert change.because[-1] == "The rule was mended."
    assert "<li>The rule was mended.</li>" in claims_page.changes_page()


def test_a_build_that_is_not_the_published_one_is_refused(file):
    with pytest.raises(ClaimError, match="used smoke; run make book first"):
        history.record(seen(0.02, "smoke"), date(2026, 1, 1))
    with pytest.raises(ClaimError, match="used nothing"):
        history.record({}, date(2026, 1, 1))
    assert not file.exists()


def test_the_page_lists_changes_and_amendments(file):
    assert "No build has been recorded yet." in claims_page.changes_page()
    history.record(seen(0.02), date(2026, 1, 1))
    history.record(seen(0.2), date(2026, 1, 3))
    page = claims_page.changes_page()
    assert page.index("2026-01-03") < page.index("2026-01-01")
    assert 'href="claims.html#claim-A3"' in page and "The record begins" in page
    amended = [m for c in claims.ledger().values() for m in c.misread]
    assert page.count("<tr><td>2") == len(amended) > 0


def test_the_books_record_is_of_its_own_claims_and_verdicts():
    found = history.entries()
    assert found and [e["date"] for e in found] == sorted(e["date"] for e in found)
    for entry in found:
        assert {s["verdict"] for s in entry["claims"].values()} <= set(claims.VERDICTS)
