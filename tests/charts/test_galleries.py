"""Galleries as the page, the PDF and a screen reader get them."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from samples import EVIL, say

from nbcore.charts.galleries import gallery
from nbcore.errors import DataError, ParameterError

GREY = np.arange(3 * 8 * 8, dtype=np.uint8).reshape(3, 8, 8, 1)


def test_images_come_back_as_they_went_in_with_words_for_each():
    made = gallery(GREY, ["a", EVIL, "c"], ["first", "second", "first"], **say("Three"))
    bundle = made._repr_mimebundle_()
    page = bundle["text/html"]
    image = r'<img alt="([^"]*)" width="56" height="56" src="data:image/png;base64,(.*?)"'
    found = re.findall(image, page)
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(x)))) for _, x in found]
    # rows by group: the first and third image stand together
    np.testing.assert_array_equal(np.stack(pictures), GREY[[0, 2, 1], ..., 0])
    assert [alt for alt, _ in found][:2] == ["first: a", "first: c"]
    assert "<script" not in page and "onerror" not in re.sub(r'"[^"]*"|>[^<]*<', "", page)
    assert "first: a, c" in bundle["text/plain"] and repr(made) == bundle["text/plain"]
    sheet = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert sheet.width == 10 * (2 * 56 + 16) + 16 and sheet.height > 2 * 112


def test_colour_images_and_a_full_page_stay_small():
    images = np.random.default_rng(0).integers(0, 256, (120, 32, 32, 3), np.uint8)
    made = gallery(images, ["x"] * 120, ["g"] * 120, **say("Noise"))
    assert len(made.markup) < 600_000  # noise is the worst case


@pytest.mark.parametrize(
    "images, captions, words",
    [
        (GREY.astype(float), "abc", "uint8"),
        (GREY[..., 0], "abc", "uint8"),
        (np.repeat(GREY, 2, axis=-1), "abc", "1 or 3"),
        (GREY, "ab", "as many captions"),
        (GREY[:0], "", "1 to 500"),
        (np.repeat(GREY, 200, axis=0), "a" * 600, "1 to 500"),
    ],
)
def test_other_arrays_are_refused(images, captions, words):
    with pytest.raises(DataError, match=words):
        gallery(images, list(captions), ["g"] * len(captions), **say("t"))


def test_words_are_required_and_heavy_images_refused():
    with pytest.raises(ParameterError, match="the title is empty"):
        gallery(GREY, list("abc"), list("ggg"), title="", description="d")
    heavy = np.random.default_rng(0).integers(0, 256, (3, 512, 512, 3), np.uint8)
    with pytest.raises(ParameterError, match="fewer or smaller"):
        gallery(heavy, list("abc"), list("ggg"), **say("t"))
