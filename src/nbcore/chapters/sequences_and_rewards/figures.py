"""Chapter 18's figures: every title states what the numbers of this run say."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.sequences_and_rewards import lengths, meanings, rewards, tasks
from nbcore.chapters.sequences_and_rewards.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.panels import panels
from nbcore.measures.bootstrap import Floats
from nbcore.measures.calibration.smooth import smooth_reliability

PROGRAM, NONE, HINTED = "with a short program", "without one", "with hints"
HOLDS = 0.9
#: at which rewards along tuning are shown: about even in the logarithm of the steps
SHOWN = 40


def _means(study: Study, values: Floats, x: Floats, **names: str) -> pd.DataFrame:
    """Tabulate the mean over members (member, x) with its interval."""
    draws = study.over_seeds(values)
    low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
    ends = dict(low=np.minimum(low, draws[0]), high=np.maximum(high, draws[0]))
    return pd.DataFrame({"x": x, "y": draws[0]} | names | ends)


def _shares(table: pd.DataFrame, columns: Sequence[str] = ("y", "low", "high")) -> pd.DataFrame:
    """Keep the ends of intervals of shares between 0 and 1."""
    return table.assign(**{c: table[c].clip(0, 1) for c in columns})


def _said(table: pd.DataFrame) -> str:
    """List the ends of each series, for a description."""
    parts = []
    for name, own in table.groupby("series", sort=False):
        ends = [f"{y:.3g} at {x:g}" for x, y in own[["x", "y"]].iloc[[0, -1]].to_numpy()]
        parts.append(f"{name}: {', '.join(ends)}")
    return "; ".join(parts)


def _kind(name: str) -> str:
    task = tasks.TASKS[name]
    return HINTED if task.hinted else PROGRAM if task.short else NONE


def programs() -> pd.DataFrame:
    """Tabulate the short program of each task, or why none is known."""
    rows = [
        {"task": name, "short program": task.program or "none known", "because": task.why}
        for name, task in tasks.TASKS.items()
    ]
    return pd.DataFrame(rows)


def by_length(study: Study) -> Figure:
    """Draw accuracies by length, tasks with a short program, without one, and with hints."""
    x, parts = np.array(lengths.SHARES), []
    for name in tasks.TASKS:
        own = _shares(_means(study, study.accuracy(name), x, series=name.removesuffix(", hinted")))
        first = name in ("counting", "mode")
        panel = f"{_kind(name)}: {'counting, mode' if first else 'sort, copy'}"
        panel = panel if _kind(name) == PROGRAM else _kind(name)
        parts.append(own.assign(panel=panel, which=_kind(name)))
    shown = pd.concat(parts).reset_index(drop=True)
    last = shown[shown["x"] == x[-1]]
    holds = last.assign(holds=last["y"] >= HOLDS).groupby("which")["holds"].agg(["sum", "size"])
    told = ", ".join(
        f"{holds.loc[p, 'sum']} of {holds.loc[p, 'size']} {p}" for p in (PROGRAM, NONE, HINTED)
    )
    listed = "; ".join(f"{r.series} {r.which}: {r.y:.0%}" for r in last.itertuples())
    return panels(
        shown,
        x_title="length over that of training",
        y_title="answers that are right",
        x_format=".1f",
        y_domain=(0.0, 1.0),
        height=190,
        title=f"At twice the length of training, tasks of which {HOLDS:.0%} or more are right: "
        f"{told}",
        subtitle="An answer is right if all its tokens are; means over seeds with 95 % intervals",
        description=f"Accuracy by length. At twice the longest length of training: {listed}.",
    )


def interpolator(study: Study) -> Figure:
    """Draw accuracies of the mode: the transformer's, and that of the least-degree interpolator."""
    x = np.array(lengths.SHARES)
    ours = _shares(_means(study, study.accuracy("mode"), x, series="transformer"))
    other = study.interpolator
    rows = pd.DataFrame({"x": x, "y": other, "low": other, "high": other})
    shown = pd.concat([ours, rows.assign(series="least-degree interpolator")])
    ends = float(ours["y"].iloc[-1]), float(other[-1])
    more = "more" if ends[0] > ends[1] else "no more"
    return charts.curve(
        shown.reset_index(drop=True),
        x_title="length over the longest of training",
        y_title="modes that are right",
        y_format="~%",
        y_domain=(0.0, 1.0),
        title=f"At twice the length the transformer gets {more} modes right than the least-degree "
        f"interpolator: {ends[0]:.0%} against {ends[1]:.0%}",
        subtitle="The interpolator looks only at places that it has seen",
        description=f"Accuracy on the mode by length. {_said(shown)}.",
    )


