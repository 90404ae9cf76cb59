"""Chapter 3's statistics over members and examples, each with its bootstrap.

Depths come as a run's table `members` holds them: whole numbers, -1 where undefined. Draw 0 of
every array of draws is what was observed; the other draws take examples (and, where said, members)
with replacement.
"""

from functools import lru_cache
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from nbcore.claims import Estimate
from nbcore.measures.agreement import held_out_mean
from nbcore.runs.line import interval

Floats = NDArray[np.float64]
ROLES = ("training", "validation")

#: correlations over fewer examples than this are not shown
ENOUGH = 20


def estimate(draws: Floats, n: int, unit: str = "fraction") -> Estimate:
    """The observed value (draw 0) and the others' 95 % interval, widened to hold it."""
    low, high = interval(draws[1:])
    value = float(draws[0])
    return Estimate(value, min(low, value), max(high, value), n, unit)


def of_kind(members: xr.Dataset, kind: str) -> xr.Dataset:
    """The members on random splits ("split") or on the whole pool ("full")."""
    full = members["half"].values < 0
    return members.isel(member=np.flatnonzero(full if kind == "full" else ~full))


def trained_fully(members: xr.Dataset) -> xr.Dataset:
    """The members on the whole pool where there are any, else all."""
    full = of_kind(members, "full")
    return full if full.sizes["member"] else members


def depths(members: xr.Dataset, role: str = "training") -> Floats:
    """(member, example) depths in this role; NaN where undefined or in the other role."""
    held, depth = members["held_out"].values, members["depth"].values.astype(float)
    own = held if role == "validation" else ~held
    return np.where(own & (depth >= 0), depth, np.nan)


def mean_depth(members: xr.Dataset, role: str = "training") -> Floats:
    """(example,) mean over the members that have the example in this role; NaN: none has."""
    known = depths(members, role)
    return held_out_mean(known, ~np.isnan(known))


@lru_cache(maxsize=6)
def weights(n: int, resamples: int, seed: int = 0) -> NDArray[np.float32]:
    """(1 + resamples, n): ones, then how often each of n was drawn with replacement."""
    rng = np.random.default_rng([seed, n])
    drawn = (np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(resamples))
    return np.stack([np.ones(n), *drawn]).astype(np.float32)


def mean_draws(values: Floats, resamples: int, seed: int = 0) -> Floats:
    """(draw,) mean over members of the mean over examples of (member, example); NaN is left out.

    Both members and examples are drawn; of the examples every member gets the same.
    """
    known, w = ~np.isnan(values), weights(values.shape[1], resamples, seed)
    total = w @ np.where(known, values, 0.0).astype(np.float32).T
    per_member = total / np.maximum(w @ known.astype(np.float32).T, 1)
    by = weights(len(values), resamples, seed + 1)
    return (by * per_member).sum(1).astype(float) / by.sum(1)


def auroc_draws(scores: Floats, wrong: NDArray[np.bool_], resamples: int, seed: int = 0) -> Floats:
    """(draw,) mean over members of the chance that a wrong example's score is the larger one.

    scores (member, example), NaN left out; wrong (example,). Ties count half, as in scikit-learn's
    roc_auc_score. Members and examples are drawn.
    """
    w, out = weights(scores.shape[1], resamples, seed), []
    for score in scores:
        known = ~np.isnan(score)
        levels, at = np.unique(score[known], return_inverse=True)
        place = np.eye(len(levels), dtype=np.float32)[at]
        bad, good = wrong[known], ~wrong[known]
        below = w[:, known][:, good] @ place[good]
        above = w[:, known][:, bad] @ place[bad]
        beaten = np.cumsum(below, 1, dtype=float) - below / 2
        out.append((above * beaten).sum(1) / (above.sum(1, dtype=float) * below.sum(1)))
    by = weights(len(scores), resamples, seed + 1)
    return (by * np.stack(out, 1)).sum(1) / by.sum(1)


def roc(score: Floats, wrong: NDArray[np.bool_]) -> pd.DataFrame:
    """False alarms (x) and hits (y) of "at least so deep", for every depth from deep to shallow."""
    known = ~np.isnan(score)
    marks = np.unique(score[known])[::-1]
    rates = [[(score[known & part] >= mark).mean() for mark in marks] for part in (~wrong, wrong)]
    return pd.DataFrame({"x": [0.0, *rates[0]], "y": [0.0, *rates[1]]})


def spearman_draws(rows: Floats, resamples: int, seed: int = 0) -> Floats:
    """(draw, row, row) rank correlations of (row, example), over examples that all rows know.

    All entries of one draw come from the same examples. NaN with fewer than 20 of them.
    """
    known = rows[:, ~np.isnan(rows).any(0)]
    n = known.shape[1]
    out = np.full((resamples + 1, len(rows), len(rows)), np.nan)
    if n < ENOUGH or (np.ptp(known, axis=1) == 0).any():
        return out
    rng = np.random.default_rng([seed, n])
    for draw in range(resamples + 1):
        pick = rng.integers(0, n, n) if draw else slice(None)
        out[draw] = np.corrcoef(stats.rankdata(known[:, pick], axis=1))
    return out


