import json
from datetime import UTC, datetime
from itertools import product

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore import claims
from nbcore.claims import HELD, MISSED, UNDECIDED, UNSEEN, Check, Claim, Estimate, Observation
from nbcore.errors import ClaimError
from nbcore.publish import cards, claims_page

RUN = {
    "origin": "stored",
    "date": "2026-01-02",
    "hardware": "a <machine>",
    "oldest": "2026-01-02T03:04:05+00:00",
}
WHERE = dict(run=RUN, subject="67 models", preset="book", setup="paper")


def claim(*checks: Check, **more) -> Claim:
    return Claim("Z1", "t", "c", "andreassen2022", "§1", "p", "line", ("F",), checks, **more)


def near(value: float, half: float = 0.01, n: int = 10) -> Estimate:
    return Estimate(value, value - half, value + half, n)


def seen(
    setup: str = "paper", oldest: str = "2026-01-01T00:00:00+00:00", **observed
) -> Observation:
    return Observation("Z1", observed, setup, subject=setup, run=RUN | {"oldest": oldest})


def verdict(of: Claim, *observations: Observation) -> str:
    return claims.judge(of, observations).verdict


ABOUT = Check("a", "1", "tolerance", 0.01, expect=0.5)
WHOLE = Check("a", "1", "tolerance", 0.01, expect=0.5, judge="interval")


@pytest.mark.parametrize(
    ("check", "seen", "outcome"),
    [
        (ABOUT, near(0.51), HELD),
        (ABOUT, near(0.5101), UNDECIDED),  # the interval reaches the tolerance
        (ABOUT, near(0.53), MISSED),
        (ABOUT, near(0.3, 0.5), UNDECIDED),  # the interval covers all of it
        (WHOLE, near(0.5, 0.01), HELD),
        (WHOLE, near(0.51), UNDECIDED),
        (WHOLE, near(0.53), MISSED),
        (Check("a", "1", "tolerance_se", 2, expect=0.5), near(0.51, 0.0098), HELD),
        (Check("a", "1", "tolerance_se", 2, expect=0.5), near(0.511, 0.0098), MISSED),
        (Check("a", "1", "above", 0), near(0.005), HELD),
        (Check("a", "1", "above", 0), near(0.0), UNDECIDED),
        (Check("a", "1", "above", 0), near(-0.01), MISSED),
        (Check("a", "1", "above", 0), Estimate.exact(0, 9), MISSED),
        (Check("a", "1", "at_least", 0), near(0.0), HELD),
        (Check("a", "1", "at_least", 0), near(-0.01), UNDECIDED),  # up to the bound itself
        (Check("a", "1", "above", 0, judge="interval"), near(0.005), UNDECIDED),
        (Check("a", "1", "above", 0, judge="interval"), near(0.02), HELD),
        (Check("a", "1", "below", 0), near(-0.001), HELD),
        (Check("a", "1", "below", 0), near(0.02), MISSED),
        (Check("a", "1", "at_most", 0), near(0.001), UNDECIDED),
        (Check("a", "1", "at_most", 0), near(0.011), MISSED),
    ],
)
def test_each_rule_by_hand(check, seen, outcome):
    assert check.outcome(seen) == outcome


@given(st.floats(-5, 5), st.floats(0, 5), st.floats(0, 3))
def test_judging_the_interval_is_never_more_lenient(value, half, bound):
    order = [MISSED, UNDECIDED, HELD]
    for rule in ("above", "below", "at_least", "at_most", "tolerance"):
        lenient = Check("a", "1", rule, bound, expect=0.0)
        strict = Check("a", "1", rule, bound, expect=0.0, judge="interval")
        outcomes = [c.outcome(near(value, half)) for c in (strict, lenient)]
        assert order.index(outcomes[0]) <= order.index(outcomes[1])


