"""The commands that rerun a chapter and put two of its runs side by side."""

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from nbcore.terminal import AsJson, Assignments, say, show

app = typer.Typer()


@app.command()
def run(
    chapter: Annotated[str, typer.Argument(help="Number, stem or slug, e.g. 01 or line.")],
    param: Assignments = [],  # noqa: B006  (typer copies it)
    page: Annotated[bool, typer.Option(help="Also build the chapter's page.")] = True,
) -> None:
    """Execute one chapter with your parameters, build its page, and compare it with the book's.

    Example: `nbcore run line -p preset=smoke -p seed=1`
    """
    from nbcore.paths import build_dir
    from nbcore.publish import kept
    from nbcore.publish.book import make_page
    from nbcore.publish.chapters import get_chapter
    from nbcore.publish.execute import execute
    from nbcore.rerun import executions
    from nbcore.rerun.compare import compare
    from nbcore.rerun.plan import planned, read

    found = get_chapter(chapter)
    given = found.check(found.read(param))
    say("\n".join(planned(found, given)))
    folder, started = build_dir() / "runs" / found.stem, time.time()
    notebook, reads = folder / f"{found.stem}.ipynb", folder / "reads"
    folder.mkdir(parents=True, exist_ok=True)
    with kept.recorded(reads):
        if page:
            notebook, html = make_page(found, given)
        else:
            execute(found, notebook, given)
    seconds = time.time() - started
    say(f"took      {seconds:.0f} s; runs: {read(reads, started)}")
    now = datetime.now().isoformat(sep=" ", timespec="minutes")
    mine = executions.keep(found, notebook, given, seconds, now)
    say(f"page      {html}\nnotebook  {notebook}" if page else f"notebook  {notebook}")
    known = {e.name: e for e in executions.kept(found)}
    if executions.BOOK in known:
        target = folder / "compared.html"
        say(f"compared  {compare(found, mine, known[executions.BOOK], target)}")
    else:
        say("compared  with nothing: the book's own execution is here after make book")


@app.command("compare")
def compare_runs(
    chapter: Annotated[str, typer.Argument(help="Number, stem or slug, e.g. 01 or line.")],
    first: Annotated[str | None, typer.Argument(help="An address, or book.")] = None,
    second: Annotated[str, typer.Argument(help="Another one.")] = "book",
    as_json: AsJson = False,
) -> None:
    """Put two runs of a chapter side by side by their addresses, or list which there are.

    Example: `nbcore compare line 3f2a book`
    """
    from nbcore.paths import build_dir
    from nbcore.publish.chapters import get_chapter
    from nbcore.rerun import executions
    from nbcore.rerun.compare import compare

    found = get_chapter(chapter)
    if first is None:
        rows: list[dict[str, Any]] = [
            {"address": e.name, "parameters": e.words().partition(" ")[2][1:-1]}
            | {"seconds": round(e.seconds), "date": e.date}
            for e in executions.kept(found)
        ]
        if not rows and not as_json:
            say(f"No run of {found.stem} is kept on this machine; nbcore run makes one.")
        return show(rows, as_json)
    sides = executions.find(found, first), executions.find(found, second)
    name = f"{sides[0].name}-{sides[1].name}.html"
    target: Path = build_dir() / "runs" / found.stem / "compared" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    say(f"page  {compare(found, *sides, target)}")
