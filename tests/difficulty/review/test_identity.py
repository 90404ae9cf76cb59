"""The id of an image is that of its content, whatever holds it."""

import hashlib

import numpy as np
import pytest

from nbcore.difficulty.review.identity import image_id, image_ids, store_of
from nbcore.errors import DataError


def test_a_file_and_its_bytes_have_one_id_wherever_they_lie(tmp_path):
    content = b"any content"
    wanted = hashlib.sha256(content).hexdigest()
    (tmp_path / "a.png").write_bytes(content)
    assert image_id(tmp_path / "a.png") == image_id(content) == wanted
    (tmp_path / "a.png").rename(tmp_path / "b.jpg")
    assert image_ids([b"x", tmp_path / "b.jpg"], [1]) == [wanted]
    (tmp_path / "b.jpg").write_bytes(b"edited, and longer")
    assert image_id(tmp_path / "b.jpg") != wanted


def test_pixels_have_an_id_of_their_shape_and_values():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
    assert image_id(pixels) == image_id(pixels.copy(order="F"))
    others = [pixels.reshape(3, 2, 2), pixels[::-1], pixels.astype(np.int16)]
    assert len({image_id(p) for p in [pixels, *others]}) == 4


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read .No such file.*; mend or remove it"):
        image_id(tmp_path / "gone.png")


def test_a_browser_keeps_decisions_by_name_and_classes():
    places = {store_of("mine", ("ant", "bee")), store_of("mine", ("ant", "cow"))}
    places |= {store_of("yours", ("ant", "bee")), store_of("mine", ("ant", "bee"))}
    assert len(places) == 3 and all(p.startswith("nbcore-decisions-") for p in places)
