"""Where data are found, in which order, and what a download leaves behind when it fails."""

import gzip
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore import data
from nbcore.data import catalog, fetch, sources
from nbcore.errors import DataError
from nbcore.paths import project_root


@pytest.fixture(autouse=True)
def alone(monkeypatch, own_cache):
    """No data folder, a cache of its own, no proxy before the loopback."""
    monkeypatch.delenv("NBCORE_DATA", raising=False)
    monkeypatch.delenv("NBCORE_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def home(tmp_path):
    """A web server on the loopback: (folder it serves, its address); a .cut file comes short."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            whole = (folder / self.path.lstrip("/")).with_suffix(".cut")
            if not whole.is_file():
                return super().do_GET()
            body = whole.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])

    folder = tmp_path / "home"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def serve(monkeypatch, address, name, **changes):
    """Move a catalogue entry's public home to the loopback."""
    e = replace(catalog.CATALOG[name], base=address, shipped="", **changes)
    monkeypatch.setitem(catalog.CATALOG, name, e)
    return e


def npy_set(folder, version="v6", n=20):
    """CIFAR-10.1 in small: writes the two files, gives their sha256s."""
    rng = np.random.default_rng(0)
    images, labels = f"cifar10.1_{version}_data.npy", f"cifar10.1_{version}_labels.npy"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / images, rng.integers(0, 256, (n, 32, 32, 3), np.uint8))
    np.save(folder / labels, np.arange(n, dtype=np.int32) % 10)
    return {f: hashlib.sha256((folder / f).read_bytes()).hexdigest() for f in (images, labels)}


