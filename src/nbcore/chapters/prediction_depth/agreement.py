"""Chapter 3's statistics over members and examples, each with its bootstrap.

Draw 0 of every array of draws is what was observed; the other draws take examples (and, where said,
members) with replacement.
"""

from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nbcore.depths.view import ROLES, EnsembleView
from nbcore.measures.bootstrap import estimate
from nbcore.measures.estimate import Estimate

Floats = NDArray[np.float64]

#: correlations over fewer examples than this are not shown
ENOUGH = 20


def spearman_draws(rows: Floats, resamples: int, seed: int = 0) -> Floats:
    """Compute rank correlations between rows (row, example), over examples that all rows know.

    Returns (draw, row, row); all entries of one draw come from the same examples. NaN with fewer
    than 20 of them, or where a row is constant.
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


def between_seeds(view: EnsembleView, role: str, resamples: int) -> Floats:
    """Correlate the mean depths of two halves of an ensemble that share no member, (draw,)."""
    halves = [view.in_half(h) for h in (0, 1)]
    if not all(half.any() for half in halves):  # fewer members than one round of splits
        halves = [np.arange(view.size) % 2 == h for h in (0, 1)]
    if view.size < 2:
        return np.full(resamples + 1, np.nan)
    rows = [view.mean_depth(role, half) for half in halves]
    return spearman_draws(np.stack(rows), resamples)[:, 0, 1]


def between_networks(ensembles: list[EnsembleView], role: str, resamples: int) -> Floats:
    """Correlate mean depths over equally many members of each network, (draw, network, network).

    Equally many, because a mean over few members is noisier and correlates less with anything.
    """
    fewest = min(view.size for view in ensembles)
    rows = [view.some(slice(fewest)).mean_depth(role) for view in ensembles]
    return spearman_draws(np.stack(rows), resamples)


def between_single(first: EnsembleView, second: EnsembleView | None = None, most: int = 5) -> float:
    """Compute the mean correlation of two single networks' training depths, over pairs of them."""
    a = first.depths("train")[:most]
    b = None if second is None else second.depths("train")[:most]
    pairs = list(combinations(a, 2)) if b is None else list(product(a, b))
    seen = np.array([spearman_draws(np.stack(pair), 0)[0, 0, 1] for pair in pairs])
    return float(seen[~np.isnan(seen)].mean()) if np.isfinite(seen).any() else np.nan


def shuffled(view: EnsembleView, role: str, seed: int = 0) -> float:
    """Compute the control: correlate mean depths with the same depths, shuffled among examples."""
    row = view.mean_depth(role)
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


def agreement(ensembles: dict[str, EnsembleView], resamples: int) -> list[Pair]:
    """Correlate every pair that can be compared, by data set and split.

    First pairs of two networks, then of two halves of one ensemble. ensembles: by DATASET:NETWORK;
    those of one data set are on the same examples.
    """
    splits = {k: view.some(view.split) for k, view in ensembles.items() if view.networks}
    pairs: list[Pair] = []
    for dataset in dict.fromkeys(k.rpartition(":")[0] for k in splits):
        own = {k.rpartition(":")[2]: v for k, v in splits.items() if k.startswith(f"{dataset}:")}
        fewest = min(view.size for view in own.values())
        for role, words in ROLES.items():
            common = between_networks(list(own.values()), role, resamples)
            found = [
                ((a, b), fewest, common[:, i, j])
                for (i, a), (j, b) in combinations(enumerate(own), 2)
            ]
            found += [
                ((a, a), view.size // 2, between_seeds(view, role, resamples))
                for a, view in own.items()
            ]
            for (a, b), n, draws in found:
                if np.isfinite(draws[0]):
                    single = np.nan
                    if role == "train":
                        single = between_single(own[a], None if a == b else own[b])
                    pairs.append(
                        Pair(
                            dataset,
                            words,
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
