"""The straight path between two networks: by hand, at its ends, and where it cannot be."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nbcore.errors import ParameterError
from nbcore.models.small import small_cnn
from nbcore.training.interpolation import evaluate_path, interpolate


def linear(weight):
    layer = torch.nn.Linear(1, 2)
    layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.zeros(2)})
    return layer


def test_a_path_worked_by_hand():
    """Class 1 wins where its weight is positive: from -1 to 3 that is beyond a share of 1/4."""
    start, end = (linear([[0.0], [w]]).state_dict() for w in (-1.0, 3.0))
    inputs, labels = np.array([[1.0], [-1.0]], np.float32), np.array([1, 1])
    found = evaluate_path(linear([[0.0], [0.0]]), start, end, 6, {"id": (inputs, labels)}, "cpu")
    assert found["step"].values.tolist() == [0, 1, 2, 3, 4, 5]
    assert found["prediction_id"].values.tolist() == [[0, 1], [0, 1], *[[1, 0]] * 4]
    assert found["label_id"].values.tolist() == [1, 1]


@given(st.floats(0, 1))
def test_every_weight_is_between_those_of_the_ends(share):
    a, b = (small_cnn(2, 3, channels=1, seed=s).state_dict() for s in (0, 1))
    mixed = interpolate(a, b, share)
    for k, v in mixed.items():
        if not v.is_floating_point():
            assert torch.equal(v, b[k])
            continue
        low, high = torch.minimum(a[k], b[k]), torch.maximum(a[k], b[k])
        assert ((low - 1e-6 <= v) & (v <= high + 1e-6)).all()
        assert torch.allclose(v, (1 - share) * a[k] + share * b[k], atol=1e-6)


def test_the_ends_are_exact():
    a, b = (small_cnn(2, 3, channels=1, seed=s).state_dict() for s in (0, 1))
    assert all(torch.equal(v, a[k]) for k, v in interpolate(a, b, 0.0).items() if v.ndim)
    assert all(torch.equal(v, b[k]) for k, v in interpolate(a, b, 1.0).items())


def test_two_architectures_and_one_point_are_refused():
    small, large = (small_cnn(w, 3, channels=1).state_dict() for w in (2, 4))
    with pytest.raises(ParameterError, match="one architecture"):
        interpolate(small, large, 0.5)
    with pytest.raises(ParameterError, match="2 points or more, not 1"):
        evaluate_path(linear([[0.0], [0.0]]), {}, {}, 1, {}, "cpu")
