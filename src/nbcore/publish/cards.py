"""Claim cards and the claims page: the ledger as readers see it."""

from html import escape

from nbcore import claims
from nbcore.claims import Claim, Observation

#: verdict -> (CSS class, sign that does not rely on colour)
BADGES = {
    claims.REPRODUCED: ("yes", "✓"),
    claims.REDUCED: ("yes", "✓"),
    claims.PARTLY: ("partly", "◐"),
    claims.NOT: ("no", "✗"),
    claims.NOT_RUN: ("open", "○"),
}
COSTS = {
    "F": "public predictions or tables",
    "C": "two CPU cores",
    "G": "one GPU",
    "X": "needs private weights or data",
}


def badge(verdict: str) -> str:
    """The verdict as a labelled mark."""
    kind, sign = BADGES[verdict]
    return f'<span class="verdict verdict-{kind}">{sign} {escape(verdict)}</span>'


def card(claim: Claim, seen: Observation | None, opened: bool = False) -> str:
    """A claim card: claim, the paper's number, ours with interval and n, verdict, provenance."""
    verdict = seen.verdict if seen else claims.NOT_RUN
    note = f'<p class="claim-note">{escape(claim.note)}</p>' if claim.note else ""
    return (
        f'<details class="claim-card" id="claim-{claim.id}"{" open" if opened else ""}>'
        f'<summary><span class="claim-id">{claim.id}</span> '
        f'<span class="claim-title">{escape(claim.title)}</span> {badge(verdict)}</summary>'
        f"<p>{escape(claim.claim)} <span class='claim-source'>({_citation(claim)})</span></p>"
        f"<p><b>In the paper:</b> {escape(str(claim.paper))}</p>"
        f"{_checks(claim, seen)}{note}{_provenance(seen)}</details>"
    )


def _citation(claim: Claim) -> str:
    return f"{escape(SOURCES.get(claim.source, claim.source))}, {escape(claim.where)}"


#: the two papers whose claims the book reproduces, as they are cited in running text
SOURCES = {
    "andreassen2022": "Andreassen et al. 2022",
    "baldock2021": "Baldock, Maennel and Neyshabur 2021",
}


def _checks(claim: Claim, seen: Observation | None) -> str:
    rows = []
    for check in claim.checks:
        found = seen.observed.get(check.name) if seen else None
        ours = claims.show_estimate(found) if found else "not run"
        n = f"{found.n:,}" if found else "–"
        held = "○" if found is None else ("✓ held" if check.holds(found) else "✗ missed")
        cells = (held, check.name, check.wanted(), ours, n)
        rows.append("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>")
    head = "".join(
        f"<th scope='col'>{h}</th>"
        for h in ("", "what is checked", "wanted", "ours [95 % interval]", "n")
    )
    return (
        '<div class="claim-scroll"><table class="claim-checks"><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _provenance(seen: Observation | None) -> str:
    if seen is None:
        return '<p class="claim-note">Not run yet.</p>'
    run = seen.run
    setup = "the paper's setup" if seen.setup == "paper" else "a reduced setup"
    return (
        f'<p class="claim-run">{setup} · preset {escape(seen.preset)} · '
        f"{escape(run['origin'])} run of {escape(run['date'])} · {escape(run['hardware'])}</p>"
    )


class Html(str):
    """Text that a notebook shows as HTML."""

    def _repr_html_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return "claim cards (shown as HTML)"


def show_cards(slug: str, seen: dict[str, Observation]) -> Html:
    """All claim cards of one chapter, in the ledger's order, the first one open."""
    own = [c for c in claims.ledger().values() if c.chapter == slug]
    return Html("".join(card(c, seen.get(c.id), opened=i == 0) for i, c in enumerate(own)))


def ledger_page(chapter_pages: dict[str, str]) -> str:
    """The claims page (MyST): every claim with its verdict, filterable without a network.

    chapter_pages: slug -> page of the chapters that exist.
    """
    seen = claims.observations()
    ledger = claims.ledger()
    rows, counts = [], dict.fromkeys(claims.VERDICTS, 0)
    for claim in ledger.values():
        verdict = seen[claim.id].verdict if claim.id in seen else claims.NOT_RUN
        counts[verdict] += 1
        page = chapter_pages.get(claim.chapter)
        name = claim.chapter.replace("-", " ")
        link = f'<a href="{page}#claim-{claim.id}">{name}</a>' if page else escape(name)
        cost = " ".join(f'<abbr title="{COSTS[c]}">{c}</abbr>' for c in claim.cost)
        rows.append(
            f'<li class="claim-row" data-verdict="{verdict}" data-chapter="{claim.chapter}" '
            f'data-paper="{claim.id[0]}"><div class="claim-meta">{link} · {cost}</div>'
            f"{card(claim, seen.get(claim.id))}</li>"
        )
    total = " · ".join(f"{badge(v)} {n}" for v, n in counts.items() if n)
    return CLAIMS_HEAD.format(
        n=len(ledger), total=total, filters=_filters(ledger), rows="".join(rows)
    )


def _filters(ledger: dict[str, Claim]) -> str:
    chapters = dict.fromkeys(c.chapter for c in ledger.values())
    return (
        _select("verdict", "Verdict", {v: v for v in claims.VERDICTS})
        + _select("chapter", "Chapter", {c: c.replace("-", " ") for c in chapters})
        + _select("paper", "Paper", {"A": "A: effective robustness", "B": "B: prediction depth"})
        + '<label>Words <input type="search" name="words" placeholder="e.g. slope"></label>'
    )


def _select(name: str, label: str, options: dict[str, str]) -> str:
    items = "".join(f'<option value="{escape(v)}">{escape(t)}</option>' for v, t in options.items())
    select = f'<select name="{name}"><option value="">all</option>{items}</select>'
    return f"<label>{label} {select}</label>"


CLAIMS_HEAD = """# Claims and verdicts

All {n} claims of the two papers, what counts as reproduced, and what this book observed. Tolerances
are fixed before a run and live in `book/claims.yml`; every verdict is computed from them. Letters
say what a claim costs: **F** public predictions or tables, **C** two CPU cores, **G** one GPU,
**X** private weights or data, so that only a named stand-in can be shown.

```{{raw}} html
<p class="claim-total">{total}</p>
<form class="claim-filter" role="search" aria-label="Filter claims">{filters}
<output aria-live="polite"></output></form>
<ol class="claim-list">{rows}</ol>
```
"""
