"""Chapter 9: the 0-hinge loss, descent in blocks and pieces, scans of rates, planted networks."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import multi_margin_loss

from nbcore import claims, files
from nbcore.chapters.margins_and_depth import (
    config,
    descent,
    exercises,
    figures,
    observe,
    opening,
    runs,
    study,
)
from nbcore.chapters.margins_and_depth.config import MarginsAndDepth, member
from nbcore.errors import ParameterError, StoreError
from nbcore.runs import resolve, store
from nbcore.runs.plan import stored_plan

TINY = dict(
    train_images=60,
    test_images=40,
    width=2,
    seeds=1,
    full_batch_seeds=1,
    ce_sgd_steps=12,
    hinge_sgd_steps=12,
    ce_gd_steps=8,
    hinge_gd_steps=8,
    checkpoints=3,
    scan_steps=8,
)


def tiny(**more):
    return MarginsAndDepth.resolve("smoke", **(TINY | more))


@pytest.fixture(scope="module")
def sets():
    return runs.load_images(tiny())


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    for name in ("CACHE", "OBSERVATIONS", "RESULTS"):
        monkeypatch.setenv(f"NBCORE_{name}", str(tmp_path / name))


def descend(sets, how, seed=0, **more):
    net = runs.network(tiny(), sets, seed)
    found = descent.descend(
        net, sets.train, sets.test, how, device="cpu", precision="float32", **more
    )
    return net, found


def same(one, other):
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)


# --- the loss ------------------------------------------------------------------------------------


def test_the_loss_by_hand():
    z, y = torch.tensor([[1.0, 3.0, 0.5], [2.0, 1.5, 0.0]]), torch.tensor([0, 0])
    assert float(descent.zero_hinge(z, y)) == pytest.approx(1.0)
    assert float(descent.zero_hinge(z, torch.tensor([2, 2]))) == pytest.approx((3 + 3.5) / 2)


@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_the_loss_is_torchs_without_a_margin_and_scales_with_the_logits(seed, scale):
    draw = torch.Generator().manual_seed(seed)
    z = torch.randn(7, 5, generator=draw)
    y = torch.randint(5, (7,), generator=draw)
    ours = float(descent.zero_hinge(z, y))
    assert ours == pytest.approx(5 * float(multi_margin_loss(z, y, margin=0.0)), rel=1e-5)
    assert float(descent.zero_hinge(scale * z, y)) == pytest.approx(scale * ours, rel=1e-4)
    assert (ours == 0) == bool((z.argmax(1) == y).all())


def test_no_gradient_is_left_where_every_label_leads():
    z = torch.tensor([[0.1, 0.0999, 0.0]], requires_grad=True)
    descent.zero_hinge(z, torch.tensor([0])).backward()
    assert z.grad is not None and not z.grad.any()


# --- descent -------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [descent.CE, descent.HINGE])
def test_steps_on_all_images_are_torchs_own(sets, loss):
    how = descent.Descent(loss, steps=3, lr=0.01, checkpoints=2, window=1)
    ours, found = descend(sets, how)
    other = runs.network(tiny(), sets, 0)
    images = torch.as_tensor(sets.train[0]).permute(0, 3, 1, 2)
    labels = torch.as_tensor(sets.train[1]).long()
    optimiser, losses = torch.optim.SGD(other.parameters(), lr=0.01, momentum=0.9), []
    for _ in range(3):
        optimiser.zero_grad()
        value = descent.LOSSES[loss](other(images), labels)
        value.backward()
        optimiser.step()
        losses.append(value.item())
    assert same(ours, other)
    assert found["window_loss"].values == pytest.approx(losses, rel=1e-3)


def test_blocks_change_nothing_and_a_small_memory_makes_them_smaller(sets, monkeypatch):
    how = descent.Descent(descent.CE, steps=3, lr=0.01, checkpoints=2)
    whole, _ = descend(sets, how)
    assert same(whole, descend(sets, how, block=17)[0])
    seen, plain = [], descent._Stepper._gradient

    def full(self, x, y):
        seen.append(self.block)
        if self.block > 15:
            raise torch.OutOfMemoryError("full")
        return plain(self, x, y)

    monkeypatch.setattr(descent._Stepper, "_gradient", full)
    assert same(whole, descend(sets, how)[0])
    assert seen == [60, 30, 15, 15, 15]


def test_batches_of_an_epoch_have_every_image_once(sets):
    x = torch.arange(60.0)
    picked = [descent._chosen(x, x, 25, 3, step)[0] for step in range(3)]
    assert [len(p) for p in picked] == [25, 25, 10]
    assert torch.cat(picked).sort().values.tolist() == x.tolist()


@pytest.mark.parametrize("batch", [0, 25])
def test_an_interrupted_descent_goes_on_as_if_nothing_had_been(sets, tmp_path, monkeypatch, batch):
    how = descent.Descent(descent.CE, 10, 0.01, batch=batch, checkpoints=4, window=4)
    whole, found = descend(sets, how)
    file, plain, left = tmp_path / "kept.pt", descent._Stepper.__call__, [6]

    def stops(self, x, y):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return plain(self, x, y)

    with monkeypatch.context() as patch:
        patch.setattr(descent._Stepper, "__call__", stops)
        with pytest.raises(KeyboardInterrupt):
            descend(sets, how, checkpoint_file=file, save_every=0)
    again, rest = descend(sets, how, seed=0, checkpoint_file=file, save_every=1e9)
    assert same(whole, again) and file.is_file()
    xr.testing.assert_allclose(found, rest, rtol=1e-4)
    with pytest.raises(StoreError, match="belongs to another run"):
        descend(sets, dataclasses.replace(how, lr=0.02), checkpoint_file=file)
    file.write_bytes(file.read_bytes()[:-5])
    files.note.cache_clear()
    anew, _ = descend(sets, how, checkpoint_file=file)
    assert same(whole, anew) and list(tmp_path.glob("*damaged*"))


def test_training_ends_where_no_gradient_is_left_or_the_loss_is_not_finite(sets):
    assert descent.ended([0.3, 0.0]) and descent.ended([float("nan")])
    assert not descent.ended([]) and not descent.ended([0.0, 0.1])
    how = descent.Descent(descent.CE, 40, lr=1e30, checkpoints=3, window=2)
    _, found = descend(sets, how)
    assert bool(found["diverged"]) and int(found["step"][-1]) < 40
    assert np.isnan(found["test_margin"].values[-1])


def test_precision_and_loss_are_checked(sets):
    assert descent.training_precision("auto", descent.HINGE) == "float32"
    assert descent.training_precision("auto", descent.CE) == "auto"
    assert descent.training_precision("bfloat16", descent.HINGE) == "bfloat16"
    with pytest.raises(ParameterError, match="loss must be cross-entropy or 0-hinge"):
        descend(sets, descent.Descent("hinge", 2, 0.1))


# --- scans ---------------------------------------------------------------------------------------


def test_what_falls_by_hand():
    assert runs.falls([3, 2, 1], 3) and runs.falls([1, 0], 3) and runs.falls([1, 0, 0], 3)
    assert not runs.falls([3, 2, 2], 3) and not runs.falls([3, 2], 3) and not runs.falls([], 3)
    assert not runs.falls([3, 2, float("nan")], 3)


def test_the_scan_takes_the_first_rate_that_falls_and_keeps_what_it_tried(monkeypatch):
    losses, asked = {0.4: [1, 2], 0.2: [1, 1], 0.1: [2, 1], 0.05: [2, 1]}, []

    def planted(net, train, test, how, **_):
        asked.append(how.lr)
        return xr.Dataset({"window_loss": ("window", losses[how.lr])})

    monkeypatch.setattr(descent, "descend", planted)
    own = tiny(ce_gd_rates=(0.4, 0.2, 0.1, 0.05))
    for _ in range(2):  # the second time it is read
        scan = runs.scanned(own, config.CE_GD)
    assert asked == [0.4, 0.2, 0.1] == scan["tried"].values.tolist()
    assert runs.chosen(scan, config.CE_GD) == 0.1
    losses[0.1] = losses[0.05] = [1, 3]
    other = tiny(ce_gd_rates=(0.4, 0.2, 0.1, 0.05), width=3)
    with pytest.raises(ParameterError, match="No rate of ce-gd makes the loss fall.*0.05"):
        runs.chosen(runs.scanned(other, config.CE_GD), config.CE_GD)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (dict(train=["hinge-gd"]), "no setting 'hinge-gd' to train"),
        (dict(k=61), "k is 61, but a network trains on 60 images"),
        (dict(ce_gd_rates=[0.1, 0.2]), "ce_gd_rates must list rates above 0 from the largest"),
        (dict(scan_steps=7), "scan_steps must hold two windows of 4 updates or more, not 7"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(more, says):
    with pytest.raises(ParameterError, match=says):
        study.load(tiny(**more))


def test_a_split_without_a_class_is_refused(monkeypatch):
    monkeypatch.setattr(runs, "balanced_subset", lambda labels, n: np.flatnonzero(labels != 3)[:n])
    with pytest.raises(ParameterError, match="training images of digits have none of 3; give more"):
        runs._images.__wrapped__("digits", 50, 20, 8)


def test_names_of_members():
    assert member("0-hinge-gd-seed12") == ("0-hinge-gd", 12)
    for wrong in ("0-hinge-gd", "mse-seed1", "ce-sgd-seedx"):
        with pytest.raises(ParameterError, match="named SETTING-seedN"):
            member(wrong)


# --- the run -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBCORE_CACHE", str(tmp_path_factory.mktemp("whole")))
        run = study.load(tiny()).run
        return run.table("networks").load()


def test_members_that_come_in_pieces_make_the_run_of_all(whole):
    first = study.load(tiny(train=["untrained", "0-hinge-sgd"]))
    assert first.settings == ["0-hinge-sgd", "untrained"]
    assert first.waiting().startswith("0 of 1 networks with cross-entropy, SGD, 0 of 1")
    store.publish(first.run)
    run = study.load(tiny(train=["ce-sgd", "ce-gd", "0-hinge-gd"])).run
    assert set(run.member_names) == set(tiny().names())
    xr.testing.assert_allclose(run.table("networks").load(), whole, rtol=1e-3)
    # the whole run is what is shown, also where only a part of it is asked for
    assert study.load(tiny(train=["untrained"])).waiting() == ""


def test_a_member_holds_what_its_network_says(whole, sets):
    own = whole.sel(member="untrained-seed0")
    net = runs.network(tiny(), sets, 0)
    accuracy, margin, median = descent.measured(net, sets.test)
    assert float(own["accuracy_test"]) == pytest.approx(accuracy)
    assert float(own["final_margin"]) == pytest.approx(margin, rel=1e-3)
    assert float(own["margin"].sel(set="test", quantile=0.5)) == pytest.approx(median, rel=1e-3)
    flat = sets.train[0].reshape(60, -1).astype(float)
    near = ((flat[:, None] - flat[None]) ** 2).sum(2).argsort(1, kind="stable")[:, :5]
    said = [np.bincount(row, minlength=10).argmax() for row in sets.train[1][near]]
    right = float((said == sets.train[1]).mean())
    assert float(own["probe_accuracy_train"][0]) == pytest.approx(right, abs=0.05)
    assert own["probe"].values[[0, -1]].tolist() == ["input", "softmax"]


def test_the_plan_of_a_stored_run_is_found_again(whole):
    run = study.load(tiny(train=["untrained"])).run
    plan = stored_plan(run.manifest)
    assert plan is not None and plan.members == run.member_names
    assert plan.config.address() == tiny().address()


def test_a_network_that_diverged_is_shown_and_decides_nothing():
    found = study.load(tiny(train=["ce-sgd", "untrained"], ce_sgd_lr=1e30))
    assert np.isnan(found.of("accuracy_train", "ce-sgd")).all()
    assert "a network with cross-entropy, SGD diverged" in found.unfitted()
    assert found.doubt.endswith("a network diverged")
    assert observe.record(found, "smoke")["B24"].verdict == claims.UNDECIDED
    for name in ("votes", "margins", "accuracies"):
        assert getattr(figures, name)(found) is not None


# --- planted networks: what the checks say of them ------------------------------------------------

PAPERS = {"ce-sgd": (0.876, 16.0, 3), "ce-gd": (0.867, 11.0, 4), "0-hinge-sgd": (0.839, 0.06, 5)}
PAPERS |= {"0-hinge-gd": (0.695, 2e-4, 12), "untrained": (0.1, 1e-2, 0)}


def planted(values=None, seeds=3, fitted=1.0, full=3):
    """Make a study of networks of which accuracy, margin and half-gain layer are given."""
    probes, rows, rng = 15, [], np.random.default_rng(0)
    for setting, (accuracy, margin, layer) in (values or PAPERS).items():
        for k in range(full if setting.endswith("gd") and "sgd" not in setting else seeds):
            votes = (
                np.where(np.arange(probes) >= layer, 0.9, 0.4) if layer else np.full(probes, 0.4)
            )
            noise = 1 + 0.001 * rng.standard_normal()
            steps = np.array([0.0, 10, 100])
            rows.append(
                xr.Dataset(
                    {
                        "accuracy_test": accuracy * noise,
                        "accuracy_train": fitted,
                        "final_margin": margin * noise,
                        "probe_accuracy_train": ("probe", votes),
                        "probe_accuracy_test": ("probe", votes),
                        "probe_accuracy_shuffled": ("probe", np.full(probes, 0.3)),
                        "step": ("checkpoint", steps),
                        "train_accuracy": ("checkpoint", steps / 100),
                        "test_median_margin": ("checkpoint", margin * (1 + steps)),
                        "mean_depth_train": float(layer),
                        "lr": 0.1,
                        "margin": (("set", "quantile"), np.full((2, 5), margin)),
                        "tried": ("rate", [0.2, 0.1]),
                        "scan_loss": (("rate", "scan_window"), [[1.0, 2.0], [1.0, 0.5]]),
                    },
                    {"set": ["train", "test"], "quantile": list(runs.QUANTILES)},
                ).expand_dims(member=[f"{setting}-seed{k}"])
            )
    found = study.Study(MarginsAndDepth(full_batch_seeds=full), None)
    found.__dict__["table"] = xr.concat(rows, "member")
    found.run = {"oldest": "2999-01-01T00:00:00+00:00"}
    return found


def verdicts(found):
    return {key: seen.verdict for key, seen in observe.record(found, "book").items()}


def test_networks_as_the_papers_are_reproduced_in_a_reduced_setup():
    found = planted()
    seen = observe.record(found, "book")
    assert set(seen) == {"B24", "B25", "B26", "B27", "B28"}
    for key, observation in seen.items():
        assert set(observation.observed) == {c.name for c in claims.get(key).checks}
        assert observation.verdict == claims.REDUCED, key
    orders = seen["B26"].observed["orders of magnitude from ce-sgd to 0-hinge-gd margin"]
    assert orders.value == pytest.approx(4.9, abs=0.05) and orders.n == 3
    ratio = seen["B27"].observed["ratio of next smallest to 0-hinge-gd margin"]
    assert ratio.value == pytest.approx(300, rel=0.05)
    layer = seen["B28"].observed["0-hinge-gd minus latest other half-gain layer"]
    assert (layer.value, layer.low, layer.high) == (7, 7, 7)


def test_the_same_networks_under_each_others_names_are_not():
    names = list(PAPERS)[:4]
    swapped = dict(zip(names, [PAPERS[n] for n in reversed(names)], strict=True))
    found = verdicts(planted(swapped | {"untrained": (0.1, 1e-9, 0)}))
    assert set(found.values()) == {claims.NOT}, found


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (dict(full=2), "rests on 2 members"),
        (dict(fitted=0.98), "training accuracy down to 98.0%"),
        (dict(full=0), "6 of 10 networks trained"),
    ],
)
def test_what_is_not_there_or_not_fitted_decides_nothing(more, says):
    found = planted(**more)
    if more.get("full") == 0:
        found.config = MarginsAndDepth()
    seen = observe.record(found, "book")
    assert {o.verdict for o in seen.values()} == {claims.UNDECIDED}
    notes = [r.note for k, o in seen.items() for r in claims.judge(claims.get(k), [o]).rows]
    assert any(says in note for note in notes), notes


def test_two_networks_have_no_interval_and_sgd_alone_is_related_evidence():
    found = planted(full=2)
    seen = observe.record(found, "book")["B24"].observed["ce-sgd minus ce-gd accuracy"]
    assert seen.low == seen.value == seen.high
    told = [json.loads(p.read_text()) for p in claims.observations_dir().glob("*related*")]
    assert {t["id"] for t in told} == {"B24", "B26", "B28"} and all(t["related"] for t in told)


def test_half_of_the_gain_by_hand():
    assert study.half_gain_layer(np.array([0.3, 0.32, 0.45, 0.71, 0.95, 1.0])) == 3
    assert study.half_gain_layer(np.array([0.0, 0.5, 1.0])) == 1
    assert np.isnan(study.half_gain_layer(np.array([0.5, 0.9, 0.5])))
    assert np.isnan(study.half_gain_layer(np.full(3, np.nan)))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=15))
def test_the_half_gain_layer_is_the_first_of_its_kind(votes):
    v = np.array(votes)
    if v[-1] > v[0]:
        slow = next(i for i, x in enumerate(v) if x - v[0] >= (v[-1] - v[0]) / 2)
        assert study.half_gain_layer(v) == slow
    else:
        assert np.isnan(study.half_gain_layer(v))


# --- the page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [0, 1, 3])
def test_every_figure_has_a_title_and_words(full):
    found = planted(full=full)
    drawn = [figures.votes(found), figures.votes(found, "test"), figures.margins(found)]
    drawn.append(figures.accuracies(found))
    if full:
        drawn.append(figures.scans(found))
    else:
        assert "which waits" in figures.scans(found).text
    for figure in drawn:
        told = figure.to_dict()
        assert told["title"]["text"] and len(told["description"]) > 60
    assert "right" in figures.table(found).text


def test_titles_follow_the_numbers():
    late = figures.votes(planted()).to_dict()["title"]["text"]
    assert "12.0 with 0-hinge, GD" in "".join(late)
    flat = planted({k: (a, m, 4 if layer else 0) for k, (a, m, layer) in PAPERS.items()})
    assert "However trained" in "".join(figures.votes(flat).to_dict()["title"]["text"])
    none = planted({k: (a, m, 0) for k, (a, m, _) in PAPERS.items()})
    assert "No way of training" in "".join(figures.votes(none).to_dict()["title"]["text"])
    right = figures.accuracies(planted(fitted=0.97)).to_dict()["title"]["text"]
    assert "at least 97.0%" in "".join(right)


def test_a_network_that_ended_early_keeps_what_it_had():
    found = planted(dict(list(PAPERS.items())[:1]), seeds=2)
    table = found.table.copy(deep=True)
    table["step"][1] = [0, 10, np.nan]
    table["test_median_margin"][1] = [1, 7, np.nan]
    found.__dict__["table"] = table
    grid, values = figures.along(found, "ce-sgd", "test_median_margin")
    assert grid.tolist() == [10, 100] and values[1].tolist() == [7, 7]


def test_the_opening_asks_for_checks_that_exist():
    for finding in opening.FINDINGS:
        assert finding.rule()


@pytest.mark.parametrize("name", exercises.EXERCISES)
def test_exercises_are_solved(name):
    answers = {"margins-loss": 1.0, "margins-scale": 0.01, "margins-layer": 4}
    exercise = exercises.EXERCISES[name]
    assert exercise.truth() == pytest.approx(answers[name], abs=exercise.tolerance(0))


def test_every_preset_resolves():
    for preset in ("smoke", "book", "paper"):
        resolve("margins-and-depth", preset).check()
