"""The command that measures how fast this code is, beside what people use otherwise."""

import json
from typing import Annotated

import typer

from nbcore.terminal import AsJson, Assignments, say, show

app = typer.Typer()


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; all when left out.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes, seconds to a minute.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Which benchmarks there are.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the figures in benchmarks/figures.")
    ] = False,
    param: Assignments = [],  # noqa: B006  (typer copies it)
    as_json: AsJson = False,
) -> None:
    """Measure ours and the peer in turn, print ratios, and what got slower than the kept figures.

    Example: `nbcore bench knn dominance --quick`
    """
    from nbcore.bench import catalog, kept, words
    from nbcore.runs.values import read_assignments

    if listed:
        rows = [
            {"name": name, "what": b.title, "minutes": f"{b.minutes:g}"}
            | {"when": "named" if b.alone else "always"}
            for name, b in catalog.BENCHMARKS.items()
        ]
        return show(rows, as_json)
    chosen = catalog.chosen(names or [])
    given = read_assignments(param, catalog.settings(chosen), " ".join(chosen))
    configs = {name: catalog.resolve(b, quick, given) for name, b in chosen.items()}
    records = []
    for name, benchmark in chosen.items():
        record = benchmark.measure(name, configs[name], quick)
        records.append(record)
        sentences = kept.against_kept(record)
        file = kept.write(record, keep)
        if as_json:
            continue
        say(f"\n{name}: {record.title}\n{words.under(record)}", style="bold")
        for rows in words.tables(record):
            show(rows)
        say("\n".join([*sentences, f"written  {file}"]))
    if as_json:
        print(json.dumps([record.as_dict() for record in records], indent=1))
