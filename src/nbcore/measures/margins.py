"""Margins: how far a prediction is from another one (PD §3.3)."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from nbcore.measures import blocks


def output_margin(logits: ArrayLike) -> NDArray[np.float64]:
    """Return the largest logit minus the second: (example,); logits (example, >= 2 classes)."""
    z = np.asarray(logits, float)
    if z.ndim != 2 or z.shape[1] < 2 or np.isnan(z).any():
        raise ValueError(f"logits must be (example, 2 or more classes) without NaN, not {z.shape}.")
    top = np.partition(z, -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def input_margin(
    model: nn.Module,
    x: Tensor | NDArray,
    batch: int | None = None,
    classes_at_once: int | None = None,
) -> NDArray[np.float64]:
    """Estimate the distance to the nearest decision boundary, to first order: (example,).

    In units of x. The smallest |z_i - z_j| / ||grad_x(z_i - z_j)|| over the classes j other than
    the predicted i (Jiang et al. 2018). x: (example, ...) as the model takes it; logits (example,
    class) come out. The gradients of all classes are computed side by side, `classes_at_once`
    copies of the input in one pass, for `batch` inputs at a time (both from `blocks` unless given).
    inf where no class can be reached (zero gradients).
    """
    tensor = torch.as_tensor(x).float()
    device = next((p.device for p in model.parameters()), tensor.device)
    model.eval()
    copies = classes_at_once or blocks.CLASSES_AT_ONCE
    split = tensor.split(batch or blocks.MARGINS)
    parts = [_margins(model, part.to(device), copies) for part in split]
    return torch.cat(parts).cpu().numpy() if parts else np.empty(0)


def _margins(model: nn.Module, x: Tensor, classes_at_once: int) -> Tensor:
    with torch.no_grad():
        z = model(x)
    n, classes = z.shape
    if classes < 2:
        raise ValueError("An input margin needs two classes or more.")
    gradients = []
    for some in torch.arange(classes, device=x.device).split(classes_at_once):
        copies = x.repeat(len(some), *[1] * (x.ndim - 1)).requires_grad_()
        out = model(copies).reshape(len(some), n, classes)
        picked = out.gather(2, some[:, None, None].expand(-1, n, 1)).sum()
        (gradient,) = torch.autograd.grad(picked, copies)
        gradients.append(gradient.reshape(len(some), n, -1))
    g = torch.cat(gradients).double()
    z = z.double()
    top = z.argmax(1)
    rows = torch.arange(n, device=x.device)
    distance = (g - g[top, rows]).norm(dim=2).T  # (example, class); 0 for the predicted class
    ratio = (z[rows, top][:, None] - z).abs() / distance
    ratio = ratio.masked_fill(distance == 0, torch.inf)
    ratio[rows, top] = torch.inf
    return ratio.min(1).values