def between_seeds(members: xr.Dataset, role: str, resamples: int) -> Floats:
    """(draw,) correlation of the mean depths of two halves of an ensemble that share no member."""
    half = members["half"].values
    if min((half == 0).sum(), (half == 1).sum()) == 0:  # fewer members than one round of splits
        half = np.arange(len(half)) % 2
    if len(half) < 2:
        return np.full(resamples + 1, np.nan)
    rows = [mean_depth(members.isel(member=np.flatnonzero(half == h)), role) for h in (0, 1)]
    return spearman_draws(np.stack(rows), resamples)[:, 0, 1]


def between_networks(ensembles: list[xr.Dataset], role: str, resamples: int) -> Floats:
    """(draw, network, network) correlations of mean depths over equally many members each.

    Equally many, because a mean over few members is noisier and correlates less with anything.
    """
    fewest = min(m.sizes["member"] for m in ensembles)
    rows = [mean_depth(m.isel(member=slice(fewest)), role) for m in ensembles]
    return spearman_draws(np.stack(rows), resamples)


def between_single(first: xr.Dataset, second: xr.Dataset | None = None, most: int = 5) -> float:
    """Mean correlation of two single networks' training depths, over pairs of them."""
    a = depths(first.isel(member=slice(most)))
    b = None if second is None else depths(second.isel(member=slice(most)))
    pairs = list(combinations(a, 2)) if b is None else list(product(a, b))
    seen = np.array([spearman_draws(np.stack(pair), 0)[0, 0, 1] for pair in pairs])
    return float(seen[~np.isnan(seen)].mean()) if np.isfinite(seen).any() else np.nan


def shuffled(members: xr.Dataset, role: str, seed: int = 0) -> float:
    """The control: correlation of mean depths with the same depths, shuffled among examples."""
    row = mean_depth(members, role)
    row = row[~np.isnan(row)]
    mixed = np.random.default_rng(seed).permutation(row)
    return float(spearman_draws(np.stack([row, mixed]), 0)[0, 0, 1])


class Pair(NamedTuple):
    """The rank correlation of mean depths between two networks, or two halves of one ensemble.

    networks: members in each mean; single: mean correlation of two single networks (training
    only, else NaN); shuffled: the control; draws: (draw,), `seen` their estimate.
    """

    dataset: str
    split: str
    first: str
    second: str
    networks: int
    single: float
    shuffled: float
    draws: Floats
    seen: Estimate

    @property
    def same(self) -> bool:
        """Whether only the seeds differ."""
        return self.first == self.second


def agreement(ensembles: dict[str, xr.Dataset], resamples: int) -> list[Pair]:
    """Every pair that can be compared, by data set and split; two networks, then two halves.

    ensembles: DATASET:NETWORK -> table `members`, networks of one data set on the same examples.
    """
    splits = {k: of_kind(m, "split") for k, m in ensembles.items()}
    splits = {k: m for k, m in splits.items() if m.sizes["member"]}
    pairs: list[Pair] = []
    for dataset in dict.fromkeys(k.rpartition(":")[0] for k in splits):
        own = {k.rpartition(":")[2]: m for k, m in splits.items() if k.startswith(f"{dataset}:")}
        fewest = min(m.sizes["member"] for m in own.values())
        for role in ROLES:
            common = between_networks(list(own.values()), role, resamples)
            found = [
                ((a, b), fewest, common[:, i, j])
                for (i, a), (j, b) in combinations(enumerate(own), 2)
            ]
            found += [
                ((a, a), m.sizes["member"] // 2, between_seeds(m, role, resamples))
                for a, m in own.items()
            ]
            for (a, b), n, draws in found:
                if np.isfinite(draws).all():
                    single = np.nan
                    if role == "training":
                        single = between_single(own[a], None if a == b else own[b])
                    pairs.append(
                        Pair(
                            dataset,
                            role,
                            a,
                            b,
                            n,
                            single,
                            shuffled(own[a], role),
                            draws,
                            estimate(draws, 2 * n, "1"),
                        )
                    )
    return pairs


def curve_correlation(first: Floats, second: Floats) -> Estimate:
    """Spearman correlation of two curves over relative depth, at the places of the shorter one.

    The interval is Fisher's with Bonett and Wright's standard error, as if places were independent.
    """
    short, long = sorted((first, second), key=len)
    at = np.interp(np.linspace(0, 1, len(short)), np.linspace(0, 1, len(long)), long)
    rho = float(stats.spearmanr(short, at).statistic)
    z = np.arctanh(np.clip(rho, -0.9999, 0.9999))
    half = 1.959964 * np.sqrt((1 + rho**2 / 2) / (len(short) - 3))
    low, high = (float(np.tanh(z + s * half)) for s in (-1, 1))
    return Estimate(rho, min(low, rho), max(high, rho), len(short), "1")
