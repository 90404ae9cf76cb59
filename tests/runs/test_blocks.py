"""No number depends on how much is done at a time (`measures.blocks`), beyond rounding.

Stated tolerance: classes, neighbours, depths and votes are the same for 99.9 % of the examples and
more (two can be equal to rounding); real numbers agree to 1 part in 1,000.
"""

import numpy as np
import pytest
import torch

from nbcore import data
from nbcore.measures import blocks
from nbcore.measures.depth import knn_votes
from nbcore.models import papers, probes
from nbcore.training import ensemble, loop, testbed

SAME, RELATIVE = 0.999, 1e-3


@pytest.fixture(scope="module")
def digits():
    return data.load("digits", "train")


@pytest.fixture(scope="module")
def member(digits):
    """A member of an ensemble as a function of nothing but the blocks."""
    n = 400
    images, labels = digits.images[:n], digits.labels[:n]
    pool = ensemble.Pool(images, labels, labels, images[:100], labels[:100], digits.classes)
    held_out = ensemble.held_out_mask(n, 0, 0.1, "folds")
    recipe = loop.Recipe(steps=40, batch=32, lr=0.05, checkpoints=3)

    def train():
        network = ensemble.Network("mlp", 32, 3)
        return ensemble.train_member(
            pool, network, recipe, held_out, 1, k=10, input_margins=20, device="cpu"
        )

    return train


SIZES = {
    "FORWARD": (251, 7, 1000),
    "MARGINS": (3, 1000),
    "CLASSES_AT_ONCE": (1, 7),
    "DISTANCE_BYTES": (1, 2**40),
    "ROWS": (1, 33, 10**6),
    "COPY_BYTES": (10**5, 2**40),
    "PROBE_BYTES": (1, 2**40),
}


@pytest.mark.parametrize(("name", "size"), [(k, v) for k, sizes in SIZES.items() for v in sizes])
def test_a_member_does_not_depend_on_block_sizes(name, size, member, monkeypatch):
    before = member()
    monkeypatch.setattr(blocks, name, size)
    after = member()
    for variable in before:
        old, new = before[variable].values, after[variable].values
        if old.dtype.kind == "f":
            np.testing.assert_allclose(new, old, rtol=RELATIVE, err_msg=str(variable))
        else:
            assert (old == new).mean() >= SAME, variable


def test_features_of_random_patches_do_not_depend_on_block_sizes(digits, monkeypatch):
    features = testbed._patch_features(digits.images[:300], 0, 16)
    before = features(digits.images[:200])
    monkeypatch.setattr(blocks, "PATCHES", 7)
    np.testing.assert_allclose(features(digits.images[:200]), before, rtol=RELATIVE, atol=1e-6)


def test_threads_do_not_decide_what_a_network_answers(digits):
    """Workers compute with one thread each, one worker with all: products are summed otherwise."""
    model = papers.build("mlp", 64, 10, 1, 8, 3)
    images, before = loop.as_tensor(digits.images), torch.get_num_threads()
    answers = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        z = probes.logits(model, images).numpy()
        votes = knn_votes(z[:500], digits.labels[:500], z, 10, n_classes=10)
        answers.append((z.argmax(1), votes))
    torch.set_num_threads(before)
    assert (answers[0][0] == answers[1][0]).mean() >= SAME
    assert (answers[0][1] == answers[1][1]).mean() >= SAME
