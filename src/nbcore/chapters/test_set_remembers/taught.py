"""Students of teachers that copy wrong labels (C9).

A teacher learns from few pictures with noisy labels and labels many others; a student sees only
these. run.table("accuracy"): `teacher` (member, teacher) and `student` (member, student, count).
"""

from functools import partial

import numpy as np
import xarray as xr

from nbcore.chapters.test_set_remembers import methods, pictures
from nbcore.chapters.test_set_remembers.config import Taught
from nbcore.chapters.test_set_remembers.pictures import Part
from nbcore.measures.generalization.copying import chosen
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training.recipe import Recipe

#: teachers that fit every label, and one that learned from labels in a random order
TEACHERS = (methods.ONE, methods.TREE, methods.NARROW)
SHUFFLED = "1-NN, labels shuffled"
#: students of the first teacher that are no such thing: right labels, no teacher, no smoothing
RIGHT, ALONE, COPIER = "right labels", "no teacher", "a student that is a 1-NN"
STUDENTS = (*TEACHERS, SHUFFLED, RIGHT, ALONE, COPIER)
#: how many of the unlabelled pictures, as shares
COUNTS = (1 / 40, 1 / 10, 2 / 5, 1.0)
WIDTH, RATE, CHOICE, CHOSEN = 256, 0.05, 0.2, 2000


def noisy(labels: np.ndarray, noise: float, classes: int, seed: int) -> np.ndarray:
    """Give each label another class, drawn evenly, with the chance `noise`."""
    other = np.random.default_rng([seed, 4]).integers(1, classes, len(labels))
    wrong = chosen(labels, np.full(classes, noise), 3 * seed)
    return np.where(wrong, (labels + other) % classes, labels)


def learned(part: Part, given: np.ndarray, test: Part, steps: int, seed: int) -> float:
    """Train a student and return its accuracy on test pictures.

    It keeps a fifth of its pictures apart, 2,000 at most, and stops where it agrees best with their
    labels, which are those of the teacher too.
    """
    cut = len(given) - min(round(CHOICE * len(given)), CHOSEN)
    choice = part.inputs[cut:], given[cut:]
    recipe = Recipe(
        steps, methods.BATCH, RATE, weight_decay=0.0, drop_at=(0.8,), checkpoints=12, first=10
    )
    own = part.take(slice(cut))
    early = methods.mlp(own, given[:cut], choice, test.inputs, WIDTH, recipe, seed).best
    return float((early.answers == test.labels).mean())


def counts(most: int) -> list[int]:
    """List how many pictures students see."""
    return [max(round(share * most), 20) for share in COUNTS]


def _teach(labelled: Part, given: np.ndarray, others: np.ndarray, seed: int) -> dict:
    """Let every teacher learn and label other inputs: teacher -> labels."""
    mixed = np.random.default_rng([seed, 5]).permutation(given)
    return {
        methods.ONE: methods.neighbours(labelled, given, others, 1).answers,
        methods.TREE: methods.tree(labelled, given, others, seed).answers,
        methods.NARROW: methods.kernel(labelled, given, others, True).answers,
        SHUFFLED: methods.neighbours(labelled, mixed, others, 1).answers,
    }


def _member(config: Taught, name: str) -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    n, m = config.images, config.unlabelled
    part, test = pictures.draw(config.dataset, config.side, n + m, seed)
    labelled, others = part.take(slice(n)), part.take(slice(n, None))
    k = int(part.labels.max()) + 1
    given = noisy(labelled.labels, config.noise, k, seed)
    said = _teach(labelled, given, np.vstack([others.inputs, test.inputs]), seed)
    student = np.full((len(STUDENTS), len(COUNTS)), np.nan)
    for row, kind in enumerate(STUDENTS):
        for column, count in enumerate(counts(m)):
            last, seen = column == len(COUNTS) - 1, others.take(slice(count))
            labels = seen.labels if kind == RIGHT else said.get(kind, said[methods.ONE])[:count]
            if kind == ALONE and last:
                student[row, column] = learned(labelled, given, test, config.steps, seed)
            elif kind == COPIER and last:
                copy = methods.neighbours(seen, labels, test.inputs, 1).answers
                student[row, column] = (copy == test.labels).mean()
            elif kind in (methods.ONE, RIGHT) or (kind in said and last):
                student[row, column] = learned(seen, labels, test, config.steps, seed)
    right = [(said[t][m:] == test.labels).mean() for t in (*TEACHERS, SHUFFLED)]
    return xr.Dataset(
        {"teacher": ("teacher_of", right), "student": (("kind", "count"), student)},
        {"teacher_of": [*TEACHERS, SHUFFLED], "kind": list(STUDENTS), "count": counts(m)},
    )


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    return {"accuracy": xr.concat(rows, "member")}


def taught_plan(config: Taught, workers: int = 1) -> Plan:
    """Plan five members of about forty seconds each."""
    return Plan(
        "noisy-teachers",
        config,
        {"pictures": config.dataset},
        [f"seed{k}" for k in range(config.seeds)],
        partial(_member, config),
        reduce=_reduce,
        workers=workers,
    )


STORED = {"noisy-teachers": lambda m: taught_plan(Taught.from_address(m["config"]))}


def load_taught(config: Taught, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute teachers and students."""
    return run_or_load(taught_plan(config, workers), fresh)
