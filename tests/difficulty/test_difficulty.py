"""`nbcore difficulty`: on folders of one's own, on bad input, its files, and its page."""

import base64
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nbcore import cli
from nbcore.depths import ensembles
from nbcore.difficulty import judging as difficulty
from nbcore.difficulty import page
from nbcore.difficulty.judging import judge, named
from nbcore.difficulty.planning import Difficulty, plan
from nbcore.difficulty.sample import look
from nbcore.errors import DataError, StoreError
from nbcore.models.pretrained import OFFLINE
from nbcore.runs import store

RNG = np.random.default_rng(0)
MARKUP = '<b>cow & "co" [red]'
START = "from nbcore.cli import main; main()"
QUICK = dict(
    network="mlp", width=16, steps=40, batch=16, k=5, members=5, corner=5, workers=1, device="cpu"
)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, own_cache):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))


def draw(folder, counts, side=12, grey=False):
    """Noisy pictures, brighter from class to class; returns the folder."""
    for c, (name, n) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            pixels = RNG.integers(0, 60, (side, side) if grey else (side, side, 3))
            pixels = pixels + 180 * c // max(len(counts) - 1, 1)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{i:03}.png")
    return folder


@pytest.fixture
def folder(tmp_path):
    return draw(tmp_path / "mine", {"ant": 14, "bee": 12, MARKUP: 12})


def config(folder, **more) -> Difficulty:
    return Difficulty.resolve(**{"dataset": str(folder)} | QUICK | more)


