"""Corrected copies: what is written, that the originals stay, and that all of it can be undone."""

import hashlib
import json
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from nbcore import cli, data
from nbcore.difficulty.review import copies, folders, parquet
from nbcore.difficulty.review.corrections import FOLDER, LOG, apply, correct, undo
from nbcore.difficulty.review.decisions import KEEP, RELABEL, REMOVE, RENAME, Item, Row, written
from nbcore.errors import DataError, NbcoreError, ParameterError, StoreError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def places(own_cache, monkeypatch):
    monkeypatch.setenv("NBCORE_OFFLINE", "1")


def grow(root, *names):
    """Pictures of different pixels at these paths below a folder."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (6, 6, 3), np.uint8)).save(root / name)
    return root


def tree(root):
    """What is in a folder: {path: content}, without the log of a correction."""
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and FOLDER not in file.parts
    }


def sha(content):
    return hashlib.sha256(content).hexdigest()


def counts(folder, split="train"):
    images = data.load(str(folder), split)
    return dict(zip(images.classes, np.bincount(images.labels).tolist(), strict=True))


@pytest.fixture
def mine(tmp_path):
    root = grow(
        tmp_path / "mine", "ant/0.png", "ant/1.png", "ant/2.png", "bee/0.png", "bee/b/1.png"
    )
    grow(root, "cow/0.png", "cow/1.png", "cow/2.png")
    (root / "notes.txt").write_text("where they were taken")
    return root


def row(root, what, file, new="", line=2):
    return Row(what, file.split("/")[0], new, sha((root / file).read_bytes()), file, line)


def test_a_corrected_copy_of_a_folder(mine, tmp_path):
    before, stamps = tree(mine), {f: f.stat().st_mtime_ns for f in mine.rglob("*.*")}
    rows = [
        row(mine, RELABEL, "ant/0.png", "bee", 2),
        row(mine, KEEP, "ant/1.png", "", 3),
        row(mine, REMOVE, "bee/b/1.png", "", 4),
        Row(RENAME, "cow", "kine", line=5),
    ]
    (tmp_path / "d.csv").write_text(written(rows))
    done = apply(str(mine), tmp_path / "d.csv", tmp_path / "new")
    new = f"bee/0-{rows[0].id[:12]}.png"  # bee/0.png is another image
    wanted = {k: v for k, v in before.items() if not k.startswith("cow") and k != "bee/b/1.png"}
    wanted |= {k.replace("cow", "kine"): v for k, v in before.items() if k.startswith("cow")}
    wanted[new] = wanted.pop("ant/0.png")
    assert tree(tmp_path / "new") == wanted
    assert counts(tmp_path / "new") == {"ant": 2, "bee": 2, "kine": 3}
    assert done.counts == dict(relabelled=1, removed=1, kept=1, already=0, renamed=1, merged=0)
    assert done.ways == {"hard links": 9} and (tmp_path / "new" / new).samefile(mine / "ant/0.png")
    assert tree(mine) == before
    assert stamps == {f: f.stat().st_mtime_ns for f in mine.rglob("*.*")}
    log = json.loads(done.log.read_text())
    assert log["moved"][0] == {"id": rows[0].id, "from": "ant/0.png", "to": new}
    assert log["dataset"] == str(mine)
    (tmp_path / "new" / "ant" / "more.txt").write_text("added later")
    undo(str(tmp_path / "new"), done.log, tmp_path / "back")
    assert tree(tmp_path / "back") == before | {"ant/more.txt": b"added later"}
    again = correct(str(tmp_path / "back"), rows, tmp_path / "again")  # ids, not places, count
    assert again.counts == done.counts


def test_decisions_survive_moved_files_and_hold_in_every_split(tmp_path):
    root = grow(tmp_path / "a", *(f"{s}/{c}/{i}.png" for s in ("train", "test") for c in "xyz"
                                  for i in range(2)))  # fmt: skip
    leaked = (root / "train/x/0.png").read_bytes()
    (root / "test/x/copy.png").write_bytes(leaked)
    (root / "train/x/0.png").rename(root / "train/x/renamed.png")
    done = correct(str(root), [Row(RELABEL, "x", "z", sha(leaked)[:10])], tmp_path / "b")
    assert done.counts["relabelled"] == 2
    assert (tmp_path / "b/train/z/renamed.png").read_bytes() == leaked
    assert counts(tmp_path / "b", "test") == {"x": 2, "y": 2, "z": 3}


def test_folders_that_are_named_in_other_ways(tmp_path):
    label = [f"wrap/label={c}/{i}.png" for c in ("ant", "bee") for i in range(2)]
    root = grow(tmp_path / "a", *label)
    rows = [Row(RENAME, "ant", "été"), row(root, RELABEL, "wrap/label=bee/0.png", "ant")]
    correct(str(root), [rows[0], rows[1]._replace(old="bee")], tmp_path / "b")
    assert set(tree(tmp_path / "b")) == {
        *("wrap/label=été/0.png", "wrap/label=été/1.png", "wrap/label=bee/1.png"),
        f"wrap/label=été/0-{rows[1].id[:12]}.png",
    }
    # a folder above all classes has the name of one
    root = grow(tmp_path / "c", *(f"ant/{c}/{i}.png" for c in ("ant", "bee") for i in range(2)))
    correct(str(root), [row(root, RELABEL, "ant/ant/1.png", "bee")], tmp_path / "d")
    assert counts(tmp_path / "d") == {"ant": 1, "bee": 3}


def test_links_are_followed_and_what_cannot_be_linked_is_copied(mine, tmp_path, monkeypatch):
    (mine / "ant" / "link.png").symlink_to(mine / "cow" / "0.png")
    (mine / "ant" / "broken.png").symlink_to(mine / "nowhere.png")
    done = correct(str(mine), [row(mine, KEEP, "ant/0.png")], tmp_path / "b")
    assert done.ways == {"hard links": 10} and not (tmp_path / "b/ant/link.png").is_symlink()
    assert not (tmp_path / "b/ant/broken.png").is_symlink()

    def refuse(*_):
        raise PermissionError(1, "not here")

    monkeypatch.setattr(os, "link", refuse)
    done = correct(str(mine), [row(mine, KEEP, "ant/0.png")], tmp_path / "c")
    assert done.ways == {"symbolic links": 10}
    monkeypatch.setattr(os, "symlink", refuse)
    done = correct(str(mine), [row(mine, KEEP, "ant/0.png")], tmp_path / "d")
    assert done.ways == {"copies": 10}
    assert tree(tmp_path / "b") == tree(tmp_path / "c") == tree(tmp_path / "d")


def test_names_of_folders_that_mean_something_are_refused(mine, tmp_path):
    for name in ("a/b", "..", ".hidden", "con?", "x" * 300, "lost+found", "dot."):
        with pytest.raises(ParameterError, match="is to be a folder, but systems do not allow"):
            correct(str(mine), [Row(RENAME, "ant", name)], tmp_path / "b")
    splits = [Row(RENAME, "ant", "train"), Row(RENAME, "bee", "test"), Row(RENAME, "cow", "val")]
    with pytest.raises(ParameterError, match="not read as 'train'; choose another name"):
        correct(str(mine), splits, tmp_path / "b")
    one = [Row(RENAME, "ant", "bee"), Row(RENAME, "cow", "bee")]
    with pytest.raises(ParameterError, match="fewer than two classes would have images"):
        correct(str(mine), one, tmp_path / "b")
    assert not (tmp_path / "b").exists() and not list(tmp_path.glob(".*.tmp"))


NAMES = st.sampled_from(["0.png", "1.png", "0.PNG", "s/0.png", "bee", "ant/0.png"])
PLACES = st.sets(st.tuples(st.sampled_from(["ant", "bee", "cow"]), NAMES), min_size=1)


@given(PLACES, st.data())
def test_no_two_pictures_come_to_one_place(places, data):
    paths = [(c, *name.split("/")) for c, name in sorted(places)]
    items = [Item(f"{i:064}", parts[0]) for i, parts in enumerate(paths)]
    one = st.sampled_from(["ant", "bee", "cow", "new", None])
    labels = data.draw(st.lists(one, min_size=len(paths), max_size=len(paths)))
    there = folders.moves(paths, items, labels)
    known = [parts for parts in there if parts]
    assert len(set(known)) == len(known)
    for parts, to, label in zip(paths, there, labels, strict=True):
        assert (to is None) == (label is None)
        if to and label:
            assert to[0] == label and to[1:-1] == parts[1:-1]
        if label == parts[0]:
            assert to == parts


def draw_rows(data, items, classes, news):
    """Decisions on some of the items, and some renames."""
    kind = st.sampled_from([KEEP, RELABEL, REMOVE])
    pick = st.sampled_from(items)
    drawn = data.draw(st.lists(st.tuples(kind, pick, st.sampled_from(classes)), max_size=5))
    names = data.draw(st.dictionaries(st.sampled_from(classes), st.sampled_from(news), max_size=2))
    rows = [Row(what, i.label, new, i.id) for what, i, new in drawn]
    return rows + [Row(RENAME, old, new) for old, new in names.items()]


@settings(max_examples=30)
@given(st.data())
def test_undo_brings_a_folder_back(tmp_path_factory, data):
    tmp = tmp_path_factory.mktemp("undo")
    root = grow(tmp / "a", *(f"{c}/{i}.png" for c in ("ant", "bee", "cow") for i in range(3)))
    (root / "bee" / "copy.png").write_bytes((root / "ant" / "0.png").read_bytes())
    before = tree(root)
    items = [Item(sha(v), k.split("/")[0]) for k, v in before.items()]
    rows = draw_rows(data, items, ["ant", "bee", "cow"], ["ant", "cow", "new"])
    try:
        done = correct(str(root), rows, tmp / "b")
    except ParameterError:  # they contradict each other, or leave one class
        assume(False)
    undo(str(tmp / "b"), tmp / "b" / FOLDER / LOG, tmp / "c")
    assert tree(tmp / "c") == before == tree(root)
    assert len(tree(tmp / "b")) == len(before) - done.counts["removed"]


def table(labels, names=("ant", "bee", "cow"), kind="int64", offset=0):
    image = [
        {"bytes": f"image {i + offset}".encode(), "path": f"{i}.png"} for i in range(len(labels))
    ]
    features = {"image": {"_type": "Image"}, "label": {"names": list(names), "_type": "ClassLabel"}}
    meta = {"huggingface": json.dumps({"info": {"features": features}})} if names else {}
    columns = {
        "image": image,
        "label": pa.array(labels, kind),
        "more": [i / 3 for i in range(len(labels))],
    }
    return pa.table(columns).replace_schema_metadata(meta | {"own": "kept"})


def item(i, label):
    return Item(sha(f"image {i}".encode()), label)


def whole(path):
    out = pq.ParquetFile(path)
    return out.read(), out.metadata.num_row_groups, out.metadata.row_group(0).column(0).compression


def same(one, other):
    return one.equals(other) and one.schema.equals(other.schema, check_metadata=True)


def test_parquet_in_parquet_out(tmp_path):
    (tmp_path / "a" / "data").mkdir(parents=True)
    train, test = (table([0, 1, 2, 0, 1], kind="int8"), table([2, 1, 0], offset=10, kind="int8"))
    at, at_test = "data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"
    pq.write_table(train, tmp_path / "a" / at, row_group_size=2, compression="zstd")
    pq.write_table(test, tmp_path / "a" / at_test)
    (tmp_path / "a" / "README.md").write_text("card")
    before = tree(tmp_path / "a")
    rows = [
        Row(RELABEL, "ant", "bee", item(3, "ant").id, line=2),
        Row(REMOVE, "bee", "", item(1, "bee").id, line=3),
        Row(RENAME, "cow", "kine", line=4),
    ]
    done = correct(str(tmp_path / "a"), rows, tmp_path / "b")
    got, groups, compression = whole(tmp_path / "b" / at)
    assert got.schema.names == train.schema.names and got.schema.types == train.schema.types
    assert got["label"].to_pylist() == [0, 2, 1, 1] and groups == 2 and compression == "ZSTD"
    assert got["more"].to_pylist() == [0, 2 / 3, 1, 4 / 3]
    assert got.schema.metadata[b"own"] == b"kept"
    assert parquet.names_of(got.schema, "label") == ["ant", "bee", "kine"]
    assert parquet.names_of(whole(tmp_path / "b" / at_test)[0].schema, "label")[2] == "kine"
    assert done.ways == {"files written anew": 2, "hard links": 1}
    undo(str(tmp_path / "b"), done.log, tmp_path / "c")
    assert same(whole(tmp_path / "c" / at)[0], train) and same(
        whole(tmp_path / "c" / at_test)[0], test
    )
    assert tree(tmp_path / "a") == before
    only = correct(str(tmp_path / "a"), rows[:2], tmp_path / "d")
    assert only.ways == {"files written anew": 1, "hard links": 2}


def test_numbers_of_classes_keep_their_meaning():
    names = ["a", "b", "c"]
    assert parquet.numbers(names, {}) == (names, {"a": 0, "b": 1, "c": 2})
    assert parquet.numbers(names, {"a": "c"}) == (names, {"b": 1, "c": 2})  # 0 is used no more
    swapped = parquet.numbers(names, {"a": "b", "b": "a"})
    assert swapped == (["b", "a", "c"], {"b": 0, "a": 1, "c": 2})
    assert parquet.numbers(names, {"a": "x", "b": "x"}) == (["x", "b", "c"], {"x": 0, "c": 2})
    chain = parquet.numbers(names, {"a": "b", "b": "c"})
    assert chain == (["b", "b (merged)", "c"], {"b": 0, "c": 2})
    # where files have no names, those of the catalogue stay with their numbers
    assert parquet.numbers(names, {"a": "b", "b": "a"}, names, False) == (
        names,
        {"a": 0, "b": 1, "c": 2},
    )
    assert parquet.numbers([], {"3": "5"}, ["3", "5"]) == ([], {"3": 3, "5": 5})
    with pytest.raises(ParameterError, match="so 'x' can be no name of one"):
        parquet.numbers([], {"3": "x"}, ["3", "5"])


def test_parquet_without_names_or_with_unlabelled_rows(tmp_path):
    (tmp_path / "a").mkdir()
    pq.write_table(table([3, 5, 3, -1], names=()), tmp_path / "a" / "train.parquet")
    rows = [Row(RELABEL, "3", "5", item(0, "3").id), Row(REMOVE, "5", "", item(1, "5").id)]
    done = correct(str(tmp_path / "a" / "train.parquet"), rows, tmp_path / "a" / "b")
    (tmp_path / "a" / "b").rename(tmp_path / "b")  # beside a single file there is room
    done = done._replace(log=tmp_path / "b" / FOLDER / LOG)
    assert whole(tmp_path / "b" / "train.parquet")[0]["label"].to_pylist() == [5, 3, -1]
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == [FOLDER, "train.parquet"]
    undo(str(tmp_path / "b"), done.log, tmp_path / "c")
    assert (tmp_path / "c" / "train.parquet").exists()


def test_parquet_whose_classes_the_catalogue_names(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    (tmp_path / "cifar10").mkdir()
    for split, labels in (("train", [0, 3, 0, 5]), ("test", [5, 3])):
        rows = table(labels, names=(), offset=10 * (split == "test"))
        pq.write_table(rows, tmp_path / "cifar10" / f"{split}-00000-of-00001.parquet")
    rows = [Row(RELABEL, "airplane", "dog", item(0, "").id), Row(RENAME, "cat", "dog")]
    done = correct("cifar10", rows, tmp_path / "b")
    got = whole(tmp_path / "b" / "train-00000-of-00001.parquet")[0]
    assert got["label"].to_pylist() == [5, 5, 0, 5] and done.counts["merged"] == 1
    undo(str(tmp_path / "b"), done.log, tmp_path / "c")
    for file in (tmp_path / "cifar10").iterdir():
        assert same(whole(tmp_path / "c" / file.name)[0], whole(file)[0])
    with pytest.raises(ParameterError, match="so 'hound' can be no name of one"):
        correct("cifar10", [Row(RENAME, "dog", "hound")], tmp_path / "d")


@settings(max_examples=30)
@given(st.data())
def test_undo_brings_parquet_back(tmp_path_factory, data):
    tmp = tmp_path_factory.mktemp("undo")
    (tmp / "a").mkdir()
    names = ["ant", "bee", "cow"]
    labels = data.draw(st.lists(st.sampled_from([0, 1, 2, -1]), min_size=3, max_size=9))
    assume(set(labels) >= {0, 1, 2})
    own = table(labels)
    pq.write_table(own, tmp / "a" / "train.parquet", row_group_size=4)
    items = [item(i, names[n]) for i, n in enumerate(labels) if n >= 0]
    rows = draw_rows(data, items, names, [*names, "new"])
    try:
        done = correct(str(tmp / "a"), rows, tmp / "b")
    except ParameterError:
        assume(False)
    undo(str(tmp / "b"), done.log, tmp / "c")
    assert same(whole(tmp / "c" / "train.parquet")[0], own)
    assert whole(tmp / "b" / "train.parquet")[0].num_rows == len(labels) - done.counts["removed"]


@pytest.fixture
def nbcore(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["nbcore", "difficulty", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, " ".join(captured.err.split())

    return call


def test_the_command_corrects_and_takes_back(nbcore, mine, tmp_path):
    (tmp_path / "d.csv").write_text(written([row(mine, RELABEL, "ant/0.png", "cow")]))
    code, text, _ = nbcore(mine, "--apply", tmp_path / "d.csv", "--out", tmp_path / "b")
    assert code == 0 and text.startswith("1 relabelled; 9 hard links.")
    log = text.split("\nlog ")[1].split()[0]
    code, text, err = nbcore(tmp_path / "b", "--undo", log, "--out", tmp_path / "c", "--json")
    assert code == 0, err
    assert json.loads(text)["folder"] == str(tmp_path / "c")
    assert tree(tmp_path / "c") == tree(mine)


@pytest.mark.parametrize(
    "words, said",
    [
        (["--apply", "d.csv"], "goes to a new folder: name it with --out"),
        (["--apply", "d.csv", "--undo", "l", "--out", "b"], "Give --apply or --undo, not both"),
        (["--apply", "no.csv", "--out", "b"], "cannot be read (No such file or directory)"),
        (
            ["--apply", "d.csv", "--out", "mine/b"],
            "which must stay as it is; name a folder outside",
        ),
        (["--apply", "d.csv", "--out", "mine"], "which must stay as it is"),
        (["--apply", "d.csv", "--out", "full"], "is there and not empty; name a new folder"),
        (["--apply", "d.csv", "--out", "d.csv"], "is there and not empty"),
        (["--apply", "d.csv", "--out", "d.csv/b"], "cannot be written"),
        (["--apply", "other.csv", "--out", "b"], "on the image 000000000000, which is not among"),
        (["--undo", "no.json", "--out", "b"], "The log no.json cannot be read"),
        (["--undo", "d.csv", "--out", "b"], "is not the log of a correction"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(nbcore, mine, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "d.csv").write_text(written([row(mine, RELABEL, "ant/0.png", "cow")]))
    (tmp_path / "other.csv").write_text(written([Row(KEEP, "ant", "", "0" * 64)]))
    before = tree(tmp_path)
    code, out, err = nbcore("./mine", *words)
    assert code == 1 and said in err and "Traceback" not in out + err
    assert tree(tmp_path) == before


def test_an_empty_folder_may_be_there_already(mine, tmp_path):
    (tmp_path / "b").mkdir()
    correct(str(mine), [], tmp_path / "b")
    assert tree(tmp_path / "b") == tree(mine)


def test_a_correction_that_fails_leaves_nothing(mine, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    for name in ("link", "symlink"):
        monkeypatch.setattr(os, name, full)
    monkeypatch.setattr(copies.shutil, "copy2", full)
    with pytest.raises(StoreError, match="No space left on device"):
        correct(str(mine), [], tmp_path / "b")
    assert [p.name for p in tmp_path.iterdir() if p.name != "cache"] == ["mine"]


def test_other_forms_of_data_and_damaged_ones(tmp_path):
    with pytest.raises(DataError, match="neither pictures in folders nor image parquet"):
        correct("digits", [], tmp_path / "b")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "train.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(NbcoreError, match="no parquet file"):
        correct(str(tmp_path / "a" / "train.parquet"), [], tmp_path / "b")
    pq.write_table(pa.table({"image": [b"x"], "label": ["ant"]}), tmp_path / "a" / "train.parquet")
    with pytest.raises(
        DataError, match="integers in `label`; it has image .binary., label .string"
    ):
        correct(str(tmp_path / "a"), [], tmp_path / "b")
    pq.write_table(table([0, 1]), tmp_path / "a" / "train.parquet")
    pq.write_table(table([0, 1], names=("x", "y")), tmp_path / "a" / "test.parquet")
    with pytest.raises(DataError, match="names other classes than"):
        correct(str(tmp_path / "a"), [], tmp_path / "b")


def test_a_folder_that_was_changed_cannot_be_undone(mine, tmp_path):
    done = correct(str(mine), [row(mine, RELABEL, "ant/1.png", "bee")], tmp_path / "b")
    with pytest.raises(DataError, match="is not the log of"):
        undo(str(mine), done.log, tmp_path / "c")
    grow(tmp_path / "b", "ant/1.png")
    with pytest.raises(DataError, match="ant/1.png was added after the correction"):
        undo(str(tmp_path / "b"), done.log, tmp_path / "c")
    (tmp_path / "b" / "bee" / "1.png").unlink()
    with pytest.raises(DataError, match="bee/1.png is not the image"):
        undo(str(tmp_path / "b"), done.log, tmp_path / "c")
