"""Heads on fixed features, one a random split: ridge regression onto the classes.

Least squares was chosen over a logistic regression on images that no table shows:
where labels are wrong within pairs of classes its held-out outputs rank them far better, at equal
accuracy and in a quarter of the time. All splits share one matrix of products, of which each leaves
out what it holds out.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from nbcore.difficulty.pretrained.suspicion import noise_share, softmax

#: principal components that features are reduced to
COMPONENTS = 512
#: penalties that are tried, as shares of the features' mean square (1 after `prepared`)
PENALTIES = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
#: penalties along which the order of learning is observed, from this many times the chosen one
PATH, STRONGEST = 8, 1000.0
#: scales of the outputs that are tried, to make probabilities of them
SCALES = np.geomspace(0.5, 60.0, 40)


class Fitted(NamedTuple):
    """What heads say.

    answers (member, example); history (member, checkpoint, example) answers while the penalty
    falls, the last of them the answers; margin (member, example) of the scaled outputs; logits
    (example, class) mean scaled outputs held out, inside: in training, NaN where there are none;
    penalty: the chosen one; scale: of outputs to logits.
    """

    answers: np.ndarray
    history: np.ndarray
    margin: np.ndarray
    logits: np.ndarray
    inside: np.ndarray
    penalty: float
    scale: float

    @property
    def probability(self) -> np.ndarray:
        """(example, class) softmax of the mean held-out logits."""
        return softmax(self.logits)


def prepared(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """Centre, scale and rotate features (n, d) to their first COMPONENTS: float32 (n, component).

    No label is looked at, so that held-out examples may be among the n. Each feature is divided by
    its standard deviation, and one that hardly varies is left out of account. The components are
    found by a randomised decomposition, the same for the same seed.
    """
    x = torch.as_tensor(np.asarray(features)).float()
    x -= x.mean(0)
    spread = x.std(0, correction=0)
    x /= spread + 1e-3 * spread.mean() + 1e-12
    most = max(min(COMPONENTS, len(x) - 1, x.shape[1]), 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        left, sizes, _ = torch.svd_lowrank(x, q=most, niter=1)
    return (left * sizes).numpy()


def fit(
    x: np.ndarray, labels: np.ndarray, held: np.ndarray, classes: int, *, cleaned: bool = True
) -> Fitted:
    """Fit one head to each split; held (member, example) bool is what it does not see.

    x (example, number) as `prepared`; labels (example,) from 0 to classes - 1. The penalty, and the
    scale that makes logits of outputs, are those of the least held-out loss over the first splits
    that hold out every example once. cleaned: the labels that these first heads doubt most, as many
    as `noise_share` estimates to be wrong, train no head, so that none learns what it is to find.
    """
    solver = _Solver(x, labels, classes)
    folds = held[: max(round(1 / held[0].mean()), 1)]
    penalty, scale, first = _choose(solver, folds)
    if cleaned:
        solver.leave_out(_doubted(first, labels, np.any(folds, axis=0)))
    path = penalty * np.geomspace(STRONGEST, 1.0, PATH)
    n = len(labels)
    answers = np.empty((len(held), n), np.int16)
    history = np.empty((len(held), PATH, n), np.int16)
    margin = np.empty((len(held), n), np.float32)
    sums = {True: np.zeros((n, classes)), False: np.zeros((n, classes))}
    for m, out in enumerate(held):
        for step, z in enumerate(solver.outputs(out, path)):
            history[m, step] = z.argmax(1)
        answers[m] = history[m, -1]
        top = z.topk(2, 1).values * scale
        margin[m] = top[:, 0] - top[:, 1]
        for role, total in sums.items():
            total[out == role] += z.numpy()[out == role] * scale
    logits, inside = (_over(total, (held == role).sum(0)) for role, total in sums.items())
    return Fitted(answers, history, margin, logits, inside, penalty, scale)


def _doubted(logits: np.ndarray, labels: np.ndarray, known: Any) -> np.ndarray:
    """Mark (example,) bool the labels that stand farthest behind another class, held out.

    At most half of a class, so that none is left without examples.
    """
    out = np.zeros(len(labels), bool)
    share, _ = noise_share(labels[known], logits[known])
    own = logits[np.arange(len(labels)), labels]
    others = logits.copy()
    others[np.arange(len(labels)), labels] = -np.inf
    behind = np.where(known, others.max(1) - own, -np.inf)
    out[np.argsort(-behind, kind="stable")[: round(share * known.sum())]] = True
    for c in np.unique(labels[out]):
        where = np.flatnonzero(labels == c)
        if out[where].sum() > len(where) // 2:
            out[where[np.argsort(-behind[where], kind="stable")[len(where) // 2 :]]] = False
    return out & (behind > 0)


def _over(total: np.ndarray, times: np.ndarray) -> np.ndarray:
    mean = total / np.maximum(times, 1)[:, None]
    return np.where(times[:, None] > 0, mean, np.nan).astype(np.float32)


class _Solver:
    """Ridge regression of one-hot labels on features with an intercept, for many splits."""

    def __init__(self, x: np.ndarray, labels: np.ndarray, classes: int) -> None:
        self.x = torch.cat([torch.from_numpy(x), torch.ones(len(x), 1)], 1)  # last: the intercept
        self.size = float(self.x[:, :-1].square().mean()) + 1e-12
        self.labels = torch.as_tensor(labels).long()
        self.y = one_hot(self.labels, classes).float() - 1 / classes
        self.used = torch.ones(len(x), dtype=torch.bool)
        self.leave_out(np.zeros(len(x), bool))

    def leave_out(self, doubted: np.ndarray) -> None:
        """Train on these examples (example,) bool no more."""
        self.used = ~torch.from_numpy(doubted)
        some = self.x[self.used]
        self.products = (some.T @ some).double()
        self.targets = (some.T @ self.y[self.used]).double()

    def outputs(self, out: np.ndarray, penalties: np.ndarray) -> list[Tensor]:
        """Return outputs (example, class) for all, fitted without those held out, per penalty."""
        held = torch.from_numpy(out) & self.used
        part = self.x[held]
        left = self.products - (part.T @ part).double()
        right = self.targets - (part.T @ self.y[held]).double()
        values, vectors = torch.linalg.eigh(left)
        turned, n = vectors.T @ right, int(self.used.sum() - held.sum())
        weights = [
            vectors @ (turned / (values.clamp(min=0) + p * self.size * n)[:, None])
            for p in penalties
        ]
        found = (self.x @ torch.cat(weights, 1).float()).split(self.y.shape[1], 1)
        return list(found)


def _choose(solver: _Solver, folds: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Choose (penalty, scale) by the held-out loss; also the logits (example, class) held out."""
    sums = [torch.zeros_like(solver.y) for _ in PENALTIES]
    seen = torch.from_numpy(folds.any(0))
    for out in folds:
        held = torch.from_numpy(out)
        for total, z in zip(sums, solver.outputs(out, np.array(PENALTIES)), strict=True):
            total[held] = z[held]
    y = solver.labels[seen]
    tried = [
        (float(cross_entropy(z[seen] * scale, y)), i, float(scale))
        for i, z in enumerate(sums)
        for scale in SCALES
    ]
    _, best, scale = min(tried)
    return PENALTIES[best], scale, sums[best].numpy() * scale
