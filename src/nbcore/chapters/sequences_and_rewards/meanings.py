"""Questions with several right wordings: is a transformer as sure of a meaning as it may be? (C16).

A prompt shows 12 symbols of three kinds. The true class of its answer is that of a symbol picked at
random, so its chances are known: the shares of the symbols. An answer words a class in one of three
forms of different length. In some texts five symbols are picked and written down first, and the
answer is the most frequent of them. Confidence in a class is the chance of all its wordings.
"""

import copy
from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from nbcore.chapters.sequences_and_rewards.config import Meanings
from nbcore.chapters.sequences_and_rewards.rewards import checked
from nbcore.models import transformer
from nbcore.models.transformer import Transformer
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
CLASSES, FORMS, STEPS = 3, 3, 5
BEGIN, ASK, REASON, END, NOTHING = range(5)
FILLERS = (5, 6)
#: symbols of a prompt, which steps repeat; then the words of each form
SYMBOL, WORD = 7, 7 + CLASSES
TOKENS = WORD + FORMS * CLASSES
LENGTH = 4
#: what comes before the word in each form
LEADS: tuple[tuple[int, ...], ...] = ((), (FILLERS[0],), (FILLERS[1], FILLERS[0]))
#: chance of each form by class: a first word says something about the class, but not all
PREFERRED = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
BASE, TUNED, SHUFFLED, CHAINED = "as trained", "rewarded", "shuffled rewards", "after steps"
WAYS = (BASE, TUNED, SHUFFLED, CHAINED)


def questions(rng: np.random.Generator, n: int, length: int) -> tuple[Ints, Floats]:
    """Draw symbols (n, length) below CLASSES, and the chances (n, class) of the true class."""
    mixture = rng.dirichlet(np.ones(CLASSES), n)
    x = (rng.random((n, length, 1)) > mixture.cumsum(1)[:, None, :-1]).sum(2)
    return x, (x[:, :, None] == np.arange(CLASSES)).mean(1)


def picked(rng: np.random.Generator, x: Ints, times: int) -> Ints:
    """Pick symbols of each question, with replacement: (n, times)."""
    return np.take_along_axis(x, rng.integers(0, x.shape[1], (len(x), times)), 1)


def concluded(steps: Ints) -> Ints:
    """Return the most frequent of each row (n, step), of several the first to appear: (n,)."""
    often = (steps[:, :, None] == steps[:, None]).sum(2)
    return np.take_along_axis(steps, often.argmax(1)[:, None], 1)[:, 0]


def wording(classes: Ints, forms: Ints) -> Ints:
    """Word classes (n,) in forms (n,): (n, LENGTH) tokens."""
    out = np.full((len(classes), LENGTH), NOTHING)
    for form, lead in enumerate(LEADS):
        rows, at = forms == form, len(lead)
        out[rows, :at] = lead
        out[rows, at] = WORD + form * CLASSES + classes[rows]
        out[rows, at + 1] = END
    return out


def meaning(answers: Ints) -> Ints:
    """Give the class of each answer (n, LENGTH), by its first words; -1 for none."""
    out = np.full(len(answers), -1)
    for form, lead in enumerate(LEADS):
        at = len(lead)
        word = answers[:, at] - WORD - form * CLASSES
        worded = (answers[:, :at] == lead).all(1) & (word >= 0) & (word < CLASSES)
        out[worded] = word[worded]
    return out


def prompt(x: Ints, steps: Ints | None = None) -> Tensor:
    """Put questions (n, length), and steps (n, STEPS) if there are any, into tokens (n, token)."""
    ends = [np.full((len(x), 1), t) for t in (BEGIN, REASON, ASK)]
    parts = [ends[0], SYMBOL + x]
    parts += [] if steps is None else [ends[1], SYMBOL + steps]
    return torch.as_tensor(np.hstack([*parts, ends[2]]))


def _worded(rng: np.random.Generator, classes: Ints) -> Ints:
    return wording(classes, (rng.random((len(classes), 1)) > PREFERRED[classes].cumsum(1)).sum(1))


