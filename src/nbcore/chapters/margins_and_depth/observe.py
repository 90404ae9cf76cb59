"""Chapter 9's observations: what is recorded in the ledger.

Every check of B24 to B28 compares with a network of full-batch descent. As long as some of these
are waiting, or a setting does not fit its training images, nothing is decided; what SGD alone says
of the two losses is recorded beside, as related evidence.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from nbcore import claims
from nbcore.chapters.margins_and_depth.config import (
    CE_GD,
    CE_SGD,
    HINGE_GD,
    HINGE_SGD,
    SETTINGS,
    UNTRAINED,
)
from nbcore.chapters.margins_and_depth.study import FEWEST, Study, half_gain_layer
from nbcore.claims import Observation
from nbcore.measures.bootstrap import Floats, estimate
from nbcore.measures.estimate import Estimate

Observed = dict[str, Estimate]
SEEDS = "seeds"


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record the five claims, and what SGD alone says; return the observations by id."""
    measured = {
        "B24": accuracies(study),
        "B25": margins(study),
        "B26": orders(study),
        "B27": ratios(study),
        "B28": layers(study),
    }
    claims.forget(study.config.slug)
    told: dict[str, Any] = dict(
        run=study.run,
        subject=f"VGG16 of width {study.config.width} on {study.config.dataset}",
        preset=preset,
        chapter=study.config.slug,
    )
    for key, found in by_sgd_alone(study).items():
        claims.relate(key, found, setup=claims.STAND_IN, part="sgd", **told)
    return {
        key: claims.record(key, found, setup=study.config.setup(key), doubt=study.doubt, **told)
        for key, found in measured.items()
        if found
    }


def accuracies(study: Study) -> Observed:
    """Compare accuracies on test images (B24)."""
    found = _falling(study, "accuracy_test", "accuracy", "fraction")
    if UNTRAINED in study.settings:
        found["control untrained accuracy"] = _mean(study, "accuracy_test", UNTRAINED, "fraction")
    return _defined(found)


def margins(study: Study) -> Observed:
    """Compare mean output margins (B25)."""
    found = _falling(study, "final_margin", "margin", "1")
    if {UNTRAINED, CE_SGD} <= set(study.settings):
        name = "control untrained minus ce-sgd margin"
        found[name] = _difference(study, "final_margin", UNTRAINED, CE_SGD, "1")
    return _defined(found)


def orders(study: Study) -> Observed:
    """Measure by how many orders of magnitude both changes shrink the margin (B26)."""
    found = _logarithms(study, CE_SGD, HINGE_GD)
    between = _between_seeds(study)
    if between:
        name = "control orders of magnitude between seeds of one setting largest"
        found[name] = Estimate.exact(np.log10(between[0]), between[1])
    return found


def ratios(study: Study) -> Observed:
    """Divide the next smallest margin by that of 0-hinge with full-batch descent (B27)."""
    found: Observed = {}
    if set(SETTINGS) <= set(study.settings):
        own = study.draws(study.of("final_margin", HINGE_GD), HINGE_GD)
        others = [study.draws(study.of("final_margin", s), s) for s in SETTINGS if s != HINGE_GD]
        ratio = _positive(np.min(others, 0)) / _positive(own)
        name = "ratio of next smallest to 0-hinge-gd margin"
        found[name] = _estimate(ratio, _fewest(study, SETTINGS), "1")
    between = _between_seeds(study)
    if between:
        name = "control ratio between seeds of one setting largest"
        found[name] = Estimate.exact(between[0], between[1])
    return _defined(found)


def layers(study: Study) -> Observed:
    """Compare where the vote on training images makes half of its improvement (B28)."""
    found: Observed = {}
    if set(SETTINGS) <= set(study.settings):
        at = {s: study.draws(half_gains(study, s), s) for s in SETTINGS}
        latest = np.max([at[s] for s in SETTINGS if s != HINGE_GD], 0)
        name = "0-hinge-gd minus latest other half-gain layer"
        found[name] = _estimate(at[HINGE_GD] - latest, _fewest(study, SETTINGS), "layer")
    if UNTRAINED in study.settings:
        gain = study.of("probe_accuracy_train", UNTRAINED)
        draws = study.draws(gain[:, -1] - gain[:, 0], UNTRAINED)
        name = "control untrained final minus input vote"
        found[name] = _estimate(draws, len(gain), "fraction")
    shuffled = {
        s: (v := study.of("probe_accuracy_shuffled", s))[:, -1] - v[:, 0] for s in study.settings
    }
    most = [_estimate(study.draws(v, s), len(v), "fraction") for s, v in shuffled.items()]
    if most := [e for e in most if e.defined]:
        name = "control shuffled labels final minus input vote largest"
        found[name] = max(most, key=lambda e: e.value)
    return _defined(found)


