"""What a correction taught networks, beside as many changes at random: by hand, and for real."""

import hashlib
import json
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from nbcore import cli
from nbcore.difficulty.review.again import (
    AFTER,
    BEFORE,
    RANDOM,
    Again,
    at_random,
    compare,
    effective,
    paired,
)
from nbcore.difficulty.review.corrections import correct
from nbcore.difficulty.review.decisions import KEEP, RELABEL, REMOVE, RENAME, Row
from nbcore.errors import ParameterError

IDS = [f"{i:064x}" for i in range(1 << 240, 11 << 240, 1 << 240)]
BEES = ["ant"] * 5 + ["bee"] * 5


def table(shares, ids=IDS, labels=BEES):
    return pd.DataFrame({"id": ids, "label": labels, "consistency": shares})


def test_decisions_that_changed_a_judged_image():
    before = table(np.ones(10), labels=["insect"] * 5 + ["bee"] * 5)  # ant was renamed
    rows = [
        Row(RENAME, "ant", "insect"),
        Row(KEEP, "bee", "", IDS[5]),
        Row(RELABEL, "ant", "bee", IDS[0][:10]),
        Row(RELABEL, "bee", "ant", IDS[6]),
        Row(REMOVE, "bee", "", IDS[7]),
        Row(REMOVE, "bee", "", "f" * 64),  # in a split that was not judged
    ]
    assert effective(rows, before) == [
        Row(RELABEL, "insect", "bee", IDS[0]),
        Row(RELABEL, "bee", "insect", IDS[6]),
        Row(REMOVE, "bee", "", IDS[7]),
    ]
    with pytest.raises(ParameterError, match="nothing to compare"):
        effective(rows[:2], before)


def test_random_changes_are_as_many_between_the_same_classes():
    changes = [Row(RELABEL, "ant", "bee", IDS[0]), Row(RELABEL, "ant", "cow", IDS[1])]
    changes += [Row(REMOVE, "bee", "", IDS[9])]
    twice = table(np.ones(11), [*IDS, IDS[4]], [*BEES, "bee"])
    drawn = [at_random(changes, twice, np.random.default_rng(seed)) for seed in range(40)]
    for rows in drawn:
        assert [(r.decision, r.old, r.new) for r in rows] == [
            (r.decision, r.old, r.new) for r in changes
        ]
        assert len({r.id for r in rows}) == 3 and IDS[4] not in {r.id for r in rows}
        assert {r.id for r in rows[:2]} <= set(IDS[:5]) and rows[2].id in IDS[5:]
    assert len({tuple(r.id for r in rows) for rows in drawn}) > 10
    few = table(np.ones(2), IDS[:2], ["ant", "bee"])
    assert len(at_random(changes, few, np.random.default_rng(0))) == 2


def test_the_comparison_by_hand():
    before = table([0, 0.5, 1, 0.5, 0, 1, 1, 0.5, 1, np.nan])
    after = table([1, 0.5, 1, 1.0, 0, 1, 1, 1.0, 1, 1])
    after.loc[0, "label"] = "bee"
    random = table([0, 0.5, 1, 0.5, 0, 1, 0, 0.5, 1, 1])[::-1]  # the order of files changed
    changes, drawn = [Row(RELABEL, "ant", "bee", IDS[0])], [Row(RELABEL, "ant", "bee", IDS[4])]
    found = compare(before, after, random, changes, drawn, networks=10)
    t = found.table.set_index("data")
    assert found.images == 7  # neither changed nor never held out
    assert t["changes"].tolist() == [0, 1, 1]
    assert t["unchanged"].tolist() == pytest.approx([5.5 / 7, 6.5 / 7, 4.5 / 7])
    assert t.loc[AFTER, "held_out"] == 0.85 and t.loc[BEFORE, "held_out"] == pytest.approx(5.5 / 9)
    assert t.loc[AFTER, "gain"] == pytest.approx(1 / 7) and t.loc[BEFORE, "gain"] == 0
    assert t.loc[RANDOM, "gain"] == pytest.approx(-1 / 7)
    assert found.ahead.value == pytest.approx(2 / 7) and found.ahead.low < 0
    assert "cannot be told" in found.lines()[1] and "+14.3, " in found.lines()[0]
    assert "95 %" in found.lines()[1] and json.loads(json.dumps(found.as_dict()))
    with pytest.raises(ParameterError, match="Only 1 images kept their label"):
        compare(before[:3], after, random, [*changes, *drawn], [Row(KEEP, "", "", IDS[1])], 10)


def test_the_interval_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(0)
    one, other = rng.random(50), rng.random(50)
    found = paired(pd.Series(one - other))
    wanted = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


@pytest.mark.parametrize("shift, said", [(0.1, "more than"), (-0.1, "less than")])
def test_the_verdict_follows_the_interval(shift, said):
    ahead = paired(pd.Series(np.array([-0.01, 0.01] * 20) + shift))
    rows = [dict(data=n, changes=1, held_out=1.0, unchanged=1.0) for n in (BEFORE, AFTER, RANDOM)]
    rows = [row | dict(gain=0.0, gain_low=0.0, gain_high=0.0) for row in rows]
    assert said in Again(pd.DataFrame(rows), 40, 10, ahead).lines()[1]


def test_the_command_compares_a_corrected_folder_with_what_was(
    tmp_path, own_cache, monkeypatch, capsys
):
    """Three wrong labels among brighter and brighter squares are put right."""
    rng = np.random.default_rng(0)
    monkeypatch.setenv("NBCORE_RESULTS", str(tmp_path / "results"))
    mine, rows = tmp_path / "mine", []
    for c, name in enumerate(("ant", "bee", "cow")):
        (mine / name).mkdir(parents=True)
        for i in range(14):
            wrong = name == "ant" and i < 3
            pixels = (rng.integers(0, 40, (8, 8)) + (200 if wrong else 100 * c)).astype(np.uint8)
            Image.fromarray(pixels).save(mine / name / f"{i:02}.png")
            if wrong:
                content = (mine / name / f"{i:02}.png").read_bytes()
                rows.append(Row(RELABEL, "ant", "cow", hashlib.sha256(content).hexdigest()))
    done = correct(str(mine), [*rows, Row(RENAME, "bee", "wasp")], tmp_path / "new")
    settings = dict(network="mlp", width=16, steps=60, batch=16, k=5, members=5, corner=5)
    words = [w for k, v in settings.items() for w in ("-p", f"{k}={v}")]
    words += ["-p", "workers=1", "-p", "device=cpu", "--json", "--before", str(done.log)]
    monkeypatch.setattr(sys, "argv", ["nbcore", "difficulty", str(tmp_path / "new"), *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    told = json.loads(capsys.readouterr().out)
    assert not stop.value.code and told["again"]["networks"] == 5
    data = {row["data"]: row for row in told["again"]["data"]}
    assert [row["changes"] for row in data.values()] == [0, 3, 3]
    assert 36 <= told["again"]["unchanged_images"] <= 39
    assert all(0 < row["unchanged"] <= 1 for row in data.values())
    page = (tmp_path / "build").rglob("difficulty.html")
    assert "Trained again after 3 corrections" in next(page).read_text()
    assert not list((tmp_path / "build" / "difficulty").glob(".again-*"))
