"""Who is ahead when, and what each phase changes, on curves whose answers are known."""

import numpy as np
import pytest
import xarray as xr
from planted_curves import FakeRun, curve, made

from nbcore.chapters.example_difficulty import progress
from nbcore.charts.tables import Table

HEIGHT = (0.0, 0.02, 0.02, 0.0)
RISING = (0.1, 0.3, 0.6, 0.8)
#: a schedule that loses accuracy in its last two phases, and stands higher for it
FALLING = (0.1, 0.3, 0.5, 0.4)


def with_phases(changes=None, phase=(0, 0, 1, 2)):
    """A study with training on everything and a schedule, in phases."""
    curves = {
        "full-all": curve("full-all", RISING, HEIGHT),
        "full-phase-out-25": curve("full-phase-out-25", FALLING, (0.0, 0.02, 0.03, 0.06)),
    }
    study = made(curves | (changes or {}))
    names = ["full-all-seed0", "full-phase-out-25-seed0"]
    table = xr.Dataset(
        {"phase": (("member", "checkpoint"), [list(map(float, phase))] * 2)}, {"member": names}
    )
    study.run = FakeRun(curves=table)
    return study


def test_random_is_ahead_from_the_last_change_of_the_lead_on():
    easy = curve("full-easy", (0.1, 0.4, 0.45, 0.6), HEIGHT)  # random: .1 .3 .5 .7
    found = progress.race(made({"full-easy": easy}), "full")
    assert found.ahead[0] == pytest.approx([0, -0.1, 0.05, 0.1])
    assert found.turn == 2
    back = curve("full-easy", (0.0, 0.4, 0.45, 0.75), HEIGHT)
    assert progress.race(made({"full-easy": back}), "full").turn is None
    always = curve("full-easy", (0.0, 0.1, 0.2, 0.3), HEIGHT)
    assert progress.race(made({"full-easy": always}), "full").turn == 0


def test_no_race_without_both_or_at_other_steps():
    assert progress.race(made({"full-easy": None}), "full") is None
    other = curve("full-easy", (0.1, 0.2, 0.3), (0, 0, 0))
    assert progress.race(made({"full-easy": other}), "full") is None


def test_the_table_says_from_which_step_on():
    ahead = curve("scratch-easy", (0.0, 0.4, 0.45, 0.6), HEIGHT)
    behind = curve("full-easy", (0.2, 0.4, 0.6, 0.8), HEIGHT)
    study = made({"scratch-easy": ahead, "full-easy": behind})
    table = progress.turning(study).set_index("network")
    assert table["random ahead from"]["random start"] == "step 20"
    assert table["random ahead from"]["pretrained"] == "never"
    assert table["ahead in the end"]["pretrained"].startswith("-10.0 [")
    # 30 steps of 32 images are 9.6 passes over 100
    assert (table["steps"] == "30").all() and (table["passes"] == "10").all()
    title = " ".join(progress.learning(study).title.text)
    said = "−10.0 (pretrained), +10.0 (last layer), +10.0 (random start)"
    assert title == f"Random minus easy examples in the end, in points: {said}"


def test_accuracies_drawn_stay_accuracies():
    wide = curve("scratch-easy", (0.1, 0.3, 0.5, 0.6), HEIGHT, noise=2.0)
    text = str(progress.learning(made({"scratch-easy": wide})).to_dict()["datasets"])
    numbers = [float(x) for row in text.split("\\n") for x in row.split(",")[1:] if _is_number(x)]
    assert numbers and min(numbers) >= 0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_phases_meet_phases_and_nothing_is_interpolated():
    found = progress.by_phase(with_phases(), "full")["full-phase-out-25"]
    assert found.phase.tolist() == [1, 2, 3]
    assert found.id[0] == pytest.approx([0.0, -0.1, -0.4])
    assert found.er[0] == pytest.approx([0.0, 0.01, 0.06])
    # every value is one of a checkpoint, in every draw
    study = with_phases()
    one, base = study.curves["full-phase-out-25"], study.curves["full-all"]
    again = progress.by_phase(study, "full")["full-phase-out-25"]
    np.testing.assert_array_equal(again.id, (one.id - base.id)[:, [1, 2, 3]])
    title = " ".join(progress.phases(study, "full").title.text)
    assert title == (
        "Pretrained: schedules end −40.0 to −40.0 points from all examples in ID accuracy, "
        "+6.0 to +6.0 in effective robustness"
    )


def test_what_the_line_does_not_cover_has_no_robustness():
    low = curve("full-phase-out-25", (0.1, 0.3, 0.5, 0.15), HEIGHT)
    study = with_phases({"full-phase-out-25": low})
    found = progress.by_phase(study, "full")["full-phase-out-25"]
    assert np.isnan(found.er[0, -1]) and not np.isnan(found.id[0, -1])
    title = " ".join(progress.phases(study, "full").title.text)
    assert title.endswith("in ID accuracy")


def test_without_schedules_a_sentence():
    assert progress.by_phase(with_phases({"full-all": None}), "full") == {}
    shorter = curve("full-phase-out-25", (0.1, 0.3, 0.5), (0, 0, 0))
    assert progress.by_phase(with_phases({"full-phase-out-25": shorter}), "full") == {}
    assert isinstance(progress.phases(with_phases(), "scratch"), Table)
    assert isinstance(progress.learning(made({n: None for n in made().curves})), Table)
