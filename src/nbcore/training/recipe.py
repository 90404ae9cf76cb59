"""How a network is trained, as numbers alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How to train. Rates are per step; `drop_at` are shares of `steps` in [0, 1]."""

    steps: int
    batch: int = 64
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4
    drop_at: tuple[float, ...] = ()
    factor: float = 0.1  # the rate is multiplied by this at each drop
    loss: str = "cross-entropy"  # or "mse": logits against one-hot targets, as in C.4 of ER
    augment: bool = False  # random crop (padding: an eighth of the side) and horizontal flip
    checkpoints: int = 12
    first: int = 1  # the first checkpoint after step 0

    def rate(self, step: int) -> float:
        """Return the learning rate of update number `step`, counted from 0."""
        return self.lr * self.factor ** sum(step >= share * self.steps for share in self.drop_at)
