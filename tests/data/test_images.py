"""Every form in which images may lie on disk, whole and damaged."""

import gzip
import io
import json
import struct
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy.io import savemat

from nbcore import data
from nbcore.data import images as module
from nbcore.errors import DataError, ParameterError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def alone(monkeypatch, own_cache, tmp_path):
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setenv("NBCORE_OFFLINE", "1")


def noise(h=6, w=6, channels=3):
    return RNG.integers(0, 256, (h, w, channels) if channels else (h, w), np.uint8)


def encoded(pixels, kind="PNG"):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def parquet(file, cells, labels, image="img", label="label", names=None, struct_cells=True):
    file.parent.mkdir(parents=True, exist_ok=True)
    column = [{"bytes": c, "path": None} for c in cells] if struct_cells else cells
    table = pa.table({image: column, label: labels})
    if names:
        meta = {"info": {"features": {label: {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(meta)})
    pq.write_table(table, file)


def picture(file, pixels, **how):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **how)


# --- image parquet


@pytest.mark.parametrize("image, label", [("img", "label"), ("image", "fine_label")])
@pytest.mark.parametrize("struct_cells", [True, False])
def test_parquet(tmp_path, image, label, struct_cells):
    pixels = [noise() for _ in range(5)]
    cells = [encoded(p) for p in pixels]
    names = ["ant", "bee", "cow"]
    parquet(tmp_path / "b/train-0.parquet", cells[:2], [0, 1], image, label, names, struct_cells)
    parquet(tmp_path / "b/test-0.parquet", cells[2:4], [2, 0], image, label, names, struct_cells)
    parquet(tmp_path / "b/test-1.parquet", cells[4:], [1], image, label, names, struct_cells)
    test = data.load(tmp_path / "b")
    assert len(test) == 3 and test.classes == ("ant", "bee", "cow")
    assert test.labels.dtype == np.int64 and test.labels.tolist() == [2, 0, 1]
    assert test.images.dtype == np.uint8 and np.array_equal(test.images, pixels[2:])
    assert data.load(str(tmp_path / "b"), "train").labels.tolist() == [0, 1]
    assert test.checksum == data.checksum(tmp_path / "b") and str(tmp_path / "b") in test.source
    part = test.subset([2, 0])
    assert part.labels.tolist() == [1, 2] and np.array_equal(part.images[0], pixels[4])
    with pytest.raises(DataError, match="no split 'val'; it has: test, train"):
        data.load(tmp_path / "b", "val")


def test_parquet_without_names_or_splits(tmp_path):
    parquet(tmp_path / "b/data.parquet", [encoded(noise()) for _ in range(3)], [0, 4, 1])
    assert data.load(tmp_path / "b").classes == ("0", "1", "2", "3", "4")
    assert len(data.load(tmp_path / "b", "train")) == len(data.load(tmp_path / "b/data.parquet"))


def test_splits_may_be_folders(tmp_path):
    parquet(tmp_path / "b/train/0000.parquet", [encoded(noise())] * 2, [0, 1])
    parquet(tmp_path / "b/validation/0000.parquet", [encoded(noise())], [1])
    assert [len(data.load(tmp_path / "b", split)) for split in ("train", "val")] == [2, 1]
    before = data.checksum(tmp_path / "b")
    assert before == data.checksum(tmp_path)  # how deep it lies does not matter, what it is does
    parquet(tmp_path / "b/train/0000.parquet", [encoded(noise())] * 2, [1, 1])
    assert data.checksum(tmp_path / "b") != before


def test_a_name_in_the_data_folder(tmp_path):
    cells = [encoded(noise(32, 32)) for _ in range(3)]
    parquet(tmp_path / "cifar10/test-0.parquet", cells, [0, 9, 3])
    assert data.load("cifar10").classes[9] == "truck"
    parquet(tmp_path / "cifar10/test-0.parquet", cells, [0, 10, 3])
    with pytest.raises(DataError, match="labels from 0 to 9, but has 0 to 10"):
        data.load("cifar10")


def bad_parquet(tmp_path, case):
    file, good = tmp_path / "b" / "data.parquet", encoded(noise())
    broken = {"corrupt": b"no image at all", "cut": encoded(noise(99, 99), "JPEG")[:900]}
    parquet(
        file,
        [good, broken.get(case, good)] if case != "empty" else [],
        {"negative": [0, -1], "words": ["a", "b"], "gap": [0, None], "empty": []}.get(case, [0, 1]),
        image="picture" if case == "column" else "img",
    )
    if case == "paths":
        pq.write_table(pa.table({"img": ["/etc/hostname"], "label": [0]}), file)
    if case == "no bytes":
        parquet(file, [good, None], [0, 1])
    if case == "truncated":
        file.write_bytes(file.read_bytes()[:-100])
    if case == "empty":
        ints = pa.array([], pa.int64())
        pq.write_table(pa.table({"img": pa.array([], pa.binary()), "label": ints}), file)
    return file.parent


@pytest.mark.parametrize(
    "case, says",
    [
        ("corrupt", r"b\[1\] is no readable image"),
        ("cut", r"b\[1\] is no readable image"),
        ("negative", "labels from 0 to 99999, but has -1 to 0"),
        ("words", r"integers in `label`; it has .*label \(string\)"),
        ("column", r"needs bytes in `img` or `image`.*picture \(struct"),
        ("paths", r"needs bytes in `img` or `image`"),
        ("gap", "without image bytes or label"),
        ("no bytes", "without image bytes or label"),
        ("truncated", "is damaged"),
        ("empty", "needs labels .* but has none"),
    ],
)
def test_bad_parquet_is_one_sentence(tmp_path, case, says):
    with pytest.raises(DataError, match=says) as error:
        data.load(bad_parquet(tmp_path, case))
    assert "\n" not in str(error.value)


# --- a folder per class


def test_tree_with_mixed_modes_becomes_rgb(tmp_path):
    grey = noise(channels=0)
    tree = tmp_path / "zoo"
    picture(tree / "ant/rgb.png", noise())
    picture(tree / "ant/rgba.png", noise(channels=4))
    picture(tree / "bee/grey.png", grey)
    picture(tree / "bee/16bit.png", grey.astype(np.uint16) * 257)
    Image.fromarray(noise()).quantize(8).save(tree / "bee/palette.gif")
    (tree / "bee/notes.txt").write_text("no picture")
    zoo = data.load(tree)
    assert zoo.images.shape == (5, 6, 6, 3) and zoo.classes == ("ant", "bee")
    assert zoo.labels.tolist() == [0, 0, 1, 1, 1]  # sorted by path
    for i in (2, 3):
        assert np.array_equal(zoo.images[i], np.repeat(grey[..., None], 3, 2))


def test_tree_of_grey_pictures_stays_grey(tmp_path):
    picture(tmp_path / "zoo/ant/1.png", noise(channels=0))
    picture(tmp_path / "zoo/bee/2.png", noise(channels=0).astype(np.uint16) * 257)
    Image.fromarray(noise(channels=0)).convert("1").save(tmp_path / "zoo/bee/3.png")
    assert data.load(tmp_path / "zoo").images.shape == (3, 6, 6, 1)


def test_tree_splits_share_their_classes(tmp_path):
    for place in ("train/ant", "train/bee", "val/bee"):
        picture(tmp_path / "zoo" / place / "1.png", noise())
    val = data.load(tmp_path / "zoo", "val")
    assert val.classes == ("ant", "bee") and val.labels.tolist() == [1]
    with pytest.raises(DataError, match="no split 'test'; it has: train, val"):
        data.load(tmp_path / "zoo")


def test_a_class_may_be_called_train(tmp_path):
    picture(tmp_path / "zoo/train/1.png", noise())
    picture(tmp_path / "zoo/plane/1.png", noise())
    assert data.load(tmp_path / "zoo").classes == ("plane", "train")


def test_label_is_part_of_the_checksum(tmp_path):
    picture(tmp_path / "zoo/ant/1.png", noise())
    picture(tmp_path / "zoo/bee/2.png", noise())
    before = data.checksum(tmp_path / "zoo")
    (tmp_path / "zoo/ant/1.png").rename(tmp_path / "zoo/bee/1.png")
    assert data.checksum(tmp_path / "zoo") != before


def test_sizes(tmp_path):
    picture(tmp_path / "zoo/ant/1.png", noise(6, 8))
    picture(tmp_path / "zoo/ant/2.png", noise(9, 8))
    with pytest.raises(DataError, match=r"8×6 and 8×9 pixels: choose one, as in size=6"):
        data.load(tmp_path / "zoo")
    assert data.load(tmp_path / "zoo", size=5).images.shape == (2, 5, 5, 3)
    for size in (0, -3, 2.5, "8"):
        with pytest.raises(ParameterError, match="whole number of pixels"):
            data.load(tmp_path / "zoo", size=size)


def test_stray_and_corrupt_pictures(tmp_path):
    picture(tmp_path / "zoo/ant/1.png", noise())
    (tmp_path / "zoo/ant/2.png").write_bytes(b"\x89PNG but no more")
    with pytest.raises(DataError, match=r"2\.png is no readable image"):
        data.load(tmp_path / "zoo")
    (tmp_path / "zoo/ant/2.png").rename(tmp_path / "zoo/2.png")
    with pytest.raises(DataError, match="outside any class folder"):
        data.load(tmp_path / "zoo")


def test_cinic10_leaves_out_what_it_took_from_cifar10(tmp_path):
    folder = tmp_path / data.entry("cinic10-imagenet").folder
    for i, name in enumerate(data.entry("cinic10-imagenet").classes):
        picture(folder / "test" / name / f"n0{i}_1.png", noise(32, 32))
        picture(folder / "test" / name / "cifar10-test-1.png", noise(32, 32))
    assert data.load("cinic10-imagenet").labels.tolist() == list(range(10))


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), *[st.integers(1, 9)] * 2, st.just(3))))
def test_decoding_gives_back_what_was_encoded(pixels):
    raw = [encoded(image) for image in pixels]
    assert np.array_equal(module.decode_all(raw, None, "some").images, pixels)


