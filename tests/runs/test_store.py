import json
import multiprocessing
import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import xarray as xr

from nbcore.errors import StoreError
from nbcore.measures import agreement
from nbcore.runs import config, provenance, store, zarrzip
from nbcore.runs.manifests import write_manifest


@dataclass(frozen=True)
class Toy(config.Config):
    slug: ClassVar[str] = "toy"
    size: int = config.param(4, "numbers per member")
    members: int = config.param(2, "members", in_address=False)


def make(name: str) -> xr.Dataset:
    rng = np.random.default_rng(int(name))
    return xr.Dataset({"x": ("i", rng.random(4))}, coords={"i": list("abcd")})


def total(run: store.Run) -> store.Tables:
    parts = xr.concat([d for _, d in run.members()], "member")
    return {"mean": parts.mean("member")}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))


def plan(names, compute=make, reduce=total, **more) -> store.Plan:
    return store.Plan("toy", Toy(), {"d": "digits"}, names, compute, reduce, **more)


def run(names, compute=make, reduce=total, fresh=False, **more):
    return store.run_or_load(plan(names, compute, reduce, **more), fresh)


def test_a_run_is_computed_then_found_and_members_are_added():
    calls = []

    def counted(name):
        calls.append(name)
        return make(name)

    first = run(["0", "1"], counted)
    assert (first.origin, calls) == ("computed", ["0", "1"])
    again = run(["0", "1"], counted)
    assert (again.origin, calls) == ("cached", ["0", "1"])
    more = run(["0", "1", "2"], counted)
    assert calls == ["0", "1", "2"]
    assert more.path == first.path
    expected = np.mean([make(str(i))["x"] for i in range(3)], axis=0)
    assert more.table("mean")["x"].values == pytest.approx(expected)


def test_two_workers_give_the_same_bytes_as_one():
    one = run(["0", "1", "2"])
    sums = {k: v["sha256"] for k, v in one.manifest["members"].items()}
    two = run(["0", "1", "2"], fresh=True, workers=2)
    assert {k: v["sha256"] for k, v in two.manifest["members"].items()} == sums


def solved(count, name: str) -> xr.Dataset:
    return make(name).assign(solved=("model", count(np.ones((1, 1), bool))))


def test_members_that_other_code_computed_are_not_continued(monkeypatch):
    first = run(["0"], partial(solved, agreement.solved_counts))
    code = {"entry": [], "source": {"nbcore.measures.agreement": "0" * 16}}
    monkeypatch.setattr(provenance, "code_of", lambda functions: code)
    again = run(["0", "1"], partial(solved, agreement.solved_counts))
    assert again.path == first.path and again.manifest["source"] == code["source"]
    created = [r.manifest["members"]["0"]["created"] for r in (first, again)]
    assert created[0] <= created[1] and set(again.manifest["members"]) == {"0", "1"}


def test_the_manifest_says_what_was_run_on_what_by_which_code():
    made = run(["0"], partial(solved, agreement.solved_counts))
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert manifest["config"] == {"size": 4}
    assert len(manifest["data"]["d"]["sha256"]) == 64
    assert manifest["entry"][0] == "nbcore.measures.agreement:solved_counts"
    assert provenance.changed_since(manifest) == []
    other = manifest | {"source": {"nbcore.measures.agreement": "0" * 16}}
    assert provenance.changed_since(other) == ["nbcore.measures.agreement"]
    member = manifest["members"]["0"]
    assert {"sha256", "seconds", "hardware", "versions", "created"} <= set(member)


def test_a_published_run_is_found_without_its_members_and_without_data(monkeypatch):
    made = run(["0", "1"])
    published = store.publish(made)
    assert store.publish(made) == published  # replaces itself
    monkeypatch.setenv("NBCORE_CACHE", str(published / "elsewhere"))
    found = run(["0", "1"])
    assert found.origin == "stored"
    assert store.verify(found) == 1
    with pytest.raises(StoreError, match="missing"):
        found.member("0")
    with pytest.raises(StoreError, match="has no table 'median'; it has mean"):
        found.table("median")


def test_a_damaged_file_and_an_edited_manifest_are_refused():
    made = run(["0"])
    file = made.path / "table-mean.zarr.zip"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"!")
    with pytest.raises(StoreError, match="is damaged"):
        store.open_run(made.path, "cached").table("mean")
    file.write_bytes(whole)
    manifest = made.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"size": 4', '"size": 5'))
    with pytest.raises(StoreError, match="does not have its checksum"):
        store.open_run(made.path, "cached")
    made.manifest["config"]["size"] = 5
    write_manifest(made.path, made.manifest)  # against intent there is the address
    with pytest.raises(StoreError, match="does not match its address"):
        store.verify(store.open_run(made.path, "cached"))
    for text, sentence in [
        ("{", "cannot be read"),
        ("[]", "lacks what a manifest holds"),
        ("[" * 100_000, "cannot be read"),
        ('{"experiment": "toy"}', "lacks what a manifest holds"),
    ]:
        manifest.write_text(text)
        with pytest.raises(StoreError, match=sentence):
            store.open_run(made.path, "cached")


def _die_in_the_second(name: str) -> xr.Dataset:
    if name == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return make(name)


def _doomed() -> None:
    run(["0", "1"], _die_in_the_second, None)


def test_a_run_killed_in_a_member_keeps_what_was_done_and_continues():
    process = multiprocessing.get_context("spawn").Process(target=_doomed)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    calls = []
    done = run(["0", "1"], lambda n: (calls.append(n), make(n))[1], None)
    assert calls == ["1"]
    assert done.member("0").identical(make("0"))


def test_an_error_in_a_worker_reaches_the_caller():
    with pytest.raises(ValueError, match="invalid literal"):
        run(["0", "not a number"], workers=2)


def test_zarrzip_is_reproducible_and_says_when_a_file_is_none(tmp_path):
    data = make("3").assign_attrs(note="é", n=3)
    a, b = tmp_path / "a.zip", tmp_path / "b.zip"
    zarrzip.write(a, data)
    zarrzip.write(b, data)
    assert a.read_bytes() == b.read_bytes()
    assert zarrzip.read(a).identical(data)
    Path(b).write_bytes(b"not a zip")
    with pytest.raises(StoreError, match="is not a stored data set"):
        zarrzip.read(b)


def test_damaged_runs_of_the_cache_are_one_note_and_hide_no_other(own_cache, monkeypatch, capsys):
    monkeypatch.setenv("NBCORE_RESULTS", str(own_cache / "none"))
    for name in ("aaa", "bbb", "ccc"):
        (own_cache / "runs" / "old" / name).mkdir(parents=True)
        (own_cache / "runs" / "old" / name / "manifest.json").write_text("{}")
    assert list(store.all_runs()) == []
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "3 runs in" in said[0] and "nbcore runs verify" in said[0]
