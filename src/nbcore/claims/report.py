"""A claim with everything that was observed about it, as data for scripts or as text."""

from collections.abc import Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from nbcore.claims.checks import Check, Claim
from nbcore.claims.judging import Observation, Row, judge
from nbcore.claims.labels import readable
from nbcore.claims.words import show_estimate
from nbcore.measures.estimate import Estimate


def as_data(claim: Claim, seen: Sequence[Observation]) -> dict[str, Any]:
    """Collect a claim's checks, rules, observed values, runs and verdict, ready for JSON."""
    judgement = judge(claim, seen)
    return {
        "id": claim.id,
        "title": claim.title,
        "claim": claim.claim,
        "paper": claim.paper,
        "source": f"{claim.source}, {claim.where}",
        "chapter": claim.chapter,
        "verdict": judgement.verdict,
        "checks": [_check(row) for row in judgement.rows],
        "amended": [
            _rule(m.check)
            | {"amended": m.amended.isoformat(), "reason": m.reason, "outcome": m.outcome}
            | _numbers(m.seen)
            for m in claim.misread
        ],
        "related": [
            {"measured": name} | _numbers(estimate) | _origin(o)
            for o in seen
            if o.related
            for name, estimate in o.observed.items()
        ],
    }


def as_text(claim: Claim, seen: Sequence[Observation]) -> str:
    """Write a claim with its verdict, and each check in three short lines."""
    judgement = judge(claim, seen)
    lines = [f"{claim.id}  {claim.title}: {judgement.verdict}", *wrap(claim.claim, 79)]
    for row in judgement.rows:
        note = f" ({row.note})" if row.note else ""
        lines += ["", f"{row.outcome}{note}: {row.check.label}", f"  wanted {row.check.wanted()}"]
        if row.seen and row.observation:
            n = f"n = {row.seen.n:,}"
            lines.append(
                f"  ours {show_estimate(row.seen)}, {n}; {readable(row.observation.subject)}"
            )
    for m in claim.misread:
        lines += ["", f"misread, amended {m.amended}: {m.check.label}"]
        lines += [f"  wanted {m.check.wanted()}", f"  published {m.published()}"]
        lines += wrap(m.reason, 79, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines)


def _check(row: Row) -> dict[str, Any]:
    outcome = {"outcome": row.outcome, "note": row.note}
    seen = _numbers(row.seen) | _origin(row.observation)
    return _rule(row.check) | outcome | seen


def _rule(check: Check) -> dict[str, Any]:
    return {
        "check": check.name,
        "label": check.label,
        "unit": check.unit,
        "rule": check.rule,
        "bound": check.bound,
        "expect": check.expect,
        "judge": check.judge,
        "asked of": check.setup,
        "since": check.since.isoformat() if check.since else None,
    }


def _numbers(seen: Estimate | None) -> dict[str, Any]:
    if seen is None:
        return {"value": None, "low": None, "high": None, "n": None}
    return {k: v for k, v in asdict(seen).items() if k != "unit"}


def _origin(o: Observation | None) -> dict[str, Any]:
    if o is None:
        return {"subject": None, "chapter": None, "setup": None, "preset": None, "run": None}
    return {
        "subject": o.subject,
        "chapter": o.chapter,
        "setup": o.setup,
        "preset": o.preset,
        "run": o.run,
    }
