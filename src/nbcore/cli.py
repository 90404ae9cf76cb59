"""The `nbcore` command. Every error is one sentence on stderr and a non-zero exit code."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from nbcore.errors import NbcoreError

app = typer.Typer(
    help="Lines & Depths: rerun its chapters, build the book, measure your own models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
data_app = typer.Typer(no_args_is_help=True, help="Data sets: list them, find them, fetch them.")
runs_app = typer.Typer(no_args_is_help=True, help="Stored runs: list, verify, publish.")
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")
out = Console()

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a script to read.")]
Assignments = Annotated[
    list[str], typer.Option("--param", "-p", metavar="NAME=VALUE", help="Set one parameter.")
]


def main() -> None:
    """Entry point: run the app, turn every expected error into one sentence."""
    try:
        app()
    except NbcoreError as error:
        Console(stderr=True).print(f"nbcore: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)
    except SystemExit as end:
        if end.code == 130:  # so typer ends a command that was interrupted
            Console(stderr=True).print("nbcore: interrupted; what was finished is kept.")
        raise


def _show(
    rows: list[dict[str, Any]], as_json: bool, title: str = "", whole: Sequence[str] = ()
) -> None:
    """Print rows as JSON or as a table; columns named in `whole` are never broken."""
    if as_json:
        print(json.dumps(rows, indent=1, default=str))
        return
    table = Table(title=title, title_justify="left")
    for name in rows[0] if rows else []:
        table.add_column(name, overflow="fold", no_wrap=name in whole)
    for row in rows:
        table.add_row(*("–" if v is None else str(v) for v in row.values()))
    out.print(table)


def _parameters(given: list[str]) -> dict[str, Any]:
    from nbcore.runs.config import parse_assignment

    return dict(parse_assignment(text) for text in given)


@app.command()
def chapters(as_json: AsJson = False) -> None:
    """The chapters and the parameters of each.

    Example: `nbcore chapters`
    """
    from nbcore.publish.chapters import find_chapters

    rows = [
        {"number": c.number, "slug": c.slug, "title": c.title, "parameters": " ".join(c.parameters)}
        for c in find_chapters()
    ]
    _show(rows, as_json)


@app.command()
def run(
    chapter: Annotated[str, typer.Argument(help="Number, stem or slug, e.g. 01 or line.")],
    param: Assignments = [],  # noqa: B006  (typer copies it)
    page: Annotated[bool, typer.Option(help="Also build the chapter's page.")] = True,
) -> None:
    """Execute one chapter with your parameters and build its page.

    Example: `nbcore run line -p preset=smoke -p seed=1`
    """
    from nbcore.paths import build_dir
    from nbcore.publish.book import make_page
    from nbcore.publish.chapters import get_chapter
    from nbcore.publish.execute import execute

    found, given = get_chapter(chapter), _parameters(param)
    if page:
        notebook, html = make_page(found, given)
        out.print(f"page      {html}\nnotebook  {notebook}", soft_wrap=True)
    else:
        notebook = build_dir() / "runs" / found.stem / f"{found.stem}.ipynb"
        execute(found, notebook, given)
        out.print(f"notebook  {notebook}", soft_wrap=True)


@app.command()
def book(
    preset: Annotated[str, typer.Option(help="smoke, book or paper.")] = "book",
    fresh: Annotated[bool, typer.Option(help="Compute every run anew.")] = False,
) -> None:
    """Execute every chapter and build the whole book into `_build/html`.

    Example: `nbcore book --preset smoke`
    """
    from nbcore.publish.book import make_book

    index = make_book({"preset": preset, "fresh": fresh})
    out.print(f"Open {index}", soft_wrap=True)


@app.command("zip")
def make_zip() -> None:
    """Pack the built site, and the chapters without their solutions for students.

    Example: `nbcore zip`
    """
    from nbcore.publish.archive import make_archives

    for path in make_archives():
        out.print(str(path), soft_wrap=True)


@app.command()
def claims(
    claim: Annotated[str | None, typer.Argument(help="One claim's id, e.g. A2.")] = None,
    as_json: AsJson = False,
) -> None:
    """The ledger with the verdicts of the last build; one claim in full when named.

    Example: `nbcore claims A2`
    """
    from nbcore import claims as ledger

    seen = ledger.observations()
    if claim is None:
        verdicts = {c: ledger.judge(c, seen.get(c.id, ())) for c in ledger.ledger().values()}
        rows = [{"id": c.id, "verdict": j.verdict, "title": c.title} for c, j in verdicts.items()]
        if as_json:
            rows = [row | {"chapter": ledger.get(row["id"]).chapter} for row in rows]
        return _show(rows, as_json, whole=("id", "verdict"))
    entry = ledger.get(claim)
    own = seen.get(entry.id, [])
    if as_json:
        print(json.dumps(ledger.as_data(entry, own), indent=1))
        return
    out.print(ledger.as_text(entry, own), highlight=False, markup=False)


@app.command()
def line(
    csv: Annotated[
        Path | None, typer.Argument(help="Columns model, id, ood; accuracies in [0, 1].")
    ] = None,
    testbed: Annotated[
        str | None,
        typer.Option(help="Measure against this testbed's line, e.g. imagenet-testbed:imagenet-r."),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Draw that line through this family of its models only.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Which testbeds there are.")] = False,
    images: Annotated[
        int | None, typer.Option(help="OOD images per model, for the 95 % interval.", min=1)
    ] = None,
    scale: Annotated[str, typer.Option(help="logit, probit or linear.")] = "logit",
    chart: Annotated[Path | None, typer.Option(help="Also draw it: a .html, .svg or .png.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit the line to a CSV of your own models and print each one's effective robustness.

    Example: `nbcore line my_models.csv --testbed imagenetv2 --images 10000`
    """
    from nbcore.lines import own_models

    if listed:
        rows = own_models.testbeds()
        if as_json:
            return _show(rows, True)
        for r in rows:
            head = f"{r['testbed']}  ({r['models']:,} models; {r['line']})"
            tail = f"    {r['id']} → {r['ood']}, {r['images']:,} images"
            out.print(f"{head}\n{tail}", highlight=False, soft_wrap=True)
        return
    if csv is None:
        raise NbcoreError("Give a CSV of your models, or --list to see the testbeds.")
    result = own_models.measure_models(csv, testbed, images, scale, family)
    if chart:
        result.draw(chart)
        Console(stderr=True).print(f"chart  {chart}", soft_wrap=True)
    if as_json:
        print(json.dumps(result.as_dict(), indent=1))
        return
    out.print(result.headline(), highlight=False)
    _show(result.rows(), False)


