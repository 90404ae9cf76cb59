"""Executing a chapter: jupytext converts it, papermill runs it with its parameters."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from nbcore.errors import NbcoreError
from nbcore.paths import project_root
from nbcore.publish.chapters import Chapter, read_source


def execute(
    chapter: Chapter, output: Path, parameters: dict[str, Any], progress: bool = True
) -> nbformat.NotebookNode:
    """Run a chapter with checked parameters and write the executed notebook to `output`.

    The notebook is written only when every cell has run; a failing cell raises NbcoreError with
    the sentence it failed with, and what had run is kept beside it as `*.failed.ipynb`.
    """
    checked = chapter.check(parameters)
    output.parent.mkdir(parents=True, exist_ok=True)
    source = output.with_suffix(".source.ipynb")
    running = output.with_suffix(".failed.ipynb")
    nbformat.write(read_source(chapter.path), source)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        with _quiet_kernel():
            papermill.execute_notebook(
                source, running, parameters=checked, kernel_name="python3",
                progress_bar=progress, cwd=project_root(),
                extra_arguments=["--IPKernelApp.log_level=40"],  # no word about its transport
            )  # fmt: skip
    except PapermillExecutionError as error:
        raise NbcoreError(_sentence(chapter, error, running)) from None
    finally:
        source.unlink(missing_ok=True)
    notebook = nbformat.read(running, as_version=4)
    _hide_injected(notebook)
    nbformat.write(notebook, running)
    running.replace(output)
    return notebook


def _sentence(chapter: Chapter, error: PapermillExecutionError, kept: Path) -> str:
    """One sentence for people: nbcore's own message, or what failed where."""
    if error.ename in {"DataError", "StoreError", "ParameterError", "ClaimError", "NbcoreError"}:
        return str(error.evalue)
    return (
        f"Cell {error.cell_index} of {chapter.stem} stopped with {error.ename}: {error.evalue} "
        f"(the notebook up to there: {kept})"
    )


def _hide_injected(notebook: nbformat.NotebookNode) -> None:
    """Readers see the parameters cell with its comments; what was injected stays in the file."""
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("remove-cell")


@contextmanager
def _quiet_kernel() -> Iterator[None]:
    """Kernels start without the debugger's warnings, and on the project's own hash seed."""
    before = dict(os.environ)
    os.environ |= {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "PYTHONHASHSEED": "0"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
