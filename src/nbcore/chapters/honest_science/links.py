"""Two clusters from noisy answers about pairs: a core first, breadth-first, one tree (C39).

Nodes carry a sign, which is to be found up to a common one. A question about a pair is answered
with the product of both signs, and with the opposite at chance q = (1 - δ) / 2.

run = load_links(config)
run.table("grid"), run.table("budgets")
"""

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbcore.chapters.honest_science.config import Links
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

Signs = NDArray[np.float32]
CORE, BREADTH, TREE = "core first", "breadth-first", "one spanning tree"
#: constants c of the budgets along which recovery is followed
BUDGETS = {CORE: (0.125, 0.25, 0.5, 1.0, 2.0, 4.0), BREADTH: (0.02, 0.05, 0.1, 0.2, 0.4, 1.0)}
#: those that are judged
JUDGED = {CORE: 4.0, BREADTH: 1.0}
ROUNDS = 10


class Recovered(NamedTuple):
    """Share of nodes with the wrong sign, up to a common one, and how many pairs were asked."""

    wrong: float
    questions: int


def noise(shape: tuple[int, ...], delta: float, rng: np.random.Generator) -> Signs:
    """Draw which answers are right, as 1 with chance (1 + δ) / 2 or -1."""
    return np.where(rng.random(shape, np.float32) < (1 + delta) / 2, 1, -1).astype(np.float32)


@lru_cache(maxsize=2)
def _pairs(n: int) -> NDArray[np.int64]:
    """List where the pairs of n nodes stand in a flat (node, node) array, in ascending order."""
    first, second = np.triu_indices(n, 1)
    return np.asarray(first * n + second)


def answers(signs: Signs, questions: int, delta: float, rng: np.random.Generator) -> Signs:
    """Ask about so many pairs, or all: (node, node) symmetric answers, 0 where not asked."""
    n = len(signs)
    pairs = _pairs(n)
    few = min(questions, len(pairs) - questions)
    if few >= 0:  # choose those that are asked, or those that are not, whichever are fewer
        chosen = np.zeros(len(pairs), bool)
        chosen[rng.choice(len(pairs), few, replace=False, shuffle=False)] = True
        pairs = pairs[chosen if few == questions else ~chosen]
    told = np.zeros(n * n, np.float32)
    told[pairs] = noise(pairs.shape, delta, rng)
    told = told.reshape(n, n)  # type: ignore[assignment]
    told *= signs
    told *= signs[:, None]
    return told + told.T


def settle(told: Signs, label: Signs) -> Signs:
    """Let every node take the vote of all its answers, until no sign changes any more."""
    for _ in range(ROUNDS):
        vote = told @ label
        new = np.where(vote == 0, label, np.sign(vote)).astype(np.float32)
        if (new == label).all():
            break
        label = new
    return label


def core_sizes(n: int, delta: float, c: float) -> tuple[int, int]:
    """Return the nodes of the core, c log n / δ³ (n at most), and those asked, c log n / δ²."""
    log = c * np.log(n)
    size = min(n, int(np.ceil(log / delta**3)))
    return max(size, 2), max(min(size, int(np.ceil(log / delta**2))), 1)


