"""The dominance matrix beside the plain loop over pairs of models."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nbcore.bench.clock import alternate, threads
from nbcore.bench.record import Comparison, Found
from nbcore.measures.agreement import dominance_matrix, dominance_probability
from nbcore.runs.config import Config, param

#: both count whole examples and divide once
WITHIN = 1e-12


@dataclass(frozen=True)
class Dominance(Config):
    """Models and examples. Under a minute of one core."""

    slug: ClassVar[str] = "dominance"

    models: int = param(1_000, "models", low=3)
    examples: int = param(50_000, "examples", low=10)
    pairs: int = param(4_000, "pairs that the loop does, of all", low=10)
    rounds: int = param(5, "times that both sides answer", low=1)
    threads: int = param(1, "threads", low=1)

    @classmethod
    def smoke(cls) -> "Dominance":
        """A second."""
        return cls(models=200, examples=5_000, pairs=1_000, rounds=3)


def answers(models: int, examples: int, seed: int = 0) -> np.ndarray:
    """Draw (model, example) bool, right or wrong: better models, harder examples.

    The time of neither side depends on the answers, only on their number.
    """
    rng = np.random.default_rng(seed)
    skill = np.linspace(-1.0, 3.0, models, dtype=np.float32)[:, None]
    hard = rng.normal(0.0, 1.5, examples).astype(np.float32)
    luck = rng.logistic(size=(models, examples)).astype(np.float32)
    return skill - hard + luck > 0


def run(config: Dominance) -> Found:
    """Compare the whole matrix with a loop over some of its pairs, whose time is multiplied."""
    right = answers(config.models, config.examples)
    rng = np.random.default_rng(1)
    pairs = rng.integers(config.models, size=(config.pairs, 2))

    def loop() -> np.ndarray:
        return np.array([(right[i] & ~right[j]).mean() for i, j in pairs])

    def one_by_one() -> np.ndarray:
        return np.array([dominance_probability(right[i], right[j]) for i, j in pairs])

    with threads(config.threads):
        dominance_matrix(right[:10])
        done = alternate(
            {"ours": lambda: dominance_matrix(right), "loop": loop, "pair": one_by_one},
            config.rounds,
        )
    matrix, more = done["ours"].result, config.models**2 / config.pairs
    names = {"loop": "a loop over pairs, NumPy", "pair": "dominance_probability, pair by pair"}
    return Found(
        tuple(
            Comparison(
                f"{config.models:,} models, {config.examples:,} examples",
                "nbcore, dominance_matrix",
                name,
                done["ours"].rounds,
                tuple(round(s * more, 6) for s in done[key].seconds),
                round(done["ours"].memory, 1),
                None,
                "shares of the pairs",
                float(np.abs(matrix[pairs[:, 0], pairs[:, 1]] - done[key].result).max()),
                WITHIN,
                f"{config.pairs:,} of {config.models**2:,} pairs, times {more:g}",
            )
            for key, name in names.items()
        )
    )
