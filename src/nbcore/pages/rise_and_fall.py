"""Chapter 2's observations: what is recorded in the ledger, and the tables of the page."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from nbcore import claims
from nbcore.claims import Estimate, Observation
from nbcore.models.pretrained import PAPER_MODELS
from nbcore.runs import presets
from nbcore.runs.conditions import RiseAndFall, conditions
from nbcore.runs.er_curves import Curve, Study, at_equal_accuracy, peak_spreads
from nbcore.runs.line import interval

Observed = dict[str, Estimate]

WORDS = {
    "last-layer": "last layer",
    "full": "whole network",
    "random": "random start",
    "random-small": "random start, small images",
    "last-layer-mse": "last layer, squared error",
    "last-layer-small": "last layer, small images",
}


def words(condition: str) -> str:
    """A condition as the page names it."""
    if condition in WORDS:
        return WORDS[condition]
    rate = float(condition.removeprefix("last-layer-lr-"))
    power = round(np.log10(rate))
    small = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"last layer, rate {f'10{small}' if np.isclose(rate, 10.0**power) else f'{rate:g}'}"


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
        "A18": ({"full", "last-layer"}, lambda: _spreads(_pretrained(c, config))),
        "A36": ({"full"}, lambda: _gap_share(c["full"])),
        "A38": ({"random", "random-small"}, lambda: _sizes(c["random"], c["random-small"])),
    }
    paper = config.model in PAPER_MODELS and config.ood == ("cifar10.1-v6",)
    ready = {k for k, curve in c.items() if curve.covered.any()}
    return {
        key: claims.record(
            key, observe(), run=study.run, preset=preset, setup="paper" if paper else "reduced"
        )
        for key, (needs, observe) in parts.items()
        if needs <= ready and (key != "A11" or len(rates) > 1)
    }


def estimate(draws: np.ndarray, n: int, unit: str = "fraction") -> Estimate:
    """The observed value (draw 0) and the percentile interval of the others, widened to hold it."""
    low, high = interval(draws[1:])
    value = float(draws[0])
    return Estimate(value, min(low, value), max(high, value), n, unit)


def _random(curves: dict[str, Curve]) -> list[Curve]:
    return [v for k, v in curves.items() if k.startswith("random") and v.covered.any()]


def _pretrained(curves: dict[str, Curve], config: RiseAndFall) -> list[Curve]:
    table = conditions(config)
    return [v for k, v in curves.items() if table[k].pretrained and v.covered.any()]


def _largest(curves: list[Curve]) -> Estimate:
    """The largest excess over the chance band of any curve at any covered checkpoint."""
    best = max(curves, key=lambda c: np.nanmax(c.excess()[0]))
    at = int(np.nanargmax(best.excess()[0]))
    return estimate(best.excess()[:, at], best.seeds)


def _at_peak(curve: Curve) -> np.ndarray:
    return curve.er[:, curve.peak]


def _peaks(c: dict[str, Curve]) -> Observed:
    full = c["full"]
    rival = max(_random(c), key=lambda r: r.er[0, r.peak])
    return {
        "smallest peak excess over the interval": estimate(full.excess()[:, full.peak], full.seeds),
        "smallest peak difference to random initialisation": estimate(
            _at_peak(full) - _at_peak(rival), full.seeds
        ),
    }


def _rise_and_fall(c: Curve, prefix: str = "") -> Observed:
    return {
        f"{prefix}rise from start to peak": estimate(_at_peak(c) - c.er[:, c.start], c.seeds),
        f"{prefix}fall from peak to end": estimate(_at_peak(c) - c.er[:, c.end], c.seeds),
    }


def _vanishing(c: Curve) -> Observed:
    excess = c.excess()
    return {
        f"cifar shift {what} excess over the interval": estimate(excess[:, at], c.seeds)
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
    return {"largest peak difference beyond the interval": estimate(worst, curves[0].seeds)}


def _last_layer(full: Curve, last: Curve) -> Observed:
    name = "smallest full minus last-layer final accuracy"
    return {
        "largest peak difference beyond the interval": estimate(_beyond(full, last), full.seeds),
        name: estimate(full.id[:, -1] - last.id[:, -1], full.seeds),
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
    name = "spread of the peak-bin minus spread of the largest standard deviation"
    return {name: estimate(np.array(draws), len(curves))}


def _gap_share(c: Curve) -> Observed:
    shares = c.gap_share[:, c.covered]
    order = np.arange(shares.shape[1])
    draws = [stats.spearmanr(order, row, nan_policy="omit").statistic for row in shares]
    name = "spearman of gap share with checkpoint"
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
        out["largest difference beyond the interval"] = estimate(worst, large.seeds)
    return out


def summary(study: Study, called: Callable[[str], str] = words) -> pd.DataFrame:
    """Per condition: accuracies at the end in percent; ER at start, peak and end, in points.

    called: how the page names a condition; also below.
    """
    rows = []
    for c in study.curves.values():
        row: dict[str, object] = {"condition": called(c.name), "seeds": c.seeds}
        row |= {"ID": f"{100 * c.id[0, -1]:.1f}", "OOD": f"{100 * c.ood[0, -1]:.1f}"}
        if c.covered.any():
            low, high = (100 * x for x in interval(c.er[1:, c.peak]))
            start, peak, end = (100 * c.er[0, at] for at in (c.start, c.peak, c.end))
            row |= {
                "start": f"{start:+.1f}",
                "peak": f"{peak:+.1f} [{low:+.1f}, {high:+.1f}]",
                "end": f"{end:+.1f}",
                "chance": f"{100 * c.band[c.peak]:.1f}",
            }
        rows.append(row)
    return pd.DataFrame(rows)


def differences(study: Study, against: str = "full") -> pd.DataFrame:
    """Peak ER of each condition minus that of `against`, in points, paired over images."""
    base, rows = study.curves[against], []
    for c in study.curves.values():
        if c.name != against and c.covered.any():
            seen = estimate(_at_peak(c) - _at_peak(base), c.seeds)
            rows.append(
                {
                    "category": words(c.name),
                    "value": 100 * seen.value,
                    "low": 100 * seen.low,
                    "high": 100 * seen.high,
                }
            )
    return pd.DataFrame(rows)


def control(study: Study, called: Callable[[str], str] = words) -> pd.DataFrame:
    """With shuffled labels: per condition the largest ER and the chance band there, in points."""
    rows = []
    for c in (c for c in study.curves.values() if c.covered.any()):
        rows.append(
            {
                "condition": called(c.name),
                "largest ER": 100 * _at_peak(c)[0],
                "chance band": 100 * c.band[c.peak],
            }
        )
    return pd.DataFrame(rows)


def parameters_table() -> pd.DataFrame:
    """The chapter's parameters with their value in each preset."""
    return pd.DataFrame(presets.describe("rise-and-fall"))
