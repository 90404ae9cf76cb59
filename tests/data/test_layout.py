"""Which folders are splits and which are classes: every layout that is known to be met."""

import numpy as np
import pytest
from PIL import Image

from nbcore import data
from nbcore.data.layout import readings, split_of, splits_of_level
from nbcore.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def alone(monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_OFFLINE", "1")


def grow(root, *folders, n=2):
    """Pictures in folders, `n` each; a name with a dot is one picture."""
    for folder in folders:
        single = "." in folder.rpartition("/")[2][1:]
        for path in [folder] if single else [f"{folder}/{i}.png" for i in range(n)]:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(RNG.integers(0, 256, (6, 6, 3), np.uint8)).save(file)
    return root


CD = {"cat": 2, "dog": 2}
SPLIT = {"train": CD, "test": CD}

#: folders of two pictures each -> what they are: split ("" for none) -> class -> pictures; or, in
#: words, why that is refused
LAYOUTS = {
    "classes": (["cat", "dog"], {"": CD}),
    "classes in folders": (["cat/day", "cat/night", "dog/day"], {"": {"cat": 4, "dog": 2}}),
    "deep classes": (["cat/a/b/c/d", "dog/a"], {"": CD}),
    "masks below classes": (["cat/images", "cat/masks", "dog/images"], {"": {"cat": 4, "dog": 2}}),
    "batches below classes": (
        ["cat/batch0", "cat/batch1", "dog/batch0"],
        {"": {"cat": 4, "dog": 2}},
    ),
    "train below classes": (["cat/train", "dog/train"], {"": CD}),
    "checkpoints": (["cat", "cat/.ipynb_checkpoints", ".ipynb_checkpoints", "dog"], {"": CD}),
    "the bin": (["cat", "dog", ".Trash-1000/files", ".Trash-1000/info"], {"": CD}),
    "from a Mac": (["cat", "dog", "__MACOSX/cat", "cat/._0.png"], {"": CD}),
    "single folders": (["archive/data/cat", "archive/data/dog"], {"": CD}),
    "a single folder and a logo": (["pets/cat", "pets/dog", "logo.png"], {"": CD}),
    "a logo in the root": (["cat", "dog", "logo.png"], {"": CD}),
    "a logo beside splits": (["train/cat", "train/dog", "test/cat", "test/dog", "x.png"], SPLIT),
    "splits": (["train/cat", "train/dog", "test/cat", "test/dog"], SPLIT),
    "capitals": (["Train/cat", "Train/dog", "TEST/cat", "TEST/dog"], SPLIT),
    "images/train": (
        ["images/train/cat", "images/train/dog", "images/test/cat", "images/test/dog"],
        SPLIT,
    ),
    "seg_train/seg_train": (
        [f"seg_{s}/seg_{s}/{c}" for s in ("train", "test") for c in CD] + ["seg_pred/seg_pred"],
        SPLIT,
    ),
    "training_set": ([f"{s}_set/{c}" for s in ("training", "test") for c in CD], SPLIT),
    "training_set twice": (
        [f"{s}_set/{s}_set/{c}" for s in ("training", "test") for c in CD],
        SPLIT,
    ),
    "hive": ([f"split={s}/label={c}" for s in SPLIT for c in CD], SPLIT),
    "a word in common": ([f"pets-{s}/{c}" for s in SPLIT for c in CD], SPLIT),
    "years": ([f"{s}2017/{c}" for s in ("train", "val") for c in CD], {"train": CD, "val": CD}),
    "three splits": (
        [f"{s}/{c}" for s in ("train", "valid", "test") for c in CD],
        {"train": CD, "val": CD, "test": CD},
    ),
    "classes in folders below splits": (
        [f"{s}/{c}/{d}" for s in SPLIT for c in CD for d in ("day", "night")],
        {s: {"cat": 4, "dog": 4} for s in SPLIT},
    ),
    "one class in a split": (
        ["train/cat", "train/dog", "test/dog"],
        {"train": CD, "test": {"dog": 2}},
    ),
    "an unlabelled test split": (["train/cat", "train/dog", "test"], {"train": CD}),
    "an unlabelled test split, wrapped": (["train/cat", "train/dog", "test/images"], {"train": CD}),
    "one split": (["train/cat", "train/dog"], {"": CD}),
    "test tube": (
        ["test tube/day", "beaker/day", "beaker/night"],
        {"": {"beaker": 4, "test tube": 2}},
    ),
    "test tubes": (["test tube", "test plate"], {"": {"test plate": 2, "test tube": 2}}),
    "a class train": (["train", "plane"], {"": {"plane": 2, "train": 2}}),
    "two spellings of é": (["train/caf\u00e9", "train/dog", "test/cafe\u0301", "test/dog"], None),
    "class/split": (
        [f"{c}/{s}" for c in CD for s in SPLIT],
        r"layout=class \(cat 4, dog 4\) or layout=class/split "
        r"\(test: cat 2, dog 2; train: cat 2, dog 2\)",
    ),
    "splits and something else": (
        ["train/cat", "train/dog", "test/cat", "test/dog", "samples"],
        r"layout=class \(samples 2, test 4, train 4\) or layout=split/class "
        r"\(test: cat 2, dog 2; train: cat 2, dog 2\)",
    ),
    "a class train with folders": (
        ["train/steam", "train/diesel", "plane"],
        r"layout=class \(plane 2, train 4\) or layout=split/class \(train: diesel 2, steam 2\)",
    ),
    "splits without classes": (["train", "test"], "no class folders in them"),
    "no folders": (["a.png", "b.png", "c.png", "d.png"], "4 pictures outside any class folder"),
    "half of it loose": (["cat", "a.png", "b.png"], "2 pictures outside any class folder"),
}


def seen(name):
    """Split -> class -> pictures, as they are loaded."""
    found = data.sources.find(name)
    out = {}
    for split in data.readers.splits(found):
        part = data.load(name, split or "train")
        counts = np.bincount(part.labels, minlength=len(part.classes))
        out[split] = {c: int(n) for c, n in zip(part.classes, counts, strict=True) if n}
    return out


@pytest.mark.parametrize("case", LAYOUTS)
def test_every_layout(tmp_path, case):
    folders, expected = LAYOUTS[case]
    root = grow(tmp_path / "mine", *folders)
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected) as error:
            data.load(root)
        assert "\n" not in str(error.value)
        return
    expected = expected or {s: {"café": 2, "dog": 2} for s in SPLIT}
    assert seen(root) == {s: expected[s] for s in sorted(expected)}


