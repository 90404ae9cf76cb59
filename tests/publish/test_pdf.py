"""The printed book: pages of the site as chapters of one document."""

import json
import re

import pytest
from bs4 import BeautifulSoup

from nbcore.errors import NbcoreError
from nbcore.publish import pdf

SPEC = {
    "data": {"values": [{"a": 1, "b": 2}, {"a": 2, "b": 3}]},
    "mark": "point",
    "encoding": {"x": {"field": "a"}, "y": {"field": "b"}},
}
PAGE = """<html><body><nav>sidebar</nav><article class="bd-article">
<section id="top"><h1>{title}<a class="headerlink" href="#top">#</a></h1>{body}</section>
</article></body></html>"""
LINE = (
    '<p><a href="#top">here</a> <a href="../claims.html#claim-A1">there</a> '
    '<a href="../status.html">left out</a> <a href="https://example.org/x">outside</a></p>'
    '<details class="hide"><summary>code</summary><pre>folded</pre></details>'
    '<details class="claim-card" id="claim-A2"><summary>A2</summary><p>inside</p></details>'
    '<div class="nbchart"><img alt="dots" src="data:image/png;base64,AAAA">'
    f'<script type="application/json">{json.dumps(SPEC)}</script></div>'
    '<img class="only-dark" alt="" src="x.png"><img alt="a" loading="lazy" src="../_images/y.png">'
)


@pytest.fixture
def site(tmp_path):
    (tmp_path / "chapters").mkdir()
    claims = '<details class="claim-card" id="claim-A1"><summary>A1</summary></details>'
    pages = {"index": ("intro", ""), "claims": ("Claims", claims)}
    for name, (title, body) in pages.items():
        (tmp_path / f"{name}.html").write_text(PAGE.format(title=title, body=body))
    path = tmp_path / "chapters" / "01_line.html"
    path.write_text(PAGE.format(title="The line", body=LINE))
    return tmp_path


def test_pages_become_chapters_in_the_order_of_the_contents(site):
    soup = BeautifulSoup(pdf.document(site), "html.parser")
    assert [s["id"] for s in soup.select(".chapter")] == ["page-chapters-01-line", "page-claims"]
    assert [a.get_text() for a in soup.select("nav a")] == ["The line", "Claims"]
    ids = {n["id"] for n in soup.select("[id]")}
    assert len(ids) == len(soup.select("[id]"))
    links = [a["href"] for a in soup.select(".chapter p a")]
    inside = ["#page-chapters-01-line--top", "#page-claims--claim-A1"]
    assert links == [*inside, "#", "https://example.org/x"]
    assert {link[1:] for link in inside} <= ids


def test_what_is_folded_as_code_goes_and_cards_stand_open(site):
    soup = BeautifulSoup(pdf.document(site), "html.parser")
    text = soup.get_text()
    assert "folded" not in text and "sidebar" not in text and "inside" in text
    assert all(d.has_attr("open") for d in soup.select("details"))
    assert not soup.select("script, .only-dark, .headerlink, [loading]")
    assert soup.select_one("img[alt=a]")["src"] == (site / "_images/y.png").as_uri()


def test_figures_are_vectors(site):
    soup = BeautifulSoup(pdf.document(site), "html.parser")
    assert soup.select_one(".nbchart img")["src"].startswith("data:image/svg+xml;base64,")


def test_chromium_prints_it(site, browser, tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_BUILD", str(tmp_path / "build"))
    (tmp_path / "build").mkdir()
    made = pdf.make_pdf(site).read_bytes()
    assert made.startswith(b"%PDF-")
    pages = max(int(n) for n in re.findall(rb"/Type /Pages\s*/Count (\d+)", made))
    assert pages == 4  # title, contents, and one for each page of the site


def test_nothing_built_and_no_browser_are_a_sentence(site, tmp_path, monkeypatch):
    with pytest.raises(NbcoreError, match="no built book in .* run `make book` first"):
        pdf.make_pdf(tmp_path / "nowhere")
    monkeypatch.setattr(pdf, "BROWSERS", ())
    with pytest.raises(NbcoreError, match="neither Chromium nor Chrome is here; install one"):
        pdf.make_pdf(site)
