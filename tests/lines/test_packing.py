"""Tables of curves: bits are those of the predictions, shorter members are padded."""

import numpy as np
import xarray as xr

from nbcore.lines.packing import pack, side_by_side

LABELS = np.random.default_rng(0).integers(0, 4, 21)


def member(checkpoints: int, seed: int) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    said = np.where(rng.random((checkpoints, 21)) < 0.5, LABELS, 0).astype(np.int16)
    return xr.Dataset(
        {
            "step": ("checkpoint", 10 * np.arange(checkpoints)),
            "phase": ("checkpoint", np.arange(checkpoints) // 2),
            "prediction_id": (("checkpoint", "example_id"), said),
            "label_id": ("example_id", LABELS),
        }
    )


def test_bits_are_those_of_the_predictions_and_the_end_of_short_members_is_missing():
    long, short = member(4, 0), member(2, 1)
    table = pack([("a", long), ("b", short)])
    assert table.sizes["checkpoint"] == 4 and table.attrs["total_id"] == 21
    for name, part in (("a", long), ("b", short)):
        row, count = table.sel(member=name), part.sizes["checkpoint"]
        bits = np.unpackbits(row["correct_id"].values, axis=-1, count=21)[:count]
        assert np.array_equal(bits, part["prediction_id"] == LABELS)
        assert np.array_equal(row["step"][:count], part["step"])
        assert np.array_equal(row["phase"][:count], part["phase"])
        assert np.isnan(row["step"][count:]).all()


def test_the_shuffle_of_the_labels_is_one_for_all_members_and_of_the_same_labels():
    table = pack([("a", member(3, 0)), ("b", member(3, 0))])
    assert np.array_equal(table["shuffled_id"][0], table["shuffled_id"][1])
    assert not np.array_equal(table["shuffled_id"][0], table["correct_id"][0])


def test_a_table_that_is_extended_is_that_of_all_members():
    parts = [("a", member(4, 0)), ("b", member(2, 1)), ("c", member(5, 2))]
    joined = side_by_side([pack(parts[:2]), pack(parts[2:])])
    xr.testing.assert_identical(joined, pack(parts))


def test_members_without_checkpoints_are_packed_too():
    plain = member(3, 0).isel(checkpoint=-1, drop=True).drop_vars(["step", "phase"])
    table = pack([("a", plain)])
    assert table["correct_id"].dims == ("member", "byte_id") and "step" not in table
