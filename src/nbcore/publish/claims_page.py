"""The claims page: every claim of the ledger with its card, and the number of each verdict."""

from collections.abc import Mapping

from nbcore import claims
from nbcore.claims import Claim
from nbcore.publish.cards import badge, card
from nbcore.text import escape

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
        name = claim.chapter.replace("-", " ")
        link = f'<a href="{page}#claim-{claim.id}">{name}</a>' if page else escape(name)
        cost = " ".join(f'<abbr title="{COSTS[c]}">{c}</abbr>' for c in claim.cost)
        rows.append(
            f'<li class="claim-row" data-verdict="{verdict}" data-chapter="{claim.chapter}" '
            f'data-paper="{claim.id[0]}"><div class="claim-meta">{link} · {cost}</div>'
            f"{card(claim, own)}</li>"
        )
    return CLAIMS_HEAD.format(
        n=len(ledger), total=totals(count()), filters=_filters(ledger), rows="".join(rows)
    )


def totals(counts: Mapping[str, int]) -> str:
    """Draw how many claims have which verdict; identities and rules are counted apart."""
    apart = counts[claims.BY_CONSTRUCTION]
    text = " · ".join(
        f"{badge(v)} {n}" for v, n in counts.items() if n and v != claims.BY_CONSTRUCTION
    )
    return text + (f"; apart from these {badge(claims.BY_CONSTRUCTION)} {apart}" if apart else "")


def _filters(ledger: dict[str, Claim]) -> str:
    chapters = dict.fromkeys(c.chapter for c in ledger.values())
    return (
        _select("verdict", "Verdict", {v: v for v in claims.VERDICTS})
        + _select("chapter", "Chapter", {c: c.replace("-", " ") for c in chapters})
        + _select(
            "paper",
            "Paper",
            {"A": "A: effective robustness", "B": "B: prediction depth", "C": "C: generalization"},
        )
        + '<label>Words <input type="search" name="words" placeholder="e.g. slope"></label>'
    )


def _select(name: str, label: str, options: dict[str, str]) -> str:
    items = "".join(f'<option value="{escape(v)}">{escape(t)}</option>' for v, t in options.items())
    select = f'<select name="{name}"><option value="">all</option>{items}</select>'
    return f"<label>{label} {select}</label>"


CLAIMS_HEAD = """# Claims and verdicts

All {n} claims, what counts as reproduced, and what this book observed. Tolerances
are fixed before a run and live in `book/claims.yml`; every verdict is computed from them. Letters
say what a claim costs: **F** public predictions or tables, **C** two CPU cores, **G** one GPU,
**X** private weights or data, so that only a named stand-in can be shown.

*Partly*: some checks held, some were missed. *Held as far as observed*: none was missed, some are
not observed. *Undecided*: an interval covers its bound, or rests on fewer than three seeds,
networks or data sets. *Not reproduced*: what was observed lies on the wrong side with its whole
interval. Identities and rules are *true by construction* and counted apart.

```{{raw}} html
<p class="claim-total">{total}</p>
<form class="claim-filter" role="search" aria-label="Filter claims">{filters}
<output aria-live="polite"></output></form>
<ol class="claim-list">{rows}</ol>
```
"""
