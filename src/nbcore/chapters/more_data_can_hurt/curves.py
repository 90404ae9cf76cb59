"""Curves of means with intervals, and what they say: for both modules of figures."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from nbcore import charts, claims
from nbcore.chapters.more_data_can_hurt import observe
from nbcore.chapters.more_data_can_hurt.study import Study, Without
from nbcore.charts.base import Figure
from nbcore.charts.words import joined
from nbcore.measures.bootstrap import Floats
from nbcore.measures.generalization.curves import rise

#: of intervals without one seed: as many as chapter 19 draws, so that both pages say the same
DRAWS = 200


def rows(draws: Floats, x: Floats, series: str) -> pd.DataFrame:
    """Tabulate means (draw, point) with 95 % intervals: x, y, low, high, series."""
    low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
    low, high = np.minimum(low, draws[0]), np.maximum(high, draws[0])
    return pd.DataFrame({"x": x, "y": draws[0], "low": low, "high": high, "series": series})


def said(table: pd.DataFrame) -> str:
    """List the ends and the highest point of each series, for a description."""
    parts = []
    for name, own in table.groupby("series", sort=False):
        top = own.iloc[int(own["y"].argmax())]
        parts.append(
            f"{name}: {own['y'].iloc[0]:.3g} at {own['x'].iloc[0]:g}, at most {top['y']:.3g} at "
            f"{top['x']:g}, {own['y'].iloc[-1]:.3g} at {own['x'].iloc[-1]:g}"
        )
    return "; ".join(parts)


def errors(study: Study, x: Floats, curves: dict[str, Floats], **words: Any) -> Figure:
    """Draw errors with intervals over seeds: curves, by series, are (member, point)."""
    parts = [rows(study.over_seeds(v), x, name) for name, v in curves.items()]
    shown = pd.concat(parts).reset_index(drop=True)
    words["description"] += f" {said(shown)}."
    return charts.curve(shown, x_scale="log", y_format="~%", y_title="test error", **words)


def outcomes(study: Study) -> dict[str, set[str]]:
    """Judge C8's checks with each member left out in turn: check -> outcomes that occur."""
    checks = claims.get("C8").checks
    config = replace(study.config, resamples=min(study.config.resamples, DRAWS))
    found: dict[str, set[str]] = {c.label: set() for c in checks}
    for k in range(len(study.runs["kernels"].table("costs")["member"])):
        seen = observe.noise(Without(config, study.runs, k))
        for c in checks:
            if c.name in seen and seen[c.name].defined:
                found[c.label].add(c.outcome(seen[c.name]))
    return {label: kinds for label, kinds in found.items() if kinds}


def fragile(found: Mapping[str, set[str]]) -> str:
    """Say which outcomes hang on a single seed: none, some that become open, or some that turn."""
    changing = {label: kinds for label, kinds in found.items() if len(kinds) > 1}
    n = len(found)
    if not changing:
        return f"With any one seed left out, all {n} outcomes of C8 stay as they are."
    turned = [label for label, kinds in changing.items() if {claims.HELD, claims.MISSED} <= kinds]
    names = joined([f"“{label}”" for label in changing])
    text = (
        f"With one seed left out, {n - len(changing)} of {n} outcomes of C8 are always the same; "
    )
    if turned:
        return (
            f"{text}those of {names} are not, and {len(turned)} of them turned from held to missed."
        )
    return (
        f"{text}whether {names} is decided depends on the seed, and none turns from held to missed."
    )


def double(study: Study, values: Floats, x: Floats, what: str) -> str:
    """Say in a title whether a mean curve falls, rises and falls again."""
    up, down = (observe.risen(study, values, fallen=f) for f in (False, True))
    mean = study.over_seeds(values)[0]
    before, peak = rise(mean)
    if up.low <= 0:
        return f"{what}: no rise that is sure"
    text = f"{what}: {mean[before]:.0%} at {x[before]:g}, {mean[peak]:.0%} at {x[peak]:g}"
    return f"{text}, {mean[-1]:.0%} at {x[-1]:g}" if down.low > 0 else f"{text}, then no fall"
