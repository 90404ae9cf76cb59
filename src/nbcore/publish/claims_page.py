"""The pages of the ledger: every claim with its card, and how verdicts changed."""

from collections import Counter
from collections.abc import Mapping, Sequence

from nbcore import claims
from nbcore.claims import Claim, Observation, history
from nbcore.publish.cards import BADGES, badge, card, verdict_class
from nbcore.publish.chapters import find_chapters, named
from nbcore.publish.pages.papers import papers_table
from nbcore.text import escape, prose

COSTS = {
    "F": "public predictions or tables",
    "C": "two CPU cores",
    "G": "one GPU",
    "X": "needs private weights or data",
}
PAPERS = {"A": "A: effective robustness", "B": "B: prediction depth", "C": "C: generalization"}


def count() -> dict[str, int]:
    """Count the claims of each verdict, in the order of `claims.VERDICTS`."""
    seen, counts = claims.observations(), dict.fromkeys(claims.VERDICTS, 0)
    for claim in claims.ledger().values():
        counts[claims.judge(claim, seen.get(claim.id, ())).verdict] += 1
    return counts


def ledger_page(chapter_pages: Mapping[str, str]) -> str:
    """Write the claims page (MyST): every claim with its verdict, filterable without a network.

    chapter_pages: slug -> page of the chapters that exist.
    """
    seen, ledger, rows = claims.observations(), claims.ledger(), []
    for claim in ledger.values():
        own = seen.get(claim.id, ())
        verdict = claims.judge(claim, own).verdict
        page = chapter_pages.get(claim.chapter)
        name = escape(named(claim.chapter))
        link = f'<a href="{page}#claim-{claim.id}">{name}</a>' if page else name
        cost = " ".join(f'<abbr title="{COSTS[c]}">{c}</abbr>' for c in claim.cost)
        rows.append(
            f'<li class="claim-row" data-verdict="{verdict}" data-chapter="{claim.chapter}" '
            f'data-paper="{claim.id[0]}"><div class="claim-meta">{link} · {cost}</div>'
            f"{card(claim, own, beside=_numbers(claim, own))}</li>"
        )
    return CLAIMS_HEAD.format(
        n=len(ledger),
        total=totals(count()),
        overview=_overview(ledger, seen),
        filters=_filters(ledger),
        rows="".join(rows),
        papers=papers_table(chapter_pages),
    )


def _numbers(claim: Claim, seen: Sequence[Observation]) -> str:
    """Draw the paper's number and ours: that of the telling check, and what it is."""
    row, ours = claims.telling(claim, seen), "–"
    if row and row.seen:
        number = prose(claims.show_estimate(row.seen))
        ours = f'<span class="claim-ours">{number}</span><small>{prose(row.check.label)}</small>'
    return (
        f'<span class="claim-number"><b>paper</b> {prose(str(claim.paper))}</span>'
        f'<span class="claim-number"><b>ours</b> {ours}</span> '
    )


