"""Every kind of figure, rendered for real: what the page, the PDF and a screen reader get."""

import base64
import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from samples import EVIL, bundle, figures, models, say

from nbcore import charts
from nbcore.charts.renderer import render
from nbcore.charts.theme import config
from nbcore.errors import DataError, ParameterError
from nbcore.measures import robustness as measure

FIGURES = figures()
W3 = ("2000/svg", "1999/xlink")
LINE = measure.fit_line([0.2, 0.5, 0.9], [0.1, 0.4, 0.8])


def parts(page: str) -> tuple[str, str, bytes, dict]:
    """Alt text, image type, image, specification of a page's figure."""
    found = re.fullmatch(
        r'<div class="nbchart" data-width="[\d.]+"><img alt="([^"]*)" width="[\d.]+" '
        r'height="[\d.]+" src="data:image/([a-z+]+);base64,([^"]+)">'
        r'<script type="application/json">([^<]*)</script></div>',
        page,
    )
    assert found, page[:300]
    alt, kind, picture, spec = found.groups()
    return html.unescape(alt), kind, base64.b64decode(picture), json.loads(spec)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_renders_with_its_words_and_nothing_from_outside(name):
    made = bundle(name)
    alt, kind, picture, spec = parts(made["text/html"])
    assert alt == made["text/plain"] == FIGURES[name].description
    image = Image.open(io.BytesIO(base64.b64decode(made["image/png"])))
    assert 1000 < image.width < 1600  # twice the design width
    text = picture.decode() if kind == "svg+xml" else ""
    addresses = set(re.findall(r"https?://[^\s\"]+", json.dumps(spec) + text))
    assert addresses <= {spec["$schema"], *(f"http://www.w3.org/{x}" for x in W3)}
    assert "onerror" not in re.sub(r">[^<]*<", "><", text)  # at most as text
    assert len(made["text/html"]) < 130_000


def test_a_name_that_looks_like_a_script_stays_data():
    *_, spec = parts(bundle("accuracy")["text/html"])
    values = next(v for v in spec["datasets"].values() if v.startswith("model,"))
    assert EVIL in pd.read_csv(io.StringIO(values))["model"].tolist()


def test_side_by_side_shares_its_data():
    pair = FIGURES["pair"].to_dict()
    assert len(pair["datasets"]) == 2  # the models and the lines, once each


def test_an_explorer_of_1300_models_is_light():
    table = models(1300).assign(er=0.01)
    figure = charts.family_explorer(table, LINE, family="web", **say("Light"))
    page = render(figure.to_dict())["text/html"]
    *_, kind, _, spec = parts(page)
    assert kind == "png" and spec["usermeta"]["embedOptions"]["renderer"] == "canvas"
    assert len(page) < 250_000


@pytest.mark.parametrize("left_out", ["title", "description"])
def test_a_figure_without_words_is_refused(left_out):
    with pytest.raises(ParameterError, match=f"the {left_out} is empty"):
        charts.solved_histogram([1, 2, 3], **{**say("A title"), left_out: " "})
    spec = FIGURES["solved"].to_dict()
    with pytest.raises(ParameterError, match=f"the {left_out} is empty"):
        render({k: v for k, v in spec.items() if k != left_out})


def test_data_at_an_address_is_refused():
    spec = {"title": "t", "description": "d", "mark": "bar", "data": {"url": "http://x.org/a.csv"}}
    with pytest.raises(ParameterError, match="must hold its data"):
        render(spec)


def test_bad_arguments_are_named():
    table = models(5)
    with pytest.raises(DataError, match="ood is missing"):
        charts.accuracy_scatter(table.drop(columns=["ood"]), LINE, **say("t"))
    with pytest.raises(ParameterError, match="'log'"):
        charts.accuracy_scatter(table, LINE, scale="log", **say("t"))
    with pytest.raises(ParameterError, match="one of .*web.* got 'none'"):
        charts.family_explorer(table.assign(er=0.0), LINE, family="none", **say("t"))
    with pytest.raises(DataError, match="square"):
        charts.heat_map(np.zeros((2, 3)), ["a", "b"], accuracy=[0.1, 0.2], **say("t"))
    with pytest.raises(ParameterError, match="hieght"):
        charts.solved_histogram([1, 2], hieght=3, **say("t"))


def test_accuracies_of_zero_and_one_fit_on_logit_axes():
    table = pd.DataFrame({"model": ["a", "b", "c"], "id": [0.0, 0.5, 1.0], "ood": [0.0, 0.4, 1.0]})
    page = render(charts.accuracy_scatter(table, LINE, scale="logit", **say("t")).to_dict())
    assert b"NaN" not in parts(page["text/html"])[2]


def test_the_modes_differ_in_colours_only():
    def bare(node):
        if isinstance(node, dict):
            return {k: bare(v) for k, v in node.items()}
        if isinstance(node, list):
            return [bare(v) for v in node]
        return "#" if str(node).startswith("#") else node

    assert bare(config("light")) == bare(config("dark"))


def test_a_table_is_escaped_captioned_and_in_percent():
    frame = pd.DataFrame({"model": [EVIL, "b"], "acc": [0.1234, np.nan], "n": [1000, 2]})
    table = charts.show(frame, "Two <models>", digits=2, percent=["acc"])
    markup = table._repr_html_()
    assert "<caption><span>Two &lt;models&gt;</span></caption>" in markup and "<img" not in markup
    assert '<th scope="col" class="number">acc' in markup
    assert "12.3%" in markup and ">–" in markup and "12.3%" in repr(table)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([0.2, 0.5], "as found"),
        ([0.2, 1.5], "as found; 1 value beyond the axis stands at its edge"),
        ([-0.2, 1.5], "as found; 2 values beyond the axis stand at its edge"),
    ],
)
def test_a_curve_says_what_its_axis_cuts_off(y, words):
    table = pd.DataFrame({"x": [1, 2], "y": y, "series": "a"})
    figure = charts.curve(
        table,
        x_title="x",
        y_title="y",
        y_domain=(0, 1),
        title="A title",
        subtitle="as found",
        description="A description.",
    )
    assert " ".join(np.atleast_1d(figure.to_dict()["title"]["subtitle"])) == words


def test_titles_of_axes_fit_on_a_telephone():
    source = Path(charts.__file__).parents[1]
    titles = [
        (path.name, title)
        for path in source.rglob("*.py")
        for title in re.findall(r'[xy]_title=f?"([^"]+)"', path.read_text("utf-8"))
    ]
    assert len(titles) > 50
    assert not [t for t in titles if len(re.sub(r"\{[^}]*\}", "xx", t[1])) > 45]
