"""Chapter 18's runs, and draws of means over their members."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nbcore.chapters.sequences_and_rewards import by_hand, lengths, meanings, rewards, tasks
from nbcore.chapters.sequences_and_rewards.config import HINTED, PLAIN, Lengths, Meanings, Rewards
from nbcore.chapters.sequences_and_rewards.config import SequencesAndRewards as Config
from nbcore.measures.bootstrap import Floats, seed_weights
from nbcore.measures.calibration.smooth import smooth_ece
from nbcore.runs.store import Run

#: sequences on which the interpolator is measured
COUNTED = 20_000


@dataclass
class Study:
    """The runs by name, and what is computed of them."""

    config: Config
    runs: dict[str, Run]

    def over_seeds(self, values: Floats) -> Floats:
        """Average (member, ...) over members: (draw, ...); draw 0 is what was observed."""
        by = seed_weights(len(values), self.config.resamples, np.random.default_rng(18))
        return np.tensordot(by, np.asarray(values, float), 1)

    def accuracy(self, task: str) -> Floats:
        """Return accuracies (member, share) of one task, by length as a share of the longest."""
        part = HINTED if tasks.TASKS[task].hinted else PLAIN
        table = self.runs[part].table("accuracy")["accuracy"].sel(task=task)
        return table.transpose("member", "share").values.astype(float)

    def at(self, task: str, share: float) -> Floats:
        """Return accuracies (member,) of one task at one of the lengths."""
        return self.accuracy(task)[:, lengths.SHARES.index(share)]

    def astray(self, task: str) -> Floats:
        """Return accuracies (member,) with misplaced indices."""
        table = self.runs[HINTED].table("accuracy")["astray"].sel(task=task)
        return table.values.astype(float)

    @cached_property
    def interpolator(self) -> Floats:
        """Accuracy (share,) of the least-degree interpolator of the mode."""
        rng, most = np.random.default_rng(18), self.config.longest
        at = lengths.tested_lengths(most)
        return np.array([by_hand.first_places(rng, COUNTED, n, most) for n in at])

    def tuning(self, name: str) -> Floats:
        """Return one of the numbers of the run on rewards: (member, ...)."""
        table = self.runs["rewards"].table("numbers")[name]
        return table.transpose("member", ...).values.astype(float)

    def reward(self, way: str) -> Floats:
        """Return expected rewards (member, step)."""
        return self.tuning("reward")[:, rewards.WAYS.index(way)]

    def later(self, way: str) -> Floats:
        """Return rewards (member,) after ten times the steps in which a frequent one is .9."""
        curves = self.reward(way)
        needed = 10 * self.tuning("steps")[:, rewards.WAYS.index(rewards.NEAR)]
        at = np.minimum(needed, curves.shape[1] - 1).astype(int)
        return np.take_along_axis(curves, at[:, None], 1)[:, 0]

    def answers(self, way: str) -> tuple[Floats, Floats]:
        """Return confidence in the likeliest meaning and how likely it is true: (member, question).

        Only of the questions that were asked in this way.
        """
        table = self.runs["meanings"].table("chances")
        said = table["said"].sel(way=way).transpose("member", "question", "class").values
        true = table["true"].transpose("member", "question", "class").values
        asked = ~np.isnan(said[0, :, 0])
        said, true = said[:, asked].astype(float), true[:, asked].astype(float)
        top = said.argmax(2)[..., None]
        right = np.take_along_axis(true, top, 2)[..., 0]
        return np.clip(said.max(2), 0, 1), right

    def calibration(self, way: str) -> Floats:
        """Return the smooth calibration error of meanings: (member,)."""
        return np.array([smooth_ece(p, y) for p, y in zip(*self.answers(way), strict=True)])


def load(config: Config, fresh: bool = False) -> Study:
    """Load or compute every run."""
    runs: dict[str, Run] = {}
    for name, part in config.parts().items():
        match part:
            case Lengths():
                runs[name] = lengths.load_lengths(part, fresh, config.workers)
            case Rewards():
                runs[name] = rewards.load_rewards(part, fresh)
            case Meanings():
                runs[name] = meanings.load_meanings(part, fresh)
    return Study(config, runs)
