"""Runs and curves whose answers are known, for the tests of chapter 7's page."""

import numpy as np
import pandas as pd
import xarray as xr

from nbcore.chapters.example_difficulty.config import ExampleDifficulty
from nbcore.chapters.example_difficulty.runs import DifficultyStudy
from nbcore.lines.curves import Curve
from nbcore.measures import robustness
from nbcore.runs.store import Run

CONFIG = ExampleDifficulty.smoke()
BAND = 0.02


class FakeRun(Run):
    """A run whose tables are in memory."""

    def __init__(self, **found):
        made = {"seconds": 1.0, "hardware": "a computer", "created": "2026-01-01T00:00:00"}
        super().__init__(
            None, {"experiment": "x", "data": {}, "members": {"m": made}, "tables": found}, "x"
        )

    def table(self, name):
        return self.manifest["tables"][name]


def curve(name, accuracy, er, draws=40, seeds=3, noise=0.001):
    """A curve with these accuracies and heights, and draws close to them."""
    rng = np.random.default_rng(len(name))
    accuracy, er = np.asarray(accuracy, float), np.asarray(er, float)
    shift = noise * rng.standard_normal((2, draws + 1, len(er)))
    shift[:, 0] = 0
    x, y = accuracy + shift[0], er + shift[1]
    return Curve(
        name,
        np.arange(len(er)) * 10,
        x,
        x - 0.1 + y,
        y,
        y,
        y,
        np.stack([accuracy] * seeds),
        np.stack([er] * seeds),
        (accuracy > 0.2) & (accuracy < 0.95),
        np.full(len(er), BAND),
    )


GRID = (0.1, 0.3, 0.5, 0.7)
#: hard examples: 5 points at the peak, and 65 % in the end; and so on
CHOICES = {
    "hard": ((0.1, 0.3, 0.5, 0.65), (0, 0.03, 0.05, 0.01)),
    "random": (GRID, (0, 0.02, 0.03, 0.01)),
    "easy": ((0.1, 0.3, 0.5, 0.6), (0, 0.01, 0.015, 0.01)),
    "all": ((0.1, 0.3, 0.6, 0.8), (0, 0.02, 0.02, 0.0)),
    "phase-out-25": ((0.1, 0.3, 0.6, 0.8), (0, 0.02, 0.05, 0.0)),
    "depth-hard": (GRID, (0, 0.02, 0.04, 0.01)),
    "shuffled-hard": (GRID, (0, 0.02, 0.03, 0.01)),
}


def made(changes=None, phase=(0, 0, 0, 1)):
    """A study with every start and choice; changes: name -> curve, or None to leave it out."""
    names = [(start, choice) for start in ("full", "scratch", "head") for choice in CHOICES]
    curves = {f"{a}-{b}": curve(f"{a}-{b}", *CHOICES[b]) for a, b in names}
    for kind in ("hard", "random"):
        name = f"full-then-{kind}"
        curves[name] = curve(name, (0.3, 0.6, 0.8, 0.75), (0.02, 0.03, 0.0, 0.02))
    for size, top in ((0, 0.01), (600, 0.02), (60_000, 0.04)):
        name = f"pretrain-{size}"
        curves[name] = curve(name, GRID, (0, top, top, 0))
    curves = {k: v for k, v in (curves | (changes or {})).items() if v is not None}
    line = robustness.fit_line([0.2, 0.5, 0.95], [0.1, 0.3, 0.8])
    models = pd.DataFrame({"model": ["a", "b"], "id": [0.3, 0.8], "ood": [0.2, 0.5], "er": [0, 0]})
    names = [f"{name}-seed{s}" for name in ("full-then-hard", "full-then-random") for s in (0, 1)]
    run = FakeRun(
        curves=xr.Dataset(
            {"phase": (("member", "checkpoint"), [list(map(float, phase))] * 4)}, {"member": names}
        )
    )
    return DifficultyStudy(
        run, run, models, models[:0], line, None, curves, 1000, 1000, CONFIG, run
    )
