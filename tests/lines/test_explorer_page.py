"""The explorer of lines in a browser, opened from a folder, with every network blocked."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nbcore.errors import ParameterError
from nbcore.lines import explorer
from nbcore.measures import robustness

STATIC = Path(__file__).parents[2] / "book" / "_static"
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="lines.css">
<script src="lines-math.js"></script><script src="lines.js"></script>
<script src="lines.js"></script></head><body>{}</body></html>"""


@pytest.fixture(scope="module")
def data():
    return explorer.explorer_data(explorer.load_all())


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data) -> Path:
    folder = tmp_path_factory.mktemp("explorer")
    for name in ("lines-math.js", "lines.js", "lines.css"):
        shutil.copy(STATIC / name, folder)
    (folder / "page.html").write_text(PAGE.format(explorer.explorer_markup(data)), "utf-8")
    return folder


@pytest.fixture
def visit(browser, folder):
    """Open the page; a request to a network or a script that got out fails the test."""
    contexts, trouble = [], []

    def call(query: str = "", width: int = 1000, javascript: bool = True):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, java_script_enabled=javascript)
        contexts.append(context)
        context.route("http*://**/*", lambda r: (trouble.append(r.request.url), r.abort()))
        page = context.new_page()
        page.set_default_timeout(120_000)  # a busy machine is no failure of the page
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto((folder / "page.html").as_uri() + query)
        return page

    yield call
    for context in contexts:
        trouble += [p for p in context.pages if p.evaluate("window.broken")]
        context.close()
    assert not trouble


def frame(data, shift, facet):
    """The models of one shift as the page knows them: family by one facet, id, ood."""
    parts = []
    for part in data["shifts"][shift]["parts"]:
        codes = [data["groups"][facet][m] for m in part["model"]]
        family = [data["facets"][facet]["values"][c] for c in codes]
        x, y = np.array(part["x"]) / part["ids"], np.array(part["y"]) / part["oods"]
        parts.append(pd.DataFrame({"family": family, "id": x, "ood": y}))
    return pd.concat(parts)


def test_the_data_are_small_and_complete(data):
    assert len(json.dumps(data)) < explorer.LIMIT
    assert len(data["names"]) == 1813 and len(data["shifts"]) == 13
    for shift in data["shifts"]:
        assert len({len(p["model"]) - len(p["x"]) for p in shift["parts"]}) == 1
    with pytest.raises(ParameterError, match="leave a testbed out"):
        explorer.explorer_markup({**data, "more": "x" * explorer.LIMIT})


FIT_ALL = """() => {
  const data = JSON.parse(document.querySelector(".lnx-data").textContent), out = [];
  data.shifts.forEach((s, shift) => [0, 1].forEach((facet) => {
    const families = new Map();
    for (const p of s.parts) p.model.forEach((m, i) => {
      const f = data.groups[facet][m];
      if (!families.has(f)) families.set(f, []);
      families.get(f).push([p.x[i] / p.ids, p.y[i] / p.oods]);
    });
    for (const [f, pairs] of families) for (const scale of ["logit", "probit", "linear"]) {
      const fit = nbLines.fit(pairs, scale);
      out.push([shift, facet, data.facets[facet].values[f], scale, fit && [fit.slope, fit.intercept, fit.r2]]);
    }
  }));
  return out;
}"""  # noqa: E501


def test_the_line_fitted_in_the_browser_is_fit_line(visit, data):
    page = visit()
    fits = page.evaluate(FIT_ALL)
    compared = 0
    for shift, facet, family, scale, found in fits:
        table = frame(data, shift, facet)
        chosen = table[table["family"] == family]
        if scale != "linear":
            finite = chosen[["id", "ood"]].gt(0).all(axis=1) & chosen[["id", "ood"]].lt(1).all(
                axis=1
            )
            chosen = chosen[finite]
        if len(chosen) < 10:
            continue
        fit = robustness.fit_line(chosen["id"], chosen["ood"], scale)
        assert found == pytest.approx([fit.slope, fit.intercept, fit.r2], abs=1e-6)
        compared += 1
    assert compared > 200