def test_large_sets_are_decoded_once(tmp_path, monkeypatch, own_cache):
    cell = encoded(noise(2, 2))
    parquet(tmp_path / "b/test.parquet", [cell] * 5001, [0] * 5001)
    first = data.load(tmp_path / "b")
    assert len(list((own_cache / "decoded").iterdir())) == 1
    monkeypatch.setattr(module, "decode_all", None)
    again = data.load(tmp_path / "b")
    assert np.array_equal(first.images, again.images)
    monkeypatch.undo()
    monkeypatch.setenv("NBCORE_CACHE", str(own_cache))
    kept = next((own_cache / "decoded").iterdir())
    kept.write_bytes(kept.read_bytes()[:100])  # a damaged copy is made anew
    assert np.array_equal(data.load(tmp_path / "b").images, first.images)


# --- original releases, in small


def write_idx(folder, part, images, labels, packed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for kind, array in (("images", images), ("labels", labels)):
        head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        body = head + array.astype(np.uint8).tobytes()
        name = f"{part}-{kind}-idx{array.ndim}-ubyte"
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(body) if packed else body)


@pytest.mark.parametrize("packed", [True, False])
def test_idx(tmp_path, packed):
    folder, images = tmp_path / "fashion-mnist", noise(4, 28, 28)
    write_idx(folder, "train", images, np.arange(4), packed)
    write_idx(folder, "t10k", images[:2], np.array([9, 0]), packed)
    assert np.array_equal(data.load("fashion-mnist", "train").images[..., 0], images)
    test = data.load("fashion-mnist")
    assert test.images.shape == (2, 28, 28, 1) and test.classes[9] == "Ankle boot"
    assert data.load("fashion-mnist", size=32).images.shape == (2, 32, 32, 1)
    with pytest.raises(DataError, match="no split 'val'"):
        data.load("fashion-mnist", "val")


