"""Two executions of a chapter side by side: parameters, checks, and every figure of both.

The page is one file that needs nothing beside it. Figures are matched by the cells that drew them;
those that differ come first, and one that is drawn the same in both is shown once, folded.
"""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from nbcore import claims, files
from nbcore.charts import thumbnails
from nbcore.claims import Observation
from nbcore.publish.chapters import Chapter
from nbcore.rerun.executions import Execution
from nbcore.runs import config
from nbcore.text import escape

#: a chart's static picture, in the order of `thumbnails.charts_of`
PICTURE = re.compile(r'<div class="nbchart"[^>]*>(<img [^>]*>)')
DATA = re.compile(r'src="data:[^;]+;base64,([^"]+)"')
COUNTED = re.compile(rb"(?:clip|gradient_)\d+")


class Figure(NamedTuple):
    """One figure of an execution: the cell that drew it and its place there, title, picture."""

    cell: tuple[str, int]
    title: str
    picture: str

    @property
    def drawn(self) -> bytes:
        """What the picture draws, without the names that a drawing library counts up."""
        found = DATA.search(self.picture)
        return COUNTED.sub(b"", b64decode(found[1])) if found else self.picture.encode()


class Pair(NamedTuple):
    """A figure of the first execution and of the second; None where one has it not."""

    first: Figure | None
    second: Figure | None

    @property
    def same(self) -> bool:
        """Whether both show the same drawing."""
        mine, theirs = self.first, self.second
        return mine is not None and theirs is not None and mine.drawn == theirs.drawn


class Row(NamedTuple):
    """A check in both executions: its claim, name, and what each saw of it and concluded."""

    claim: str
    check: str
    first: str
    second: str
    outcomes: tuple[str, str]


def compare(chapter: Chapter, first: Execution, second: Execution, target: Path) -> Path:
    """Write the page that compares two executions of a chapter; return it."""
    pairs = figures(first, second)
    rows = checks(chapter, first.observations(), second.observations())
    names = first.words(), second.words()
    page = PAGE.format(
        title=escape(f"{int(chapter.number)} {chapter.title}: two runs"),
        first=_side(first),
        second=_side(second),
        parameters=_parameters(chapter, first, second),
        checks=_checks(rows),
        summary=_summary(pairs, rows),
        figures="".join(_figure(p, names) for p in sorted(pairs, key=lambda p: p.same)),
    )
    files.write_atomically(target, page.encode())
    return target


def figures(first: Execution, second: Execution) -> list[Pair]:
    """Match the figures of two executions, in the order of the first, then what it lacks."""
    mine, theirs = ({f.cell: f for f in _figures(e.notebook)} for e in (first, second))
    both = [Pair(figure, theirs.get(cell)) for cell, figure in mine.items()]
    return both + [Pair(None, figure) for cell, figure in theirs.items() if cell not in mine]


def checks(
    chapter: Chapter,
    first: Mapping[str, Sequence[Observation]],
    second: Mapping[str, Sequence[Observation]],
) -> list[Row]:
    """Put what two executions saw of the chapter's checks beside each other."""
    rows = []
    for claim in claims.ledger().values():
        sides = [
            {
                row.check.name: row
                for row in claims.judge(claim, _own(seen.get(claim.id, ()), chapter)).rows
                if row.seen
            }
            for seen in (first, second)
        ]
        for name in dict.fromkeys([*sides[0], *sides[1]]):
            found = [side.get(name) for side in sides]
            a, b = (claims.show_estimate(r.seen) if r and r.seen else "–" for r in found)
            outcomes = [r.outcome if r else claims.UNSEEN for r in found]
            rows.append(Row(claim.id, name, a, b, (outcomes[0], outcomes[1])))
    return rows


def _own(seen: Sequence[Observation], chapter: Chapter) -> list[Observation]:
    return [o for o in seen if o.chapter == chapter.slug]


def _figures(path: Path) -> Iterator[Figure]:
    """Yield the charts of an executed notebook; equal cells are counted."""
    counts: Counter[str] = Counter()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            charts = zip(PICTURE.findall(html), thumbnails.charts_of(html), strict=False)
            for picture, spec in charts:
                counts[cell.source] += 1
                title = thumbnails.title_of(spec)
                yield Figure((cell.source, counts[cell.source]), title, picture)