@pytest.mark.parametrize(
    ("shift", "scale", "facet", "family"),
    [(1, "probit", 1, "ImageNet-21k"), (6, "linear", 2, "zero-shot"), (5, "logit", 3, "open-clip")],
)
def test_the_chosen_family_carries_the_drawn_line(visit, data, shift, scale, facet, family):
    page = visit()
    page.get_by_label("Shift").select_option(str(shift))
    page.get_by_label("Scale").select_option(scale)
    page.get_by_label("Families by").select_option(str(facet))
    code = data["facets"][facet]["values"].index(family)
    page.get_by_label("Line through").select_option(str(code))
    table = frame(data, shift, facet)
    chosen = table[table["family"] == family]
    fit = robustness.fit_line(chosen["id"], chosen["ood"], scale)
    root = page.locator(".nblines")
    seen = [float(root.get_attribute(f"data-{k}")) for k in ("slope", "intercept", "r2")]
    assert seen == pytest.approx([fit.slope, fit.intercept, fit.r2], abs=1e-6)
    assert f"{fit.n:,} models that scatter" in page.locator(".lnx-line").inner_text()


def test_bands_and_intervals_are_the_exact_binomial_ones(visit):
    page = visit()
    for p, n in ((0.5, 2000), (0.03, 7500), (0.77, 50889), (0.9995, 10_000)):
        low, high = page.evaluate(f"nbLines.band({p}, {n})")
        assert low == pytest.approx(stats.binom.ppf(0.025, n, p) / n, abs=1e-12)
        assert high == pytest.approx(stats.binom.isf(0.025, n, p) / n, abs=1e-12)
        k = round(p * n)
        found = page.evaluate(f"nbLines.interval({k}, {n})")
        exact = [float(v) for v in robustness.clopper_pearson(k, n)]
        assert found == pytest.approx(exact, abs=1e-8)
    assert page.evaluate("nbLines.interval(0, 50)")[0] == 0
    assert page.evaluate("nbLines.interval(50, 50)")[1] == 1


def test_effective_robustness_is_given_inside_the_range_only(visit, tmp_path):
    page = visit()
    with page.expect_download() as saved:
        page.get_by_text("Save CSV").click()
    saved.value.save_as(tmp_path / "lines.csv")
    table = pd.read_csv(tmp_path / "lines.csv")
    fit = explorer.load_accuracies("imagenet-testbed:imagenetv2").line
    inside = fit.covers(table["id"])
    assert (~inside).sum() > 0 and table["effective robustness"].isna().tolist() == (
        ~inside
    ).tolist()
    er = robustness.effective_robustness(table["id"][inside], table["ood"][inside], fit)
    assert table["effective robustness"][inside].to_numpy() == pytest.approx(er, abs=1e-9)
    above = robustness.is_significant(table["id"], table["ood"], 10_000, fit)
    assert ((table["by chance"] == "above") == above).all()
    assert page.locator("path.m.out").count() > 0


def test_a_model_is_found_hovered_kept_and_linked_to(visit):
    page = visit()
    page.get_by_label("Find a model").fill("jft-300M")
    page.locator(".lnx-found button").first.click()
    row = page.locator(".lnx-kept tbody tr")
    assert "google_resnet101_jft-300M" in row.inner_text()
    page.get_by_label("Scale").select_option("probit")
    page.get_by_label("image and text (CLIP)").uncheck()
    address = page.get_by_text("Link to this view").get_attribute("href")
    slope = page.locator(".nblines").get_attribute("data-slope")
    other = visit(address)
    assert other.locator(".nblines").get_attribute("data-slope") == slope
    assert not other.get_by_label("image and text (CLIP)").is_checked()
    assert "google_resnet101_jft-300M" in other.locator(".lnx-kept tbody tr").inner_text()
    dot = other.locator("path.m").nth(200).bounding_box()
    other.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    assert re.search(r"%.*→.*%", other.locator(".lnx-model").inner_text())


