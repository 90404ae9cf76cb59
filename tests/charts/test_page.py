"""The live figures in a browser, on a page opened from a folder, with every network blocked."""

import re
import shutil
from base64 import b64decode
from pathlib import Path

import pandas as pd
import pytest
from samples import bundle, figures

from nbcore import charts
from nbcore.charts.renderer import render

#: playwright's own way waits until nothing moves, and a page that draws thirty figures moves
TO_VIEW = "e => e.scrollIntoView()"
STATIC = Path(__file__).parents[2] / "book" / "_static"
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<link rel="stylesheet" href="charts.css"><script src="charts.js"></script>
<script src="charts.js"></script></head><body>{}</body></html>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with one page that holds every figure."""
    folder = tmp_path_factory.mktemp("page")
    charts.write_bundle(folder)
    for name in ("charts.js", "charts.css"):
        shutil.copy(STATIC / name, folder)
    divs = {name: bundle(name)["text/html"] for name in figures()}
    body = "".join(f'<section id="{name}">{div}</section>' for name, div in divs.items())
    (folder / "page.html").write_text(PAGE.format(body), "utf-8")
    return folder


@pytest.fixture
def visit(browser, folder):
    """Open the page; a request to a network or a script that got out fails the test."""
    contexts, trouble = [], []

    def call(width: int = 1000, javascript: bool = True):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, java_script_enabled=javascript)
        contexts.append(context)
        context.route("http*://**/*", lambda r: (trouble.append(r.request.url), r.abort()))
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto((folder / "page.html").as_uri())
        return page

    yield call
    for context in contexts:
        trouble += [p for p in context.pages if p.evaluate("window.broken")]
        context.close()
    assert not trouble


def live(page, mode: str = "light", only: str = "section") -> None:
    for section in page.locator(only).all():
        section.evaluate(TO_VIEW)
        section.locator(f".nbchart-{mode} :is(svg, canvas).marks").wait_for(timeout=60_000)


@pytest.mark.parametrize("width", [1000, 390])
def test_every_figure_comes_alive_and_fits(visit, width):
    page = visit(width)
    live(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for marks in page.locator("svg.marks, canvas.marks").all():
        box = marks.bounding_box()
        assert box["width"] > 200 and box["x"] + box["width"] <= width
    assert page.locator("div.nbchart img:visible").count() == 0
    label = page.locator("#solved .nbchart-view").get_attribute("aria-label")
    assert page.get_by_role("figure", name=label, exact=True).count() == 1
    assert page.locator("text=Open in Vega Editor").count() == 0


def test_narrow_pages_stack_panels_and_wide_ones_do_not(visit):
    page = visit(1000)
    live(page, only="#pair")
    height = "document.querySelector('#pair svg.marks').getBoundingClientRect().height"
    wide = page.evaluate(height)
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_function(f"{height} > {1.4 * wide}", timeout=60_000)


def test_the_dark_switch_renders_again(visit):
    page = visit()
    live(page, only="#solved")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    live(page, "dark", "#solved")
    shade = page.locator("#solved svg.marks text").first.evaluate("e => getComputedStyle(e).fill")
    assert min(map(int, shade[4:-1].split(","))) > 140


def test_the_family_menu_works_by_keyboard_and_survives_a_new_mode(visit):
    page = visit(390)
    live(page, only="#explorer")
    menu = page.get_by_label("Pretraining")
    assert menu.input_value() == "web"
    drawn = "document.querySelector('#explorer svg.marks').outerHTML"
    before = page.evaluate(drawn)
    menu.focus()
    page.keyboard.press("o")  # jumps to "ours" or "others"
    page.wait_for_function(f"shown => {drawn} !== shown", arg=before)
    chosen = menu.input_value()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    live(page, "dark", "#explorer")
    assert chosen in ("ours", "others") and menu.input_value() == chosen
    assert page.evaluate(drawn) != before


def test_without_javascript_and_without_the_library_the_images_stay(visit, folder):
    page = visit(390, javascript=False)
    for image in page.locator("div.nbchart img").all():
        assert image.is_visible() and len(image.get_attribute("alt")) > 20
        assert image.bounding_box()["width"] <= 390
    bundle = folder / "vega-bundle.js"
    bundle.rename(folder / "away.js")
    try:
        page = visit()
        with page.expect_console_message(lambda m: "stays as it is" in m.text):
            page.reload()
        assert page.locator("#accuracy img").is_visible()
    finally:
        (folder / "away.js").rename(bundle)


def test_the_picture_keeps_the_digits_of_its_words():
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [0.00812345, 0.0091]})
    shown = charts.curve(
        frame.assign(series="a"),
        title="Gains of -0.0081 [-0.0186, -0.0006] at 95 %",
        description="two points that are only here to be drawn",
        x_title="x",
        y_title="y",
    )
    markup = render(shown.to_dict())["text/html"]
    svg = b64decode(re.search(r"svg\+xml;base64,([^\"]+)", markup)[1]).decode()
    assert "−0.0081 [−0.0186, −0.0006] at 95%" in svg
    assert 'class="' not in svg and not re.search(r'="[^"]*\.\d{3}[^"]*"', svg)