def _parameters(chapter: Chapter, first: Execution, second: Execution) -> str:
    """Tabulate the parameters in which the two differ; all others are the same."""
    cls = config.config_class(chapter.slug)
    rows = []
    presets = [e.parameters.get("preset", "book") for e in (first, second)]
    settings = [getattr(cls, preset)() for preset in presets]
    names = dict.fromkeys(["preset", "fresh", *vars(settings[0])])
    for name in names:
        default = {"preset": presets, "fresh": [False, False]}.get(
            name, [getattr(s, name, None) for s in settings]
        )
        values = [
            _shown(e.parameters.get(name, d)) for e, d in zip((first, second), default, strict=True)
        ]
        if values[0] != values[1]:
            rows.append(f"<tr><th scope='row'>{name}</th>{_cells(values)}</tr>")
    return "".join(rows) or "<tr><td colspan='3'>All parameters are the same.</td></tr>"


def _checks(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        changed = ' class="changed"' if row.outcomes[0] != row.outcomes[1] else ""
        sides = zip((row.first, row.second), row.outcomes, strict=True)
        cells = "".join(f"<td>{escape(n)}<br><small>{escape(o)}</small></td>" for n, o in sides)
        name = f"<b>{row.claim}</b> {escape(row.check)}"
        lines.append(f"<tr{changed}><th scope='row'>{name}</th>{cells}</tr>")
    return "".join(lines) or "<tr><td colspan='3'>Neither run observed a check.</td></tr>"


def _summary(pairs: Sequence[Pair], rows: Sequence[Row]) -> str:
    """Say how much differs, in one sentence."""
    other = sum(not pair.same for pair in pairs)
    turned = sum(row.outcomes[0] != row.outcomes[1] for row in rows)
    return (
        f"{other} of {len(pairs)} figures and the outcome of {turned} of {len(rows)} checks are "
        "not the same."
    )


def _figure(pair: Pair, names: Sequence[str]) -> str:
    """Draw both figures under the names of their runs, or the one that both have, folded."""
    if pair.same and pair.first:
        head = f"<summary>{escape(pair.first.title)}: the same in both runs</summary>"
        return f"<details>{head}{pair.first.picture}</details>"
    sides = "".join(
        f"<figure><figcaption>{escape(name)}</figcaption>{side.picture}</figure>"
        if side
        else f"<figure><figcaption>{escape(name)}</figcaption><p>No such figure.</p></figure>"
        for side, name in zip(pair, names, strict=True)
    )
    return f'<section class="pair">{sides}</section>'


def _side(execution: Execution) -> str:
    took = f", {execution.seconds:.0f} s" if execution.seconds else ""
    return f"{escape(execution.words())}<br><small>{escape(execution.date)}{took}</small>"


def _cells(values: Sequence[str]) -> str:
    return "".join(f"<td>{escape(value)}</td>" for value in values)


def _shown(value: Any) -> str:
    return config.shown(tuple(value) if isinstance(value, list) else value)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 84rem; padding: 1rem; }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed; }}
th, td {{ border-bottom: 1px solid #8888; padding: .3rem .6rem .3rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; font-weight: normal; }}
.changed td {{ font-weight: 700; }}
.pair {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr));
  gap: 1rem; border-top: 1px solid #8888; padding-top: 1rem; }}
figure {{ margin: 0; }}
figcaption, summary {{ font-weight: 600; }}
summary {{ cursor: pointer; padding: .4rem 0; }}
img {{ background: #fff; border-radius: 4px; height: auto; max-width: 100%; }}
</style></head>
<body><h1>{title}</h1>
<p>{summary}</p>
<table><thead><tr><td></td><th scope="col">{first}</th><th scope="col">{second}</th></tr></thead>
<tbody>{parameters}</tbody></table>
<h2>Checks</h2>
<table><tbody>{checks}</tbody></table>
<h2>Figures</h2>
{figures}
</body></html>
"""
