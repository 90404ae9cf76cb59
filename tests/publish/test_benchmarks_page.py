"""The page on speed: what fills it, what its charts say, and what stands where nothing is kept."""

import dataclasses
import re

import pytest
from bs4 import BeautifulSoup

from nbcore.bench import kept
from nbcore.bench.kept import Record
from nbcore.bench.record import Comparison, Found, Growth, Quantity, Spread
from nbcore.errors import NbcoreError
from nbcore.paths import project_root
from nbcore.publish.pages import benchmarks

PEERS = ("scikit-learn, brute force", "faiss, flat index")


def comparison(d, peer, *ratios, ours="nbcore, torch"):
    what = f"10 of 100, d = {d:,}"
    return Comparison(what, ours, peer, (1.0,) * len(ratios), ratios, 0, 0, "sums", 0.0, 0.1)


def record(name, **found):
    conditions = {"hardware": "a machine", "threads": 1, "load_before": [6.5], "versions": {}}
    conditions["date"] = "2026-01-02T03:04+00:00"
    return Record(name, "a title", False, conditions, {}, 75.0, Found(**found))


KNN = record(
    "knn",
    comparisons=(
        comparison(64, PEERS[0], 1.5, 2.0),
        comparison(3072, PEERS[0], 2.5, 3.0),
        comparison(64, PEERS[1], 0.5, 0.6),
        comparison(3072, PEERS[1], 0.9, 1.2),
        comparison(64, PEERS[0], 3.0, 3.0, ours="nbcore, faiss"),
    ),
)
GROWS = Growth("work", "images", (10, 20), ((1.0, 2.0),) * 2, Spread(1.0, 0.9, 1.1), 1.0)
GROWTH = record("growth", growths=(GROWS, dataclasses.replace(GROWS, along="models")))
STORES = record("stores", quantities=(Quantity("memory", 3.2, "GB", 8.0), Quantity("n", 5, "")))


@pytest.fixture
def figures(tmp_path, monkeypatch):
    text = (project_root() / "book" / "benchmarks.md").read_text()
    monkeypatch.setenv("NBCORE_ROOT", str(tmp_path))
    return text


def test_every_place_is_filled_from_the_kept_figures(figures):
    for each in (KNN, GROWTH, STORES):
        kept.write(each, keep=True)
    page = benchmarks.fill(figures)
    assert not benchmarks.PLACE.search(page) and benchmarks.NOTHING not in page
    soup = BeautifulSoup(page, "html.parser")
    assert "<td>knn<td>a machine<td>full<td>1<td>6.5<td>2026-01-02<td>75 s" in page
    assert page.count("<td>nbcore, torch: 1 s") == 4
    assert ">stores: a title</th></tr><tr><td>memory<td>3.2 GB<td>8, kept<td>measured" in page
    images = soup.select("div.nbchart img")
    assert len(images) == 2
    assert f"d = 64 beside {PEERS[0]} 1.75" in images[0]["alt"]
    assert "work along models: 1.00 (95% 0.90 to 1.10), operations 1" in images[1]["alt"]


def test_quick_figures_are_said_to_be_and_judge_no_limit(figures):
    for each in (KNN, GROWTH, STORES):
        kept.write(dataclasses.replace(each, quick=True), keep=True)
    page = benchmarks.fill(figures)
    assert page.count("<td>a machine<td>quick<td>1") == 3
    assert "<td>8, at full size<td>measured" in page and "8, kept" not in page
    assert page.count("quick sizes only; ") == 2 * 1


def test_without_figures_a_sentence_says_how_to_have_them(figures):
    page = benchmarks.fill(figures)
    places = len(re.findall("<!-- benchmarks: ", figures))
    assert page.count("nbcore bench --keep` measures them") == places == len(benchmarks.PARTS)
    with pytest.raises(NbcoreError, match="Nothing fills <!-- benchmarks: speed -->"):
        benchmarks.fill("<!-- benchmarks: speed -->")


@pytest.mark.parametrize(
    ("ratios", "title"),
    [
        ([(2.0, 3.0)] * 2, "faster than by every peer"),
        ([(0.2, 0.9)] * 2, "more slowly than by every peer"),
        ([(2.0, 3.0), (0.2, 0.9)], "faster in 1 of 2 comparisons, more slowly in 1"),
        ([(2.0, 3.0), (0.9, 1.1)], "faster in 1 of 2 comparisons, more slowly in 0, 1 undecided"),
    ],
)
def test_the_title_says_who_is_faster(ratios, title):
    assert title in benchmarks.who_is_faster([comparison(64, "p", *r) for r in ratios])


@pytest.mark.parametrize(
    ("exponents", "title"),
    [
        ([(0.9, 1.1), (0.9, 1.1)], "No cost grows faster than the operations that are counted"),
        ([(0.4, 0.6), (0.7, 0.9)], "Every cost grows more slowly than the operations"),
        ([(1.2, 1.4), (0.9, 1.1)], "Cost grows faster than the operations counted for a along n"),
        ([(1.2, 1.4), (1.5, 1.6)], "Every cost grows faster than the operations"),
    ],
)
def test_the_title_says_how_cost_grows(exponents, title):
    kinds = [
        Growth(name, "n", (1, 2), ((1.0, 1.0),), Spread((low + high) / 2, low, high), 1.0)
        for name, (low, high) in zip("ab", exponents, strict=True)
    ]
    assert benchmarks.how_it_grows(kinds).startswith(title)
