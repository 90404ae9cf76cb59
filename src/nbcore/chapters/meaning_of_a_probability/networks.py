"""Small networks in PyTorch: confidence along training (C6), and auditors of squared loss (C10)."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from nbcore import data as nbdata
from nbcore.errors import ParameterError

BATCH, RATE, AUDITOR_RATE, AUDITORS = 50, 2e-3, 2e-2, 8
LEVELS = 10
Arrays = tuple[np.ndarray, np.ndarray]


def pictures(dataset: str, side: int, classes: tuple[int, ...] = ()) -> tuple[Arrays, Arrays]:
    """Load training and test pictures as float32 (n, pixel), standardized, with their labels.

    classes: keep only these, numbered in their order. ParameterError for a class that is not there.
    """
    out: list[Arrays] = []
    for split in ("train", "test"):
        found = nbdata.load(dataset, split, size=side)
        x, y = found.images.reshape(len(found), -1).astype(np.float32), found.labels
        if classes:
            if max(classes) >= len(found.classes):
                raise ParameterError(
                    f"{dataset} has classes 0 to {len(found.classes) - 1}, not {max(classes)}."
                )
            known = np.isin(y, classes)
            x, y = x[known], np.array([classes.index(c) for c in y[known]])
        out.append((x, y))
    mean, spread = out[0][0].mean(), out[0][0].std()
    first, second = (((x - mean) / spread, y) for x, y in out)
    return first, second


def network(inputs: int, width: int, outputs: int, seed: int) -> nn.Module:
    """Make a network with one hidden layer of ReLUs."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs))


def fit(
    net: nn.Module,
    x: np.ndarray,
    y: np.ndarray,
    steps: int,
    seed: int,
    at: Iterable[int] = (),
    look: Callable[[], None] = lambda: None,
) -> None:
    """Train in place with Adam, its rate falling to 0 along a cosine; call `look` at some steps.

    The loss is cross-entropy for whole numbers y, else the squared error of one output.
    """
    inputs, goal = torch.as_tensor(x), torch.as_tensor(y)
    squared = goal.is_floating_point()
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    draw, wanted = torch.Generator().manual_seed(seed), set(at)
    batch = min(BATCH, len(inputs))
    for step in range(steps + 1):
        if step in wanted:
            look()
        if step < steps:
            chosen = torch.randint(len(inputs), (batch,), generator=draw)
            out = net(inputs[chosen])
            loss = (
                mse_loss(out[:, 0], goal[chosen]) if squared else cross_entropy(out, goal[chosen])
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            slower.step()


def probabilities(net: nn.Module, x: np.ndarray) -> np.ndarray:
    """Predict chances: (n, class) by softmax, or (n,) of one output, cut to [0, 1]."""
    with torch.no_grad():
        out = net(torch.as_tensor(x))
        if out.shape[1] == 1:
            return out[:, 0].clamp(0, 1).double().numpy()
        return torch.softmax(out.double(), 1).numpy()


def violation(c: np.ndarray, p: np.ndarray, y: np.ndarray) -> float:
    """Total |E[c (y - p) 1{p in level}]| over levels of equal width, for one auditor c in ±1."""
    level = np.minimum((p * LEVELS).astype(int), LEVELS - 1)
    return float(np.abs(np.bincount(level, c * (y - p), LEVELS)).sum() / len(p))


def audit(
    p: np.ndarray, y: np.ndarray, x: np.ndarray, units: int, steps: int, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Train auditors of k units, tanh of one hidden layer, for the largest violation.

    The best of `AUDITORS` starts, trained side by side on all pictures. Returns the auditor, a
    function of pictures (n, pixel) -> (n,).
    """
    draw = torch.Generator().manual_seed(seed)
    inputs, off = torch.as_tensor(x), torch.as_tensor((y - p) / len(p)).float()
    level = torch.as_tensor(np.minimum((p * LEVELS).astype(int), LEVELS - 1))
    cells = nn.functional.one_hot(level, LEVELS).float() * off[:, None]
    d = x.shape[1]
    first = torch.randn(d, AUDITORS * units, generator=draw) / d**0.5
    parts = [first, torch.zeros(AUDITORS * units), torch.randn(AUDITORS, units, generator=draw)]
    parts = [w.requires_grad_() for w in [*parts, torch.zeros(AUDITORS)]]

    def answer(shown: Tensor) -> Tensor:
        hidden = torch.relu(shown @ parts[0] + parts[1]).unflatten(1, (AUDITORS, units))
        return torch.tanh((hidden * parts[2]).sum(2) + parts[3])

    optimiser = torch.optim.Adam(parts, AUDITOR_RATE)
    for _ in range(steps):
        found = (cells.T @ answer(inputs)).abs().sum(0)
        optimiser.zero_grad()
        (-found.sum()).backward()
        optimiser.step()
    with torch.no_grad():
        best = int((cells.T @ answer(inputs)).abs().sum(0).argmax())

    def auditor(shown: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return answer(torch.as_tensor(shown))[:, best].double().numpy()

    return auditor
