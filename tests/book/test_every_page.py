"""What every page and chapter keeps: no network, wide and narrow, light and dark, no script.

A page is opened once in each look, and all tests of that look use it (`visit`, `looks`).
"""

import re
from base64 import b64decode
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from nbcore import claims

CHAPTERS = sorted(p.stem for p in (Path(__file__).parents[2] / "notebooks").glob("[0-9]*.py"))
PAGES = [
    "index",
    "explorer",
    "claims",
    "changes",
    "not_run",
    "status",
    "rerun",
    "promises",
    "bigger",
    "benchmarks",
    "maintain",
    "licences",
    "teach",
    "equations",
    "glossary",
    "bibliography",
]
IN_BOOK = [f"chapters/{stem}" for stem in CHAPTERS]

#: width in pixels, dark, JavaScript
WIDE, NARROW, PLAIN = (1280, False, True), (390, True, True), (1280, False, False)


def looks(pages, *chosen):
    """Give a test `visit`, each of these pages in each of these looks."""
    every = {f"{n.rpartition('/')[2]}-{look[0]}": (n, *look) for n in pages for look in chosen}
    return pytest.mark.parametrize(
        "visit", list(every.values()), ids=list(every), indirect=True, scope="module"
    )


#: true where nothing makes the page wider than the window
FITS = "document.documentElement.scrollWidth <= innerWidth"
EVERY = looks(PAGES + IN_BOOK, WIDE, NARROW)


@EVERY
def test_no_page_scrolls_sideways_or_fails(visit):
    assert visit.locator("h1").first.inner_text()
    assert visit.evaluate(FITS)


@EVERY
def test_no_page_loads_a_script_for_formulas(visit):
    assert visit.locator("script[src*=mathjax i]").count() == 0
    assert "$" not in visit.locator("article p").first.inner_text()


#: what axe looks at: the rules of WCAG 2.1, levels A and AA; drawings have tests of their own
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


@EVERY
def test_axe_finds_nothing_serious(visit):
    found = Axe().run(visit, context={"exclude": [[".nbchart svg"], ["pre"]]}, options=AXE)
    assert [
        (bad["id"], node["html"][:200])
        for bad in found.response["violations"]
        if bad["impact"] in ("serious", "critical")
        for node in bad["nodes"]
    ] == []


#: pairs of different texts in a drawing that lie on each other (a text with a halo is there twice)
OVERLAPS = """() => [...document.querySelectorAll("div.nbchart svg.marks")].flatMap((svg) => {
  const texts = [...svg.querySelectorAll("text")]
    .filter((t) => t.textContent.trim() && getComputedStyle(t).opacity !== "0") // hidden on an axis
    .map((t) => ({ text: t.textContent, box: t.getBoundingClientRect() }));
  return texts.flatMap((a, i) => texts.slice(i + 1).filter((b) => a.text !== b.text
    && Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 2
    && Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 3)
    .map((b) => `${a.text} | ${b.text}`));
})"""


#: opens folded solutions, in which there are charts too
OPEN = (
    "document.querySelectorAll('.toggle-hidden').forEach(e => e.classList.remove('toggle-hidden'))"
)


@looks(IN_BOOK, WIDE, NARROW)
def test_every_chart_comes_alive_and_its_words_stand_apart(visit):
    visit.evaluate(OPEN)
    charts = visit.locator("div.nbchart")
    assert charts.count() >= 3  # some are a sentence where a small run has nothing to draw
    for i in range(charts.count()):
        chart = charts.nth(i)
        chart.evaluate("e => e.scrollIntoView()")
        chart.locator("svg.marks, canvas.marks").first.wait_for(timeout=60_000)
    assert visit.locator("svg.formula").count() > 0
    assert visit.evaluate(OVERLAPS) == []
    assert visit.evaluate(FITS)  # with every chart drawn


@looks(IN_BOOK, NARROW)
def test_charts_follow_dark_mode(visit):
    first = visit.locator("div.nbchart").first
    first.evaluate("e => e.scrollIntoView()")
    text = first.locator("svg.marks text:not(:empty)").first  # some labels are left blank
    text.wait_for(timeout=60_000)
    shade = re.findall(r"\d+", text.evaluate("e => getComputedStyle(e).fill"))[:3]
    assert min(map(int, shade)) > 140  # light text on a dark page


@looks(IN_BOOK, PLAIN)
def test_without_javascript_every_chart_is_a_picture_with_alt_text(visit):
    images = visit.locator("div.nbchart img")
    assert images.count() >= 3
    for i in range(images.count()):
        image = images.nth(i)
        assert len(image.get_attribute("alt")) > 40
        assert image.evaluate("e => e.naturalWidth") > 100


#: texts of a drawing that reach beyond its edge, by more than fonts may differ
BEYOND = """() => {
  const edge = document.querySelector("svg").getBoundingClientRect().right + 6;
  return [...document.querySelectorAll("text")]
    .filter((t) => t.getBoundingClientRect().right > edge).map((t) => t.textContent);
}"""


@pytest.mark.parametrize("stem", CHAPTERS)
def test_no_picture_cuts_its_words(browser, built, stem):
    page = browser.new_page()
    source = (built / f"chapters/{stem}.html").read_text()
    pictures = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', source)
    assert len(pictures) >= 3
    for picture in pictures:
        page.set_content(f'<body style="margin: 0">{b64decode(picture).decode()}</body>')
        assert not page.evaluate(BEYOND)
    page.close()


@looks(IN_BOOK, WIDE)
def test_every_claim_card_is_filled_and_says_where_it_was_measured(visit):
    slug = Path(visit.url).stem.partition("_")[2].replace("_", "-")
    own = [c for c in claims.ledger().values() if c.chapter == slug]
    cards = visit.locator("details.claim-card")
    shown = {card.get_attribute("id").removeprefix("claim-") for card in cards.all()}
    assert shown == {c.id for c in own}
    observed = [card for card in cards.all() if card.locator(".claim-run").count()]
    assert observed
    visit.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for card in observed:
        text = card.inner_text()
        assert "preset smoke" in text
        assert any(word in text for word in ("held", "missed", "undecided", "not judged"))


@looks(IN_BOOK, WIDE)
def test_a_chapter_opens_with_findings_and_leads_to_its_cards(visit):
    visit.evaluate("scrollTo(0, 0)")
    opening = visit.locator(".opening")
    assert 1 <= opening.locator("li").count() <= 3
    # a toy run may lack the key figure; of its two pictures one is for the page's mode
    assert opening.locator("img:visible").count() == opening.locator("img").count() / 2
    assert opening.bounding_box()["y"] < 900
    opening.locator(".opening-verdicts a").last.click()
    visit.wait_for_function("document.querySelector(location.hash)?.open", timeout=10_000)
