"""Gradient descent on two weights: a small rate throughout, or a large one first (C31).

Training inputs vary mostly along the first weight, test inputs along the second. A small rate
settles the first weight at once and is then stopped with the second one unlearned; a large rate
keeps the first one swinging while it learns the second, and a small rate then settles the first.
"""

from typing import NamedTuple

import numpy as np

#: variances of the inputs along the two weights
TRAIN, TEST = (1.0, 0.01), (0.01, 1.0)
INPUTS, TRUTH = 200, (1.0, 1.0)
#: training loss at which descent stops; steps at the large rate; the small one, over the curvature
STOP, LARGE_STEPS, SMALL = 0.002, 400, 0.1
MOST_STEPS = 20_000


class Descent(NamedTuple):
    """Weights along the way (step, 2), and the losses at the end, excess squared errors / 2."""

    path: np.ndarray
    train_loss: float
    test_loss: float
    stopped: bool


def curvature(seed: int) -> np.ndarray:
    """Draw training inputs and return the Hessian of their loss, (2, 2)."""
    x = np.random.default_rng([31, seed]).standard_normal((INPUTS, 2)) * np.sqrt(TRAIN)
    return x.T @ x / INPUTS


def descend(train: np.ndarray, test: np.ndarray, schedule: str) -> Descent:
    """Descend from 0 by "small", "annealed" or "large" rates until the training loss is `STOP`.

    train, test: Hessians (2, 2). The large rate is 2 over the largest curvature, at which that
    direction swings for ever.
    """
    top = np.linalg.eigvalsh(train)[-1]
    rates = {"small": [], "annealed": [2 / top] * LARGE_STEPS, "large": [2 / top] * MOST_STEPS}
    off = -np.array(TRUTH)
    path = [off]
    for step in range(MOST_STEPS):
        leading = step < len(rates[schedule])
        done = off @ train @ off / 2 <= STOP and not (leading and schedule == "annealed")
        if done:
            break
        off = off - (rates[schedule][step] if leading else SMALL / top) * (train @ off)
        path.append(off)
    train_loss, test_loss = (float(off @ hessian @ off / 2) for hessian in (train, test))
    return Descent(np.array(path) + TRUTH, train_loss, test_loss, bool(done))


def ratios(problems: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute log test loss of the small rate over the annealed one: (problem,), and the control.

    In the control, test inputs are those of training.
    """
    out = []
    for seed in range(problems):
        train = curvature(seed)
        for test in (np.diag(TEST), train):
            small, annealed = (descend(train, test, s).test_loss for s in ("small", "annealed"))
            out.append(np.log(small / annealed))
    own, control = np.array(out).reshape(problems, 2).T
    return own, control