@pytest.mark.parametrize(
    ("missed", "held", "undecided", "unseen"), list(product((False, True), repeat=4))
)
def test_every_combination_of_outcomes_has_its_verdict(missed, held, undecided, unseen):
    if missed:
        wanted = claims.PARTLY if held else claims.NOT
    elif undecided:
        wanted = claims.UNDECIDED
    elif held:
        wanted = claims.SO_FAR if unseen else claims.REPRODUCED
    else:
        wanted = claims.NOT_RUN
    which = {MISSED: missed, HELD: held, UNDECIDED: undecided, UNSEEN: unseen}
    assert claims.conclude([k for k, v in which.items() if v]) == wanted
    # and the same from estimates
    at = {HELD: near(1), MISSED: near(-1), UNDECIDED: near(-0.001), UNSEEN: None}
    checks = [Check(k, "1", "above", 0) for k, v in which.items() if v]
    observed = {c.name: at[c.name] for c in checks if at[c.name]}
    assert verdict(claim(*checks), seen(**observed)) == wanted


UP, DOWN = Check("up", "1", "above", 0), Check("down", "1", "below", 0)


def test_green_says_in_which_setup():
    both = claim(UP, DOWN)
    assert verdict(both, seen(up=near(1), down=near(-1))) == claims.REPRODUCED
    assert verdict(both, seen("reduced", up=near(1), down=near(-1))) == claims.REDUCED
    half = seen(up=near(1)), seen("reduced", down=near(-1))
    assert verdict(both, *half) == claims.REDUCED  # one of the numbers is a stand-in's
    assert verdict(both) == claims.NOT_RUN


def test_an_identity_is_true_by_construction_and_needs_no_units():
    rule = claim(UP, by_construction=True)
    assert verdict(rule, seen(up=Estimate.exact(1, 1))) == claims.BY_CONSTRUCTION
    assert verdict(rule, seen(up=Estimate.exact(-1, 1))) == claims.NOT  # then something is broken
    assert verdict(rule) == claims.NOT_RUN


@pytest.mark.parametrize("n", [1, 2, 3])
def test_what_rests_on_fewer_than_three_units_is_undecided_either_way(n):
    up = Check("up", "1", "above", 0, over="data sets")
    found = claims.judge(claim(up), [seen(up=near(1, n=n))])
    assert found.verdict == (claims.REPRODUCED if n > 2 else claims.UNDECIDED)
    if n < 3:
        assert f"{n} data set" in found.rows[0].note
    missed = claims.NOT if n > 2 else claims.UNDECIDED
    assert verdict(claim(up), seen(up=near(-1, n=n))) == missed


def test_a_control_that_holds_makes_no_claim_partly_reproduced():
    own, control = Check("up", "1", "above", 0), Check("control up", "1", "above", 0)
    both = claim(own, control)
    assert verdict(both, seen(**{"up": near(-1), "control up": near(1)})) == claims.NOT
    assert verdict(both, seen(**{"up": near(1), "control up": near(-1)})) == claims.PARTLY
    assert verdict(both, seen(**{"up": near(1), "control up": near(1)})) == claims.REPRODUCED
    assert verdict(both, seen(**{"control up": near(1)})) == claims.NOT_RUN


@pytest.mark.parametrize(("claim_id", "over"), [("B13", "data sets"), ("A25", "seeds")])
def test_two_data_sets_or_one_seed_leave_a_claim_undecided(claim_id, over):
    entry = claims.get(claim_id)
    assert {c.over for c in entry.checks} == {over}
    best = {c.name: near(1 if c.rule == "above" else -1, n=1) for c in entry.checks}
    found = Observation(claim_id, best, "reduced")
    assert claims.judge(entry, [found]).verdict == claims.UNDECIDED


def test_each_setup_is_asked_its_own_checks():
    both = claim(
        Check("strict", "1", "above", 0.5, setup="paper"),
        Check("weak", "1", "above", 0, setup="reduced"),
    )
    numbers = dict(strict=near(0.4), weak=near(0.4))
    assert verdict(both, seen("reduced", **numbers)) == claims.REDUCED
    assert verdict(both, seen("paper", **numbers)) == claims.NOT
    assert verdict(both, seen("reduced", strict=near(0.9))) == claims.NOT_RUN
    notes = {r.note for r in claims.judge(both, [seen("reduced", **numbers)]).rows}
    assert "asked of a paper setup" in notes


