"""The page on which suggestions are decided, in a browser: by keys, by mouse and by touch."""

import numpy as np
import pytest
from PIL import Image

from nbcore.difficulty.review.corrections import correct
from nbcore.difficulty.review.decisions import KEEP, RELABEL, REMOVE, RENAME, read
from nbcore.difficulty.review.identity import image_id
from nbcore.difficulty.review.template import template

CLASSES = ['ant "big"', "bee, wild", "cow"]
ANT, BEE, COW = CLASSES
#: file -> (section, the class that is suggested, if any)
CARDS = {
    f"{ANT}/0.png": ("relabel", BEE),
    f"{ANT}/1.png": ("relabel", COW),
    f"{BEE}/0.png": ("inspect", ANT),
    f"{BEE}/1.png": ("inspect", ""),
    f"{COW}/0.png": ("keep", ""),
}
STATE = "cards => cards.map(card => card.dataset.decision)"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


@pytest.fixture
def mine(tmp_path, own_cache):
    rng = np.random.default_rng(0)
    for file in (*CARDS, f"{ANT}/2.png", f"{COW}/1.png"):
        (tmp_path / "mine" / file).parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "mine" / file)
    return tmp_path / "mine"


def card(root, file, new):
    label = file.split("/")[0]
    return {
        "data": PIXEL,
        "kind": "png",
        "small": True,
        "alt": f"{file}, labelled {label}",
        "file": file,
        "id": image_id(root / file),
        "label": label,
        "other": new,
        "ring": None,
        "block": None,
        "facts": [("id", image_id(root / file)[:12])],
        "label_number": CLASSES.index(label),
        "consensus_number": CLASSES.index(new or label),
        "corner_number": "",
    }


@pytest.fixture
def page(mine, tmp_path):
    sections = []
    for action in ("relabel", "inspect", "keep"):
        own = [card(mine, file, new) for file, (kind, new) in CARDS.items() if kind == action]
        name = action.capitalize()
        sections.append(dict(action=action, name=name, count=str(len(own)), note="", cards=own))
    fields = [{"name": "Label", "field": "label", "options": list(enumerate(CLASSES))}]
    words = dict(title="mine", said=["5 images."], warnings=[], sections=sections, filters=fields)
    out = tmp_path / "page.html"
    out.write_text(template().render(**words, name="mine", classes=CLASSES, store="s"), "utf-8")
    return out.as_uri()


@pytest.fixture
def opened(browser, page):
    """Open the page in a window of its own; the test fails on any error or message of a script."""
    contexts, trouble = [], []

    def call(**settings):
        context = browser.new_context(accept_downloads=True, **settings)
        context.set_default_timeout(300_000)  # a loaded machine takes its time
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda e: trouble.append(str(e)))
        tab.on("console", lambda m: trouble.append(m.text))
        tab.goto(page)
        return tab

    yield call
    for context in contexts:
        context.close()
    assert not trouble


def exported(tab, tmp_path):
    with tab.expect_download() as download:
        tab.click("[data-do=export]")
    assert download.value.suggested_filename == "mine-decisions.csv"
    download.value.save_as(tmp_path / "decisions.csv")
    return read(tmp_path / "decisions.csv")


def at(tab):
    return tab.evaluate("document.activeElement.dataset.file")


def state(tab):
    return tab.locator(".card").evaluate_all(STATE)


