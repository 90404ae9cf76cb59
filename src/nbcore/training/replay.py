"""Fine-tuning while old examples are replayed, so that the old task is not forgotten (ER C.11).

A step takes a batch of the new task and, with it, batches of the old one, in one pass, so that
batch norm sees both as they are mixed. The loss is their weighted mean, (new + w old) / (1 + w).
With k batches for each batch w is k, as if each gave its own gradient; a larger w stands in for
more batches at the price of one.

A step of the mean is taken at sqrt(1 + w) times the rate, the square-root rule for larger batches,
so the new task is learned at 1 / sqrt(1 + w) of the rate that it has without replay; but for the
new task's own head, which no old example reaches and which learns at its full rate.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from nbcore.errors import ParameterError
from nbcore.models.pretrained import Classifier
from nbcore.training import loop
from nbcore.training.device import as_tensor, pick_device, pick_precision, place_model
from nbcore.training.interpolation import State, evaluate_path
from nbcore.training.recipe import Recipe

#: seeds of the old examples' batches are this far from those of the new ones
APART = 7_919


class TwoHeaded(nn.Module):
    """A pretrained network with its own head, and a fresh one for the new task (ER C.11).

    forward: images -> logits of the new classes; `old`: those of the old classes.
    """

    def __init__(self, net: Classifier, classes: int, seed: int = 0):
        super().__init__()
        self.net = net
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.fresh = nn.Linear(net.feature_dim, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fresh(self.net.features(images))

    def old(self, images: Tensor) -> Tensor:
        return self.net(images)

    def both(self, new: Tensor, old: Tensor) -> tuple[Tensor, Tensor]:
        """Give the new head's logits of `new` and the old head's of `old`, from one pass."""
        features = self.net.features(torch.cat([new, old]))
        return self.fresh(features[: len(new)]), self.net.head(features[len(new) :])

    def own(self) -> list[nn.Parameter]:
        """List the parameters that only new examples reach."""
        return list(self.fresh.parameters())


class SharedHead(nn.Module):
    """A pretrained last layer for both tasks: a new class counts as its best source (ER C.12).

    weight (source, dim), bias (source,); targets: the sources of each new class. forward: features
    -> (n, target) largest logits; `old`: all logits. The parameters are displacements from the
    pretrained ones and start at 0.
    """

    def __init__(self, weight: Tensor, bias: Tensor, targets: Sequence[Sequence[int]]):
        super().__init__()
        self.register_buffer("start", weight.clone(), persistent=False)
        self.register_buffer("offset", bias.clone(), persistent=False)
        self.moved = nn.Parameter(torch.zeros_like(weight))
        self.shifted = nn.Parameter(torch.zeros_like(bias))
        self.targets = [list(sources) for sources in targets]

    def forward(self, features: Tensor) -> Tensor:
        used = [i for sources in self.targets for i in sources]  # a fifth of ImageNet's classes
        logits = nn.functional.linear(features, *(w[used] for w in self.layer()))
        parts = logits.split([len(sources) for sources in self.targets], 1)
        return torch.cat([part.amax(1, keepdim=True) for part in parts], 1)

    def layer(self) -> tuple[Tensor, Tensor]:
        """Give weight and bias of the layer as it is now."""
        return self.start + self.moved, self.offset + self.shifted  # type: ignore[operator]

    def old(self, features: Tensor) -> Tensor:
        return nn.functional.linear(features, *self.layer())

    def both(self, new: Tensor, old: Tensor) -> tuple[Tensor, Tensor]:
        """Give the logits of the new classes of `new`, and of the old ones of `old`."""
        return self(new), self.old(old)

    def own(self) -> list[nn.Parameter]:
        """List the parameters that only new examples reach: none."""
        return []


class Old(nn.Module):
    """A model as its old task sees it."""

    def __init__(self, model: Any):
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        return self.model.old(inputs)


class Memory(NamedTuple):
    """What is replayed: `data` (inputs, labels), `batches` for each new one, `weight` w of them.

    Inputs are of the form and size of the new ones, labels those of the old head.
    """

    data: loop.Data
    batches: int = 1
    weight: float = 1.0


def train(
    model: Any,
    train_data: loop.Data,
    memory: Memory | None,
    evaluations: Mapping[str, loop.Data],
    old_evaluations: Mapping[str, loop.Data],
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "auto",
    progress: str | None = None,
) -> xr.Dataset:
    """Train a `TwoHeaded` or `SharedHead` in place; return what both heads predicted on the way.

    memory: None trains without replay. The Dataset is that of `loop.train`, without `loss`; the
    `old_evaluations` are predicted through the old head. ParameterError for a negative weight, no
    batches, old inputs of another size, or labels outside a head's classes.
    """
    place = pick_device(device)
    place_model(model, place)
    dtype, view = pick_precision("auto", place), Old(model)
    new, old = _data(train_data), _data(memory.data) if memory else None
    _check(model, view, new, old, memory, evaluations, old_evaluations, place)
    sets = {k: (model, *_data(v)) for k, v in evaluations.items()}
    sets |= {k: (view, *_data(v)) for k, v in old_evaluations.items()}
    weight = memory.weight if memory else 0.0
    optimiser, factors = _optimiser(model, recipe, weight)
    plan = loop.checkpoint_steps(recipe.steps, recipe.checkpoints, recipe.first)
    said: dict[str, list[Tensor]] = {k: [] for k in sets}
    for step in tqdm(range(recipe.steps + 1), desc=progress, disable=progress is None):
        if step in plan:
            for name, (who, x, _) in sets.items():
                said[name].append(loop.predict(who, x, place, dtype))
        if step == recipe.steps:
            break
        for group, factor in zip(optimiser.param_groups, factors, strict=True):
            group["lr"] = factor * recipe.rate(step)
        model.train()
        at = _batch(len(new[1]), recipe.batch, seed, step)
        x, y = new[0][at].to(place), new[1][at].to(place)
        if old is None or memory is None:
            loss = cross_entropy(model(x), y)
        else:
            at = _batch(len(old[1]), memory.batches * recipe.batch, seed + APART, step)
            mine, theirs = model.both(*_alike(x, old[0][at].to(place)))
            loss = cross_entropy(mine, y) + weight * cross_entropy(theirs, old[1][at].to(place))
        optimiser.zero_grad()
        (loss / (1 + weight)).backward()
        optimiser.step()
    return _dataset(plan, said, {k: y for k, (_, _, y) in sets.items()})


def walk(
    model: Any,
    start: State,
    end: State,
    points: int,
    evaluations: Mapping[str, loop.Data],
    old_evaluations: Mapping[str, loop.Data],
    device: str = "auto",
) -> xr.Dataset:
    """Predict through both heads along the straight path of weights, as `evaluate_path` does."""
    path = evaluate_path(model, start, end, points, evaluations, device)
    first, last = ({f"model.{k}": v for k, v in state.items()} for state in (start, end))
    old = evaluate_path(Old(model), first, last, points, old_evaluations, device)
    return path.merge(old.drop_vars("step"), compat="override", join="outer")


def _data(data: loop.Data) -> tuple[Tensor, Tensor]:
    return as_tensor(data[0]), torch.as_tensor(data[1]).long()


def _alike(new: Tensor, old: Tensor) -> tuple[Tensor, Tensor]:
    """Repeat grey images to three channels where the others are in colour."""
    if new.ndim != 4 or new.shape[1] == old.shape[1]:
        return new, old
    return new.expand(-1, 3, -1, -1), old.expand(-1, 3, -1, -1)


def _optimiser(model: Any, recipe: Recipe, weight: float) -> tuple[torch.optim.SGD, list[float]]:
    """Make the optimiser, and the factors on the recipe's rate by group."""
    own = model.own()
    theirs = {id(p) for p in own}
    groups = [([p for p in model.parameters() if id(p) not in theirs], (1 + weight) ** 0.5)]
    groups += [(own, 1 + weight)] if own else []
    optimiser = torch.optim.SGD(
        [{"params": params} for params, _ in groups],
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    return optimiser, [factor for _, factor in groups]


def _check(model, view, new, old, memory, evaluations, old_evaluations, place) -> None:
    if memory and (memory.weight <= 0 or memory.batches < 1):
        raise ParameterError(
            f"Replay needs a weight above 0 and 1 batch or more, not {memory.weight:g} and "
            f"{memory.batches}; leave the memory out to train without it."
        )
    if old is not None and old[0].shape[2:] != new[0].shape[2:]:
        sizes = ["x".join(map(str, x.shape[2:])) for x in (old[0], new[0])]
        raise ParameterError(
            f"The images to replay are {sizes[0]} pixels, but the new ones {sizes[1]}; bring both "
            "to one size."
        )
    with torch.no_grad():
        counts = [who.eval()(new[0][:1].to(place)).shape[1] for who in (model, view)]
    news, olds = {"the new examples": new[1]}, {} if old is None else {"the replayed ones": old[1]}
    news |= {k: torch.as_tensor(y) for k, (_, y) in evaluations.items()}
    olds |= {k: torch.as_tensor(y) for k, (_, y) in old_evaluations.items()}
    for labels, classes in ((news, counts[0]), (olds, counts[1])):
        for name, y in labels.items():
            if len(y) == 0 or int(y.min()) < 0 or int(y.max()) >= classes:
                raise ParameterError(
                    f"The labels of {name} go up to {int(y.max()) if len(y) else 'nothing'}, but "
                    f"their head has classes 0 to {classes - 1}; map or drop the others."
                )


def _batch(n: int, size: int, seed: int, step: int) -> Tensor:
    """Take the examples of a step: each epoch is one permutation, its rest is dropped."""
    size = min(size, n)
    epoch, at = divmod(step, n // size)
    return _order(n, seed, epoch)[at * size : (at + 1) * size]


@lru_cache(maxsize=4)
def _order(n: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))


def _dataset(plan: np.ndarray, said: Mapping[str, list[Tensor]], labels) -> xr.Dataset:
    out: dict[str, Any] = {"step": ("checkpoint", plan)}
    for name, parts in said.items():
        out[f"prediction_{name}"] = ("checkpoint", f"example_{name}"), torch.stack(parts).numpy()
        out[f"label_{name}"] = f"example_{name}", labels[name].numpy().astype(np.int16)
    return xr.Dataset(out)
