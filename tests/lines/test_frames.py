"""Curves as tables: bins of ID accuracy average checkpoints and their draws alike."""

from types import SimpleNamespace

import numpy as np
import pytest

from nbcore.lines.frames import binned, frame


def test_a_bin_is_the_mean_of_its_checkpoints_and_of_their_draws():
    rng = np.random.default_rng(0)
    er = rng.normal(0.02, 0.01, (201, 5))
    ids = np.array([0.41, 0.44, 0.53, 0.56, 0.99])
    curve = SimpleNamespace(
        name="x",
        steps=np.array([0, 1, 2, 4, 8]),
        id=np.tile(ids, (201, 1)),
        ood=np.tile(ids - 0.1, (201, 1)),
        er=er,
        gap_share=er,
        covered=np.array([True, True, True, True, False]),
        band=np.full(5, 0.03),
    )
    study = SimpleNamespace(curves={"x": curve})
    table = binned(study, 0.1)
    assert table["step"].tolist() == [0, 2]
    assert table["id"].tolist() == pytest.approx([0.425, 0.545])
    assert table["er"].tolist() == pytest.approx([er[0, :2].mean(), er[0, 2:4].mean()])
    low, high = np.quantile(er[1:, :2].mean(1), [0.025, 0.975])
    assert (table["low"][0], table["high"][0]) == pytest.approx((low, high))
    narrow = binned(study, 0.01)
    assert narrow["er"].tolist() == frame(study)["er"][:4].tolist()
