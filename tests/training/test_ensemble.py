import io
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from nbcore import files
from nbcore.errors import ParameterError, StoreError
from nbcore.measures.depth import prediction_depth
from nbcore.models import papers, probes
from nbcore.training import ensemble, loop
from nbcore.training.ensemble import Network, Pool, held_out_mask, probe_votes, train_member

MLP = Network("mlp", 16, 2)
RECIPE = loop.Recipe(
    steps=30, batch=32, lr=0.05, weight_decay=0.0, drop_at=(0.5,), factor=0.2, checkpoints=5
)


def digits(n=200, tested=50):
    images, labels = load_digits(return_X_y=True)
    images = (images * 15).astype(np.uint8).reshape(-1, 8, 8, 1)
    used, test = slice(0, n), slice(n, n + tested)
    classes = tuple("0123456789")
    return Pool(images[used], labels[used], labels[used], images[test], labels[test], classes)


POOL = digits()
APART = held_out_mask(200, 3, 0.2, "folds")


@pytest.fixture(autouse=True)
def one_thread():
    """A member is the same to the last bit for one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def member(pool=POOL, network=MLP, recipe=RECIPE, held_out=APART, seed=7, k=10, **options):
    return train_member(pool, network, recipe, held_out, seed, k=k, **options)


# --- splits


@given(st.integers(20, 200), st.sampled_from([2, 3, 5, 10]), st.integers(0, 3), st.integers(0, 50))
def test_folds_hold_every_example_out_equally_often(n, folds, turns, seed):
    masks = [held_out_mask(n, m, 1 / folds, "folds", seed) for m in range(folds * turns)]
    for turn in range(turns):  # one partition after another
        round_ = np.array(masks[turn * folds : (turn + 1) * folds])
        assert (round_.sum(0) == 1).all()
        assert set(round_.sum(1)) <= {n // folds, -(-n // folds)}


def test_folds_of_another_turn_or_seed_are_another_partition():
    first, later = held_out_mask(100, 0, 0.1, "folds"), held_out_mask(100, 10, 0.1, "folds")
    assert (first != later).any()
    assert (first != held_out_mask(100, 0, 0.1, "folds", seed=1)).any()
    assert (first == held_out_mask(100, 0, 0.1, "folds")).all()


def test_independent_splits_are_uniform():
    masks = np.array([held_out_mask(50, m, 0.1, "independent") for m in range(2000)])
    assert (masks.sum(1) == 5).all()
    often = masks.sum(0)  # binomial(2000, 0.1), so 200 +- 13
    assert abs(often - 200).max() < 5 * 13.4
    together = (masks[:, 0] & masks[:, 1]).sum()  # chance 5 * 4 / (50 * 49) of 2000: 16 +- 4
    assert 1 <= together <= 36
    assert (masks[0] != held_out_mask(50, 0, 0.1, "independent", seed=1)).any()


@pytest.mark.parametrize(
    ("n", "share", "splits", "words"),
    [
        (100, 0.0, "folds", "leave examples on both sides, not 0.0 of 100"),
        (100, 1.0, "independent", "leave examples on both sides"),
        (100, 0.3, "folds", "one over a whole number.*not 0.3"),
        (4, 0.1, "independent", "leave examples on both sides, not 0.1 of 4"),
        (2, 0.8, "independent", "leave examples on both sides"),
    ],
)
def test_splits_that_cannot_be_are_one_sentence(n, share, splits, words):
    with pytest.raises(ParameterError, match=words):
        held_out_mask(n, 0, share, splits)


# --- a member


def test_a_member_has_every_table_with_its_dimensions():
    data = member(input_margins=20)
    pool, tested = "example", "test_example"
    both = ("probe", "class")
    assert {name: (v.dims, v.dtype.name) for name, v in data.data_vars.items()} == {
        "held_out": ((pool,), "bool"),
        "label": ((pool,), "int16"),
        "step": (("checkpoint",), "int64"),
        "loss": (("checkpoint",), "float32"),
        "final": ((pool,), "int16"),
        "final_test": ((tested,), "int16"),
        "output_margin": ((pool,), "float32"),
        "output_margin_test": ((tested,), "float32"),
        "history": (("checkpoint", pool), "int16"),
        "history_test": (("checkpoint", tested), "int16"),
        "input_margin": (("margin_example",), "float32"),
        "input_margin_test": (("margin_test_example",), "float32"),
        "votes": ((pool, *both), "uint8"),
        "votes_test": ((tested, *both), "uint8"),
    }
    assert dict(data.sizes) == {
        "example": 200,
        "test_example": 50,
        "checkpoint": 5,
        "probe": 4,
        "class": 10,
        "margin_example": 20,
        "margin_test_example": 20,
    }
    assert data.probe.values.tolist() == ["input", "hidden1", "hidden2", "softmax"]
    assert data.step.values.tolist() == loop.checkpoint_steps(30, 5).tolist()
    assert (data.votes.sum("class") == 10).all() and (data.votes_test.sum("class") == 10).all()
    assert (data.held_out.values == APART).all() and (data.label.values == POOL.labels).all()
    assert "input_margin" not in member(recipe=loop.Recipe(2, 32))


def test_a_member_learns_and_its_depths_are_defined():
    data = member(recipe=loop.Recipe(150, 32, 0.05, weight_decay=0.0, checkpoints=4))
    right = data.final.values == POOL.labels
    assert right[~APART].mean() > 0.95 and right[APART].mean() > 0.6
    depth = prediction_depth(data.votes.values.argmax(2), data.final.values)
    assert set(depth) <= {-1, 0, 1, 2, 3} and (depth >= 0).mean() > 0.9
    assert (data.history.values[-1] == data.final.values).mean() > 0.97  # bfloat16 or float32


def test_input_votes_are_those_of_the_examples_trained_on():
    """The bank is the training part, with the labels trained on; scikit-learn says the same."""
    pool = POOL._replace(labels=(POOL.labels + 3) % 10)
    data = member(pool, recipe=loop.Recipe(2, 32))
    pixels = pool.images.reshape(200, -1).astype(np.float32)
    theirs = KNeighborsClassifier(10, algorithm="brute").fit(pixels[~APART], pool.labels[~APART])
    for name, images in {"votes": pool.images, "votes_test": pool.test_images}.items():
        wanted = theirs.predict_proba(images.reshape(len(images), -1).astype(np.float32)) * 10
        found = data[name].sel(probe="input").values
        # whole pixels make equal distances at the tenth place, where either is a neighbour
        assert abs(found - wanted).sum() / wanted.sum() < 0.02


def test_probe_votes_of_a_training_example_count_itself():
    model = papers.mlp(8, 10, 1, depth=1, side=8)
    votes = probe_votes(model, POOL, APART, papers.probe_points(model), k=1)
    assert list(votes) == ["input", "hidden1", "softmax"]
    alone = votes["input"][:200].argmax(1)
    assert (alone[~APART] == POOL.labels[~APART]).all()
    assert {v.shape for v in votes.values()} == {(250, 10)}


@pytest.mark.parametrize("network", [Network("vgg16", 4, 0), Network("resnet18", 4, 0, "conv2")])
def test_every_architecture_can_be_a_member(network):
    data = member(network=network, recipe=loop.Recipe(3, 32))
    points = papers.probe_points(papers.build(network.architecture, 4, 10, 1), network.in_block)
    assert data.probe.values.tolist() == [probes.INPUT, *points, probes.SOFTMAX]


def test_a_member_depends_on_its_seed_and_split_alone():
    first = member()
    torch.manual_seed(99)
    torch.rand(5)
    assert first.identical(member())
    assert not first.votes.equals(member(seed=8).votes)
    assert not first.votes.equals(member(held_out=held_out_mask(200, 4, 0.2, "folds")).votes)


def test_the_whole_pool_may_be_trained_on():
    data = member(held_out=np.zeros(200, bool))
    assert not data.held_out.any() and (data.votes.sum("class") == 10).all()


def test_a_class_absent_from_the_split_gets_no_votes():
    absent = POOL.labels == 4
    data = member(held_out=absent)
    assert (data.votes.isel({"class": 4}) == 0).all()
    assert data.votes.sizes["class"] == 10 and (data.votes.sum("class") == 10).all()
    assert not (data.final.values[absent] == 4).any()


def dies_at(call):
    """`papers.build`, with a network that kills its process at a given training step."""
    real, calls = papers.build, [0]

    def build(*args):
        model = real(*args)

        def count(module, inputs):
            calls[0] += module.training
            if calls[0] == call:
                os.kill(os.getpid(), signal.SIGKILL)

        model.register_forward_pre_hook(count)
        return model

    return build


def run_and_die(file):
    """Run by the subprocess of the next test."""
    torch.set_num_threads(1)
    ensemble.papers.build = dies_at(18)  # type: ignore[assignment]
    ensemble.loop.train = partial(loop.train, save_every=0.0)  # type: ignore[assignment]
    member(checkpoint_file=Path(file))


def test_a_member_killed_and_resumed_is_the_same_to_the_last_bit(tmp_path):
    file = tmp_path / "partial" / "member.pt"
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        f"import test_ensemble as t; t.run_and_die({str(file)!r})"
    )
    process = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    assert torch.load(io.BytesIO(files.read_checked(file)), weights_only=True)["step"] == 17
    assert member(checkpoint_file=file).identical(member())
    assert not file.exists()


def test_a_checkpoint_of_another_member_is_refused(tmp_path):
    file = tmp_path / "member.pt"
    torch.save({"identity": "another"}, buffer := io.BytesIO())
    files.write_checked(file, buffer.getvalue())
    with pytest.raises(StoreError, match="belongs to another run"):
        member(checkpoint_file=file)


def test_a_network_that_diverges_is_one_sentence():
    with pytest.raises(ParameterError, match="mlp-2x16 diverged.*lower lr") as caught:
        member(recipe=loop.Recipe(10, 32, lr=1e30))
    assert "\n" not in str(caught.value)


def test_more_neighbours_than_examples_trained_on_are_refused():
    with pytest.raises(ValueError, match="k must be from 1 to 160, the size of the bank, not 161"):
        member(recipe=loop.Recipe(1, 32, checkpoints=2), k=161)


def test_many_neighbours_are_counted_without_overflow():
    pool = digits(400)
    data = member(
        pool,
        recipe=loop.Recipe(1, 32, checkpoints=2),
        k=300,
        held_out=held_out_mask(400, 0, 0.1, "independent"),
    )
    assert data.votes.dtype == np.int32 and (data.votes.sum("class") == 300).all()
