"""Wrong labels of one class, planted in training and found on test pictures (C30).

run = load_copied(config)     # a member is one seed
run.table("answers"): `share` (member, learner, kind, class, answer) of each class's test pictures
    that get each answer; `planted` (member,) share relabelled; `fit` (member, learner, kind);
    `flipped` (member, finer, class) and `flips` (member, class): the same of the finer cells
"""

from functools import partial

import numpy as np
import xarray as xr

from nbcore.chapters.test_set_remembers import methods, pictures
from nbcore.chapters.test_set_remembers.config import PAIRS, Copied
from nbcore.chapters.test_set_remembers.methods import Said
from nbcore.chapters.test_set_remembers.pictures import Part
from nbcore.measures.generalization.copying import answers, chosen
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training.recipe import Recipe

PLANTED, RIGHT = "relabelled", "right labels"
KINDS = (PLANTED, RIGHT)
METHODS = (*methods.FITTING, *methods.SMOOTH)
#: methods that are asked about the finer cells, and the largest chance of a flip there
FINER = (methods.ONE, methods.TREE, methods.MLP, methods.MANY)
MOST = 0.4
#: of the pictures, this share more is kept apart
CHOICE = 0.05
#: passes of the MLP over those of the one that is stopped early. That one has drops of the rate of
#: its own: a snapshot of a network that still swings says little about its answers to one class
SHORTER = 20


def _recipe(config: Copied, shorter: int, drop_at: tuple[float, ...]) -> Recipe:
    updates = config.epochs * max(config.images // methods.BATCH, 1) // shorter
    return Recipe(
        max(updates, 1),
        methods.BATCH,
        methods.RATE,
        weight_decay=0.0,
        drop_at=drop_at,
        checkpoints=2,
    )


def _learn(
    config: Copied, part: Part, given: np.ndarray, test: Part, seed: int, finer: bool
) -> dict[str, Said]:
    """Learn by every method from the first pictures; the rest are kept apart."""
    n = config.images
    own, labels, rest = part.take(slice(n)), given[:n], slice(n, None)
    choice = part.inputs[rest], given[rest]
    network, short = (
        methods.mlp(own, labels, choice, test.inputs, config.width, recipe, seed).end
        for recipe in (_recipe(config, 1, (0.8,)), _recipe(config, SHORTER, (0.5, 0.8)))
    )
    out = {
        methods.ONE: methods.neighbours(own, labels, test.inputs, 1),
        methods.TREE: methods.tree(own, labels, test.inputs, seed),
        methods.MLP: network,
        methods.MANY: methods.neighbours(own, labels, test.inputs, methods.NEIGHBOURS),
    }
    if finer:
        return out
    if config.passes:
        out[methods.VGG] = methods.vgg(
            own, labels, test.images, config.channels, config.passes, seed
        )
    return out | {
        methods.EARLY: short,
        methods.NARROW: methods.kernel(own, labels, test.inputs, True),
        methods.WIDE: methods.kernel(own, labels, test.inputs, False),
    }


def flip_chances(classes: int, seed: int) -> np.ndarray:
    """Give every class its own chance of a flip, evenly from 0 to `MOST`, in a drawn order."""
    return np.random.default_rng([seed, 3]).permutation(np.linspace(0, MOST, classes))


def _member(config: Copied, name: str) -> xr.Dataset:
    seed = int(name.removeprefix("seed"))
    more = config.images + round(CHOICE * config.images)
    part, test = pictures.draw(config.dataset, config.side, more, seed)
    source, target = PAIRS[config.dataset]
    k, own = int(part.labels.max()) + 1, part.labels[: config.images]
    chances = np.where(np.arange(k) == source, config.share, 0.0)
    given = np.where(chosen(part.labels, chances, 2 * seed), target, part.labels)
    found = [_learn(config, part, labels, test, seed, False) for labels in (given, part.labels)]
    asked = [m for m in METHODS if m in found[0]]
    share = [[answers(f[m].answers, test.labels, k) for f in found] for m in asked]
    fit = [[f[m].fit for f in found] for m in asked]
    kept = pictures.group(part.labels, config.dataset)
    flips = chosen(part.labels, flip_chances(k, seed), 2 * seed + 1)
    finer = _learn(config, part, np.where(flips, 1 - kept, kept), test, seed, True)
    other = {m: finer[m].answers != pictures.group(test.labels, config.dataset) for m in FINER}
    cells = range(k)
    return xr.Dataset(
        {
            "share": (("learner", "kind", "class", "answer"), np.array(share, np.float32)),
            "fit": (("learner", "kind"), np.array(fit, np.float32)),
            "planted": ((), (given != part.labels)[: config.images][own == source].mean()),
            "flipped": (
                ("finer", "class"),
                np.array([[other[m][test.labels == c].mean() for c in cells] for m in FINER]),
            ),
            "flips": ("class", np.array([flips[: config.images][own == c].mean() for c in cells])),
        },
        {"learner": asked, "kind": list(KINDS), "finer": list(FINER)},
    )


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    return {"answers": xr.concat(rows, "member")}


def copied_plan(config: Copied, workers: int = 1) -> Plan:
    """Plan five members of about a minute each."""
    return Plan(
        "copied-labels",
        config,
        {"pictures": config.dataset},
        [f"seed{k}" for k in range(config.seeds)],
        partial(_member, config),
        reduce=_reduce,
        workers=workers,
    )


STORED = {"copied-labels": lambda m: copied_plan(Copied.from_address(m["config"]))}


def load_copied(config: Copied, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute what was copied."""
    return run_or_load(copied_plan(config, workers), fresh)
