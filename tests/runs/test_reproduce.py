"""A member of a stored run is computed again, compared by criteria, and only then stamped."""

import dataclasses
import json
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
import xarray as xr

from nbcore.errors import NbcoreError, StoreError
from nbcore.measures import agreement
from nbcore.runs import criteria, engines, manifests, plan, provenance, reproduce, store
from nbcore.runs.config import Config, param


@dataclasses.dataclass(frozen=True)
class Toy(Config):
    slug: ClassVar[str] = "toy"
    size: int = param(4, "numbers")


def member(count, shift: float, name: str) -> xr.Dataset:
    rng = np.random.default_rng(int(name))
    solved = int(count(np.ones((1, 1), bool))[0])
    return xr.Dataset({"accuracy_val": ("checkpoint", rng.random(3) * solved + shift)})


def rows(run: store.Run) -> store.Tables:
    parts = [m.expand_dims(member=[name]) for name, m in run.members()]
    return {"members": xr.concat(parts, "member"), "sums": sum(m for _, m in run.members())}


def toy(shift: float = 0.0, **more) -> plan.Plan:
    compute = partial(member, agreement.solved_counts, shift)
    return plan.Plan("toy", Toy(), {"d": "digits"}, ["0", "1", "2"], compute, rows, **more)


@pytest.fixture
def run(tmp_path, monkeypatch, own_cache) -> store.Run:
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    made = store.publish(store.run_or_load(toy()))
    manifest = json.loads((made / "manifest.json").read_text())
    del manifest["entry"]  # as in a run that was stored before entries were written down
    store.write_manifest(made, manifest)
    return store.open_run(made, "stored")


def again(monkeypatch, run, planned: plan.Plan, members: int = 1) -> reproduce.Reproduction:
    monkeypatch.setattr(reproduce, "stored_plan", lambda manifest: planned)
    # in this process: what is compared here is not the engine
    local = {"local": lambda compute, names, workers: map(timed(compute), names)}
    monkeypatch.setattr(engines, "ENGINES", local)
    return reproduce.reproduce(run, members)


def timed(compute):
    return lambda name: (name, compute(name), 0.0)


def test_an_identical_member_is_reproduced_and_its_run_is_stamped(run, monkeypatch):
    assert provenance.changed_since(run.manifest) is None
    found = again(monkeypatch, run, toy())
    assert (found.outcome, found.why, len(found.members)) == ("reproduced", "identical", 1)
    reproduce.stamp(found)
    stamped = store.open_run(run.path, "stored")
    assert provenance.changed_since(stamped.manifest) == []
    assert stamped.manifest["reproduced"]["found"] == "identical"
    store.verify(stamped)
    assert again(monkeypatch, run, toy(), members=3).members == ["0", "1", "2"]


def test_on_the_same_processor_it_must_be_identical_elsewhere_close(run, monkeypatch):
    near, far = toy(shift=0.009), toy(shift=0.011)
    here = again(monkeypatch, run, near)
    assert here.outcome == "differs" and "members.accuracy_val" in here.why
    with pytest.raises(StoreError, match="was not reproduced; it is left as it is"):
        reproduce.stamp(here)
    monkeypatch.setattr(provenance, "processor", lambda: "Another")
    assert again(monkeypatch, run, near).outcome == "reproduced"
    elsewhere = again(monkeypatch, run, far)
    assert (elsewhere.outcome, elsewhere.findings[0].holds) == ("differs", False)
    assert "0.011 (at most 0.01)" in elsewhere.as_dict()["why"]


def test_a_run_that_cannot_be_compared_says_why(run, monkeypatch):
    other = dataclasses.replace(toy(), data={"d": "cifar10.1-v6"})
    for planned, why in (
        (None, "no module says how toy is computed"),
        (toy(only_on_gpu="an hour on two cores"), "needs a GPU: an hour on two cores"),
        (other, "cifar10.1-v6"),
    ):
        found = again(monkeypatch, run, planned)
        assert found.outcome == "not compared" and why in found.why
    with pytest.raises(NbcoreError, match="no stored run 'gone'"):
        reproduce.stored_runs("gone")


def test_criteria_say_what_is_close():
    held = np.array([[True, False, False]])
    stored = xr.Dataset(
        {
            "held_out": (("member", "example"), held),
            "depth": (("member", "example"), np.array([[1, 2, -1]])),
            "correct_ood": (("member", "checkpoint", "byte"), np.array([[[255], [0]]], np.uint8)),
            "step": (("member", "checkpoint"), np.array([[0.0, np.nan]])),
        },
        attrs={"total_ood": 8},
    )
    other = stored.assign(
        depth=(("member", "example"), np.array([[1, 3, -1]])),
        correct_ood=(("member", "checkpoint", "byte"), np.array([[[127], [9]]], np.uint8)),
    )
    findings = {f.what: f for f in criteria.close(other, stored)}
    assert findings["mean depth (depth)"].found == 1 and not findings["mean depth (depth)"].holds
    assert findings["accuracy along training (correct_ood)"].found == pytest.approx(1 / 8)
    assert criteria.identical(stored, stored) == []
    assert criteria.identical(other, stored) == ["correct_ood", "depth"]
    assert criteria.same_votes(np.array([[9, 1]]), np.array([[8, 2]])).holds
    assert not criteria.same_votes(np.array([[8, 2]]), np.array([[10, 0]])).holds


def test_every_stored_run_finds_its_plan_and_its_settings_again():
    for run in store.all_runs():
        if run.origin == "stored":
            found = plan.stored_plan(run.manifest)
            assert found is not None and found.experiment == run.experiment
            assert found.config.address() == run.manifest["config"]
            assert found.data == manifests.data_names(run.manifest)
