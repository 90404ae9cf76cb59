"""Published tables of accuracies: joined, without duplicates, refused when they are others."""

import hashlib

import pytest

from nbcore import data
from nbcore.data import accuracy_tables as tables
from nbcore.data import catalog, fetch
from nbcore.errors import DataError


@pytest.fixture
def small(tmp_path, monkeypatch, own_cache):
    """A data folder and a writer of small tables that the catalogue then declares."""
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setenv("NBCORE_OFFLINE", "1")

    def write(name, file, text, known=True):
        e = data.entry(name)
        path = tmp_path / e.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if known:
            form = {file: hashlib.sha256(text.encode()).hexdigest()}
            changed = {**e.__dict__, "forms": [form], "get": form}
            monkeypatch.setitem(catalog.CATALOG, name, catalog.Entry(**changed))
        return path

    return write


CLIP = "name,pretrained,ImageNet 1k,ImageNet v2,ImageNet Sketch,ImageNet-R,ImageNet-A,ObjectNet\n"


def test_clip_models_are_there_once(small):
    rows = [
        "RN50-quickgelu,openai,.6,.5,.3,.6,.2,.4",  # the same as the plain one
        "RN50,openai,.6,.5,.3,.6,.2,.4",
        "B,datacomp_s_x,.03,.02,.01,.04,.01,.04",  # one of the two tags is wrong
        "B,commonpool_s_image_x,.03,.02,.01,.04,.01,.04",
        "B,unheard_of,.5,.4,.3,.2,.1,.4",
        "L,datacomp_xl_s13b,.7,.6,.5,.8,.6,.6",
        "coca,broken,.008,.01,.01,.01,.01,.01",
    ]
    small("open-clip", "openclip_results.csv", CLIP + "\n".join(rows))
    table = tables.load_open_clip()
    assert table["model"].tolist() == ["RN50 openai", "B unheard_of", "L datacomp_xl_s13b"]
    assert table["pairs"].isna().tolist() == [False, True, False]
    assert set(table["tuning"]) == {"zero-shot"}


def test_other_columns_and_other_contents_are_refused(small):
    small("open-clip", "openclip_results.csv", "name,pretrained,ImageNet 1k\nB,openai,.5\n")
    with pytest.raises(DataError, match="another set of columns: ImageNet v2"):
        tables.load_open_clip()
    path = small("open-clip", "openclip_results.csv", CLIP + "B,openai,.5,.4,.3,.2,.1,.4\n")
    path.write_text(path.read_text().replace(".5", ".6"))
    wanted = data.entry("open-clip").forms[0]["openclip_results.csv"]
    came = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(DataError, match=f"sha256 {came}, expected is {wanted}"):
        tables.load_open_clip()
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as CSV"):
        tables.load_open_clip()


def test_a_download_with_another_checksum_names_both(tmp_path, monkeypatch):
    import pooch

    class Web:
        def __init__(self, **_):
            pass

        def __call__(self, url, file, pup):
            with open(file, "wb") as out:
                out.write(b"moved on")

    monkeypatch.delenv("NBCORE_OFFLINE", raising=False)
    monkeypatch.setattr(pooch, "HTTPDownloader", Web)
    came, want = hashlib.sha256(b"moved on").hexdigest(), "0" * 64
    with pytest.raises(ValueError, match=f"{came}, expected is {want}"):
        fetch.download("https://example.org/a.csv", tmp_path / "a.csv", want, progress=False)


def test_kinds_are_read_from_the_script_as_text(tmp_path, monkeypatch):
    (tmp_path / "plotting").mkdir()
    script = tmp_path / "plotting/model_types.py"
    script.write_text("raise SystemExit\n'a': ModelTypes.STANDARD,\n'b/c': ModelTypes.LP_ADV\n}\n")
    with pytest.raises(DataError, match="expected is 067499af"):
        tables._kinds(tmp_path)
    text = b"model,type\na,STANDARD\nb/c,LP_ADV\n"
    monkeypatch.setattr(tables, "KINDS_SHA256", hashlib.sha256(text).hexdigest())
    assert tables._kinds(tmp_path) == {"a": "STANDARD", "b/c": "LP_ADV"}
    script.unlink()
    with pytest.raises(DataError, match=r"kinds .* are missing: put plotting/model_types\.py"):
        tables._kinds(tmp_path)


def test_the_real_tables(real_data):
    testbed = tables.load_imagenet_testbed()
    assert len(testbed) == 335 and (testbed["kind"] == "standard training").sum() == 87
    assert (testbed["pretraining"] == "ImageNet-21k").sum() == 17
    assert set(testbed.loc[testbed["tuning"] == "zero-shot", "kind"]) == {"more data"}
    clip = tables.load_open_clip()
    assert len(clip) == 115 and clip["pairs"].notna().sum() == 111
    timm = tables.load_timm_shifts()
    assert len(timm) == 1266 and timm.notna().all().all()
    for table, name in ((testbed, "imagenet-testbed"), (clip, "open-clip"), (timm, "timm-shifts")):
        assert table.attrs["checksum"] == data.declared(name)[0]
        assert table["model"].is_unique


@pytest.mark.parametrize("name", ["imagenet-testbed", "timm-shifts"])
def test_the_numbers_of_images_turn_percentages_into_counts(real_data, name):
    loader = {
        "imagenet-testbed": tables.load_imagenet_testbed,
        "timm-shifts": tables.load_timm_shifts,
    }
    table = loader[name]()
    for column, n in data.entry(name).images.items():
        counts = table[column].dropna() * n
        assert (counts - counts.round()).abs().max() <= 0.3, column  # timm gives three decimals
