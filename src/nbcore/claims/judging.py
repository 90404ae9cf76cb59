"""From observations to a verdict: only by the ledger's checks and the table below, never by hand.

Each check that is asked of a claim has one or more of four outcomes: held, missed, undecided
(the interval covers the bound, the number rests on fewer than three independent units, or the
observation says why it cannot decide), or not run. The verdict follows from which of them occur:

    missed  held  undecided  not run    verdict
    ------  ----  ---------  -------    --------------------------------------------------
    yes     yes   any        any        partly reproduced
    yes     no    any        any        not reproduced
    no      any   yes        any        undecided
    no      yes   no         yes        held as far as observed
    no      yes   no         no         reproduced, or reproduced in a reduced setup where any
                                        number comes from one; true by construction for
                                        identities and rules
    no      no    no         any        not run

A missed check stays missed, whatever is unknown about the others: an undecided or unobserved
check can neither soften it to "partly" nor count as held. A control that comes out as it should is
needed and earns nothing: it is no part of the claim, so it makes nothing "partly reproduced".

Which numbers count: those in the paper's setup where there are any, and those of stand-ins
otherwise; of a check that replaces a misread one, only numbers from members computed after it was
written. Related evidence never counts.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nbcore.claims.checks import (
    ANY_SETUP,
    HELD,
    MISSED,
    PAPER,
    STAND_IN,
    UNDECIDED,
    Check,
    Claim,
    get,
)
from nbcore.measures.estimate import Estimate

REPRODUCED, REDUCED = "reproduced", "reproduced in a reduced setup"
PARTLY, SO_FAR, NOT = "partly reproduced", "held as far as observed", "not reproduced"
NOT_RUN, BY_CONSTRUCTION = "not run", "true by construction"
#: in the order of the pages; the last one is counted apart
VERDICTS = (REPRODUCED, REDUCED, PARTLY, SO_FAR, UNDECIDED, NOT, NOT_RUN, BY_CONSTRUCTION)
#: beside the outcomes of `checks`: nothing observed yet, and observed but not counting
UNSEEN, APART = "not run", "not judged"
#: independent units (networks, seeds, data sets) that a check needs to be held
FEWEST = 3


@dataclass(frozen=True)
class Observation:
    """What one chapter saw of one claim, of which model or run, and where it was measured.

    observed: by the names of the ledger's checks; of `related` evidence, by names of its own.
    doubt: why no number of it can decide anything, such as a testbed that bends; "" for none.
    """

    id: str
    observed: dict[str, Estimate]
    setup: str = STAND_IN
    chapter: str = ""
    subject: str = ""
    preset: str = ""
    run: dict[str, str] = field(default_factory=dict)
    recorded: str = ""
    related: bool = False
    doubt: str = ""

    @property
    def verdict(self) -> str:
        """Give the verdict on this observation alone; a card merges all of a claim's."""
        return judge(get(self.id), [self]).verdict

    def after(self, moment: datetime | None) -> bool:
        """Say whether every member behind the numbers was computed after a moment (None: any)."""
        oldest = self.run.get("oldest")
        return moment is None or bool(oldest and datetime.fromisoformat(oldest) > moment)


@dataclass(frozen=True)
class Row:
    """One check with one observation of it, or with none; `note` says why it came out so."""

    check: Check
    outcome: str
    seen: Estimate | None = None
    observation: Observation | None = None
    note: str = ""


@dataclass(frozen=True)
class Judgement:
    """A claim's verdict and the rows it follows from."""

    verdict: str
    rows: tuple[Row, ...]


def conclude(outcomes: Collection[str], green: str = REPRODUCED) -> str:
    """Apply the table to the outcomes of a claim's checks; `green`: the verdict if all hold."""
    if MISSED in outcomes:
        return PARTLY if HELD in outcomes else NOT
    if UNDECIDED in outcomes:
        return UNDECIDED
    if HELD in outcomes:
        return SO_FAR if UNSEEN in outcomes else green
    return NOT_RUN