def by_sgd_alone(study: Study) -> dict[str, Observed]:
    """Compare the two losses where both were trained with SGD, in words of their own."""
    if not {CE_SGD, HINGE_SGD} <= set(study.settings):
        return {}
    pair, how = (CE_SGD, HINGE_SGD), "both with SGD"
    ends = [study.draws(half_gains(study, s), s) for s in pair]
    later = _estimate(ends[1] - ends[0], _fewest(study, pair), "layer")
    less = _difference(study, "accuracy_test", *pair, "fraction")
    shrunk = _logarithms(study, *pair).values()
    found = {
        "B24": {f"accuracy, cross-entropy minus 0-hinge, {how}": less},
        "B26": {
            f"orders of magnitude from cross-entropy to 0-hinge margin, {how}": e for e in shrunk
        },
        "B28": {f"half-gain layer, 0-hinge minus cross-entropy, {how}": later},
    }
    return {key: kept for key, seen in found.items() if (kept := _defined(seen))}


def half_gains(study: Study, setting: str) -> Floats:
    """Find the half-gain layer of each network of a setting: (member,), NaN without a gain."""
    return np.array([half_gain_layer(v) for v in study.of("probe_accuracy_train", setting)])


def _falling(study: Study, name: str, what: str, unit: str) -> Observed:
    """Subtract each setting's number from the one before, where both are there."""
    return _defined(
        {
            f"{a} minus {b} {what}": _difference(study, name, a, b, unit)
            for a, b in pairwise((CE_SGD, CE_GD, HINGE_SGD, HINGE_GD))
            if {a, b} <= set(study.settings)
        }
    )


def _difference(study: Study, name: str, a: str, b: str, unit: str) -> Estimate:
    draws = [study.draws(study.of(name, s), s) for s in (a, b)]
    return _estimate(draws[0] - draws[1], _fewest(study, (a, b)), unit)


def _mean(study: Study, name: str, setting: str, unit: str) -> Estimate:
    values = study.of(name, setting)
    return _estimate(study.draws(values, setting), len(values), unit)


def _logarithms(study: Study, a: str, b: str) -> Observed:
    """Take the decimal logarithm of a ratio of mean margins, under the name of B26's check."""
    if not {a, b} <= set(study.settings):
        return {}
    draws = [_positive(study.draws(study.of("final_margin", s), s)) for s in (a, b)]
    seen = _estimate(np.log10(draws[0]) - np.log10(draws[1]), _fewest(study, (a, b)), "1")
    return _defined({"orders of magnitude from ce-sgd to 0-hinge-gd margin": seen})


def _positive(values: Floats) -> Floats:
    """Leave out draws of a mean margin that are not above 0, of which there is no ratio."""
    return np.where(values > 0, values, np.nan)


def _between_seeds(study: Study) -> tuple[float, int] | None:
    """Find the largest ratio of margins of two networks of one setting, and the least count."""
    found = [study.of("final_margin", s) for s in study.settings if len(study.members(s)) > 1]
    known = [v for v in found if np.isfinite(v).all() and (v > 0).all()]
    if not known:
        return None
    return max(float(v.max() / v.min()) for v in known), min(len(v) for v in known)


def _fewest(study: Study, settings: tuple[str, ...]) -> int:
    return min(len(study.members(s)) for s in settings)


def _estimate(draws: Floats, n: int, unit: str) -> Estimate:
    # rounded, since means of equal numbers differ by rounding, which is no interval
    if not np.isfinite(draws[0]):
        return Estimate(np.nan, np.nan, np.nan, n, unit, SEEDS)
    if n < FEWEST:  # no interval is claimed of two networks
        return Estimate.exact(float(draws[0].round(9)), n, unit)
    return estimate(draws.round(9), n, unit, SEEDS)


def _defined(found: Observed) -> Observed:
    return {name: e for name, e in found.items() if e.defined}
