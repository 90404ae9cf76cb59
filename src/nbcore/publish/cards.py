"""Claim cards: one for each claim, with everything that was observed about it."""

import re
from collections.abc import Mapping, Sequence

import nbformat

from nbcore import claims
from nbcore.claims import Claim, Observation, Row
from nbcore.publish.chapters import named
from nbcore.text import escape, prose

#: verdict -> (CSS class, sign that does not rely on colour); "open" and "plain" have no colour
BADGES = {
    claims.REPRODUCED: ("yes", "✓"),
    claims.REDUCED: ("yes", "✓"),
    claims.PARTLY: ("partly", "◐"),
    claims.SO_FAR: ("open", "◔"),
    claims.UNDECIDED: ("open", "?"),
    claims.NOT: ("no", "✗"),
    claims.NOT_RUN: ("open", "○"),
    claims.BY_CONSTRUCTION: ("plain", "≡"),
}
#: outcome of one check -> sign
SIGNS = {
    claims.HELD: "✓",
    claims.MISSED: "✗",
    claims.UNDECIDED: "?",
    claims.UNSEEN: "○",
    claims.APART: "–",
}
#: the papers whose claims the book reproduces, as they are cited in running text
SOURCES = {
    "andreassen2022": "Andreassen et al. 2022",
    "baldock2021": "Baldock, Maennel and Neyshabur 2021",
    "blasiok2022": "Błasiok et al. 2022",
    "blasiok2023loss": "Błasiok et al. 2023",
    "blasiok2023multicalibration": "Błasiok et al. 2023",
    "blasiok2023smooth": "Błasiok and Nakkiran 2023",
    "bradley2024": "Bradley and Nakkiran 2024",
    "bradley2025": "Bradley et al. 2025",
    "carrell2022": "Carrell et al. 2022",
    "hansen2024": "Hansen et al. 2024",
    "kaplun2022": "Kaplun et al. 2022",
    "kaplun2022models": "Kaplun et al. 2022 (teachers)",
    "kulynych2022": "Kulynych et al. 2022",
    "mallinar2022": "Mallinar et al. 2022",
    "nakkiran2018": "Nakkiran and Błasiok 2018",
    "nakkiran2019": "Nakkiran 2019",
    "nakkiran2019deep": "Nakkiran et al. 2019",
    "nakkiran2019robustness": "Nakkiran 2019 (robustness)",
    "nakkiran2020annealing": "Nakkiran 2020",
    "nakkiran2020distributional": "Nakkiran and Bansal 2020",
    "nakkiran2020optimal": "Nakkiran et al. 2020",
    "nakkiran2024": "Nakkiran et al. 2024",
    "thornton2025": "Thornton et al. 2025",
    "tsourakakis2017": "Tsourakakis et al. 2017",
}
SETUPS = {claims.PAPER: "the paper's setup", claims.STAND_IN: "a reduced setup"}
Seen = Mapping[str, Sequence[Observation]]


def badge(verdict: str) -> str:
    """Draw the verdict as a labelled mark."""
    return f'<span class="{verdict_class(verdict)}">{BADGES[verdict][1]} {escape(verdict)}</span>'


def verdict_class(verdict: str) -> str:
    """Return the CSS classes of a verdict's mark."""
    return f"verdict verdict-{BADGES[verdict][0]}"


def card(claim: Claim, seen: Sequence[Observation], opened: bool = False, beside: str = "") -> str:
    """Draw a claim's one card: the paper's number, every observation, the verdict, provenance.

    opened: shown open; beside: more HTML for the line that is always seen.
    """
    judged = claims.judge(claim, seen)
    note = f'<p class="claim-note">{prose(claim.note)}</p>' if claim.note else ""
    return (
        f'<details class="claim-card" id="claim-{claim.id}"{" open" if opened else ""}>'
        f'<summary><span class="claim-id">{claim.id}</span> '
        f'<span class="claim-title">{prose(claim.title)}</span> {beside}'
        f"{badge(judged.verdict)}</summary>"
        f"<p>{prose(claim.claim)} <span class='claim-source'>({_citation(claim)})</span></p>"
        f"<p><b>In the paper:</b> {prose(str(claim.paper))}</p>"
        f"{_checks(judged.rows)}{note}{_related(seen)}{_amended(claim)}{_provenance(seen)}"
        "</details>"
    )


def _citation(claim: Claim) -> str:
    return f"{escape(SOURCES.get(claim.source, claim.source))}, {escape(claim.where)}"


