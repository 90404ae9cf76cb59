"""Nothing is lost: processes killed, bytes changed, two processes at once, no room to write.

At length: `python tests/torture.py`.
"""

import errno
import io
import json
import os
import resource
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import accidents
import numpy as np
import pytest
from accidents import PROCESSES, TRIALS, numbers, places, toy

from nbcore import cli, files
from nbcore.errors import StoreError
from nbcore.runs import store
from nbcore.runs.manifests import MANIFEST, read_manifest


@pytest.mark.parametrize("name", TRIALS)
def test_a_process_killed_anywhere_leaves_what_was_there_or_what_it_made(name, tmp_path):
    kills = 5 if name.startswith("book") else 10  # a book takes seconds
    found = accidents.torment(TRIALS[name], tmp_path / "trial", kills=kills)
    assert found.broken == [] and found.killed >= kills // 2


def test_every_changed_byte_is_noticed(tmp_path):
    changed = accidents.stored_tree(tmp_path)
    assert {"results", "runs", "features", "partial", "data"} <= {
        part for file in changed for part in file.relative_to(tmp_path).parts
    }
    assert accidents.unnoticed_flips(tmp_path, changed, flips=12) == []


@pytest.fixture
def own(tmp_path):
    with places(tmp_path):
        yield tmp_path


