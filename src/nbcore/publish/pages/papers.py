"""The table of papers by chapter and verdict, and the page of what is not run here.

Both are made from the ledger and `book/abstracts.yml`, so that no verdict and no reason is typed
twice.
"""

from collections.abc import Iterable, Mapping, Sequence

from nbcore import claims
from nbcore.claims import Abstract, Claim, Observation
from nbcore.publish.cards import BADGES, SOURCES, verdict_class
from nbcore.publish.chapters import find_chapters, named
from nbcore.text import escape

Seen = Mapping[str, Sequence[Observation]]
#: the page that `not_run_page` writes
NOT_RUN_PAGE = "not_run.html"


def papers_table(pages: Mapping[str, str]) -> str:
    """Draw one row a paper: its chapters and its verdicts, or where it is planned, or why not.

    pages: slug -> page of the chapters that exist. The two first papers have many claims each, so
    their verdicts are counted.
    """
    seen = claims.observations()
    rows = [_many(key, pages, seen) for key in ("A", "B")]
    rows += [_one(paper, pages, seen) for paper in claims.abstracts().values()]
    head = "".join(f'<th scope="col">{h}</th>' for h in ("key", "paper", "chapter", "verdict"))
    return (
        '<div class="claim-scroll" tabindex="0" role="region" aria-label="Papers">'
        f'<table class="paper-table"><thead><tr>{head}</tr></thead><tbody>'
        f"{''.join(rows)}</tbody></table></div>"
    )


def _row(key: str, paper: str, chapter: str, verdict: str) -> str:
    cells = f"<td>{escape(paper)}</td><td>{chapter}</td><td>{verdict}</td>"
    return f'<tr><th scope="row">{key}</th>{cells}</tr>'


def _many(letter: str, pages: Mapping[str, str], seen: Seen) -> str:
    """Draw the row of a paper with many claims: its chapters, and how many have which verdict."""
    own = [c for c in claims.ledger().values() if c.id[0] == letter]
    counts = dict.fromkeys(claims.VERDICTS, 0)
    for claim in own:
        counts[claims.judge(claim, seen.get(claim.id, ())).verdict] += 1
    marks = " ".join(f"{_mark(v)} {n}" for v, n in counts.items() if n)
    paper = SOURCES.get(own[0].source, own[0].source)
    return _row(letter, paper, _chapters(own, pages), marks)


def _one(paper: Abstract, pages: Mapping[str, str], seen: Seen) -> str:
    """Draw the row of a paper of the third part."""
    own, marks = paper.claims, []
    for claim in own:
        verdict = claims.judge(claim, seen.get(claim.id, ())).verdict
        page = pages.get(claim.chapter)
        words = f"{_mark(verdict)} {escape(verdict)}"
        marks.append(f'<a href="{page}#claim-{claim.id}">{words}</a>' if page else words)
    chapter = _chapters(own, pages) if own else escape(paper.planned)
    reason = f'<a href="{NOT_RUN_PAGE}#{paper.id.lower()}">'
    if not own:
        said = "not run here: why" if paper.whole else "not run yet"
        mark = _mark(claims.NOT_RUN)
        marks = [f"{mark} {reason}{said}</a>" if paper.whole else f"{mark} {said}"]
    if paper.left_out and not paper.whole:
        marks.append(f"{reason}a part is left out</a>")
    return _row(paper.id, f"{paper.title} ({paper.cited})", chapter or "–", ", ".join(marks))


def _chapters(own: Iterable[Claim], pages: Mapping[str, str]) -> str:
    names = []
    for slug in dict.fromkeys(c.chapter for c in own):
        name = escape(named(slug))
        names.append(f'<a href="{pages[slug]}">{name}</a>' if slug in pages else name)
    return ", ".join(names)


def _mark(verdict: str) -> str:
    return (
        f'<span class="{verdict_class(verdict)}" role="img" title="{verdict}" '
        f'aria-label="{verdict}">{BADGES[verdict][1]}</span>'
    )


def not_run_page() -> str:
    """Write the page of what is not run (MyST): whole papers, parts of papers, planned chapters."""
    papers = claims.abstracts().values()
    whole = [_section(p) for p in papers if p.whole and not p.claims]
    parts = [_section(p) for p in papers if p.left_out and not p.whole]
    planned: dict[str, list[str]] = {}
    for paper in papers:
        if paper.planned and not paper.claims:
            planned.setdefault(paper.planned, []).append(f"{paper.id} *{paper.title}*")
    later = [f"- {name}: {'; '.join(own)}." for name, own in sorted(planned.items())]
    written = {c.slug for c in find_chapters()}
    waiting: dict[str, list[str]] = {}
    for claim in claims.ledger().values():
        if claim.chapter not in written:
            waiting.setdefault(named(claim.chapter), []).append(f"{claim.id} *{claim.title}*")
    later += [f"- {name}: {'; '.join(own)}." for name, own in waiting.items()]
    return NOT_RUN.format(
        n=len(whole),
        whole="\n\n".join(whole),
        parts="\n\n".join(parts),
        later="\n".join(later) or "None.",
    )


def _section(paper: Abstract) -> str:
    left = paper.left_out
    assert left is not None
    what = "Claims" if paper.whole else "Left out"
    return (
        f"({paper.id.lower()})=\n### {paper.id} {paper.title}\n\n{paper.cited}\n\n"
        f"**{what}.** {left.part}\n\n**Why not here.** {left.why}\n\n"
        f"**It would need.** {left.needs}"
    )


NOT_RUN = """# What is not run here

A book that runs on two cores cannot run everything. Of the papers behind its third part {n} are
left out whole, and of some others a part. This page says of each what it claims, why it is not run
here, and what that would need; the [claims page](claims.md) has a row for every paper.

## Papers that are left out

{whole}

## Parts that are left out

{parts}

## Not run yet

What waits for its chapter, or for its place in one:

{later}
"""
