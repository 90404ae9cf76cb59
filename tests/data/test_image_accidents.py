"""What folders hold besides images, and images that are none: a sentence each, and no run hangs."""

import os
import socket

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pictures import POINTER, bomb_png, encoded, noise, write

from nbcore import data
from nbcore.errors import DataError

RNG = np.random.default_rng(2)


@pytest.fixture(autouse=True)
def alone(monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_OFFLINE", "1")


def zoo(root, n=4, names=("ant", "bee")):
    """`n` pictures in each of some classes; returns the folder."""
    for name in names:
        for i in range(n):
            write(root / name / f"{i:03}.png", encoded(noise(RNG)))
    return root


def table(file, n=4, image="img"):
    file.parent.mkdir(parents=True, exist_ok=True)
    cells = [encoded(noise(RNG)) for _ in range(n)]
    pq.write_table(pa.table({image: cells, "label": [i % 2 for i in range(n)]}), file)
    return file


def counts(name):
    found = data.load(name)
    return dict(zip(found.classes, np.bincount(found.labels).tolist(), strict=True))


# --- images that are none


def make_fifo(file):
    os.mkfifo(file)


def make_socket(file):
    here = os.getcwd()
    os.chdir(file.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(file.name)
    finally:
        os.chdir(here)


BROKEN = {
    "named pipe": (make_fifo, "a named pipe, socket or device"),
    "socket": (make_socket, "a named pipe, socket or device"),
    "device": (lambda file: file.symlink_to("/dev/zero"), "a named pipe, socket or device"),
    "broken link": (lambda file: file.symlink_to("nowhere.png"), "a link that leads nowhere"),
    "link to itself": (lambda file: file.symlink_to(file.name), "a link that leads nowhere"),
    "bomb": (lambda file: write(file, bomb_png()), "a decompression bomb"),
    "pointer": (lambda file: write(file, POINTER), "a Git LFS pointer.*git lfs pull"),
    "empty": (lambda file: write(file, b""), "an empty file"),
    "text": (lambda file: write(file, b"<html>log in first</html>"), "of no known format"),
    "cut": (lambda file: write(file, encoded(noise(RNG, 99, 99), "JPEG")[:900]), "truncated"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("n", [4, 60])
def test_what_is_no_image_is_one_sentence_with_its_name(tmp_path, case, n):
    make, says = BROKEN[case]
    root = zoo(tmp_path / "zoo", n)
    make(root / "bee" / "bad.png")
    if n * 2 * 0.01 < 1:  # one is over 1 %
        with pytest.raises(DataError, match=rf"bee/bad\.png is no readable image \(.*{says}") as e:
            data.load(root)
        assert "\n" not in str(e.value)
        return
    found = data.load(root)
    assert len(found) == 2 * n and "bee/bad.png" not in found.files
    assert "bee/bad.png" in found.notes[0] and "1 of 121 images cannot be read" in found.notes[0]
    assert data.checksum(root) == found.checksum


@pytest.mark.parametrize("place", ["bee/caf\udce9.png", "caf\udce9/1.png"])
def test_a_name_that_is_no_utf8_is_one_sentence(tmp_path, place):
    root = zoo(tmp_path / "zoo")
    write(root / place, encoded(noise(RNG)))
    with pytest.raises(DataError, match=r"caf\\xe9.*its name is no UTF-8") as error:
        data.load(root)
    str(error.value).encode()  # it can be printed
    " ".join(data.describe(root)).encode()
    assert len(data.checksum(root)) == 64


def test_a_folder_whose_path_is_no_utf8_is_said(tmp_path):
    root = zoo(tmp_path / "caf\udce9")
    with pytest.raises(DataError, match="no UTF-8"):
        data.load(root)


@pytest.mark.parametrize("make", [make_fifo, make_socket], ids=["pipe", "socket"])
def test_a_pipe_in_the_place_of_a_data_set_does_not_hang(tmp_path, make):
    make(tmp_path / "images")
    with pytest.raises(DataError, match="named pipe"):
        data.load(tmp_path / "images")
    zoo(tmp_path / "zoo")
    make(tmp_path / "zoo" / "data.parquet")
    assert counts(tmp_path / "zoo") == {"ant": 4, "bee": 4}


@pytest.mark.parametrize("name", ["one.png", "one.npy", "notes.txt", "table.csv", "x" * 300])
def test_a_single_file_is_no_data_set(tmp_path, name):
    if len(name) < 100:
        write(tmp_path / name, encoded(noise(RNG)))
    with pytest.raises(DataError, match="single file|no file or folder"):
        data.load(tmp_path / name)
    with pytest.raises(DataError):
        data.load(f"{tmp_path}/\0")


# --- parquet


def pointer_in_place(file):
    write(file, POINTER)


def cut_in_place(file):
    write(file, file.read_bytes()[:-50])


def scrambled(file):
    content = bytearray(file.read_bytes())
    content[4:200] = bytes(196)
    write(file, bytes(content))


@pytest.mark.parametrize("damage", [pointer_in_place, cut_in_place, scrambled])
@pytest.mark.parametrize("others", [True, False])
def test_damaged_parquet_is_one_sentence_with_its_name(tmp_path, damage, others):
    if others:
        table(tmp_path / "set" / "train-0.parquet")
    damage(table(tmp_path / "set" / "train-1.parquet"))
    with pytest.raises(DataError, match=r"train-1\.parquet is (damaged|a Git LFS)|is no read") as e:
        data.load(tmp_path / "set", "train")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "names, have",
    [
        (["test-00000-of-00001"], ["test"]),
        (["train-0", "validation-0"], ["train", "val"]),
        (["split=train/part-0", "split=test/part-0"], ["test", "train"]),
        (["data/train-0", "data/test-0"], ["test", "train"]),
        (["cifar_train", "cifar_test"], ["test", "train"]),
        (["Train/0000", "Test/0000"], ["test", "train"]),
        (["training_set", "test_set"], ["test", "train"]),
        (["0000", "0001"], [""]),
    ],
)
def test_splits_of_parquet(tmp_path, names, have):
    for name in names:
        table(tmp_path / "set" / f"{name}.parquet")
    assert data.readers.splits(data.sources.find(tmp_path / "set")) == have
    both = data.train_test(tmp_path / "set")
    whole = len(have) == 1
    assert len(both.train) + len(both.test) == (4 * len(names) if whole else 8)
    if whole:
        assert len(data.load(tmp_path / "set", "train")) == len(data.load(tmp_path / "set", "test"))


def test_parquet_beside_classes_of_pictures_is_for_the_reader_to_choose(tmp_path):
    root = zoo(tmp_path / "zoo")
    table(root / "data.parquet", 6)
    with pytest.raises(DataError, match=r"layout=parquet \(1 files.* or layout=class \(ant 4, bee"):
        data.load(root)
    assert counts(f"{root}::parquet") == {"0": 3, "1": 3}
    assert counts(f"{root}::class") == {"ant": 4, "bee": 4}


# --- what else lies there


def own_output(root):
    """The files that `nbcore difficulty --out` writes."""
    pq.write_table(pa.table({"file": ["ant/000.png"], "doubt": [0.5]}), root / "difficulty.parquet")
    write(root / "difficulty.csv", b"file,doubt\nant/000.png,0.5\n")
    write(root / "difficulty.html", b"<!doctype html><img src='data:image/png;base64,'>")


STRAYS = {
    "a Mac's": lambda root: write(root / "ant" / "._000.png", b"\0\5\x16\7 Mac OS X"),
    "a logo": lambda root: write(root / "logo.png", encoded(noise(RNG, 50, 80))),
    "a vector logo": lambda root: write(root / "logo.svg", b"<svg></svg>"),
    "unrelated parquet": lambda root: pq.write_table(pa.table({"a": [1]}), root / "a.parquet"),
    "damaged parquet": lambda root: write(root / "a.parquet", b"PAR1 no more"),
    "own output": own_output,
    "texts": lambda root: [
        write(root / "ant" / name, b"Pythagoras was here\n")
        for name in ("labels.txt", "000.json", "README", "Thumbs.db", "000.xml")
    ],
    "hidden": lambda root: write(root / ".cache" / "thumb.png", encoded(noise(RNG))),
    "a folder of texts": lambda root: write(root / "annotations" / "1.xml", b"<a/>"),
    "an empty folder": lambda root: (root / "cow").mkdir(),
    "a link back": lambda root: (root / "ant" / "up").symlink_to(".."),
    "a link to itself": lambda root: (root / "loop").symlink_to("loop"),
    "a pipe": lambda root: os.mkfifo(root / "ant" / "pipe"),
    "numbers": lambda root: np.save(root / "scores.npy", np.arange(3)),
}


@pytest.mark.parametrize("case", STRAYS)
def test_stray_files_stop_nothing(tmp_path, case):
    root = zoo(tmp_path / "zoo")
    before = data.load(root)
    STRAYS[case](root)
    after = data.load(root)
    assert np.array_equal(before.images, after.images)
    assert np.array_equal(before.files, after.files) and before.classes == after.classes
    assert all("\n" not in line for line in data.describe(root))


@pytest.mark.parametrize("name", ["0.parquet", "train-images-idx3-ubyte", "0.npy", "0_32x32.mat"])
def test_a_picture_under_the_name_of_another_form_is_a_picture(tmp_path, name):
    """The first file's name once chose the reader of all, which then waited for a pipe."""
    root = zoo(tmp_path / "zoo")
    before = counts(root)
    first = min((root / "ant").iterdir())
    first.rename(root / "ant" / name)
    assert counts(root) == before
    os.mkfifo(root / "ant" / "pipe.png")
    with pytest.raises(DataError, match="named pipe"):
        data.load(root)


# --- links


def test_links_are_followed_with_their_classes(tmp_path):
    """36 images, 24 of them behind links: a class's folder, a picture, and a folder within."""
    root = zoo(tmp_path / "zoo", 12, ["ant"])
    elsewhere = zoo(tmp_path / "elsewhere", 12, ["bee", "cow"])
    (root / "bee").symlink_to(elsewhere / "bee")
    (root / "cow").mkdir()
    for file in sorted((elsewhere / "cow").iterdir())[:6]:
        (root / "cow" / file.name).symlink_to(file)
    rest = write(tmp_path / "rest" / "x.txt", b"").parent
    for file in sorted((elsewhere / "cow").iterdir())[6:]:
        file.rename(rest / file.name)
    (root / "cow" / "rest").symlink_to(rest)
    assert counts(root) == {"ant": 12, "bee": 12, "cow": 12}
    (tmp_path / "link").symlink_to(root)
    assert counts(tmp_path / "link") == {"ant": 12, "bee": 12, "cow": 12}


def test_a_class_behind_a_broken_link_is_said(tmp_path):
    root = zoo(tmp_path / "zoo")
    (root / "cow").symlink_to(tmp_path / "unmounted")
    assert "1 broken links, named pipes or the like" in " ".join(data.load(root).notes)
    assert "zoo/cow" in " ".join(data.describe(root))


def test_links_in_circles_end(tmp_path):
    root = zoo(tmp_path / "zoo")
    (root / "ant" / "up").symlink_to(root)
    (root / "ant" / "bee").symlink_to(root / "bee")
    (root / "bee" / "ant").symlink_to(root / "ant")
    found = data.load(root)
    assert found.classes == ("ant", "bee") and len(found) >= 8
    assert "links back to a folder above" in " ".join(found.notes)


def test_folders_full_of_links_to_each_other_end(tmp_path):
    names = [f"c{i}" for i in range(12)]
    root = zoo(tmp_path / "zoo", 1, names)
    for a in names:
        for b in names:
            (root / a / b).symlink_to(root / b)
    found = data.load(root)
    assert found.classes == tuple(sorted(names)) and len(found) <= 12 * 9
