"""The landing page is made from what was run: its cards, strip, tally and picture; icons."""

import nbformat
import numpy as np
import pandas as pd
import pytest

from nbcore import charts, claims
from nbcore.charts import galleries, thumbnails
from nbcore.charts.renderer import render
from nbcore.errors import NbcoreError
from nbcore.lines.explorer import load_all
from nbcore.lines.poster import MAIN, poster
from nbcore.publish import claims_page, front, slim
from nbcore.publish.chapters import Chapter


def figure(n=12, title="Half of them rise"):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"category": [f"m{i}" for i in range(n)], "value": rng.random(n)})
    table = table.assign(low=table["value"] - 0.1, high=table["value"] + 0.1)
    return charts.bars(table, title=title, description="Bars of twelve models.", x_title="share")


def notebook(path, **cells):
    """Write an executed notebook: the HTML of one output by tag."""
    book = nbformat.v4.new_notebook()
    for tag, html in cells.items():
        cell = nbformat.v4.new_code_cell("", metadata={"tags": [tag.replace("_", "-")]})
        cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": html})]
        book.cells.append(cell)
    nbformat.write(book, path)
    return path


@pytest.fixture
def made(tmp_path):
    images = np.random.default_rng(1).integers(0, 255, (24, 8, 8, 3), dtype=np.uint8)
    rows = [f"decided {w}" for w in ("earliest", "between", "latest") for _ in range(8)]
    shown = galleries.gallery(
        images, [f"cat {i}" for i in range(24)], rows, title="t", description="d"
    )
    html = render(figure().to_dict())["text/html"]
    chapters = [Chapter(n, n, tmp_path / f"{n}_x.py", f"Chapter <{n}>") for n in ("01", "02")]
    paths = {
        "01_x": notebook(tmp_path / "01.ipynb", key_figure=html, strip=shown.markup),
        "02_x": notebook(tmp_path / "02.ipynb", other=html),
    }
    return paths, chapters


def test_a_card_shows_the_finding_and_the_figure_of_the_tagged_cell(made):
    page = front.front_page("a\n\n<!-- front: chapters -->\n\nb", *made)
    assert page.startswith("a\n\n```{raw} html\n") and page.endswith("\n```\n\nb")
    first, second = page.split('<a class="front-card"')[1:]
    assert 'href="chapters/01_x.html"' in first and "Half of them rise" in first
    assert first.count("<img") == 2 and "only-light" in first and "only-dark" in first
    assert "Chapter &lt;01&gt;" in first
    assert "<img" not in second and "Half of them rise" not in second


def test_the_strip_has_the_first_row_and_the_last(made):
    page = front.front_page("<!-- front: strip -->", *made)
    assert page.count("<figure>") == 2 and page.count("<img") == 2 * front.EACH
    assert "decided earliest" in page and "decided latest" in page and "between" not in page


def test_without_a_strip_nothing_stands_there(made):
    paths, chapters = made
    page = front.front_page("<!-- front: strip -->", {"02_x": paths["02_x"]}, chapters[1:])
    assert page == "```{raw} html\n\n```"


def test_a_place_that_nothing_fills_is_named(made):
    with pytest.raises(NbcoreError, match="front: tallly.*line, strip, tally, chapters, papers"):
        front.front_page("<!-- front: tallly -->", *made)


def test_the_tally_is_the_ledgers(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))
    counts = claims_page.count()
    assert sum(counts.values()) == len(claims.ledger())
    page = front.tally()
    assert f"<b>{len(claims.ledger())} claims</b>" in page
    for verdict, n in counts.items():
        assert (f"{verdict}</span> {n}<" in page) == (n > 0)


def test_the_picture_has_every_model_and_says_what_stands_above():
    beds = load_all()
    page, main = poster(beds), beds[MAIN]
    assert (
        f"{main.line.n} networks trained in the standard way: one line, R² {main.line.r2:.3f}"
        in page
    )
    assert page.count("M") > 800  # models drawn, one move each
    zero = beds["open-clip:imagenetv2"].models.query("0.4 < id < 0.92 and 0.4 < ood < 0.92")
    above = np.median(100 * (zero["ood"] - main.line.predict(zero["id"].to_numpy())))
    assert above > 2  # zero-shot models stand well above it: the picture's point
    assert "half of them more than" in page


@pytest.mark.parametrize("n", [12, 400])
def test_a_thumbnail_is_small_and_has_no_words(n):
    html = thumbnails.thumbnail(figure(n).to_dict())
    assert len(html) < 120_000 and html.count("<img") == 2
    assert html.count("Bars of twelve models.") == 2


def test_of_several_views_the_first_is_shown():
    first, second = figure(title="the first one").to_dict(), figure(title="second").to_dict()
    both = {"$schema": first["$schema"], "hconcat": [first, second], "description": "Two."}
    shown = thumbnails._first_view(both)
    assert thumbnails.title_of(shown) == "the first one"
    assert 'alt="Two."' in thumbnails.thumbnail(both)


def test_icons_that_no_page_names_are_left_out(tmp_path):
    static = tmp_path / "_static" / "scripts"
    static.mkdir(parents=True)
    icons = (
        'bars:[448,512,["navicon"],"f0c9","M0 1z"],"circle-half":[5,5,[9680,"adjust"],"f042","M4"]'
    )
    icons += ',unused:[1,1,[],"e131","M3"],two:[1,1,[],"e132",["M5","M6"]]'
    (static / "fontawesome.js").write_text("x={" + icons + "};go(x)")
    (static / "fontawesome.js.map").write_text("map")
    (tmp_path / "index.html").write_text('<i class="fa-solid fa-navicon"></i>')
    (tmp_path / "_static/theme.js").write_text('i.className="fa-adjust"')
    assert slim.keep_used_icons(tmp_path) == 2
    left = (static / "fontawesome.js").read_text()
    assert (
        "bars:" in left
        and "circle-half" in left
        and left.startswith("x={")
        and left.endswith("};go(x)")
    )
    assert "unused" not in left and "two:" not in left and not list(static.glob("*.map"))
    assert slim.keep_used_icons(tmp_path / "nowhere") == 0
