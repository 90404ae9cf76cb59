"""The public image sets, where NBCORE_DATA has them."""

import numpy as np
import pytest

from nbcore import data


@pytest.mark.parametrize("name", ["cifar10", "cinic10-imagenet"])
def test_real_images(real_data, own_cache, name):
    if name not in {row.name for row in data.status() if row.found}:
        pytest.skip(f"NBCORE_DATA has no {name}")
    test = data.load(name)
    counts = {"cifar10": 10_000, "cinic10-imagenet": 1_527}
    first = {"cifar10": [3, 8, 8, 0, 6, 6, 1, 6], "cinic10-imagenet": [0] * 8}
    assert test.images.shape == (counts[name], 32, 32, 3)
    assert test.labels[:8].tolist() == first[name]
    assert set(np.unique(test.labels)) == set(range(10))
    assert 90 < test.images.mean() < 150
    assert test.checksum in data.declared(name)
