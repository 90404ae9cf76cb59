"""Chapter 2's observations: what is recorded in the ledger, and the tables of the page."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from nbcore import claims
from nbcore.chapters.rise_and_fall.config import RiseAndFall, conditions
from nbcore.claims import Observation
from nbcore.lines.curves import Curve, Study, at_equal_accuracy, peak_spreads
from nbcore.lines.tables import _at_peak, words
from nbcore.measures.bootstrap import estimate
from nbcore.measures.estimate import Estimate
from nbcore.runs import config as presets

Observed = dict[str, Estimate]
#: bins of ID accuracy in which runs are averaged (ER appendix B.5)
BINS = 100


def record(study: Study, config: RiseAndFall, preset: str) -> dict[str, Observation]:
    """Record every claim whose conditions were run; the whole network is the main condition."""
    c = study.curves
    rates = [n for n in c if n == "last-layer" or n.startswith("last-layer-lr-")]
    parts: dict[str, tuple[set[str], Callable[[], Observed]]] = {
        "A5": ({"full", "random"}, lambda: _peaks(c)),
        "A6": ({"random"}, lambda: {"largest excess over the interval": _largest(_random(c))}),
        "A7": ({"full"}, lambda: _rise_and_fall(c["full"])),
        "A8": ({"full"}, lambda: _vanishing(c["full"])),
        "A11": ({"last-layer"}, lambda: _rates([c[n] for n in rates])),
        "A12": ({"last-layer", "last-layer-mse"}, lambda: _losses(c)),
        "A13": (
            {"full", "last-layer"},
            lambda: _last_layer(c["full"], c.get("last-layer-small", c["last-layer"])),
        ),
        "A36": ({"last-layer"}, lambda: _gap_share(c["last-layer"])),
        "A38": ({"random", "random-small"}, lambda: _sizes(c["random"], c["random-small"])),
    }
    if config.checkpoints >= BINS:
        parts["A18"] = ({"full", "last-layer"}, lambda: _spreads(_pretrained(c, config)))
    ready = {k for k, curve in c.items() if curve.covered.any()}
    claims.forget(config.slug)
    return {
        key: claims.record(
            key,
            observe(),
            run=study.run,
            subject=config.subject,
            preset=preset,
            setup=config.setup(key),
        )
        for key, (needs, observe) in parts.items()
        if needs <= ready and (key != "A11" or len(rates) > 1)
    }


def _random(curves: dict[str, Curve]) -> list[Curve]:
    return [v for k, v in curves.items() if k.startswith("random") and v.covered.any()]


def _pretrained(curves: dict[str, Curve], config: RiseAndFall) -> list[Curve]:
    table = conditions(config)
    return [v for k, v in curves.items() if table[k].pretrained and v.covered.any()]


def _largest(curves: list[Curve]) -> Estimate:
    """The largest excess over the chance band of any curve at any covered checkpoint."""
    best = max(curves, key=lambda c: np.nanmax(c.excess()[0]))
    at = int(np.nanargmax(best.excess()[0]))
    return estimate(best.excess()[:, at], best.seeds, "fraction")


def _peaks(c: dict[str, Curve]) -> Observed:
    full = c["full"]
    rival = max(_random(c), key=lambda r: r.er[0, r.peak])
    return {
        "smallest peak excess over the interval": estimate(
            full.excess()[:, full.peak], full.seeds, "fraction"
        ),
        "smallest peak difference to random initialisation": estimate(
            _at_peak(full) - _at_peak(rival), full.seeds, "fraction"
        ),
    }


def _rise_and_fall(c: Curve, prefix: str = "") -> Observed:
    return {
        f"{prefix}rise from start to peak": estimate(
            _at_peak(c) - c.er[:, c.start], c.seeds, "fraction"
        ),
        f"{prefix}fall from peak to end": estimate(
            _at_peak(c) - c.er[:, c.end], c.seeds, "fraction"
        ),
    }


def _vanishing(c: Curve) -> Observed:
    excess = c.excess()
    return {
        f"cifar shift {what} excess over the interval": estimate(excess[:, at], c.seeds, "fraction")
        for what, at in (("peak", c.peak), ("end", c.end))
    }


def _losses(c: dict[str, Curve]) -> Observed:
    squared = _rise_and_fall(c["last-layer-mse"], "squared error ")
    return squared | _rise_and_fall(c["last-layer"], "cross-entropy ")


def _beyond(a: Curve, b: Curve) -> np.ndarray:
    """How much the peaks differ beyond the testbed's interval, per draw."""
    return np.abs(_at_peak(a) - _at_peak(b)) - max(a.band[a.peak], b.band[b.peak])