def test_it_works_by_keyboard(visit):
    page = visit()
    page.locator(".lnx-plot svg").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".lnx-model strong").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator(".lnx-model strong").inner_text() != first
    page.keyboard.press("Enter")
    remove = page.get_by_role("button", name=re.compile("^remove "))
    assert remove.count() == 1
    remove.focus()
    page.keyboard.press("Enter")
    assert remove.count() == 0
    box = page.get_by_label("standard training")
    box.focus()
    page.keyboard.press("Space")
    assert not box.is_checked()


EVIL = '<img src=x onerror="window.broken=1">'


def test_a_dropped_table_joins_the_picture_as_text(visit, tmp_path):
    page = visit()
    rows = [f'"{EVIL.replace(chr(34), chr(34) * 2)}",0.8,0.75']
    rows += [f"mine {i},{0.6 + i / 50},{0.5 + i / 60}" for i in range(11)]
    file = tmp_path / "mine.csv"
    file.write_text("model,ID,ood\r\n" + "\r\n".join(rows) + "\r\n")
    page.get_by_label("Your models").set_input_files(file)
    page.get_by_text("12 models of mine.csv joined").wait_for()
    page.get_by_label("Find a model").fill("onerror")
    page.locator(".lnx-found button").click()
    assert EVIL in page.locator(".lnx-kept").inner_text()
    assert page.locator(".nblines img").count() == 0
    page.get_by_label("Line through").select_option("-1")
    mine = pd.read_csv(file)
    fit = robustness.fit_line(mine["ID"], mine["ood"])
    slope = float(page.locator(".nblines").get_attribute("data-slope"))
    assert slope == pytest.approx(fit.slope, abs=1e-6)
    page.get_by_text("Take them away").click()
    assert page.get_by_label("Find a model").input_value() == "onerror"
    assert page.locator(".lnx-found").inner_text() == "no model shown is called so"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("model,id\na,.5\n", "lacks the column ood"),
        ("id,ood\n50,40\n", "divide percentages by 100"),
        ("id,ood\n.5,\n", "it is empty"),
        ("id,ood\n.5,high\n", "it is high"),
        ("id,ood\n", "has 0 models"),
        ("", "lacks the column id and ood"),
    ],
)
def test_a_bad_table_is_refused_in_one_sentence(visit, tmp_path, text, sentence):
    page = visit()
    file = tmp_path / "bad.csv"
    file.write_text(text)
    page.get_by_label("Your models").set_input_files(file)
    page.locator(".lnx-said.lnx-bad").get_by_text(sentence).wait_for()
    assert page.get_by_role("checkbox", name="your models").count() == 0


def test_few_models_and_bent_points_have_no_line(visit, data):
    page = visit()
    page.get_by_label("Line through").select_option(label="no deep network (4)")
    assert "No line: 4 models carry it" in page.locator(".lnx-line").inner_text()
    assert page.locator("path.line").count() == 0
    bent = [i for i, s in enumerate(data["shifts"]) if not s["line"]]
    page.get_by_label("Shift").select_option(str(bent[0]))
    assert "no line describes them" in page.locator(".lnx-line").inner_text()


@pytest.mark.parametrize("width", [1000, 390])
def test_it_fits_the_screen_in_both_modes(visit, width):
    page = visit(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    light = page.locator("path.line").first.evaluate("e => getComputedStyle(e).stroke")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.locator("path.line").first.evaluate("e => getComputedStyle(e).stroke") != light
    labels = page.locator(".lnx-plot svg text")
    edge = page.locator(".lnx-plot svg").bounding_box()
    for label in labels.all():
        box = label.bounding_box()
        assert (
            box["x"] >= edge["x"] - 1 and box["x"] + box["width"] <= edge["x"] + edge["width"] + 6
        )


def test_the_saved_drawing_stands_alone(visit, tmp_path, browser):
    page = visit()
    with page.expect_download() as saved:
        page.get_by_text("Save SVG").click()
    saved.value.save_as(tmp_path / "lines.svg")
    text = (tmp_path / "lines.svg").read_text()
    assert "var(" not in text and text.startswith("<svg") and "#D55E00" in text


def test_without_javascript_the_page_says_so(visit):
    page = visit(javascript=False)
    assert "needs JavaScript" in page.locator(".lnx-off").inner_text()
