"""A record as tables: for the terminal, and for the page of the book."""

from statistics import median
from typing import Any

from nbcore.bench.kept import Record
from nbcore.bench.record import Comparison, Growth, Quantity


def seconds(value: float) -> str:
    """Write a time to three digits, in ms, s or min."""
    if value < 1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"


def ratio(comparison: Comparison) -> str:
    """Write a ratio with its range."""
    r = comparison.ratio
    if len(comparison.seconds) == 1:
        return f"{r.value:.3g} (one round)"
    return f"{r.value:.3g} [{r.low:.3g}, {r.high:.3g}]"


def results(comparison: Comparison) -> str:
    """Say how far the results of both sides agree."""
    if comparison.agree is None:
        return "not the same work"
    if not comparison.difference:
        return "equal"
    verdict = "" if comparison.agree else ", MORE than allowed"
    return f"{comparison.difference:.1g} apart{verdict}"


def comparison_row(c: Comparison) -> dict[str, Any]:
    """Make a row of the table of ratios."""
    return {
        "what": f"{c.what} ({c.note})" if c.note else c.what,
        "ours": f"{c.ours}: {seconds(median(c.seconds))}",
        "peer": f"{c.peer}: {seconds(median(c.peer_seconds))}",
        "peer's time over ours": ratio(c),
        "results": results(c),
    }


def quantity_row(q: Quantity, quick: bool) -> dict[str, Any]:
    """Make a row of the table of quantities; a limit is one of full sizes, and judged there."""
    value = f"{q.value:,.4g}" if q.value < 1e4 else f"{q.value:,.0f}"
    limit = "–"
    if q.limit is not None:
        judged = "at full size" if quick and q.unit else "kept" if q.value <= q.limit else "MISSED"
        limit = f"{q.limit:g}, {judged}"
    how = "projected from a part" if q.projected else "measured"
    return {"quantity": q.what, "value": f"{value} {q.unit}".strip(), "at most": limit, "how": how}


def growth_row(g: Growth) -> dict[str, Any]:
    """Make a row of the table of exponents."""
    e = g.exponent
    return {
        "work": g.what,
        "along": f"{g.along}, {g.sizes[0]:,} to {g.sizes[-1]:,}",
        "exponent": f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}]",
        "operations": f"{g.expected:g}",
        "largest": seconds(median(turn[-1] for turn in g.seconds)),
    }


def tables(record: Record) -> list[list[dict[str, Any]]]:
    """Make the tables of a record, those that have rows."""
    found = record.found
    made = [
        [comparison_row(c) for c in found.comparisons],
        [quantity_row(q, record.quick) for q in found.quantities],
        [growth_row(g) for g in found.growths],
    ]
    return [rows for rows in made if rows]


def under(record: Record) -> str:
    """Say in a line under which conditions a record was measured."""
    c = record.conditions
    load = f"load {c['load_before'][0]:g} before" if c["load_before"] else "load not known"
    count = c["threads"]
    return (
        f"{c['hardware']}; {count} thread{'s' * (count != 1)}; {load}; {c['date'][:10]}; "
        f"{seconds(record.seconds)} in all"
    )