def _slope(x: Floats, y: Floats) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def gradients(study: Study) -> Figure:
    """Draw norms of gradients by the reward's deviation, a point for each style."""
    deviation = study.tuning("deviation").mean((0, 2))
    by = {
        "of the reward": study.tuning("gradient").mean(2),
        "of supervised training": study.tuning("taught_gradient").mean(2),
    }
    parts = [_means(study, np.log10(v), deviation, series=name) for name, v in by.items()]
    shown = pd.concat(parts).sort_values(["series", "x"]).reset_index(drop=True)
    slopes = [_slope(deviation, v.mean(0)) for v in by.values()]
    return charts.curve(
        shown,
        x_title="standard deviation of the reward",
        y_title="log10 of the gradient's norm",
        x_scale="log",
        x_format=".2f",
        title=f"The reward's gradient goes with its deviation to the power {slopes[0]:.1f}, that "
        f"of supervised training to the power {slopes[1]:.1f}".replace("-", "−"),
        subtitle="Each point is one style of prompts, mean over prompts and seeds with 95 % "
        "interval",
        description="Decimal logarithm of the norm of gradients by the deviation of the reward. "
        f"{_said(shown)}.",
    )


def tuning(study: Study) -> Figure:
    """Draw expected rewards along tuning, where they are frequent, rare, and after lessons."""
    steps = study.reward(rewards.NEAR).shape[1]
    at = np.unique(np.geomspace(1, steps - 1, SHOWN).astype(int))
    parts = [
        _shares(_means(study, study.reward(way)[:, at], at.astype(float), series=way))
        for way in rewards.WAYS
    ]
    shown = pd.concat(parts).reset_index(drop=True)
    needed = study.tuning("steps")
    told = []
    for way in (rewards.NEAR, rewards.FAR, rewards.TAUGHT):
        own = needed[:, rewards.WAYS.index(way)]
        reached = (study.reward(way)[:, -1] >= rewards.AIM).all()
        told.append(f"{way} {own.mean():,.0f}" if reached else f"{way} over {own.mean():,.0f}")
    return charts.curve(
        shown,
        x_title="steps of tuning by rewards",
        y_title="expected reward",
        x_scale="log",
        x_format=",d",
        y_format="~%",
        y_domain=(0.0, 1.0),
        points=False,
        level=(rewards.AIM, "tuning ends"),
        title=f"Steps until {rewards.AIM:.0%} of the answers earn a reward: {'; '.join(told)}",
        subtitle="How often the answer was rewarded before tuning; means over seeds with 95 % "
        "intervals",
        description=f"Expected reward by steps. {_said(shown)}.",
    )


def calibration(study: Study) -> Figure:
    """Draw how often the likeliest meaning is true, by confidence, as trained and afterwards."""
    grid, parts = np.linspace(0.36, 0.98, 32), []
    errors = {way: float(study.calibration(way).mean()) for way in meanings.WAYS}
    for way in (meanings.BASE, meanings.TUNED, meanings.CHAINED):
        p, y = (v.ravel() for v in study.answers(way))
        right, density = smooth_reliability(p, y, max(errors[way], 0.02), grid)
        kept = density > 0.2
        own = {"x": grid[kept], "y": np.clip(right[kept], 0, 1), "series": way}
        parts.append(pd.DataFrame(own))
    parts.append(pd.DataFrame({"x": grid, "y": grid, "series": "calibrated"}))
    shown = pd.concat(parts).reset_index(drop=True)
    told = ", ".join(f"{way} {errors[way]:.3f}" for way in meanings.WAYS if way in WAYS)
    return charts.curve(
        shown,
        x_title="confidence in a meaning",
        y_title="how often it is true",
        x_format=".0%",
        y_format=".0%",
        points=False,
        title=f"Smooth calibration error of meanings: {told}",
        subtitle="Smoothed over questions of all seeds",
        description="How often the likeliest meaning is true by confidence in it. Errors: "
        f"{told}. {_said(shown)}.",
    )


#: ways that are drawn; shuffled rewards stand in the table
WAYS = (meanings.BASE, meanings.TUNED, meanings.CHAINED)


def confidence(study: Study) -> pd.DataFrame:
    """Tabulate confidence, how often it is right, and the calibration error, by way."""
    rows = []
    for way in meanings.WAYS:
        p, y = study.answers(way)
        error = study.calibration(way).mean()
        rows.append({"model": way, "confidence": p.mean(), "right": y.mean(), "error": error})
    return pd.DataFrame(rows)