@pytest.fixture
def nbcore(own, monkeypatch, capsys):
    """Run the command in this process: (exit code, stdout, stderr)."""

    def call(*words):
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["nbcore", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, " ".join(captured.err.split())

    return call


def _slow(name):
    time.sleep(0.3)
    with open(os.environ["TRACES"], "a") as traces:
        traces.write(name)
    return numbers(name)


def _two_at_once(root, told):
    os.environ["TRACES"] = str(root / "traces")
    with places(root), open(root / f"said-{os.getpid()}", "w") as sys.stderr:
        run = toy(3, _slow)
        told.send((run.origin, {k: e["sha256"] for k, e in run.manifest["tables"].items()}))


def test_of_two_processes_on_one_run_one_computes_and_the_other_waits_and_says_so(tmp_path):
    told, telling = PROCESSES.Pipe(duplex=False)
    both = [PROCESSES.Process(target=_two_at_once, args=(tmp_path, telling)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    (one, first), (other, second) = told.recv(), told.recv()
    assert first == second and {one, other} == {"computed", "cached"}
    assert (tmp_path / "traces").read_text() == "012"
    said = "".join(p.read_text() for p in tmp_path.glob("said-*"))
    assert said.count("Another process computes the run toy/") == 1


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


HARM = {"damaged": damage, "missing": Path.unlink, "empty": lambda p: p.write_bytes(b"")}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
@pytest.mark.parametrize("file", ["member-1", "table-mean"])
@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("interrupted", [False, True])
def test_what_is_damaged_in_the_cache_is_computed_again(
    own, harm, file, fresh, interrupted, capsys
):
    made = toy(3)
    if interrupted:  # as a process leaves it that is killed after two members
        del made.manifest["members"]["2"]
        made.manifest["tables"] = {}
        store.write_manifest(made.path, made.manifest)
    harm(made.path / f"{file}.zarr.zip")
    calls = []
    found = toy(3, lambda name: (calls.append(name), numbers(name))[1], fresh=fresh)
    if file == "member-1" or fresh and not interrupted:
        assert "1" in calls
    assert len(calls) < 3 or fresh
    for name in "012":
        assert found.member(name).identical(numbers(name))
    assert store.verify(found) == 5
    said = capsys.readouterr().err
    if file == "member-1":
        assert "member-1.zarr.zip" in said and said.count("nbcore: ") == 1
        assert len(list(found.path.glob("member-1*.damaged-*"))) == (harm is not Path.unlink)
    assert toy(3).origin == "cached"


SPOILT = ["{", "[]", "null", "7", "{}", '{"experiment": "toy", "members": {}, "tables": {}}', "\0"]


@pytest.mark.parametrize("text", SPOILT)
def test_a_manifest_that_is_none_is_set_aside_with_what_it_vouched_for(own, text, nbcore):
    made = toy(2)
    (made.path / MANIFEST).write_text(text)
    code, _, err = nbcore("runs", "verify")
    assert code == 1 and "1 faults" in err and "manifest.json" in err
    calls = []
    toy(2, lambda name: (calls.append(name), numbers(name))[1])
    assert calls == ["0", "1"]
    assert nbcore("runs", "verify")[0] == 0


def test_a_broken_manifest_stops_nothing_else(own, nbcore):
    broken = own / "cache/runs/ensemble/0123456789ab"
    broken.mkdir(parents=True)
    (broken / MANIFEST).write_text("[]")
    made = toy(2)
    code, out, err = nbcore("runs", "list", "--json")
    assert code == 0 and len(json.loads(out)) == 1
    assert "0123456789ab" in err
    assert nbcore("runs", "publish", made.path.name)[0] == 0
    code, out, err = nbcore("runs", "verify", "--json")
    assert code == 1 and "nbcore runs verify --repair" in err
    # the published run, the broken one, the cached one, fingerprints that the list has kept
    assert [len(c["faults"]) for c in json.loads(out)] == [0, 1, 0, 0]
    code, out, _ = nbcore("runs", "verify", "--repair")
    assert code == 0 and "mended" in out
    assert nbcore("runs", "verify")[0] == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["members"]["0"].update(hardware="a faster one"),
        lambda m: m["members"]["0"].update(seconds=1.0),
        lambda m: m["members"]["0"]["versions"].update(numpy="1.0"),
        lambda m: m["members"].pop("0"),
        lambda m: m.update(source={"nbcore": "other"}),
        lambda m: m.update(extra=1),
        lambda m: m.pop("checksum"),
        lambda m: m["config"].update(size=5),
    ],
)
def test_a_manifest_changed_in_a_word_is_noticed(own, change):
    path = store.publish(toy(2))
    manifest = read_manifest(path)
    change(manifest)
    (path / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    with pytest.raises(StoreError, match="checksum.*; restore it from version"):
        store.open_run(path, "stored")


def test_verify_goes_on_counts_and_notices_what_is_missing_or_too_many(own, nbcore):
    path = store.publish(toy(2))
    other = path.parents[1] / "nothing/0123456789ab"
    other.mkdir(parents=True)
    damage(path / "table-mean.zarr.zip")
    (path / "table-size.zarr.zip").unlink()
    (path / "notes.txt").write_text("mine")
    (path.parent / "stray").write_text("mine")
    (path.parent / ".1234.99999999.tmp").mkdir()
    code, out, err = nbcore("runs", "verify")
    assert code == 1 and "6 faults, 5 files hold" in err and "version control" in err
    for text in ("is damaged", "is missing", "notes.txt", "has no manifest", "stray is no run"):
        assert text in out, text
    assert "was killed" in out
    assert nbcore("runs", "verify", "--repair")[0] == 1  # version control is not its business
    assert (path / "notes.txt").exists() and not list(path.parent.glob(".*"))


def test_a_run_killed_while_its_first_manifest_was_written_is_named_and_cleared(own, nbcore):
    folder = store.cache_dir() / "runs" / "toy" / "0123456789ab"
    folder.mkdir(parents=True)
    (folder / "manifest.json.4711.tmp").write_text('{"experiment": "to')
    code, out, _ = nbcore("runs", "verify")
    assert code == 1 and "4711.tmp was left by a process that was killed" in " ".join(out.split())
    assert "has no manifest" not in out
    assert nbcore("runs", "verify", "--repair")[0] == 0
    assert nbcore("runs", "verify")[0] == 0 and not list(folder.glob("*.tmp"))


def test_a_file_that_nobody_knows_is_kept_by_a_run_and_set_aside_by_repair(own, nbcore):
    made = toy(2)
    (made.path / "notes.txt").write_text("mine")
    assert toy(3).path == made.path and (made.path / "notes.txt").exists()
    assert nbcore("runs", "verify")[0] == 1
    assert nbcore("runs", "verify", "--repair")[0] == 0
    (aside,) = made.path.glob("notes.txt.damaged-*")
    assert aside.read_text() == "mine"


def test_a_book_being_replaced_is_put_back(own):
    html = own / "build/html"
    html.mkdir(parents=True)
    (html / "index.html").write_text("before")
    html.rename(html.with_name(".html.old"))  # here a process was killed
    files.restore_folder(html)
    assert (html / "index.html").read_text() == "before"


@contextmanager
def files_of_at_most(size):
    """A full disk, as far as this process can tell; never while pytest writes its own log."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture(params=["read-only", "full", "a file", "none"])
def unwritable(request, monkeypatch, own):
    """A cache in which nothing can be written, in four ways; within what, the sentence due."""
    cache = own / "cache"
    if request.param == "full":
        return files_of_at_most(100), os.strerror(errno.EFBIG)
    if request.param == "a file":
        cache.write_text("no folder")
        return nullcontext(), os.strerror(errno.ENOTDIR)
    if request.param == "none":
        monkeypatch.setenv("NBCORE_CACHE", "/proc/no/such/place")
        return nullcontext(), os.strerror(errno.ENOENT)

    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(os, "mkdir", refuse)  # permissions do not stop the superuser
    return nullcontext(), os.strerror(errno.EROFS)


def test_a_cache_that_cannot_be_written_is_one_sentence(own, unwritable):
    within, wanted = unwritable
    with within, pytest.raises(StoreError) as caught:
        toy(2)
    text = str(caught.value)
    assert wanted in text and "NBCORE_CACHE" in text and "\n" not in text
    left = [p for p in own.rglob("*") if p.is_file() and p.suffix not in (".lock", "")]
    assert not [p for p in left if p.name != MANIFEST], left


def test_a_finished_run_is_read_from_a_cache_that_is_read_only(own, monkeypatch):
    made = toy(2)

    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    for name in ("mkdir", "replace", "rename", "remove", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    found = toy(2)
    assert (found.origin, found.path) == ("cached", made.path)
    with pytest.raises(StoreError, match="NBCORE_RESULTS"):
        store.publish(found)


@pytest.mark.parametrize("suffix", [".html", ".svg", ".png"])
def test_a_chart_into_a_missing_folder_or_a_full_disk_is_one_sentence(nbcore, own, suffix):
    csv = own / "mine.csv"
    csv.write_text("model,id,ood\nweak,0.50,0.25\nmid,0.75,0.50\nstrong,0.90,0.75\n")
    code, out, err = nbcore("line", csv, "--chart", own / "missing" / f"chart{suffix}")
    assert code == 1 and "There is no folder" in err and not out
    with files_of_at_most(1000):
        code, _, err = nbcore("line", csv, "--chart", own / f"chart{suffix}")
    assert code == 1 and "cannot be written" in err
    assert not list(own.glob("chart*"))


def test_features_and_arrays_are_made_once_and_again_where_they_are_damaged(own, capsys):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    made = []

    def make():
        made.append(1)
        np.save(buffer := io.BytesIO(), array)
        return buffer.getbuffer()

    place = own / "cache/features/a.npy"
    for _ in range(2):
        mapped = files.mapped(files.kept(place, make))
        assert isinstance(mapped, np.memmap) and np.array_equal(mapped, array)
    assert len(made) == 1
    damage(place)
    assert np.array_equal(files.mapped(files.kept(place, make)), array)
    assert len(made) == 2 and "a.npy is damaged" in capsys.readouterr().err
    with pytest.raises(files.Damaged):
        files.check(next(place.parent.glob("*.damaged-*")))
