"""Pictures of every kind that a folder may hold, for the tests of readers."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def noise(rng, h=6, w=6, channels=3):
    """uint8 noise, (h, w) without channels."""
    return rng.integers(0, 256, (h, w, channels) if channels else (h, w), np.uint8)


def encoded(pixels, kind="PNG", **how):
    """A picture as the bytes of a file; `pixels` an array or a Pillow image."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream := io.BytesIO(), kind, **how)
    return stream.getvalue()


def deep_png(values, colour_type=2):
    """A PNG of 16 bits a channel, which Pillow does not write: values (h, w, c)."""
    h, w, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", w, h, 16, colour_type, 0, 0, 0)
    return _png(head, zlib.compress(rows))


def bomb_png(side=20_000):
    """A small file that says it is side×side pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return _png(head, zlib.compress(b"\0" * 1000))


def _png(head, body):
    def chunk(name, content):
        crc = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def write(file, content):
    """Bytes to a file in a folder that may not be there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100
JXL = b"\xff\x0a" + b"\1" * 100
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'></svg>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