def test_keys_decide_and_the_table_corrects_the_folder(opened, mine, tmp_path):
    tab, files = opened(viewport={"width": 900, "height": 500}), list(CARDS)
    assert tab.locator("[data-do=export]").is_disabled()
    tab.keyboard.press("a")  # nothing is chosen yet
    assert state(tab) == ["open"] * 5
    tab.keyboard.press("j")
    assert at(tab) == files[0]
    tab.keyboard.press("a")
    assert at(tab) == files[1] and "0.png is bee, wild. 1 decided, 4 of 5" in tab.inner_text(
        "#told"
    )
    tab.keyboard.press("r")
    tab.keyboard.press("x")
    assert state(tab) == ["relabel", "keep", "remove", "open", "open"] and at(tab) == files[3]
    tab.keyboard.press("u")
    assert state(tab)[2] == "open" and at(tab) == files[2]
    tab.keyboard.press("c")  # another class than the one suggested
    tab.locator(".bar select").select_option(COW)
    assert state(tab)[2] == "relabel" and at(tab) == files[2]
    tab.keyboard.press("k")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert at(tab) == files[3]
    tab.keyboard.press("r")  # no other class was suggested: one has to be chosen
    assert tab.evaluate("document.activeElement.matches('.bar select')")
    tab.keyboard.press("Escape")
    tab.locator(".card").nth(3).focus()
    tab.keyboard.press("x")
    tab.keyboard.press("a")
    assert state(tab) == ["relabel", "keep", "relabel", "remove", "keep"]
    labels = tab.locator(".card").evaluate_all("c => c.map(x => x.getAttribute('aria-label'))")
    assert labels[0].endswith("suggested bee, wild, is bee, wild") and "left out" in labels[3]
    tab.reload()  # what was decided is still there
    assert state(tab) == ["relabel", "keep", "relabel", "remove", "keep"]
    rows = exported(tab, tmp_path)
    assert [(r.decision, r.new, r.file) for r in rows] == [
        (RELABEL, BEE, files[0]),
        (KEEP, "", files[1]),
        (RELABEL, COW, files[2]),
        (REMOVE, "", files[3]),
        (KEEP, "", files[4]),
    ]
    done = correct(str(mine), rows, tmp_path / "new")
    assert done.counts == dict(relabelled=2, removed=1, kept=2, already=0, renamed=0, merged=0)
    assert (tmp_path / "new" / COW / f"0-{rows[2].id[:12]}.png").exists()


def test_classes_are_renamed_and_keys_can_be_off(opened, tmp_path):
    tab = opened()
    tab.locator("#review summary").click()
    tab.locator("#review [name=old]").select_option(ANT)
    tab.fill("#review [name=new]", "emmet")
    tab.keyboard.press("Enter")
    tab.locator("#review [name=old]").select_option(BEE)
    tab.fill("#review [name=new]", COW)
    tab.click("#review form button >> text=Add")
    assert "bee, wild joins cow" in tab.inner_text("#review form ul")
    assert [(r.decision, r.old, r.new) for r in exported(tab, tmp_path)] == [
        (RENAME, ANT, "emmet"),
        (RENAME, BEE, COW),
    ]
    tab.click("text=Take back >> nth=0")
    assert "emmet" not in tab.inner_text("#review form ul")
    tab.uncheck("[name=keys]")
    tab.locator(".card").first.focus()
    tab.keyboard.press("a")
    assert state(tab) == ["open"] * 5
    tab.keyboard.press("ArrowDown")  # to the next section, below
    assert at(tab) == list(CARDS)[2]


def test_mouse_and_touch_on_a_narrow_dark_page(opened):
    tab = opened(viewport={"width": 390, "height": 800}, color_scheme="dark", has_touch=True)
    tab.locator(".card button >> text=Accept").first.tap()
    tab.locator(".card button >> text=Reject").nth(1).tap()
    assert state(tab)[:2] == ["relabel", "keep"]
    pressed = tab.locator("[aria-pressed=true]").evaluate_all("b => b.map(x => x.ariaLabel)")
    assert pressed == [f"Accept: {BEE}", f"Reject: it stays {ANT}"]
    tab.locator("[data-do=undo]").tap()
    assert state(tab)[:2] == ["relabel", "open"]
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("document.querySelector('#review').offsetHeight < innerHeight / 3")
    tab.locator("form [name=decision]").select_option("open")
    assert tab.locator(".card:visible").count() == 4


def test_without_a_place_to_keep_things_the_page_says_so(browser, page):
    context = browser.new_context()
    context.set_default_timeout(300_000)
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('off'); } })"
    )
    tab = context.new_page()
    tab.goto(page)
    tab.locator(".card button >> text=Accept").first.click()
    assert "keeps nothing here: export before you leave" in tab.inner_text("#told")
    context.close()