def _overview(ledger: Mapping[str, Claim], seen: Mapping[str, Sequence[Observation]]) -> str:
    """Tabulate chapter by verdict; a number shows its claims when it is pressed."""
    counts = Counter(
        (c.chapter, claims.judge(c, seen.get(c.id, ())).verdict) for c in ledger.values()
    )
    verdicts = [v for v in claims.VERDICTS if any(counts[c, v] for c, _ in counts)]
    head = "".join(
        f'<th scope="col" title="{v}"><span class="{verdict_class(v)}" aria-label="{v}" '
        f'role="img">{BADGES[v][1]}</span></th>'
        for v in verdicts
    )
    lines = []
    for chapter in _in_order(ledger):
        name = escape(named(chapter))
        cells = "".join(
            f'<td><button type="button" data-chapter="{chapter}" data-verdict="{v}" '
            f'aria-label="{counts[chapter, v]} of {name}, {v}">{counts[chapter, v]}</button></td>'
            if counts[chapter, v]
            else "<td></td>"
            for v in verdicts
        )
        lines.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return (
        '<div class="claim-scroll" tabindex="0" role="region" aria-label="Overview">'
        f'<table class="claim-overview"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def totals(counts: Mapping[str, int]) -> str:
    """Draw how many claims have which verdict; identities and rules are counted apart."""
    apart = counts[claims.BY_CONSTRUCTION]
    text = " · ".join(
        f"{badge(v)} {n}" for v, n in counts.items() if n and v != claims.BY_CONSTRUCTION
    )
    return text + (f"; apart from these {badge(claims.BY_CONSTRUCTION)} {apart}" if apart else "")


def _in_order(ledger: Mapping[str, Claim]) -> list[str]:
    """List the chapters of all claims in reading order, those without a notebook last."""
    written = [c.slug for c in find_chapters()]
    slugs = dict.fromkeys(c.chapter for c in ledger.values())
    return sorted(slugs, key=lambda s: written.index(s) if s in written else len(written))


def _filters(ledger: dict[str, Claim]) -> str:
    chapters = _in_order(ledger)
    return (
        _select("verdict", "Verdict", {v: v for v in claims.VERDICTS})
        + _select("chapter", "Chapter", {c: named(c) for c in chapters})
        + _select("paper", "Paper", PAPERS)
        + _select("order", "Order", {"verdict": "by outcome", "chapter": "by chapter"}, "as listed")
        + '<label>Words <input type="search" name="words" placeholder="e.g. slope"></label>'
    )


def _select(name: str, label: str, options: dict[str, str], first: str = "all") -> str:
    items = "".join(f'<option value="{escape(v)}">{escape(t)}</option>' for v, t in options.items())
    select = f'<select name="{name}"><option value="">{first}</option>{items}</select>'
    return f"<label>{label} {select}</label>"


def changes_page() -> str:
    """Write the page (MyST): what changed since the record began, and which checks were amended."""
    found = history.entries()
    return CHANGES.format(recorded=_recorded(history.changes(found)), amended=_amended())


def _recorded(changes: Sequence[history.Change]) -> str:
    """List the builds that changed a verdict, the latest first; the first one as its totals."""
    days = dict.fromkeys(c.day for c in changes)
    if not days:
        return "<p>No build has been recorded yet.</p>"
    first = next(iter(days))
    parts = []
    for day in reversed(days):
        own = [c for c in changes if c.day == day and c.before]
        new = [c for c in changes if c.day == day and not c.before]
        body = "".join(_change(c) for c in own)
        if new:
            tally = totals({v: Counter(c.after for c in new)[v] for v in claims.VERDICTS})
            word = "The record begins" if day == first else "Claims that were new"
            body += f"<li>{word} ({len(new)}): {tally}</li>"
        parts.append(f"<h3>{day}</h3><ul>{body}</ul>")
    return "".join(parts)


def _change(change: history.Change) -> str:
    why = "".join(f"<li>{prose(line)}</li>" for line in change.because)
    return (
        f'<li><a href="claims.html#claim-{change.claim}">{change.claim}</a> '
        f"{badge(change.before)} → {badge(change.after)}<ul>{why}</ul></li>"
    )


def _amended() -> str:
    """Tabulate the checks that were found to ask something else than their claim."""
    found = [(m.amended, c.id, m) for c in claims.ledger().values() for m in c.misread]
    lines = [
        f"<tr><td>{day}<td>{claim}<td>{prose(m.check.label)}<td>{prose(m.published())}"
        f"<td>{prose(m.reason)}"
        for day, claim, m in sorted(found, key=lambda row: row[:2])
    ]
    return "".join(lines)


CLAIMS_HEAD = """# Claims and verdicts

All {n} claims, what counts as reproduced, and what this book observed. Tolerances
are fixed before a run and live in `book/claims.yml`; every verdict is computed from them. Letters
say what a claim costs: **F** public predictions or tables, **C** two CPU cores, **G** one GPU,
**X** private weights or data, so that only a named stand-in can be shown.

*Partly*: some checks held, some were missed. *Held as far as observed*: none was missed, some are
not observed. *Not reproduced*: what was observed lies on the wrong side with its whole interval.
*Undecided*: it lies there with a part of its interval only, or rests on fewer than three seeds,
networks or data sets. A check holds if its number satisfies the rule; where it asks for a sign, or
says "whole interval", all of the interval has to. Identities and rules are *true by construction*
and counted apart.

```{{raw}} html
<p class="claim-total">{total}</p>
{overview}
<form class="claim-filter" role="search" aria-label="Filter claims">{filters}
<output aria-live="polite"></output></form>
<ol class="claim-list">{rows}</ol>
```

## Paper by paper

Every paper of the book, those of which nothing is run among them; [what is not run
here](not_run.md) says why.

```{{raw}} html
{papers}
```
"""

CHANGES = """# How verdicts changed

A verdict follows from tolerances that stand in the ledger and from runs, so it changes when a run
is added or computed anew, when a check is amended, or when a mistake is mended. Each build that is
recorded (`nbcore claims --record`) adds the claims whose verdict is another one, with the checks
that made it so. Nothing on this page is written by hand.

## Recorded builds

```{{raw}} html
{recorded}
```

## Amended checks

These were found to ask something else than their claim. What was published of them stays; what
replaces them is judged on new networks only.

```{{raw}} html
<div class="nbtable-wrap" role="region" aria-label="Amended checks" tabindex="0">
<table class="nbtable"><thead><tr><th scope="col">amended<th scope="col">claim<th scope="col">check
<th scope="col">published<th scope="col">why</thead><tbody>{amended}</tbody></table></div>
```
"""
