"""Generated folders and files for every reader of images: each is read, or refused in a sentence.

Seeded, so that a failure can be looked at again. `CASES` a form; `tests/torture.py` asks for more.
"""

import gzip
import io
import os
import shutil
import struct
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pictures import HEIC, JXL, POINTER, SVG, bomb_png, deep_png, encoded, noise, write
from PIL import Image
from scipy.io import savemat

from nbcore import data
from nbcore.errors import NbcoreError

CASES = int(os.environ.get("NBCORE_GENERATED", 100))
WORDS = ["cat", "dog", "train", "test", "Train", "val", "images", "seg_train", "split=test", "1"]
WORDS += ["test tube", "label=cat", "caf\u00e9", "cafe\u0301", "a b", "[x]", "masks", "caf\udce9"]
WORDS += [".hidden", "__MACOSX", "parquet", "a::class", "#1", "-", "~", "x" * 60]
ENDS = [".png", ".PNG", ".jpg", ".tiff", ".gif", "", ".txt", ".heic", ".parquet", ".webp", ".json"]


@pytest.fixture(autouse=True)
def alone(monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_OFFLINE", "1")


def pick(rng, options):
    return options[rng.integers(len(options))]


def a_picture(rng):
    """The bytes of a picture of some mode, depth and format, perhaps damaged."""
    side = int(rng.integers(1, 9))
    kind = rng.integers(14)
    grey = noise(rng, side, side, 0)
    if kind == 0:
        content = pick(rng, [HEIC, JXL, SVG, POINTER, b"", b"text\n", bomb_png(), b"\0" * 50])
    elif kind == 1:
        content = encoded(noise(rng, side, side, 4))
    elif kind == 2:
        content = encoded(grey.astype(np.uint16) * int(rng.integers(1, 258)))
    elif kind == 3:
        scale = pick(rng, [1 / 255, 1, -1, 1e6, 1e30, np.nan, np.inf])
        with np.errstate(invalid="ignore"):
            values = grey.astype(np.float32) * np.float32(scale)
        content = encoded(Image.fromarray(values), "TIFF")
    elif kind == 4:
        content = encoded(Image.fromarray(grey.astype(np.int32) * 10_000_000 - 5), "TIFF")
    elif kind == 5:
        content = deep_png(rng.integers(0, 5000, (side, side, 3)))
    elif kind == 6:
        exif = Image.Exif()
        exif[0x0112] = int(rng.integers(0, 12))
        content = encoded(noise(rng, side, side), pick(rng, ["JPEG", "PNG", "TIFF"]), exif=exif)
    elif kind == 7:
        content = encoded(Image.fromarray(grey).convert(pick(rng, ["1", "CMYK", "LA"])), "TIFF")
    else:
        content = encoded(noise(rng, side, side), pick(rng, ["PNG", "JPEG", "GIF", "BMP", "WEBP"]))
    return damaged(rng, content, 0.2)


def damaged(rng, content, share):
    """The content, or with the given chance: cut, or with bytes flipped."""
    if rng.random() > share or len(content) < 2:
        return content
    if rng.random() < 0.5:
        return content[: rng.integers(len(content))]
    out = bytearray(content)
    for at in rng.integers(len(out), size=int(rng.integers(1, 20))):
        out[at] ^= int(rng.integers(1, 256))
    return bytes(out)


def a_tree(rng, root):
    root.mkdir()
    for _ in range(int(rng.integers(1, 14))):
        parts = [pick(rng, WORDS) for _ in range(int(rng.integers(0, 4)))]
        file = root.joinpath(*parts, f"{rng.integers(100)}{pick(rng, ENDS)}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(file):  # to write into a pipe would wait for ever
                continue
            form = rng.integers(12)
            if form == 0:
                file.symlink_to(pick(rng, ["..", ".", "nowhere", str(root), file.name]))
            elif form == 1:
                os.mkfifo(file)
            else:
                file.write_bytes(a_picture(rng))
        except OSError:  # a file lies where a folder should be, or the other way round
            continue
    return root


def a_clean_tree(rng, root):
    """Whole pictures in two classes or more, so that much of it is read."""
    splits = pick(rng, [[""], ["train", "test"], ["Train", "valid", "test"], ["seg_train", "x"]])
    side = int(rng.integers(2, 7))
    for split in splits:
        for name in ("ant", "bee", "cow")[: rng.integers(1, 4)]:
            below = pick(rng, ["", "", "day", "train"])
            for i in range(int(rng.integers(1, 5))):
                channels = int(pick(rng, [0, 3, 3, 4]))
                content = encoded(noise(rng, side, side, channels))
                write(
                    root.joinpath(split, name, below, f"{i}{pick(rng, ['.png', '', '.jpg'])}"),
                    content,
                )
    return root


def some_parquet(rng, root):
    n = int(rng.integers(0, 16))
    odd = pick(rng, [0, 0, 0.3])
    cells = [a_picture(rng) if rng.random() < odd else encoded(noise(rng, 4, 4)) for _ in range(n)]
    kinds = [
        cells,
        [{"bytes": c, "path": "x"} for c in cells],
        [{"path": "x"} for _ in cells],
        ["text"] * n,
        [None] * n,
        [list(c[:3]) for c in cells],
    ]
    labels = [
        rng.integers(0, 3, n),
        rng.integers(-1, 2, n),
        rng.random(n),
        ["a"] * n,
        [None] * n,
        np.full(n, 2**40),
    ]
    stored = table(kinds[int(rng.random() ** 3 * 6)], labels[int(rng.random() ** 3 * 6)], rng)
    name = pick(rng, ["train-0", "test-0", "data", "split=train/p", "x_val", "a/b/c"])
    file = root / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(stored, file)
    write(file, damaged(rng, file.read_bytes(), 0.4))
    return root if rng.random() < 0.7 else file


def table(images, labels, rng):
    names = pick(rng, [("img", "label"), ("image", "fine_label"), ("image", "label"), ("x", "y")])
    out = pa.table({names[0]: images, names[1]: labels})
    if rng.random() < 0.3:
        meta = pick(
            rng, [b"{}", b"no json", b'{"info": {"features": {"label": {"names": ["a"]}}}}']
        )
        out = out.replace_schema_metadata({b"huggingface": meta})
    return out


def idx_files(rng, root):
    for part in ("train", "t10k"):
        n = int(rng.integers(0, 4))
        arrays = {
            "images-idx3": noise(rng, n, 4 * 4, 0).reshape(n, 4, 4),
            "labels-idx1": rng.integers(0, 12, n),
        }
        for name, array in arrays.items():
            head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            content = damaged(rng, head + array.astype(np.uint8).tobytes(), 0.2)
            write(root / f"{part}-{name}-ubyte.gz", damaged(rng, gzip.compress(content), 0.2))
    return root


def cifar_files(rng, root):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in ("data_batch_1.bin", "test_batch.bin", "fine_label_names.txt")[
            : rng.integers(1, 4)
        ]:
            body = damaged(
                rng, rng.integers(0, 10, 3073 * int(rng.integers(1, 3)), np.uint8).tobytes(), 0.3
            )
            info = tarfile.TarInfo(f"x/{name}")
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    write(root / "cifar-10-binary.tar.gz", damaged(rng, stream.getvalue(), 0.4))
    return root


def svhn_files(rng, root):
    n = int(rng.integers(0, 4))
    images = pick(rng, [noise(rng, 32, 32 * 3 * n, 0).reshape(32, 32, 3, n), noise(rng, 2, 2)])
    root.mkdir()
    savemat(root / "test_32x32.mat", {"X": images, "y": rng.integers(1, 11, (n, 1))})
    content = (root / "test_32x32.mat").read_bytes()
    write(root / "test_32x32.mat", damaged(rng, content, 0.4))
    return root


MAKERS = {
    "tree": a_tree,
    "clean tree": a_clean_tree,
    "parquet": some_parquet,
    "idx": idx_files,
    "cifar": cifar_files,
    "svhn": svhn_files,
}
#: of these at least so many of a hundred are read, so that not everything is refused
READ = {"tree": 1, "clean tree": 40, "parquet": 2, "idx": 2, "cifar": 2, "svhn": 2}


@pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")
@pytest.mark.parametrize("form", MAKERS)
def test_every_generated_input_is_read_or_refused_in_a_sentence(tmp_path, form):
    read = 0
    for case in range(CASES * (2 if form in ("tree", "clean tree") else 1)):
        rng = np.random.default_rng([case, len(form)])
        root = MAKERS[form](rng, tmp_path / "in")
        try:
            read += ask(root, pick(rng, [None, 1, 4]))
        except NbcoreError as error:
            said = str(error)
            assert said and "\n" not in said, f"case {case}: {said!r}"
            said.encode()
        except Exception as error:
            raise AssertionError(f"{form}, case {case}: {error!r}") from error
        shutil.rmtree(tmp_path / "in", ignore_errors=True)
    assert read * 100 >= READ[form] * CASES


def ask(root, size):
    """Everything that may be asked of a folder; what comes back has the promised form."""
    assert len(data.checksum(root)) == 64
    "".join(data.describe(root)).encode()
    both = data.train_test(root, size)
    for part in both[:2]:
        n = len(part)
        assert part.images.shape[0] == n == len(part.files) and part.images.dtype == np.uint8
        assert part.images.shape[-1] in (1, 3) and set(part.labels) <= set(range(len(part.classes)))
        "".join([*part.classes, *part.files, *part.notes]).encode()
    return True
