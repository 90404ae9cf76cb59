"""This book's own checks, computed again: on shuffled tables, and on halves of their members.

A check that passes whatever is paired with what says little; one that fails on half of the members
may have held by luck. Only checks that follow from small stored tables are computed; `covered`
says how many these are of all that are judged.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from nbcore import claims
from nbcore.chapters.honest_science import own_curves, own_lines
from nbcore.claims import Observation
from nbcore.measures.estimate import Estimate

Observed = dict[tuple[str, str], Estimate]
STORED, SHUFFLED, HALVES, WITHOUT = "stored", "shuffled", "halves", "one left out"
#: units of which each half decides: fewer than three never do
ENOUGH = 6
#: of intervals that are computed many times over
RESAMPLES = 200


class Source(Protocol):
    """Stored tables with the checks that follow from them."""

    @property
    def units(self) -> int: ...
    def shuffled(self, rng: np.random.Generator) -> Any: ...
    def halves(self, rng: np.random.Generator) -> tuple[Any, Any]: ...
    def without(self, unit: int) -> Any: ...
    def observed(self, resamples: int) -> Observed: ...


def sources() -> list[Any]:
    """Read everything that can be computed again."""
    return [own_lines.Lines.load(), *own_curves.load()]


def outcomes(observed: Observed) -> dict[tuple[str, str], str]:
    """Judge each check by the ledger: held, missed or undecided."""
    out = {}
    for key in dict.fromkeys(claim for claim, _ in observed):
        own = {n: e for (c, n), e in observed.items() if c == key and e.defined}
        seen = Observation(key, own, run={"oldest": "2999-01-01T00:00:00+00:00"})
        for row in claims.judge(claims.get(key), [seen]).rows:
            if row.seen:
                out[key, row.check.name] = row.outcome
    return out


def again(
    found: Sequence[Any], shuffles: int, splits: int, resamples: int, seed: int = 0
) -> pd.DataFrame:
    """Judge all checks as stored, on shuffled tables, and on some of the units: one row each.

    Columns: source, units, claim, check, how (`STORED`, `SHUFFLED`, `HALVES` of `splits` random
    splits or, of fewer than six units, `WITHOUT` each one in turn), draw, outcome. A number that is
    not defined after a shuffle is not held.
    """
    few, rows = min(resamples, RESAMPLES), []
    for k, source in enumerate(found):
        rng = np.random.default_rng([seed, k])
        judged = [(STORED, 0, outcomes(source.observed(few)))]
        for draw in range(shuffles):
            judged.append((SHUFFLED, draw, outcomes(source.shuffled(rng).observed(few))))
        if source.units >= ENOUGH:
            parts = [half for _ in range(splits) for half in source.halves(rng)]
        else:
            parts = [source.without(unit) for unit in range(source.units)]
        how = HALVES if source.units >= ENOUGH else WITHOUT
        judged += [(how, draw, outcomes(part.observed(few))) for draw, part in enumerate(parts)]
        for key in judged[0][2]:
            about = {"source": source.name, "units": source.units}
            about |= {"claim": key[0], "check": key[1]}
            rows += [
                about | {"how": how, "draw": draw, "outcome": seen.get(key, claims.MISSED)}
                for how, draw, seen in judged
            ]
    return pd.DataFrame(rows)


def by_check(table: pd.DataFrame) -> pd.DataFrame:
    """Sum up `again`: one row a check.

    Columns: source, units, claim, check, stored (its outcome), shuffled (share of shuffles in which
    it holds), part (share of halves, or with one left out, with the stored outcome), turned (share
    of these in which held became missed, or the reverse).
    """
    rows = []
    for key, own in table.groupby(["source", "units", "claim", "check"], sort=False):
        stored = own[own["how"] == STORED]["outcome"].iloc[0]
        mixed = own[own["how"] == SHUFFLED]["outcome"]
        part = own[own["how"].isin([HALVES, WITHOUT])]["outcome"]
        turned = [{p, stored} == {claims.HELD, claims.MISSED} for p in part]
        shares = (mixed == claims.HELD).mean(), (part == stored).mean(), np.mean(turned)
        rows.append((*key, stored, *map(float, shares)))
    names = ["source", "units", "claim", "check", "stored", "shuffled", "part", "turned"]
    return pd.DataFrame(rows, columns=names)


def by_source(table: pd.DataFrame) -> pd.DataFrame:
    """Share of checks that hold, as stored and shuffled: category, group, value, low, high.

    Category: the source; low and high: the middle 95 % of shuffles.
    """
    rows = []
    for name, own in table.groupby("source", sort=False):
        for how, words in ((STORED, "as stored"), (SHUFFLED, "shuffled")):
            held = own[own["how"] == how].assign(held=lambda f: f["outcome"] == claims.HELD)
            shares = held.groupby("draw")["held"].mean()
            low, high = shares.quantile([0.025, 0.975])
            category = f"{name}: {own['check'].nunique()} checks"
            ends = dict(value=shares.mean(), low=low, high=high)
            rows.append({"category": category, "group": words} | ends)
    return pd.DataFrame(rows)


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """Conclude on claims all of whose checks were computed from one source: claim, how, verdict."""
    rows = []
    for (claim, how, draw), own in table.groupby(["claim", "how", "draw"], sort=False):
        whole = set(own["check"]) == {c.name for c in claims.get(str(claim)).checks}
        if whole and own["source"].nunique() == 1:
            rows.append((claim, how, draw, claims.conclude(set(own["outcome"]))))
    return pd.DataFrame(rows, columns=["claim", "how", "draw", "verdict"])


def covered(table: pd.DataFrame) -> tuple[int, int]:
    """Count the checks that were computed again, and all of the ledger that are judged."""
    again = table[["claim", "check"]].drop_duplicates()
    return len(again), sum(len(c.checks) for c in claims.ledger().values())
