"""Which labels to doubt: a rule on the papers' measures, and how often such suggestions are right.

The scores take any set of suggestions and any ranking, so that the rule and a library's can be
compared on the same examples.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

KEEP, INSPECT, RELABEL = ACTIONS = ("keep", "inspect", "relabel")


class Estimate(NamedTuple):
    """A number and its interval; NaN where it is undefined, such as the precision of no guess."""

    value: float
    low: float
    high: float


def suggest(
    labels: ArrayLike,
    consensus: ArrayLike,
    agreement: ArrayLike,
    depth_val: ArrayLike,
    depth_train: ArrayLike,
    last_probe: int,
    *,
    min_agreement: float = 2 / 3,
    min_gap: float = 0.0,
) -> NDArray[np.str_]:
    """Say what to do with each label: "keep", "inspect" or "relabel"; "" where unknown: (example,).

    relabel, to the consensus class: the example looks like another class (PD §4, the corner of
    early validation and late training depth). Three things are true of it. The networks that were
    not trained on it see another class: consensus ≠ label. They agree: its consensus-consistency is
    `min_agreement` or more. And they see it earlier than the networks that had to learn the label:
    its mean depth in training exceeds that in validation by more than `min_gap` of the network.
    inspect: any other doubt. Another consensus without such agreement or depths (this is where the
    examples are that are ambiguous unless labelled), or no agreement on the label itself.
    keep: held-out networks agree on the label. "": never held out, so nobody was asked.

    labels, consensus (-1: never held out), agreement in (0, 1] (consensus-consistency), depth_val,
    depth_train (mean depths from 0 to last_probe, NaN: undefined): (example,) each. The defaults:
    two of three networks, and any difference in the depths' right direction.
    """
    label, seen = np.asarray(labels), np.asarray(consensus)
    agree = np.asarray(agreement, float)
    gap = depth_gap(depth_val, depth_train, last_probe)
    if not label.shape == seen.shape == agree.shape == gap.shape or label.ndim != 1:
        raise ValueError(
            "suggest needs one label, consensus, agreement and pair of depths an example, not "
            f"{label.shape}, {seen.shape}, {agree.shape} and {gap.shape}."
        )
    agreed, other = agree >= min_agreement, seen != label
    out = np.where(agreed & ~other, KEEP, INSPECT)
    out = np.where(agreed & other & (gap > min_gap), RELABEL, out)  # no gap where NaN
    return np.where(seen < 0, "", out)


def doubt(
    labels: ArrayLike,
    consensus: ArrayLike,
    agreement: ArrayLike,
    depth_val: ArrayLike,
    depth_train: ArrayLike,
    last_probe: int,
) -> NDArray[np.float64]:
    """Put what `suggest` rests on into one number from -2 to 2: the larger, the more for relabel.

    Returns (example,). Agreement, counted negative where it is on the label, plus the gap of the
    depths as a share of the network (0 where one is undefined). NaN where never held out. Arguments
    as `suggest`.
    """
    seen, agree = np.asarray(consensus), np.asarray(agreement, float)
    gap = np.nan_to_num(depth_gap(depth_val, depth_train, last_probe))
    side = np.where(seen == np.asarray(labels), -1.0, 1.0)
    return np.where(seen < 0, np.nan, side * agree + gap)


def depth_gap(depth_val: ArrayLike, depth_train: ArrayLike, last_probe: int) -> NDArray[np.float64]:
    """Measure how much later a prediction is made in training than held out, in [-1, 1].

    Returns (example,).
    """
    if last_probe < 1:
        raise ValueError(f"A network has a last probe from 1, not {last_probe}.")
    return (np.asarray(depth_train, float) - np.asarray(depth_val, float)) / last_probe


def wilson_interval(successes: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's score interval of a share; (0, 1) of none."""
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} successes of {total} cannot be.")
    if total == 0:
        return 0.0, 1.0
    z, p = ndtri((1 + level) / 2), successes / total
    middle, shrink = p + z * z / (2 * total), 1 + z * z / total
    half = z * np.sqrt(p * (1 - p) / total + z * z / (4 * total**2))
    # at the ends rounding would leave the exact 0 or 1 outside
    low = 0.0 if successes == 0 else (middle - half) / shrink
    return float(low), 1.0 if successes == total else float((middle + half) / shrink)


