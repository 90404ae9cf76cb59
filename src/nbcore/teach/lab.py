"""Open a chapter in JupyterLab, on this machine only.

The notebook is a copy of one's own in `lab/` of the checkout. It is opened as it was left; a copy
in which nothing was changed is written anew, since the chapter may have changed.
"""

import hashlib
import os
import secrets
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat

from nbcore import files
from nbcore.errors import NbcoreError
from nbcore.paths import project_root
from nbcore.publish.chapters import Chapter
from nbcore.teach.students import WITH, Notebook, instructor_notebook, student_notebook

LOOPBACK = "127.0.0.1"
PORTS = range(1024, 65536)
FIRST, TRIES = 8888, 50
#: JupyterLab asks nobody for news, newer versions and extensions
QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def open_in_lab(chapter: Chapter, student: bool, port: int | None, browser: bool) -> int:
    """Start JupyterLab on a chapter's notebook and end with it; return its exit code.

    port: a free one of this machine, or None for the first free one from 8888 on.
    NbcoreError if JupyterLab is not installed or the port is taken.
    """
    if find_spec("jupyterlab") is None:
        raise NbcoreError(
            "JupyterLab is not installed beside this nbcore; run make setup, or pip install "
            "jupyterlab into the same environment."
        )
    port = free_port() if port is None else check_port(port)
    notebook = own_copy(chapter, student)
    token = secrets.token_hex(24)
    link = f"http://{LOOPBACK}:{port}/lab/tree/{notebook.name}?token={token}"
    print(f"notebook  {notebook}\nopen      {link}", flush=True)
    # the token is what keeps other users of this machine out; a command line they could read
    environment = os.environ | {"NBCORE_ROOT": str(project_root()), "JUPYTER_TOKEN": token}
    words = command(notebook, port, browser)
    if os.name == "posix":  # in place of this process, so that signals reach it
        os.execve(words[0], words, environment)
    return subprocess.run(words, env=environment).returncode


def command(notebook: Path, port: int, browser: bool) -> list[str]:
    """Return the command that starts JupyterLab on a notebook, on the loopback address."""
    words = [sys.executable, "-m", "jupyterlab", str(notebook), f"--ServerApp.ip={LOOPBACK}"]
    words += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", *QUIET]
    if not browser:
        words.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")  # as in a container; nobody else reaches the loopback address
    return words


def free_port() -> int:
    """Return the first free port from Jupyter's usual one on; NbcoreError if none is near."""
    for port in range(FIRST, FIRST + TRIES):
        if _is_free(port):
            return port
    raise NbcoreError(
        f"The ports {FIRST} to {FIRST + TRIES - 1} are all taken; name a free one with --port."
    )


def check_port(port: int) -> int:
    """Return the port, or refuse one that is out of range or taken in one sentence."""
    if port not in PORTS:
        raise NbcoreError(f"A port is a number from {PORTS[0]} to {PORTS[-1]}, not {port}.")
    if not _is_free(port):
        raise NbcoreError(
            f"Port {port} is taken by another program; choose another, or leave --port out to "
            "take the next free one."
        )
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def own_copy(chapter: Chapter, student: bool) -> Path:
    """Write the reader's copy of a chapter's notebook unless they have changed it; return it."""
    made = student_notebook(chapter.path) if student else instructor_notebook(chapter.path)
    name = f"{chapter.stem}.ipynb" if student else f"{chapter.stem}{WITH}.ipynb"
    path = project_root() / "lab" / name
    if path.exists() and _changed(path):
        return path
    made.metadata["nbcore"]["written"] = _content(made)
    path.parent.mkdir(exist_ok=True)
    files.write_atomically(path, nbformat.writes(made).encode())
    return path


def _changed(path: Path) -> bool:
    """Say whether a copy differs from what was written, or cannot be read."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # whatever it is, it is the reader's
        return True
    return notebook.metadata.get("nbcore", {}).get("written") != _content(notebook)


def _content(notebook: Notebook) -> str:
    """Hash what a reader changes: the text of the cells, not what they printed."""
    return hashlib.sha256("\0".join(c.source for c in notebook.cells).encode()).hexdigest()
