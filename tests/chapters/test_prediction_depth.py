"""Chapter 3: networks of the paper's size are read where they were run, and say how many."""

import dataclasses

import numpy as np
import pytest

from nbcore import claims
from nbcore.chapters.prediction_depth import full_size, tables
from nbcore.chapters.prediction_depth import observe as page
from nbcore.chapters.prediction_depth.config import PredictionDepth
from nbcore.chapters.prediction_depth.runs import at_full_size
from nbcore.depths.ensembles import load
from nbcore.depths.view import EnsembleView

KEY = "cifar10:mlp"


@pytest.fixture(scope="module")
def study():
    """The published runs of one network, small and of the paper's size."""
    config = dataclasses.replace(PredictionDepth.book(), datasets=("cifar10",), networks=("mlp",))
    return page.Study(config, load(config), full_size=at_full_size(config))


def test_the_accuracy_at_the_papers_size_is_that_of_the_stored_answers(study):
    run = study.full_size[KEY]
    said = run.table("members")["final_test"].values
    truth = run.table("examples")["label_test"].values
    row = tables.full_size(study).iloc[0]
    assert row["test"] == pytest.approx(np.mean([(s == truth).mean() for s in said]), abs=1e-5)
    assert row["test, paper"] == 0.59
    assert row["images"] == 50_000
    seen, n = page.test_accuracy(run, 50)
    assert seen[0] == pytest.approx(row["test"], abs=1e-5) and n == len(said)


def test_networks_of_the_papers_size_are_no_paper_setup(study, own_cache, monkeypatch):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(own_cache / "seen"))
    seen = page.record(study, "book")["B40"]
    assert (seen.setup, seen.preset) == ("reduced", "paper")
    assert "NVIDIA" in seen.run["hardware"]
    assert seen.subject == "CIFAR-10, MLP; CIFAR-10, VGG16"
    # one network of the claim's size is no verdict, whatever its accuracy
    assert seen.verdict in (claims.UNDECIDED, claims.NOT)


def test_whom_to_trust_by_depth_is_counted_on_held_out_images(study):
    run = study.full_size["cifar10:vgg16"]
    view = EnsembleView.of("cifar10:vgg16", run, resamples=50)
    found = full_size.right_by_depth(view).set_index("x")
    members, label = run.table("members"), run.table("examples")["label"].values
    right = many = 0
    for i in np.flatnonzero(members["half"].values >= 0):
        at = members["held_out"].values[i] & (members["depth"].values[i] == 0)
        right += int((members["final"].values[i] == label)[at].sum())
        many += int(at.sum())
    assert found.loc[0, "n"] == many
    assert found.loc[0, "y"] == pytest.approx(right / many)
    assert (found["low"] <= found["y"]).all() and (found["y"] <= found["high"]).all()


def test_enough_networks_of_the_papers_size_are_its_setup(study):
    run = study.full_size[KEY]
    table = run.table("members").isel(member=[0] * 25)
    table = table.assign_coords(member=[f"full-{i:03}" for i in range(25)])
    whole = dataclasses.replace(run)
    whole.table = lambda name: table if name == "members" else run.table(name)
    assert page.as_found({KEY: whole}).setup("B40", [KEY]) == "paper"
    assert page.as_found({KEY: run}).setup("B40", [KEY]) == "reduced"


def test_tiny_networks_have_nothing_of_the_papers_size_beside_them(study):
    tiny = PredictionDepth.smoke()
    assert at_full_size(tiny) == {}
    without = dataclasses.replace(study, full_size={})
    assert tables.full_size(without).empty
    assert "Not drawn" in full_size.table(without).text
    assert "Not drawn" in full_size.by_depth(without).text
