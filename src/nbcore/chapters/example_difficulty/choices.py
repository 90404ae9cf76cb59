"""Chapter 7's examples: their difficulty by any measure, and which ones a condition trains on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import numpy as np

from nbcore import data as nbdata
from nbcore.chapters.example_difficulty.c_scores import run_c_scores, scores
from nbcore.chapters.example_difficulty.conditions import Condition
from nbcore.chapters.example_difficulty.config import (
    OWN_SCORES,
    ExampleDifficulty,
    depth_run,
    score_run,
)
from nbcore.data.scores import load_scores
from nbcore.depths.ensembles import chosen_examples, run_ensemble
from nbcore.depths.tables import mean_depths
from nbcore.errors import DataError, ParameterError
from nbcore.lines.config import SHIFTED
from nbcore.measures import selection
from nbcore.training.phases import Phase
from nbcore.training.recipe import Recipe

#: rates drop to a tenth after this share of the steps, as in chapter 2
DROP_AT = 0.7


def training_labels(config: ExampleDifficulty) -> np.ndarray:
    """Load the labels (n,) of the examples to choose from.

    They are the training set, in its published order; of shifted digits only those below 5.
    """
    labels = _all_labels(config.id, config.image_size)
    return labels[labels < 5] if SHIFTED in config.ood else labels


def difficulty_scores(config: ExampleDifficulty, measure: str | None = None) -> np.ndarray:
    """Load or compute the scores (n,) of the training examples, low is hard.

    By `measure` (None: the config's). "c-scores": held-out accuracy of the networks of `score_run`,
    NaN where an example was never held out; "depth": minus the mean training depth in the ensemble
    of `depth_run`, an example without any counting as deeper than the network; "published" or a
    path: see `data.scores.load_scores`. Runs are loaded where they are stored and computed where
    not. DataError: scores of another length, order or form.
    """
    return _scores(config, measure or config.difficulty).copy()


@lru_cache(maxsize=4)
def _scores(config: ExampleDifficulty, measure: str) -> np.ndarray:
    everything = _all_labels(config.id, config.image_size)
    if measure == "c-scores":
        source = score_run(config)
        found = scores(run_c_scores(source), source.names()).score
    elif measure == "depth":
        found = _depth_scores(config, everything)
    else:
        found = load_scores(measure, everything)
    if len(found) != len(everything):
        raise DataError(
            f"The scores by {measure} are of {len(found)} examples, but {config.id} has "
            f"{len(everything)} to train on; give scores of the same training set."
        )
    return found[everything < 5] if SHIFTED in config.ood else found


def _depth_scores(config: ExampleDifficulty, labels: np.ndarray) -> np.ndarray:
    source = depth_run(config)
    table = run_ensemble(source, least=1).table("members").sel(member=source.names())
    depths = mean_depths(table, False)
    # where the last probe never agrees with the network, nothing is decided before the very end
    depths = np.where(np.isnan(depths), table.sizes["probe"], depths)
    found = np.full(len(labels), np.nan)
    # the pool of an ensemble has an order of its own
    found[chosen_examples(labels, source.examples, source.seed)] = -depths
    return found


@lru_cache(maxsize=2)
def _all_labels(id: str, image_size: int) -> np.ndarray:
    return nbdata.train_test(id, image_size).train.labels


def chosen(config: ExampleDifficulty, choice: str, seed: int = 0) -> np.ndarray:
    """Choose hard, random or easy examples, class-balanced: ascending indices (subset,).

    choice: "hard", "random", "easy"; "depth-hard" and "c-scores-easy", by one of `OWN_SCORES`
    instead of the config's difficulty; "shuffled-hard", hard by scores that were shuffled within
    each class. Ties and random choices are drawn with `seed`.
    ParameterError: a subset larger than a class allows, or that the classes cannot share; NaN.
    """
    by, _, kind = choice.rpartition("-")
    labels = training_labels(config)
    with _one_sentence():
        if kind == "random":
            return selection.select("random", None, labels, config.subset, seed)
        found = difficulty_scores(config, by if by in OWN_SCORES else None)
        if by == "shuffled":
            found = selection.shuffled_within_class(found, labels, seed)
        return selection.select(kind, found, labels, config.subset, seed)


def schedule(config: ExampleDifficulty, end: int, seed: int = 0) -> list[np.ndarray]:
    """Choose the examples of every phase: first all, then ever fewer easy ones, `end` at last."""
    labels = training_labels(config)
    with _one_sentence():
        sizes = selection.falling_sizes(len(labels), end, config.phases, len(np.unique(labels)))
        return selection.phase_out(difficulty_scores(config), labels, sizes, seed)


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Raise a refused choice as a ParameterError: it comes from parameters that a reader gave."""
    try:
        yield
    except ValueError as error:
        raise ParameterError(str(error)) from None


def plan(config: ExampleDifficulty, condition: Condition, seed: int = 0) -> list[Phase]:
    """Plan the phases of a condition with one seed: indices of training examples, and recipes.

    A subset is one phase. A schedule, and "all", which is compared with it, are `config.phases`
    phases of equal length, the last three tenths of them at a tenth of the rate: so momentum
    restarts equally often in both. Going on is two phases: one on everything, with the usual drop
    of the rate, and one on the subset at the first rate.
    """
    start, choice = condition
    recipe = _recipe(config, start)
    everything = np.arange(len(training_labels(config)))
    if choice.startswith("then-"):
        steps = config.schedule_steps
        subset = chosen(config, choice.removeprefix("then-"), seed)
        further = replace(
            recipe, steps=config.further_steps, drop_at=(), checkpoints=config.checkpoints // 2 + 1
        )
        return [Phase(everything, replace(recipe, steps=steps)), Phase(subset, further)]
    if choice == "all":
        return _in_phases(config, recipe, start, [everything] * config.phases)
    if choice.startswith("phase-out-"):
        end = int(choice.removeprefix("phase-out-"))
        return _in_phases(config, recipe, start, schedule(config, end, seed))
    return [Phase(chosen(config, choice, seed), recipe)]


def _recipe(config: ExampleDifficulty, start: str) -> Recipe:
    c = config
    batch = min(c.batch, c.subset)
    if start == "head":
        return Recipe(
            steps=c.head_steps,
            batch=batch,
            lr=c.head_lr,
            weight_decay=0.0,
            checkpoints=c.checkpoints,
            first=4,
        )
    random = start == "scratch"
    steps = c.random_steps if random else c.steps
    return Recipe(
        steps=steps,
        batch=batch,
        lr=c.random_lr if random else c.lr,
        drop_at=(DROP_AT,),
        augment=True,
        checkpoints=c.checkpoints,
        # a random start passes through chance for long, where no line reaches
        first=max(steps // 15, 4) if random else 4,
    )


def _in_phases(
    config: ExampleDifficulty, recipe: Recipe, start: str, parts: list[np.ndarray]
) -> list[Phase]:
    total = config.random_schedule_steps if start == "scratch" else config.schedule_steps
    steps = total // len(parts)
    if steps < 4:
        raise ParameterError(
            f"{total} steps in {len(parts)} phases leave {steps} for each; give 4 or more."
        )
    first = replace(
        recipe,
        steps=steps,
        drop_at=(),
        checkpoints=max(config.checkpoints // 2, 3),
        first=min(recipe.first, steps),
    )
    out = [Phase(parts[0], first)]
    for k, part in enumerate(parts[1:], 1):
        low = k >= round(DROP_AT * len(parts))
        lr = recipe.lr * (recipe.factor if low else 1.0)
        batch = min(recipe.batch, len(part))
        out.append(Phase(part, replace(first, lr=lr, batch=batch, checkpoints=2, first=steps)))
    return out