def score(
    suggested: ArrayLike,
    wrong: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Compute precision, recall and F1 of suggestions (example,) bool against known wrong labels.

    Returns {"precision", "recall", "f1"}; precision and recall with Wilson's interval, F1 with that
    of a bootstrap over examples. Precision is NaN without a suggestion, recall without a wrong
    label, F1 without both.
    """
    guess, bad = _masks(suggested, wrong)
    cells = _cells(guess, bad)
    hits, guessed, truly = cells[3], int(guess.sum()), int(bad.sum())
    draws = _f1(_resample(cells, resamples, seed))
    return {
        "precision": Estimate(_share(hits, guessed), *wilson_interval(hits, guessed, level)),
        "recall": Estimate(_share(hits, truly), *wilson_interval(hits, truly, level)),
        "f1": _estimate(float(_f1(cells[None])[0]), draws, level),
    }


def f1_difference(
    first: ArrayLike,
    second: ArrayLike,
    wrong: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Compute F1 of `first` minus that of `second`, with the interval of a paired bootstrap."""
    a, bad = _masks(first, wrong)
    b, _ = _masks(second, wrong)
    cells = np.bincount(4 * a + 2 * b + bad, minlength=8)

    def difference(counts: NDArray[np.int64]) -> NDArray[np.float64]:
        cube = counts.reshape(-1, 2, 2, 2)  # (resample, first, second, wrong)
        return _f1(cube.sum(2).reshape(-1, 4)) - _f1(cube.sum(1).reshape(-1, 4))

    draws = difference(_resample(cells, resamples, seed))
    return _estimate(float(difference(cells[None])[0]), draws, level)


def average_precision(
    scores: ArrayLike, wrong: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Compute the area under precision over recall when examples are taken by falling score.

    The area under the steps. scores, wrong (example,), the larger the more suspect; tied examples
    are taken together; weights: how often each example counts. NaN without a wrong label.
    ValueError for NaN scores.
    """
    value, bad = np.asarray(scores, float), np.asarray(wrong, bool)
    if value.shape != bad.shape or value.ndim != 1 or np.isnan(value).any():
        raise ValueError(f"Scores {value.shape} must be one number a label, {bad.shape}, no NaN.")
    weight = np.ones(len(value)) if weights is None else np.asarray(weights, float)
    order = np.argsort(-value, kind="stable")
    last = np.append(np.diff(value[order]) != 0, True)  # the last example of each tie
    hits = np.cumsum((weight * bad)[order])[last]
    taken = np.cumsum(weight[order])[last]
    if not len(hits) or hits[-1] == 0:
        return float("nan")
    precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
    return float(np.sum(np.diff(hits, prepend=0) / hits[-1] * precision))


def average_precisions(
    scores: ArrayLike, wrong: ArrayLike, level: float = 0.95, resamples: int = 200, seed: int = 0
) -> tuple[list[Estimate], list[Estimate]]:
    """Compute each ranking's average precision, and the first one's minus each.

    scores (ranking, example). Intervals by a bootstrap over examples, the same draws for all
    rankings.
    """
    rows, bad = np.atleast_2d(np.asarray(scores, float)), np.asarray(wrong, bool)
    rng, n = np.random.default_rng(seed), len(bad)
    found = np.array([average_precision(row, bad) for row in rows])
    draws = np.empty((resamples, len(rows)))
    for r in range(resamples):
        counts = np.bincount(rng.integers(n, size=n), minlength=n)
        draws[r] = [average_precision(row, bad, counts) for row in rows]
    apart = draws[:, :1] - draws
    each = [_estimate(v, draws[:, i], level) for i, v in enumerate(found)]
    return each, [_estimate(found[0] - v, apart[:, i], level) for i, v in enumerate(found)]


def _masks(suggested: ArrayLike, wrong: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    guess, bad = np.asarray(suggested), np.asarray(wrong)
    if guess.shape != bad.shape or guess.ndim != 1 or guess.dtype != bool or bad.dtype != bool:
        raise ValueError(
            "Suggestions and wrong labels are one true or false an example, not "
            f"{guess.dtype} {guess.shape} and {bad.dtype} {bad.shape}."
        )
    return guess, bad


def _cells(guess: NDArray[np.bool_], bad: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count (4,) examples: neither, wrong and missed, suggested but right, suggested and wrong."""
    return np.bincount(2 * guess + bad, minlength=4)


def _resample(cells: NDArray[np.int64], resamples: int, seed: int) -> NDArray[np.int64]:
    """Draw the cells' counts anew, which is the same as drawing examples: (resample, cell)."""
    n = cells.sum()
    return np.random.default_rng(seed).multinomial(n, cells / max(n, 1), size=resamples)


def _f1(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    _, missed, false, hits = cells.T.astype(float)
    total = 2 * hits + missed + false
    return np.divide(2 * hits, total, out=np.full(len(cells), np.nan), where=total > 0)


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else float("nan")


def _estimate(value: float, draws: NDArray[np.float64], level: float) -> Estimate:
    known = draws[~np.isnan(draws)]
    if not len(known) or np.isnan(value):
        return Estimate(float(value), float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(value), float(low), float(high))
