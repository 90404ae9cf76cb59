"""What becomes of this book's own checks when tables are shuffled, or members left out."""

import pandas as pd

from nbcore import charts, claims
from nbcore.chapters.honest_science import own_checks
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table, bullets

#: from this share of shuffles on a check is listed as one that passes anyway
OFTEN = 0.5


def shuffled(table: pd.DataFrame) -> Figure:
    """Draw the share of checks that hold, as stored and on shuffled tables, by source."""
    known, n = own_checks.by_check(table), int((table["how"] == own_checks.SHUFFLED).sum())
    draws = n // max(len(known), 1)
    stored = int((known["stored"] == claims.HELD).sum())
    passing = float(known["shuffled"].sum())
    rows = own_checks.by_source(table)
    listed = "; ".join(f"{r.category}, {r.group}: {r.value:.0%}" for r in rows.itertuples())
    return charts.bars(
        rows,
        x_title="checks that hold",
        x_format="~%",
        zero=True,
        title=f"Of {len(known)} checks {stored} hold as stored, and {passing:.0f} on average when "
        "what they compare is shuffled",
        subtitle=f"{draws} shuffles, with the middle 95 % of them",
        description=f"Share of checks that hold by source. {listed}.",
    )


def passing_table(table: pd.DataFrame) -> Table:
    """Tabulate the checks that hold on shuffled tables, most often first."""
    known = own_checks.by_check(table)
    often = known[known["shuffled"] >= OFTEN].sort_values("shuffled", ascending=False)
    shown = _labelled(often[["claim", "check", "stored", "shuffled"]])
    return charts.show(
        shown, caption="Checks that hold on half of the shuffles or more", percent=["shuffled"]
    )


def changing_table(table: pd.DataFrame) -> Table:
    """Tabulate the checks whose outcome is not the same on all parts of the members."""
    known = own_checks.by_check(table)
    changed = _labelled(known[known["part"] < 1].sort_values("part"))
    shown = changed[["claim", "check", "units", "stored", "part", "turned"]]
    words = {"units": "units, at least", "part": "same outcome", "turned": "swapped"}
    shown = shown.rename(columns=words)
    return charts.show(
        shown,
        caption="Checks whose outcome depends on which models, draws or seeds there are",
        percent=["same outcome", "swapped"],
    )


def _labelled(table: pd.DataFrame) -> pd.DataFrame:
    """Name checks as their cards do."""
    labels = {(c.id, k.name): k.label for c in claims.ledger().values() for k in c.checks}
    pairs = zip(table["claim"], table["check"], strict=True)
    return table.assign(check=[labels[pair] for pair in pairs])


def told(table: pd.DataFrame) -> Table:
    """Say how many outcomes and verdicts change, and what was not looked at."""
    known, (done, every) = own_checks.by_check(table), own_checks.covered(table)
    halves = known[known["units"] >= own_checks.ENOUGH]
    few = known[known["units"] < own_checks.ENOUGH]
    fixed = own_checks.verdicts(table)
    stored = fixed[fixed["how"] == own_checks.STORED].set_index("claim")["verdict"]
    parts = fixed[fixed["how"].isin([own_checks.HALVES, own_checks.WITHOUT])]
    lines = [
        f"On halves of the members {(halves['part'] == 1).sum()} of {len(halves)} outcomes are the "
        f"same in every half; {(halves['turned'] > 0).sum()} turn from held to missed, or back, in "
        "some half.",
        f"With one of five seeds left out {(few['part'] == 1).sum()} of {len(few)} outcomes are "
        f"always the same; {(few['turned'] > 0).sum()} turn somewhere.",
    ]
    for claim, own in parts.groupby("claim", sort=False):
        same = int((own["verdict"] == stored[claim]).sum())
        lines.append(f"{claim} is {stored[claim]}, and the same on {same} of {len(own)} halves.")
    lines.append(
        f"{done} of the ledger's {every} checks were computed again: those of chapters 1 and 14 "
        "that follow from small tables. Checks on curves of fine-tuned networks, on depths, and "
        "all that need images were not shuffled."
    )
    return bullets(lines)
