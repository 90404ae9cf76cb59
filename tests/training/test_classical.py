import numpy as np
from scipy.special import logit
from scipy.stats import linregress

from nbcore.training.classical import digits_testbed, shift_digits


def test_digits_testbed_is_a_line_and_repeats():
    bed = digits_testbed(0)
    assert bed.sizes == {"model": 14, "example": 899}
    inside = bed.id_correct.mean("example").values
    outside = bed.ood_correct.mean("example").values
    assert inside.min() < 0.4 and inside.max() > 0.95
    assert linregress(logit(inside), logit(outside)).rvalue ** 2 > 0.85
    assert bed.identical(digits_testbed(0))
    assert not bed.id_correct.equals(digits_testbed(1).id_correct)


def test_shift_keeps_shape_and_moves_right():
    one = np.zeros((1, 8, 8))
    one[0, 3, 3] = 16
    moved = shift_digits(one, 1)
    assert moved.shape == one.shape and moved[0, 3, 4] == 16 and moved.sum() == 16
