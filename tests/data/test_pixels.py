"""Pixels: every mode and depth comes out as a person would see it, and what has none is refused."""

from importlib.util import find_spec

import numpy as np
import pytest
from pictures import HEIC, JXL, SVG, deep_png, encoded, noise, write
from PIL import Image, features

from nbcore import data
from nbcore.data import pixels
from nbcore.errors import DataError

RNG = np.random.default_rng(1)


@pytest.fixture(autouse=True)
def alone(monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_OFFLINE", "1")


def folder(root, *contents, end="png"):
    """One class a picture, and a second one with a copy of each; returns the folder."""
    for i, content in enumerate(contents):
        write(root / "a" / f"{i}.{end}", content)
        write(root / "b" / f"{i}.{end}", content)
    return root


def loaded(root, *contents, end="png"):
    """The first class's pictures as they are loaded."""
    return data.load(folder(root, *contents, end=end)).images[: len(contents)]


def tiff(values):
    return encoded(Image.fromarray(values), "TIFF")


GREY = np.linspace(0, 255, 36).round().reshape(6, 6)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("how", ["png", "tiff", "int32 tiff", "colour png", "opaque png"])
def test_whole_numbers_are_scaled_by_the_bits_that_hold_them(tmp_path, bits, how):
    top = 2**bits - 1
    values = np.round(GREY / 255 * top).astype(np.uint16)
    colours = np.repeat(values[..., None], 3, 2)
    opaque = np.concatenate([colours, np.full_like(values[..., None], 65535)], 2)
    content = {
        "png": lambda: encoded(values),
        "tiff": lambda: tiff(values),
        "int32 tiff": lambda: tiff(values.astype(np.int32)),
        "colour png": lambda: deep_png(colours),
        "opaque png": lambda: deep_png(opaque, 6),
    }[how]()
    seen = loaded(tmp_path / "x", content)
    assert np.abs(seen[0, ..., 0] - GREY).max() <= 1
    assert (seen == seen[..., :1]).all() and seen.dtype == np.uint8


@pytest.mark.parametrize(
    "low, high, expected",
    [(0, 1, GREY), (0, 255, GREY), (-1, 1, GREY), (-1000, 3000, GREY), (0, 4095, GREY)],
)
def test_floats_are_scaled_by_their_range(tmp_path, low, high, expected):
    values = (low + (high - low) * GREY / 255).astype(np.float32)
    assert np.abs(loaded(tmp_path / "x", tiff(values))[0, ..., 0] - expected).max() <= 1


def test_negative_whole_numbers_are_scaled_by_their_range(tmp_path):
    values = np.round(-1000 + 4000 * GREY / 255).astype(np.int32)
    assert np.abs(loaded(tmp_path / "x", tiff(values))[0, ..., 0] - GREY).max() <= 1


def test_the_range_is_that_of_the_set_and_of_all_its_splits(tmp_path):
    """A dark image stays dark beside a bright one, also where that is in another split."""
    bright, dark = (np.round(GREY / 255 * top).astype(np.uint16) for top in (4095, 1000))
    both = loaded(tmp_path / "x", encoded(bright), encoded(dark))
    assert both[0].max() == 255 and both[1].max() == round(1000 * 255 / 4095)
    folder(tmp_path / "y" / "train", encoded(bright))
    folder(tmp_path / "y" / "test", encoded(dark))
    assert data.load(tmp_path / "y", "test").images.max() == round(1000 * 255 / 4095)
    floats = [tiff((GREY / 255 * top).astype(np.float32)) for top in (1, 0.5)]
    assert [x.max() for x in loaded(tmp_path / "z", *floats)] == [255, 128]


def test_deep_images_are_resized_before_they_are_scaled(tmp_path):
    values = np.full((8, 8), 4095, np.uint16)
    values[:, :4] = 0
    small = data.load(folder(tmp_path / "x", encoded(values)), size=2).images[0, ..., 0]
    assert small[0, 0] < 40 and small[0, 1] > 215


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "deep"])
def test_orientation_is_applied(tmp_path, orientation, kind):
    upright = np.zeros((8, 16), np.uint8)
    upright[:4, :8] = 255  # the upper left quarter
    stored = Image.fromarray(upright)
    if orientation > 1:
        undo = {
            2: Image.Transpose.FLIP_LEFT_RIGHT,
            3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90,
            7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270,
        }[orientation]
        stored = stored.transpose(undo)
    if kind == "deep":
        stored = Image.fromarray(np.asarray(stored).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(stored, "PNG" if kind == "deep" else kind, exif=exif)
    image = loaded(tmp_path / "x", content)[0, ..., 0]
    assert image.shape == (8, 16)
    assert image[1:3, 1:7].min() > 200 and image[5:, :].max() < 60 and image[:, 9:].max() < 60
    assert pixels.header(content)[0] == (16, 8)


def test_damaged_exif_stops_nothing(tmp_path):
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff"
    content = encoded(noise(RNG), "JPEG", exif=exif)
    assert loaded(tmp_path / "x", content).shape == (1, 6, 6, 3)


def shape_in(alpha, colour):
    out = np.zeros((6, 6, 4), np.uint8)
    out[..., :3] = colour
    out[..., 3] = alpha
    return out


SHAPE = np.where(np.eye(6) > 0, 255, 0).astype(np.uint8)


@pytest.mark.parametrize(
    "case",
    ["black rgba", "white rgba", "la", "palette", "grey key", "colour key", "half", "opaque"],
)
def test_transparency_is_composed(tmp_path, case):
    """What is drawn in the alpha channel alone is seen: on white, or on black where it is white."""
    black_on_white = 255 - SHAPE
    expected = {"white rgba": SHAPE, "half": 255 - SHAPE // 2, "opaque": np.zeros((6, 6))}.get(
        case, black_on_white
    )
    if case == "palette":
        image = Image.fromarray(np.eye(6, dtype=np.uint8), "P")
        image.putpalette([0, 0, 0, 0, 0, 0])
        content = encoded(image, transparency=0)
    elif case == "grey key":
        content = encoded(np.where(SHAPE, 0, 254).astype(np.uint8), transparency=254)
    elif case == "colour key":
        values = np.repeat(np.where(SHAPE, 0, 7)[..., None], 3, 2).astype(np.uint8)
        content = encoded(values, transparency=(7, 7, 7))
    elif case == "la":
        content = encoded(Image.merge("LA", [Image.new("L", (6, 6)), Image.fromarray(SHAPE)]))
    elif case == "opaque":
        content = encoded(shape_in(255, (0, 0, 0)))
    else:
        alpha = SHAPE // 2 if case == "half" else SHAPE
        content = encoded(shape_in(alpha, (255,) * 3 if case == "white rgba" else (0, 0, 0)))
    other = encoded(noise(RNG))
    image = loaded(tmp_path / "x", content, other)[0]
    assert np.abs(image.astype(int) - np.asarray(expected)[..., None]).max() <= 1


def test_colours_under_transparency_count_by_their_share(tmp_path):
    content = encoded(shape_in(np.full((6, 6), 51), (255, 0, 0)))
    assert loaded(tmp_path / "x", content, encoded(noise(RNG)))[0, 0, 0].tolist() == [255, 204, 204]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_keeps_its_pixels(mode):
    grey = Image.fromarray(GREY.astype(np.uint8)).convert("RGB")
    stored = grey.quantize(64) if mode == "P" else grey.convert(mode)
    seen = pixels.decode(encoded(stored, "TIFF" if mode != "YCbCr" else "JPEG", quality=95))
    assert seen.shape[-1] == (1 if mode in ("1", "L", "LA") else 3)
    if mode == "1":
        assert set(np.unique(seen)) == {0, 255}
    else:
        assert np.abs(seen[..., 0].astype(int) - GREY).max() <= 8


KINDS = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP", "tiff": "TIFF"}
KINDS |= {"ppm": "PPM", "jp2": "JPEG2000", "tga": "TGA", "ico": "ICO", "jfif": "JPEG", "pcx": "PCX"}
KINDS |= {"sgi": "SGI", "qoi": "QOI", "dds": "DDS", "jpe": "JPEG", "avif": "AVIF"}


@pytest.mark.parametrize("end", KINDS)
@pytest.mark.parametrize("name", ["known", "capital", "none", "wrong"])
def test_every_format_is_read_by_its_content(tmp_path, end, name):
    kind = KINDS[end]
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("needs a Pillow with AVIF")
    if kind == "TGA" and name in ("none", "wrong"):
        pytest.skip("TGA has nothing in its content to know it by")
    picture = Image.fromarray(np.kron(noise(RNG, 2, 2), np.ones((16, 16, 1), np.uint8)))
    try:
        content = encoded(picture, kind)
    except (OSError, KeyError):
        pytest.skip(f"Pillow does not write {kind} here")
    ending = {"known": f".{end}", "capital": f".{end.upper()}", "none": "", "wrong": ".jpg"}[name]
    for place in ("ant/1", "ant/2", "bee/1"):
        write(tmp_path / "x" / f"{place}{ending}", content)
    found = data.load(tmp_path / "x")
    assert len(found) == 3 and found.classes == ("ant", "bee")
    same = np.asarray(picture.resize(found.images.shape[2:0:-1])).astype(int)
    assert np.abs(found.images[0].astype(int) - same).mean() < 12


@pytest.mark.parametrize(
    "content, end, says",
    [
        (HEIC, "heic", r"HEIC, which needs the extra heic: pip install 'nbcore\[heic\]'"),
        (HEIC, "jpg", "HEIC, which needs the extra heic"),
        (HEIC, "", "HEIC, which needs the extra heic"),
        (JXL, "jxl", "JPEG XL: convert it"),
        (SVG, "svg", "an SVG drawing: convert it"),
        (b"RAW!" * 50, "cr2", "of no known format"),
        (b"", "png", "an empty file"),
    ],
)
def test_a_whole_class_that_cannot_be_read_stops_and_says_why(tmp_path, content, end, says):
    if find_spec("pillow_heif") and content is HEIC:
        pytest.skip("pillow-heif is here")
    for i in range(300):
        write(tmp_path / "x" / "ant" / f"{i}.png", encoded(noise(RNG, 2, 2)))
    write(tmp_path / "x" / "owl" / (f"1.{end}" if end else "1"), content)
    with pytest.raises(DataError, match=says) as error:
        data.load(tmp_path / "x")
    assert "no image of the class 'owl' can be read" in str(error.value)
    assert "\n" not in str(error.value) and "owl/1" in str(error.value)


def test_a_few_unreadable_images_are_left_out_and_named(tmp_path):
    root = tmp_path / "x"
    for i in range(150):
        write(root / "ant" / f"{i:03}.png", encoded(noise(RNG)))
        write(root / "bee" / f"{i:03}.png", encoded(noise(RNG)))
    write(root / "ant" / "040.png", encoded(noise(RNG, 40, 40))[:100])
    write(root / "bee" / "007.png", HEIC)
    found = data.load(root)
    assert len(found) == 298 and len(found.files) == 298
    assert "ant/040.png" not in found.files and "bee/007.png" not in found.files
    for file, image, label in zip(found.files, found.images, found.labels, strict=True):
        assert np.array_equal(image, np.asarray(Image.open(root / file)))
        assert file.startswith(found.classes[label])
    assert np.array_equal(found.positions, np.setdiff1d(np.arange(300), [40, 157]))
    (note,) = found.notes
    assert note.startswith("2 of 300 images cannot be read and are left out: 1 ")
    assert "040.png" in note and "007.png" in note and "the extra heic" in note
    for name in ("041", "042"):
        write(root / "ant" / f"{name}.png", b"")
    with pytest.raises(DataError, match=r"040\.png is no readable image .*4 of 300 images"):
        data.load(root)


@pytest.mark.parametrize(
    "contents, says",
    [
        ([encoded(np.zeros((6, 6), np.uint8))] * 2, "between 0 and 0 of 255"),
        ([encoded(np.arange(36, dtype=np.uint8).reshape(6, 6) % 4)], "between 0 and 3 of 255"),
        ([encoded(np.full((6, 6), 200, np.uint8))], "between 200 and 200 of 255"),
        ([tiff(np.full((6, 6), 1.5, np.float32))], "stored as 1.5 to 1.5"),
        ([encoded(np.eye(6).astype(np.uint16))], "between 0 and 1 of 255, stored as 0 to 1"),
    ],
)
def test_a_set_without_contrast_is_refused_with_its_values(tmp_path, contents, says):
    with pytest.raises(DataError, match=f"no contrast: all values lie {says}|{says}"):
        loaded(tmp_path / "x", *contents)


def test_not_a_number_is_unreadable(tmp_path):
    values = GREY.astype(np.float32)
    values[2, 2] = np.nan
    with pytest.raises(DataError, match="NaN or infinite"):
        loaded(tmp_path / "x", tiff(values))


def test_grey_among_colours_and_small_classes_are_said(tmp_path):
    root = folder(tmp_path / "x", encoded(noise(RNG)), encoded(noise(RNG, channels=0)))
    assert data.load(root).notes == (
        "few images: a 2, b 2",
        "2 of 4 images are grey among coloured ones",
    )
    for i in range(20):
        write(root / "a" / f"more{i}.png", encoded(noise(RNG)))
    assert data.load(root).notes[0] == "few images: b 2"


def test_images_in_parquet_are_decoded_alike(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    exif = Image.Exif()
    exif[0x0112] = 6
    contents = [
        encoded(np.round(GREY / 255 * 4095).astype(np.uint16)),
        encoded(shape_in(SHAPE, (0, 0, 0))),
        encoded(Image.fromarray(GREY.astype(np.uint8)), "JPEG", exif=exif, quality=95),
    ]
    pq.write_table(pa.table({"image": contents, "label": [0, 1, 0]}), tmp_path / "x.parquet")
    found = data.load(tmp_path / "x.parquet")
    assert np.abs(found.images[0, ..., 0] - GREY).max() <= 1
    assert np.array_equal(found.images[1, ..., 0], 255 - SHAPE)
    assert np.abs(found.images[2, ..., 0].astype(int) - np.rot90(GREY, -1)).max() < 30


def test_the_extra_for_heic_is_the_one_that_is_named():
    import tomllib

    from nbcore.paths import project_root

    table = tomllib.loads((project_root() / "pyproject.toml").read_text())
    assert table["project"]["optional-dependencies"]["heic"][0].startswith("pillow-heif")


def test_where_the_extra_is_installed_heic_is_left_to_it(monkeypatch):
    monkeypatch.setitem(pixels.pillow().OPEN, "HEIF", (None, None))
    assert pixels._unsupported(HEIC[:64]) == ""
