"""Decode images as a network should see them: by their content, upright and opaque."""

import io
import stat
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from nbcore.data.folders import is_picture, is_utf8, shown
from nbcore.data.scaling import Deep

#: read by content; formats that run other programs, or that take anything for an image, are not
FORMATS = (
    *("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF", "HEIF", "ICO", "PSD"),
    *("QOI", "DDS", "SGI", "SUN", "PCX", "XBM", "XPM", "MSP", "BLP", "FTEX", "ICNS", "FLI"),
)
LFS = b"version https://git-lfs.github.com/spec/"
#: the largest file that is taken for one image, bytes
LARGEST = 2**30


class Unreadable(Exception):
    """Why an image cannot be read, in words."""


@cache
def pillow():
    """Return Pillow's `Image` with its formats loaded; HEIC where the extra `heic` is installed."""
    from PIL import Image, ImageFile

    Image.init()
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the error stays
    warnings.filterwarnings("ignore", module="PIL")  # of damage that it reads on over
    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
    except ImportError:
        pass
    return Image


def images_among(files: list[Path]) -> list[Path]:
    """Select the files that are images by their ending or, failing that, by their content."""
    return [file for file in files if is_picture(file) or looks_like_image(file)]


def looks_like_image(file: Path) -> bool:
    """Say whether a regular file without a known ending has the content of an image."""
    try:
        with file.open("rb") as stream:
            head = stream.read(64)
        if _unsupported(head):
            return True
        if not head.strip(b"\0"):
            return False
        with open_image(file):
            return True
    except (OSError, Unreadable):
        return False


def open_image(raw: bytes | Path):
    """Open a file or bytes as a Pillow image, pixels not yet read. Unreadable says why not."""
    data = raw if isinstance(raw, bytes) else _read(raw)
    if data.startswith(LFS):
        raise Unreadable("a Git LFS pointer, not the image: run git lfs pull")
    if why := _unsupported(data[:64]):
        raise Unreadable(why)
    tga = isinstance(raw, Path) and raw.name.lower().endswith(".tga")
    with _said_in_words():
        image = pillow()
        known = [f for f in (*FORMATS, *(("TGA",) * tga)) if f in image.OPEN]
        return image.open(io.BytesIO(data), formats=known)


def _read(file: Path) -> bytes:
    if not is_utf8(file):
        raise Unreadable("its name is no UTF-8: rename it")
    try:
        about = file.stat()
    except OSError as error:
        lost = file.is_symlink()
        raise Unreadable("a link that leads nowhere" if lost else str(error.strerror)) from None
    if not stat.S_ISREG(about.st_mode):
        raise Unreadable("a named pipe, socket or device")
    if not about.st_size:
        raise Unreadable("an empty file")
    if about.st_size > LARGEST:
        raise Unreadable(f"a file of {about.st_size / 2**30:.1f} GiB")
    try:
        return file.read_bytes()
    except OSError as error:
        raise Unreadable(str(error.strerror)) from None


def _unsupported(head: bytes) -> str:
    """Say why an image of a known kind cannot be opened with what is installed; "" if it can."""
    brand, formats = head[8:12] if head[4:8] == b"ftyp" else b"", pillow().OPEN
    if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"):
        has = "HEIF" in formats or (b"avif" in head and "AVIF" in formats)
        return "" if has else "HEIC, which needs the extra heic: pip install 'nbcore[heic]'"
    if brand in (b"avif", b"avis"):
        return "" if "AVIF" in formats else "AVIF, which this Pillow lacks: update Pillow"
    if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return "JPEG XL: convert it to PNG"
    if head.lstrip().startswith(b"<svg") or b"<svg" in head:
        return "an SVG drawing: convert it to PNG"
    return ""


