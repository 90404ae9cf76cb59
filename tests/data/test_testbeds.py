"""Testbeds: what is read, how the public files become one, and what the real ones hold."""

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from nbcore import data
from nbcore.data import catalog, fetch, sources, testbeds
from nbcore.errors import DataError

TESTBEDS = ("testbed-cifar10.1", "testbed-imagenetv2")


@pytest.fixture
def small(tmp_path, monkeypatch, own_cache):
    """A data folder for one small testbed: a function that writes it with some arrays changed."""
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setenv("NBCORE_OFFLINE", "1")
    rng = np.random.default_rng(0)

    def write(**changes):
        arrays = {
            "model": np.array(["one", "two"]),
            "cifar10": rng.integers(0, 10, (2, 30), np.uint8),
            "cifar10_labels": rng.integers(0, 10, 30, np.uint8),
            "cifar10_1_v6": rng.integers(0, 10, (2, 20), np.uint8),
            "cifar10_1_v6_labels": rng.integers(0, 10, 20, np.uint8),
        }
        arrays = {k: v for k, v in (arrays | changes).items() if v is not None}
        (tmp_path / "cifar10_1").mkdir(exist_ok=True)
        np.savez(tmp_path / "cifar10_1/testbed_predictions.npz", **arrays)
        return tmp_path / "cifar10_1/testbed_predictions.npz"

    return write


def test_small_testbed(small):
    small()
    bed = data.load_testbed("testbed-cifar10.1")
    assert bed.models == ("one", "two") and bed.synset is None
    assert bed.id_predictions.shape == (2, 30) and bed.ood_predictions.shape == (2, 20)
    assert bed.ood_predictions.dtype == bed.ood_labels.dtype == np.int64
    assert bed.checksum == data.checksum("testbed-cifar10.1")
    with pytest.raises(DataError, match="use load_testbed"):
        data.load("testbed-cifar10.1")


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"cifar10": None}, "no whole testbed .*cifar10"),
        ({"cifar10": np.zeros((2, 29), int)}, r"needs predictions \(2, 30\)"),
        ({"cifar10_1_v6_labels": np.full(20, 10)}, "classes 0 to 9, .* 0 to 10"),
        ({"model": np.array(["one"])}, r"needs predictions \(1, 30\)"),
        ({"model": np.array([{}, {}], object)}, "no whole testbed .*allow_pickle"),
    ],
)
def test_bad_testbeds(small, changes, says):
    small(**changes)
    with pytest.raises(DataError, match=says):
        data.load_testbed("testbed-cifar10.1")


def test_truncated_testbed(small):
    file = small()
    file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(DataError, match="no whole testbed"):
        data.load_testbed("testbed-cifar10.1")


def test_other_names_are_no_testbeds():
    with pytest.raises(DataError, match="known: testbed-cifar10.1, testbed-imagenetv2"):
        data.load_testbed("digits")


# --- from the public files to one .npz


def public(monkeypatch, e, files):
    """Stand in for the public home: `download` takes its answers from a dictionary."""
    asked = []

    def download(url, file, sha256=None, progress=True):
        asked.append(url)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(files[url.removeprefix(e.base)])
        return file

    monkeypatch.setattr(fetch, "download", download)
    monkeypatch.setitem(catalog.CATALOG, e.name, e)
    return asked


def npy(array):
    np.save(stream := io.BytesIO(), array)
    return stream.getvalue()


def published(e, z):
    """A testbed's arrays as its repository holds them."""
    files = {}
    for key, path, labels in zip(e.arrays, e.predictions, e.labels, strict=True):
        for model, row in zip(e.models, z[key], strict=True):
            if path.endswith(".json"):
                files[path.format(model)] = json.dumps(row.tolist(), indent=2).encode()
                continue
            five = np.column_stack([row] + [(row + i) % 1000 for i in range(1, 5)])
            flipped = model == "fv_16k" and key == "imagenet_v2"
            files[path.format(model)] = npy(five[:, ::-1] if flipped else five)
        if labels.endswith(".npy"):
            files[labels] = npy(z[f"{key}_labels"].astype(np.int32))
        elif labels.endswith(".json"):
            pairs = [["some.JPEG", str(z["synset"][i])] for i in z[f"{key}_labels"]]
            files[labels] = json.dumps({"image_filenames": pairs}).encode()
    return files


@pytest.mark.parametrize("name", TESTBEDS)
def test_pack_gives_the_declared_bytes(real_data, own_cache, monkeypatch, name):
    """The conversion of the public form is exact: its sha256 is the one the catalogue states."""
    if not (found := sources.find(name)) or name == TESTBEDS[0] and not sources.find("cifar10"):
        pytest.skip(f"NBCORE_DATA lacks {name} or its labels")
    e = data.entry(name)
    with np.load(found.files[0]) as z:
        public(monkeypatch, e, published(e, dict(z)))
    fetch.pack(e, own_cache / "packed")
    assert [p.name for p in (own_cache / "packed").iterdir()] == list(e.needs)
    written = (own_cache / "packed" / e.needs[0]).read_bytes()
    assert hashlib.sha256(written).hexdigest() == e.forms[-1][e.needs[0]]


