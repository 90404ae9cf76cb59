"""Chapter 4: planted bounds are found, shuffled ones fail, and what is undefined stays so."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nbcore import claims
from nbcore.chapters.depth_bounds import figures, mirror, study, tables
from nbcore.chapters.depth_bounds import observe as page
from nbcore.chapters.depth_bounds.config import DepthBounds
from nbcore.chapters.depth_bounds.scores import Sample, course, halves, others, scores, turns
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.depths.view import EnsembleView
from nbcore.errors import DataError
from nbcore.measures.bounds import Bound
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import Run
from nbcore.training.ensemble import held_out_mask

LAYERS, CLASSES = 8, 5


def planted(n=3000, members=100, share=0.2, steep=0.8, seed=0, wrong=0.2, full=6, torn=False):
    """An ensemble whose consensus-consistency stays above about 1 - steep * depth.

    Every example has a place p in the depths; a network decides near it, and says the example's
    main class (the label but for a share `wrong`) with a chance between 1 - steep * p and 1, and
    any class otherwise; if torn, the label where the main class is another.
    """
    rng = np.random.default_rng(seed)
    held = np.stack([held_out_mask(n, m, share, "folds") for m in range(members)])
    label, place = rng.integers(CLASSES, size=n), rng.random(n)
    main = np.where(rng.random(n) < wrong, (label + 1) % CLASSES, label)
    sure = 1 - steep * place * rng.random(n)

    def networks(count):
        follows = rng.random((count, n)) < sure
        else_ = rng.integers(CLASSES, size=(count, n))
        said = np.where(follows, main, np.where((main != label) & torn, label, else_))
        depth = np.rint(np.clip(place + rng.normal(0, 0.05, (count, n)), 0, 1) * LAYERS)
        return said, depth / LAYERS

    test_said, test_depth = (v[:, :500] for v in networks(full))
    return Sample(
        "toys:mlp", *networks(members), held, label, CLASSES, LAYERS, test_said, test_depth
    )


def as_run(sample):
    """The sample as a run's tables."""
    names = [f"full-{i:03}" for i in range(len(sample.test_said))]
    names += [f"split-{i:03}" for i in range(sample.networks)]
    full, n, m = len(sample.test_said), len(sample.label), len(names)
    at = (("member", "example"), ("member", "test_example"))

    def stack(of_full, of_split):
        wide = np.zeros((full, of_split.shape[1]), of_split.dtype)
        return np.concatenate([wide if of_full is None else of_full, of_split])

    depth, test_depth = (
        np.where(np.isnan(d), -1, np.rint(d * LAYERS)).astype(np.int8)
        for d in (sample.depth, sample.test_depth)
    )
    rest = np.zeros((sample.networks, sample.test_said.shape[1]), np.int16)
    members = xr.Dataset(
        {
            "held_out": (at[0], stack(None, sample.held_out)),
            "half": ("member", [-1] * full + [0] * sample.networks),
            "final": (at[0], stack(None, sample.said)),
            "depth": (at[0], stack(None, depth)),
            "final_test": (at[1], np.concatenate([sample.test_said, rest])),
            "depth_test": (at[1], np.concatenate([test_depth, rest.astype(np.int8)])),
        },
        {"member": names, "probe": [str(i) for i in range(LAYERS + 1)]},
    )
    examples = xr.Dataset({"label": ("example", sample.label)})
    examples.attrs["classes"] = list("abcde")
    assert members.sizes["member"] == m and members.sizes["example"] == n
    entry = {"hardware": "a CPU", "seconds": 1.0, "created": "2026-01-01T00:00:00+00:00"}
    run = Run(Path("nowhere"), {"members": dict.fromkeys(names, entry)}, "stored")
    run.table = {"members": members, "examples": examples}.__getitem__
    return run


@pytest.fixture(scope="module")
def sample():
    return planted()


