"""Claim B6: outvoted examples that are decided early lie below the line of B5, reflected at 1/2.

The check replaces one that was found misread, so it is asked of members computed after it was
written, and of no others.
"""

from collections.abc import Mapping

import numpy as np

from nbcore import claims
from nbcore.chapters.depth_bounds.scores import Floats, Sample
from nbcore.chapters.depth_bounds.study import ENOUGH, SHARE, Bounds, attempt, bounds
from nbcore.depths.view import EnsembleView
from nbcore.measures.bootstrap import estimate
from nbcore.measures.bounds import Bound, fit_bound
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import Run

#: scaled depth up to which a decision is early, and how many such examples a share needs
EARLY, FEWEST = 0.5, 20
WHAT = "share of early outvoted examples above the reflected line"


def on_new_members(
    runs: Mapping[str, Run], resamples: int
) -> tuple[dict[str, Estimate], dict[str, Run]]:
    """Observe B6 on each ensemble's new networks and keep, check by check, the least favourable.

    Returns the observations and the runs, cut to those networks; both are empty where no ensemble
    has new networks that hold examples out ten times or more, by the median over examples.
    """
    since, found, used = claims.get("B6").checks[0].since, [], {}
    for key, run in runs.items():
        new = run.newer(since) if since else run
        if new is None:
            continue
        view = EnsembleView.of(key, run)
        view = view.some(np.isin([str(m) for m in view.members["member"].values], new.member_names))
        if view.networks < 2 or np.median(view.held_out.sum(0)) < ENOUGH:
            continue
        sample = Sample.of(view)
        if seen := reflected(bounds(sample, 1), resamples):
            found.append(seen)
            used[key] = new
    if not found:
        return {}, {}
    worst = max((s[WHAT] for s in found), key=lambda e: e.value)
    control = min((s[f"control {WHAT}"] for s in found), key=lambda e: e.low)
    return {WHAT: worst, f"control {WHAT}": control}, used


def reflected(found: Bounds, resamples: int, seed: int = 0) -> dict[str, Estimate]:
    """Estimate the share of early outvoted examples above one minus the lower bound; a control too.

    The bound is fitted on one half of the networks to the examples whose consensus is the label;
    depths and scores of the outvoted ones are the other half's. The control shuffles their depths.
    The bootstrap resamples the examples of both groups. Empty where fewer than `FEWEST` are early.
    """
    a, b = found.parts
    known = np.isfinite(b.depth + b.consistency) & (found.whole.consensus >= 0)
    fitted = np.flatnonzero(found.right & np.isfinite(a.depth + a.consistency))
    outvoted = np.flatnonzero(known & ~found.right)
    if (b.depth[outvoted] <= EARLY).sum() < FEWEST:
        return {}
    rng, draws = np.random.default_rng(seed), []
    for draw in range(resamples + 1):
        right = rng.choice(fitted, len(fitted)) if draw else fitted
        wrong = rng.choice(outvoted, len(outvoted)) if draw else outvoted
        line = attempt(fit_bound, a.depth[right], a.consistency[right], "lower", SHARE)
        if line is None and not draw:
            return {}
        if line is not None:
            depth, score = b.depth[wrong], b.consistency[wrong]
            shuffled = above(line, rng.permutation(depth), score)
            draws.append((above(line, depth, score), shuffled))
    share, control = np.array(draws).T
    control[0] = np.nanmean(control)  # one shuffle is as good as another
    n = found.sample.networks
    return {
        WHAT: estimate(share, n, "fraction"),
        f"control {WHAT}": estimate(control, n, "fraction"),
    }


def above(line: Bound, depth: Floats, score: Floats) -> float:
    """Compute the share of early examples whose score exceeds the line reflected at one half."""
    early = depth <= EARLY
    if not early.any():
        return np.nan
    return float((score[early] > 1 - line.predict(depth[early]) + 1e-9).mean())