def test_the_papers_setup_is_judged_before_a_stand_in():
    both = claim(UP)
    assert verdict(both, seen(up=near(-1)), seen("reduced", up=near(1))) == claims.NOT
    assert verdict(both, seen(up=near(1)), seen("reduced", up=near(-1))) == claims.REPRODUCED
    two = seen("reduced", up=near(1)), seen("reduced", up=near(-1))
    assert verdict(both, *two) == claims.PARTLY  # two stand-ins count alike


def test_a_check_that_replaces_another_counts_new_members_only():
    up = Check("up", "1", "above", 0, since=datetime(2026, 6, 1, tzinfo=UTC))
    old, new = (seen(oldest=f"2026-0{m}-01T00:00:01+00:00", up=near(1)) for m in (5, 6))
    found = claims.judge(claim(up), [old])
    assert found.verdict == claims.NOT_RUN
    assert {r.note for r in found.rows} == {
        "computed before the check was written",
        "awaits new members",
    }
    assert verdict(claim(up), old, new) == claims.REPRODUCED
    assert verdict(claim(up, DOWN), old) == claims.NOT_RUN
    assert verdict(claim(up, DOWN), seen(down=near(-1))) == claims.SO_FAR
    nameless = Observation("Z1", {"up": near(1)}, "paper")  # says nothing of when
    assert verdict(claim(up), nameless) == claims.NOT_RUN


def test_related_evidence_never_counts():
    related = Observation("Z1", {"up": near(-1)}, "paper", related=True)
    assert verdict(claim(UP), related) == claims.NOT_RUN
    assert verdict(claim(UP), related, seen(up=near(1))) == claims.REPRODUCED


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))
    return tmp_path


def test_what_is_recorded_is_read_back(folder):
    made = claims.record("A28", {"unsolved share": Estimate.share(2384, 50_000, 67)}, **WHERE)
    assert made.verdict == claims.REPRODUCED
    assert claims.observations() == {"A28": [made]}
    html = cards.card(claims.get("A28"), [made])
    assert "0.0477 [0.0458, 0.0496]" in html
    assert "a &lt;machine&gt;" in html and "67 models" in html
    claims.forget("line")
    assert claims.observations() == {}


OVER = "testbed largest dominance above independence"


def both_chapters() -> list[Observation]:
    """A26, as chapters 1 and 6 observe it, and evidence beside it."""
    here = {OVER: Estimate.exact(-0.02, 67, "fraction")}
    there = {OVER: Estimate.exact(-0.013, 28, "fraction")}
    how = WHERE | dict(subject="28 small networks", setup="reduced", chapter="zero-shot-class-maps")
    claims.record("A26", there, **how)
    claims.record("A26", here, **WHERE)
    beside = {"mean dominance": Estimate(0.1, 0.05, 0.15, 5, "fraction")}
    claims.relate("A26", beside, **how)
    return claims.observations()["A26"]


def test_one_claim_has_one_card_with_all_that_was_observed(folder):
    found = both_chapters()
    assert [o.chapter for o in found] == ["line", *["zero-shot-class-maps"] * 2]
    card = cards.card(claims.get("A26"), found)
    for words in ("67 models", "28 small networks", "−0.02", "−0.013", "related evidence"):
        assert words in card
    assert card.count("<details") == 1
    assert card.count('class="verdict') == 1  # related evidence has no mark
    home, guest = cards.show_cards("line"), cards.show_cards("zero-shot-class-maps")
    assert home.count('id="claim-A26"') == 1 and "28 small networks" in home
    assert 'id="claim-A26"' not in guest and "A26 Robust models" in guest


def test_one_chapter_relates_several_parts_to_a_claim_and_forgets_all(folder):
    seen = {"a number": Estimate(0.1, 0.05, 0.15, 5, "fraction")}
    for part in ("", "digits", "birds"):
        claims.relate("A5", seen, **WHERE | dict(chapter="rise-and-fall", part=part))
    claims.relate("A5", seen, **WHERE | dict(chapter="rise-and-fall", part="birds"))
    assert len(claims.observations()["A5"]) == 3
    claims.forget("rise-and-fall")
    assert claims.observations() == {}


def test_cards_of_an_executed_chapter_are_drawn_again_from_all_chapters(folder):
    html = str(cards.show_cards("line"))
    assert "28 small networks" not in html
    output = nbformat.v4.new_output("display_data", {"text/html": html})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    both_chapters()
    cards.refresh(notebook, {"line": "chapters/01_line.html"})
    assert "28 small networks" in notebook.cells[0].outputs[0]["data"]["text/html"]


