"""Execute a chapter: jupytext converts it, papermill runs it with its parameters."""

import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from nbcore import files
from nbcore.errors import NbcoreError
from nbcore.paths import project_root
from nbcore.publish.chapters import Chapter, read_source


def execute(
    chapter: Chapter, output: Path, parameters: dict[str, Any], progress: bool = True
) -> nbformat.NotebookNode:
    """Run a chapter with checked parameters and write the executed notebook to `output`.

    The notebook is written only when every cell has run. A failing cell raises NbcoreError with its
    error message, and the notebook up to there is kept beside it as `*.failed.ipynb`.
    """
    checked = chapter.check(parameters)
    with files.locked(output.with_suffix(".lock"), f"executes {chapter.stem}"):
        return _execute(chapter, output, checked, progress)


def _execute(
    chapter: Chapter, output: Path, parameters: dict[str, Any], progress: bool
) -> nbformat.NotebookNode:
    source = output.with_suffix(".source.ipynb")
    running = output.with_suffix(".failed.ipynb")
    nbformat.write(read_source(chapter.path), source)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        with _quiet_kernel():
            papermill.execute_notebook(
                source,
                running,
                parameters=parameters,
                kernel_name="python3",
                start_timeout=600,  # a loaded machine takes long to import
                progress_bar=progress,
                stderr_file=sys.stderr if progress else _Notes(),
                cwd=project_root(),
                # no word about its transport, nor of being stopped
                extra_arguments=["--IPKernelApp.log_level=50"],
            )
    except PapermillExecutionError as error:
        raise NbcoreError(_sentence(chapter, error, running)) from None
    except DeadKernelError:
        raise NbcoreError(
            f"The process that ran {chapter.stem} died; the likely cause is too little memory or a "
            "crash in a library: try a smaller preset or fewer workers, and see `nbcore doctor` "
            f"(the notebook up to there: {running})"
        ) from None
    finally:
        source.unlink(missing_ok=True)
    notebook = nbformat.read(running, as_version=4)
    _tidy(notebook)
    nbformat.write(notebook, running)
    running.replace(output)
    return notebook


def _sentence(chapter: Chapter, error: PapermillExecutionError, kept: Path) -> str:
    """Write the error in one sentence: nbcore's own message, or what failed where."""
    if error.ename in {"DataError", "StoreError", "ParameterError", "ClaimError", "NbcoreError"}:
        return str(error.evalue)
    return (
        f"Cell {error.cell_index} of {chapter.stem} stopped with {error.ename}: {error.evalue} "
        f"(the notebook up to there: {kept})"
    )


class _Notes(io.StringIO):
    """A stream that passes on, of a notebook's stderr, only what `files.note` says."""

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            if _is_note(line):
                sys.stderr.write(line)
        return len(text)


def _tidy(notebook: nbformat.NotebookNode) -> None:
    """Hide the cell of injected parameters and drop progress bars.

    Readers see the commented parameters cell instead. What `files.note` says is dropped too: a
    damaged file that was made anew is no part of a page. Warnings stay, and stop a strict build.
    """
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("remove-cell")
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                lines = output["text"].replace("\x1b[A", "").split("\n")  # a bar within a bar
                kept = (s for s in lines if "\r" not in s and not _is_bar(s) and not _is_note(s))
                output["text"] = "\n".join(kept)
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("text", "-").strip()]


def _is_note(line: str) -> bool:
    return line.startswith("nbcore: ")


def _is_bar(line: str) -> bool:
    return re.search(r"\d+%\|.*\| \d+/\d+ \[", line) is not None


@contextmanager
def _quiet_kernel() -> Iterator[None]:
    """Start kernels without the debugger's warnings, and with the project's own hash seed."""
    before = dict(os.environ)
    os.environ |= {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "PYTHONHASHSEED": "0"}
    os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # bars are text here
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
