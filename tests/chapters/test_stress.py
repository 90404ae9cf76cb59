"""Chapter 2's stress test: planted slopes, the control, and what is not drawn."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from nbcore.chapters.rise_and_fall import last_layers, stress
from nbcore.chapters.rise_and_fall.config import RiseAndFall

N = 4000


def packed(inside, outside, seed=0):
    """Three seeds along three checkpoints; the accuracies given are those of the last two."""
    rng = np.random.default_rng(seed)
    dims, table = ("member", "checkpoint"), {}
    for role, accuracy in (("id", inside), ("ood", outside)):
        path = np.array([0.1, *accuracy])[:, None]
        right = rng.random((3, 3, N)) < path
        table[f"correct_{role}"] = (*dims, f"byte_{role}"), np.packbits(right, axis=-1)
        by_chance = np.packbits(rng.random((3, 3, N)) < 0.1, axis=-1)
        table[f"shuffled_{role}"] = (*dims, f"byte_{role}"), by_chance
    names = [f"x-seed{i}" for i in range(3)]
    return xr.Dataset(table, {"member": names}, {"total_id": N, "total_ood": N})


#: ID accuracy at the end, and accuracy on the stress test before and at the end
WORSE = {
    f"net{i}": packed((a, a), (b + 0.1, b), i)
    for i, (a, b) in enumerate([(0.6, 0.4), (0.7, 0.35), (0.8, 0.28), (0.9, 0.2)])
}


def test_a_planted_slope_is_found_with_its_sign_and_falls_along_training():
    found = stress.measure(WORSE, "ood", 100)
    # in logits from (.405, -.405) to (2.197, -1.386)
    assert found.slope.value == pytest.approx(-0.55, abs=0.08)
    assert found.slope.low < found.slope.value < found.slope.high < 0 and found.slope.n == 4
    assert len(found.without_each) == 4 and (found.without_each < -0.3).all()
    assert found.inside[0] == pytest.approx([0.6, 0.7, 0.8, 0.9], abs=0.02)
    assert all(e.low > 0 and e.value == pytest.approx(0.1, abs=0.02) for e in found.falls.values())


def test_with_shuffled_labels_there_is_no_slope():
    found = stress.measure(WORSE, "ood", 100, shuffled=True)
    assert found.slope.low < 0 < found.slope.high and found.slope.high < 0.3


def test_figure_and_sentence_say_what_the_numbers_say():
    seen = {"last layers": stress.measure(WORSE, "ood", 60)}
    control = {"last layers": stress.measure(WORSE, "ood", 60, shuffled=True)}
    assert "Worse on CIFAR-10-Neg" in str(stress.figure(seen).to_dict())
    told = repr(stress.told(seen, control))
    assert "are worse here; along training 4 of 4 fall" in told and "over 4 models" in told


def test_where_ood_names_the_set_the_testbed_is_shown_with_its_own_slope(monkeypatch):
    names = [f"efficientnet_lite{i}@128, rate 0.001" for i in range(3)]
    rows = [
        v.assign_coords(member=[f"{n}-seed{s}" for s in range(3)])
        for n, v in zip(names, WORSE.values(), strict=False)
    ]
    both = xr.concat(rows, "member")
    ends = both.isel(checkpoint=-1)
    asked = []

    def run(table):
        return lambda config: asked.append(config) or SimpleNamespace(table=lambda _: table)

    monkeypatch.setattr(stress, "data_roles", lambda c: {"id": c.id, "ood": stress.NEG})
    monkeypatch.setattr(last_layers, "run_last_layers", run(both))
    monkeypatch.setattr(stress, "run_testbed", run(ends))
    names = tuple(str(m) for m in ends["member"].values)
    config = RiseAndFall.resolve(
        "book",
        testbed=names,
        ood=(stress.NEG,),
        resamples=40,
        networks=[f"efficientnet_lite{i}" for i in range(3)],
    )
    seen = stress.study(config)
    assert list(seen) == ["last layers", "trained from scratch"]
    assert len(seen["trained from scratch"].models) == 9 and not seen["trained from scratch"].falls
    assert asked[0].ood == (stress.NEG,) and all(s.slope.value < 0 for s in seen.values())


def test_on_other_images_it_is_not_drawn():
    smoke = RiseAndFall.resolve("smoke")
    assert stress.study(smoke) == {}
    assert "Not drawn" in repr(stress.figure({})) and "Not drawn" in repr(stress.told({}, {}))
