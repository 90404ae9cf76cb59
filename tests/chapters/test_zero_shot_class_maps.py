"""Chapter 6's run on the embedded digits: known answers, another map, bad input."""

import pytest

from nbcore import claims
from nbcore.chapters.zero_shot_class_maps import config
from nbcore.chapters.zero_shot_class_maps import observe as page
from nbcore.chapters.zero_shot_class_maps.config import ZeroShot
from nbcore.chapters.zero_shot_class_maps.dominance import dominance
from nbcore.chapters.zero_shot_class_maps.study import study
from nbcore.errors import DataError, ParameterError


def small(**changes) -> ZeroShot:
    """A few heads only: what the tests look at."""
    return ZeroShot.resolve("smoke", conditions=["fresh-head"], seeds=1, **changes)


def test_ten_digits_read_as_five_groups(own_cache):
    result = study(small())
    plain = result.plain
    truth = plain["label_id"].values
    for how in ("max", "mean", "sum"):
        assert (plain["prediction_id"].sel(rule=how).values == truth).mean() > 0.8
    shuffled = plain["control_id"].sel(how="max").values
    assert shuffled.mean() == pytest.approx(0.2, abs=0.06)  # of five groups
    # dominance, counted again one pair at a time
    found, names = dominance(result), list(result.models["model"])
    mine = result.bits["max"][0, -1]
    assert len(found.models["zero-shot"]) == len(names)
    for _, row in found.models["zero-shot"].iterrows():
        other = result.testbed_bits[names.index(row["lower"])]
        low, high = (other, mine) if other.mean() <= mine.mean() else (mine, other)
        assert row["dominance"] == pytest.approx((low & ~high).mean(), abs=1e-6)
    seen = page.record(result, found, small(), "smoke")
    assert {o.setup for o in seen.values()} == {"reduced"}
    assert {o.chapter for o in seen.values()} == {"zero-shot-class-maps"}  # A26's home is chapter 1
    assert "digits" in seen["A14"].subject and seen["A14"].verdict in claims.VERDICTS


def test_a_map_of_ones_own_is_another_run(tmp_path):
    own = tmp_path / "mine.yaml"
    own.write_text("a: [0, 1]\nb: [2, 3]\nc: [4, 5]\nd: [6, 7]\ne: [8, 9]\n")
    first = small(class_map=str(own)).address()
    own.write_text("a: [1, 0]\nb: [2, 3]\nc: [4, 9]\nd: [6, 7]\ne: [8, 5]\n")
    assert small(class_map=str(own)).address() != first


def test_bad_input_gets_one_sentence(tmp_path):
    with pytest.raises(ParameterError, match="no condition 'fresh-hed'.*did you mean 'fresh-head'"):
        config.heads(ZeroShot.resolve("smoke", conditions=["fresh-hed"]))
    with pytest.raises(ParameterError, match="takes no class_map"):
        ZeroShot.resolve("book", model="clip:ViT-B-32", class_map="digits").check()
    with pytest.raises(DataError, match="There is no file"):
        ZeroShot.resolve("book", weights=str(tmp_path / "none.pth")).address()
    with pytest.raises(DataError):
        ZeroShot.resolve("smoke", class_map=str(tmp_path / "none.yaml")).check()