def left_behind(cache):
    return sorted(p.name for p in cache.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_import_is_light():
    """The command line imports this: nothing heavy may come with it."""
    heavy = ["torch", "torchvision", "pandas", "pyarrow", "sklearn", "scipy", "PIL", "requests"]
    code = f"import sys, nbcore.data; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_unknown_name_says_what_was_meant():
    for ask in (data.load, data.get, data.where, data.checksum, data.declared, data.load_testbed):
        with pytest.raises(DataError, match="did you mean 'cifar10'"):
            ask("cifra10")


def test_catalogue_is_complete():
    assert set(data.CATALOG) == {
        "digits",
        "fashion-mnist",
        "cifar10",
        "cifar10n",
        "cifar100",
        "svhn",
        "cifar10.1-v4",
        "cifar10.1-v6",
        "cinic10-imagenet",
        "testbed-cifar10.1",
        "testbed-imagenetv2",
        "timm-results",
        "timm-shifts",
        "imagenet-testbed",
        "open-clip",
        "cifar10-c-scores",
        "cifar100-c-scores",
        "mobilenet_v2",
        "mnist",
        "usps",
        "tiny-imagenet-32",
        "cifar10-neg",
        "squeezenet1_0",
    }
    references = (project_root() / "book" / "references.bib").read_text()
    for name, e in data.CATALOG.items():
        assert f"{{{e.cite}," in references
        assert (
            e.kind in ("images", "predictions", "table", "labels", "scores", "weights")
            and e.licence
            and e.cite
            and e.about
        )
        assert e.base.endswith("/") or not e.base
        for checksum in data.declared(name):
            assert len(checksum) == 64
        for file, digest in e.get.items():
            # the published C-scores' home states none: their labels are what is checked; and a
            # script of which only a table is read, whose sha256 is checked
            without = e.kind == "scores" or file.endswith(".py")
            assert len(bytes.fromhex(digest)) == (0 if without else 32)
        assert all(len(bytes.fromhex(d)) == 32 for form in e.forms for d in form.values())


def test_order_data_folder_then_cache_then_what_ships(monkeypatch, tmp_path, own_cache):
    assert sources.find("digits").source == "package sklearn"
    shipped = data.where("digits") / "digits.csv.gz"
    for folder, source in ((own_cache / "data", "cache"), (tmp_path / "mine", "NBCORE_DATA")):
        (folder / "digits").mkdir(parents=True)
        (folder / "digits" / shipped.name).write_bytes(shipped.read_bytes())
        monkeypatch.setenv("NBCORE_DATA", str(tmp_path / "mine"))
        assert sources.find("digits").source == source
        assert data.where("digits") == folder / "digits"
        assert data.checksum("digits") == data.declared("digits")[0]


def test_download(monkeypatch, home, own_cache):
    folder, address = home
    sums = npy_set(folder)
    serve(monkeypatch, address, "cifar10.1-v6", get=sums)
    assert sources.find("cifar10.1-v6") is None
    images = data.load("cifar10.1-v6")
    assert images.images.shape == (20, 32, 32, 3) and images.classes[3] == "cat"
    assert left_behind(own_cache) == sorted(sums)
    assert data.get("cifar10.1-v6") == own_cache / "data" / "cifar10_1"
    assert data.declared("cifar10.1-v6") == (images.checksum,)


@pytest.mark.parametrize("stated", ["sha256", None], ids=["with sha256", "without"])
def test_truncated_download_leaves_nothing(monkeypatch, home, own_cache, stated):
    folder, address = home
    sums = npy_set(folder)
    first = next(iter(sums))
    (folder / first).rename((folder / first).with_suffix(".cut"))
    serve(monkeypatch, address, "cifar10.1-v6", get=sums if stated else dict.fromkeys(sums))
    with pytest.raises(DataError, match="did not answer, or not in full"):
        data.load("cifar10.1-v6")
    assert left_behind(own_cache) == []


def test_other_content_is_refused(monkeypatch, home, own_cache):
    folder, address = home
    sums = npy_set(folder)
    last = list(sums)[-1]
    (folder / last).write_bytes(b"something else")
    serve(monkeypatch, address, "cifar10.1-v6", get=sums)
    with pytest.raises(DataError, match="has the sha256"):
        data.get("cifar10.1-v6")
    assert left_behind(own_cache) == [next(iter(sums))]  # that one was whole
    assert sources.find("cifar10.1-v6") is None
    npy_set(folder)
    data.get("cifar10.1-v6")  # goes on from there


def test_half_a_set_in_the_cache_is_not_found(monkeypatch, home, own_cache):
    """SVHN is two files: with one of them there, the other is still to be fetched."""
    folder, address = home
    (folder / "train_32x32.mat").write_bytes(b"train")
    one = hashlib.sha256(b"train").hexdigest()
    serve(monkeypatch, address, "svhn", get={"train_32x32.mat": one, "test_32x32.mat": one})
    with pytest.raises(DataError, match="404"):
        data.get("svhn")
    assert left_behind(own_cache) == ["train_32x32.mat"] and sources.find("svhn") is None


@pytest.mark.parametrize("harm", ["a byte", "cut", "empty"])
def test_a_download_damaged_later_is_noticed_and_fetched_again(
    monkeypatch, home, own_cache, capsys, harm
):
    folder, address = home
    sums = npy_set(folder)
    serve(monkeypatch, address, "cifar10.1-v6", get=sums, forms=())
    root, first = data.get("cifar10.1-v6"), next(iter(sums))
    content = (root / first).read_bytes()
    changed = content[:-1] + bytes([content[-1] ^ 1])
    (root / first).write_bytes({"a byte": changed, "cut": content[:-9], "empty": b""}[harm])
    assert data.get("cifar10.1-v6") == root
    assert (root / first).read_bytes() == content
    assert "is damaged" in capsys.readouterr().err
    (aside,) = root.glob(f"{first}.damaged-*")
    assert aside.stat().st_size < len(content) or harm == "a byte"
    monkeypatch.setenv("NBCORE_OFFLINE", "1")
    (root / first).write_bytes(b"")
    with pytest.raises(DataError, match="NBCORE_OFFLINE is set"):
        data.load("cifar10.1-v6")


def test_absent_at_home(monkeypatch, home, own_cache):
    serve(monkeypatch, home[1], "svhn")
    with pytest.raises(DataError, match="404"):
        data.get("svhn")
    assert left_behind(own_cache) == []


def test_no_network_is_one_sentence_that_helps(monkeypatch, tmp_path, own_cache):
    serve(monkeypatch, "http://127.0.0.1:9/", "cifar100")  # the discard port: nobody listens
    with pytest.raises(DataError) as error:
        data.load("cifar100")
    text = str(error.value)
    assert "NBCORE_DATA (not set)" in text and f"cache ({own_cache}" in text
    assert "127.0.0.1:9 did not answer" in text and "nbcore data get cifar100" in text
    assert text.endswith("into the folder cifar100 of NBCORE_DATA.") and "\n" not in text


def test_offline_is_respected(monkeypatch):
    monkeypatch.setenv("NBCORE_OFFLINE", "1")
    with pytest.raises(DataError, match="NBCORE_OFFLINE is set"):
        data.get("svhn")


def test_a_set_without_download_names_its_home():
    with pytest.raises(DataError, match="no download of it: put .*/BayesWatch/cinic-10"):
        data.load("cinic10-imagenet")
    with pytest.raises(DataError, match="nothing was fetched"):
        data.where("cinic10-imagenet")


def test_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no file or folder './nowhere'"):
        data.load("./nowhere")
    with pytest.raises(DataError, match="no file or folder"):
        data.checksum(tmp_path / "cifar10")  # a Path is a path, whatever its name
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        data.load("empty")


def test_paths_have_no_declared_checksum(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for path in ("mine", "./mine", tmp_path / "mine", "./digits"):
        assert data.declared(path) == ()


def test_checksum_of_a_gz_is_that_of_its_contents(tmp_path, monkeypatch, own_cache):
    name, shipped = "digits.csv.gz", data.where("digits") / "digits.csv.gz"
    folder = own_cache / "data" / "digits"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(gzip.compress(gzip.decompress(shipped.read_bytes()), 1))
    assert (folder / name).read_bytes() != shipped.read_bytes()
    assert data.checksum("digits") == data.declared("digits")[0]
    (folder / name).write_bytes(shipped.read_bytes()[:-50])
    with pytest.raises(DataError, match="fetch it again"):
        data.checksum("digits")


@given(st.dictionaries(st.text("ab./", min_size=1), st.text("0123456789abcdef", min_size=64)))
def test_combined_checksum_ignores_order_but_not_content(form):
    backwards = dict(reversed(form.items()))
    assert catalog.combine(form) == catalog.combine(backwards)
    for name in form:
        assert catalog.combine(form) != catalog.combine(form | {name: "0" * 64 + "1"})


def test_status_lists_all_without_reading(monkeypatch):
    monkeypatch.setattr(sources, "_sha256", None)
    rows = {row.name: row for row in data.status()}
    assert list(rows) == list(data.CATALOG)
    assert rows["digits"].found == data.where("digits") and rows["digits"].size > 50_000
    assert rows["svhn"].found is None and rows["svhn"].source.startswith("http")


def test_get_notices_and_renews_a_download_damaged_later(monkeypatch, home, own_cache):
    folder, address = home
    sums = npy_set(folder)
    serve(monkeypatch, address, "cifar10.1-v6", get=sums)
    place = data.get("cifar10.1-v6")
    for name in sums:
        content = bytearray((place / name).read_bytes())
        content[-3] ^= 1
        (place / name).write_bytes(content)
        data.get("cifar10.1-v6")
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == sums[name]
    (place / name).write_bytes(content)
    monkeypatch.setenv("NBCORE_OFFLINE", "1")
    with pytest.raises(DataError, match="NBCORE_OFFLINE is set"):
        data.get("cifar10.1-v6")


def test_what_killed_downloads_left_is_removed(monkeypatch, home, own_cache):
    folder, address = home
    sums = npy_set(folder)
    serve(monkeypatch, address, "cifar10.1-v6", get=sums)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    target = own_cache / "data" / "cifar10_1"
    for process in (ended.pid, os.getpid()):  # the second is at work
        (target / f"{fetch.PART}{process}-x").mkdir(parents=True)
        (target / f"{fetch.PART}{process}-x" / "tmp123").write_bytes(b"half of it")
    data.get("cifar10.1-v6")
    assert left_behind(own_cache) == sorted([*sums, "tmp123"])
    assert not (target / f"{fetch.PART}{ended.pid}-x").exists()
