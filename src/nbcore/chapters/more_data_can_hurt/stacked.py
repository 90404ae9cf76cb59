"""Train many small networks at once: same pictures, order and start; labels and decay differ.

A step of one small network is mostly waiting for the library; a stack of them shares the wait. With
a stack of one this is torch's SGD with momentum, step by step.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nbcore.training.device import pick_device
from nbcore.training.loop import checkpoint_steps
from nbcore.training.recipe import Recipe

Weights = list[Tensor]


def train_stack(
    images: np.ndarray,
    given: np.ndarray,
    evaluations: Mapping[str, tuple[np.ndarray, np.ndarray]],
    recipe: Recipe,
    width: int,
    decays: Sequence[float] = (0.0,),
    seed: int = 0,
    device: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Train k networks with one hidden layer of ReLUs; return steps and errors along the way.

    images uint8 (n, ...); given (k, n) labels; evaluations[name]: images and labels, (n,) for all
    networks or (k, n). decays: the weight decay of each, one for all of them if there is one.
    Returns (checkpoint,) updates and (k, set, checkpoint) errors, fractions. Of `recipe` steps,
    batch, lr, momentum and checkpoints count.
    """
    (k, n), place = given.shape, pick_device(device)
    scale = float(images.mean()), float(images.std()) + 1e-6
    x, y = _inputs(images, scale).to(place), torch.as_tensor(given).long().to(place)
    sets = {
        name: (
            _inputs(a, scale).to(place),
            torch.tensor(np.broadcast_to(b, (k, len(a)))).long().to(place),
        )
        for name, (a, b) in evaluations.items()
    }
    classes = int(max(b.max() for b in (y, *(s[1] for s in sets.values())))) + 1
    weights = [w.to(place).requires_grad_() for w in start(k, x.shape[1], width, classes, seed)]
    decay = torch.as_tensor(np.broadcast_to(decays, k).copy(), dtype=torch.float32)[
        :, None, None
    ].to(place)
    speed = [torch.zeros_like(w) for w in weights]
    plan, errors = checkpoint_steps(recipe.steps, recipe.checkpoints), []
    draw, order = torch.Generator().manual_seed(seed * 1_000_003 + 14), torch.empty(0)
    for step in range(recipe.steps + 1):
        if step in plan:
            errors.append([[_error(weights, *s) for s in sets.values()]])
        at = step * recipe.batch % (n - n % recipe.batch)
        if at == 0:
            order = torch.randperm(n, generator=draw)
        if step < recipe.steps:
            chosen = order[at : at + recipe.batch].to(place)
            _step(weights, speed, x[chosen], y[:, chosen], recipe, decay)
    found = torch.stack([torch.stack(row[0], -1) for row in errors], -1)
    return plan, found.cpu().numpy()


def start(k: int, inputs: int, width: int, classes: int, seed: int) -> Weights:
    """Draw the weights of one network as torch's Linear does, k times the same."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [torch.nn.Linear(inputs, width), torch.nn.Linear(width, classes)]
    parts = [w for layer in layers for w in (layer.weight.detach().T, layer.bias.detach()[None])]
    return [p.expand(k, *p.shape).clone() for p in parts]


def logits(weights: Weights, x: Tensor) -> Tensor:
    """Compute (k, n, classes) of inputs (n, d)."""
    first, bias, second, last = weights
    hidden = torch.relu(torch.baddbmm(bias, x.expand(len(first), *x.shape), first))
    return torch.baddbmm(last, hidden, second)


def _inputs(images: np.ndarray, scale: tuple[float, float]) -> Tensor:
    flat = torch.as_tensor(images.reshape(len(images), -1)).float()
    return (flat - scale[0]) / scale[1]


def _error(weights: Weights, x: Tensor, y: Tensor) -> Tensor:
    with torch.no_grad():
        return (logits(weights, x).argmax(2) != y).float().mean(1)


def _step(
    weights: Weights, speed: Weights, x: Tensor, y: Tensor, recipe: Recipe, decay: Tensor
) -> None:
    """Update all networks: the sum of their losses gives each its own gradient."""
    loss = cross_entropy(logits(weights, x).flatten(0, 1), y.flatten(), reduction="sum")
    gradients = torch.autograd.grad(loss / len(x), weights)
    with torch.no_grad():
        for w, v, g in zip(weights, speed, gradients, strict=True):
            v.mul_(recipe.momentum).add_(g + decay * w)
            w.sub_(recipe.lr * v)
