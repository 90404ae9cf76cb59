"""Chapter 8 on small tables whose answers are known, and against plain loops."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from nbcore import claims
from nbcore.chapters.corner_examples import checks, figures, noise, pictures, rescue
from nbcore.chapters.corner_examples import noise_figures as wrong
from nbcore.chapters.corner_examples import observe as page
from nbcore.chapters.corner_examples.config import CornerExamples, mislabelled, watched
from nbcore.chapters.corner_examples.study import CornerView, corner_view, paths
from nbcore.errors import ParameterError
from nbcore.measures.bootstrap import mean_draws, share
from nbcore.measures.corners import CORNERS

LAST, K, CLASSES = 10, 30, 4
KINDS = list(CORNERS)


def tables(n=400, members=20, folds=5, seed=0, corners=0.1, classes=CLASSES):
    """Ensembles in which every tenth example is of each of the last three kinds of difficulty.

    Votes: easy ones are their class everywhere; look-alikes the next class everywhere; ambiguous
    unless labelled their class up to layer 6, then the next; ambiguous ones anything.
    """
    rng = np.random.default_rng(seed)
    label, kind = np.arange(n) % classes, np.zeros(n, int)
    some = rng.permutation(n)
    size = round(corners * n)
    for k in (1, 2, 3):
        kind[some[(k - 1) * size : k * size]] = k
    held = np.zeros((members, n), bool)
    for i in range(members):
        held[i, i % folds :: folds] = True
    other = (label + 1) % classes
    place = np.array(list(CORNERS.values()))[kind]
    spread = rng.random((2, members, n))
    deep = np.where(held, place[:, 0], place[:, 1]) * 8 + (spread[0] * 2).round()
    final = np.broadcast_to(label, held.shape).copy()
    wrong_when_held = held & np.isin(kind, (1, 2))
    final[wrong_when_held] = np.broadcast_to(other, held.shape)[wrong_when_held]
    lost = held & np.isin(kind, (2, 3)) & (spread[1] < 0.4)
    final[lost] = rng.integers(classes, size=lost.sum())
    votes = np.zeros((2, n, LAST + 1, classes), np.uint16)
    said, count = votes.copy(), np.zeros((2, n), np.uint16)
    for i in range(members):
        half = i // folds % 2
        for e in np.flatnonzero(held[i]):
            for p in range(LAST + 1):
                late = kind[e] == 2 and p > 6
                to = other[e] if kind[e] == 1 or late else label[e]
                if kind[e] == 3:
                    to = final[i, e] if p == LAST else rng.integers(classes)
                strong = 20 + p if kind[e] < 2 else 16
                votes[half, e, p, to] += min(strong, K)
                votes[half, e, p, (to + 1) % classes] += K - min(strong, K)
                said[half, e, p, to] += 1
            count[half, e] += 1
    dims = ("half", "example", "probe", "class")
    probes = [f"p{i}" for i in range(LAST + 1)]
    return {
        "members": xr.Dataset(
            {
                "held_out": (("member", "example"), held),
                "final": (("member", "example"), final.astype(np.int16)),
                "depth": (("member", "example"), deep.astype(np.int8)),
                "half": ("member", [i // folds % 2 for i in range(members)]),
            },
            {"member": [f"split-{i:03}" for i in range(members)], "probe": probes},
        ),
        "examples": xr.Dataset(
            {"label": ("example", label), "original_label": ("example", label)},
            attrs={"classes": [f"c{i}" for i in range(classes)]},
        ),
        "votes": xr.Dataset(
            {"votes": (dims, votes), "said": (dims, said), "count": (dims[:2], count)},
            {"probe": probes},
        ),
        "kind": kind,
    }


def as_study(made, key="cifar10:vgg16", size=25, **changes):
    parts = {k: made[k] for k in ("members", "examples", "votes")} | changes
    return CornerView(key, **parts, corner=size, resamples=40)


@pytest.fixture(scope="module")
def made():
    return tables()


@pytest.fixture(scope="module")
def planted(made):
    return as_study(made)


def test_depths_and_scores_against_loops(planted):
    held, deep = (planted.members[v].values for v in ("held_out", "depth"))
    for e in (0, 7, 200):
        assert planted.plane[0, e] == pytest.approx(deep[held[:, e], e].mean())
        assert planted.plane[1, e] == pytest.approx(deep[~held[:, e], e].mean())
        said = planted.members["final"].values[held[:, e], e]
        assert planted.right[e] == pytest.approx((said == planted.label[e]).mean())
        own = planted.in_half(1)
        half = deep[own][:, e][held[own][:, e]]
        assert planted.depth("val", 1)[e] == pytest.approx(half.mean())


def test_undefined_depths_are_left_out_and_examples_without_a_role_counted(made):
    members = made["members"].copy(deep=True)
    held = members["held_out"].values
    held[:, 3] = False  # never held out
    members["depth"].values[:, 4] = -1  # never has a depth
    members["depth"].values[0, 5] = -1
    s = as_study(made, members=members)
    assert np.flatnonzero(~s.placed).tolist() == [3, 4]
    own = ~held[:, 5]
    own[0] = False
    assert s.plane[1, 5] == pytest.approx(members["depth"].values[own, 5].mean())
    assert not {3, 4} & {int(i) for at in s.corners.values() for i in at}
    chapter = chapter_of({s.key: s})
    assert page.ensembles_table(chapter)["no place"].tolist() == [2]
    assert np.isnan(s.right[3]) and s.consensus[3] == -1


def test_the_corners_hold_the_planted_kinds(planted, made):
    for k, name in enumerate(KINDS):
        assert (made["kind"][planted.corners[name]] == k).all()


def test_paths_are_shares_of_votes_and_of_networks(made):
    votes = made["votes"]
    examples, toward = np.array([5, 9]), np.array([1, 2])
    found = paths(votes, examples, toward)
    for row, (e, c) in enumerate(zip(examples, toward, strict=True)):
        n = votes["count"].values[:, e].sum()
        own = votes["votes"].values[:, e, :, c].sum(0)
        assert found.confidence[row] == pytest.approx(own / (n * K))
        assert found.accuracy[row] == pytest.approx(votes["said"].values[:, e, :, c].sum(0) / n)
    half = paths(votes, examples, toward, half=0)
    n = votes["count"].values[0, 5]
    assert half.accuracy[0] == pytest.approx(votes["said"].values[0, 5, :, 1] / n)
    empty = votes.assign(count=votes["count"] * 0, votes=votes["votes"] * 0, said=votes["said"] * 0)
    assert np.isnan(paths(empty, examples, toward).confidence).all()


def test_means_over_draws_are_those_of_the_repeated_sample(planted):
    values = np.random.default_rng(1).random((30, 2))
    values[4] = np.nan
    weights = planted.weights(30)
    found = mean_draws(values, weights)
    again = np.repeat(np.arange(30), weights[3].astype(int))
    assert found[3] == pytest.approx(values[again[again != 4]].mean(0))


def test_a_share_has_an_interval_even_when_all_are_right():
    seen = share(np.ones(20), 7)
    assert seen.value == seen.high == 1 and 0.8 < seen.low < 0.9 and seen.n == 7
    assert share(np.array([0.5, 0.5, np.nan]), 1).value == 0.5


def test_the_crossing_by_hand():
    label = np.array([[0.6, 0.5, 0.4, 0.2], [0.1, 0.1, 0.1, 0.1], [0.9, 0.2, 0.8, 0.7]])
    other = np.array([[0.2, 0.3, 0.5, 0.7], [0.2, 0.2, 0.2, 0.2], [0.1, 0.5, 0.1, 0.1]])
    found = checks.crossing(label, other)
    assert found[0] == pytest.approx(1 + 2 / 3)  # between layers 1 and 2
    assert found[1] == 0 and np.isnan(found[2])  # never leads; leads at the end
    again = checks.crossing(np.array([[0.2, 0.6, 0.1]]), np.array([[0.4, 0.4, 0.5]]))
    assert again[0] == pytest.approx(1 + 0.2 / 0.6)  # the last time


def holds(check, seen):
    return check.outcome(seen[check.name]) == claims.HELD


def test_planted_corners_fulfil_the_claims_and_random_ones_do_not(planted):
    found = checks.observed(planted)
    wanted = {c: claims.get(c).checks for c in found}
    held = {c: [holds(k, found[c]) for k in wanted[c] if k.name in found[c]] for c in wanted}
    for claim in ("B29", "B30", "B31", "B32", "B34", "B35", "B36", "B37"):
        assert all(held[claim]), claim
    assert found["B37"]["crossing layer as a share of all layers"].value == pytest.approx(
        (6 + 2 / 18) / LAST  # 16 against 14 votes, then 0 against 16
    )
    control = checks.observed(planted, checks.at_random(planted))
    missed = [
        k.name
        for c in ("B30", "B31", "B32", "B34", "B36", "B37")
        for k in wanted[c]
        if k.name in control[c] and not holds(k, control[c])
    ]
    assert len(missed) >= 7
    table = checks.comparison({"planted": found, "at random": control})
    assert set(table["claim"]) == {f"B{i}" for i in range(29, 39)} - {"B33"}
    assert table["planted"].str.startswith("✓").sum() > table["at random"].str.startswith("✓").sum()


def test_differences_need_both_groups(made, planted):
    right = made["members"].assign(final=made["members"]["final"] * 0)
    label = made["examples"].assign(label=made["examples"]["label"] * 0)
    s = as_study(made, members=right, examples=label.assign_attrs(made["examples"].attrs))
    assert checks.differences(s) is None
    like = planted.consensus == planted.label
    apart = np.abs(planted.plane[0] - planted.plane[1])
    seen = checks.differences(planted)
    assert seen is not None and seen.low <= seen.value <= seen.high
    assert seen.value == pytest.approx(apart[~like].mean() / apart[like].mean())


def test_the_rescue_in_its_ways(planted, made):
    ways = rescue.rescues(planted)
    assert [w[:4] for w in ways] == ["(i) ", "(ii)", "cont", "all "]
    own, other, control, everything = ways.values()
    assert own.middle[0] == 1 and own.network[0] < 0.3  # planted: right up to layer 6
    assert other.gain[0] > 0.6 and abs(other.examples - 40) <= 15
    assert control.gain[0] < other.gain[0] / 2
    held = planted.held_out
    right = (planted.members["final"].values == planted.label) & held
    at = planted.corners[rescue.CORNER]
    assert own.network[0] == pytest.approx((right.sum(0) / held.sum(0))[at].mean())
    assert everything.network[0] == pytest.approx(
        np.mean([rescue.right_of_network(planted, h).mean() for h in (0, 1)])
    )
    probes = rescue.right_of_probes(planted)
    assert rescue.best_probe(planted) == probes.mean(0)[:LAST].argmax()


def test_the_control_is_as_late_and_others(planted):
    chosen = planted.find(half=0)[rescue.CORNER]
    late = rescue.as_late(planted, chosen, 0)
    depth = planted.depth("val", 0)
    assert not set(late) & set(chosen) and len(set(late)) == len(late) == len(chosen)
    assert np.sort(depth[late]).mean() == pytest.approx(np.sort(depth[chosen]).mean(), abs=1.5)


def test_a_rule_is_chosen_where_it_is_not_scored(planted):
    both = np.arange(len(planted.label))
    voters = [rescue.voting(planted, half) for half in (0, 1)]
    gain, chosen = rescue.rule(planted, voters, both)
    assert len(chosen) == 4 and set(np.unique(gain)) <= {-1, -0.5, 0, 0.5, 1}
    # thresholds of the first way, by brute force on its half of the images
    part = np.random.default_rng([planted.seed, 9]).permutation(len(both)) % 2
    places = rescue._places(voters[0], both, planted.last)[:, part == 0]
    best = max(
        places[2][(places[0] >= t) & (places[1] >= c)].sum()
        for t in range(rescue.STEPS)
        for c in range(rescue.STEPS)
    )
    at = rescue._best(places)
    assert at is not None
    assert places[2][(places[0] >= at[0]) & (places[1] >= at[1])].sum() == best
    assert rescue._best(np.array([[0, 1], [0, 1], [-1, 0]])) is None
    ways = rescue.overall(planted)
    assert [len(w.gain) for w in ways] == [41] * 3
    assert ways[1].gain[0] > 0  # whoever knows the corner gains


def test_an_ensemble_of_one_half_has_no_second_way(made):
    some = made["members"].isel(member=slice(5))
    s = as_study(made, members=some)
    assert list(rescue.rescues(s)) == ["(i) chosen and scored on all networks"]
    assert rescue.overall(s) == []
    assert all(name.endswith("same members") for name in page.middle_layer(s))


def watch_of(original, given=None, n=6, learned=None):
    """A watch over two groups of three examples; the first three labels are wrong."""
    curve = np.asarray(original, float)
    members, places = curve.shape
    groups = np.stack([curve, 1 - curve, curve * 0 + 1, curve], 1)
    late = np.array([3, 3, 3, 1, 1, 1]) if learned is None else np.array(learned)
    table = xr.Dataset(
        {
            "accuracy": (("member", "group", "checkpoint"), groups),
            "probe_accuracy": (("member", "group", "probe"), groups),
            "learned": (("member", "example"), np.tile(late, (members, 1))),
            "depth": (("member", "example"), np.tile(late, (members, 1))),
            "step": ("checkpoint", np.arange(places) * 10),
        },
        {"group": list(noise.GROUPS)},
    )
    examples = xr.Dataset(
        {"label": ("example", [0, 0, 0, 1, 1, 1]), "original_label": ("example", [1] * n)}
    )
    return noise.Watch("cifar10:vgg16", "CIFAR-10, VGG16", table, examples, 40)


def test_rise_fall_and_lateness_by_hand():
    watch = watch_of([[0.1, 0.5, 0.7, 0.0], [0.1, 0.7, 0.5, 0.2]], learned=[3, 3, -1, 1, 1, 1])
    rise, fall = watch.rise_and_fall("training")
    # of the mean curve
    assert rise.value == pytest.approx(0.5) and fall.value == pytest.approx(0.5)
    seen = noise.observed(watch)
    assert set(seen) == {"B21", "B22", "B23"}
    assert seen["B23"]["wrong minus true label mean depth"].value == 2  # -1 is left out
    # 95 % of the five defined steps, 10 to 30, lie below 30
    assert seen["B22"]["wrong minus true label iteration learned"].value == pytest.approx(2 / 3)
    # two networks settle little, but nothing is on the wrong side; ten settle it
    outcomes = {c.outcome(seen[k][c.name]) for k in seen for c in claims.get(k).checks}
    assert claims.MISSED not in outcomes
    many = noise.observed(
        watch_of([[0.1, 0.5, 0.7, 0.0], [0.1, 0.7, 0.5, 0.2]] * 5, learned=[3, 3, -1, 1, 1, 1])
    )
    assert all(holds(c, many[k]) for k in many for c in claims.get(k).checks)


def test_a_curve_that_only_falls_has_no_rise():
    seen = noise.observed(watch_of([[0.9, 0.5, 0.1, 0.0]] * 3))
    check = claims.get("B21").checks[0]
    assert not holds(check, seen["B21"])


def test_enrichment_by_hand(planted):
    mask = np.zeros(len(planted.label), bool)
    mask[planted.corners["looks_like_another_class"][:20]] = True
    mask[planted.corners["easy"][:2]] = True
    errors = noise.Errors("planted", planted, mask)
    seen = errors.enrichment("looks_like_another_class")
    assert seen.value == pytest.approx((20 / 25) / (22 / 400)) and seen.low > 1
    assert errors.enrichment("ambiguous").value == 0
    near = errors.nearest().set_index("corner")
    assert near["all"].sum() == pytest.approx(1)
    assert near.loc["looks like another class", "wrong"] == pytest.approx(20 / 22)
    assert noise.smallest_enrichment({"planted": errors, "disputed": errors}) == seen
    assert noise.smallest_enrichment({}) is None


def chapter_of(studies, mislabelled=None, watched=None):
    summary = dict(origin="computed", members="20", hardware="x", seconds="1", date="2026-01-01")
    run = SimpleNamespace(summary=lambda: summary, manifest={"config": {"noise": 0.4}})
    wrong_runs = {f"watched {k}": run for k in watched or {}}
    return page.Chapter(
        CornerExamples.book(),
        dict.fromkeys(studies, run),
        studies,
        mislabelled or {},
        watched or {},
        wrong_runs,
    )


@pytest.fixture
def chapter(planted, made):
    people = made["examples"].copy(deep=True)
    people["label"].values[planted.corners["looks_like_another_class"]] = 0
    wrong_labels = as_study(made, examples=people.assign_attrs(made["examples"].attrs))
    watch = watch_of([[0.1, 0.5, 0.7, 0.0]] * 3)
    return chapter_of(
        {planted.key: planted},
        {"planted cifar10:vgg16": wrong_labels, "human cifar10:mlp": wrong_labels},
        {watch.key: watch},
    )


def test_everything_is_recorded(chapter, monkeypatch, tmp_path):
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path))
    seen = page.record(chapter, "book")
    assert set(seen) == {f"B{i}" for i in (21, 22, 23, *range(29, 33), *range(34, 40))}
    assert all(o.setup == "reduced" for o in seen.values())
    for claim in ("B30", "B31", "B35", "B36", "B37"):
        assert seen[claim].verdict == claims.REDUCED, claim
    assert set(seen["B39"].observed) == {c.name for c in claims.get("B39").checks}
    assert seen["B39"].verdict == claims.NOT_RUN  # these networks are older than its checks


def test_disputes_are_read_beside_the_ensemble_of_the_same_images(chapter, planted):
    errors = chapter.errors
    assert set(errors) == {"planted", "human", "disputed"}
    assert errors["disputed"].view is planted
    turned = planted.examples.isel(example=slice(None, None, -1))
    moved = dataclasses.replace(planted, examples=turned)
    other = chapter_of({planted.key: moved}, chapter.mislabelled)
    assert "disputed" not in other.errors


def test_every_figure_and_table_of_the_page(chapter, planted):
    for figure in (
        figures.planes(planted),
        figures.right_by_corner(chapter),
        figures.agreement_by_corner(chapter),
        figures.along_layers(planted),
        figures.where_they_cross(chapter),
        figures.rescued(planted),
        figures.probes_by_set(planted),
        figures.overall(chapter),
        wrong.along(chapter.watch, "training"),
        wrong.along(chapter.watch, "depth"),
        wrong.errors_by_corner(chapter),
    ):
        assert len(figure.to_dict()["description"]) > 40
    assert len(page.corners_table(planted)) == 8 and len(page.variants(chapter)) > 15
    assert len(wrong.errors_table(chapter)) == 12 and len(wrong.ranking(chapter)) == 3
    assert wrong.watched_table(chapter)["rise"][0] == pytest.approx(0.6)
    assert page.rescue_table(chapter)["number"][0] == 25
    for words in (page.sizes(chapter), page.ties(chapter), page.by_noise(planted)):
        assert words.text.endswith(".")
    assert "Not drawn" in repr(wrong.along(None, "depth"))


def test_markup_in_a_label_is_shown_as_text(made):
    evil = "<script>x</script>; 'cat' & \"dog\""
    examples = made["examples"].assign_attrs(classes=[evil, "c1", "c2", "c3"])
    s = as_study(made, examples=examples)
    at = np.arange(40)
    thumbs = xr.Dataset(
        {"image": (("t", "h", "w", "c"), np.zeros((40, 8, 8, 1), np.uint8)), "example": ("t", at)}
    )
    shown = pictures.plane(s, SimpleNamespace(table=lambda _: thumbs))
    assert "<script" not in shown.markup and "&lt;script&gt;x" in shown.markup
    assert evil in shown.text
    assert "c1" in shown.markup


def test_pictures_belong_to_the_corner_they_are_nearest_to(planted, made):
    at = np.concatenate([planted.corners[c][:3] for c in KINDS])
    table = pictures.pictures_table(planted, at).set_index("at").sort_index()
    assert list(table["group"]) == [g for g in figures.NAMES.values() for _ in range(3)]
    assert list(table["choice"].str[1:].astype(int)) == list(planted.label[at])


@pytest.mark.parametrize(
    "change, words", [(dict(size=500), "there are 400 of 400"), (dict(size=0), "there are")]
)
def test_too_few_examples_are_refused_in_a_sentence(made, change, words):
    s = as_study(made)
    with pytest.raises(ParameterError, match=words):
        dataclasses.replace(s, corner=change["size"]).find(change["size"] or -1)


def test_a_single_class_is_refused_in_a_sentence(made):
    """All answers alike: every depth is 0, and there is no plane."""
    examples = made["examples"].assign(label=made["examples"]["label"] * 0)
    members = made["members"].assign(
        depth=made["members"]["depth"] * 0, final=made["members"]["final"] * 0
    )
    s = as_study(made, members=members, examples=examples.assign_attrs(classes=["only"]))
    with pytest.raises(ParameterError, match="no corners"):
        _ = s.corners


def test_a_run_without_splits_is_refused():
    run = SimpleNamespace(manifest={"tables": {"members": {}}})
    with pytest.raises(ParameterError, match="no networks on random splits"):
        corner_view("cifar10:mlp", run, 100, 20)


def test_the_ensembles_with_wrong_labels():
    config = CornerExamples.book()
    found = mislabelled(config)
    assert list(found) == ["planted fashion-mnist:mlp", "human cifar10:mlp"]
    first = found["planted fashion-mnist:mlp"]
    assert first.noise == 0.1 and first.members == 30 and first.full_members == 0
    assert found["human cifar10:mlp"].labels == "cifar10n:aggre_label"
    seen = watched(config)
    assert [e.noise for e in seen.values()] == [0.4, 0.4]
    assert [(e.members, e.full_members) for e in seen.values()] == [(0, 5), (0, 10)]
    assert page.most_like(seen) == "cifar10:vgg16"
    assert list(mislabelled(CornerExamples.smoke())) == ["planted digits:mlp"]
