"""MATLAB files: what scipy writes is read as it is, and damage is a sentence."""

import io

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from nbcore.data.matlab import CLASSES, read_arrays
from nbcore.errors import DataError

RNG = np.random.default_rng(0)
ARRAYS = {"X": RNG.integers(0, 256, (3, 4, 3, 5), np.uint8), "y": RNG.integers(1, 11, (5, 1))}
ARRAYS |= {f"a_{kind}": RNG.integers(0, 100, (2, 3)).astype(kind) for kind in CLASSES.values()}
ARRAYS |= {
    "one": np.array([[7]], np.uint8),
    "none": np.zeros((0, 3)),
    "b": np.array([[True, False]]),
}


def written(compressed, **arrays):
    savemat(stream := io.BytesIO(), arrays, do_compression=compressed)
    return stream.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_read_as_scipy_reads_them(tmp_path, compressed):
    others = {"text": "left out", "record": {"a": 1}, "complex": np.array([[1j]])}
    file = tmp_path / "test_32x32.mat"
    file.write_bytes(written(compressed, **ARRAYS, **others))
    found, theirs = read_arrays(file), loadmat(file)
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert np.array_equal(found[name], array) and found[name].shape == theirs[name].shape
        assert found[name].dtype == theirs[name].dtype or name == "b"


@pytest.mark.parametrize("compressed", [False, True])
def test_damage_is_a_sentence_or_other_numbers_of_the_same_form(tmp_path, compressed):
    """Of changed bytes in the head of an array, scipy 1.17 ends the process at some."""
    whole, file, refused = written(compressed, X=ARRAYS["X"], y=ARRAYS["y"]), tmp_path / "a.mat", 0
    for case in range(600):
        content = bytearray(whole)
        content[int(RNG.integers(100, len(whole) if case % 2 else 260))] ^= int(
            RNG.integers(1, 256)
        )
        file.write_bytes(content[: int(RNG.integers(len(whole)))] if case % 7 == 0 else content)
        try:
            read_arrays(file)
        except DataError as error:
            refused += 1
            assert "is damaged" in str(error) and "\n" not in str(error)
    assert refused > 100
    for content in (b"", b"text", whole[:127]):
        file.write_bytes(content)
        with pytest.raises(DataError, match="renew it"):
            read_arrays(file)
