"""Chapter 7's page on tables and curves whose answers are known."""

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from planted_curves import CHOICES, CONFIG, FakeRun, curve, made

from nbcore import claims
from nbcore.chapters.example_difficulty import figures, published, related, tables
from nbcore.chapters.example_difficulty import observe as page
from nbcore.chapters.example_difficulty import score_figures as scoring
from nbcore.chapters.example_difficulty.config import ExampleDifficulty
from nbcore.charts.tables import Table
from nbcore.depths.ensembles import Ensemble, chosen_examples
from nbcore.errors import DataError

# --- curves ---------------------------------------------------------------------------------


@pytest.fixture
def observed(own_cache):
    return page.record(made(), CONFIG, "smoke")


def value(observed, claim, name):
    return pytest.approx(observed[claim].observed[name].value, abs=1e-9)


def test_claims_are_differences_of_the_curves(observed):
    assert value(observed, "A22", "pretrained hard minus random peak") == 0.02
    assert value(observed, "A22", "from scratch random minus easy peak") == 0.015
    assert value(observed, "A23", "pretrained random minus hard final accuracy") == 0.05
    assert value(observed, "A23", "from scratch random minus easy final accuracy") == 0.1
    assert value(observed, "A25", "change of effective robustness") == 0.02
    assert value(observed, "A25", "change of in-distribution accuracy") == -0.05
    assert value(observed, "A17", "spearman of pretraining size with peak") == 1.0
    # the schedule stands 3 points above all examples at 60 %, a point more than the testbed's 2
    name = "pretrained largest difference beyond the interval"
    assert observed["A24"].observed[name].value == pytest.approx(0.01, abs=1e-3)
    for key in ("A17", "A22", "A23", "A25"):
        assert observed[key].verdict == claims.REDUCED
    assert observed["A24"].verdict == claims.NOT


def test_every_check_of_the_ledger_is_observed(observed):
    for claim in claims.ledger().values():
        if claim.chapter == "example-difficulty":
            assert {c.name for c in claim.checks} == set(observed[claim.id].observed)


def test_only_the_papers_network_data_and_scores_are_its_setup(own_cache):
    paper = ExampleDifficulty.paper()
    found = page.record(made(), paper, "paper")
    assert found["A22"].verdict == claims.REPRODUCED
    assert found["A17"].verdict == claims.REDUCED  # its stand-in is never the paper's
    mine = ExampleDifficulty.resolve("paper", difficulty="c-scores")
    assert page.record(made(), mine, "paper")["A22"].verdict == claims.REDUCED


def test_what_the_line_does_not_cover_is_not_judged(own_cache):
    low = curve("full-hard", (0.05, 0.1, 0.1, 0.15), (0, 0.5, 0.5, 0.5))
    above = curve("full-then-hard", (0.3, 0.6, 0.96, 0.9), (0.02, 0.03, 0.0, 0.02))
    study = made({"full-hard": low, "full-then-hard": above, "full-easy": None})
    found = page.record(study, CONFIG, "smoke")
    assert "pretrained hard minus random peak" not in found["A22"].observed
    assert "pretrained random minus easy peak" not in found["A22"].observed
    assert value(found, "A23", "pretrained random minus hard final accuracy") == 0.55
    assert set(found["A25"].observed) == {"change of in-distribution accuracy"}


def test_the_page_says_by_what_examples_are_hard():
    assert page.difficulty(ExampleDifficulty.book()) == "C-scores of 40 networks trained here"
    assert page.difficulty(ExampleDifficulty.paper()) == "the published C-scores"
    mine = ExampleDifficulty.resolve("book", difficulty="scores/mine.csv")
    assert page.difficulty(mine) == "the scores in mine.csv"
    table = tables.experiment_table(ExampleDifficulty.paper()).set_index("part")["here"]
    assert table["difficulty"] == "the published C-scores"
    assert "by depth and our C-scores" in table["controls"]


def test_sizes_are_compared_step_by_step():
    table = tables.steps_up(made())
    assert table["images"].tolist() == ["600 instead of 0", "60,000 instead of 600"]
    assert table["peak of ER"].str.startswith(("+1.0 [", "+2.0 [")).all()
    assert (table["seeds"] == 3).all()


def test_two_sizes_of_pretraining_are_no_trend(own_cache):
    found = page.record(made({"pretrain-600": None}), CONFIG, "smoke")
    assert "A17" not in found


def test_the_switch_is_the_last_checkpoint_of_the_first_phase():
    assert page.switch(made(), "full-then-hard") == 2
    assert page.switch(made(phase=(0, 1, 1, 1)), "full-then-hard") == 0
    assert page.switch(made(phase=(0, 0, 0, 0)), "full-then-hard") is None
    assert page.changes(made(phase=(0, 0, 0, 0)), "full-then-hard") == {}