def test_bad_idx(tmp_path):
    folder = tmp_path / "fashion-mnist"
    write_idx(folder, "t10k", noise(4, 28, 28), np.arange(3))
    with pytest.raises(DataError, match="4 images, 3 labels"):
        data.load("fashion-mnist")
    write_idx(folder, "t10k", noise(4, 28, 28), np.arange(4))
    file = folder / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(DataError, match="is damaged"):
        data.load("fashion-mnist")
    file.write_bytes(gzip.compress(b"\0\0\x08\x03 too short"))
    with pytest.raises(DataError, match="is damaged"):
        data.load("fashion-mnist")
    file.unlink()
    with pytest.raises(DataError, match="has no split 'test'"):
        data.load("fashion-mnist")


def cifar_archive(file, members):
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:gz") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))


def test_cifar10_binary(tmp_path):
    images = RNG.integers(0, 256, (6, 32, 32, 3), np.uint8)
    rows = [bytes([i]) + im.transpose(2, 0, 1).tobytes() for i, im in enumerate(images)]
    file = tmp_path / "cifar10/cifar-10-binary.tar.gz"
    members = {f"cifar-10-batches-bin/data_batch_{i + 1}.bin": rows[i] for i in range(5)}
    cifar_archive(file, members | {"cifar-10-batches-bin/test_batch.bin": rows[5]})
    train = data.load("cifar10", "train")
    assert train.labels.tolist() == [0, 1, 2, 3, 4] and np.array_equal(train.images, images[:5])
    assert np.array_equal(data.load("cifar10").images, images[5:])
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(DataError, match="is damaged"):
        data.load("cifar10")
    cifar_archive(file, {"x/test_batch.bin": rows[0] + rows[1][:-1]})
    with pytest.raises(DataError, match="is damaged"):
        data.load("cifar10")


