"""Chapter 1's sentences: each outcome has its words, on numbers constructed for it."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nbcore.chapters.line import figures, told
from nbcore.measures import robustness
from nbcore.measures.estimate import Estimate


def interval(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 5, "fraction")


@pytest.mark.parametrize(
    ("slope", "intercept", "said"),
    [
        (0.9225, -0.4896, "holds the paper's slope and intercept"),
        (0.9225, -0.9, "the paper's slope and not its intercept"),
        (0.5, -0.4896, "the paper's intercept and not its slope"),
        (0.5, -0.9, "neither the paper's slope nor its intercept"),
    ],
)
def test_which_of_the_papers_numbers_a_line_holds(slope, intercept, said):
    fit = robustness.Line(slope, intercept, 1, 0, 0, "logit", 9, (0, 1))
    assert said in told._holds(fit, {"slope": 0.01, "intercept": 0.01})


@pytest.mark.parametrize(
    ("without", "said"), [(0.91, "most of"), (0.98, "a part of"), (1.1, "not towards")]
)
def test_where_the_slope_goes_without_fisher_vectors(without, said):
    assert said in told.fisher(1.0, without, 0.9)


@pytest.mark.parametrize(
    ("low", "high", "first", "second"),
    [
        (0.1, 0.2, "the logit fits better than plain", "better than the probit too"),
        (-0.1, 0.2, "cannot be told apart", "no differently from the probit"),
        (-0.2, -0.1, "plain accuracy fits better", "worse than the probit"),
    ],
)
def test_scales_are_compared_by_the_interval(low, high, first, second):
    text = told.compared(interval(low, high), interval(low, high))
    assert first in text and second in text


@pytest.mark.parametrize(
    ("significant", "said"), [(0, "fewer than"), (25, "about as many as"), (60, "more than")]
)
def test_luck_is_two_and_a_half_percent(significant, said):
    assert said in told.luck(significant, 1000) and "the 25 that luck" in told.luck(25, 1000)


def test_a_model_stands_above_on_or_below_by_shift():
    found = {
        "net, A": interval(0.1, 0.2),
        "net, B": interval(-0.1, 0.2),
        "net, C": interval(-0.3, -0.2),
    }
    text = told.standing(found).text
    assert "above the line on A" in text and "on the line on B" in text
    assert "below the line on C" in text
    assert "inside the line's range" in told.standing({}).text


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.2, "keep a part"), (-0.1, 0.1, "lose it"), (-0.2, -0.1, "end below the line")],
)
def test_what_fitting_leaves(low, high, said):
    found = {
        "mean ER zero-shot, V2": interval(0.3, 0.4),
        "mean ER fine-tuned, V2": interval(low, high),
    }
    assert said in told.fitted(found).text
    assert "No network" in told.fitted({}).text


def test_an_effect_has_the_sign_of_its_interval():
    found = {
        "gain, A": interval(0.1, 0.2),
        "gain, B": interval(-0.1, 0.2),
        "gain, C": interval(-0.3, -0.2),
        "other, A": interval(0.1, 0.2),
    }
    text = told.effects(found, "gain", "The gain", "points").text
    assert text.startswith("The gain is positive on A (+15")
    assert "not told from nought on B" in text and "negative on C (" in text
    assert "Nothing here" in told.effects({}, "gain", "The gain").text


def test_groups_are_named_by_where_their_mean_stands():
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame({"pretraining": name, "er": rng.normal(mean, 0.001, 50)})
        for name, mean in (("high", 0.02), (told.ONLY_1K, 0.0), ("low", -0.02), ("other", 0.5))
    ]
    parts[1]["er"] -= parts[1]["er"].mean()
    bed = type("Bed", (), {"models": pd.concat(parts).assign(significant=False)})
    text = told.families(bed).text
    assert "“high” stands above the line on average; " in text and "“low” stands below it" in text
    assert f"“{told.ONLY_1K}” stands on it" in text and "other" not in text


def test_who_stands_highest_among_the_live_models():
    right = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
    shifted = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
    data = xr.Dataset(
        {
            "id_correct": (("model", "example"), right),
            "ood_correct": (("model", "example"), shifted),
        },
        coords={"model": ["a", "b", "c"]},
    )
    fit = robustness.fit_line([0.25, 0.5, 0.75], [0.2, 0.4, 0.6])
    text = told.digits(data, fit).text
    best, worst = (100 * (y - float(fit.predict(x))) for x, y in ((0.5, 0.5), (0.75, 0.25)))
    assert text == (
        f"Highest above the line stands b ({best:+.1f} points), lowest a (−{-worst:.1f})."
    )


@pytest.mark.parametrize(
    ("ratio", "said"), [(0.2, "rarely"), (0.7, "less often"), (1.3, "as often as by chance")]
)
def test_how_often_a_weaker_model_is_right_alone(ratio, said):
    assert figures.how_often(ratio).startswith(said)
