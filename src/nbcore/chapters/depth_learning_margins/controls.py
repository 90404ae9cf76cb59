"""Chapter 5's controls: what is left of a relation when its other explanations are taken out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from nbcore.chapters.depth_learning_margins.study import KINDS, ROLES, LearningView
from nbcore.measures.bootstrap import Floats, estimate
from nbcore.measures.correlation import correlation, shuffled
from nbcore.measures.depth import prediction_depth
from nbcore.measures.learning import iteration_learned, scaled_steps

Draws = Mapping[tuple[str, str], Floats]


def shuffled_depths(s: LearningView, role: str) -> NDArray:
    """Permute the depths among the settled predictions of each network's role.

    Returns (member, example) depths.
    """
    rng = np.random.default_rng([s.seed, 3])
    out = s.members["depth"].values.copy()
    for row, mask in zip(out, s.seen(role) & s.settled, strict=True):
        some = np.flatnonzero(mask)
        row[some] = row[rng.permutation(some)]
    return out


def coarser_steps(s: LearningView) -> Floats:
    """Scale the steps learned as if only every second checkpoint had been evaluated.

    Returns (member, example). This is approximate: each step is moved up to the next checkpoint
    kept; the first and last checkpoint are kept.
    """
    learned = s.members["learned"].values.astype(int)
    last = s.members.sizes["checkpoint"] - 1
    return s.scaled(np.where(learned > 0, learned + (last - learned) % 2, learned))


def learning(s: LearningView, role: str) -> dict[str, Floats]:
    """Correlate mean depth with mean step learned (Spearman), as defined and under controls.

    Returns the name of a variant -> (draw,) correlations: as defined; with the depths shuffled
    among examples, in every draw anew; with depth from one half of the networks and step from the
    other; within classes; over right predictions only; both; and with time measured in other ways.
    """
    label, half = s.examples["label"].values, s.members["half"].values[:, None]
    plain, right = s.means(role), s.means(role, some=s.correct)
    one, other = (s.means(role, some=half == i) for i in (0, 1))
    index = s.members["learned"].values.astype(float)
    w = s.draws
    return {
        "as defined": correlation(*plain, w),
        "depths shuffled": shuffled(*plain, s.resamples, seed=s.seed),
        "depth and step from different networks": correlation(one.depth, other.learned, w),
        "within a class": correlation(*plain, w, within=label),
        "right predictions only": correlation(*right, w),
        "right predictions within a class": correlation(*right, w, within=label),
        "every second checkpoint": correlation(*s.means(role, steps=coarser_steps(s)), w),
        "number of the checkpoint, not step": correlation(*s.means(role, steps=index), w),
    }


def margins(s: LearningView, kind: str) -> dict[str, Floats]:
    """Correlate mean depth with log mean margin (Pearson) on test images, also under controls.

    Returns the name of a variant -> (draw,) correlations; empty where the margin was not measured.
    """
    found = s.margin(kind, "test")
    if found is None:
        return {}
    w = s.weights(len(found.log))
    mixed = shuffled(found.depth, found.log, s.resamples, ranks=False, seed=s.seed)
    right = np.where(found.right, found.log, np.nan)

    def r(depth: Floats, log: Floats, within: NDArray | None = None) -> Floats:
        return correlation(depth, log, w, ranks=False, within=within)

    return {
        "as defined": r(found.depth, found.log),
        "depths shuffled": mixed,
        "within a class": r(found.depth, found.log, found.label),
        "right in every network": r(found.depth, right),
        "right in every network, within a class": r(found.depth, right, found.label),
        "Spearman instead of Pearson": correlation(found.depth, found.log, w),
    }


def bars_table(parts: Mapping[str, Mapping[str, Floats]]) -> pd.DataFrame:
    """Make a table of bars: columns category, group, value, low, high.

    parts: group -> category -> draws. Draws without a defined value give no bar.
    """
    rows: list[dict[str, Any]] = []
    for group, found in parts.items():
        for category, draws in found.items():
            if np.isfinite(draws[0]):
                seen = estimate(draws, 1, "1")
                rows.append(
                    {
                        "category": category,
                        "group": group,
                        "value": seen.value,
                        "low": seen.low,
                        "high": seen.high,
                    }
                )
    table = pd.DataFrame(rows, columns=["category", "group", "value", "low", "high"])
    order = list(dict.fromkeys(table["category"]))  # a category's groups stand together
    return table.sort_values("category", key=lambda c: c.map(order.index), kind="stable")


def summary(found: Mapping[str, LearningView]) -> pd.DataFrame:
    """Tabulate Spearman's correlation with the step learned, one row per ensemble and role.

    Columns give it as defined, over right predictions within a class, and with depths shuffled.
    """
    rows = []
    for s in found.values():
        for role, words in ROLES.items():
            seen = learning(s, role)
            rows.append(
                {
                    "ensemble": s.name,
                    "images": words,
                    "networks": s.networks,
                    "Spearman": _shown(seen["as defined"]),
                    "right, within a class": _shown(seen["right predictions within a class"]),
                    "shuffled": _shown(seen["depths shuffled"]),
                    "undefined": _undefined(s, role),
                }
            )
    return pd.DataFrame(rows)


def _undefined(s: LearningView, role: str) -> str:
    seen = s.seen(role)
    return f"{100 * (seen & ~s.settled).sum() / max(seen.sum(), 1):.2g} %"


def _shown(draws: Floats) -> str:
    if not np.isfinite(draws[0]):
        return "–"
    e = estimate(draws, 1, "1")
    return f"{e.value:+.2f} [{e.low:+.2f}, {e.high:+.2f}]".replace("-", "\u2212")


def live(member: xr.Dataset) -> pd.DataFrame:
    """Compute the chapter's correlations in one network, as `ensemble.train_member` returns it."""
    held = member["held_out"].values
    depth = prediction_depth(member["votes"].values.argmax(-1), member["final"].values)
    learned = iteration_learned(member["history"].values.T, member["final"].values)
    step = scaled_steps(learned, member["step"].values)
    test = prediction_depth(member["votes_test"].values.argmax(-1), member["final_test"].values)
    rows = [
        _row(f"depth and step learned, {words}", *_known(depth, step, mask), "Spearman")
        for words, mask in ((ROLES["train"], ~held), (ROLES["val"], held))
    ]
    for kind, words in KINDS.items():
        margin = member[f"{kind}_margin_test"].values
        with np.errstate(divide="ignore"):
            log = np.log(margin.astype(float))
        few = test[: len(log)]
        rows.append(_row(f"depth and log {words}, test", *_known(few, log), "Pearson"))
    return pd.DataFrame(rows)


def _known(depth: NDArray, y: Floats, mask: Any = True) -> tuple[Floats, Floats]:
    kept = (depth >= 0) & np.isfinite(y) & mask
    return depth[kept].astype(float), y[kept]


def _row(what: str, x: Floats, y: Floats, how: str) -> dict[str, Any]:
    test = stats.spearmanr if how == "Spearman" else stats.pearsonr
    defined = len(x) > 2 and np.ptp(x) > 0 and np.ptp(y) > 0
    value = float(test(x, y).statistic) if defined else float("nan")
    return {"what": what, "coefficient": how, "value": value, "images": len(x)}