def test_cifar100_binary_has_its_fine_labels(tmp_path):
    names = "\n".join(f"class{i}" for i in range(100)).encode()
    row = bytes([7, 42]) + noise(32, 32).tobytes()
    members = {"c/test.bin": row, "c/train.bin": row * 2, "c/fine_label_names.txt": names}
    cifar_archive(tmp_path / "cifar100/cifar-100-binary.tar.gz", members)
    train = data.load("cifar100", "train")
    assert train.labels.tolist() == [42, 42] and train.classes[42] == "class42"


def test_svhn(tmp_path):
    (tmp_path / "svhn").mkdir()
    images = RNG.integers(0, 256, (32, 32, 3, 4), np.uint8)
    labels = np.array([[1], [10], [9], [5]], np.uint8)
    savemat(tmp_path / "svhn/test_32x32.mat", {"X": images, "y": labels})
    svhn = data.load("svhn")
    assert svhn.labels.tolist() == [1, 0, 9, 5]
    assert np.array_equal(svhn.images[2], images[..., 2])
    with pytest.raises(DataError, match="no split 'train'; it has: test"):
        data.load("svhn", "train")
    (tmp_path / "svhn/test_32x32.mat").write_bytes(b"MATLAB 5.0, cut off")
    with pytest.raises(DataError, match="damaged .it does not begin as a MATLAB 5 file"):
        data.load("svhn")


def test_cifar10_1_never_unpickles(tmp_path):
    folder = tmp_path / "cifar10_1"
    folder.mkdir()
    np.save(folder / "cifar10.1_v4_data.npy", noise(32, 32)[None])
    np.save(folder / "cifar10.1_v4_labels.npy", np.array([3]))
    assert data.load("cifar10.1-v4").labels.tolist() == [3]
    np.save(folder / "cifar10.1_v4_labels.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(DataError, match="is damaged .*allow_pickle"):
        data.load("cifar10.1-v4")
    np.save(folder / "cifar10.1_v4_data.npy", noise(32, 32)[None] / 255)
    np.save(folder / "cifar10.1_v4_labels.npy", np.array([3]))
    with pytest.raises(DataError, match="is damaged"):
        data.load("cifar10.1-v4")


def test_digits():
    train, test = data.load("digits", "train"), data.load("digits")
    assert train.images.shape == (1297, 8, 8, 1) and test.images.shape == (500, 8, 8, 1)
    assert (train.images.min(), train.images.max()) == (0, 255)
    assert train.labels[:10].tolist() == list(range(10))
    assert train.checksum == test.checksum == data.declared("digits")[0]


def test_predictions_are_no_images():
    with pytest.raises(DataError, match="not in NBCORE_DATA"):
        data.load("testbed-cifar10.1")


# --- the real thing


def test_real_fashion_mnist(monkeypatch):
    monkeypatch.delenv("NBCORE_DATA")
    if not data.status()[1].found:
        pytest.skip("needs Fashion-MNIST: the system's package dataset-fashion-mnist")
    test = data.load("fashion-mnist")
    assert test.images.shape == (10000, 28, 28, 1)
    assert test.labels[:8].tolist() == [9, 2, 1, 1, 6, 1, 4, 6]
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert test.checksum == data.declared("fashion-mnist")[0]