def _rates(curves: list[Curve]) -> Observed:
    pairs = [_beyond(a, b) for a, b in combinations(curves, 2) if a.covered.any() * b.covered.any()]
    worst = max(pairs, key=lambda d: d[0])
    return {
        "largest peak difference beyond the interval": estimate(worst, curves[0].seeds, "fraction")
    }


def _last_layer(full: Curve, last: Curve) -> Observed:
    name = "smallest full minus last-layer final accuracy"
    return {
        "largest peak difference beyond the interval": estimate(
            _beyond(full, last), full.seeds, "fraction"
        ),
        name: estimate(full.id[:, -1] - last.id[:, -1], full.seeds, "fraction"),
    }


def _spreads(curves: list[Curve], resamples: int = 500) -> Observed:
    """Over conditions: how much each error bar varies; the seeds of each condition are redrawn."""
    rng = np.random.default_rng(0)
    draws = []
    for draw in range(resamples + 1):
        bars = []
        for c in curves:
            pick = rng.integers(0, c.seeds, c.seeds) if draw else np.arange(c.seeds)
            again = Curve(
                **{**vars(c), "id_by_seed": c.id_by_seed[pick], "er_by_seed": c.er_by_seed[pick]}
            )
            bars.append(peak_spreads(again))
        at_peak, largest = np.std(bars, axis=0, ddof=1)
        draws.append(at_peak - largest)
    name = "with 100 checkpoints or more, spread of the peak-bin minus that of the largest"
    return {name: estimate(np.array(draws), len(curves), "fraction")}


def _gap_share(c: Curve) -> Observed:
    shares = c.gap_share[:, c.covered]
    order = np.arange(shares.shape[1])
    draws = [stats.spearmanr(order, row, nan_policy="omit").statistic for row in shares]
    name = "last-layer spearman of gap share with checkpoint"
    return {name: estimate(np.nan_to_num(draws), c.seeds, "1")}


def _sizes(large: Curve, small: Curve) -> Observed:
    out = {
        "small images largest excess over the interval": _largest([small]),
        "large images largest excess over the interval": _largest([large]),
    }
    grid, difference = at_equal_accuracy(large, small)
    if len(grid):
        band = np.interp(grid, large.id[0], large.band)
        beyond = np.abs(difference) - band
        worst = beyond[:, int(np.argmax(beyond[0]))]
        out["largest difference beyond the interval"] = estimate(worst, large.seeds, "fraction")
    return out


def differences(study: Study, against: str = "full") -> pd.DataFrame:
    """Peak ER of each condition minus that of `against`, in points, paired over images."""
    base, rows = study.curves[against], []
    for c in study.curves.values():
        if c.name != against and c.covered.any():
            seen = estimate(_at_peak(c) - _at_peak(base), c.seeds, "fraction")
            rows.append(
                {
                    "category": words(c.name),
                    "value": 100 * seen.value,
                    "low": 100 * seen.low,
                    "high": 100 * seen.high,
                }
            )
    return pd.DataFrame(rows)


def parameters_table() -> pd.DataFrame:
    """The chapter's parameters with their value in each preset."""
    return pd.DataFrame(presets.describe("rise-and-fall"))
