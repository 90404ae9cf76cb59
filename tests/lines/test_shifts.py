"""The testbeds by name: what is compared with what, through whom the line goes, and refusals."""

import numpy as np
import pytest

from nbcore.errors import DataError
from nbcore.lines.public import load_testbed
from nbcore.lines.shifts import EVERY, TESTBEDS, WITH_LINE
from nbcore.measures import robustness


@pytest.fixture(autouse=True)
def _no_data(monkeypatch, own_cache):
    monkeypatch.delenv("NBCORE_DATA", raising=False)  # what is stored is enough
    monkeypatch.setenv("NBCORE_OFFLINE", "1")


@pytest.mark.parametrize("name", TESTBEDS)
def test_every_testbed_comes_from_stored_counts(name):
    bed = load_testbed(name)
    assert bed.run.origin == "stored" and bed.models["model"].is_unique
    assert bed.models[["id", "ood"]].apply(lambda c: c.between(0, 1)).all().all()
    inside = bed.models[bed.models["in_line"]]
    again = robustness.fit_line(inside["id"], inside["ood"])
    assert (bed.line.slope, bed.line.n) == (again.slope, len(inside))
    # counts are whole numbers of images
    counts = bed.models["ood"] * bed.ood_total
    assert np.abs(counts - counts.round()).max() < 1e-6


def test_the_lines_of_the_papers_kind():
    fit = load_testbed("imagenet-testbed:imagenetv2").line
    assert fit.n == 87
    found = (fit.slope, fit.intercept, fit.r2)
    assert found == pytest.approx((0.9233, -0.4982, 0.9959), abs=5e-5)


def test_full_and_restricted_accuracies_never_share_a_picture():
    for name, shift in TESTBEDS.items():
        subset = shift.axes[1] in ("ImageNet-R", "ImageNet-A", "ObjectNet")
        assert (shift.axes[0] == EVERY) == name.endswith("-all")
        assert subset == ("classes" in shift.axes[0])
    full, restricted = (f"imagenet-testbed:imagenet-r{end}" for end in ("-all", ""))
    assert TESTBEDS[full].axes != TESTBEDS[restricted].axes
    assert load_testbed(restricted).id_total == 10_000 and load_testbed(full).id_total == 50_000
    assert not {n for n in TESTBEDS if "imagenet-a" in n} & set(WITH_LINE)


def test_a_family_carries_the_line_or_is_refused():
    bed = load_testbed("imagenet-testbed:imagenetv2", family="ImageNet-21k")
    assert bed.line.n == 17 and len(bed.models) == 335
    with pytest.raises(DataError, match="Only 2 models .* a line needs three"):
        load_testbed("imagenet-testbed:imagenetv2", family="web image-text")
    with pytest.raises(DataError, match="belongs to a family 'standard'"):
        load_testbed("imagenet-testbed:imagenetv2", family="standard")
    with pytest.raises(DataError, match="no counted testbed"):
        load_testbed("imagenet-testbed")


def test_a_model_that_gets_nothing_right_carries_no_line():
    bed = load_testbed("imagenet-testbed:imagenet-a")
    none = bed.models[bed.models["ood"] == 0]
    assert len(none) and not none["in_line"].any() and np.isfinite(none["er"]).all()