def judge(claim: Claim, observations: Iterable[Observation]) -> Judgement:
    """Merge every observation of a claim and judge its checks one by one."""
    seen = [o for o in observations if not o.related]
    counting = {c.name: [o for o in seen if _counts(c, o)] for c in claim.checks}
    setups = {o.setup for found in counting.values() for o in found}
    level = PAPER if PAPER in setups else STAND_IN if setups else ANY_SETUP
    rows: list[Row] = []
    for check in claim.checks:
        rows += _rows(claim, check, [o for o in seen if check.name in o.observed], level)
    judged = [r for r in rows if r.outcome != APART]
    own = {r.observation.setup for r in judged if r.observation}
    green = BY_CONSTRUCTION if claim.by_construction else REDUCED if own - {PAPER} else REPRODUCED
    earned = {r.outcome for r in judged if not (r.check.control and r.outcome == HELD)}
    return Judgement(conclude(earned, green), tuple(rows))


def telling(claim: Claim, observations: Iterable[Observation]) -> Row | None:
    """Choose the row whose number stands for a claim where there is room for one.

    The ledger's `telling` check if it was judged. Otherwise the first that decides the verdict: of
    a claim with a miss the first miss, of one that is undecided the first undecided check, of any
    other the first that holds. A control that holds only where nothing else was judged.
    """
    judged = [r for r in judge(claim, observations).rows if r.seen and r.outcome != APART]
    named = [r for r in judged if r.check.name == claim.telling]
    own = named or [r for r in judged if not r.check.control or r.outcome == MISSED] or judged
    order = (MISSED, UNDECIDED, HELD)
    return min(own, key=lambda r: order.index(r.outcome), default=None)


def _counts(check: Check, seen: Observation) -> bool:
    own = check.setup in (ANY_SETUP, seen.setup)
    return own and check.name in seen.observed and seen.after(check.since)


def _rows(claim: Claim, check: Check, found: Sequence[Observation], level: str) -> list[Row]:
    """Make one row for each observation of a check, and a row without one if none counts."""
    counting = [o for o in found if _counts(check, o)]
    best = PAPER if any(o.setup == PAPER for o in counting) else STAND_IN
    asked = ANY_SETUP in (check.setup, level) or check.setup == level
    rows = []
    for o in found:
        if asked and o in counting and o.setup == best:
            rows.append(_judged(claim, check, o))
        else:
            rows.append(Row(check, APART, o.observed[check.name], o, _why_not(check, o)))
    if not asked and not found:
        rows.append(Row(check, APART, note=f"asked of a {check.setup} setup"))
    if asked and not counting:
        rows.append(Row(check, UNSEEN, note="awaits new members" if check.since else ""))
    return rows


def _judged(claim: Claim, check: Check, observation: Observation) -> Row:
    """Judge one estimate; on too few units it is undecided either way, but for an identity."""
    seen = observation.observed[check.name]
    outcome, note = check.outcome(seen), ""
    if observation.doubt:
        return Row(check, UNDECIDED, seen, observation, observation.doubt)
    if outcome == UNDECIDED:
        note = "the interval covers the bound"
    elif seen.n < FEWEST and not claim.by_construction:
        would = "hold" if outcome == HELD else "be missed"
        outcome, note = UNDECIDED, f"would {would}, but rests on {count(seen.n, check.over)}"
    return Row(check, outcome, seen, observation, note)


def count(n: int, what: str) -> str:
    """Put a number of units in words: "1 seed", "2 data sets"."""
    return f"{n:,} {what.removesuffix('s') if n == 1 else what}"


def _why_not(check: Check, seen: Observation) -> str:
    if check.setup not in (ANY_SETUP, seen.setup):
        return f"asked of a {check.setup} setup"
    if not seen.after(check.since):
        return "computed before the check was written"
    return "a stand-in beside the paper's setup"
