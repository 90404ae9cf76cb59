"""Transformers trained on short sequences of one task and tested on longer ones (C1).

run = load_lengths(config)     # a member is one task and one seed
run.table("accuracy")
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nbcore.chapters.sequences_and_rewards import tasks
from nbcore.chapters.sequences_and_rewards.config import HINTED, Lengths
from nbcore.models import transformer
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: lengths of the test as shares of the longest in training
SHARES = (0.5, 0.8, 1.0, 1.2, 1.5, 2.0)
#: tokens around items, and how many an item can take in prompt and answer
AROUND, A_ITEM = 8, 7


def names(which: str) -> list[str]:
    """List the tasks with hints, or those without."""
    return [name for name, task in tasks.TASKS.items() if task.hinted == (which == HINTED)]


def longest(task: str, config: Lengths) -> int:
    """Return how many items the longest sequences of training have."""
    return tasks.TASKS[task].longer * config.longest


def tested_lengths(most: int) -> list[int]:
    """List the lengths of the test, by the longest of training."""
    return [max(round(share * most), 1) for share in SHARES]


def _batches(
    task: str, config: Lengths, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw batches of sequences of one length each, from 1 to the longest, all as often."""
    while True:
        length = int(rng.integers(1, longest(task, config) + 1))
        prompts, answers = tasks.TASKS[task].draw(rng, config.batch, length)
        yield torch.as_tensor(prompts), torch.as_tensor(answers)


def train(task: str, config: Lengths, seed: int) -> transformer.Transformer:
    """Train one transformer on one task."""
    order = list(tasks.TASKS).index(task)
    model = transformer.build(
        1800 + 100 * order + seed,
        tasks.TOKENS,
        width=config.width,
        layers=config.layers,
        positions=2 * A_ITEM * longest(task, config) + AROUND,
    )
    rng = np.random.default_rng([18, order, seed])
    steps = round(tasks.TASKS[task].effort * config.steps)
    transformer.fit(model, _batches(task, config, rng), steps, config.lr)
    return model


def accuracy(
    model: transformer.Transformer, task: str, length: int, n: int, rng: np.random.Generator
) -> float:
    """Measure the share of n sequences whose whole answer is right."""
    prompts, answers = map(torch.as_tensor, tasks.TASKS[task].draw(rng, n, length))
    return float(transformer.exact(model, prompts, answers).float().mean())


def astray(
    model: transformer.Transformer, task: str, length: int, n: int, rng: np.random.Generator
) -> float:
    """Measure `accuracy` where the indices of the prompt are in another order: hints that mislead.

    Only the tokens of the answer that are no index are asked for.
    """
    prompts, answers = tasks.TASKS[task].draw(rng, n, length)
    moved = prompts.copy()
    for row in moved:
        row[row >= tasks.INDEX] = rng.permutation(row[row >= tasks.INDEX])
    given = torch.as_tensor(np.hstack([moved, answers])[:, :-1])
    with torch.no_grad():
        said = model(given, answers.shape[1]).argmax(-1).numpy()
    return float(((said == answers) | (answers >= tasks.INDEX)).all(1).mean())


def _member(config: Lengths, name: str) -> xr.Dataset:
    task, seed = _parsed(name)
    model, rng = train(task, config, seed), np.random.default_rng([181, seed])
    lengths = tested_lengths(longest(task, config))
    told = [accuracy(model, task, n, config.tested, rng) for n in lengths]
    hinted = tasks.TASKS[task].hinted
    lost = astray(model, task, config.longest, config.tested, rng) if hinted else np.nan
    return xr.Dataset({"accuracy": ("share", told), "astray": lost}, {"share": list(SHARES)})


def _name(task: str, seed: int) -> str:
    return f"task{list(tasks.TASKS).index(task)}-seed{seed}"


def _parsed(name: str) -> tuple[str, int]:
    task, seed = name.removeprefix("task").split("-seed")
    return list(tasks.TASKS)[int(task)], int(seed)


def _reduce(run: Run) -> Tables:
    """Put members into a table by task and seed."""
    rows: dict[str, list[xr.Dataset]] = {}
    for name, member in sorted(run.members(), key=lambda m: _parsed(m[0])[1]):
        rows.setdefault(_parsed(name)[0], []).append(member)
    whole = [xr.concat(own, "member") for own in rows.values()]
    return {"accuracy": xr.concat(whole, "task").assign_coords(task=list(rows))}


def lengths_plan(config: Lengths, workers: int = 1) -> Plan:
    """Plan three members a task, of half a minute to two minutes of one core."""
    members = [_name(t, k) for k in range(config.seeds) for t in names(config.tasks)]
    compute = partial(_member, config)
    return Plan("sequence-lengths", config, {}, members, compute, reduce=_reduce, workers=workers)


STORED = {"sequence-lengths": lambda m: lengths_plan(Lengths.from_address(m["config"]))}


def load_lengths(config: Lengths, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute the tasks with hints, or those without."""
    return run_or_load(lengths_plan(config, workers), fresh)
