"""What several networks say of A16, A26, A27, A33 and A34. Written before they were evaluated.

How the ledger's words are taken:

all        no number where the line's testbed has no models of such accuracy. Several networks make
           one number: the largest (or smallest) of them, each interval at a level at which all
           hold together.
A16        of every network, the three readings without training, and the fresh head's peak.
A26, A27   comparable: the testbed's networks (not its classical models) whose ID accuracy differs
           by at most `NEAR`, three or more. A model's mean dominance is that over pairs with the
           comparable ones, and a comparable one's is that over pairs with the others of them.
           Robust are the reading by maximum and the fresh head at its peak, where they stand above
           the line by more than its interval.
A33        the mapped head's effective robustness minus the fresh head's, at the end of training.
A34        a weak pull: the largest λ of which the mean over seeds of ID accuracy at the end is at
           most `COST` below that with λ = 0. Its last checkpoint of an accuracy that the head
           without a pull passed is compared with that head there.

A26, A27 and A34 were amended when numbers of EfficientNet-Lite0 were known, so that it is left out
of them (`KNOWN`).
"""

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from nbcore.chapters.zero_shot_class_maps import network_dominance as dominance
from nbcore.chapters.zero_shot_class_maps.config import HOW, ZeroShot
from nbcore.chapters.zero_shot_class_maps.network_study import NetworkStudy
from nbcore.chapters.zero_shot_class_maps.networks import FRESH, MAPPED, pulled
from nbcore.lines import compare
from nbcore.lines.curves import Curve
from nbcore.measures.bootstrap import peak_estimate
from nbcore.measures.estimate import Estimate

Observed = dict[str, Estimate]
KNOWN = ("efficientnet_lite0",)
#: shifted sets made of images of ImageNet
LEAKING = ("cinic10-imagenet",)
#: accuracy that a weak pull may cost
COST = 0.01


def observed(study: NetworkStudy) -> dict[str, Observed]:
    """Observe, by claim, every check that these networks can be asked."""
    new = [n for n in study.networks if n not in KNOWN]
    found = {
        "A16": _readings(study),
        "A26": _robust(study, new),
        "A27": _converged(study, new),
        "A33": _mapped(study),
        "A34": _pulled(study, new),
    }
    return {claim: seen for claim, seen in found.items() if seen}


def _point(draws: np.ndarray, level: float, *curves: Curve) -> Estimate:
    """Estimate one difference (draw,) of these curves at a level."""
    seeds = min(c.seeds for c in curves)
    return peak_estimate(draws[:, None], seeds, "fraction", compare.over(*curves), level=level)


def _negative(seen: Estimate) -> Estimate:
    return Estimate(-seen.value, -seen.high, -seen.low, seen.n, seen.unit, seen.over)


def _readings(study: NetworkStudy) -> Observed:
    read = {n: [c for how in HOW if (c := study.covered(n, how))] for n in study.networks}
    read = {n: three for n, three in read.items() if len(three) == len(HOW)}
    if not read:
        return {}
    sides = [
        sign * (a.er[:, 0] - b.er[:, 0]) - max(a.band[0], b.band[0])
        for three in read.values()
        for a, b in combinations(three, 2)
        for sign in (1, -1)
    ]
    above = sum(bool(three[HOW.index("max")].er[0, 0] > 0) for three in read.values())
    out = {
        "largest difference beyond the interval": peak_estimate(
            np.stack(sides, 1), len(read), "fraction"
        ),
        "share of models with positive effective robustness": Estimate.share(
            above, len(read), len(read), "models"
        ),
    }
    tuned = {n: c for n in read if (c := study.somewhere(n, FRESH))}
    level = compare.jointly(len(tuned))
    gains = [
        peak_estimate(
            np.stack([c.er[:, 0] - c.band[0] for c in read[n]], 1),
            fresh.seeds,
            "fraction",
            less=fresh.er[:, fresh.covered],
            level=level,
        )
        for n, fresh in tuned.items()
    ]
    if gains:
        out["largest gain over the fine-tuning peak beyond the interval"] = compare.largest(gains)
    return out