def test_names_of_conditions():
    assert page.words("full-hard") == "pretrained, hard"
    assert page.words("scratch-phase-out-10000") == "random start, down to 10,000"
    assert page.words("head-depth-easy") == "last layer, easy by depth"
    assert page.words("pretrain-0") == "no pretraining"
    assert page.choice("full-then-hard") == "all, then hard"
    assert page.words("pretrain-60000") == "60,000 images"


def test_tables_say_what_is_settled():
    table = tables.differences(made()).set_index(["network", "difference"])
    assert len(table) == 6
    assert table.loc[("pretrained", "hard minus random"), "peak of ER"].startswith("+2.0 [")
    assert table["peak of ER"].str.endswith("✓").all()
    same = made({"full-hard": curve("full-hard", *CHOICES["random"], noise=0.01)})
    first = tables.differences(same)["peak of ER"].iloc[0]
    assert first.startswith("+0.0 [") and not first.endswith("✓")
    gains = tables.gains(made()).set_index(["category", "group"])["value"]
    assert gains["hard by depth", "last layer"] == pytest.approx(1.0)
    assert gains["hard, shuffled", "pretrained"] == pytest.approx(0.0)
    going = tables.going_on_table(made())
    assert going["effective robustness"].str.startswith("+2.0").all()
    assert len(tables.shuffled_control(made(), most=4)) == 4


def test_figures_state_what_they_show():
    study = made()
    titles = {
        "Pretrained: peaks of hard +5.0, random +3.0, easy +1.5 points": figures.choices(
            study, "full"
        ),
        "The most accurate in the end: random (pretrained), random (last layer), random (random "
        "start)": figures.final_against_peak(study),
        "Hard examples peak above random ones, beyond chance, for 3 of 3 networks": figures.gains(
            study
        ),
    }
    schedules = figures.schedules(study, "scratch")
    titles["Random start: with or without a schedule the ends are within 0.0 points"] = schedules
    leaving = "Schedules that leave the curve of all examples by more than the testbed's interval: "
    titles[leaving + "3 of 3"] = figures.schedule_differences(study)
    going = "Going on with hard examples changes ID accuracy by −5.0, effective robustness by +2.0 "
    titles[going + "points"] = figures.going_on(study)
    stand_in = "A stand-in: the rank correlation of pretraining size and peak is "
    titles[stand_in + "+1.00 [+1.00, +1.00]"] = figures.pretraining(study)
    for title, figure in titles.items():
        assert " ".join(figure.title.text) == title


def test_bands_differ_from_point_to_point():
    wide = curve("full-then-hard", (0.3, 0.6, 0.8, 0.75), (0.02, 0.03, 0.0, 0.02))
    wide.id[1:, 3] += np.linspace(-0.1, 0.1, len(wide.id) - 1)
    spec = figures.going_on(made({"full-then-hard": wide})).to_dict()
    data = [layer["data"]["name"] for layer in spec["concat"][0]["layer"] if "data" in layer]
    first = next(name for name in data if name != "empty")
    rows = pd.read_csv(io.StringIO(spec["datasets"][first]))
    room = (rows["high"] - rows["low"])[rows["series"] == "pretrained, all, then hard"]
    assert room.iloc[-1] > 10 * room.iloc[0]


def test_going_on_shows_accuracies_beyond_the_line_and_names_what_has_no_robustness():
    above = curve("full-then-random", (0.3, 0.6, 0.96, 0.97), (0.02, 0.03, 0.0, 0.02))
    spec = figures.going_on(made({"full-then-random": above})).to_dict()
    panels = {}
    for panel in spec["concat"]:
        names = [layer["data"]["name"] for layer in panel["layer"] if "data" in layer]
        first = next(name for name in names if name != "empty")
        rows = pd.read_csv(io.StringIO(spec["datasets"][first]))
        panels[" ".join(panel["title"])] = rows["series"].value_counts()
    word = "pretrained, all, then random"
    assert panels["ID accuracy"][word] == panels["accuracy on shifted images"][word] == 4
    assert panels["effective robustness"][word] == 2
    assert f"{word}, 2 of 4 points" in " ".join(spec["title"]["subtitle"])


def test_without_what_it_needs_a_figure_is_a_sentence():
    nothing = made({name: None for name in made().curves})
    for figure in (
        figures.choices(nothing, "full"),
        figures.final_against_peak(nothing),
        figures.gains(nothing),
        figures.schedules(nothing, "full"),
        figures.schedule_differences(nothing),
        figures.going_on(nothing),
        figures.pretraining(nothing),
    ):
        assert isinstance(figure, Table) and figure.text.startswith("Not drawn: ")


