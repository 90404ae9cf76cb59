"""Chapter 5's statistics: correlations and profiles over depths, with a bootstrap over examples.

Every function takes `weights` (draw, example): how often each example was drawn. Draw 0 is the
observed sample, all ones, so that value and interval come from one and the same computation.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from nbcore.measures.bootstrap import Floats
from nbcore.measures.cscores import spearman
from nbcore.measures.estimate import Estimate

#: fewer examples than this at one depth are not averaged
ENOUGH = 20
_CELLS = 2_000_000  # draws x examples worked on at once: 16 MB an array


def correlation(
    x: ArrayLike,
    y: ArrayLike,
    weights: NDArray,
    *,
    ranks: bool = True,
    within: ArrayLike | None = None,
) -> Floats:
    """Compute Spearman's (ranks) or Pearson's correlation of x and y (example,): (draw,).

    Ranks are formed anew in every draw, ties sharing their mean rank. within: strata (example,) of
    whole numbers; their mean is taken out of both variables first, so that only differences inside
    a stratum count. Examples with a value that is not finite are left out. NaN where a variable
    does not vary.
    """
    a, b = np.asarray(x, float), np.asarray(y, float)
    known = np.isfinite(a) & np.isfinite(b)
    a, b, kept = a[known], b[known], weights[:, known]
    strata = None
    if within is not None:
        strata = np.unique(np.asarray(within)[known], return_inverse=True)[1]
    if len(a) < 3:
        return np.full(len(weights), np.nan)
    step = max(_CELLS // len(a), 1)
    parts = [kept[i : i + step].astype(float) for i in range(0, len(kept), step)]
    return np.concatenate([_correlate(a, b, w, ranks, strata) for w in parts])


def shuffled(
    x: ArrayLike, y: ArrayLike, resamples: int, *, ranks: bool = True, seed: int = 0
) -> Floats:
    """Correlate x with y shuffled among the examples, each time anew: (1 + resamples,)."""
    pair = np.stack([np.asarray(x, float), np.asarray(y, float)])
    pair = pair[:, np.isfinite(pair).all(0)]
    if pair.shape[1] < 3:
        return np.full(resamples + 1, np.nan)
    u, v = (z - z.mean() for z in (stats.rankdata(pair, axis=1) if ranks else pair))
    rng = np.random.default_rng([seed, 4])
    with np.errstate(invalid="ignore"):
        return np.array([rng.permutation(u) @ v for _ in range(resamples + 1)]) / np.sqrt(
            (u @ u) * (v @ v)
        )


def _correlate(x: Floats, y: Floats, w: Floats, ranks: bool, strata: NDArray | None) -> Floats:
    u, v = ((_ranks(z, w) if ranks else np.broadcast_to(z, w.shape)) for z in (x, y))
    groups = np.zeros(len(x), int) if strata is None else strata
    u, v = (z - _group_means(z, w, groups) for z in (u, v))
    uu, vv, uv = ((w * p).sum(1) for p in (u * u, v * v, u * v))
    with np.errstate(invalid="ignore", divide="ignore"):
        flat = (uu <= 1e-9) | (vv <= 1e-9)
        return np.where(flat, np.nan, uv / np.sqrt(uu * vv))


def _ranks(x: Floats, w: Floats) -> Floats:
    """Rank (draw, example) in the sample where example i occurs w[., i] times; ties share."""
    _, place = np.unique(x, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(place.max() + 1))
    tied = np.add.reduceat(w[:, order], starts, axis=1)
    return (np.cumsum(tied, axis=1) - tied / 2 + 0.5)[:, place]


def _group_means(x: Floats, w: Floats, groups: NDArray) -> Floats:
    member = np.eye(groups.max() + 1)[groups]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (w * x) @ member / (w @ member)
    return np.nan_to_num(means)[:, groups]


def profile(sums: Floats, counts: Floats, weights: NDArray) -> Floats:
    """Compute (draw, depth) means of what each example contributes: sums, counts (example, depth).

    NaN at depths to which fewer than `ENOUGH` examples contribute.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ sums) / (weights @ counts)
    return np.where((counts > 0).sum(0) >= ENOUGH, means, np.nan)


def spread(x: ArrayLike, bins: NDArray, n_bins: int, weights: NDArray) -> Floats:
    """Compute the (draw, bin) variance of x (example,) in each bin; NaN as in `profile`."""
    values = np.asarray(x, float)
    known = np.isfinite(values)
    member = np.eye(n_bins)[bins] * known[:, None]
    centre = values[known].mean() if known.any() else 0.0  # of large numbers too, to full precision
    values = np.where(known, values - centre, 0.0)[:, None]
    total = weights @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = weights @ (member * values) / total
        out = (weights @ (member * values**2) / total - mean**2) * total / (total - 1)
    return np.where(member.sum(0) >= ENOUGH, out, np.nan)


def over_depths(curves: Floats) -> Floats:
    """Correlate curves (draw, depth) with depth (Spearman), NaN depths left out: (draw,)."""
    known = ~np.isnan(curves[0])
    if known.sum() < 3:
        return np.full(len(curves), np.nan)
    rank = stats.rankdata(curves[:, known], axis=1, nan_policy="omit")
    depth = np.broadcast_to(np.arange(known.sum(), dtype=float), rank.shape)
    u, v = (z - z.mean(1, keepdims=True) for z in (rank, depth))
    with np.errstate(invalid="ignore"):
        return (u * v).sum(1) / np.sqrt((u**2).sum(1) * (v**2).sum(1))


def curve_correlation(first: Floats, second: Floats) -> Estimate:
    """Correlate two curves over relative depth (Spearman), at the places of the shorter one.

    The interval is Fisher's with Bonett and Wright's standard error, as if places were independent.
    NaN where a curve is flat; the interval is NaN for fewer than four places.
    """
    short, long = sorted((first, second), key=len)
    at = np.interp(np.linspace(0, 1, len(short)), np.linspace(0, 1, len(long)), long)
    rho, n = spearman(short, at), len(short)
    z = np.arctanh(np.clip(rho, -0.9999, 0.9999))
    half = 1.959964 * np.sqrt((1 + rho**2 / 2) / (n - 3)) if n > 3 else np.nan
    low, high = (float(np.tanh(z + s * half)) for s in (-1, 1))
    return Estimate(rho, min(low, rho), max(high, rho), n, "1", "probes, as if independent")