@pytest.fixture(scope="module")
def found(sample):
    return study.bounds(sample, 100)


def test_halves_hold_every_example_out_equally_often():
    held = np.stack([held_out_mask(200, m, 0.1, "folds") for m in range(60)])
    half = halves(held)
    assert half.tolist() == [m // 10 % 2 for m in range(60)]
    assert (held[half == 0].sum(0) == 3).all() and (held[half == 1].sum(0) == 3).all()
    drawn = halves(held, seed=1)
    assert drawn.tolist() != half.tolist() and (held[drawn == 0].sum(0) == 3).all()
    # by even and odd numbers, some example would be held out in one half only
    assert (held[::2].sum(0) == 6).any()


def test_halves_of_members_with_splits_of_their_own():
    held = np.stack([held_out_mask(400, m, 0.2, "independent") for m in range(20)])
    assert halves(held).tolist() == [m % 2 for m in range(20)]
    assert turns(held)[-1] == 19


def test_one_round_cannot_be_halved():
    held = np.stack([held_out_mask(50, m, 0.2, "folds") for m in range(5)])
    with pytest.raises(DataError, match="Two halves need every example held out twice"):
        halves(held)


def test_a_planted_bound_is_found_and_its_control_fails(found):
    for bound in (found.agreement, found.lower):
        assert -1.2 < bound.slope_interval[0] < bound.slope_interval[1] < -0.5
        assert bound.share_beyond <= 0.05 < bound.control_interval[0]
        assert bound.at_lowest > 0.75  # ten predictions are coarse
    assert found.entropy.bound.slope > 0 and found.entropy.share_beyond <= 0.05


def test_early_outvoted_examples_lie_below_the_reflected_line_and_shuffled_ones_do_not():
    two = study.bounds(planted(torn=True), 2)  # two classes share the votes of an outvoted example
    seen = mirror.reflected(two, 50)
    share, control = seen[mirror.WHAT], seen[f"control {mirror.WHAT}"]
    assert share.low <= 0.05 < control.low and share.value < control.value / 2
    assert 0.1 < (~two.right).mean() < 0.3


def test_the_reflected_line_by_hand():
    line = Bound(-1.0, 1.0, "lower")  # reflected: the depth itself
    depth, score = np.array([0.1, 0.2, 0.4, 0.9]), np.array([0.05, 0.3, 0.4, 1.0])
    assert mirror.above(line, depth, score) == pytest.approx(1 / 3)  # the last one is not early
    assert np.isnan(mirror.above(line, np.array([0.9]), np.array([1.0])))


def test_the_mirror_is_asked_of_new_networks_only(sample):
    def made(created):
        run = as_run(sample)
        for name, entry in run.manifest["members"].items():
            run.manifest["members"][name] = entry | {"created": created(name)}
        return run

    old, new = "2026-11-20T00:00:00+00:00", "2026-12-24T00:00:00+00:00"
    assert mirror.on_new_members({"toys:mlp": made(lambda n: old)}, 20) == ({}, {})
    few = made(lambda n: new if n in ("split-000", "split-001") else old)
    assert mirror.on_new_members({"toys:mlp": few}, 20) == ({}, {})
    seen, used = mirror.on_new_members({"toys:mlp": made(lambda n: new)}, 20)
    assert set(seen) == {c.name for c in claims.get("B6").checks}
    assert used["toys:mlp"].summary()["oldest"] == new


def test_late_outvoted_examples_are_rarely_right(found):
    assert page._outvoted(found, 50)["mean consistency score at high depth"].high < 0.5


def test_without_a_relation_the_bound_is_flat_or_no_better_than_its_control(sample):
    rng = np.random.default_rng(1)
    order = rng.permutation(len(sample.label))
    mixed = Sample(**{**vars(sample), "depth": sample.depth[:, order]})
    bound = study.bounds(mixed, 100).agreement
    assert abs(bound.bound.slope) < 0.25
    assert bound.control_interval[0] < bound.share_beyond + 0.02


def test_what_is_undefined_is_left_out(sample):
    depth, held = sample.depth.copy(), sample.held_out.copy()
    depth[:, 0] = np.nan  # no network has a depth for it
    held[:, 1] = False  # never held out
    depth[::3, 2] = np.nan
    s = scores(Sample(**{**vars(sample), "depth": depth, "held_out": held}))
    assert np.isnan(s.depth[:2]).all() and s.consensus[1] == -1 and s.consensus[0] >= 0
    assert np.isnan([s.consistency[1], s.agreement[1], s.entropy[1]]).all()
    mine = held[:, 2] & ~np.isnan(depth[:, 2])
    assert s.depth[2] == pytest.approx(depth[mine, 2].mean())
    again = study.bounds(Sample(**{**vars(sample), "depth": depth, "held_out": held}), 20)
    assert again.agreement.n == len(sample.label) - 2


def test_by_hand_with_ties():
    table = tables.by_hand(
        [
            ["cat"] * 5,
            ["dog"] * 4 + ["cat"],
            ["cat", "cat", "dog", "dog", "bird"],
            ["cat", "cat", "dog", "dog", "bird"],
        ],
        ["cat", "cat", "dog", "bird"],
        ["bird", "cat", "dog"],
    )
    assert table["consensus"].tolist() == ["cat", "dog", "dog", "cat"]
    assert table["consistency"].tolist() == [1, 0.2, 0.4, 0.2]
    assert table["consensus-consistency"].tolist() == [1, 0.8, 0.4, 0.4]
    mixed = -0.8 * np.log(0.4) - 0.2 * np.log(0.2)
    assert table["entropy"][1:].tolist() == pytest.approx([0.500402, mixed, mixed])


def test_the_course_is_a_mean_over_predictions_at_each_depth():
    rng = np.random.default_rng(0)
    depth, value = rng.integers(0, 5, (7, 40)) / 4, rng.random((7, 40))
    depth[:, 0], value[0] = np.nan, np.nan
    seen = course(depth, value, 4, 50)
    for i, level in enumerate(seen.depth):
        pairs = [
            v
            for d, v in zip(depth.ravel(), value.ravel(), strict=True)
            if d == level and not np.isnan(v)
        ]
        assert seen.counts[i] == len(pairs) and seen.draws[0, i] == pytest.approx(np.mean(pairs))
    rising = course(np.tile([0, 0.5, 1.0], (3, 20)), np.tile([1, 2, 3.0], (3, 20)), 2, 5)
    assert rising.spearman()[0] == pytest.approx(1)
    rare = course(np.array([[0.0] * 30 + [1.0]]), np.ones((1, 31)), 1, 5)
    assert rare.depth.tolist() == [0]  # one prediction is not enough for a mean


def test_the_others_do_not_include_the_network_itself(sample):
    shares, entropies = others(sample)
    for i, t in ((0, 3), (5, 499)):
        rest = np.delete(sample.test_said[:, t], i)
        _, counts = np.unique(rest, return_counts=True)
        p = counts / len(rest)
        assert shares[i, t] == pytest.approx(p.max())
        assert entropies[i, t] == pytest.approx(-(p * np.log(p)).sum())


def test_the_least_favourable_ensemble_is_recorded():
    def seen(slope, share):
        return {"B8": {"slope of the lower bound": slope, "share below the line": share}}

    a = seen(Estimate(-1.0, -1.4, -0.1, 9), Estimate(0.01, 0.0, 0.09, 9))
    b = seen(Estimate(-0.5, -0.6, -0.4, 9), Estimate(0.02, 0.01, 0.03, 9))
    worst = page.worst("B8", [a, b, {}])
    assert worst["slope of the lower bound"].high == -0.1
    assert worst["share below the line"].value == 0.02


@pytest.fixture(scope="module")
def result(sample):
    """Two tasks with one architecture and one with too few members, as if stored."""
    harder = planted(steep=0.5, seed=1, full=2)
    small = planted(n=400, members=5, seed=2, full=0)
    runs = {"digits:mlp": sample, "cifar10:mlp": harder, "cifar10:vgg16": small}
    runs = {key: as_run(s) for key, s in runs.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "load", lambda config, fresh: runs)
        return study.gather(DepthBounds.resolve("smoke", resamples=40))


def test_record_judges_every_claim_and_no_verdict_depends_on_ties(result, tmp_path, monkeypatch):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))
    seen = page.record(result, "smoke")
    assert set(seen) == {"B5", *(f"B{i}" for i in range(7, 14)), "B43"}  # B6 awaits new networks
    assert seen["B13"].verdict == claims.UNDECIDED  # two data sets
    assert all(seen[c].verdict == claims.REDUCED for c in ("B5", "B7", "B8", "B12", "B43"))
    assert all(o.setup == "reduced" for o in seen.values())
    assert seen["B9"].observed["spearman over depths of consensus-consistency"].n == 6
    assert set(result.found) == {"digits:mlp", "cifar10:mlp"}
    assert result.slopes["predictions"].tolist() == [20, 20, 1]


