"""The page "How fast it is": the kept figures as tables and charts, with their hardware.

`book/benchmarks.md` is the page's text; its lines `<!-- benchmarks: NAME -->` are replaced. The
figures are those of `benchmarks/figures/`, as `nbcore bench --keep` wrote them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from nbcore import charts
from nbcore.bench import words
from nbcore.bench.catalog import BENCHMARKS
from nbcore.bench.kept import Record, kept_figures
from nbcore.bench.record import Comparison, Growth
from nbcore.charts.renderer import render
from nbcore.charts.tables import GROUPED, sentence, show
from nbcore.errors import NbcoreError

PLACE = re.compile(r"^<!-- benchmarks: (\w+) -->$", re.M)
NOTHING = "No such figures are kept; `nbcore bench --keep` measures them."
DIMENSION = re.compile(r"d = ([\d,]+)$")

Records = Mapping[str, Record]


def fill(text: str) -> str:
    """Fill the page's text (MyST). NbcoreError for a place that nothing fills."""
    kept = kept_figures()
    records = {name: kept[name] for name in BENCHMARKS if name in kept}

    def made(place: re.Match[str]) -> str:
        if place[1] not in PARTS:
            raise NbcoreError(f"Nothing fills {place[0]}; write one of {', '.join(PARTS)}.")
        return f"```{{raw}} html\n{PARTS[place[1]](records)}\n```"

    return PLACE.sub(made, text)


def conditions(records: Records) -> str:
    """Tabulate where and when each benchmark was measured."""
    rows = [
        {
            "benchmark": name,
            "hardware": r.conditions["hardware"],
            "sizes": "quick" if r.quick else "full",
            "threads": str(r.conditions["threads"]),
            "load before": f"{load[0]:.1f}" if (load := r.conditions["load_before"]) else None,
            "measured": r.conditions["date"][:10],
            "in all": words.seconds(r.seconds),
        }
        for name, r in records.items()
    ]
    return _table(rows, "Where and when the figures were measured")


def ratios(records: Records) -> str:
    """Tabulate every comparison with a peer."""
    rows = [
        {GROUPED: f"{name}: {r.title}"} | words.comparison_row(c)
        for name, r in records.items()
        for c in r.found.comparisons
    ]
    return _table(rows, "The peer's time over ours: the median of the rounds, and their range")


def quantities(records: Records) -> str:
    """Tabulate what has no peer."""
    rows = [
        {GROUPED: f"{name}: {r.title}"} | words.quantity_row(q, r.quick)
        for name, r in records.items()
        for q in r.found.quantities
    ]
    return _table(rows, "Quantities without a peer")


def neighbours(records: Records) -> str:
    """Draw the ratios of the default back end for neighbours by dimension."""
    record = records.get("knn")
    return _chart(neighbours_figure(record)) if record else _missing()


def growth(records: Records) -> str:
    """Draw the fitted exponents."""
    record = records.get("growth")
    return _chart(growth_figure(record)) if record else _missing()


PARTS: dict[str, Callable[[Records], str]] = {
    "conditions": conditions,
    "ratios": ratios,
    "quantities": quantities,
    "neighbours": neighbours,
    "growth": growth,
}


def neighbours_figure(record: Record) -> charts.base.Figure:
    """Draw the ratio beside each peer by dimension, with the range of the rounds."""
    own = [c for c in record.found.comparisons if c.ours == "nbcore, torch"]
    rows = []
    for c in own:
        found = DIMENSION.search(c.what)
        d = int(found[1].replace(",", "")) if found else 0
        rows.append((d, c.ratio.value, c.ratio.low, c.ratio.high, c.peer))
    table = pd.DataFrame(rows, columns=["x", "y", "low", "high", "series"])
    ends = ", ".join(f"{c.what} beside {c.peer} {c.ratio.value:.2f}" for c in own)
    return charts.curve(
        table,
        x_title="dimension of the embeddings",
        y_title="the peer's time over ours",
        x_format="~s",
        y_format=".2~f",
        x_scale="log",
        level=(1.0, "as fast as the peer"),
        title=who_is_faster(own),
        subtitle=f"{_sizes(record)}medians of {len(own[0].seconds)} rounds; bands: their range. "
        f"{record.conditions['hardware']}",
        description=f"Lines over dimension, one a peer, of the peer's time over ours: {ends}.",
    )


def who_is_faster(comparisons: Sequence[Comparison]) -> str:
    """Say in how many comparisons ours is faster or slower in every round."""
    n = len(comparisons)
    faster = sum(c.ratio.low > 1 for c in comparisons)
    behind = sum(c.ratio.high < 1 for c in comparisons)
    if faster == n:
        return "Neighbours are found faster than by every peer, at every dimension"
    if behind == n:
        return "Neighbours are found more slowly than by every peer, at every dimension"
    even = f", {n - faster - behind} undecided" if faster + behind < n else ""
    return (
        f"Neighbours are found faster in {faster} of {n} comparisons, more slowly in {behind}{even}"
    )


def growth_figure(record: Record) -> charts.base.Figure:
    """Draw fitted exponents with their intervals, beside what operations are counted."""
    kinds = record.found.growths
    rows: list[tuple[Any, ...]] = []
    for g in kinds:
        name = f"{g.what}, along {g.along}"
        rows.append((name, *g.exponent, "measured"))
        rows.append((name, g.expected, g.expected, g.expected, "operations counted"))
    table = pd.DataFrame(rows, columns=["category", "value", "low", "high", "group"])
    told = "; ".join(
        f"{g.what} along {g.along}: {g.exponent.value:.2f} (95% {g.exponent.low:.2f} to "
        f"{g.exponent.high:.2f}), operations {g.expected:g}"
        for g in kinds
    )
    return charts.bars(
        table,
        x_title="exponent: cost grows as size to this power",
        x_format=".1f",
        title=how_it_grows(kinds),
        subtitle=f"{_sizes(record)}processor seconds at three sizes or more; 95% intervals of a "
        "line in logarithms",
        description=f"Dots with intervals, one row a kind of cost. {told}.",
    )


def how_it_grows(kinds: Sequence[Growth]) -> str:
    """Say where cost grows faster than the operations that are counted, or nowhere."""
    above = [f"{g.what} along {g.along}" for g in kinds if g.exponent.low > g.expected]
    below = sum(g.exponent.high < g.expected for g in kinds)
    if not above:
        if below == len(kinds):
            return "Every cost grows more slowly than the operations that are counted"
        return "No cost grows faster than the operations that are counted"
    if len(above) == len(kinds):
        return "Every cost grows faster than the operations that are counted"
    return f"Cost grows faster than the operations counted for {', '.join(above)}"


def _sizes(record: Record) -> str:
    return "quick sizes only; " if record.quick else ""


def _table(rows: list[dict[str, Any]], caption: str) -> str:
    if not rows:
        return _missing()
    table = pd.DataFrame(rows)
    if GROUPED in table:
        table.attrs[GROUPED] = GROUPED
    return show(table, caption).markup


def _chart(figure: charts.base.Figure) -> str:
    return render(figure.to_dict())["text/html"]


def _missing() -> str:
    return sentence(NOTHING).markup
