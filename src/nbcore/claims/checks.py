"""The ledger `book/claims.yml`: what the papers claim, and the checks that decide each claim.

Tolerances are fixed before any run. A check that turned out to test something else than its claim
stays in the ledger as `Misread`, with the outcome that was published; what replaces it counts only
what was computed after it was written (`since`).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import yaml

from nbcore.claims.labels import readable
from nbcore.claims.words import show_estimate, show_number
from nbcore.errors import ClaimError, did_you_mean
from nbcore.measures.estimate import UNITS, Estimate
from nbcore.paths import project_root

RULES = ("tolerance", "tolerance_se", "at_least", "at_most", "above", "below")
#: of one check on one estimate
HELD, MISSED, UNDECIDED = "held", "missed", "undecided"
#: where a number was measured: the paper's data, architecture and size, or anything less
PAPER, STAND_IN = "paper", "reduced"
ANY_SETUP = "any"
#: the parser in C where there is one: ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Check:
    """One stated test of a claim, e.g. slope within .03 of .9225.

    judge: "value", or "interval" where the whole interval has to satisfy the rule. setup: which
    runs it is asked of, "paper", "reduced" or "any". over: what an estimate's `n` counts here.
    since: only what was computed after this moment counts. called: its name for people, where
    `labels.readable` makes none of its name that says it.
    """

    name: str
    unit: str
    rule: str
    bound: float
    expect: float | None = None
    judge: str = "value"
    setup: str = ANY_SETUP
    over: str = "members"
    since: datetime | None = None
    called: str = ""

    @property
    def label(self) -> str:
        """The check's name as pages show it."""
        return self.called or readable(self.name)

    def outcome(self, seen: Estimate) -> str:
        """Judge one estimate: `HELD`, `MISSED`, or `UNDECIDED` where the interval covers the bound.

        An estimate is missed only if its whole interval is on the wrong side. A tolerance in
        standard errors has used the interval already, so there it is held or missed.
        """
        ends = (seen.low, seen.high)
        asked = ends if self.judge == "interval" else (seen.value,)
        if all(self._satisfied(x, seen) for x in asked):
            return HELD
        nearest = () if self.expect is None else (min(max(self.expect, seen.low), seen.high),)
        touches = any(self._satisfied(x, seen) for x in (*ends, *nearest))
        return UNDECIDED if touches and self.rule != "tolerance_se" else MISSED

    @property
    def control(self) -> bool:
        """Whether it asks that something fails, or holds, which is not the claim."""
        return self.name.startswith("control ")

    def surely(self, seen: Estimate) -> bool:
        """Return whether a whole interval satisfies a rule that has one side."""
        one_sided = self.rule not in ("tolerance", "tolerance_se")
        return not one_sided or all(self._satisfied(x, seen) for x in (seen.low, seen.high))

    def _satisfied(self, x: float, seen: Estimate) -> bool:
        match self.rule:
            case "tolerance" | "tolerance_se":
                assert self.expect is not None
                se = (seen.high - seen.low) / (2 * 1.959964) if self.rule == "tolerance_se" else 1
                return abs(x - self.expect) <= self.bound * se + 1e-12
            case "at_least":
                return x >= self.bound
            case "at_most":
                return x <= self.bound
            case "above":
                return x > self.bound
        return x < self.bound

    def wanted(self) -> str:
        """Put the rule in words."""
        bound = show_number(self.bound, self.unit)
        if self.rule == "tolerance":
            text = f"{show_number(self.expect, self.unit)} ± {bound}"
        elif self.rule == "tolerance_se":
            text = f"{show_number(self.expect, self.unit)} ± {self.bound:g} standard errors"
        else:
            text = f"{self.rule.replace('_', ' ')} {bound}"
        text += ", whole interval" if self.judge == "interval" else ""
        return text if self.setup == ANY_SETUP else f"{text} ({self.setup} setup)"


@dataclass(frozen=True)
class Misread:
    """A check that tested something other than its claim, with what was published of it.

    It is shown and never judged again. amended: the day this was found; seen: None if the number
    is not kept.
    """

    check: Check
    amended: date
    reason: str
    outcome: str
    seen: Estimate | None

    def published(self) -> str:
        """Put what was published in words."""
        return f"{self.outcome}: {show_estimate(self.seen)}" if self.seen else self.outcome


@dataclass(frozen=True)
class Claim:
    """One entry of the ledger; see the head of `book/claims.yml` for the fields."""

    id: str
    title: str
    claim: str
    source: str
    where: str
    paper: str
    chapter: str
    cost: tuple[str, ...]
    checks: tuple[Check, ...]
    misread: tuple[Misread, ...] = ()
    by_construction: bool = False
    note: str = ""
    telling: str = ""


@lru_cache
def ledger() -> dict[str, Claim]:
    """Read every claim by id, in the order of `book/claims.yml`. ClaimError for a bad entry."""
    path = project_root() / "book" / "claims.yml"
    claims: dict[str, Claim] = {}
    for entry in yaml.load(path.read_text(), LOADER):
        claim = _parse(entry)
        if claim.telling and claim.telling not in {c.name for c in claim.checks}:
            raise ClaimError(f"{claim.id} has no check {claim.telling!r} to be its telling one.")
        if claim.id in claims:
            raise ClaimError(f"The ledger names {claim.id} twice; give each claim one entry.")
        claims[claim.id] = claim
    return claims


def get(claim_id: str) -> Claim:
    """Find the claim with this id, e.g. "A1"."""
    key = claim_id.upper()
    if key not in ledger():
        raise ClaimError(f"The ledger has no claim {claim_id!r}; {did_you_mean(key, ledger())}")
    return ledger()[key]


def _parse(entry: dict[str, Any]) -> Claim:
    fields = dict(entry)
    try:
        cost, listed = fields.pop("cost"), fields.pop("checks")
        return Claim(
            **fields,
            cost=tuple([cost] if isinstance(cost, str) else cost),
            checks=tuple(_parse_check(fields["id"], c) for c in listed if "misread" not in c),
            misread=tuple(_parse_misread(fields["id"], c) for c in listed if "misread" in c),
        )
    except (TypeError, KeyError) as error:
        raise ClaimError(
            f"Entry {entry.get('id', entry)} of the ledger is malformed: {error}."
        ) from None


def _parse_check(claim_id: str, check: dict[str, Any]) -> Check:
    rules = [r for r in RULES if r in check]
    if len(rules) != 1 or check.get("unit") not in UNITS:
        raise ClaimError(
            f"Check {check.get('name')!r} of {claim_id} needs one rule of {', '.join(RULES)} "
            f"and a unit of {', '.join(UNITS)}."
        )
    rest = {k: check[k] for k in check if k not in (*RULES, "label")}
    rest["called"] = check.get("label", "")
    if rest.get("setup", ANY_SETUP) not in (PAPER, STAND_IN, ANY_SETUP):
        raise ClaimError(
            f"Check {check['name']!r} of {claim_id} has setup {rest['setup']!r}; give paper, "
            "reduced or any."
        )
    if "since" in rest:
        rest["since"] = rest["since"].astimezone(UTC)
    return Check(**rest, rule=rules[0], bound=float(check[rules[0]]))


def _parse_misread(claim_id: str, check: dict[str, Any]) -> Misread:
    kept = {k: v for k, v in check.items() if k != "misread"}
    told = dict(check["misread"])
    seen = None
    if "value" in told:
        value, low, high = (float(told.pop(k)) for k in ("value", "low", "high"))
        seen = Estimate(value, low, high, int(told.pop("n")), check["unit"])
    return Misread(_parse_check(claim_id, kept), **told, seen=seen)
