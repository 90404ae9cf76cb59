"""An executed chapter is used again exactly while what it came from is the same."""

import json

import pytest

from nbcore import claims
from nbcore.codebase.source import read_package
from nbcore.publish import kept
from nbcore.publish.chapters import get_chapter
from nbcore.runs.manifests import MANIFEST

BOOK = {"preset": "book", "fresh": False}


@pytest.fixture
def line(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_BUILD", str(tmp_path / "build"))
    return get_chapter("line")


def changed(module: str):
    return lambda name: (read_package(name) or "") + "# new" if name == module else None


@pytest.mark.parametrize(
    ("module", "matters"),
    [
        ("nbcore.chapters.line.figures", True),  # imported by the notebook
        ("nbcore.chapters.line.exercises", True),  # found by its name
        ("nbcore.lines.public", True),  # through another module
        ("nbcore.measures.robustness", True),
        ("nbcore.claims.recording", True),
        ("nbcore.chapters.corner_examples.figures", False),
        ("nbcore.depths.ensembles", False),
        ("nbcore.difficulty.page", False),
        ("nbcore.publish.pdf", False),
    ],
)
def test_a_module_matters_if_the_notebook_reaches_it(line, module, matters):
    assert read_package(module) is not None
    other = changed(module)
    now = kept.key_of(line, BOOK, lambda name: other(name) or read_package(name))
    assert (now != kept.key_of(line, BOOK)) is matters


def test_parameters_notebook_and_claims_matter(line, tmp_path, monkeypatch):
    key = kept.key_of(line, BOOK)
    assert key == kept.key_of(line, dict(reversed(BOOK.items())))
    assert key != kept.key_of(line, BOOK | {"preset": "smoke"})
    source = tmp_path / "01_line.py"
    source.write_text(line.path.read_text() + "\n# %%\n1\n")
    assert key != kept.key_of(type(line)(line.number, line.slug, source, line.title), BOOK)
    ledger = dict(claims.ledger())
    monkeypatch.setattr(claims, "ledger", lambda: {k: c for k, c in ledger.items() if k != "B29"})
    assert key == kept.key_of(line, BOOK)
    monkeypatch.setattr(claims, "ledger", lambda: {k: c for k, c in ledger.items() if k != "A2"})
    assert key != kept.key_of(line, BOOK)


def test_what_was_kept_comes_back_until_a_run_of_it_changes(line, tmp_path):
    notebook, seen, reads = tmp_path / "a.ipynb", tmp_path / "seen", tmp_path / "reads"
    runs = [tmp_path / "stored", tmp_path / "cached"]
    runs[0].mkdir()
    (runs[0] / MANIFEST).write_text("first")
    notebook.write_text("executed")
    seen.mkdir()
    for name in ("A1.line.observed.json", "A5.rise-and-fall.observed.json"):
        (seen / name).write_text(json.dumps(name))
    with kept.recorded(reads):
        reads.write_text("".join(f"{run}\n" for run in (*runs, runs[0])))
    assert not kept.restore(line, "k1", tmp_path / "b.ipynb", tmp_path / "again")
    kept.keep(line, "k1", notebook, seen, reads)
    assert kept.restore(line, "k1", tmp_path / "b.ipynb", tmp_path / "again")
    assert (tmp_path / "b.ipynb").read_text() == "executed"
    assert [p.name for p in (tmp_path / "again").iterdir()] == ["A1.line.observed.json"]
    assert not kept.restore(line, "k2", tmp_path / "b.ipynb", tmp_path / "again")
    runs[1].mkdir()
    (runs[1] / MANIFEST).write_text("a run that was not there")
    assert not kept.restore(line, "k1", tmp_path / "b.ipynb", tmp_path / "again")
    (runs[1] / MANIFEST).unlink()
    assert kept.restore(line, "k1", tmp_path / "b.ipynb", tmp_path / "again")
    (runs[0] / MANIFEST).write_text("computed again")
    assert not kept.restore(line, "k1", tmp_path / "b.ipynb", tmp_path / "again")


def test_looking_for_a_run_is_recorded(tmp_path, own_cache):
    from nbcore.runs.config import config_class
    from nbcore.runs.store import find_runs

    config = config_class("line")()
    with kept.recorded(tmp_path / "reads"):
        find_runs("no-such-run", config, {})
    find_runs("another", config, {})
    places = (tmp_path / "reads").read_text().splitlines()
    assert len(set(places)) == 2 and all("no-such-run" in place for place in places)


def test_the_latest_execution_is_the_only_one_that_stays(line, tmp_path):
    notebook = tmp_path / "a.ipynb"
    notebook.write_text("executed")
    for key in ("k1", "k2"):
        kept.keep(line, key, notebook, tmp_path, tmp_path / "none")
    assert not kept.restore(line, "k1", tmp_path / "b.ipynb", tmp_path / "seen")
    assert kept.restore(line, "k2", tmp_path / "b.ipynb", tmp_path / "seen")


def test_what_another_machine_executed_is_put_in_place(line, tmp_path):
    notebook, seen = tmp_path / "a.ipynb", tmp_path / "seen"
    notebook.write_text("executed there")
    seen.mkdir()
    (seen / "A1.line.observed.json").write_text("{}")
    kept.keep(line, "k1", notebook, seen, tmp_path / "none")
    here, place = tmp_path / "here" / "b.ipynb", tmp_path / "here" / "seen"
    kept.receive(kept.packed(line, "k1"), here, place)
    assert here.read_text() == "executed there"
    assert [p.name for p in place.iterdir()] == ["A1.line.observed.json"]