def _robust(study: NetworkStudy, networks: Sequence[str]) -> Observed:
    kept = [
        (n, found)
        for n, state in product(networks, dominance.ROBUST)
        if (found := study.dominance(n, state)) and found.excess > 0
    ]
    if not kept:
        return {}
    points = np.concatenate([found.theirs - found.own[:, None] for _, found in kept], 1)
    n = len({network for network, _ in kept})
    worst = peak_estimate(points, n, "fraction")
    return {"robust model minus the most dominant comparable network": _negative(worst)}


def _converged(study: NetworkStudy, networks: Sequence[str]) -> Observed:
    pairs = [
        (study.curve(n, FRESH), peak, end)
        for n in networks
        if (peak := study.dominance(n, "peak")) and (end := study.dominance(n, "end"))
    ]
    if not pairs:
        return {}
    level = compare.jointly(len(pairs))
    falls = [_point(peak.own - end.own, level, c) for c, peak, end in pairs]
    beyond = [
        _negative(
            peak_estimate(end.theirs - end.own[:, None], c.seeds, "fraction", c.over, level=level)
        )
        for c, _, end in pairs
    ]
    return {
        "peak minus converged mean dominance with comparable networks": compare.least(falls),
        "converged model minus the most dominant comparable network": compare.largest(beyond),
    }


def mapped_gain(study: NetworkStudy, network: str, level: float = 0.95) -> Estimate | None:
    """Estimate the mapped head's gain over the fresh one at the end; None outside the line."""
    fresh, mapped = study.curve(network, FRESH), study.curve(network, MAPPED)
    if not (fresh.covered[-1] and mapped.covered[-1]):
        return None
    return _point(mapped.er[:, -1] - fresh.er[:, -1], level, fresh, mapped)


def _mapped(study: NetworkStudy) -> Observed:
    level = compare.jointly(len(study.networks))
    gains = [
        compare.shifted(gain, -study.curve(n, MAPPED).band[-1])
        for n in study.networks
        if (gain := mapped_gain(study, n, level))
    ]
    return {"mapped head end gain beyond the interval": compare.largest(gains)} if gains else {}


def lost(study: NetworkStudy, network: str, pull: float, level: float = 0.95) -> Estimate:
    """Estimate the ID accuracy at the end that a pull costs."""
    free, held = study.curve(network, MAPPED), study.curve(network, pulled(pull))
    return _point(free.id[:, -1] - held.id[:, -1], level, free, held)


def weak_pull(study: NetworkStudy, network: str) -> float | None:
    """Choose the largest λ that costs at most `COST` of ID accuracy; None where each costs more."""
    weak = [p for p in study.pulls if lost(study, network, p).value <= COST]
    return max(weak, default=None)


def pull_gain(
    study: NetworkStudy, network: str, pull: float, level: float = 0.95
) -> tuple[Estimate, float] | None:
    """Estimate a pull's gain at equal accuracy, and give the testbed's half-width there."""
    free, held = study.curve(network, MAPPED), study.curve(network, pulled(pull))
    found = compare.at_equal_accuracy(held, free)
    if found.reason:
        return None
    return _point(found.draws[:, -1], level, held, free), float(found.band[-1])


def _pulled(study: NetworkStudy, networks: Sequence[str]) -> Observed:
    level, gains = compare.jointly(len(networks)), []
    for network in networks:
        pull = weak_pull(study, network)
        if pull is not None and (gain := pull_gain(study, network, pull, level)):
            gains.append(compare.shifted(gain[0], -gain[1]))
    out = {}
    if gains:
        out["weak pull gain at equal accuracy beyond the interval"] = compare.largest(gains)
    if 100.0 in study.pulls and networks:
        costs = [lost(study, n, 100.0, level) for n in networks]
        out["accuracy lost with lambda 100"] = compare.least(costs)
    return out


def subject(study: NetworkStudy, config: ZeroShot, claim: str) -> str:
    """Say, as claim cards do, which networks a number is about, and where the shift leaks."""
    left_out = KNOWN if claim in ("A26", "A27", "A34") else ()
    kept = [n for n in study.networks if n not in left_out]
    home = any(name in LEAKING for name in config.ood)
    leak = "; pretrained on ImageNet, from which the shifted images are" if home else ""
    return f"{', '.join(kept)} on {', '.join((config.id, *config.ood))}{leak}"
