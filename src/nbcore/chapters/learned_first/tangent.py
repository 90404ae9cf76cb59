"""Empirical tangent kernels, and regression with them (C13).

The tangent kernel of a network with one output f is K(x, x') = <df/dw (x), df/dw (x')>: how much a
step of gradient descent on x moves f at x'.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from nbcore.errors import ParameterError

Floats = NDArray[np.float64]

#: ridges to choose from, over the mean of the diagonal: above what float32 leaves uncertain
RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
BLOCK = 250


def gradients(model: nn.Module, x: Tensor) -> Tensor:
    """Compute df/dw of every input: (n, weights), float32. ParameterError for more outputs than 1.

    The model must treat inputs one by one, which batch norm does not.
    """
    weights = {k: w.detach() for k, w in model.named_parameters()}
    outs = model(x[:1]).numel()
    if outs != 1:
        raise ParameterError(
            f"A tangent kernel is that of a network with one output, not {outs}; give one logit."
        )
    if any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules()):
        raise ParameterError(
            "With batch norm an output depends on the other inputs too; give a network without it."
        )

    def output(w: dict[str, Tensor], one: Tensor) -> Tensor:
        return functional_call(model, w, (one[None],)).squeeze()

    each, rows = vmap(grad(output), (None, 0)), []
    for part in x.split(BLOCK):
        found = each(weights, part)
        rows.append(torch.cat([g.flatten(1) for g in found.values()], 1))
    return torch.cat(rows)


def tangent_kernel(model: nn.Module, x: Tensor, others: Sequence[Tensor] = ()) -> list[Floats]:
    """Compute K of x (n, ...) with itself and with other inputs: (n, n), (m, n) each."""
    own = gradients(model, x).numpy()
    out = [own @ own.T]
    for other in others:
        parts = [gradients(model, part).numpy() @ own.T for part in other.split(BLOCK)]
        out.append(np.concatenate(parts))
    return [k.astype(float) for k in out]


def regress(kernel: Floats, y: Floats, choice: tuple[Floats, Floats], test: Floats) -> Floats:
    """Fit y (n,) by kernel ridge regression and predict from test (m, n): (m,).

    choice: a kernel (v, n) and labels (v,), -1 or 1, on which the ridge with the fewest errors is
    chosen, the smallest among equals.
    """
    scale, best = np.trace(kernel) / len(y), (np.inf, y)
    for ridge in RIDGES:
        solved = linalg.solve(kernel + ridge * scale * np.eye(len(y)), y, assume_a="pos")
        wrong = float((np.sign(choice[0] @ solved) != choice[1]).mean())
        if wrong < best[0]:
            best = wrong, solved
    return test @ best[1]


def curvature(kernel: Floats) -> float:
    """Return the largest eigenvalue over n: the sharpest direction of half the squared error."""
    n = len(kernel)
    top = linalg.eigvalsh(kernel, subset_by_index=[n - 1, n - 1])
    return float(top[0]) / n
