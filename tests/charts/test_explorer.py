"""Pictures in a plane: their markup, and what pointer and keys do in a browser without network."""

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from samples import EVIL, say

from nbcore.charts.explorer import _ticks, explorer
from nbcore.errors import DataError, ParameterError

STATIC = Path(__file__).parents[2] / "book" / "_static"
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<style>body{{margin:12px}}html[data-theme=dark]{{background:#121212;color:#e6e8eb}}</style>
<script src="explorer.js"></script><script src="explorer.js"></script></head>
<body>{}</body></html>"""
GROUPS = ["easy", "hard", "nobody"]


def table(n: int = 24) -> pd.DataFrame:
    """Three classes of eight; the second has a name that tries to break out of the page."""
    classes = np.array(["cat", EVIL, "dog"])[np.arange(n) // 8 % 3]
    return pd.DataFrame(
        {
            "x": np.arange(n) / 2,
            "y": np.arange(n)[::-1] / 3.0,
            "series": np.where(np.arange(n) % 3, "same", "other"),
            "choice": classes,
            "group": np.where(np.arange(n) % 8 < 5, "easy", "hard"),
            "caption": classes,
            "words": [f"label: {c}; number {i}; depth {i / 2:.1f}" for i, c in enumerate(classes)],
        }
    )


def images(n: int = 24, channels: int = 1) -> np.ndarray:
    return (np.arange(n * 64 * channels) % 251).reshape(n, 8, 8, channels).astype(np.uint8)


def made(**changes):
    words = dict(x_title="depth <held out>", y_title="y", choose="Class", groups=GROUPS)
    return explorer(table(), images(), **words | say("Plane") | changes)


def test_every_picture_is_there_once_with_its_words_and_its_point():
    page = made().markup
    image = r'<img alt="([^"]*)" width="64" height="64" src="data:image/png;base64,(.*?)"'
    found = re.findall(image, page)
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(x)))) for _, x in found]
    np.testing.assert_array_equal(np.stack(pictures), images()[..., 0])  # grey: to the last bit
    assert [alt.split("; ")[1] for alt, _ in found] == [f"number {i}" for i in range(24)]
    assert page.count("<title>") == page.count('nbx-thumb"') == 24
    assert "nobody" not in page and page.count("<details") == 3
    assert "<script" not in page and "onerror" not in re.sub(r'"[^"]*"|>[^<]*<', "", page)
    bundle = made()._repr_mimebundle_()
    assert "number 23" in bundle["text/plain"]
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 500


def test_places_follow_the_axes():
    page = made().markup
    spots = dict(re.findall(r'data-i="(\d+)" (?:cx|d)="(?:M)?([\d.]+)', page))
    across = [float(spots[str(i)]) for i in range(24)]
    assert np.allclose(np.diff(across), np.diff(across)[0], atol=0.11)  # evenly, left to right
    assert _ticks(0, 13.4)[0] == 0 and 4 <= len(_ticks(0, 13.4)) <= 9
    assert _ticks(0.2, 0.8)[0] == pytest.approx(0.2) and _ticks(3, 3) == [3]


def test_photographs_are_kept_small():
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), np.uint8)
    words = dict(x_title="x", y_title="y", choose="Class", groups=GROUPS)
    page = explorer(table(), noise, **words, **say("Noise")).markup
    assert "image/webp" in page and len(page) < 24 * 4500 + 8000


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda t: t.drop(columns="words"), "lacks words"),
        (lambda t: t.assign(x=np.nan), "finite places"),
        (lambda t: t.assign(series=list("abc") * 8), "at most 2 series"),
        (lambda t: t[:3], "as many captions"),
    ],
)
def test_other_tables_are_refused(change, words):
    fine = dict(x_title="x", y_title="y", choose="Class", groups=GROUPS)
    with pytest.raises(DataError, match=words):
        explorer(change(table()), images(), **fine, **say("t"))
    with pytest.raises(ParameterError, match="the title is empty"):
        explorer(table(), images(), title="", description="d", **fine)


@pytest.fixture
def visit(browser, tmp_path):
    """Open a page that holds the plane; requests and escaped scripts fail the test."""
    shutil.copy(STATIC / "explorer.js", tmp_path)
    (tmp_path / "page.html").write_text(PAGE.format(made().markup), "utf-8")
    contexts, trouble = [], []

    def call(width: int = 1000, javascript: bool = True):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, java_script_enabled=javascript)
        contexts.append(context)
        context.route("http*://**/*", lambda r: (trouble.append(r.request.url), r.abort()))
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda m: trouble.append(m.text))
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield call
    for context in contexts:
        trouble += [p for p in context.pages if p.evaluate("window.broken")]
        context.close()
    assert not trouble


def shown(page) -> str:
    return page.locator(".nbx-panel").inner_text()


@pytest.mark.parametrize("width", [1000, 390])
def test_keys_walk_through_the_pictures_of_a_class(visit, width):
    page = visit(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    menu = page.get_by_label("Class")
    assert menu.locator("option").all_inner_texts() == ["cat", EVIL, "dog"]
    menu.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".nbx-thumb:visible").count() == 8 and "number 8" in shown(page)
    page.keyboard.press("Tab")  # one stop for all pictures
    page.keyboard.press("ArrowRight")
    assert "number 9" in shown(page) and EVIL in shown(page)
    page.keyboard.press("ArrowDown")  # the line below: the second of "hard", or of a wrapped row
    here = "Number(document.activeElement.dataset.i)"
    assert page.evaluate(here) > 9
    page.keyboard.press("ArrowUp")
    assert page.evaluate(here) in ((9,) if width == 1000 else (8, 9))  # of a short line the nearest
    page.keyboard.press("End")
    assert "number 15" in shown(page)
    page.keyboard.press("ArrowRight")  # stays
    assert "number 15" in shown(page)
    option = page.get_by_role("option", selected=True).last
    assert "number 15" in option.get_attribute("aria-label")
    ring, mark = (page.locator(s).bounding_box() for s in (".nbx-ring", '.nbx-plane [data-i="15"]'))
    assert abs(ring["x"] + ring["width"] / 2 - mark["x"] - mark["width"] / 2) < 1.5


def test_the_pointer_shows_what_is_near_and_a_click_goes_there(visit):
    page = visit()
    box = page.locator('.nbx-plane [data-i="20"]').bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2)
    assert "number 20" in shown(page)
    assert page.get_by_label("Class").input_value() == "cat"
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.get_by_label("Class").input_value() == "dog"
    assert page.locator(".nbx-panel img").evaluate("e => e.naturalWidth") == 8
    page.locator('.nbx-thumb[data-i="17"]').hover()
    assert "number 17" in shown(page)


def test_without_javascript_all_classes_are_listed(visit):
    page = visit(390, javascript=False)
    assert page.locator("select").count() == 0
    assert page.locator("summary:visible").count() == 3
    page.locator("summary").nth(2).click()
    picture = page.locator('.nbx-thumb[data-i="20"] img')
    assert picture.is_visible() and "number 20" in picture.get_attribute("alt")
    assert page.locator(".nbx-plane title").count() == 24