@app.command()
def difficulty(
    dataset: Annotated[str, typer.Argument(help="A name, or a folder with one per class.")],
    param: Assignments = [],  # noqa: B006  (typer copies it)
    folder: Annotated[Path | None, typer.Option("--out", help="Folder to write to.")] = None,
    as_json: AsJson = False,
) -> None:
    """How difficult each image is and whose label to doubt: a table and a page to inspect.

    Trains networks on random splits, or adds to those that are stored.

    Example: `nbcore difficulty ./my-images -p network=vgg16 -p members=20`
    """
    from nbcore.difficulty import page
    from nbcore.difficulty.judge import Difficulty

    found = page.report(Difficulty.resolve(**{**_parameters(param), "dataset": dataset}), folder)
    if as_json:
        print(json.dumps(found.as_dict(), indent=1))
        return
    out.print(found.text(), markup=False, highlight=False, soft_wrap=True)


@data_app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """Every data set, where it was found, and where it would come from.

    Example: `nbcore data list`
    """
    from nbcore import data

    rows = [row._asdict() for row in data.status()]
    if not as_json:
        rows = [r | {"size": f"{r['size'] / 1e6:.1f} MB" if r["found"] else None} for r in rows]
    _show(rows, as_json)


@data_app.command("get")
def data_get(name: str) -> None:
    """Find or download a data set, checked against its checksum.

    Example: `nbcore data get cifar10`
    """
    from nbcore import data

    out.print(str(data.get(name)), soft_wrap=True)


@data_app.command("where")
def data_where(name: str) -> None:
    """Print where a data set was found on this machine; exit 1 if nowhere.

    Example: `nbcore data where cifar10`
    """
    from nbcore import data

    out.print(str(data.where(name)), soft_wrap=True)


@runs_app.command("list")
def runs_list(as_json: AsJson = False) -> None:
    """Published runs and those computed on this machine.

    Example: `nbcore runs list`
    """
    from nbcore.runs import store

    rows = [
        {"experiment": r.experiment, "address": r.path.name, **r.summary()}
        for r in store.all_runs()
    ]
    _show(rows, as_json)


@runs_app.command("verify")
def runs_verify() -> None:
    """Check every file of every run against its checksum.

    Example: `nbcore runs verify`
    """
    from nbcore.runs import store

    for r in store.all_runs():
        out.print(f"{r.origin:7} {r.experiment}/{r.path.name}: {store.verify(r)} files hold")


@runs_app.command("publish")
def runs_publish(address: str) -> None:
    """Copy the tables of a run computed here into `results/`, to be committed.

    Example: `nbcore runs publish 0123456789ab`
    """
    from nbcore.runs import store

    matches = [r for r in store.all_runs() if r.origin == "cached" and r.path.name == address]
    if not matches:
        raise NbcoreError(f"No run {address!r} was computed on this machine; see nbcore runs list.")
    out.print(str(store.publish(matches[0])), soft_wrap=True)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """What this machine has: versions, GPU, data sets, free disk.

    Example: `nbcore doctor`
    """
    from nbcore.doctor import examine

    _show(examine(), as_json)