def _checks(rows: Sequence[Row]) -> str:
    """Draw one line for each check and observation; the model or run is named where there are
    several."""
    several = len({r.observation.subject for r in rows if r.observation}) > 1
    lines = []
    for row in rows:
        outcome = f"{SIGNS[row.outcome]} {row.outcome}"
        ours = claims.show_estimate(row.seen) if row.seen else "–"
        ours += f" over {row.seen.over}" if row.seen and row.seen.low < row.seen.high else ""
        n = (
            (
                f"{row.seen.n:,}"
                if row.check.over == "members"
                else claims.count(row.seen.n, row.check.over)
            )
            if row.seen
            else "–"
        )
        told = row.check.label + (f": {row.note}" if row.note else "")
        cells = [outcome, told, row.check.wanted(), ours, n]
        if several:
            cells.append(claims.readable(row.observation.subject) if row.observation else "–")
        lines.append(cells)
    head = ["outcome", "what is checked", "wanted", "ours [95 % interval]", "n"]
    return _table("Checks", head + ["measured on"] * several, lines)


def _table(name: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Draw a table in a frame that scrolls where the page is narrow, by the keyboard too."""
    top = "".join(f"<th scope='col'>{prose(h)}</th>" if h else "<td></td>" for h in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{prose(c)}</td>" for c in cells) + "</tr>" for cells in lines
    )
    return (
        f'<div class="claim-scroll" tabindex="0" role="region" aria-label="{name}">'
        f'<table class="claim-checks"><thead><tr>{top}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )


def _related(seen: Sequence[Observation]) -> str:
    """Draw numbers that bear on the claim without testing it; they carry no mark."""
    lines = [
        ("", claims.readable(name), claims.show_estimate(e), f"{e.n:,}", claims.readable(o.subject))
        for o in seen
        if o.related
        for name, e in o.observed.items()
    ]
    if not lines:
        return ""
    head = ("", "related evidence, not judged", "ours [95 % interval]", "n", "measured on")
    return _table("Related evidence", head, lines)


def _amended(claim: Claim) -> str:
    """List the checks that were found misread, with what was published of them."""
    if not claim.misread:
        return ""
    items = "".join(
        f"<li>{prose(m.check.label)} ({prose(m.check.wanted())}): published as "
        f"{prose(m.published())}. {prose(m.reason)} <i>Amended {m.amended}.</i></li>"
        for m in claim.misread
    )
    return f'<div class="claim-note"><b>Misread, and judged no more:</b><ul>{items}</ul></div>'


def _provenance(seen: Sequence[Observation]) -> str:
    if not seen:
        return '<p class="claim-note">Not run yet.</p>'
    lines = []
    for o in seen:
        lines.append(
            f'<p class="claim-run">{prose(claims.readable(o.subject))} · {SETUPS[o.setup]} · '
            f"chapter {escape(named(o.chapter))} · preset {escape(o.preset)} · "
            f"{escape(o.run['origin'])} run of {escape(o.run['date'])} · "
            f"{escape(o.run['hardware'])}</p>"
        )
    return "".join(dict.fromkeys(lines))


class Html(str):
    """Text that a notebook shows as HTML."""

    def _repr_html_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return "claim cards (shown as HTML)"


def show_cards(slug: str, pages: Mapping[str, str] | None = None) -> Html:
    """Draw all claim cards of one chapter, in the ledger's order, the first one open.

    What other chapters observed of these claims is merged in; a claim of another chapter that is
    also measured here has its one card there, and is linked. pages: slug -> page in the built book
    (none: no links).
    """
    seen = claims.observations()
    own = [c for c in claims.ledger().values() if c.chapter == slug]
    drawn = "".join(card(c, seen.get(c.id, ()), opened=i == 0) for i, c in enumerate(own))
    drawn += _elsewhere(slug, seen, pages)
    return Html(f'<div class="claim-cards" data-chapter="{slug}">{drawn}</div>')


def _elsewhere(slug: str, seen: Seen, pages: Mapping[str, str] | None) -> str:
    items = []
    for claim in claims.ledger().values():
        if claim.chapter == slug or slug not in {o.chapter for o in seen.get(claim.id, ())}:
            continue
        words = f"{claim.id} {claim.title}"
        page = (pages or {}).get(claim.chapter)
        link = (
            f'<a href="../{page}#claim-{claim.id}">{escape(words)}</a>' if page else escape(words)
        )
        items.append(link)
    if not items:
        return ""
    told = "; ".join(items)
    return f'<p class="claim-note">Measured here too, with a card in its own chapter: {told}.</p>'


def refresh(notebook: nbformat.NotebookNode, pages: Mapping[str, str]) -> None:
    """Draw the cards of an executed chapter again, from all that the chapters have observed."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            if found := re.match(r'<div class="claim-cards" data-chapter="([^"]+)">', html):
                output["data"]["text/html"] = str(show_cards(found[1], pages))
