"""The built book as a visitor meets it: no network, wide and narrow, light and dark, no script."""

import csv
from pathlib import Path

import pytest
import yaml

from nbcore import claims
from nbcore.publish import check
from nbcore.publish.pages import licences

CHAPTERS = sorted(p.stem for p in (Path(__file__).parents[2] / "notebooks").glob("[0-9]*.py"))


def test_the_table_of_contents_is_built(built):
    toc = yaml.safe_load((Path(__file__).parents[2] / "_toc.yml").read_text())
    wanted = set(check.toc_files(toc))
    assert {f"chapters/{stem}" for stem in CHAPTERS} <= wanted
    for entry in wanted:
        assert (built / f"{entry}.html").is_file(), entry


def weight(browser, built, name):
    """Bytes of a page and of every file that it loads from disk."""
    from urllib.parse import unquote, urlsplit

    page, seen = browser.new_page(), set()
    page.on("request", lambda request: seen.add(unquote(urlsplit(request.url).path)))
    page.goto((built / f"{name}.html").as_uri())
    page.wait_for_load_state("networkidle")
    page.close()
    return {Path(p).name: Path(p).stat().st_size for p in seen if Path(p).is_file()}


def test_what_pages_load_is_light(browser, built):
    landing = weight(browser, built, "intro")
    assert "intro.html" in landing and len(landing) > 5  # the theme's files too
    assert sum(landing.values()) < 700_000, landing
    shared = {n: size for n, size in landing.items() if n.endswith((".js", ".css"))}
    assert sum(shared.values()) < 600_000, shared


def test_the_landing_pages_picture_becomes_the_explorer(open_page):
    page = open_page("intro")
    assert page.locator(".front-card").count() == len(CHAPTERS)
    shown = page.locator(".front-card:has(img)")
    assert shown.count() >= len(CHAPTERS) - 3  # on digits some have nothing to draw
    assert shown.locator("img:visible").count() == shown.count()
    for card in shown.all():
        assert len(card.locator("span").last.inner_text().split()) >= 4  # the finding
    assert page.locator(".nblines").count() == 0
    page.locator(".front-touch").press("Enter")
    page.locator(".front-live .lnx svg, .front-live svg.lnx").first.wait_for()
    assert page.locator(".front-picture").count() == 0


def test_without_javascript_the_picture_leads_to_the_explorer(open_page):
    page = open_page("intro", javascript=False)
    page.locator(".front-touch").click()
    assert page.url.endswith("explorer.html")


def test_a_claim_of_two_chapters_has_one_card_that_names_both(open_page):
    page = open_page("chapters/01_line")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    text = page.locator("#claim-A26").inner_text()
    assert "67 models on ImageNet" in text and "small networks" in text
    guest = open_page("chapters/06_zero_shot_class_maps")
    assert guest.locator("#claim-A26").count() == 0
    assert guest.locator(".claim-cards a[href*='claim-A26']").count() == 1


def test_claims_are_filtered_by_keyboard_and_linked(open_page):
    page = open_page("claims")
    rows = page.locator("li.claim-row")
    n = len(claims.ledger())
    assert rows.count() == n
    page.get_by_label("Words").focus()
    page.keyboard.type("intercept")
    visible = [r for r in rows.all() if r.is_visible()]
    assert 0 < len(visible) < 20
    assert page.locator("form.claim-filter output").inner_text() == f"{len(visible)} of {n} claims"
    page.get_by_label("Words").fill("")
    page.get_by_label("Verdict").select_option("reproduced")
    for row in rows.all():
        if row.is_visible():
            assert "✓ reproduced" in row.inner_text()
    page.locator("li.claim-row:visible a").first.click()
    page.wait_for_function("document.querySelector(location.hash)?.open", timeout=10_000)
    assert "/chapters/" in page.url


