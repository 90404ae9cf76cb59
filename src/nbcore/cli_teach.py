"""The commands for teaching: open a chapter in JupyterLab, grade what students hand in."""

import json
from pathlib import Path
from typing import Annotated

import typer

from nbcore.errors import NbcoreError
from nbcore.terminal import AsJson, say

app = typer.Typer()


@app.command("open")
def open_chapter(
    chapter: Annotated[str, typer.Argument(help="Number, stem or slug, e.g. 01 or line.")],
    student: Annotated[bool, typer.Option("--student", help="Without the solutions.")] = False,
    port: Annotated[int | None, typer.Option(help="A free port; the next one if left out.")] = None,
    browser: Annotated[bool, typer.Option(help="Also open it in the browser.")] = True,
) -> None:
    """Open a chapter's notebook in JupyterLab, on this machine only.

    Example: `nbcore open line --student`
    """
    from nbcore.publish.chapters import get_chapter
    from nbcore.teach.lab import open_in_lab

    code = open_in_lab(get_chapter(chapter), student, port, browser)
    if code:
        raise NbcoreError(f"JupyterLab ended with code {code}; what it printed above says why.")


@app.command()
def grade(
    notebooks: Annotated[list[Path], typer.Argument(help="Students' notebooks.")],
    limit: Annotated[float, typer.Option(help="Seconds for each.", min=1)] = 600,
    as_json: AsJson = False,
) -> None:
    """Run students' notebooks and judge each exercise; their code runs with your rights.

    Example: `nbcore grade handed-in/*.ipynb --json`
    """
    from nbcore.teach.grading import grade as grade_one

    graded = []
    for path in notebooks:
        graded.append(grade_one(path, limit))
        if not as_json:
            say(graded[-1].text())
    if as_json:
        print(json.dumps([g.as_dict() for g in graded], indent=1))
    if failed := sum(bool(g.problem) for g in graded):
        raise NbcoreError(f"{failed} of {len(graded)} notebooks did not run to their end.")
