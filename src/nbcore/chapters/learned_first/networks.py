"""The chapter's small networks, and one loop that trains them on a given order of pictures."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nbcore.training.device import pick_device, pick_precision

Watch = Callable[[nn.Module, int], Any]
Loss = Callable[[Tensor, Tensor], Tensor]


def convolutional(
    width: int, outputs: int, channels: int = 3, norm: bool = True, seed: int = 0
) -> nn.Module:
    """Build three strided convolutions of width, 2 and 4 x width, mean pooling, a linear layer.

    norm: with batch norm; without it there are biases, and the weights are drawn after He, so that
    the tangent kernel is that of one picture at a time.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for side, outside in ((5, width), (3, 2 * width), (3, 4 * width)):
            conv = nn.Conv2d(channels, outside, side, 2, side // 2, bias=not norm)
            if not norm:
                nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
                nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
            layers += [conv, nn.BatchNorm2d(outside), nn.ReLU()] if norm else [conv, nn.ReLU()]
            channels = outside
        last = nn.Linear(channels, outputs)
        net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), last)
    return net.to(memory_format=torch.channels_last)


def connected(inputs: int, hidden: int, outputs: int, layers: int = 2, seed: int = 0) -> nn.Module:
    """Build a network of hidden layers of ReLUs on pixels."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = [inputs, *[hidden] * layers]
        parts = [
            m for a, b in zip(sizes, sizes[1:], strict=False) for m in (nn.Linear(a, b), nn.ReLU())
        ]
        return nn.Sequential(nn.Flatten(), *parts, nn.Linear(sizes[-1], outputs))


def passes(n: int, batch: int, steps: int, seed: int) -> np.ndarray:
    """Order n pictures for so many steps: (steps, batch) indices.

    The first pass goes through them in order, every later one in an order of its own; what does not
    fill a batch at the end of a pass is left out of it.
    """
    rng, whole = np.random.default_rng([seed, 1]), n - n % batch
    rows, rest = [np.arange(n)[:whole]], steps * batch - whole
    while rest > 0:
        rows.append(rng.permutation(n)[:whole])
        rest -= whole
    return np.concatenate(rows)[: steps * batch].reshape(steps, batch)


def follow(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    order: np.ndarray,
    at: Collection[int],
    watch: Watch,
    *,
    lr: float,
    loss: Loss = cross_entropy,
    momentum: float = 0.9,
    precision: str = "auto",
    device: str = "cpu",
) -> list[Any]:
    """Train by SGD along `order` (steps, batch), its rate falling as a cosine to 0.

    x (n, ...), y (n, ...) are indexed by the order. Returns what `watch(model, step)`, called in
    eval mode, gave after each number of updates in `at`, 0 among them if asked for.
    """
    place = pick_device(device)
    model.to(place)
    x, y, dtype = x.to(place), y.to(place), pick_precision(precision, place, model)
    optimiser = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    seen = []
    for step in range(len(order) + 1):
        if step in at:
            model.eval()
            seen.append(watch(model, step))
        if step == len(order):
            break
        model.train()
        for group in optimiser.param_groups:
            group["lr"] = lr * (1 + np.cos(np.pi * step / len(order))) / 2
        chosen = torch.as_tensor(order[step]).to(place)
        with torch.autocast(place.type, dtype, dtype == torch.bfloat16):
            out = model(x[chosen])
        cost = loss(out.float(), y[chosen])
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
    return seen


def unwatched(model: nn.Module, step: int) -> None:
    """See nothing."""


def outputs(model: nn.Module, x: Tensor, block: int = 500) -> Tensor:
    """Compute what the model puts out for all inputs, float32 on the CPU, in float32."""
    place = next(model.parameters()).device
    with torch.no_grad():
        return torch.cat([model(part.to(place)).float().cpu() for part in x.split(block)])
