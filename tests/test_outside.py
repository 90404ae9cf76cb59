"""Text from outside is text: in the terminal, in JSON, in pages and in figures."""

import json
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from outside import NAMES

from nbcore import charts, claims, cli, terminal
from nbcore.charts.explorer import explorer
from nbcore.charts.galleries import gallery
from nbcore.charts.renderer import render
from nbcore.charts.tables import sentence
from nbcore.lines.explorer import explorer_markup
from nbcore.measures.robustness import fit_line
from nbcore.publish import cards
from nbcore.text import drawable, plain

STATIC = Path(__file__).parents[1] / "book" / "_static"
#: what a CSV file can hold: bytes that are no UTF-8 are read as Windows-1252, control characters
#: make it a binary file
IN_FILES = [n for n in NAMES if not set("\x00\x07\x1b\x0b\udce9\r") & set(n)]
#: what a table in memory can hold
IN_TABLES = [n for n in NAMES if "\udce9" not in n]
WORDS = {"title": " ".join(NAMES[:12]), "description": " ".join(NAMES[12:])}


@pytest.fixture
def nbcore(monkeypatch, capsys, own_cache):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["nbcore", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return call


@pytest.fixture
def csv(tmp_path) -> Path:
    x = np.linspace(0.3, 0.9, len(IN_FILES))
    path = tmp_path / "models [a1].csv"
    pd.DataFrame({"model": IN_FILES, "id": x, "ood": x - 0.1}).to_csv(path, index=False)
    return path


def packed(text: str) -> str:
    """Return the text without white space and the lines of boxes."""
    return re.sub(r"[\s│┃╭╮╰╯─]+", "", text)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_terminal_shows_names_as_they_are(capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "200")
    terminal.say(name)
    terminal.say(f"nbcore: {name}", error=True, style="red")
    terminal.show([{"model": name, "n": 1, "lines": [name, "x"]}])
    monkeypatch.setenv("COLUMNS", "8")
    terminal.show([{"model": name, "n": 1, "lines": [name, "x"]}])
    found = capsys.readouterr()
    assert not set(found.out + found.err) & set("\x1b\x00\x07\r\u202e\u2028\x85")
    lines = found.out.split("\n")
    assert "\n".join(map(plain, name.split("\n"))) in found.out
    assert sum(plain(name) in line for line in lines) >= 3
    assert plain(name) == name or "\\" in plain(name)
    (found.out + found.err).encode()


def test_the_line_of_a_table_shows_its_names(nbcore, csv, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = nbcore("line", csv)
    assert code == 0
    for name in IN_FILES:
        assert packed(plain(name)) in packed(out), ascii(name)
    told = json.loads(nbcore("line", csv, "--json")[1])
    assert [m["model"] for m in told["models"]] == IN_FILES


@pytest.mark.parametrize("name", ["a[/red]", "[bold]x", "x [a1_in1k]", "\x1b[31m", "a:smile:"])
def test_errors_name_what_came_as_it_came(nbcore, tmp_path, name):
    for words in (
        ["run", name],
        ["run", "line", "-p", f"testbed={name}"],
        ["run", "line", "-p", f"models={name}"],
        ["run", "line", "-p", f"{name}=1"],
        ["line", tmp_path / name],
        ["claims", name],
        ["data", "get", name],
        ["runs", "publish", name],
        [name],
        ["line", "x.csv", "--images", name],
        ["line", "x.csv", f"--{name}"],
    ):
        code, _, err = nbcore(*words)
        assert code and "Traceback" not in err and "\x1b" not in err, words
        usage = words[0] == name or words[-1] in (name, f"--{name}")
        if not usage or words[-2:-1] != ["--images"] and "\x1b" not in name:
            # usage errors are worded by the library for commands: not all of them repeat the value
            assert packed(plain(name)) in packed(err) or repr(name)[1:-1] in err, words


def test_charts_are_drawings_although_names_are_not(nbcore, csv, tmp_path):
    for suffix in ("svg", "png", "html"):
        path = tmp_path / f"chart [{suffix}].{suffix}"
        assert nbcore("line", csv, "--chart", path)[0] == 0 and path.stat().st_size > 1000
        if suffix == "svg":
            ElementTree.parse(path)


def figures() -> dict:
    """Return figures of every kind that shows names."""
    n = len(IN_TABLES)
    x = np.linspace(0.3, 0.9, n)
    table = pd.DataFrame(
        {"model": IN_TABLES, "id": x, "ood": x - 0.1, "er": 0.0, "family": IN_TABLES}
    )
    for c in ("id", "ood", "er"):
        table[f"{c}_low"], table[f"{c}_high"] = table[c] - 0.01, table[c] + 0.01
    line = fit_line(table["id"], table["ood"])
    steps = pd.DataFrame({"x": np.tile([1, 2], n), "y": 0.5, "series": np.repeat(IN_TABLES, 2)})
    rows = pd.DataFrame({"category": IN_TABLES, "value": x, "low": x - 0.1, "high": x + 0.1})
    heat = np.random.default_rng(0).random((n, n))
    return {
        "scatter": charts.accuracy_scatter(table.assign(group=NAMES[1]), line, **WORDS),
        "curve": charts.curve(steps, x_title=NAMES[3], y_title=NAMES[5], **WORDS),
        "bars": charts.bars(rows, x_title=NAMES[7], **WORDS),
        "heat": charts.heat_map(heat, IN_TABLES, accuracy=x, **WORDS),
        "families": charts.family_explorer(table, line, family=NAMES[4], pick=NAMES[5], **WORDS),
    }


def pages() -> dict[str, str]:
    """Return the HTML of every kind of output that shows text from outside."""
    n = len(IN_TABLES)
    images = np.zeros((n, 4, 4, 1), np.uint8)
    plane = pd.DataFrame({"x": range(n), "y": range(n), "choice": IN_TABLES, "group": NAMES[3]})
    plane = plane.assign(series=NAMES[5], caption=IN_TABLES, words=IN_TABLES)
    table = pd.DataFrame({NAMES[3]: IN_TABLES, "n": range(n)})
    claim = next(iter(claims.ledger().values()))
    claim = type(claim)(**vars(claim) | {k: NAMES[3] for k in ("title", "claim", "where", "note")})
    run = {k: NAMES[3] for k in ("origin", "date", "hardware")}
    more = dict(subject=NAMES[4], preset=NAMES[5], run=run, chapter="line")
    card = cards.card(claim, [claims.Observation(claim.id, {}, **more)])
    html = {name: render(figure.to_dict())["text/html"] for name, figure in figures().items()}
    return html | {
        "gallery": gallery(images, IN_TABLES, IN_TABLES, **WORDS).markup,
        "explorer": explorer(
            plane,
            images,
            x_title=NAMES[3],
            y_title=NAMES[5],
            choose=NAMES[6],
            groups=[NAMES[3]],
            **WORDS,
        ).markup,
        "table": charts.show(table, " ".join(IN_TABLES)).markup,
        "sentence": sentence(" ".join(IN_TABLES)).markup,
        "card": card,
        "lines": explorer_markup({"names": IN_TABLES}),
    }


DIFFICULTY = dict(
    title=WORDS["title"],
    said=NAMES,
    warnings=NAMES,
    filters=[{"name": NAMES[3], "field": NAMES[6], "options": list(enumerate(NAMES))}],
    sections=[
        {
            "action": "keep",
            "name": NAMES[4],
            "count": "1",
            "note": NAMES[5],
            "cards": [
                dict(
                    data="",
                    kind="png",
                    small=True,
                    alt=name,
                    file=name,
                    id="0" * 64,
                    label=name,
                    other=name,
                    ring=1.0,
                    block=2.0,
                    facts=[(name, name)],
                    label_number=1,
                    consensus_number=1,
                    corner_number=0,
                )
                for name in NAMES
            ],
        }
    ],
    name=WORDS["title"],
    classes=NAMES,
    store="outside",
)


@pytest.fixture
def visit(browser):
    """Open a file; a dialog, an error on the page, a request or a script that got out fails."""
    context, trouble = browser.new_context(), []
    context.set_default_timeout(600_000)  # a loaded machine takes its time
    context.route("http*://**/*", lambda r: (trouble.append(r.request.url), r.abort()))

    def call(path: Path):
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
        page.goto(path.as_uri())
        return page

    yield call
    trouble += [p.evaluate("window.broken") for p in context.pages if p.evaluate("window.broken")]
    context.close()
    assert not trouble


def collect(value, texts: list[str]) -> None:
    """Add every text in a figure's specification to `texts`."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            collect(item, texts)


def test_no_name_does_anything_on_a_page(visit, tmp_path):
    charts.write_bundle(tmp_path)
    for name in ("charts.js", "explorer.js"):
        shutil.copy(STATIC / name, tmp_path)
    parts = "".join(f'<section id="{k}">{html}</section>' for k, html in pages().items())
    scripts = "".join(f'<script src="{s}.js"></script>' for s in ("charts", "explorer"))
    head = f'<meta charset="utf-8">{scripts}'
    (tmp_path / "page.html").write_text(f"<!doctype html>{head}<body>{parts}", "utf-8")
    page = visit(tmp_path / "page.html")
    for name in figures():
        section = page.locator(f"#{name}")
        section.evaluate("e => e.scrollIntoView()")
        section.locator(".nbchart-light :is(svg, canvas).marks").wait_for()
        texts: list[str] = []
        collect(json.loads(section.locator("script").text_content()), texts)
        whole = "\n".join(texts).replace('""', '"')  # as CSV doubles a quote
        assert all(drawable(n) in whole for n in IN_TABLES), name
    for name in ("gallery", "explorer", "table", "sentence"):
        shown = " ".join(page.locator(f"#{name}").text_content().split())
        for text in IN_TABLES:
            assert " ".join(plain(text).split()) in shown, (name, ascii(text))
    assert page.locator("section b, section script:not([type])").count() == 1  # the card's own b


def test_no_name_does_anything_on_a_chart_in_a_file(visit, nbcore, csv, tmp_path):
    assert nbcore("line", csv, "--chart", tmp_path / "evil.html")[0] == 0
    page = visit(tmp_path / "evil.html")
    page.locator("#chart svg.marks").wait_for()
    marks = page.locator("#chart svg .mark-symbol.role-mark path")
    seen = set()
    for i in range(min(marks.count(), 8)):
        marks.nth(i).hover(force=True)
        seen.add(page.locator("#vg-tooltip-element").inner_text())
    for name in ("<img src=x", "</script><script>", "resnet50 [a1_in1k]"):
        assert any(name in text for text in seen), (name, seen)
    assert page.locator("#vg-tooltip-element img").count() == 0


def test_no_name_does_anything_on_the_page_of_difficulty(visit, tmp_path):
    from nbcore.difficulty.review.template import template

    (tmp_path / "page.html").write_text(template().render(**DIFFICULTY), "utf-8")
    page = visit(tmp_path / "page.html")
    for selector in ("p:not(.warn)", ".warn", "option", "summary", "dt", "dd"):
        shown = [" ".join(text.split()) for text in page.locator(selector).all_text_contents()]
        for name in NAMES:
            wanted = " ".join(plain(name).split())
            assert any(wanted in text for text in shown), (selector, ascii(name))
    assert page.locator("img").count() == len(NAMES) and page.locator("script").count() == 2
