"""Training in phases: one is plain training, several follow each other on their own examples."""

import numpy as np
import pytest
import torch
import xarray as xr

from nbcore.errors import ParameterError
from nbcore.training import loop, phases
from nbcore.training.phases import Phase, train_phases

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 90)
FEATURES = (RNG.normal(size=(90, 5)) + 2 * np.eye(5)[LABELS]).astype(np.float32)
EVALUATIONS = {"id": (FEATURES[:30], LABELS[:30])}
RECIPE = loop.Recipe(steps=12, batch=8, lr=0.1, checkpoints=4)


def linear(seed=0) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.Linear(5, 3)


def train(model, *parts, seed=1) -> xr.Dataset:
    return train_phases(
        model, (FEATURES, LABELS), [Phase(*p) for p in parts], EVALUATIONS, seed=seed, device="cpu"
    )


def test_one_phase_is_plain_training():
    some = np.arange(20, 80)
    first, second = linear(), linear()
    mine = train(first, (some, RECIPE))
    plain = loop.train(
        second, (FEATURES[some], LABELS[some]), EVALUATIONS, RECIPE, seed=1, device="cpu"
    )
    xr.testing.assert_identical(mine.drop_vars("phase"), plain)
    assert (mine["phase"] == 0).all() and torch.equal(first.weight, second.weight)


def test_the_next_phase_goes_on_from_the_last_with_its_own_examples_and_rate():
    low = loop.Recipe(steps=5, batch=8, lr=0.01, checkpoints=3, first=2)
    model, by_hand = linear(), linear()
    history = train(model, (np.arange(45), RECIPE), (np.arange(45, 90), low))
    loop.train(by_hand, (FEATURES[:45], LABELS[:45]), EVALUATIONS, RECIPE, seed=1, device="cpu")
    later = loop.train(
        by_hand,
        (FEATURES[45:], LABELS[45:]),
        EVALUATIONS,
        low,
        seed=1 + phases.STRIDE,
        device="cpu",
    )
    assert torch.equal(model.weight, by_hand.weight)
    assert history["step"].values.tolist() == [0, 1, 3, 12, 14, 17]
    assert history["phase"].values.tolist() == [0, 0, 0, 0, 1, 1]
    assert np.array_equal(history["prediction_id"].values[4:], later["prediction_id"].values[1:])
    assert np.array_equal(history["loss"].values[4:], later["loss"].values[1:])
    assert history["label_id"].dims == ("example_id",)


def test_phases_on_the_same_examples_see_other_batches(monkeypatch):
    seen, batch = [], loop._batch
    monkeypatch.setattr(loop, "_batch", lambda *a: (seen.append(batch(*a)[1]), batch(*a))[1])
    everything = np.arange(90)
    train(linear(), (everything, RECIPE), (everything, RECIPE))
    assert not torch.equal(torch.cat(seen[:10]), torch.cat(seen[12:22]))


@pytest.mark.parametrize("indices, came", [([], "none"), ([3, 90], "3 to 90"), ([-1], "-1 to -1")])
def test_examples_that_are_not_there_are_refused(indices, came):
    with pytest.raises(ParameterError, match=f"numbered from 0 to 89, not {came}"):
        train(linear(), (np.array(indices, int), RECIPE))
    with pytest.raises(ParameterError, match="one phase or more"):
        train(linear())
