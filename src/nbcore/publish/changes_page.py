"""The page that says how verdicts changed, from the record of builds and the amended checks."""

from collections import Counter
from collections.abc import Sequence

from nbcore import claims
from nbcore.claims import history
from nbcore.publish.cards import badge
from nbcore.publish.claims_page import totals
from nbcore.text import escape


def changes_page() -> str:
    """Write the page (MyST): what changed since the record began, and which checks were amended."""
    found = history.entries()
    return PAGE.format(recorded=_recorded(history.changes(found)), amended=_amended())


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
    why = "".join(f"<li>{escape(line)}</li>" for line in change.because)
    return (
        f'<li><a href="claims.html#claim-{change.claim}">{change.claim}</a> '
        f"{badge(change.before)} → {badge(change.after)}<ul>{why}</ul></li>"
    )


def _amended() -> str:
    """Tabulate the checks that were found to ask something else than their claim."""
    found = [(m.amended, c.id, m) for c in claims.ledger().values() for m in c.misread]
    lines = [
        f"<tr><td>{day}<td>{claim}<td>{escape(m.check.name)}<td>{escape(m.published())}"
        f"<td>{escape(m.reason)}"
        for day, claim, m in sorted(found, key=lambda row: row[:2])
    ]
    return "".join(lines)


PAGE = """# How verdicts changed

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
