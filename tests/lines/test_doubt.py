"""A testbed that bends leaves claims about heights above its line undecided."""

from types import SimpleNamespace

import numpy as np
from scipy import special

from nbcore import claims
from nbcore.claims import judging
from nbcore.lines.curves import Study
from nbcore.measures.bends import bend
from nbcore.measures.estimate import Estimate


def study(c2: float):
    x = np.linspace(-1, 2, 30)
    wiggle = 0.03 * np.sin(7 * x)
    return SimpleNamespace(bend=bend(special.expit(x), special.expit(c2 * x**2 + x - 1 + wiggle)))


def test_only_a_significant_bend_is_a_doubt_and_only_about_heights():
    assert "bends (quadratic term \u22120.097" in Study.doubt(study(-0.1), "A6")
    assert Study.doubt(study(-0.1), "A7") == ""
    assert Study.doubt(study(0.0), "A6") == ""
    assert Study.doubt(SimpleNamespace(bend=None), "A6") == ""


def test_what_is_in_doubt_is_neither_held_nor_missed():
    claim = claims.get("A6")
    (check,) = claim.checks
    for value in (-0.5, 0.5):
        seen = {check.name: Estimate(value, value, value, 10, check.unit)}
        sure = claims.Observation("A6", seen)
        doubtful = claims.Observation("A6", seen, doubt="the testbed bends")
        assert judging.judge(claim, [sure]).verdict != judging.UNDECIDED
        found = judging.judge(claim, [doubtful])
        assert found.verdict == judging.UNDECIDED and found.rows[0].note == "the testbed bends"
