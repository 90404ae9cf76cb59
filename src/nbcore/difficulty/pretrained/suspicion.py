"""How likely a label is wrong: evidence of several kinds, weighed on labels that were made wrong.

The evidence is what held-out answers, neighbours and depths say of an example. Its weights come
from copies of the same examples in which some labels were changed on purpose, so they need no
example whose label is known to be wrong. What share of the labels is wrong cannot be read off such
copies; `noise_share` estimates it from the held-out probabilities.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

Floats = NDArray[np.float64]

#: kinds of evidence, in the order of the columns
KINDS = ("probability", "consistency", "neighbours", "depth")
#: those that advice rests on: neighbours' votes made it worse on the images it was chosen on
USED = ("probability", "consistency", "depth")
#: probabilities are kept this far from 0 and 1 before a logarithm is taken
LEAST = 1e-4
#: no larger share of wrong labels is looked for
MOST_WRONG = 0.75
#: examples that the weights' starting values are worth
PRIOR = 10.0
#: shares and scales that are tried first
SHARES = np.array([0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5])
SCALES = np.geomspace(0.25, 4.0, 12)


class Weights(NamedTuple):
    """A logistic regression on evidence: mean and scale (column,), weight (column,), intercept.

    planted: share of the examples it was fitted to whose labels had been changed.
    """

    mean: Floats
    scale: Floats
    weight: Floats
    intercept: float
    planted: float

    def score(self, evidence: ArrayLike) -> Floats:
        """Weigh evidence (example, column): log odds that a label is one that was changed."""
        return ((np.asarray(evidence) - self.mean) / self.scale) @ self.weight + self.intercept


def evidence(
    labels: ArrayLike,
    probability: ArrayLike,
    consistency: ArrayLike,
    neighbours: ArrayLike,
    depth_val: ArrayLike,
    depth_train: ArrayLike,
    last_probe: int,
    kinds: Collection[str] = USED,
) -> Floats:
    """Write what speaks against each label as numbers, the larger the more: (example, column).

    labels (example,) from 0; probability (example, class) held out, rows sum to 1; consistency
    (example,) share of held-out answers that are the label; neighbours (example,) share of the
    votes of neighbours, held out, that are for it; depth_val, depth_train (example,) mean depths of
    the answer from 0 to last_probe. Columns: of "probability" the log ratio of the best other class
    to the label, and minus the label's own log; of "consistency" and "neighbours" minus the log
    odds; of "depth" how early another answer is decided (of the label itself, counted negative),
    and how much later it is decided in training. What is not known (NaN) speaks neither way.
    """
    y, p = np.asarray(labels), np.asarray(probability, float)
    if p.ndim != 2 or y.shape != p.shape[:1]:
        raise ValueError(f"Give probabilities (example, class) and labels, not {p.shape}.")
    rows = np.arange(len(y))
    own = np.clip(p[rows, y], LEAST, None)
    others = p.copy()
    others[rows, y] = -1.0
    against = np.where(others.argmax(1) == p.argmax(1), 1.0, -1.0)
    val, train = np.asarray(depth_val, float), np.asarray(depth_train, float)
    columns = {
        "probability": [np.log(np.clip(others.max(1), LEAST, None) / own), -np.log(own)],
        "consistency": [_against(consistency)],
        "neighbours": [_against(neighbours)],
        "depth": [against * (1 - val / last_probe), (train - val) / last_probe],
    }
    chosen = [column for kind in KINDS if kind in kinds for column in columns[kind]]
    return np.nan_to_num(np.stack(chosen, 1))


def _against(share: ArrayLike) -> Floats:
    s = np.clip(np.asarray(share, float), 0.0, 1.0)
    return -np.log((s + 0.02) / (1.02 - s))


def weigh(found: Sequence[ArrayLike], changed: Sequence[ArrayLike], first: int = 2) -> Weights:
    """Fit weights to one or more copies: evidence (example, column) and whether it was changed.

    A logistic regression on standardised columns whose weights are not negative, as every column
    speaks against a label, and are drawn to 1 for the `first` columns (those of the probability)
    and to 0 for others, as strongly as PRIOR examples would. ValueError where nothing, or
    everything, was changed.
    """
    x = np.concatenate([np.asarray(f, float) for f in found])
    y = np.concatenate([np.asarray(c, bool) for c in changed])
    if y.all() or not y.any():
        raise ValueError("Weights are fitted to labels of which some, not all, were changed.")
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z, sign = (x - mean) / scale, np.where(y, 1.0, -1.0)
    drawn = (np.arange(z.shape[1]) < first).astype(float)

    def loss(v: Floats) -> tuple[float, Floats]:
        odds = sign * (z @ v[1:] + v[0])
        slope = -sign * expit(-odds)
        away = v[1:] - drawn
        value = np.logaddexp(0, -odds).sum() + PRIOR * (away @ away) / 2
        return float(value), np.append(slope.sum(), slope @ z + PRIOR * away)

    start = np.append(logit(y.mean()), drawn)
    bounds = [(None, None)] + [(0.0, None)] * z.shape[1]
    v = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Weights(mean, scale, v[1:], float(v[0]), float(y.mean()))


def noise_share(
    labels: ArrayLike, logits: ArrayLike, pair: ArrayLike | None = None
) -> tuple[float, float]:
    """Estimate which share of the labels is wrong, and the scale that calibrates held-out logits.

    labels (example,), logits (example, class) of models that were not given the label; pair
    (class,): the class that each is taken for most. With the share s, a label is what the scaled
    softmax says with probability 1 - s, and else any other class alike or, where that is likelier
    by more than one parameter is worth (BIC), half or all of them the class of the pair; s and the
    scale have the largest likelihood. It is exact where the softmax would be calibrated on right
    labels; images that are hard without being mislabelled raise it.
    """
    y, z = np.asarray(labels), np.asarray(logits, float)
    rows, classes = np.arange(len(y)), z.shape[1]
    whence = None if pair is None else np.eye(classes)[np.asarray(pair)]  # (class, class)

    def loss(share: Floats | float, scale: float, paired: float) -> Floats:
        every = softmax(z * scale)
        p = every[rows, y]
        floor = (1 - paired) * (1 - p) / (classes - 1)
        if paired and whence is not None:
            floor += paired * (every @ whence)[rows, y]
        mixed = np.multiply.outer(1 - np.asarray(share), p) + np.multiply.outer(share, floor)
        return -np.log(mixed + 1e-12).mean(-1)

    best: tuple[float, float, float] | None = None
    for paired in (0.0,) if whence is None else (0.0, 0.5, 1.0):
        # valleys are long: a coarse look first
        tried = np.array([loss(SHARES, scale, paired) for scale in SCALES])
        first, second = np.unravel_index(tried.argmin(), tried.shape)
        start = np.array([logit(SHARES[second] / MOST_WRONG), np.log(SCALES[first])])
        found = minimize(
            lambda v: float(loss(MOST_WRONG * expit(v[0]), np.exp(np.clip(v[1], -6, 6)), paired)),  # noqa: B023
            start,
            method="Nelder-Mead",
            options={"maxiter": 80, "initial_simplex": start + [[0, 0], [0.5, 0], [0, 0.2]]},
        )
        value = float(found.fun) + (np.log(len(y)) / 2 / len(y) if paired else 0.0)
        if best is None or value < best[0]:
            best = value, MOST_WRONG * expit(found.x[0]), np.exp(np.clip(found.x[1], -6, 6))
    assert best is not None
    return float(best[1]), float(best[2])


def softmax(logits: ArrayLike) -> Floats:
    """Turn logits (example, class) into probabilities."""
    z = np.asarray(logits, float)
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def wrong_probability(
    scores: ArrayLike, clean: ArrayLike, changed: ArrayLike, share: float
) -> Floats:
    """Estimate for each of the user's labels the probability that it is wrong: (example,).

    scores (example,) of the labels as given; clean, changed: scores of the copies' labels that were
    left alone and that were changed; share: of wrong labels among those given. At a score the
    density of changed over that of unchanged labels, times the share, is the probability, since
    labels left alone hold wrong ones in the same share; it is made to rise with the score.
    """
    left, made = np.asarray(clean, float), np.asarray(changed, float)
    x = np.concatenate([left, made])
    y = np.concatenate([np.zeros(len(left)), np.ones(len(made))])
    weight = np.concatenate([np.full(len(left), 1 / len(left)), np.full(len(made), 1 / len(made))])
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(x, y, weight)
    half = fitted.predict(np.asarray(scores, float))  # of as many changed as unchanged labels
    ratio = half / np.maximum(1 - half, 1e-6)
    return np.clip(share * ratio, 0.0, 1.0)


def threshold_for(probability: ArrayLike, wanted: float, among: ArrayLike | None = None) -> float:
    """Find the least probability from which on suggestions are right in a wanted share, on average.

    probability (example,); among (example,) bool: only these are counted. inf where not even the
    most suspect one is as probable as that.
    """
    p = np.asarray(probability, float)
    p = np.sort(p if among is None else p[np.asarray(among, bool)])[::-1]
    mean = np.cumsum(p) / np.arange(1, len(p) + 1)
    enough = np.flatnonzero(mean >= wanted)
    return float(p[enough[-1]]) if len(enough) else float("inf")
