"""A chapter opens in JupyterLab, without what the reader wrote being lost."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from nbcore.errors import NbcoreError
from nbcore.publish.chapters import get_chapter
from nbcore.teach import lab

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with notebooks and nothing in `lab/` yet."""
    for name in ("notebooks", "book", "results"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setenv("NBCORE_ROOT", str(tmp_path))
    return tmp_path


def free_port():
    with socket.socket() as probe:
        probe.bind((lab.LOOPBACK, 0))
        return probe.getsockname()[1]


def test_a_copy_that_was_changed_stays_and_another_is_written_anew(checkout):
    chapter = get_chapter("line")
    path = lab.own_copy(chapter, student=True)
    assert path == checkout / "lab" / "01_line.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].outputs = []
    nbformat.write(notebook, path)
    written = path.read_bytes()
    path.write_bytes(written + b"\n")  # nothing that a reader wrote
    lab.own_copy(chapter, student=True)
    assert path.read_bytes() != written + b"\n"
    notebook.cells[-1].source = "mine"
    nbformat.write(notebook, path)
    lab.own_copy(chapter, student=True)
    assert nbformat.read(path, as_version=4).cells[-1].source == "mine"
    path.write_text("half a noteb")
    lab.own_copy(chapter, student=True)
    assert path.read_text() == "half a noteb"
    other = lab.own_copy(chapter, student=False)
    assert other != path and "**Solution**" in other.read_text()


def test_ports_that_are_taken_or_none_are_refused_in_one_sentence():
    with socket.socket() as taken:
        taken.bind((lab.LOOPBACK, 0))
        taken.listen()
        with pytest.raises(NbcoreError, match="is taken by another program; choose another"):
            lab.check_port(taken.getsockname()[1])
    with pytest.raises(NbcoreError, match="from 1024 to 65535, not 80"):
        lab.check_port(80)


def test_without_jupyterlab_the_sentence_says_what_to_install(checkout, monkeypatch):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    with pytest.raises(NbcoreError, match="JupyterLab is not installed"):
        lab.open_in_lab(get_chapter("line"), True, None, browser=False)


def test_the_command_serves_the_notebook_on_this_machine_only(checkout):
    words = [sys.executable, "-c", "from nbcore.cli import main; main()", "open", "line"]
    words += ["--student", "--no-browser"]
    words += ["--port", str(free_port())]
    quiet = os.environ | {"JUPYTER_CONFIG_DIR": str(checkout), "JUPYTER_DATA_DIR": str(checkout)}
    quiet["PYTHONUNBUFFERED"] = "1"
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    running = subprocess.Popen(words, env=quiet, start_new_session=True, **both)
    try:
        said = ""
        for line in running.stdout:
            said += line
            if "Skipped non-installed" in line or len(said) > 100_000:
                break
        found = re.search(r"http://127\.0\.0\.1:(\d+)/lab/tree/01_line\.ipynb\?token=(\w+)", said)
        assert found, said
        address = f"http://127.0.0.1:{found[1]}/api/contents/01_line.ipynb"
        with urllib.request.urlopen(f"{address}?token={found[2]}", timeout=60) as answer:
            assert answer.read().decode().count("# your answer") == 3
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address, timeout=60)
        page = f"http://127.0.0.1:{found[1]}/lab/tree/01_line.ipynb?token={found[2]}"
        with urllib.request.urlopen(page, timeout=60) as answer:  # no news from elsewhere
            assert '"news": {"disabled": true}' in answer.read().decode()
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        running.stdout.close()
