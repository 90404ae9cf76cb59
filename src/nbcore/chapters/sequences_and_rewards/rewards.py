"""A trained transformer is tuned by rewards, or first on a few right answers (C3).

Prompts are those of the task `mode`, with a style before them. In training the answer is the most
frequent symbol but for a share of cases, which depends on the style, where it is the next symbol.
The reward asks for the next symbol always. So the chance of a reward, and its deviation, differ by
style, and every prompt of one style has to change in the same way.
"""

import copy
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nbcore.chapters.sequences_and_rewards import tasks
from nbcore.chapters.sequences_and_rewards.config import Rewards
from nbcore.errors import ParameterError
from nbcore.models import transformer
from nbcore.models.transformer import Transformer
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: how often the answer is the next symbol, by style, when the transformer is trained
SHARES = (0.4, 0.1, 0.03, 0.01, 0.003, 0.0003)
STYLE = tasks.TOKENS
TOKENS = STYLE + len(SHARES)
#: those that are tuned, by what is done before: styles of the largest and the smallest share
NEAR, FAR, TAUGHT, MISTAUGHT = "often", "rarely", "rarely, taught first", "rarely, taught wrongly"
WAYS = (NEAR, FAR, TAUGHT, MISTAUGHT)
#: the expected reward at which tuning ends
AIM = 0.9


def draw(
    rng: np.random.Generator, n: int, length: int, style: int | None = None
) -> tuple[Tensor, Tensor, np.ndarray]:
    """Draw prompts (n, token), most frequent symbols (n, 1) and styles (n,)."""
    prompts, most = tasks.mode(rng, n, length)
    styles = rng.integers(0, len(SHARES), n) if style is None else np.full(n, style)
    # the style stands between the beginning and the symbols
    told = np.insert(prompts, 1, STYLE + styles, axis=1)
    return torch.as_tensor(told), torch.as_tensor(most), styles


def following(symbols: Tensor, by: int = 1) -> Tensor:
    """Give the symbol after each, the first after the last."""
    return tasks.FIRST + (symbols - tasks.FIRST + by) % tasks.KINDS


