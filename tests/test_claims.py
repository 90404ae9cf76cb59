import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore import claims
from nbcore.claims import Check, Claim
from nbcore.errors import ClaimError
from nbcore.measures.estimate import Estimate
from nbcore.publish import cards

RUN = {"origin": "stored", "date": "2026-01-02", "hardware": "a <machine>"}


def claim(*checks: Check) -> Claim:
    return Claim("Z1", "t", "c", "andreassen2022", "§1", "p", "line", ("F",), checks)


def near(value: float, half: float = 0.01) -> Estimate:
    return Estimate(value, value - half, value + half, 10)


@pytest.mark.parametrize(
    ("check", "seen", "holds"),
    [
        (Check("a", "1", "tolerance", 0.01, expect=0.5), near(0.51), True),
        (Check("a", "1", "tolerance", 0.01, expect=0.5), near(0.5101), False),
        (Check("a", "1", "tolerance", 0.01, expect=0.5, judge="interval"), near(0.51), False),
        (Check("a", "1", "tolerance_se", 2, expect=0.5), near(0.51, 0.0098), True),
        (Check("a", "1", "tolerance_se", 2, expect=0.5), near(0.511, 0.0098), False),
        (Check("a", "1", "above", 0), near(0.0), False),
        (Check("a", "1", "at_least", 0), near(0.0), True),
        (Check("a", "1", "above", 0, judge="interval"), near(0.005), False),
        (Check("a", "1", "below", 0), near(-0.001), True),
        (Check("a", "1", "at_most", 0), near(0.001), False),
    ],
)
def test_each_rule_by_hand(check, seen, holds):
    assert check.holds(seen) is holds


def test_the_verdict_follows_from_the_checks_and_the_setup():
    up, down = Check("up", "1", "above", 0), Check("down", "1", "below", 0)
    both = claim(up, down)
    good, bad = {"up": near(1), "down": near(-1)}, {"up": near(-1), "down": near(1)}
    assert claims.verdict(both, good, "paper") == claims.REPRODUCED
    assert claims.verdict(both, good, "reduced") == claims.REDUCED
    assert claims.verdict(both, bad, "paper") == claims.NOT
    assert claims.verdict(both, good | {"up": near(-1)}, "paper") == claims.PARTLY
    assert claims.verdict(both, {"up": near(1)}, "paper") == claims.PARTLY
    assert claims.verdict(both, {}, "paper") == claims.NOT_RUN


@given(st.floats(-5, 5), st.floats(0, 5), st.floats(0, 3))
def test_judging_the_interval_is_never_more_lenient(value, half, bound):
    seen = Estimate(value, value - half, value + half, 3)
    for rule in ("above", "below", "at_least", "at_most", "tolerance"):
        lenient = Check("a", "1", rule, bound, expect=0.0)
        strict = Check("a", "1", rule, bound, expect=0.0, judge="interval")
        assert lenient.holds(seen) or not strict.holds(seen)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))
    return tmp_path


def test_what_is_recorded_is_read_back(folder):
    seen = {"unsolved share": Estimate.share(2384, 50_000, 67)}
    made = claims.record("A28", seen, run=RUN, preset="book")
    assert made.verdict == claims.REPRODUCED
    assert claims.observations() == {"A28": made}
    html = cards.card(claims.get("A28"), made)
    assert "0.0477 [0.0458, 0.0496]" in html
    assert "a &lt;machine&gt;" in html


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
        claims.record(name, observed, run=RUN, preset="book", setup=setup)
    assert not list(folder.iterdir())


def test_the_claims_page_shows_every_claim_once(folder):
    page = cards.ledger_page({"line": "chapters/01_line.html"})
    for claim_id in claims.ledger():
        assert page.count(f'id="claim-{claim_id}"') == 1
    assert 'href="chapters/01_line.html#claim-A1"' in page
    assert page.count("not yet run") >= len(claims.ledger())
