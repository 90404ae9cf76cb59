"""How far a predictor is from a calibrated one, and errors that bound that distance.

dCE is the least E |p - q| over predictors q that are calibrated. It depends on what is predicted
*for*: whoever sees only pairs (p, y) knows it up to a square. smCE / 2 ≤ dCE ≤ intCE, and intCE is
at most 4 √dCE; the kernel error is at most √(2 dCE), SmoothECE at most √(1.6 dCE).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, sparse

from nbcore.measures.calibration.binned import by_value, checked

#: inputs of a predictor whose ways of being made calibrated are tried one by one: 21,147 of them
MOST_INPUTS = 9


def distance_from_calibration(p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Compute dCE exactly for a predictor of few inputs, whose y are chances.

    A calibrated predictor that takes one value on each block of inputs takes the block's mean
    chance there, so all partitions of the inputs are tried. ValueError for more than 9 inputs.
    """
    p, y, w = checked(p, y, weight)
    if len(p) > MOST_INPUTS:
        raise ValueError(
            f"All partitions are tried for {MOST_INPUTS} inputs at most, not {len(p)}; "
            "for more, lower_distance bounds it from below, interval_error from above."
        )
    best = np.inf
    for blocks in partitions(len(p)):
        mass = np.bincount(blocks, w)
        mean = np.bincount(blocks, w * y) / np.where(mass > 0, mass, 1)
        best = min(best, float(w @ np.abs(p - mean[blocks])))
    return best


def partitions(n: int) -> Iterator[np.ndarray]:
    """List the partitions of n things, each as (n,) numbers of blocks in order of appearance."""

    def grow(head: list[int], most: int) -> Iterator[np.ndarray]:
        if len(head) == n:
            yield np.array(head)
            return
        for block in range(most + 1):
            yield from grow([*head, block], max(most, block + 1))

    yield from grow([], 0)


def lower_distance(
    p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, points: int = 101
) -> float:
    """Compute the least E |p - q| over joint draws of (p, q, y) in which q is calibrated.

    This is the most that pairs (p, y) can tell: at most dCE, and within a factor of 2 of smCE. A
    linear programme over masses of (value, q, outcome); q is one of `points` evenly spaced values
    or of the predicted ones, which makes the result too large by at most half their spacing.
    """
    values, share, residual = by_value(p, y, weight)
    q = np.union1d(np.linspace(0, 1, points), values)
    one = np.clip(share * (values + residual), 0, share)  # the mass of p with y = 1
    n, m = len(values), len(q)
    cost = np.abs(values[:, None] - q).ravel()
    rows, columns = sparse.kron(sparse.eye_array(n), np.ones((1, m))), np.ones((1, n))
    keep = sparse.block_diag([rows, rows])  # masses of (p, y = 0) and of (p, y = 1) are given
    calibrated = sparse.hstack(  # at each q: q × mass of y = 0 equals (1 - q) × mass of y = 1
        [sparse.kron(columns, sparse.diags_array(v)) for v in (q, q - 1)]
    )
    found = optimize.linprog(
        np.tile(cost, 2),
        A_eq=sparse.vstack([keep, calibrated]).tocsr(),
        b_eq=np.concatenate([share - one, one, np.zeros(m)]),
        method="highs",
    )
    return float(found.fun)


def interval_error(p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Compute intCE: the least, over cuts of [0, 1] into intervals, of binned error plus width.

    The width is that of the interval of each prediction, averaged. An interval reaches from its
    first to its last prediction, as gaps between them can be intervals of their own. Exact, by
    dynamic programming over the predicted values: n² / 2 steps for n of them.
    """
    values, share, residual = by_value(p, y, weight)
    mass, off = (np.concatenate([[0.0], np.cumsum(a)]) for a in (share, share * residual))
    best = np.zeros(len(values) + 1)
    for end in range(1, len(best)):
        width = values[end - 1] - values[:end]
        cost = np.abs(off[end] - off[:end]) + width * (mass[end] - mass[:end])
        best[end] = (best[:end] + cost).min()
    return float(best[-1])


def kernel_error(p: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Compute the kernel calibration error with Laplace's kernel exp(-|p - p'|).

    The root of E[(y - p) (y' - p') exp(-|p - p'|)] over independent pairs, those of one with
    itself among them. From left to right, in one pass.
    """
    values, share, residual = by_value(p, y, weight)
    r, carried, total = share * residual, 0.0, 0.0
    decay = np.exp(-np.diff(values, prepend=values[0]))
    for mine, kept in zip(r, decay, strict=True):
        carried *= kept  # of all to the left, seen from here
        total += mine * (mine + 2 * carried)
        carried += mine
    return float(np.sqrt(max(total, 0.0)))