def test_a_run_gives_back_its_sample(sample):
    again = Sample.of(EnsembleView.of("toys:mlp", as_run(sample)))
    for field, value in vars(sample).items():
        np.testing.assert_array_equal(getattr(again, field), value, err_msg=field)


def test_without_random_splits_or_rounds_one_sentence_says_so(sample):
    run = as_run(sample)
    bare = run.table("members").sel(member=[f"full-{i:03}" for i in range(6)])
    only = {"members": bare, "examples": run.table("examples")}
    with pytest.raises(DataError, match="no network on a random split"):
        Sample.of(EnsembleView("toys:mlp", **only))
    with pytest.raises(DataError, match="No ensemble holds its examples out twice"):
        study.ready({"toys:mlp": planted(n=100, members=5)})


def test_every_table_and_figure_can_be_made(result):
    assert tables.summary(result)["used"].tolist() == ["yes", "yes", "too few"]
    assert len(tables.fitted(result)) == 6 and len(tables.by_definition(result)) == 2
    for found in result.found.values():
        tried = tables.attempts(found)
        real = tried[tried["variant"] != tables.SHUFFLED]
        assert len(tried) == 7 and (real["value"] < 0.06).all()
        assert isinstance(figures.histograms(found), Figure)
    made = [
        f(result)
        for f in (
            figures.agreement,
            figures.entropy,
            figures.slopes,
            figures.controls,
            figures.attempts,
        )
    ]
    made += [figures.along(result, what) for what in figures.COURSES]
    assert all(isinstance(figure, Figure) for figure in made)
    assert "6 of 6 bounds hold" in " ".join(figures.controls(result).to_dict()["title"]["text"])


def test_too_few_examples_give_a_sentence_in_the_place_of_a_figure():
    few = planted(n=15, members=20)
    result = study.Study(
        DepthBounds.smoke(),
        {},
        {"toys:mlp": few},
        {"toys:mlp": study.bounds(few, 20)},
        {"toys:mlp": dict.fromkeys(figures.COURSES)},
        study.steepness({"toys:mlp": few}, 20),
    )
    assert result.found["toys:mlp"].agreement is None
    for figure in (
        figures.agreement,
        figures.entropy,
        figures.slopes,
        figures.controls,
        figures.attempts,
    ):
        assert isinstance(figure(result), Table) and "Not drawn" in repr(figure(result))
    assert "give full_members=4" in repr(figures.along(result, "agreement"))
    assert isinstance(figures.histograms(result.found["toys:mlp"]), Figure)
    assert "B8" not in page.observe(result.found["toys:mlp"], result.along["toys:mlp"], 20)