class _said_in_words:
    """Turn whatever a decoder raises into Unreadable."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, trace) -> None:
        if error is None or isinstance(error, Unreadable) or not isinstance(error, Exception):
            return
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "decompression bomb" in text:
            text = "it would unpack to more pixels than Pillow allows, a decompression bomb"
        elif "cannot identify image file" in text:
            text = "its content is of no known format"
        raise Unreadable(text) from None


def decode(raw: bytes | Path | np.ndarray, size: int | None = None) -> np.ndarray | Deep:
    """Decode an image, upright and opaque: uint8 (h, w, 1 or 3), or Deep for more than 8 bits.

    size: resize to size×size pixels (bicubic).

    Unreadable: says why in words.
    """
    if isinstance(raw, np.ndarray):
        image = pillow().fromarray(raw.squeeze())
        return _sized(image.convert("L" if raw.shape[-1] == 1 else "RGB"), size)
    with open_image(raw) as image, _said_in_words():
        if _is_deep(image):
            return _deep(image, raw, size)
        image = _upright(image)
        return _sized(_opaque(image), size)


def _sized(image, size: int | None) -> np.ndarray:
    if size:
        image = image.resize((size, size), pillow().Resampling.BICUBIC)
    return np.atleast_3d(np.asarray(image))


def _upright(image):
    from PIL import ImageOps

    if image.getexif().get(0x0112, 1) == 1:
        return image
    return ImageOps.exif_transpose(image)


def _opaque(image):
    """Convert an image to L or RGB, transparent parts on white.

    Black is used instead where nothing would be seen on white.
    """
    see_through = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    grey = image.mode in ("1", "L", "LA", "La")
    if see_through:
        image = image.convert("RGBA")
        least, most = image.getextrema()[3]
        if least < 255:
            return _composed(image, "L" if grey else "RGB", least < most)
    return image.convert("L" if grey else "RGB")


def _composed(image, mode: str, has_shape: bool):
    white, black = (255, 255, 255, 255), (0, 0, 0, 255)
    for ground in (white, black) if has_shape else (white,):
        below = pillow().new("RGBA", image.size, ground)
        out = pillow().alpha_composite(below, image).convert("RGB")
        if any(low != high for low, high in out.getextrema()):
            break
    return out.convert(mode)


def _raw_mode(image) -> str:
    """Return how the first tile of an image is stored, such as RGB;16B."""
    if not image.tile:
        return ""
    args = image.tile[0][3]
    mode = args[0] if isinstance(args, tuple) and args else args
    return mode if isinstance(mode, str) else ""


def _is_deep(image) -> bool:
    colour = image.mode in ("RGB", "RGBA", "RGBX") and ";16" in _raw_mode(image)
    return colour or image.mode.startswith("I") or image.mode == "F"


def _deep(image, raw: bytes | Path, size: int | None) -> np.ndarray | Deep:
    if image.mode in ("RGB", "RGBA", "RGBX"):
        values = _sixteen_bit_colours(image, raw)
        if values is None:
            return _sized(_opaque(_upright(image)), size)
    else:
        values = np.atleast_3d(np.asarray(_upright(image)))
    kind = "point" if values.dtype.kind == "f" else "whole"
    if not np.isfinite(values).all():
        raise Unreadable("it holds NaN or infinite values")
    low, high = float(values.min()), float(values.max())
    out = values.astype(np.float32)
    if size:
        floats = [pillow().fromarray(np.ascontiguousarray(c)) for c in np.moveaxis(out, -1, 0)]
        out = np.stack([_sized(c, size)[..., 0] for c in floats], -1)
    return Deep(out, kind, low, high)


def _sixteen_bit_colours(image, raw: bytes | Path) -> np.ndarray | None:
    """Read uint16 (h, w, 3) from an image whose low bytes Pillow drops; None if they are lost.

    The low bytes are read by opening the image with its byte order swapped.
    """
    stored = _raw_mode(image)
    order = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}.get(stored[-1])
    if order is None:
        return None
    with open_image(raw) as other:
        tiles = []
        for tile in other.tile:
            args = tile[3]
            new = stored[:-1] + order
            args = (new, *args[1:]) if isinstance(args, tuple) else new
            tiles.append(tile._replace(args=args))
        other.tile = tiles
        try:
            lower = np.asarray(_upright(other))
        except Exception:  # this form has no reader for the other order
            return None
    upper = np.asarray(_upright(image))
    if upper.shape[-1] == 4 and image.mode == "RGBA" and upper[..., 3].min() < 255:
        return None  # Pillow composes eight bits
    return (upper[..., :3].astype(np.uint16) << 8) | lower[..., :3]


def header(raw: bytes | Path) -> tuple[tuple[int, int], bool] | None:
    """Read (width, height) and whether an image is grey from its header; None if unreadable."""
    try:
        with open_image(raw) as image:
            lies = image.getexif().get(0x0112, 1) > 4 and image.format != "TIFF"  # Pillow turns it
            size = image.size[::-1] if lies else image.size
            return size, image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")
    except Unreadable:
        return None
    except Exception:  # its EXIF is damaged
        return None


def name_of(raw: bytes | Path, otherwise: str) -> str:
    """Return the path of an image for a message; `otherwise` for one that is bytes."""
    return shown(raw) if isinstance(raw, Path) else otherwise