def _batches(config: Meanings, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw batches of texts: two that answer at once for one that writes down steps first."""
    while True:
        for reasons in (False, False, True):
            x, _ = questions(rng, config.batch, config.length)
            if not reasons:
                yield prompt(x), torch.as_tensor(_worded(rng, picked(rng, x, 1)[:, 0]))
                continue
            steps, start = picked(rng, x, STEPS), config.length + 2
            said = torch.as_tensor(_worded(rng, concluded(steps)))
            text = torch.cat([prompt(x, steps), said], 1)
            yield text[:, :start], text[:, start:]


@torch.no_grad()
def spread_of(model: Transformer, prompts: Tensor) -> Floats:
    """Compute the chance (n, class) of all wordings of each class."""
    total = torch.zeros(len(prompts), CLASSES)
    for form, lead in enumerate(LEADS):
        led = torch.tensor(lead, dtype=torch.long).expand(len(prompts), -1)
        chances = model(torch.cat([prompts, led], 1), len(lead) + 1).softmax(-1)
        before = chances[:, :-1].gather(2, led[:, :, None]).prod(1)
        total += before * chances[:, -1, WORD + form * CLASSES :][:, :CLASSES]
    return total.double().numpy()


def after_steps(model: Transformer, x: Ints) -> Floats:
    """Compute the chance (n, class) of each class after steps that the model writes itself.

    All CLASSES ** STEPS sequences of steps are gone through, weighted by their chance.
    """
    every = np.array(list(product(range(CLASSES), repeat=STEPS)))
    rows = np.zeros((len(x), CLASSES))
    for row, one in zip(rows, x, strict=True):
        prompts = prompt(np.repeat(one[None], len(every), 0), every)
        start = prompts[:, : len(one) + 2]
        with torch.no_grad():
            written = transformer.log_chance(model, start, prompts[:, len(one) + 2 : -1]).sum(1)
        row[:] = written.exp().numpy() @ spread_of(model, prompts)
    return rows


def tune(
    model: Transformer, config: Meanings, rng: np.random.Generator, shuffled: bool
) -> Transformer:
    """Train a copy by REINFORCE: a sampled answer earns 1 if its class is the true one.

    shuffled: if it is the true class of another question of the batch.
    """
    tuned = copy.deepcopy(model)
    weights = [p for p in tuned.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(weights, config.reward_lr)
    draw = torch.Generator().manual_seed(int(rng.integers(2**31)))
    for _ in range(config.reward_steps):
        x, _ = questions(rng, config.batch, config.length)
        true = picked(rng, x, 1)[:, 0]
        asked = rng.permutation(true) if shuffled else true
        answers = transformer.sample(tuned, prompt(x), LENGTH, draw)
        rewards = checked((meaning(answers.numpy()) == asked).astype(float))
        told = transformer.log_chance(tuned, prompt(x), answers).sum(1)
        loss = -(torch.as_tensor(rewards - rewards.mean()).float() * told).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return tuned


def _member(config: Meanings, name: str) -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    rng = np.random.default_rng([18, 16, seed])
    model = transformer.build(180_000 + seed, TOKENS, width=config.width)
    transformer.fit(model, _batches(config, rng), config.steps, config.lr)
    x, true = questions(rng, config.tested, config.length)
    tuned = [tune(model, config, rng, shuffled) for shuffled in (False, True)]
    said = [spread_of(m, prompt(x)) for m in (model, *tuned)]
    fewer = np.full_like(true, np.nan)
    fewer[: config.reasoned] = after_steps(model, x[: config.reasoned])
    return xr.Dataset(
        {
            "said": (("way", "question", "class"), np.stack([*said, fewer]).astype(np.float32)),
            "true": (("question", "class"), np.float32(true)),
        },
        {"way": list(WAYS)},
    )


def _reduce(run: Run) -> Tables:
    return {"chances": xr.concat([m for _, m in run.members()], "member")}


def meanings_plan(config: Meanings) -> Plan:
    """Plan five members, a minute and a half of one core each."""
    names = [f"seed{k}" for k in range(config.seeds)]
    return Plan("worded-answers", config, {}, names, partial(_member, config), reduce=_reduce)


STORED = {"worded-answers": lambda m: meanings_plan(Meanings.from_address(m["config"]))}


def load_meanings(config: Meanings, fresh: bool = False) -> Run:
    """Load or compute chances of meanings."""
    return run_or_load(meanings_plan(config), fresh)
