import numpy as np
import pytest

from nbcore.errors import ParameterError
from nbcore.measures.selection import balanced_subset
from nbcore.training import kinds
from nbcore.training.kinds import CLASSICAL, CONVOLUTIONAL, CONVOLUTIONS, KINDS, split_name
from nbcore.training.testbed import train_member

RNG = np.random.default_rng(0)
LABELS = np.arange(120) % 3
IMAGES = (RNG.integers(0, 90, (120, 8, 8, 1)) + 50 * LABELS[:, None, None, None]).astype(np.uint8)
SETS = {"id": (IMAGES[:60], LABELS[:60]), "ood": (IMAGES[60:100], LABELS[60:100])}


FEW = [k for k in KINDS if k not in CONVOLUTIONS or ("8" in k and "short" not in k)]


@pytest.mark.parametrize("kind", FEW)
def test_every_kind_learns_and_repeats(kind):
    model = f"{kind}-90"
    first = train_member(model, (IMAGES, LABELS), SETS, epochs=0.1)
    assert first.prediction_id.shape == (60,) and first.prediction_ood.shape == (40,)
    assert first.attrs["images"] == 90
    assert (first.prediction_id == first.label_id).mean() > 0.5
    assert first.identical(train_member(model, (IMAGES, LABELS), SETS, epochs=0.1))


def test_balanced_subset():
    labels = np.array([0] * 50 + [1] * 5 + [2] * 45)
    picked = balanced_subset(labels, 30, seed=3)
    assert len(set(picked)) == 30 and np.bincount(labels[picked]).tolist() == [13, 5, 12]
    assert set(balanced_subset(labels, 12, seed=3)) <= set(picked)
    with pytest.raises(ValueError, match="subset of 101"):
        balanced_subset(labels, 101)


def test_the_testbed_is_of_convolutional_networks_of_three_families():
    roster = (*CONVOLUTIONAL, *CLASSICAL)
    assert len(set(roster)) == len(roster) and len(CONVOLUTIONAL) >= 30
    assert set(kinds.groups(CONVOLUTIONAL)) == {"plain", "vgg", "resnet"}
    mixed = ["knn-300", "patches-1000", "mlp-1000", "res16-5000"]
    assert kinds.groups(mixed) == ["pixels", "random features", "dense", "convolutional"]
    assert all(split_name(m)[0] not in CONVOLUTIONS for m in CLASSICAL)
    assert max(CONVOLUTIONAL, key=kinds.effort) == "resnet32-crops-long-50000"


def test_names():
    assert CONVOLUTIONS["vgg16-crops-long"] == ("vgg", 16, 3.0, True)
    for wrong in ("vgg17-300", "vgg16", "vgg16-many"):
        with pytest.raises(ParameterError, match="KIND-N"):
            split_name(wrong)