# --- C-scores -------------------------------------------------------------------------------


def votes(members=8, examples=200, classes=2, seed=0):
    """Networks on halves of examples that are right at each example's own rate."""
    rng = np.random.default_rng(seed)
    label = np.arange(examples) % classes
    rate = rng.random(examples)
    halves = np.stack([rng.permutation(examples) < examples // 2 for _ in range(members // 2)])
    held = np.stack([halves, ~halves], axis=1).reshape(members, examples)
    return rng.random((members, examples)) < rate, held, label


def scores(**changes):
    right, held, label = votes(**changes)
    found = xr.Dataset(
        {
            k: (("member", "byte"), np.packbits(bits, axis=1))
            for k, bits in (("held_out", held), ("correct", right))
        },
        attrs={"examples": len(label)},
    )
    kinds = sorted({f"c{k}" for k in label.tolist()})
    examples = xr.Dataset({"label": ("example", label)}, attrs={"classes": kinds})
    pictures = np.zeros((60, 8, 8, 1), np.uint8)
    thumbs = xr.Dataset(
        {"image": (("thumb", "y", "x", "c"), pictures), "example": ("thumb", np.arange(60))}
    )
    return scoring.gather(FakeRun(members=found, examples=examples, thumbnails=thumbs))


@pytest.fixture
def without_data(tmp_path, monkeypatch, own_cache):
    """A machine that has neither data nor stored runs, nor a network."""
    monkeypatch.setenv("NBCORE_DATA", str(tmp_path))
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path))
    monkeypatch.setenv("NBCORE_OFFLINE", "1")


WHOLE = ExampleDifficulty.resolve("smoke", subset=20, id="cifar10", ood=["cinic10-imagenet"])


def test_votes_are_read_as_they_were_packed():
    right, held, _ = votes()
    s = scores()
    np.testing.assert_array_equal(s.correct, right)
    np.testing.assert_array_equal(s.held_out, held)
    assert s.votes == 4 and (s.found.count == 4).all()
    assert s.accuracy == right[held].mean()


def test_halves_keep_pairs_together_and_every_vote():
    s = scores()
    one, other = s.halves()
    assert (one.count + other.count == s.found.count).all()
    assert (one.count == 2).all() and (other.count == 2).all()


def test_reliability_covers_the_half_of_the_members():
    s = scores(members=16)
    assert s.reliability["size"].tolist() == [1, 2, 3, 5, 7, 8]
    half = s.reliability["mean"].iloc[-1]
    assert s.expected(16) == pytest.approx(2 * half / (1 + half))
    assert f"{half:.2f}" in " ".join(scoring.reliability(s).title.text)


def test_distribution_counts_every_image():
    s = scores()
    none = (s.found.score == 0).mean()
    assert f"{none:.1%} by none" in " ".join(scoring.distribution(s).title.text)


def test_ties_at_the_border_are_left_to_the_draw():
    s = scores()
    s.correct[:] = True  # nobody is ever wrong: every score is 1
    table = scoring.repeated_choices(s, WHOLE).set_index("choice")
    assert (table["left to the draw"] == 1).all()
    assert (table["in common"] < 0.5).all()  # two draws, so about the 10 % of chance
    assert (table["by chance"] == 0.1).all()
    s.correct[:, :20] = False  # these are the hardest, in either half
    s.__dict__.pop("found")
    hard = scoring.repeated_choices(s, WHOLE).set_index("choice").loc["hard"]
    assert hard["in common"] == 1 and hard["left to the draw"] == 0


def test_galleries_go_from_the_hardest_to_the_easiest():
    s = scores()
    by_class = scoring.pictures(s, np.full(len(s.label), -1), each=3)
    own = np.sort(s.found.score[:60][s.label[:60] == 0])
    shown = [f"{x:.2f}" for x in [*own[:3], *own[-3:]]]
    assert f"c0: hardest, then easiest: {', '.join(shown)}" in by_class.text
    assert f"c0: {s.found.score[:60].max():.2f}" in scoring.hardest(s, each=4).text or (
        f"c1: {s.found.score[:60].max():.2f}" in scoring.hardest(s, each=4).text
    )


def test_a_gallery_says_where_people_see_another_class():
    s = scores()
    agree = scoring.pictures(s, each=3)
    assert "?" not in agree.text and "disputed" not in agree.text
    doubt = scoring.pictures(s, 1 - s.label, each=3)
    assert "12 labels are disputed" in doubt.text and "0.00 c1?" in doubt.text


