"""Runs of a chapter are kept by address, planned in words, and compared figure by figure."""

import json
from functools import cache

import nbformat
import pandas as pd
import pytest

from nbcore import charts, claims
from nbcore.charts.renderer import render
from nbcore.errors import StoreError
from nbcore.publish.chapters import get_chapter
from nbcore.rerun import executions, plan
from nbcore.rerun.compare import checks, compare, figures
from nbcore.runs.manifests import MANIFEST

RUN = {"origin": "computed", "date": "2026-01-01", "hardware": "a table"}
CHECK = "imagenetv2 share above 1 point and its interval"


@pytest.fixture
def line(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_BUILD", str(tmp_path))
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "observations"))
    return get_chapter("line")


@cache
def chart(value, title="One curve"):
    table = pd.DataFrame({"x": [0, 1], "y": [0, value], "series": "a"})
    drawn = charts.curve(
        table, x_title="x", y_title="y", title=title, description=f"a curve that ends at {value}"
    )
    return nbformat.v4.new_output("display_data", data=render(drawn.to_dict()))


#: the same figure from another drawing, whose parts have other names
redrawn = chart.__wrapped__


def executed(chapter, tmp_path, given, share, **cells):
    """Keep an execution whose cells (source -> outputs) drew charts and that saw one check."""
    notebook = nbformat.v4.new_notebook()
    for source, outputs in cells.items():
        notebook.cells.append(nbformat.v4.new_code_cell(source, outputs=outputs))
    nbformat.write(notebook, tmp_path / "n.ipynb")
    seen = claims.Estimate(share, share - 0.01, share + 0.01, 67, "fraction")
    claims.record("A3", {CHECK: seen}, run=RUN, subject="models", preset="book", setup="reduced")
    return executions.keep(chapter, tmp_path / "n.ipynb", given, 12.3, "2026-01-01 10:00")


@pytest.fixture
def two(line, tmp_path):
    first = executed(line, tmp_path, {"seed": 1}, 0.02, a=[chart(1), chart(2)], b=[chart(3)])
    second = executed(
        line, tmp_path, {"preset": "smoke"}, 0.2, a=[redrawn(1), chart(5)], c=[chart(4, "Other")]
    )
    return first, second


def test_figures_are_matched_by_their_cells(two):
    pairs = figures(*two)
    assert [(p.first is not None, p.second is not None, p.same) for p in pairs] == [
        (True, True, True),
        (True, True, False),
        (True, False, False),
        (False, True, False),
    ]
    assert pairs[-1].second.title == "Other"


def test_checks_stand_beside_each_other_with_their_outcomes(line, two):
    (row,) = checks(line, *(e.observations() for e in two))
    assert (row.claim, row.check) == ("A3", CHECK)
    assert row.first.startswith("0.02") and row.second.startswith("0.2")
    assert row.outcomes == (claims.HELD, claims.MISSED)


def test_the_page_says_what_differs_and_needs_nothing_beside_it(line, two, tmp_path):
    page = compare(line, *two, tmp_path / "page.html").read_text()
    assert "3 of 4 figures and the outcome of 1 of 1 checks are not the same." in page
    assert "<th scope='row'>seed</th><td>1</td><td>0</td>" in page
    assert "<th scope='row'>resamples</th><td>2000</td><td>100</td>" in page
    assert page.count("No such figure.") == 2 and page.count(": the same in both runs") == 1
    assert page.index("No such figure.") < page.index("<details>")  # what differs comes first
    assert "http" not in page.replace("http://www.w3.org", "").split("</style>")[1][:2000]
    assert "<script" not in page


def test_executions_are_found_by_address_its_beginning_and_book(line, two, tmp_path):
    first, second = two
    assert len({first.name, second.name}) == 2 and first.words().endswith("(seed=1)")
    assert executions.find(line, first.name[:6]) == executions.find(line, first.name)
    assert executions.find(line, first.name).parameters == {"seed": 1}
    for name, sentence in (("book", "make book"), ("zzzz", "known: "), ("", "no execution ''")):
        with pytest.raises(StoreError, match=sentence):
            executions.find(line, name)
    entry = tmp_path / "kept" / line.stem / "key"
    (entry / "observations").mkdir(parents=True)
    notebook = nbformat.read(first.notebook, as_version=4)
    notebook.metadata["papermill"] = {
        "parameters": {"preset": "book", "fresh": False},
        "duration": 41.0,
        "end_time": "2026-01-01T10:00:00",
    }
    nbformat.write(notebook, entry / "notebook.ipynb")
    book = executions.find(line, "book")
    assert (book.words(), book.seconds) == ("book (defaults)", 41.0)
    assert executions.kept(line)[0] == book


def test_the_same_parameters_have_one_address_and_replace_each_other(line, two, tmp_path):
    first, _ = two
    again = executed(line, tmp_path, {"seed": 1}, 0.03, a=[chart(9)])
    assert again.name == first.name and len(executions.kept(line)) == 2
    assert executions.address(line, {"seed": 2, "bins": 3}) == executions.address(
        line, {"bins": 3, "seed": 2}
    )
    assert executions.address(line, {}) != executions.address(get_chapter("holding-on"), {})


def test_the_plan_states_changes_cost_and_the_last_time(line, two):
    text = "\n".join(plan.planned(line, {"seed": 1}))
    assert "1 The line, preset book" in text and "seed=1 (the book: 0)" in text
    assert "2,000 bootstrap resamples: about a minute" in text and "last time 12 s" in text
    smoke = "\n".join(plan.planned(line, {"preset": "smoke", "fresh": True}))
    assert "preset smoke; every run is computed anew" in smoke and "changed   nothing" in smoke
    assert "last time" not in smoke


def test_runs_that_were_read_are_counted_by_where_they_are_from(tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    places = [tmp_path / "results/a/1", tmp_path / "cache/b/2", tmp_path / "cache/c/3"]
    for place in places[:2]:
        place.mkdir(parents=True)
        (place / MANIFEST).write_text(json.dumps({}))
    listed = tmp_path / "reads"
    listed.write_text("".join(f"{p}\n" for p in [*places, places[0]]))
    assert plan.read(listed, 0) == "1 published, 1 computed now"
    assert plan.read(listed, 1e12) == "1 published, 1 computed here before"
    assert plan.read(tmp_path / "none", 0) == "none"


@pytest.mark.parametrize(("width", "beside"), [(1280, True), (390, False)])
def test_figures_stand_beside_each_other_where_there_is_room(
    browser, line, two, tmp_path, width, beside
):
    target = compare(line, *two, tmp_path / "page.html")
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(target.as_uri())
    boxes = [f.bounding_box() for f in page.locator("section.pair").first.locator("figure").all()]
    assert (boxes[0]["y"] == boxes[1]["y"]) is beside
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
