"""Chapter 7 along the steps of training: who is ahead when, and what each phase of a schedule does.

Nothing here is interpolated over accuracy. Conditions that are compared took the same steps at the
same rates, so checkpoint meets checkpoint and phase meets phase.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from nbcore.chapters.example_difficulty import observe as page
from nbcore.chapters.example_difficulty.conditions import CHOICES
from nbcore.chapters.example_difficulty.runs import DifficultyStudy
from nbcore.chapters.example_difficulty.tables import points
from nbcore.charts.base import Figure
from nbcore.charts.panels import panels
from nbcore.charts.tables import Table
from nbcore.lines import compare
from nbcore.lines.curves import Curve
from nbcore.lines.figures import instead


class Race(NamedTuple):
    """Random examples against easy ones from one start, at equal steps.

    ahead: ID accuracy with random minus with easy examples (draw, checkpoint); turn: the first of
    the last checkpoints at all of which the observed difference is above 0, None where the last one
    is not.
    """

    random: Curve
    easy: Curve
    ahead: np.ndarray
    turn: int | None


def race(study: DifficultyStudy, start: str) -> Race | None:
    """Compare random with easy examples along training; None where one of them was not run."""
    one, other = study.curves.get(f"{start}-random"), study.curves.get(f"{start}-easy")
    if not (one and other and np.array_equal(one.steps, other.steps)):
        return None
    ahead = one.id - other.id
    behind = np.flatnonzero(ahead[0] <= 0)
    turn = int(behind[-1]) + 1 if len(behind) else 0
    return Race(one, other, ahead, turn if turn < len(one.steps) else None)


def turning(study: DifficultyStudy) -> pd.DataFrame:
    """Tabulate from which step on random examples are ahead of easy ones in ID accuracy.

    One row a start: steps, passes over the subset, the step of `race`, final difference in points.
    """
    rows = []
    for start, who in page.STARTS.items():
        if found := race(study, start):
            steps, c = int(found.random.steps[-1]), study.config
            last = compare.number(found.ahead[:, -1], found.random, found.easy)
            turn = "never" if found.turn is None else f"step {found.random.steps[found.turn]:,}"
            rows.append(
                {
                    "network": who,
                    "steps": f"{steps:,}",
                    "passes": f"{steps * min(c.batch, c.subset) / c.subset:.0f}",
                    "random ahead from": turn,
                    "ahead in the end": points(last),
                }
            )
    columns = ["network", "steps", "passes", "random ahead from", "ahead in the end"]
    return pd.DataFrame(rows, columns=columns)


def learning(study: DifficultyStudy) -> Figure | Table:
    """Draw ID accuracy along the steps, with hard, random and easy examples, for every start."""
    parts, said = [], []
    for start, who in page.STARTS.items():
        for choice in CHOICES:
            if curve := study.curves.get(f"{start}-{choice}"):
                # draws over two seeds reach further than any accuracy can
                rows = page.banded(curve.steps, curve.id.clip(0, 1))
                parts.append(rows.assign(panel=who, series=choice))
        if found := race(study, start):
            said.append(f"{100 * found.ahead[0, -1]:+.1f} ({who})")
    if not parts:
        return instead("Not drawn: neither hard, random nor easy examples were trained on.")
    title = f"Random minus easy examples in the end, in points: {', '.join(said)}"
    return panels(
        pd.concat(parts),
        x_title="step",
        x_format=",d",
        y_title="ID accuracy",
        title=title if said else "ID accuracy along training",
        subtitle="Mean over seeds with 95 % intervals; at each step all three have seen equally "
        "many images",
        description=f"ID accuracy along the steps of training, by choice of examples. {title}.",
    )


class ByPhase(NamedTuple):
    """A schedule minus training on all examples, after each phase.

    phase: (phase,) counted from 1; id: (draw, phase); er: the same, NaN where the line does not
    cover both networks.
    """

    phase: np.ndarray
    id: np.ndarray
    er: np.ndarray


def by_phase(study: DifficultyStudy, start: str) -> dict[str, ByPhase]:
    """Compare every schedule with training on all examples after equally many phases."""
    base, out = study.curves.get(f"{start}-all"), {}
    for name in page.schedule_names(study, start):
        curve, at = study.curves[name], page.phase_ends(study, name)
        if base is None or curve is base or not len(at):
            continue
        if not np.array_equal(base.steps, curve.steps):
            continue
        covered = base.covered[at] & curve.covered[at]
        er = np.where(covered, curve.er[:, at] - base.er[:, at], np.nan)
        out[name] = ByPhase(np.arange(1, len(at) + 1), (curve.id - base.id)[:, at], er)
    return out


def phases(study: DifficultyStudy, start: str) -> Figure | Table:
    """Draw what every phase of a schedule changes: ID accuracy and effective robustness."""
    found = by_phase(study, start)
    if not found:
        return instead(f"Not drawn: no schedule ({page.STARTS[start]}); extended=true runs them.")
    parts, said, ends = [], [], []
    for name, seen in found.items():
        for what, draws in (("ID accuracy", seen.id), ("effective robustness", seen.er)):
            known = ~np.isnan(draws[0])
            rows = page.banded(seen.phase[known], 100 * draws[:, known])
            parts.append(rows.assign(panel=what, series=page.choice(name)))
        ends.append((100 * seen.id[0, -1], 100 * seen.er[0, -1]))
        said.append(f"{page.choice(name)} {ends[-1][0]:+.1f} and {ends[-1][1]:+.1f}")
    low, high = np.min(ends, axis=0), np.max(ends, axis=0)
    title = (
        f"{page.STARTS[start].capitalize()}: schedules end {low[0]:+.1f} to {high[0]:+.1f} points"
    )
    title += " from all examples in ID accuracy"
    if np.isfinite(low[1]):
        title += f", {low[1]:+.1f} to {high[1]:+.1f} in effective robustness"
    return panels(
        pd.concat(parts),
        x_title="phase",
        x_format="d",
        y_format="+.0f",
        y_title="points, minus all examples",
        title=title,
        subtitle="A schedule minus training on all examples after the same phase, with 95 % "
        "intervals; nothing is interpolated",
        description="Differences to training on all examples by phase, in points of ID accuracy "
        f"and of effective robustness. After the last phase: {'; '.join(said)}.",
    )