# --- other measures -------------------------------------------------------------------------


def test_agreement_is_positive_where_the_same_images_are_hard():
    s = scores(examples=1000)
    same = related.Measure("same", 1 - s.found.score, "")
    rho, low, high, n = same.agreement(s)
    assert rho == pytest.approx(1) and n == 1000 and low <= rho
    rng = np.random.default_rng(1)
    noise = related.Measure("noise", np.where(rng.random(1000) < 0.5, np.nan, rng.random(1000)), "")
    rho, low, high, n = noise.agreement(s)
    assert low < 0 < high and n < 600
    figure = related.by_score(s, [noise, same])
    assert "Closest to the C-score: same" in " ".join(figure.title.text)
    assert related.table(s, [same, noise])["correlation [95 %]"][0].startswith("+1.00")
    assert isinstance(related.by_score(s, []), Table)


def test_nothing_is_computed_or_fetched_for_the_comparison(without_data, own_cache):
    s = scores()
    assert related.measures(s, WHOLE) == []
    assert related.disputed(s, WHOLE) is None
    assert isinstance(published.against_ours(s, WHOLE), Table)
    assert published.same_choice(s, WHOLE).empty
    assert not own_cache.exists()


def test_published_scores_and_people_are_read_from_what_is_stored(without_data, monkeypatch):
    s = scores()
    order = np.argsort(np.argsort(s.found.score, kind="stable"))
    hard, easy = order < 20, order >= 180  # the classes are not looked at here
    said = {
        "published": {
            "level": ("example", (order * related.LEVELS // 200).astype(np.uint8)),
            "hard": ("byte", np.packbits(hard)),
            "easy": ("byte", np.packbits(easy)),
        },
        "people": {
            "disagree": ("example", np.full(200, 2, np.uint8)),
            "majority": ("example", np.where(hard, 1 - s.label, -1).astype(np.int8)),
        },
    }

    def others(what, dataset, subset):
        table = xr.Dataset(said[what], attrs={"people": 3})
        return table.assign(label=("example", s.label))

    monkeypatch.setattr(related, "others", others)
    theirs, people = related.measures(s, WHOLE)
    assert theirs.agreement(s)[0] > 0.95
    assert (people.values == 2 / 3).all()
    assert (related.disputed(s, WHOLE) >= 0).sum() == 20
    figure = published.against_ours(s, WHOLE)
    rho = theirs.agreement(s)[0]
    assert f"a correlation of {rho:.2f} [" in " ".join(figure.title.text)
    both = published.same_choice(s, WHOLE).set_index("choice")["chosen by both"]
    assert both["hard"].endswith(" of 20")
    by_theirs = ExampleDifficulty.resolve(
        "smoke", subset=20, id="cifar10", ood=["cinic10-imagenet"], difficulty="published"
    )
    found = related.contents(s, by_theirs).set_index("examples")
    assert found["label disputed"]["hard"] == 1 and found["label disputed"]["all"] == 0.1
    assert found["mean C-score"]["hard"] == pytest.approx(s.found.score[hard].mean())
    other = scores(seed=1)
    other.label[0] = 1 - other.label[0]
    with pytest.raises(DataError, match="other labels than those of the C-scores"):
        related.disputed(other, WHOLE)


def test_an_ensemble_of_other_images_is_refused(tmp_path):
    s, ensemble = scores(), Ensemble(examples=100)
    own = s.label[chosen_examples(s.label, 100)]
    run = FakeRun(examples=xr.Dataset({"original_label": ("example", own)}))
    at = related._places(s, run, ensemble)
    assert len(set(at)) == 100 and (s.label[at] == own).all()
    other = FakeRun(examples=xr.Dataset({"original_label": ("example", 1 - own)}))
    other.path = tmp_path / "abc"
    with pytest.raises(DataError, match="ensemble abc holds other images"):
        related._places(s, other, ensemble)


def test_contents_of_the_choices(without_data, monkeypatch):
    s = scores()
    table = related.contents(s, WHOLE).set_index("examples")
    assert list(table.index) == ["hard", "random", "easy", "all"]
    assert table["mean C-score"]["hard"] < table["mean C-score"]["all"]
    assert table["mean C-score"]["all"] < table["mean C-score"]["easy"]
    assert "label disputed" not in table
    other = np.where(s.found.score == 0, 1 - s.label, -1)  # people disagree on what no network gets
    monkeypatch.setattr(related, "disputed", lambda s, c: other)
    table = related.contents(s, WHOLE).set_index("examples")
    assert (table["label disputed"] == table["right for none"]).all()