CHOICES = {
    "class/split": {"class": {"": {"cat": 4, "dog": 4}}, "class/split": {"test": CD, "train": CD}},
    "splits and something else": {
        "class": {"": {"samples": 2, "test": 4, "train": 4}},
        "split/class": {"test": CD, "train": CD},
    },
    "splits without classes": {"class": {"": {"test": 2, "train": 2}}},
    "splits": {"class": {"": {"test": 4, "train": 4}}, "split/class": {"test": CD, "train": CD}},
}


@pytest.mark.parametrize("case, layout", [(c, how) for c in CHOICES for how in CHOICES[c]])
def test_a_layout_may_be_chosen(tmp_path, case, layout):
    root = grow(tmp_path / "mine", *LAYOUTS[case][0])
    assert seen(f"{root}::{layout}") == CHOICES[case][layout]


def test_a_layout_that_is_not_there_is_refused(tmp_path):
    root = grow(tmp_path / "mine", "cat", "dog")
    for layout in ("split/class", "class/split"):
        with pytest.raises(DataError, match=f"cannot be read as {layout}: .*layout=class"):
            data.load(f"{root}::{layout}")


def test_a_chosen_layout_is_another_data_set(tmp_path):
    root = grow(tmp_path / "mine", *LAYOUTS["class/split"][0])
    sums = {data.checksum(f"{root}::{how}") for how in ("class", "class/split")}
    assert len(sums) == 2


def test_configs_write_the_layout_into_the_names_of_folders(tmp_path, monkeypatch):
    from nbcore.runs.config import resolve

    monkeypatch.chdir(grow(tmp_path, "mine/cat/train", "mine/cat/test"))
    given = dict(layout="class/split", id="mine", ood=["digits-shifted", "./mine", "cifar10"])
    for slug in ("rise-and-fall", "zero-shot-class-maps", "example-difficulty"):
        config = resolve(slug, "smoke", **given)
        plain = resolve(slug, "smoke", **(given | {"layout": None}))
        assert config.id == f"{tmp_path / 'mine'}::class/split"
        assert config.ood == ("digits-shifted", "./mine::class/split", "cifar10")
        assert config.address() == plain.address()  # the folder's checksum says how it was read
    config = resolve("prediction-depth", dataset="./mine", model="resnet18", layout="class")
    assert config.dataset == "./mine::class" and config.datasets[0] == "fashion-mnist"


@pytest.mark.parametrize(
    "name, split",
    [
        ("train", "train"),
        ("Train", "train"),
        ("TRAINING", "train"),
        ("training_set", "train"),
        ("TrainSet", "train"),
        ("seg_train", "train"),
        ("split=train", "train"),
        ("train2017", "train"),
        ("train-images", "train"),
        ("test1", "test"),
        ("valid", "val"),
        ("validation_data", "val"),
        ("dev", "val"),
        ("test tube", None),
        ("steam_train", None),
        ("trainer", None),
        ("testament", None),
        ("value", None),
        ("contest", None),
        ("2024", None),
        ("поезд_train", None),
        ("", None),
    ],
)
def test_split_words(name, split):
    assert split_of(name) == split


def test_a_level_of_classes_that_end_in_split_words_is_none_of_splits():
    assert splits_of_level(["steam_train", "bullet_train"]) is None
    assert splits_of_level(["pets_train", "pets_test"]) == {
        "pets_train": "train",
        "pets_test": "test",
    }
    assert [r.layout for r in readings([("a_train", "1.png"), ("b_test", "1.png")])] == ["class"]


def test_what_was_found_is_told_before_anything_is_computed(tmp_path, capsys):
    root = grow(tmp_path / "mine", "cat/images", "cat/masks", "dog", "logo.png")
    (root / "dog" / "notes.txt").write_text("no picture")
    data.tell(root, "digits", held_out=True)
    said = capsys.readouterr().err
    assert "6 images of 2 classes, by layout=class: cat 4, dog 2." in said
    assert "1 pictures outside any class folder are left out, such as logo.png" in said
    assert "folders below the classes were read as part of them: images 2, masks 2" in said
    assert "1 files that are no images (dog/notes.txt)" in said
    assert "of each class 20% of the images (one at the least), drawn with seed 0" in said
    assert "digits" not in said
    data.tell(root, held_out=True)
    assert capsys.readouterr().err == ""  # once is enough


def test_split_words_are_told_where_they_were_used(tmp_path):
    root = grow(tmp_path / "mine", *LAYOUTS["training_set"][0])
    said = " ".join(data.describe(root))
    assert "by layout=split/class: test: cat 2, dog 2; train: cat 2, dog 2." in said
    assert "split words are train, training, trn" in said
