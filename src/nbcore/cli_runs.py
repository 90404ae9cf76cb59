"""The commands `nbcore runs`."""

import json
from typing import Annotated, Any

import typer

from nbcore.errors import NbcoreError
from nbcore.terminal import AsJson, say, show

app = typer.Typer(no_args_is_help=True, help="Stored runs: list, verify, reproduce, publish.")


@app.command("list")
def runs_list(as_json: AsJson = False) -> None:
    """List published runs and those of this machine, and whether their code has changed since.

    Example: `nbcore runs list`
    """
    from nbcore.runs import provenance, store

    rows = []
    for run in store.all_runs():
        row: dict[str, Any] = {
            "experiment": run.experiment,
            "address": run.path.name,
            **run.summary(),
        }
        row.pop("oldest", None)
        row["code since"] = provenance.in_words(provenance.changed_since(run.manifest))
        if not as_json:
            done = f"{row['members']} members in {row['seconds']} s"
            row = {
                "run": [row["experiment"], row["address"]],
                "computed": [f"{row['origin']}, {row['date']}: {done}", row["hardware"]],
                "code since": row["code since"],
            }
        rows.append(row)
    show(rows, as_json)


@app.command("verify")
def runs_verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged files of the cache aside.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every stored run, and what the cache keeps beside runs, to the byte.

    Example: `nbcore runs verify --repair`
    """
    from nbcore.runs.verify import conclude, verify_all

    checked = verify_all(repair)
    if as_json:
        print(json.dumps([c.as_dict() for c in checked], indent=1))
    else:
        for c in checked:
            say(c.text())
    conclude(checked)


@app.command("reproduce")
def runs_reproduce(
    run: Annotated[
        str | None, typer.Argument(help="An address or an experiment; all when left out.")
    ] = None,
    members: Annotated[int, typer.Option(min=1, help="How many members of each.")] = 1,
    stamp: Annotated[
        bool, typer.Option(help="Write today's fingerprint into the runs that were reproduced.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compute members of the published runs again and compare them with what is stored.

    Example: `nbcore runs reproduce timm-results`
    """
    from nbcore.runs import reproduce

    rows = []
    for stored in reproduce.stored_runs(run):
        found = reproduce.reproduce(stored, members)
        if stamp and found.outcome == reproduce.REPRODUCED:
            reproduce.stamp(found)
        rows.append(found.as_dict())
        say(f"{rows[-1]['run']}: {found.outcome}", error=True)
    show(rows, as_json)


@app.command("publish")
def runs_publish(address: str) -> None:
    """Copy the tables of a run computed here into `results/`, to be committed.

    Example: `nbcore runs publish 0123456789ab`
    """
    from nbcore.runs import store

    matches = [r for r in store.all_runs() if r.origin == "cached" and r.path.name == address]
    if not matches:
        raise NbcoreError(f"No run {address!r} was computed on this machine; see nbcore runs list.")
    say(str(store.publish(matches[0])))