def _batches(config: Rewards, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        prompts, most, styles = draw(rng, config.batch, config.length)
        other = torch.as_tensor(rng.random(len(styles)) < np.array(SHARES)[styles])[:, None]
        yield prompts, torch.where(other, following(most), most)


def chances(model: Transformer, prompts: Tensor) -> Tensor:
    """Give the chance (n, token) of each answer of one token."""
    out: Tensor = model(prompts, 1)[:, 0].softmax(-1)
    return out


def deviation(reward_chance: np.ndarray) -> np.ndarray:
    """Give the standard deviation of a reward that is 1 with this chance and else 0."""
    return np.sqrt(reward_chance * (1 - reward_chance))


def checked(rewards: np.ndarray) -> np.ndarray:
    """Return rewards as they are; ParameterError for some that are not finite or all the same."""
    if not np.isfinite(rewards).all():
        raise ParameterError("A reward is not a finite number; score every answer with one.")
    if np.ptp(rewards) == 0:
        raise ParameterError(
            f"All {rewards.size} rewards are {rewards.flat[0]:g}: without variance they say "
            "nothing about what to change; ask for more answers, or for another reward."
        )
    return rewards


def gradient_norms(model: Transformer, prompts: Tensor, wanted: Tensor, taught: bool) -> np.ndarray:
    """Compute norms (n,) of the gradient of each prompt's expected reward.

    The reward is 1 for the wanted token, so the expectation is its chance. taught: instead of its
    logarithm, which is what supervised training raises.
    """
    weights = [p for p in model.parameters() if p.requires_grad]
    norms = []
    for prompt, token in zip(prompts, wanted, strict=True):
        aim = chances(model, prompt[None])[0, token[0]]
        parts = torch.autograd.grad(aim.log() if taught else aim, weights)
        norms.append(torch.sqrt(torch.stack([(g**2).sum() for g in parts]).sum()).item())
    return np.array(norms)


def reinforce(
    model: Transformer,
    prompts: Tensor,
    wanted: Tensor,
    steps: int,
    lr: float,
    samples: int,
    draw: torch.Generator,
) -> np.ndarray:
    """Ascend the reward by REINFORCE with plain gradient steps: (steps + 1,) expected rewards.

    In each step every prompt has `samples` answers; each raises its log chance by its reward. It
    ends at .9, which is then repeated.
    """
    weights, told = [p for p in model.parameters() if p.requires_grad], []
    for step in range(steps + 1):
        p = chances(model, prompts)
        told.append(p.gather(1, wanted).mean().item())
        if not np.isfinite(told[-1]):
            raise ParameterError(
                f"The reward after {step} steps is {told[-1]}, not a finite number; lower lr."
            )
        if told[-1] >= AIM:
            break
        answers = torch.multinomial(p.detach(), samples, replacement=True, generator=draw)
        rewards = (answers == wanted).float()
        aim = (rewards * p.log().gather(1, answers)).mean()
        if not rewards.any():
            continue  # the gradient is zero: nothing moves
        with torch.no_grad():
            for w, g in zip(weights, torch.autograd.grad(aim, weights), strict=True):
                w.add_(lr * g)
    return np.array(told + told[-1:] * (steps + 1 - len(told)))


def teach(model: Transformer, prompts: Tensor, answers: Tensor, steps: int, lr: float) -> None:
    """Train on given answers with plain gradient steps."""
    weights = [p for p in model.parameters() if p.requires_grad]
    for _ in range(steps):
        loss = -transformer.log_chance(model, prompts, answers).mean()
        with torch.no_grad():
            for w, g in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                w.sub_(lr * g)


def _steps_to(reward: np.ndarray) -> float:
    """Count the updates until the expected reward is .9; all of them if it never is."""
    reached = np.flatnonzero(reward >= AIM)
    return float(reached[0] if len(reached) else len(reward) - 1)


def _tuned(config: Rewards, model: Transformer, seed: int, way: str) -> np.ndarray:
    """Tune a copy of the model in one of `WAYS`: (step,) expected rewards."""
    style = 0 if way == NEAR else len(SHARES) - 1
    rng, own = np.random.default_rng([182, seed]), copy.deepcopy(model)
    prompts, most, _ = draw(rng, config.inputs, config.length, style)
    wanted = following(most)
    few = config.inputs // 100
    if way in (TAUGHT, MISTAUGHT):
        answers = wanted if way == TAUGHT else following(most, 2)
        teach(own, prompts[:few], answers[:few], config.lesson, config.lr)
    by = torch.Generator().manual_seed(1820 + seed)
    return reinforce(own, prompts, wanted, config.tuning, config.lr, config.samples, by)


def _member(config: Rewards, name: str) -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    rng = np.random.default_rng([18, seed])
    model = transformer.build(18_000 + seed, TOKENS, width=config.width)
    transformer.fit(model, _batches(config, rng), config.steps, 0.002)
    measured = []
    for style in range(len(SHARES)):
        prompts, most, _ = draw(rng, config.measured, config.length, style)
        wanted = following(most)
        with torch.no_grad():
            p = chances(model, prompts).gather(1, wanted)[:, 0].double().numpy()
        by = [gradient_norms(model, prompts, wanted, taught) for taught in (False, True)]
        measured.append([p, deviation(p), *by])
    chance, spread, rewarded, taught = np.moveaxis(np.array(measured), 1, 0)
    curves = np.array([_tuned(config, model, seed, way) for way in WAYS])
    at = ("style", "input")
    return xr.Dataset(
        {
            "chance": (at, chance),
            "deviation": (at, checked(spread)),
            "gradient": (at, rewarded),
            "taught_gradient": (at, taught),
            "reward": (("way", "step"), np.float32(curves)),
            "steps": ("way", [_steps_to(c) for c in curves]),
        },
        {"style": list(SHARES), "way": list(WAYS)},
    )


def _reduce(run: Run) -> Tables:
    return {"numbers": xr.concat([m for _, m in run.members()], "member")}


def rewards_plan(config: Rewards) -> Plan:
    """Plan three members, a minute of one core each."""
    names = [f"seed{k}" for k in range(config.seeds)]
    return Plan("reward-tuning", config, {}, names, partial(_member, config), reduce=_reduce)


STORED = {"reward-tuning": lambda m: rewards_plan(Rewards.from_address(m["config"]))}


def load_rewards(config: Rewards, fresh: bool = False) -> Run:
    """Load or compute the tuning by rewards."""
    return run_or_load(rewards_plan(config), fresh)
