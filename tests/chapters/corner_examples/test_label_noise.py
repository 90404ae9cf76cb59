"""Networks on wrong labels: the tables that chapter 8 reads, by hand and end to end on digits."""

import numpy as np
import pytest
import xarray as xr

from nbcore.chapters.corner_examples import label_noise
from nbcore.chapters.corner_examples.label_noise import GROUPS, member_row, run_label_noise
from nbcore.depths.ensembles import Ensemble, load_pool


def member(held_out=(False,) * 4):
    """Four examples of three classes; labels 2 and 3 were changed from 0 and 1."""
    said = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 2], [1, 0, 0]])  # (example, probe)
    votes = np.eye(3, dtype=np.uint8)[said] * 30
    history = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 2, 0]])  # (checkpoint, example)
    return xr.Dataset(
        {
            "held_out": ("example", np.array(held_out)),
            "label": ("example", [0, 1, 2, 0]),
            "final": ("example", [0, 1, 2, 0]),
            "votes": (("example", "probe", "class"), votes),
            "votes_test": (("test_example", "probe", "class"), votes[:1]),
            "history": (("checkpoint", "example"), history),
            "history_test": (("checkpoint", "test_example"), history[:, :1]),
            "step": ("checkpoint", [0, 10, 20]),
        },
        coords={"probe": ["input", "hidden1", "softmax"]},
    )


def test_a_row_by_hand():
    row = member_row(member(), np.array([0, 1, 0, 1]), np.array([0]))
    curves = {g: row["accuracy"].sel(group=g).values.tolist() for g in GROUPS}
    assert curves == {
        "original": [0.5, 1.0, 0.0],  # images 2 and 3 are really 0 and 1
        "given": [0.5, 0.0, 1.0],
        "clean": [0.5, 1.0, 1.0],
        "test": [1.0, 1.0, 1.0],
    }
    assert row["probe_accuracy"].sel(group="original").values.tolist() == [1.0, 0.5, 0.0]
    assert row["depth"].values.tolist() == [0, 0, 2, 1]
    assert row["learned"].values.tolist() == [0, 1, 2, 2]


def test_held_out_examples_are_no_part_of_what_is_learned():
    row = member_row(member((True, False, True, False)), np.array([0, 1, 0, 1]), np.array([0]))
    assert row["accuracy"].sel(group="given").values.tolist() == [1.0, 0.0, 1.0]
    assert row["accuracy"].sel(group="clean").values.tolist() == [0.0, 1.0, 1.0]
    none = member_row(member(), np.array([0, 1, 2, 0]), np.array([0]))
    assert np.isnan(none["accuracy"].sel(group="original")).all()


@pytest.fixture(scope="module")
def settings() -> Ensemble:
    return Ensemble(
        dataset="digits",
        examples=200,
        test_examples=20,
        width=24,
        depth=2,
        noise=0.3,
        steps=150,
        batch=32,
        lr=0.05,
        checkpoints=6,
        members=0,
        full_members=2,
        k=5,
        workers=1,
    )


def test_digits_with_planted_labels(own_cache, settings):
    run = run_label_noise(settings)
    assert run.experiment == label_noise.SLUG and run.origin == "computed"
    members, examples = run.table("members"), run.table("examples")
    assert dict(members.sizes) == {
        "member": 2,
        "group": 4,
        "checkpoint": 6,
        "probe": 4,
        "example": 200,
    }
    pool = load_pool(settings)
    assert np.array_equal(examples["label"], pool.labels)
    share = (examples["label"] != examples["original_label"]).mean()
    assert 0.2 < share < 0.3  # one in ten of the redrawn stays what it was
    wrong = pool.labels != pool.original
    for name, one in run.members():
        said = one["history"].values[-1]
        seen = members["accuracy"].sel(member=name).isel(checkpoint=-1)
        assert float(seen.sel(group="given")) == pytest.approx(
            (said == pool.labels)[wrong].mean(), abs=1e-6
        )
    assert run_label_noise(settings).origin == "cached"


def test_the_noise_share_is_part_of_the_address_and_the_members_are_not(settings):
    other = Ensemble(**{**vars(settings), "full_members": 5})
    assert settings.address() == other.address()
    assert Ensemble(**{**vars(settings), "noise": 0.1}).address() != settings.address()
