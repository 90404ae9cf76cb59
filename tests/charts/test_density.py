"""Two-dimensional histograms: every point is counted once, and panels stack where it is narrow."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from samples import EVIL, say

from nbcore.charts.density import density
from nbcore.charts.renderer import render
from nbcore.errors import DataError

AXES = {"x_title": "mean depth", "y_title": "score"}
rng = np.random.default_rng(0)
X, Y = rng.random(500), rng.random(500)


def tables(figure) -> list[pd.DataFrame]:
    """The tables that a figure carries."""
    return [pd.read_csv(io.StringIO(text)) for text in figure.to_dict()["datasets"].values()]


def test_every_point_with_both_numbers_is_counted_once():
    x, y = X.copy(), Y.copy()
    x[:7], y[3:10] = np.nan, np.nan
    (cells,) = tables(density(x, y, **AXES, **say("Spread evenly")))
    assert cells["count"].sum() == 490 and (cells["count"] > 0).all()
    assert cells["x0"].min() == pytest.approx(np.nanmin(x), abs=1e-5)


def test_cells_lie_where_the_edges_say():
    edges = [0, 1], [-0.25, 0.25, 0.75, 1.25]
    (cells,) = tables(density([0.5] * 4, [0, 0.5, 1, 1], bins=edges, **AXES, **say("t")))
    assert cells["count"].tolist() == [1, 1, 2]
    assert cells["y0"].tolist() == [-0.25, 0.25, 0.75]


def test_panels_share_their_axes_and_carry_their_own_lines():
    part = np.where(X > 0.5, EVIL, "rest")
    lines = {"all": (-1.0, 1.0), "one": (0.5, 0.0, "rest")}
    figure = density(X, Y, panels=part, lines=lines, bins=(4, 4), **AXES, **say("Two parts"))
    spec = figure.to_dict()
    assert len(spec["concat"]) == 2 and all(p["width"] > 120 for p in spec["concat"])
    drawn = {" ".join(p["title"]): len(p["layer"]) for p in spec["concat"]}
    assert drawn == {EVIL: 3, "rest": 3}
    named = [t["line"].unique().tolist() for t in tables(figure) if "line" in t]
    assert sorted(named) == [["all"], ["all", "one"]]
    image = Image.open(io.BytesIO(base64.b64decode(render(spec)["image/png"])))
    assert 1200 < image.width < 1500


def test_one_example_in_each_cell_still_has_a_colour():
    page = render(density([0, 1], [0, 1], **AXES, **say("Two")).to_dict())
    assert "NaN" not in page["text/html"]


def test_lists_of_unequal_length_and_no_point_are_refused():
    with pytest.raises(DataError, match="got 3 for x, 2 for y"):
        density([1, 2, 3], [1, 2], **AXES, **say("t"))
    with pytest.raises(DataError, match="none of 2 has both"):
        density([1, np.nan], [np.nan, 1], **AXES, **say("t"))