def test_the_overview_shows_its_claims_and_the_list_is_ordered(open_page):
    page = open_page("claims")
    rows = page.locator("li.claim-row:visible")
    shown = page.locator(".claim-overview button").first
    shown.press("Enter")
    assert rows.count() == int(shown.inner_text())
    page.locator("form.claim-filter").evaluate("form => form.reset()")
    page.locator("select[name=order]").select_option("verdict")
    order = [row.get_attribute("data-verdict") for row in rows.all()]
    assert order == sorted(order, key=claims.VERDICTS.index)
    first = page.locator(f"li.claim-row[data-verdict='{order[0]}'] .claim-id").all_inner_texts()
    assert first == [c for c in claims.ledger() if c in first]


def test_the_data_of_a_numbered_figure_are_saved_as_csv(open_page):
    page = open_page("chapters/01_line")
    chart = page.locator("div.nbchart").first
    chart.evaluate("e => e.scrollIntoView()")
    chart.locator("summary").click()
    with page.expect_download() as download:
        chart.get_by_text("Save data 2 as CSV").click()  # the first table is the line's
    assert download.value.suggested_filename == "figure-1-1-2.csv"
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert len({row["model"] for row in rows}) > 20
    assert all(0 < float(row["ood"]) < float(row["id"]) < 1 for row in rows)


def test_claims_and_terms_in_the_text_are_links(open_page):
    page = open_page("chapters/03_prediction_depth")
    assert page.locator("p a.claim-link[href='#claim-B41']").count() >= 1
    terms = [a.get_attribute("href") for a in page.locator("a.term-link").all()]
    assert len(terms) == len(set(terms)) > 3


def test_a_reader_picks_a_family_with_the_keyboard(open_page):
    page = open_page("chapters/01_line")
    explorer = page.locator("div.nbchart", has=page.locator("img[alt*='drop-down']"))
    explorer.evaluate("e => e.scrollIntoView()")
    menu = page.locator("div.nbchart select")
    menu.first.wait_for(timeout=60_000)
    menu.first.focus()
    before = menu.first.input_value()
    page.keyboard.press("ArrowDown")
    assert menu.first.input_value() != before


def test_the_corners_of_a_class_are_walked_through_with_the_keyboard(open_page):
    page = open_page("chapters/08_corner_examples")
    figure = page.locator("figure.nbexplorer")
    figure.get_by_label("Class", exact=True).focus()
    page.keyboard.press("ArrowDown")  # the digit 1
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    shown = figure.locator(".nbx-panel").inner_text()
    assert shown.startswith("label: 1") and "validation depth" in shown
    second = figure.locator(".nbx-thumb:visible").nth(1)
    assert second.evaluate("e => e === document.activeElement")


def test_the_status_page_lists_every_chapter_and_run(open_page):
    page = open_page("status")
    text = page.locator("article").inner_text()
    assert "preset=smoke" in text
    assert "testbed-imagenetv2" in text


def test_a_broken_site_is_refused_with_every_problem_named(built, tmp_path):
    (tmp_path / "html/chapters").mkdir(parents=True)
    toc = {"root": "index", "chapters": [{"file": "chapters/a"}, {"file": "gone"}]}
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc))
    (tmp_path / "html/index.html").write_text(
        '<img src="x.png"><script src="https://cdn.example/a.js"></script><a href="no.html">x</a>'
    )
    (tmp_path / "html/chapters/a.html").write_text(
        "Traceback (most recent call last) Estimate(value=0.5"
    )
    with pytest.raises(check.NbcoreError) as caught:
        check.check_site(tmp_path / "html", tmp_path)
    for words in (
        "gone of the table",
        "no claim card that a run has filled",
        "shows a traceback",
        "shows a value as Python writes it: Estimate(value=",
        "1 images without alternative",
        "fetches https://cdn.example/a.js",
        "links to no.html",
    ):
        assert words in str(caught.value)


def test_the_page_of_licences_names_whatever_the_book_ships(built):
    static = built / "_static"
    paths = sorted(p.relative_to(static).as_posix() for p in static.rglob("*") if p.is_file())
    assert len(paths) > 40 and licences.unknown(paths) == []
