"""Style sheets lose what no page can use; the search index loads where it is used."""

import pytest

from nbcore.publish import styles

NAMED = {"card", "open", "fa-bars", "fa-solid"}


@pytest.mark.parametrize(
    ("css", "left"),
    [
        (".card{a:b}.gone{a:b}", ".card{a:b}"),
        (".card,.gone,p{a:b}", ".card,p{a:b}"),
        (".card .gone{a:b}h1{c:d}", "h1{c:d}"),
        (".card:not(.gone){a:b}", ".card:not(.gone){a:b}"),
        (".card:is(.x,.open){a:b}", ".card:is(.x,.open){a:b}"),
        ("@media (width>9px){.gone{a:b}}", ""),
        ("@media print{.card{a:b}.gone{a:b}}", "@media print{.card{a:b}}"),
        ("@font-face{src:url(x.woff2)}", "@font-face{src:url(x.woff2)}"),
        ('@charset "UTF-8";/*! .gone{ */.card{a:"}"}', '@charset "UTF-8";.card{a:"}"}'),
        ("@import 'x.css';.gone{a:b}", "@import 'x.css';"),
        (":root{--x:.5rem;width:.5em}", ":root{--x:.5rem;width:.5em}"),
        (".card{a:b", ".card{a:b"),
        (
            '.fa-bars:before,.fa-gone:before{content:"x"}.fa-solid{a:b}',
            '@media (scripting:none){.fa-bars:before{content:"x"}}.fa-solid{a:b}',
        ),
    ],
)
def test_a_rule_stays_if_something_may_match_it(css, left):
    assert styles.used(css, NAMED) == left


def test_only_the_themes_sheets_are_cut_by_what_pages_and_scripts_name(tmp_path):
    static = tmp_path / "_static" / "styles"
    static.mkdir(parents=True)
    (tmp_path / "index.html").write_text('<p class="one two"></p><script>x="three"</script>')
    (static / "theme.js").write_text("e.classList.add('four')")
    css = "".join(f".{c}{{a:b}}" for c in ("one", "two", "three", "four", "five"))
    for name in ("pydata-sphinx-theme.css", "book.css"):
        (static / name).write_text(css)
    assert styles.keep_used_rules(tmp_path) == len(".five{a:b}")
    assert "five" not in (static / "pydata-sphinx-theme.css").read_text()
    assert (static / "book.css").read_text() == css


def test_the_search_index_is_loaded_by_its_own_page_only(tmp_path):
    scripts = "".join(
        f'\n    <script src="../{name}.js?v=1"></script>'
        for name in ("doctools", "searchtools", "language_data", "searchindex")
    )
    off = "<script>DOCUMENTATION_OPTIONS.search_as_you_type = false;</script>"
    for name in ("search.html", "a.html"):
        (tmp_path / name).write_text(off + scripts)
    (tmp_path / "b.html").write_text(off.replace("false", "true") + scripts)
    assert styles.search_apart(tmp_path) == 1
    assert "searchindex" in (tmp_path / "search.html").read_text()
    assert "searchindex" in (tmp_path / "b.html").read_text()
    left = (tmp_path / "a.html").read_text()
    assert "doctools" in left and "search" not in left.replace("search_as", "")
