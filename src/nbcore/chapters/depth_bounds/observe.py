"""Chapter 4's observations: what is recorded in the ledger.

Where the ledger names no ensemble, the least favourable one is recorded, check by check: a claim
counts only if it holds for all of them.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nbcore import claims
from nbcore.chapters.depth_bounds import mirror
from nbcore.chapters.depth_bounds.scores import Course
from nbcore.chapters.depth_bounds.study import ENOUGH, Bounds, Study, bounds
from nbcore.claims import Check, Observation
from nbcore.depths.roster import nice_name
from nbcore.measures.agreement import CONSENSUS_TIES
from nbcore.measures.bootstrap import NETWORKS_FIXED, estimate
from nbcore.measures.bounds import BoundResult
from nbcore.measures.cscores import spearman
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import together

#: claims whose verdicts are computed again under each rule for tied classes
TIED = tuple(f"B{i}" for i in range(5, 13))
Observed = dict[str, dict[str, Estimate]]


def observe(found: Bounds, along: Mapping[str, Course | None], resamples: int) -> Observed:
    """Estimate the checks for one ensemble: claim -> check -> estimate.

    What cannot be observed is left out.
    """
    n, full = found.sample.networks, len(found.sample.test_said)
    out: Observed = {
        "B5": _bound(found.lower, "lower", "below", n),
        "B7": _outvoted(found, resamples),
        "B8": _bound(found.agreement, "lower", "below", n),
        "B12": _bound(found.entropy, "upper", "above", n, "nat"),
    }
    for claim, what, name, networks in (
        ("B9", "agreement", "consensus-consistency", full),
        ("B10", "accuracy", "accuracy", n),
        ("B11", "entropy", "entropy", full),
    ):
        draws = (c := along[what]) and c.spearman()
        if draws is not None and np.isfinite(draws[0]):
            seen = estimate(draws, networks, "1")
            out[claim] = {f"spearman over depths of {name}": seen}
    return {claim: seen for claim, seen in out.items() if seen}


def spanning(value: float, ends: tuple[float, float], n: int, unit: str = "fraction") -> Estimate:
    """Make an estimate whose interval holds its value, as a percentile interval may not."""
    return Estimate(value, min(ends[0], value), max(ends[1], value), n, unit, NETWORKS_FIXED)


def _bound(
    result: BoundResult | None, side: str, where: str, n: int, unit: str = "fraction"
) -> dict[str, Estimate]:
    if result is None:
        return {}
    slope = spanning(result.bound.slope, result.slope_interval, n, unit)
    return {
        f"slope of the {side} bound": slope,
        f"share {where} the line": spanning(result.share_beyond, result.share_interval, n),
        f"control share {where} the line": spanning(
            result.control_share, result.control_interval, n
        ),
    }


def _outvoted(found: Bounds, resamples: int) -> dict[str, Estimate]:
    """Estimate B7: mean consistency of outvoted examples in the deeper half of the depths."""
    late = ~found.right & (found.whole.depth > 0.5)
    seen = found.whole.consistency[late]
    if len(seen) < 2:
        return {}
    pick = np.random.default_rng(0).integers(len(seen), size=(resamples, len(seen)))
    draws = np.r_[seen.mean(), seen[pick].mean(1)]
    return {
        "mean consistency score at high depth": estimate(draws, found.sample.networks, "fraction")
    }


def _steepness(table: pd.DataFrame) -> dict[str, Estimate]:
    """Estimate B13 over data sets with one architecture; of several, keep the least favourable."""
    seen = []
    for _, own in table.groupby("architecture"):
        slope, depth = np.stack(list(own["slope"])), np.stack(list(own["depth"]))
        if len(own) > 1 and own["predictions"].min() >= ENOUGH and np.isfinite(slope[:, 0]).all():
            draws = [spearman(-slope[:, r], depth[:, r]) for r in range(slope.shape[1])]
            seen.append(estimate(np.array(draws), len(own), "1"))
    seen = [e for e in seen if e.defined]
    name = "spearman of bound steepness with mean depth"
    return {name: max(seen, key=lambda e: e.value)} if seen else {}


def worst(claim: str, every: list[Observed]) -> dict[str, Estimate]:
    """Choose per check the least favourable ensemble: a claim must hold for all of them."""
    checks, out = claims.get(claim).checks, {}
    for check in checks:
        seen = [found[claim][check.name] for found in every if check.name in found.get(claim, {})]
        if seen:
            out[check.name] = max(seen, key=lambda e: _distance(check, e))
    return out


def _distance(check: Check, seen: Estimate) -> float:
    """Compute how far towards the wrong side of a one-sided check an estimate lies."""
    high = check.rule in ("below", "at_most")
    ends = (seen.high if high else seen.low) if check.judge == "interval" else seen.value
    return ends if high else -ends


def record(result: Study, preset: str) -> dict[str, Observation]:
    """Record in the ledger every claim that the run can say something about."""
    many = result.config.resamples
    every = [observe(b, result.along[k], many) for k, b in result.found.items()]
    seen = {claim: worst(claim, every) for claim in TIED} | {"B13": _steepness(result.slopes)}
    seen["B43"] = _tie_rules(result, seen)
    source = dict.fromkeys(seen, {k: result.runs[k] for k in result.found})
    seen["B6"], source["B6"] = mirror.on_new_members(result.runs, many)
    config = result.config
    claims.forget(config.slug)
    return {
        claim: claims.record(
            claim,
            found,
            run=together(source[claim].values()),
            subject="; ".join(map(nice_name, source[claim])),
            preset=preset,
            setup=config.setup(claim),
        )
        for claim, found in seen.items()
        if found
    }


def _tie_rules(result: Study, seen: Observed) -> dict[str, Estimate]:
    """Count how many verdicts differ under the other rules for tied classes (B43)."""
    many, changed = result.config.resamples, 0
    for tie in CONSENSUS_TIES[1:]:
        every = [
            observe(bounds(b.sample, many, tie), result.along[k], many)
            for k, b in result.found.items()
        ]
        changed += sum(_verdict(c, worst(c, every)) != _verdict(c, seen[c]) for c in TIED)
    n = sum(b.sample.networks for b in result.found.values())
    return {
        "verdicts of b5 to b12 changed by another tie rule": Estimate.exact(changed, n, "count")
    }


def _verdict(claim: str, seen: Mapping[str, Estimate]) -> str:
    checks = claims.get(claim).checks
    return claims.conclude(
        [c.outcome(seen[c.name]) if c.name in seen else claims.UNSEEN for c in checks]
    )