def test_a_misread_check_stays_on_the_card_with_its_outcome_and_reason(folder):
    entry = claims.get("A36")
    old = entry.misread[0]
    assert (old.outcome, old.amended.isoformat()) == ("missed", "2026-11-27")
    assert claims.judge(entry, []).verdict == claims.NOT_RUN
    card = cards.card(entry, [])
    assert "missed: 0.64 [−0.79, 0.86]" in card and old.reason.split(";")[0] in card
    assert "awaits new members" in card
    with pytest.raises(ClaimError, match="found misread"):
        claims.record("A36", {old.check.name: near(-1)}, **WHERE)


def test_a_claim_is_data_for_scripts(folder):
    data = json.loads(json.dumps(claims.as_data(claims.get("A26"), both_chapters())))
    assert data["verdict"] == claims.SO_FAR
    first, second, new = data["checks"]
    assert (first["check"], first["rule"], first["bound"]) == (OVER, "at_most", 0)
    assert (first["value"], first["n"], first["setup"]) == (-0.02, 67, "paper")
    assert first["run"]["date"] == "2026-01-02" and first["outcome"] == HELD
    assert (second["outcome"], second["note"]) == (
        claims.APART,
        "a stand-in beside the paper's setup",
    )
    assert (new["outcome"], new["note"]) == (UNSEEN, "awaits new members")
    assert data["amended"][0]["outcome"] == "missed" and data["amended"][0]["value"] == -0.0579
    assert data["related"][0]["measured"] == "mean dominance"
    text = claims.as_text(claims.get("A26"), claims.observations()["A26"])
    assert text.splitlines()[0].endswith(": held as far as observed")


@pytest.mark.parametrize(
    ("name", "observed", "setup", "words"),
    [
        ("A99", {}, "paper", "did you mean"),
        ("A28", {"unsolved": Estimate.exact(0.05, 1, "fraction")}, "paper", "did you mean"),
        ("A28", {"unsolved share": Estimate.exact(0.05, 1, "1")}, "paper", "unit 'fraction'"),
        ("A28", {"unsolved share": 0.05}, "paper", "needs an Estimate"),
        (
            "A28",
            {"unsolved share": Estimate(0.05, float("nan"), 0.06, 1, "fraction")},
            "paper",
            "lacks a finite value or interval",
        ),
        (
            "A28",
            {"unsolved share": Estimate(0.05, 0.06, 0.07, 1, "fraction")},
            "paper",
            "low <= value <= high",
        ),
        ("A28", {}, "toy", "'paper' or 'reduced'"),
    ],
)
def test_a_malformed_observation_is_refused_and_nothing_is_written(
    folder, name, observed, setup, words
):
    with pytest.raises(ClaimError, match=words):
        claims.record(name, observed, **WHERE | {"setup": setup})
    assert not list(folder.iterdir())


def test_the_claims_page_shows_every_claim_once(folder):
    both_chapters()
    page = claims_page.ledger_page({"line": "chapters/01_line.html"})
    for claim_id in claims.ledger():
        assert page.count(f'id="claim-{claim_id}"') == 1
    assert 'href="chapters/01_line.html#claim-A1"' in page
    assert page.count('claim-row" data-verdict="not run"') == len(claims.ledger()) - 1
    assert page.count('claim-row" data-verdict="held as far as observed"') == 1


def test_identities_are_counted_apart():
    counts = dict.fromkeys(claims.VERDICTS, 0) | {claims.REPRODUCED: 3, claims.BY_CONSTRUCTION: 4}
    text = claims_page.totals(counts)
    assert text.index("reproduced") < text.index("apart") < text.index("true by construction")


def test_green_amber_and_red_belong_to_decided_verdicts_only():
    coloured = {v for v, (kind, _) in cards.BADGES.items() if kind in ("yes", "partly", "no")}
    assert coloured == {claims.REPRODUCED, claims.REDUCED, claims.PARTLY, claims.NOT}
    assert set(cards.BADGES) == set(claims.VERDICTS)
