"""The `nbcore` command. Every error is one sentence on stderr and a non-zero exit code."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nbcore.cli_bench import app as bench_app
from nbcore.cli_data import app as data_app
from nbcore.cli_rerun import app as rerun_app
from nbcore.cli_runs import app as runs_app
from nbcore.cli_teach import app as teach_app
from nbcore.errors import NbcoreError
from nbcore.terminal import AsJson, Assignments, say, show

app = typer.Typer(
    help="Lines & Depths: rerun its chapters, build the book, measure your own models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")
app.add_typer(rerun_app)  # no name: its commands stand beside these
app.add_typer(teach_app)
app.add_typer(bench_app)


def main() -> None:
    """Run the app and turn every expected error into one sentence."""
    try:
        app()
    except NbcoreError as error:
        say(f"nbcore: {error}", error=True, style="red")
        sys.exit(1)
    except SystemExit as end:
        if end.code == 130:  # so typer ends a command that was interrupted
            say("nbcore: interrupted; what was finished is kept.", error=True)
        raise


@app.command()
def chapters(as_json: AsJson = False) -> None:
    """List the chapters and the parameters of each.

    Example: `nbcore chapters`
    """
    from nbcore.publish.chapters import find_chapters

    rows = []
    for c in find_chapters():
        row: dict[str, Any] = {"number": c.number, "slug": c.slug}
        names = " ".join(c.listed)
        if as_json:
            row |= {"title": c.title, "parameters": names}
        else:
            row["title and parameters"] = [c.title, names]
        rows.append(row)
    show(rows, as_json)


@app.command()
def book(
    preset: Annotated[str, typer.Option(help="smoke, book or paper.")] = "book",
    fresh: Annotated[bool, typer.Option(help="Compute every run anew.")] = False,
    engine: Annotated[str, typer.Option(help="local, or ray: chapters on a cluster.")] = "local",
) -> None:
    """Execute every chapter and build the whole book into `_build/html`.

    Example: `nbcore book --preset smoke`
    """
    from nbcore.publish.book import make_book

    index = make_book({"preset": preset, "fresh": fresh}, engine=engine)
    say(f"Open {index}")


@app.command("zip")
def make_zip() -> None:
    """Pack the built site, and the chapters without their solutions for students.

    Example: `nbcore zip`
    """
    from nbcore.teach.archive import make_archives

    for path in make_archives():
        say(str(path))


@app.command()
def pdf() -> None:
    """Print the built book as one PDF with linked contents, by Chromium.

    Example: `nbcore pdf`
    """
    from nbcore.publish.pdf import make_pdf

    say(str(make_pdf()))


@app.command()
def claims(
    claim: Annotated[str | None, typer.Argument(help="One claim's id, e.g. A2.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Add the last build of the book to its record.")
    ] = False,
    why: Annotated[
        str, typer.Option(help="With --record: a reason that is not in the numbers.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Print the ledger with the verdicts of the last build, or one claim in full when named.

    Example: `nbcore claims A2`
    """
    from nbcore import claims as ledger

    seen = ledger.observations()
    if record:
        from datetime import UTC, datetime

        changed = ledger.history.record(seen, datetime.now(UTC).date(), why=why)
        rows = [{"id": c.claim, "before": c.before or "–", "after": c.after} for c in changed]
        return show(rows, as_json) if rows or as_json else say("No verdict changed.")
    if claim is None:
        verdicts = {c: ledger.judge(c, seen.get(c.id, ())) for c in ledger.ledger().values()}
        rows = [{"id": c.id, "verdict": j.verdict, "title": c.title} for c, j in verdicts.items()]
        if as_json:
            rows = [row | {"chapter": ledger.get(row["id"]).chapter} for row in rows]
        return show(rows, as_json)
    entry = ledger.get(claim)
    own = seen.get(entry.id, [])
    if as_json:
        return print(json.dumps(ledger.as_data(entry, own), indent=1))
    say(ledger.as_text(entry, own))


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
            return show(rows, True)
        for r in rows:
            head = f"{r['testbed']}  ({r['models']:,} models; {r['line']})"
            tail = f"    {r['id']} → {r['ood']}, {r['images']:,} images"
            say(f"{head}\n{tail}")
        return
    if csv is None:
        raise NbcoreError("Give a CSV of your models, or --list to see the testbeds.")
    result = own_models.measure_models(csv, testbed, images, scale, family)
    if chart:
        result.draw(chart)
        say(f"chart  {chart}", error=True)
    for warning in result.warnings():
        say(f"nbcore: {warning}", error=True)
    if as_json:
        print(json.dumps(result.as_dict(), indent=1))
        return
    say(result.headline())
    show(result.rows())


@app.command()
def difficulty(
    dataset: Annotated[str, typer.Argument(help="A name, or a folder with one per class.")],
    param: Assignments = [],  # noqa: B006  (typer copies it)
    folder: Annotated[Path | None, typer.Option("--out", help="Folder to write to.")] = None,
    apply: Annotated[
        Path | None, typer.Option(help="Write a copy corrected by this CSV of decisions, to --out.")
    ] = None,
    undo: Annotated[
        Path | None, typer.Option(help="Write a copy without the correction of this log, to --out.")
    ] = None,
    before: Annotated[
        Path | None, typer.Option(help="Compare with what was before the correction of this log.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge how difficult each image is and whose label to doubt: a table and a page to inspect.

    Fits heads to a pretrained network's features, or trains networks on random splits. The page
    exports what you decide on its suggestions; `--apply` makes a corrected copy of it and leaves
    the originals.

    Example: `nbcore difficulty ./my-images -p precision=0.9`
    """
    if apply or undo:
        from nbcore.difficulty.review.corrections import write

        if param or before:
            raise NbcoreError("A correction takes no parameters; a layout is DIR::split/class.")
        copy = write(dataset, apply, undo, folder)
        return print(json.dumps(copy.as_dict(), indent=1)) if as_json else say(copy.text())
    from nbcore.difficulty import page
    from nbcore.difficulty.planning import Difficulty
    from nbcore.runs.values import fields_of, read_assignments

    known = {"preset": str} | fields_of(Difficulty)
    del known["dataset"]  # the argument
    given = read_assignments(param, known, "difficulty")
    found = page.report(Difficulty.resolve(**given, dataset=dataset), folder, before)
    if as_json:
        print(json.dumps(found.as_dict(), indent=1))
        return
    say(found.text())


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Show what this machine has: versions, GPU, data sets, free disk.

    Example: `nbcore doctor`
    """
    from nbcore.doctor import examine

    show(examine(), as_json)
