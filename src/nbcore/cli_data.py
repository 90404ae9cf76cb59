"""The commands `nbcore data`."""

import typer

from nbcore.terminal import AsJson, say, show

app = typer.Typer(no_args_is_help=True, help="Data sets: list them, find them, fetch them.")


@app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """List every data set, where it was found, and where it would come from.

    Example: `nbcore data list`
    """
    from nbcore import data

    rows = [row._asdict() for row in data.status()]
    if not as_json:
        rows = [r | {"size": f"{r['size'] / 1e6:.1f} MB" if r["found"] else None} for r in rows]
    show(rows, as_json)


@app.command("get")
def data_get(name: str) -> None:
    """Find or download a data set, checked against its checksum.

    Example: `nbcore data get cifar10`
    """
    from nbcore import data

    say(str(data.get(name)))


@app.command("where")
def data_where(name: str) -> None:
    """Print where a data set was found on this machine; exit 1 if nowhere.

    Example: `nbcore data where cifar10`
    """
    from nbcore import data

    say(str(data.where(name)))
