"""Last layers on fixed features: through a class map, with a pull, and a logistic regression.

`MappedHead` is an ordinary module, so the one training loop trains it; `regression_sweep` is the
linear probe with which CLIP is fitted (ER appendix B.3).
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from nbcore.errors import ParameterError

#: ten strengths of the L2 penalty, as in ER B.3
STRENGTHS = tuple(np.logspace(-6, 7, 10))


class MappedHead(nn.Module):
    """A pretrained last layer whose classes count as those of another set (ER C.12).

    weight (source, dim), bias (source,): the pretrained layer; targets: source indices of each
    target. forward: features (n, dim) -> (n, target), the largest logit among a target's sources.
    The parameters are displacements from the pretrained weights, which start at 0: so weight decay
    of 2λ in the optimiser *is* the pull λ |w - w_pretrained|² in the loss.

    over: "ten" compares the targets with each other, and sources without a target are left out,
    as they would never change. "all" also compares them, while training, with all other sources
    (one more column), so that training pushes these down too.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, targets: Sequence[Sequence[int]], over: str = "ten"
    ):
        super().__init__()
        if over not in ("ten", "all"):
            raise ParameterError(f"over must be 'ten' or 'all', not {over!r}.")
        kept = [i for sources in targets for i in sources]
        kept += sorted(set(range(len(weight))) - set(kept)) if over == "all" else []
        self.register_buffer("start", weight[kept].clone(), persistent=False)
        self.register_buffer("offset", bias[kept].clone(), persistent=False)
        self.moved = nn.Parameter(torch.zeros_like(weight[kept]))
        self.shifted = nn.Parameter(torch.zeros_like(bias[kept]))
        self.sizes = [len(sources) for sources in targets]
        self.over = over

    def forward(self, features: Tensor) -> Tensor:
        logits = nn.functional.linear(
            features,
            self.start + self.moved,  # type: ignore[operator]
            self.offset + self.shifted,  # type: ignore[operator]
        )
        parts = logits.split([*self.sizes, logits.shape[1] - sum(self.sizes)], dim=1)
        best = torch.cat([part.amax(1, keepdim=True) for part in parts[:-1]], 1)
        if self.over == "ten" or not self.training:
            return best
        # everything that is not the best of a target, in one column: the same sum of exponentials
        top = logits.logsumexp(1, keepdim=True)
        rest = torch.log1p(-(best - top).exp().sum(1, keepdim=True).clamp(max=1 - 1e-6)) + top
        return torch.cat([best, rest], 1)


class Probe(NamedTuple):
    """A fitted logistic regression with the strength of its penalty and how each strength did.

    strengths, accuracies: (strength,) penalty and validation accuracy; strength: the chosen one.
    """

    model: LogisticRegression
    strength: float
    strengths: np.ndarray
    accuracies: np.ndarray


def regression_sweep(
    features: np.ndarray,
    labels: np.ndarray,
    strengths: Sequence[float] = STRENGTHS,
    validation: float = 0.2,
    seed: int = 0,
    max_iter: int = 1000,
) -> Probe:
    """Fit a logistic regression by L-BFGS, its L2 penalty chosen on held-out examples (ER B.3).

    features (n, dim), labels (n,). The penalty ½ λ |w|² is added to the *summed* loss; λ runs over
    `strengths`, the largest best one is kept, and the model is fitted again to all examples.
    ParameterError when fewer than two classes or no strengths are given.
    """
    x, y = np.asarray(features, np.float32), np.asarray(labels)
    order = np.random.default_rng(seed).permutation(len(y))
    held, kept = np.split(order, [int(validation * len(y))])
    if len(np.unique(y[kept])) < 2 or not len(strengths) or not len(held):
        raise ParameterError(
            "A linear probe needs examples of two classes, some to validate on, and at least one "
            f"strength, not {len(y)} examples and {len(strengths)} strengths."
        )
    tried = np.sort(np.asarray(strengths, float))
    # from strong to weak, each fit going on from the last: the strong ones converge at once
    model = LogisticRegression(max_iter=max_iter, warm_start=True)
    accuracies = np.empty(len(tried))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a weak penalty needs no optimum
        for i in range(len(tried))[::-1]:
            model.set_params(C=1 / tried[i]).fit(x[kept], y[kept])
            accuracies[i] = model.score(x[held], y[held])
        best = float(tried[np.flatnonzero(accuracies == accuracies.max())[-1]])
        model.set_params(C=1 / best, warm_start=False).fit(x, y)
    return Probe(model, best, tried, accuracies)