def core_first(signs: Signs, delta: float, c: float, rng: np.random.Generator) -> Recovered:
    """Ask all pairs of a core; give all others the vote of some of its nodes.

    In the core a first node's sign is taken as 1. Each other node gets the vote of all paths of
    length 2 from there, a little better than chance, then the vote of the whole core until it
    settles.
    """
    n = len(signs)
    size, some = core_sizes(n, delta, c)
    told = answers(signs[:size], size * size, delta, rng)
    first = told[0] @ told + told[0]
    label = np.where(first < 0, -1, 1).astype(np.float32)
    label[0] = 1
    core = settle(told, label)
    which = rng.random((n - size, size)).argpartition(some - 1, 1)[:, :some]
    right = signs[size:, None] * signs[which] * noise(which.shape, delta, rng)
    others = np.where((right * core[which]).sum(1) < 0, -1, 1)
    return _compared(np.append(core, others), signs, size * (size - 1) // 2 + which.size)


def breadth_first(
    signs: Signs, delta: float, questions: int, rng: np.random.Generator
) -> Recovered:
    """Ask about so many pairs, drawn at random, and go breadth-first from one node.

    A node that is reached takes the vote of its neighbours that were reached before it; in the
    end all nodes take the votes of all their neighbours until these settle.
    """
    told = answers(signs, questions, delta, rng)
    asked, label = told != 0, np.zeros(len(signs), np.float32)
    label[0] = 1
    while True:
        reached = (label == 0) & (asked[:, label != 0]).any(1)
        if not reached.any():
            break
        vote = told[reached] @ label
        label[reached] = np.where(vote < 0, -1, 1)
    label[label == 0] = 1  # nobody asked about these
    return _compared(settle(told, label), signs, int(asked.sum()) // 2)


def one_tree(signs: Signs, delta: float, rng: np.random.Generator) -> Recovered:
    """Ask about each node and one that came before it; multiply along the way from the first."""
    n = len(signs)
    label, right = np.ones(n, np.float32), noise((n,), delta, rng)
    for k in range(1, n):
        parent = int(rng.integers(k))
        label[k] = label[parent] * signs[parent] * signs[k] * right[k]
    return _compared(label, signs, n - 1)


def _compared(label: Signs, signs: Signs, questions: int) -> Recovered:
    wrong = float((label != signs).mean())
    return Recovered(min(wrong, 1 - wrong), int(questions))


def budget(n: int, delta: float, c: float) -> int:
    """Return how many pairs breadth-first asks about: c n log n / δ⁴, or all there are."""
    return min(n * (n - 1) // 2, int(c * stated(n, delta, BREADTH)))


def stated(n: int, delta: float, who: str) -> float:
    """Return the abstract's order of the number of questions, with constant 1."""
    log = float(np.log(n))
    return n * log / delta**4 if who == BREADTH else n * log / delta**2 + log**2 / delta**6


def _signs(n: int, rng: np.random.Generator) -> Signs:
    return np.where(rng.random(n) < 0.5, -1, 1).astype(np.float32)


def _try(who: str, n: int, delta: float, c: float, rng: np.random.Generator) -> Recovered:
    signs = _signs(n, rng)
    if who == CORE:
        return core_first(signs, delta, c, rng)
    return breadth_first(signs, delta, budget(n, delta, c), rng)


def _member(config: Links, name: str) -> xr.Dataset:
    rng = np.random.default_rng([19, 39, int(name.removeprefix("seed"))])
    n, delta = config.nodes[-1], config.biases[len(config.biases) // 2]
    every = range(config.graphs)
    grid = [
        [[[_try(who, m, b, JUDGED[who], rng) for _ in every] for b in config.biases]]
        for who in JUDGED
        for m in config.nodes
    ]
    along = [[[_try(w, n, delta, c, rng) for _ in every] for c in BUDGETS[w]] for w in BUDGETS]
    trees = [one_tree(_signs(n, rng), delta, rng) for _ in every]
    sparse = int(n * np.log(n) / 4)  # a question is about two nodes
    few = [breadth_first(_signs(n, rng), delta, sparse, rng) for _ in every]
    shape = (len(JUDGED), len(config.nodes), len(config.biases), config.graphs, 2)
    found, followed = np.array(grid).reshape(shape), np.array(along)
    at, by = ("who", "nodes", "delta", "graph"), ("who", "budget", "graph")
    return xr.Dataset(
        {
            "wrong": (at, found[..., 0]),
            "questions": (at, found[..., 1]),
            "wrong_along": (by, followed[..., 0]),
            "questions_along": (by, followed[..., 1]),
            "tree": ("graph", [t.wrong for t in trees]),
            "few": ("graph", [f.wrong for f in few]),
        },
        {"who": list(JUDGED), "nodes": list(config.nodes), "delta": list(config.biases)},
    )


def _reduce(run: Run) -> Tables:
    """Keep every graph."""
    whole = xr.concat([m for _, m in run.members()], "graph", data_vars="minimal")
    return {
        "grid": whole[["wrong", "questions"]],
        "budgets": whole[["wrong_along", "questions_along", "tree", "few"]],
    }


def links_plan(config: Links, workers: int = 1) -> Plan:
    """Plan 8 members of 12 graphs a setting: three minutes of one core."""
    names = [f"seed{k}" for k in range(config.seeds)]
    return Plan(
        "noisy-questions", config, {}, names, partial(_member, config), _reduce, workers=workers
    )


STORED = {"noisy-questions": lambda m: links_plan(Links.from_address(m["config"]))}


def load_links(config: Links, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute the graphs."""
    return run_or_load(links_plan(config, workers), fresh)
