"""The ledger: what the papers claim, what was observed, and the verdict between them.

`book/claims.yml` states every claim with its tolerances, fixed before any run. A notebook records
what it observed; the verdict is computed here and nowhere typed.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from nbcore.errors import ClaimError, did_you_mean
from nbcore.measures.estimate import UNITS, Estimate
from nbcore.paths import build_dir, project_root
from nbcore.runs.store import Run

RULES = ("tolerance", "tolerance_se", "at_least", "at_most", "above", "below")
REPRODUCED, REDUCED = "reproduced", "reproduced in a reduced setup"
PARTLY, NOT, NOT_RUN = "partly reproduced", "not reproduced", "not yet run at this scale"
VERDICTS = (REPRODUCED, REDUCED, PARTLY, NOT, NOT_RUN)


@dataclass(frozen=True)
class Check:
    """One stated test of a claim, e.g. slope within .03 of .9225."""

    name: str
    unit: str
    rule: str
    bound: float
    expect: float | None = None
    judge: str = "value"

    def holds(self, seen: Estimate) -> bool:
        """Whether the observation satisfies the rule (all of its interval if judged so)."""
        numbers = (seen.low, seen.high) if self.judge == "interval" else (seen.value,)
        return all(self._satisfied(x, seen) for x in numbers)

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
        """The rule in words."""
        bound = show_number(self.bound, self.unit)
        if self.rule == "tolerance":
            return f"{show_number(self.expect, self.unit)} ± {bound}"
        if self.rule == "tolerance_se":
            return f"{show_number(self.expect, self.unit)} ± {self.bound:g} standard errors"
        text = f"{self.rule.replace('_', ' ')} {bound}"
        return f"{text}, whole interval" if self.judge == "interval" else text


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
    note: str = ""


@lru_cache
def ledger() -> dict[str, Claim]:
    """Every claim by id, in the order of `book/claims.yml`; a malformed entry is an error."""
    path = project_root() / "book" / "claims.yml"
    claims: dict[str, Claim] = {}
    for entry in yaml.safe_load(path.read_text()):
        claim = _parse(entry)
        if claim.id in claims:
            raise ClaimError(f"The ledger names {claim.id} twice; give each claim one entry.")
        claims[claim.id] = claim
    return claims


def get(claim_id: str) -> Claim:
    """The claim with this id, e.g. "A1"."""
    key = claim_id.upper()
    if key not in ledger():
        raise ClaimError(f"The ledger has no claim {claim_id!r}; {did_you_mean(key, ledger())}")
    return ledger()[key]


def _parse(entry: dict[str, Any]) -> Claim:
    fields = dict(entry)
    try:
        cost = fields.pop("cost")
        checks = tuple(_parse_check(fields["id"], c) for c in fields.pop("checks"))
        return Claim(**fields, cost=tuple([cost] if isinstance(cost, str) else cost), checks=checks)
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
    rest = {k: check[k] for k in check if k not in RULES}
    return Check(**rest, rule=rules[0], bound=float(check[rules[0]]))


def verdict(claim: Claim, observed: Mapping[str, Estimate], setup: str) -> str:
    """The verdict by the ledger's tolerances.

    setup: "paper" (the paper's data and architecture) or "reduced" (a stand-in, which is never
    more than reproduced in a reduced setup). Checks that were not observed leave it at "partly".
    """
    seen = [c for c in claim.checks if c.name in observed]
    if not seen:
        return NOT_RUN
    held = [c.holds(observed[c.name]) for c in seen]
    if not any(held):
        return NOT
    if all(held) and len(seen) == len(claim.checks):
        return REPRODUCED if setup == "paper" else REDUCED
    return PARTLY


@dataclass(frozen=True)
class Observation:
    """What one notebook run saw of one claim, with the verdict and where it was measured."""

    id: str
    verdict: str
    observed: dict[str, Estimate]
    setup: str
    preset: str
    run: dict[str, str]
    recorded: str

    def __repr__(self) -> str:
        return f"{self.id}: {self.verdict}"


def record(
    claim_id: str,
    observed: Mapping[str, Estimate],
    *,
    run: Run | Mapping[str, str],
    preset: str,
    setup: str = "paper",
) -> Observation:
    """Compute the verdict, write it for the claims page, and return the claim card.

    observed: check name -> Estimate; run: the run the numbers come from, or its `summary()`.
    Raises ClaimError for an unknown id or check, a wrong unit, or a missing interval.
    """
    claim = get(claim_id)
    if setup not in ("paper", "reduced"):
        raise ClaimError(f"setup must be 'paper' or 'reduced', not {setup!r}.")
    checks = {c.name: c for c in claim.checks}
    for name, estimate in observed.items():
        if name not in checks:
            raise ClaimError(f"{claim_id} has no check {name!r}; {did_you_mean(name, checks)}")
        _check_estimate(claim_id, checks[name], estimate)
    observation = Observation(
        id=claim_id,
        verdict=verdict(claim, observed, setup),
        observed=dict(observed),
        setup=setup,
        preset=preset,
        run=dict(run.summary() if isinstance(run, Run) else run),
        recorded=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    target = observations_dir() / f"{claim_id}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(asdict(observation), indent=1))
    temporary.replace(target)
    return observation


def _check_estimate(claim_id: str, check: Check, seen: Estimate) -> None:
    where = f"{claim_id}, {check.name!r}"
    if not isinstance(seen, Estimate):
        raise ClaimError(f"{where} needs an Estimate with interval and n, not {seen!r}.")
    if seen.unit != check.unit:
        raise ClaimError(
            f"{where} is stated in unit {check.unit!r}, but was observed in {seen.unit!r}."
        )
    if not all(map(math.isfinite, (seen.value, seen.low, seen.high))):
        raise ClaimError(f"{where} lacks a finite value or interval: {seen}.")
    if not seen.low <= seen.value <= seen.high or seen.n < 1:
        raise ClaimError(f"{where} needs low <= value <= high and n >= 1: {seen}.")


def observations_dir() -> Path:
    """Where executed notebooks leave what they observed (`NBCORE_OBSERVATIONS`)."""
    return Path(os.environ.get("NBCORE_OBSERVATIONS") or build_dir() / "observations")


def observations() -> dict[str, Observation]:
    """What has been recorded, by claim id."""
    found = {}
    for path in sorted(observations_dir().glob("*.json")):
        raw = json.loads(path.read_text())
        raw["observed"] = {k: Estimate(**v) for k, v in raw["observed"].items()}
        found[raw["id"]] = Observation(**raw)
    return found


def show_number(x: float | None, unit: str) -> str:
    """A number as pages print it: fractions keep three decimals, tiny numbers their exponent."""
    if x is None:
        return "–"
    if unit == "count" and float(x).is_integer():
        return f"{x:,.0f}"
    text = f"{x:.3g}" if abs(x) < 0.001 and x else f"{x:.4f}".rstrip("0").rstrip(".")
    return text.replace("-", "\u2212", 1) if text.startswith("-") else text


def show_estimate(seen: Estimate) -> str:
    """Value with interval; an exact number stands alone."""
    if seen.low == seen.high:
        return show_number(seen.value, seen.unit)
    # two significant digits of the interval's half-width
    digits = min(max(1 - math.floor(math.log10((seen.high - seen.low) / 2)), 0), 9)
    value, low, high = (
        f"{x:.{digits}f}".replace("-", "\u2212") for x in (seen.value, seen.low, seen.high)
    )
    return f"{value} [{low}, {high}]"