def kept(folder):
    """What lies in a cache besides the locks of who fetched."""
    return [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"]


def test_other_predictions_are_refused(tmp_path, own_cache, monkeypatch):
    monkeypatch.delenv("NBCORE_DATA", raising=False)
    e = replace(data.entry("testbed-imagenetv2"), models=["one", "fv_16k"])
    z = {
        "imagenet": np.array([[0, 1, 2], [2, 1, 0]]),
        "imagenet_labels": np.array([0, 1, 2]),
        "imagenet_v2": np.array([[0, 1, 2], [2, 1, 0]]),
        "imagenet_v2_labels": np.array([2, 1, 0]),
        "synset": np.array(["n01", "n02", "n03"]),
    }
    asked = public(monkeypatch, e, published(e, z))
    with pytest.raises(DataError, match="are not those nbcore knows"):
        data.load_testbed(e.name)
    assert len(asked) == 6 and not [
        p for p in own_cache.rglob("*") if p.is_file() and p.suffix != ".lock"
    ]


@pytest.mark.parametrize("page", [b"<html>log in first</html>", b"[1, 2]", npy(np.arange(3))])
def test_what_is_no_prediction_is_not_kept(own_cache, monkeypatch, page):
    monkeypatch.delenv("NBCORE_DATA", raising=False)
    monkeypatch.setattr(fetch, "test_labels", lambda name: data.load("digits").labels)
    for name in TESTBEDS:
        e = data.entry(name)
        paths = [path.format(m) for path in e.predictions for m in e.models] + e.labels
        public(monkeypatch, e, dict.fromkeys(paths, page))
        with pytest.raises(DataError, match="are not those nbcore knows"):
            data.get(name)
    assert not kept(own_cache)


# --- timm's tables


@pytest.mark.parametrize(
    "model, family",
    [
        ("resnet50.a1_in1k", "ImageNet-1k only"),
        ("convnextv2_huge.fcmae_ft_in1k", "ImageNet-1k only"),
        ("convnext_base.fb_in22k_ft_in1k_384", "ImageNet-21k"),
        ("vit_base_patch16_224.augreg_in21k_ft_in1k", "ImageNet-21k"),
        ("regnety_160.sw_in12k_ft_in1k", "ImageNet-12k"),
        ("vit_huge_patch14_clip_336.laion2b_ft_in12k_in1k", "web image-text"),
        ("convnext_base.clip_laiona_augreg_ft_in1k_384", "web image-text"),
        ("tf_efficientnet_l2.ns_jft_in1k", "web images, weak or no labels"),
        ("resnext101_32x8d.fb_swsl_ig1b_ft_in1k", "web images, weak or no labels"),
        ("eva02_large_patch14_448.mim_m38m_ft_in22k_in1k", "other"),
        ("vit_base_patch16_clip_224", "ImageNet-1k only"),  # the architecture's name says nothing
    ],
)
def test_pretraining_family(model, family):
    assert data.pretraining_family(model) == family


def timm_tables(folder, drop=None):
    folder.mkdir(exist_ok=True)
    rows = 'a.in1k,224,80.0,"1,014.45"\na.in1k,288,81.0,1014.45\nb.in21k_ft_in1k,224,70.5,5.0\n'
    for file in data.entry("timm-results").needs:
        lines = rows.replace("b.in21k_ft_in1k,224,70.5,5.0\n", "") if file == drop else rows
        (folder / file).write_text("model,img_size,top1,param_count\n" + lines)


def test_timm_join(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    timm_tables(tmp_path / "timm_results", drop="results-imagenet-a.csv")
    table = data.load_timm_results()
    assert table["model"].tolist() == ["a.in1k", "b.in21k_ft_in1k"]
    assert table["img_size"].tolist() == [288, 224]  # the better of two sizes
    assert table["params_m"].tolist() == [1014.45, 5.0]
    assert table["imagenet"].tolist() == pytest.approx([0.81, 0.705])
    assert table["imagenet_a"].isna().tolist() == [False, True]
    timm_tables(tmp_path / "timm_results", drop="results-imagenetv2-matched-frequency.csv")
    assert len(data.load_timm_results()) == 1
    (tmp_path / "timm_results/results-imagenet.csv").write_text("model,top1\n1,2\n")
    with pytest.raises(DataError, match="no table of timm's"):
        data.load_timm_results()


# --- the real thing


def test_real_cifar_testbed(real_data):
    bed = data.load_testbed("testbed-cifar10.1")
    assert bed.id_predictions.shape == (30, 10_000) and bed.ood_predictions.shape == (30, 2_000)
    assert bed.id_labels[:5].tolist() == [3, 8, 8, 0, 6]
    accuracy = (bed.id_predictions == bed.id_labels).mean(1)
    shifted = (bed.ood_predictions == bed.ood_labels).mean(1)
    assert (shifted < accuracy).all() and np.corrcoef(accuracy, shifted)[0, 1] > 0.98
    assert bed.checksum in data.declared(bed.name)


def test_real_imagenet_testbed(real_data):
    bed = data.load_testbed("testbed-imagenetv2")
    assert bed.id_predictions.shape == (67, 50_000) and bed.ood_predictions.shape == (67, 10_000)
    assert len(set(bed.models)) == 67 and bed.synset[0] == "n01440764"
    right = bed.id_predictions == bed.id_labels
    assert (~right.any(0)).sum() == 2384  # solved by no model
    fisher = bed.models.index("fv_16k")
    assert right[fisher].mean() == pytest.approx(0.2833, abs=1e-4)
    shifted = (bed.ood_predictions[fisher] == bed.ood_labels).mean()
    assert shifted == pytest.approx(0.1924, abs=1e-4)  # in the public order of columns: far less
    assert bed.checksum in data.declared(bed.name)


def test_real_timm_table(real_data):
    table = data.load_timm_results()
    assert len(table) == table["model"].nunique() == 1266
    assert table[["imagenet", "imagenetv2"]].notna().all().all()
    assert table["imagenet"].between(0.4, 0.92).all()
    counts = table["pretraining"].value_counts()
    assert counts["ImageNet-1k only"] == 983 and counts["web image-text"] == 37
    assert set(counts.index) <= {"ImageNet-1k only", *testbeds.FAMILIES}
    assert table.attrs["checksum"] == data.declared("timm-results")[0]
