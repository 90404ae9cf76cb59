"""What a chapter finds, in a sentence for each of three outcomes, filled with the run's numbers.

A chapter's folder may have a module `opening` with `FINDINGS` and `BEFORE`. The words of a finding
follow from how its check came out, and its numbers from what was observed, so that a rerun says
what the rerun saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nbcore.claims.checks import HELD, MISSED, UNDECIDED, Check, get
from nbcore.claims.judging import Observation, Row, judge
from nbcore.claims.words import show_estimate, show_scaled
from nbcore.errors import ClaimError, did_you_mean


@dataclass(frozen=True)
class Finding:
    """One check of a claim, and what to say where it is held, missed or undecided.

    The sentences have no digits of their own. They may name `{ours}` (value and interval),
    `{percent}` and `{points}` (the same times 100, with the unit), `{wanted}` (the check's rule)
    and `{count}` (how many members, seeds, ... it rests on).
    """

    claim: str
    check: str
    held: str
    missed: str
    undecided: str

    def rule(self) -> Check:
        """Return the check. ClaimError if the ledger has no such claim or check."""
        checks = {c.name: c for c in get(self.claim).checks}
        if self.check not in checks:
            raise ClaimError(
                f"{self.claim} has no check {self.check!r}; {did_you_mean(self.check, checks)}"
            )
        return checks[self.check]


def told(finding: Finding, seen: Sequence[Observation]) -> str:
    """Say what was found; "" where nothing that is judged was observed.

    seen: all observations of the finding's claim.
    """
    rule = finding.rule()
    rows = [r for r in judge(get(finding.claim), seen).rows if r.check == rule and r.seen]
    judged = [r for r in rows if r.outcome in (HELD, MISSED, UNDECIDED)]
    return _filled(finding, judged[0]) if judged else ""


def _filled(finding: Finding, row: Row) -> str:
    assert row.seen is not None
    sentence: str = getattr(finding, row.outcome)
    said = sentence.format(
        ours=show_estimate(row.seen),
        percent=show_scaled(row.seen, "%"),
        points=show_scaled(row.seen, "points"),
        wanted=row.check.wanted(),
        count=f"{row.seen.n:,}",
    )
    if row.outcome == UNDECIDED and row.note:
        return f"{said} Undecided: {row.note}."
    if row.outcome == HELD and not row.check.surely(row.seen):
        return f"{said} The interval reaches beyond the bound."
    return said
