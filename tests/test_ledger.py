"""The ledger is complete and well-formed: every claim once, each with checks fixed in numbers."""

import importlib
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

BOOK = Path(__file__).resolve().parents[1] / "book"
LEDGER: list[dict[str, Any]] = yaml.safe_load((BOOK / "claims.yml").read_text("utf-8"))

REQUIRED = {"id", "title", "claim", "source", "where", "paper", "chapter", "cost", "checks"}
CHAPTERS = {
    "line",
    "rise-and-fall",
    "prediction-depth",
    "depth-bounds",
    "depth-learning-margins",
    "zero-shot-class-maps",
    "example-difficulty",
    "corner-examples",
    "every-image-its-own-line",
    "test-set-remembers",
    "meaning-of-a-probability",
    "more-data-can-hurt",
    "honest-science",
    "sampling-unseen",
    "sequences-and-rewards",
    "learned-first",
    "holding-on",
    "margins-and-depth",
}
#: of the third part, by the numbers of the list of abstracts
NUMBERS = (*range(1, 5), 6, *range(8, 14), 16, 18, 19, *range(22, 26), *range(29, 36), 37, 38, 39)
PART_III = [f"C{n}" for n in NUMBERS]
UNITS = {"1", "fraction", "count", "layer", "nat", "pixel"}
FIELDS = {"name", "label", "unit", "expect", "judge", "setup", "over", "since", "misread"}
RULES = {"tolerance", "tolerance_se", "at_least", "at_most", "above", "below"}
each_claim = pytest.mark.parametrize("claim", LEDGER, ids=[str(c.get("id")) for c in LEDGER])


def test_every_claim_has_one_entry_in_order() -> None:
    wanted = [f"A{i}" for i in range(1, 40)] + [f"B{i}" for i in range(1, 46)]
    wanted += PART_III
    assert [claim["id"] for claim in LEDGER] == wanted
    titles = [claim["title"] for claim in LEDGER]
    assert len(set(titles)) == len(titles)


@each_claim
def test_entry_is_well_formed(claim: dict[str, Any]) -> None:
    assert REQUIRED <= set(claim) <= REQUIRED | {"note", "by_construction", "telling"}
    for field in set(claim) - {"cost", "checks", "by_construction"}:
        text = claim[field]
        assert isinstance(text, str) and text == text.strip() != "", field
    assert claim["claim"].endswith(".") and not claim["title"].endswith(".")
    assert claim["chapter"] in CHAPTERS
    cost = claim["cost"] if isinstance(claim["cost"], list) else [claim["cost"]]
    assert cost and set(cost) <= set("FCGX") and len(set(cost)) == len(cost)


@each_claim
def test_checks_are_decidable(claim: dict[str, Any]) -> None:
    names = [check["name"] for check in claim["checks"]]
    assert names and len(set(names)) == len(names)
    for check in claim["checks"]:
        assert set(check) <= FIELDS | RULES, check
        assert check.get("setup", "any") in ("any", "paper", "reduced")
        assert check["name"] == check["name"].strip().lower() and check["unit"] in UNITS
        assert check.get("judge", "value") in ("value", "interval")
        rules = RULES & set(check)
        assert len(rules) == 1, check
        assert ("expect" in check) == (rules <= {"tolerance", "tolerance_se"}), check
        for number in (check[key] for key in (rules | {"expect"}) & set(check)):
            assert type(number) in (int, float) and math.isfinite(number), check
            if check["unit"] == "fraction" and rules != {"tolerance_se"}:
                assert abs(number) <= 1, f"{check['name']} looks like a percentage"
        if rules & {"tolerance", "tolerance_se"}:
            assert check[rules.pop()] >= 0


def test_sources_are_in_the_bibliography() -> None:
    # pybtex is what the book build reads it with: an unreadable entry or a repeated key is an error
    bibliography = importlib.import_module("pybtex.database").parse_file(BOOK / "references.bib")
    assert {claim["source"] for claim in LEDGER} <= set(bibliography.entries)


def test_identities_and_rules_are_marked() -> None:
    marked = {claim["id"] for claim in LEDGER if claim.get("by_construction")}
    assert marked == {"A4", "A35", "A37", "A39"}


#: what was found misread, and how often
AMENDED = {"A18": 1, "A26": 1, "A27": 2, "A34": 2, "A36": 1, "B6": 1, "B33": 1, "B39": 3, "B42": 1}


def test_amendments_keep_the_old_check_and_let_the_new_one_wait() -> None:
    for claim in LEDGER:
        old = [check for check in claim["checks"] if "misread" in check]
        new = [check for check in claim["checks"] if "since" in check]
        assert len(old) == AMENDED.get(claim["id"], 0), claim["id"]
        assert bool(old) == bool(new), claim["id"]
        for check in old:
            told = check["misread"]
            assert set(told) >= {"amended", "reason", "outcome"} and len(told["reason"]) > 20
            assert told["outcome"] in ("held", "missed", "not run")
            assert ("value" in told) == (told["outcome"] != "not run"), check
            assert all(told["amended"] <= c["since"].date() for c in new)