@pytest.fixture
def nbcore(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["nbcore", "difficulty", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, " ".join(captured.err.split())

    return call


def words(**settings) -> list[str]:
    return [w for k, v in settings.items() for w in ("-p", f"{k}={v}")]


def test_a_folder_becomes_rows_and_a_page(nbcore, folder, tmp_path):
    (folder / "ant" / "wrong.png").write_bytes((folder / MARKUP / "000.png").read_bytes())
    out = tmp_path / "out"
    settings = QUICK | dict(steps=300, members=10)
    code, text, err = nbcore(folder, *words(**settings), "--out", out, "--json")
    told = json.loads(text)
    assert code == 0 and told["images"] == 39 and told["members"] == 10
    assert sum(told["actions"].values()) == 39 and told["held_out_times"] == [2, 2]
    assert told["comparison"] is None and told["never_held_out"] == 0
    table = pd.read_csv(told["files"]["csv"])
    pd.testing.assert_frame_equal(
        table, pd.read_parquet(told["files"]["parquet"]), check_dtype=False
    )
    assert set(table["file"]) == {p.relative_to(folder).as_posix() for p in folder.rglob("*.png")}
    assert (table["label"] == table["file"].str.split("/").str[0]).all()
    digests = [hashlib.sha256((folder / f).read_bytes()).hexdigest() for f in table["file"]]
    assert table["id"].tolist() == digests
    wrong = table[table["file"] == "ant/wrong.png"].iloc[0]
    assert (wrong["action"], wrong["suggested"]) == ("relabel", MARKUP)
    assert wrong["consistency"] == 0 and wrong["depth_train"] > wrong["depth_val"]
    assert (table["action"].drop(wrong.name) != "relabel").all()
    for column in ("entropy", "learned_train", "output_margin_val", "n_train", "corner"):
        assert table[column].notna().any()
    assert Path(told["files"]["page"]).parent == out
    code, text, _ = nbcore(folder, *words(**settings), "--out", out)
    assert code == 0 and "39 images of 3 classes" in text and "relabel 1" in text


class Texts(HTMLParser):
    """The texts, tags and attributes of a page."""

    def __init__(self, source):
        super().__init__()
        self.texts, self.tags = [], []
        self.feed(source)

    def handle_data(self, data):
        self.texts.append(data.strip())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_the_page_is_whole_and_shows_markup_as_text(folder):
    source = page.page(judge(config(folder)))
    found = Texts(source)
    assert MARKUP in found.texts and "<b>cow" not in source
    images = [a for tag, a in found.tags if tag == "img"]
    assert len(images) == 38 and all(a["alt"] for a in images)
    assert any(MARKUP in a["alt"] for a in images)
    for a in images[:3]:
        kind, data = a["src"].split(",", 1)
        assert kind == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == (12, 12)
    links = [v for _, a in found.tags for k, v in a.items() if k in ("src", "href")]
    assert all(v.startswith(("data:", "#")) for v in links) and "//" not in source.split("src=")[0]
    few = page.page(judge(config(folder, pictures=7)))
    assert sum(tag == "img" for tag, _ in Texts(few).tags) == 7
    assert "are shown" in few


def test_the_page_works_with_keys_and_without_javascript(folder, browser, tmp_path):
    target = page.write_page(judge(config(folder)), tmp_path / "out").as_uri()
    for javascript in (False, True):
        context = browser.new_context(
            java_script_enabled=javascript,
            viewport={"width": 390, "height": 800},
            color_scheme="dark",
        )
        tab, trouble = context.new_page(), []
        tab.on("pageerror", lambda e, t=trouble: t.append(str(e)))
        tab.on("console", lambda m, t=trouble: t.append(m.text))
        tab.goto(target)
        assert tab.locator(".card:visible").count() == 38
        for part in ("form[aria-label^=Filter]", "#review"):
            assert tab.locator(part).is_visible() is javascript
        assert tab.locator("b").count() == 3  # the names of the suggestions, no class
        tab.locator("summary").first.focus()
        tab.keyboard.press("Enter")
        assert tab.locator("details[open] dl").count() == 1
        if javascript:
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == (
                "rgb(18, 18, 18)"
            )
            tab.keyboard.press("ArrowRight")
            assert tab.evaluate("document.activeElement === document.querySelectorAll('.card')[1]")
            tab.select_option("select[name=label]", label=MARKUP)
            cards = tab.locator(".card:visible")
            assert cards.count() == 12 == int(tab.locator("[role=status]").inner_text().split()[0])
            tab.locator("input[value=keep]").focus()
            tab.keyboard.press("Space")
            kept = tab.locator(".card:visible")
            assert kept.count() <= 12
            assert set(kept.evaluate_all("c => c.map(x => x.dataset.action)")) <= {"keep"}
        assert not trouble
        context.close()


def test_more_members_extend_the_ensemble(folder, monkeypatch):
    trained, member = [], ensembles.member
    monkeypatch.setattr(ensembles, "member", lambda c, n: (trained.append(n), member(c, n))[1])
    judge(config(folder))
    more = judge(config(folder, members=7))
    assert trained == [f"split-{i:03}" for i in range(7)]
    assert sorted(more.table["n_val"].unique()) == [1, 2]
    judge(config(folder, agreement=1.0, gap=0.2, corner=3, pictures=1))
    assert len(trained) == 7


def test_fewer_members_than_folds_leave_images_unjudged(folder):
    judged = judge(config(folder, members=3))
    table = named(judged)
    unasked = table["n_val"] == 0
    assert unasked.sum() == difficulty.summary(judged)["never_held_out"] > 0
    assert table["action"][unasked].isna().all() and table["consensus"][unasked].isna().all()
    assert any("held out by no network" in line for line in page.warnings(judged))
    assert page.page(judged)


def test_splits_of_the_folders_own_and_of_parquet(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw(tmp_path / "a" / "train", {"ant": 10, "bee": 10})
    draw(tmp_path / "a" / "val", {"ant": 3, "bee": 3})  # no test split
    judged = judge(config(tmp_path / "a"))
    assert len(judged.table) == 20
    assert all(f.startswith("train/") for f in named(judged)["file"])
    files = sorted((tmp_path / "a" / "train").rglob("*.png"))
    rows = {
        "image": [{"bytes": f.read_bytes(), "path": None} for f in files],
        "label": [0] * 10 + [2] * 10,
    }
    (tmp_path / "b").mkdir()
    target = tmp_path / "b" / "train-00000.parquet"
    pq.write_table(pa.table(rows), target)
    table = named(judge(config(tmp_path / "b")))
    assert set(table["label"]) == {"0", "2"} and "train 0" in set(table["file"])
    names = {"info": {"features": {"label": {"names": ["<b>x</b>", "none", "{{ 7 * 7 }}"]}}}}
    meta = {"huggingface": json.dumps(names)}
    pq.write_table(pa.table(rows).replace_schema_metadata(meta), target)
    source = page.page(judge(config(tmp_path / "b")))
    assert "&lt;b&gt;x&lt;/b&gt;" in source and "<b>x" not in source and "{{ 7 * 7 }}" in source


def test_pictures_of_many_sizes_are_brought_to_one(tmp_path):
    draw(tmp_path / "mine", {"ant": 10, "bee": 10}, side=100)
    Image.new("RGB", (80, 300)).save(tmp_path / "mine" / "ant" / "tall.png")
    sample = look(str(tmp_path / "mine"))
    assert sample.side == 32 and not sample.grey
    tall = [str(f) for f in sample.files].index("ant/tall.png")
    assert sample.picture(tall).size == (26, 96)
    assert plan(Difficulty(dataset=str(tmp_path / "mine")), sample).network == OFFLINE
    named_one = plan(Difficulty(dataset=str(tmp_path / "mine"), network="vgg16"), sample)
    assert named_one.architecture == "vgg16" and named_one.members == 10
    draw(tmp_path / "grey", {"ant": 10, "bee": 10}, grey=True)
    sample = look(str(tmp_path / "grey"))
    assert sample.side == 12 and sample.grey
    settings = plan(Difficulty(dataset=str(tmp_path / "grey")), sample)
    assert (settings.architecture, settings.image_size, settings.examples) == ("mlp", 12, 20)


def test_the_books_own_ensembles_serve_too(monkeypatch):
    """What chapter 3 and chapter 8 computed is found, and not computed anew."""
    from nbcore.paths import project_root

    monkeypatch.setenv("NBCORE_RESULTS", str(project_root() / "results"))
    sample = look("digits")
    e = plan(Difficulty(dataset="fashion-mnist", device="cpu"), sample)
    assert (e.architecture, e.held_out, e.examples) == ("mlp", 0.1, 10_000)
    found = store.find_run(e.slug, e, e.roles())
    assert found and found.origin == "stored"
    noisy = plan(Difficulty(dataset="fashion-mnist", noise=0.1), sample)
    assert (noisy.steps, noisy.held_out, noisy.input_margins) == (2400, 0.2, 0)


BAD = {
    "nothing there": (dict(dataset="no-such"), "There is no data set 'no-such'"),
    "no folder": (dict(dataset="./no-such"), "There is no file or folder './no-such'"),
    "unknown parameter": (dict(sed=1), "difficulty has no parameter 'sed'; did you mean 'seed'?"),
    "network": (dict(network="vgg"), "The network 'vgg' cannot be had: There is no model 'vgg'"),
    "share": (dict(held_out=0.3), "one over a whole number, such as 0.1, not 0.3"),
    "folds": (
        dict(held_out=0.05),
        "has 12 images (too few also: ant, bee), but every one of 20 folds",
    ),
    "corner": (dict(corner=50), "hold 50 images, but .* has only 38; ask for fewer"),
    "size of a corner": (dict(corner=0, examples=18, held_out=0.25), "hold 20 images, but"),
    "neighbours": (dict(k=30, held_out=0.25), "k is 30, but a member trains on about 28"),
    "testbed": (dict(dataset="testbed-imagenetv2"), "testbed-imagenetv2 holds"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence_before_any_training(nbcore, folder, monkeypatch, case):
    import re

    monkeypatch.setattr(ensembles, "member", lambda *_: pytest.fail("a member was trained"))
    given, sentence = case
    if str(given.get("dataset", "")).startswith("testbed") and not os.environ.get("NBCORE_DATA"):
        pytest.skip("needs the public testbeds: set NBCORE_DATA to a folder that holds them")
    settings = QUICK | given
    code, out, err = nbcore(settings.pop("dataset", folder), *words(**settings))
    assert code == 1
    assert re.search(sentence if ".*" in sentence else re.escape(sentence), err), err
    assert "Traceback" not in out + err


def test_bad_folders_are_one_sentence(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(ensembles, "member", lambda *_: pytest.fail("a member was trained"))
    one = draw(tmp_path / "one", {"ant": 10})
    with pytest.raises(DataError, match="images of one class only, 'ant'"):
        judge(config(one))
    (folder / "bee" / "000.png").write_text("not an image")
    with pytest.raises(DataError, match="bee/000.png is no readable image .* mend or remove it"):
        judge(config(folder))
    (folder / "bee" / "000.png").unlink()
    (folder / "dog").mkdir()
    Image.new("RGB", (12, 12)).save(folder / "dog" / "a.png")
    with pytest.raises(DataError, match="The class 'dog' of .* has 1 images, but every one of 5"):
        judge(config(folder))


def test_a_folder_that_cannot_be_written_to_is_said(folder, tmp_path):
    (tmp_path / "file").write_text("here already")
    with pytest.raises(StoreError, match="cannot be written .* name another place"):
        page.report(config(folder), tmp_path / "file")


def test_planted_noise_is_reported_beside_cleanlab(nbcore, monkeypatch):
    settings = QUICK | dict(noise=0.2, examples=200)
    code, text, _ = nbcore("digits", *words(**settings))
    assert code == 0 and "labels are known to be wrong; found by" in text
    assert "cleanlab, confident_learning" in text and "-p softmax=true" in text
    assert "rule on depths" in text
    code, text, _ = nbcore("digits", *words(**settings | dict(softmax="true")), "--json")
    told = json.loads(text)
    assert code == 0 and len(told["comparison"]) == 7
    monkeypatch.setattr(page, "find_spec", lambda _: None)
    code, text, _ = nbcore("digits", *words(**settings))
    assert code == 0 and "cleanlab is not installed: pip install" in text


def test_equally_deep_images_have_no_corner(folder):
    judged = judge(config(folder))
    flat = np.zeros(38)
    from nbcore.difficulty.rows import _corners

    assert set(_corners(flat, judged.table["depth_train"].to_numpy(), 5)) == {""}


def kept_members(runs):
    """Find the members that the manifests of unfinished runs name: {file: time of writing}."""
    files = [
        manifest.with_name(f"member-{name}.zarr.zip")
        for manifest in runs.rglob("manifest.json")
        for name in json.loads(manifest.read_text())["members"]
    ]
    return {file: file.stat().st_mtime_ns for file in files}


def test_an_interrupt_keeps_what_is_done_and_a_rerun_goes_on(folder, nbcore):
    """Control-C, as a terminal sends it to the whole group of processes."""
    settings = words(**QUICK | dict(steps=400, members=4, workers=2))
    command = [sys.executable, "-c", START, "difficulty", str(folder), *settings]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    runs = Path(os.environ["NBCORE_CACHE"]) / "runs"
    for _ in range(24_000):  # a loaded machine takes long; the test has its own limit
        if kept_members(runs) or process.poll() is not None:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    done = kept_members(runs)
    assert process.returncode == 130 and "what was finished is kept" in err
    assert 0 < len(done) < 4 and "Traceback" not in err
    assert nbcore(folder, *settings)[0] == 0  # in this process, which has its imports done
    again = kept_members(runs)
    assert len(again) == 4 and {file: again[file] for file in done} == done
