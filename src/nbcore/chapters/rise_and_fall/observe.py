"""Chapter 2's observations: what is recorded in the ledger, and the tables of the page."""

from collections.abc import Callable
from itertools import combinations

import pandas as pd

from nbcore import claims
from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.claims import Observation
from nbcore.lines import compare
from nbcore.lines.curves import Curve, Study
from nbcore.lines.tables import words
from nbcore.measures.estimate import Estimate

Observed = dict[str, Estimate]


def record(study: Study, config: RiseAndFall, preset: str) -> dict[str, Observation]:
    """Record every claim whose conditions were run; the whole network is the main condition."""
    c = study.curves
    rates = [n for n in c if n == "last-layer" or n.startswith("last-layer-lr-")]
    parts: dict[str, tuple[set[str], Callable[[], Observed]]] = {
        "A5": ({"full", "random"}, lambda: _peaks(c)),
        "A6": (
            {"random"},
            lambda: {"largest excess over the interval": compare.ever_significant(_random(c))},
        ),
        "A7": ({"full"}, lambda: _rise_and_fall(c["full"])),
        "A8": ({"full"}, lambda: _vanishing(c["full"])),
        "A11": ({"last-layer"}, lambda: _rates([c[n] for n in rates])),
        "A12": ({"last-layer", "last-layer-mse"}, lambda: _losses(c)),
        "A13": (
            {"full", "last-layer"},
            lambda: _last_layer(c["full"], c.get("last-layer-small", c["last-layer"])),
        ),
        "A38": ({"random", "random-small"}, lambda: _sizes(c["random"], c["random-small"])),
    }
    ready = {k for k, curve in c.items() if curve.covered.any()}
    claims.forget(config.slug)
    return {
        key: claims.record(
            key,
            seen,
            run=study.run,
            subject=config.subject,
            preset=preset,
            setup=config.setup(key),
            doubt=study.doubt(key),
        )
        for key, (needs, observe) in parts.items()
        if needs <= ready and (key != "A11" or len(rates) > 1) and (seen := observe())
    }


def _random(curves: dict[str, Curve]) -> list[Curve]:
    return [v for k, v in curves.items() if k.startswith("random") and v.covered.any()]


def _peaks(c: dict[str, Curve]) -> Observed:
    full, rivals = c["full"], _random(c)
    level = compare.jointly(len(rivals))
    return {
        "smallest peak excess over the interval": _peak_excess(full),
        "smallest peak difference to random initialisation": compare.least(
            [compare.peak_difference(full, rival, level) for rival in rivals]
        ),
    }


def _peak_excess(c: Curve) -> Estimate:
    return compare.shifted(compare.peak(c), -c.band[c.peak])


def _rise_and_fall(c: Curve, prefix: str = "") -> Observed:
    return {
        f"{prefix}rise from start to peak": compare.rise(c),
        f"{prefix}fall from peak to end": compare.fall(c),
    }


def _vanishing(c: Curve) -> Observed:
    return {
        "cifar shift peak excess over the interval": _peak_excess(c),
        "cifar shift end excess over the interval": compare.number(c.excess()[:, c.end], c),
    }


def _losses(c: dict[str, Curve]) -> Observed:
    squared = _rise_and_fall(c["last-layer-mse"], "squared error ")
    return squared | _rise_and_fall(c["last-layer"], "cross-entropy ")


def _rates(curves: list[Curve]) -> Observed:
    pairs = [(a, b) for a, b in combinations(curves, 2) if a.covered.any() and b.covered.any()]
    level = compare.jointly(len(pairs))
    return {
        "largest peak difference beyond the interval": compare.largest(
            [compare.beyond(a, b, level) for a, b in pairs]
        )
    }


def _last_layer(full: Curve, last: Curve) -> Observed:
    return {
        "largest peak difference beyond the interval": compare.beyond(full, last),
        "smallest full minus last-layer final accuracy": compare.number(
            full.id[:, -1] - last.id[:, -1], full, last
        ),
    }


def _sizes(large: Curve, small: Curve) -> Observed:
    out = {
        "small images largest excess over the interval": compare.ever_significant([small]),
        "large images largest excess over the interval": compare.ever_significant([large]),
    }
    parts = [compare.at_equal_accuracy(a, b) for a, b in ((large, small), (small, large))]
    if any(len(d.at) for d in parts):
        name = "largest difference beyond the interval"
        out[name] = compare.largest_beyond(parts, large, small)
    return out


def differences(study: Study, against: str = "full") -> pd.DataFrame:
    """Tabulate each condition's peak ER minus that of `against`, in points.

    Columns category, value, low, high; see `compare.peak_difference`.
    """
    base, rows = study.curves[against], []
    for c in study.curves.values():
        if c.name != against and c.covered.any():
            seen = compare.peak_difference(c, base)
            rows.append(
                {
                    "category": words(c.name),
                    "value": 100 * seen.value,
                    "low": 100 * seen.low,
                    "high": 100 * seen.high,
                }
            )
    return pd.DataFrame(rows)
