"""Chapter 18: its parameters, and those of the runs that its numbers come from.

Tasks are stated distributions of sequences; transformers are small. The papers' are larger, and two
of three papers are about language models, so everything here is a reduced setup.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from nbcore.errors import ParameterError
from nbcore.runs.config import AT_LEAST, FREE, Config, param

#: of the tasks: as they are, or with hints
PLAIN, HINTED = "plain", "hinted"


@dataclass(frozen=True)
class Lengths(Config):
    """Transformers trained on short sequences of one task, and tested on longer ones."""

    slug: ClassVar[str] = "sequence-lengths"

    tasks: str = param(PLAIN, "which tasks", choices=(PLAIN, HINTED))
    longest: int = param(10, "items in the longest sequence of training", low=2, high=15)
    width: int = param(32, "features of a token", low=8)
    layers: int = param(2, "layers", low=1)
    steps: int = param(1000, "updates, times the effort of a task", low=1, paper=AT_LEAST)
    batch: int = param(32, "sequences of an update", low=1)
    lr: float = param(0.003, "largest learning rate of AdamW", low=0)
    tested: int = param(500, "sequences of each length in the test", low=10, paper=AT_LEAST)
    seeds: int = param(3, "members of each task", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class Rewards(Config):
    """A transformer trained on answers, then tuned by rewards with and without a lesson first."""

    slug: ClassVar[str] = "reward-tuning"

    length: int = param(10, "symbols of a prompt", low=2)
    width: int = param(32, "features of a token", low=8)
    steps: int = param(1200, "updates before tuning", low=1)
    batch: int = param(48, "prompts of an update before tuning", low=1)
    inputs: int = param(200, "prompts that are tuned on", low=100)
    measured: int = param(40, "prompts of each style whose gradients are measured", low=2)
    tuning: int = param(600, "updates by rewards at most", low=10)
    lr: float = param(0.02, "learning rate of tuning", low=0)
    samples: int = param(4, "answers a prompt and update", low=1)
    lesson: int = param(30, "updates of a supervised phase, on a hundredth of the prompts", low=1)
    seeds: int = param(3, "members", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class Meanings(Config):
    """A transformer trained on worded answers, then rewarded, or made to write steps."""

    slug: ClassVar[str] = "worded-answers"

    length: int = param(12, "symbols of a question", low=3)
    width: int = param(32, "features of a token", low=8)
    steps: int = param(1200, "updates before rewards", low=1)
    batch: int = param(96, "questions of an update", low=8)
    lr: float = param(0.002, "largest learning rate of AdamW", low=0)
    reward_steps: int = param(100, "updates by rewards", low=1)
    reward_lr: float = param(0.001, "learning rate of Adam by rewards", low=0)
    tested: int = param(600, "questions of the test", low=20, paper=AT_LEAST)
    reasoned: int = param(30, "of these with steps", low=5, paper=AT_LEAST)
    seeds: int = param(5, "members", low=3, in_address=False, paper=AT_LEAST)


@dataclass(frozen=True)
class SequencesAndRewards(Config):
    """Chapter 18; small transformers on stated tasks."""

    slug: ClassVar[str] = "sequences-and-rewards"
    #: smaller transformers than the papers', and no language
    stand_ins: ClassVar[tuple[str, ...]] = ("C1", "C3", "C16")

    longest: int = param(10, "longest sequence of training", low=2, high=15, paper=FREE)
    steps: int = param(1000, "updates, times the effort of a task", low=1, paper=FREE)
    tuning: int = param(600, "updates by rewards at most", low=10, paper=FREE)
    task_seeds: int = param(3, "members of each task and of tuning", low=3, paper=FREE)
    seeds: int = param(5, "members of the run on worded answers", low=3, paper=FREE)
    resamples: int = param(1000, "bootstrap resamples", low=20, paper=FREE)
    workers: int = param(1, "processes", low=1, in_address=False, paper=FREE)
    device: str = param("cpu", "nothing here needs another", in_address=False, paper=FREE)

    @classmethod
    def book(cls) -> Self:
        """What is published: 12 minutes of one core for all runs, 1 GB."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Short sequences and a few updates: about 15 seconds on one core, 1 GB."""
        return cls(longest=3, steps=15, tuning=15, seeds=3, resamples=100)

    @classmethod
    def paper(cls) -> Self:
        """Ten times the updates: still not the papers' transformers."""
        return cls(steps=10_000, longest=15)

    def check(self) -> None:
        """Refuse another device: everything here is computed on processors."""
        if self.device not in ("cpu", "auto", "cuda"):
            raise ParameterError(f"A device is cpu, auto or cuda, not {self.device!r}.")

    @property
    def tiny(self) -> bool:
        """Whether sizes are those of the smoke preset."""
        return self.steps < 500

    def parts(self) -> Mapping[str, Config]:
        """Give the runs by name."""
        trained: dict[str, Any] = dict(
            longest=self.longest, steps=self.steps, seeds=self.task_seeds
        )
        if self.tiny:
            trained |= dict(tested=20, batch=16)
        # what is looked up twice a step takes a wider transformer
        hinted = trained if self.tiny else trained | dict(width=48)
        tuned: dict[str, Any] = dict(tuning=self.tuning, seeds=self.task_seeds)
        worded: dict[str, Any] = dict(seeds=self.seeds)
        if self.tiny:
            tuned |= dict(steps=self.steps, inputs=100, measured=4)
            # fewer updates would leave nothing that earns a reward
            worded |= dict(steps=8 * self.steps, reward_steps=3, tested=40, reasoned=5)
        return {
            PLAIN: Lengths(tasks=PLAIN, **trained),
            HINTED: Lengths(tasks=HINTED, **hinted),
            "rewards": Rewards(**tuned),
            "meanings": Meanings(**worded),
        }
