"""A number that is not defined is not recorded, and a bug does not pass for one."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nbcore.chapters.corner_examples import rescue
from nbcore.chapters.corner_examples.study import TooFewNetworks
from nbcore.chapters.depth_bounds import observe as bounds_page
from nbcore.chapters.depth_bounds.study import attempt
from nbcore.chapters.example_difficulty import observe as difficulty
from nbcore.chapters.rise_and_fall import networks as fine_tuning
from nbcore.errors import ParameterError
from nbcore.measures.bounds import TooFewExamples, fit_bound
from nbcore.measures.corners import NoCorners, corner_examples
from nbcore.measures.correlation import curve_correlation
from nbcore.measures.robustness import NoLine, fit_line


def test_only_too_few_examples_make_a_bound_absent():
    assert attempt(fit_bound, np.arange(5.0), np.arange(5.0)) is None
    with pytest.raises(ValueError, match="side must be"):
        attempt(fit_bound, np.arange(5.0), np.arange(5.0), "above")
    with pytest.raises(ValueError, match="equally long"):
        attempt(fit_bound, np.arange(5.0), np.arange(4.0))
    with pytest.raises(TooFewExamples):
        fit_bound(np.arange(5.0), np.arange(5.0))


def test_only_too_few_networks_make_a_half_absent():
    def raises(error):
        def find(half):
            raise error

        return SimpleNamespace(find=find)

    assert rescue.by_halves(raises(TooFewNetworks("few"))) == []
    with pytest.raises(ParameterError, match="other"):
        rescue.by_halves(raises(ParameterError("other")))
    with pytest.raises(NoCorners):
        corner_examples([1.0, 1.0], [1.0, 2.0], n=1)
    with pytest.raises(ValueError, match="shapes"):
        corner_examples([1.0], [1.0, 2.0], n=1)


def test_only_models_without_a_line_are_said_to_have_none():
    with pytest.raises(NoLine, match="at least three"):
        fit_line([0.5, 0.6], [0.5, 0.6])
    with pytest.raises(ValueError, match="NaN") as raised:
        fit_line([0.5, 0.6, np.nan], [0.5, 0.6, 0.7])
    assert not isinstance(raised.value, NoLine)


def a_curve(er, gap_share=None):
    er = np.asarray(er, float)
    return SimpleNamespace(
        er=er,
        id=er + 0.5,
        covered=np.ones(er.shape[1], bool),
        seeds=3,
        over="images and seeds",
        gap_share=er if gap_share is None else np.asarray(gap_share, float),
    )


def test_a_constant_has_no_rank_correlation():
    flat = a_curve(np.full((5, 3), 0.02))
    curves = {f"pretrain-{n}": flat for n in (0, 10, 100)}
    assert np.isnan(difficulty.size_correlation(curves)).all()
    assert difficulty._sizes(curves) == {}
    assert fine_tuning._gap_shares([flat]) == {}
    rising = a_curve(np.tile([0.01, 0.02, 0.03], (5, 1)))
    assert next(iter(fine_tuning._gap_shares([rising]).values())).value == 1
    assert not curve_correlation(np.ones(5), np.arange(5.0)).defined
    assert not curve_correlation(np.arange(3.0), np.arange(3.0)).defined


def test_bounds_of_equal_steepness_say_nothing_of_their_order():
    rows = [
        {
            "architecture": "mlp",
            "predictions": 20,
            "networks": 30,
            "slope": np.full(4, -1.0),
            "depth": np.full(4, depth),
        }
        for depth in (0.2, 0.4, 0.6)
    ]
    assert bounds_page._steepness(pd.DataFrame(rows)) == {}
    for row, slope in zip(rows, (-1.0, -2.0, -3.0), strict=True):
        row["slope"] = np.full(4, slope)
    assert next(iter(bounds_page._steepness(pd.DataFrame(rows)).values())).value == 1
