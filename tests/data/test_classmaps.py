"""Class maps as data: the two that come with the project, and every way to get one wrong."""

import re
from collections import Counter

import numpy as np
import pytest

from nbcore.data.catalog import CATALOG
from nbcore.data.classmaps import load_map, read_map
from nbcore.errors import DataError

CIFAR = CATALOG["cifar10"].classes
LABELS = ["n01", "n02", "n03", "n04", "n05"]


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "map.yaml"
        file.write_text(text)
        return str(file)

    return write


def imagenet():
    from timm.data import ImageNetInfo

    return list(ImageNetInfo("imagenet-1k").label_names())


def test_the_imagenet_map_is_the_one_of_cinic10():
    found = load_map("cifar10", CIFAR, imagenet())
    assert list(found.targets) == CIFAR
    assert list(found.sizes.values()) == [1, 9, 59, 13, 1, 41, 3, 1, 6, 8]
    assert len(set(found.columns)) == 142
    assert found.targets["airplane"] == (404,) and found.names[404] == "n02690373"
    # minivan stands under both automobile and truck in the lists; it counts as truck
    minivan = imagenet().index("n03770679")
    assert minivan in found.targets["truck"] and minivan not in found.targets["automobile"]


def test_the_map_agrees_with_the_published_synset_lists(real_data):
    lists = real_data / "cinic10" / "synsets-to-cifar-10-classes.txt"
    if not lists.is_file():
        pytest.skip("needs the synset lists of CINIC-10")
    under, target = Counter(), ""
    order = list(np.load(real_data / "imagenet_v2" / "testbed_predictions.npz")["synset"])
    assert order == imagenet()
    for line in lists.read_text().splitlines():
        if found := re.match(r"-+(n\d{8})", line):
            under[found[1], target] += found[1] in order
        elif line.strip():
            target = line.strip()
    wanted = {k for k, n in under.items() if n} - {("n03770679", "automobile")}
    written = read_map("cifar10")
    assert {(synset, t) for t, synsets in written.items() for synset in synsets} == wanted


def test_the_table_states_the_index_of_each_synset():
    from importlib.resources import files

    rows = (files("nbcore.data") / "maps" / "cifar10.csv").read_text().splitlines()[1:]
    order = imagenet()
    assert all(order[int(i)] == synset for synset, i, _ in (row.split(",") for row in rows))


def test_digits_are_read_in_pairs():
    found = load_map("digits", list("01234"), list("0123456789"))
    assert found.targets == {str(d): (d, d + 5) for d in range(5)}


def test_own_maps_take_synsets_indices_and_single_sources(written):
    file = written("boat: n03\nbird: [n01, 3]\n")
    found = load_map(file, ["bird", "boat"], LABELS)
    assert found.targets == {"bird": (0, 3), "boat": (2,)}
    assert found.names == {0: "n01", 2: "n03", 3: "n04"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [n01]\nb: [n99]", "feeds b from 'n99', which is no class of the model"),
        ("a: [n01]\nb: [n02x]", "did you mean 'n02'"),
        ("a: [0]\nb: [5]", "feeds b from 5, .* 0 to 4"),
        ("a: [0]\nb: [-1]", "feeds b from -1"),
        ("a: [n01, n02]\nb: [1]", "uses n02 twice, for a and b;"),
        ("a: [0, 1]\nb: [1, 0]", "uses n01 twice, for a and b and 1 more"),
        ("a: [0, 0]\nb: [1]", "uses n01 twice, for a and a"),
        ("a: [0]\nb: []", "gives b no source class"),
        ("a: [0]\nb:", "gives b no source class"),
        ("a: [0]", "lacks b; its targets must be the classes a, b"),
        ("a: [0]\nb: [1]\nc: [2]", "names c, no class of the data set"),
        ("a: [0]\nb: [1.5]", "source '1.5'"),
        ("a: [0]\nb: [010]", "source '010'"),
        ("a: [0]\nb: [!!int x]", "feeds b from 'x'"),
        ("a: [0]\nb: [2024-02-30]", "feeds b from '2024-02-30'"),
        ("a: [0]\nb: {c: 1}", "source 'c'|the source"),
        ("a: [0]\n? [b]\n: [1]", "cannot be read as YAML"),
        ("a: &x [*x]", "cannot be read as YAML|the source"),
        ("[" * 600, "cannot be read as YAML"),
        ("a: [0]\nb: [true]", "source 'true'"),
        ("a: [0]\na: [1]", "target a stands there twice"),
        ("a: [0", "cannot be read as YAML"),
        ("- a\n- b", "must be lines of"),
        ("", "must be lines of"),
    ],
)
def test_a_bad_map_is_refused_by_name_in_one_sentence(written, text, words):
    with pytest.raises(DataError, match=words) as error:
        load_map(written(text), ["a", "b"], LABELS)
    assert "\n" not in str(error.value)


def test_classes_are_called_as_they_are_written(written):
    names = ["no", "010", "2024-02-30", "1e3", "true", "~"]
    text = "".join(f"{name}: [{i}]\n" for i, name in enumerate(names[:5])) + "'~': [n06]\n"
    found = load_map(written(text), names, [*LABELS, "n06"])
    assert found.targets == {name: (i,) for i, name in enumerate(names)}


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_map_is_read_whatever_its_encoding(tmp_path, coding):
    file = tmp_path / "map.yaml"
    file.write_bytes("Müll: [0]\nb: [1]\n".encode(coding))
    assert load_map(file, ["Müll", "b"], LABELS).targets == {"Müll": (0,), "b": (1,)}


def test_a_map_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="no class map .*cifar10, digits"):
        read_map(tmp_path / "none.yaml")
