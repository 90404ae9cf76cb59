"""An analyst and a holdout set: scores, bits, or yes and no at a threshold (C38).

In a study no feature is related to the answer, so that every discovery is false. Whether a feature
agrees with the answer is then a fair coin, for each sample and each feature.

run = load_holdout(config)      # a member is some hundred studies
run.table("found"), run.table("deceived")
"""

from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbcore.chapters.honest_science.config import Holdout
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

#: queries of a study, as far as there are features
QUERIES = (1, 3, 10, 30, 100, 300, 1000)
SCORES, BITS, YES_NO = "scores", "yes or no at chance level", "yes or no"
#: in other studies one feature is right this often
TRUE = 0.6
#: chance of any false yes
LEVEL = 0.05
#: accuracy on the holdout set that deceives, and samples at which queries up to it are counted
DECEIVED, SIZES, EXACT = 0.6, (100, 200, 400, 800), (100, 200, 400)
MOST = 400_000


def threshold(queries: int, samples: int, level: float = LEVEL) -> float:
    """Return the accuracy that a query has to reach, by Hoeffding's inequality: in (1/2, ...).

    One predictor at chance reaches 1/2 + t on n samples with chance exp(-2 n t²) at most. After
    only no's the next query is known beforehand, so the chances of k queries add up: t is
    sqrt(log (k / level) / (2 n)). ValueError for fewer than one query or sample.
    """
    if queries < 1 or samples < 1:
        raise ValueError(f"Give one query and sample or more, not {queries} and {samples}.")
    return 0.5 + float(np.sqrt(np.log(queries / level) / (2 * samples)))


def allowed(samples: int, margin: float, level: float = LEVEL) -> float:
    """Return how many queries a threshold of 1/2 + margin allows: level exp(2 n margin²)."""
    return float(level * np.exp(2 * samples * margin**2))


def coins(samples: int, features: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw (sample, feature) whether a feature agrees with the answer, as 1 or -1."""
    bits = np.unpackbits(np.frombuffer(rng.bytes(samples * features // 8 + 1), np.uint8))
    return bits[: samples * features].reshape(samples, features).astype(np.float32) * 2 - 1


def votes(agree: NDArray[np.float32], queries: NDArray[np.int64]) -> dict[str, NDArray]:
    """Ask about the first features, then let them vote: accuracies (query,) on the same samples.

    Each votes with its score above chance, or with the sign of that, which is the bit.
    """
    mean = agree.mean(0)
    out = {}
    for name, weight in ((SCORES, mean), (BITS, np.where(mean > 0, 1, -1).astype(np.float32))):
        chosen = np.arange(len(mean))[:, None] < queries
        margin = agree @ (weight[:, None] * chosen).astype(np.float32)
        out[name] = (margin > 0).mean(0) + (margin == 0).mean(0) / 2
    return out


def first_yes(
    explored: NDArray, held: NDArray, queries: NDArray[np.int64], samples: int
) -> NDArray[np.int64]:
    """Ask about features by how well they did when explored: (query,) the one that got a yes.

    explored, held (feature,): accuracies. A feature below chance is asked about turned around. -1
    where all answers are no.
    """
    score = np.where(explored < 0.5, 1 - held, held)
    order = np.argsort(-np.abs(explored - 0.5), kind="stable")
    out = np.full(len(queries), -1)
    for k, most in enumerate(queries):
        yes = score[order[:most]] >= threshold(int(most), samples)
        if yes.any():
            out[k] = order[yes.argmax()]
    return out


def until_deceived(samples: int, rng: np.random.Generator) -> int:
    """Count queries by scores until their vote reaches `DECEIVED` on the holdout set."""
    agree = coins(samples, samples, rng)
    margin = np.cumsum(agree * agree.mean(0), 1)
    accuracy = (margin > 0).mean(0) + (margin == 0).mean(0) / 2
    return int(1 + (accuracy >= DECEIVED).argmax()) if accuracy.max() >= DECEIVED else samples + 1


def until_yes(samples: int, rng: np.random.Generator) -> int:
    """Count queries for a yes or no until the first false yes at `DECEIVED`; `MOST` at most."""
    asked, need = 0, int(np.ceil(round(DECEIVED * samples, 6)))
    while asked < MOST:
        found = rng.binomial(samples, 0.5, 20_000) >= need
        if found.any():
            return asked + 1 + int(found.argmax())
        asked += len(found)
    return MOST


def asked(config: Holdout) -> NDArray[np.int64]:
    """List the numbers of queries that a run looks at."""
    return np.array([q for q in QUERIES if q <= config.features])


def _member(config: Holdout, name: str) -> xr.Dataset:
    rng = np.random.default_rng([19, 38, int(name.removeprefix("seed"))])
    n, d, queries = config.samples, config.features, asked(config)
    bar = np.array([threshold(int(q), n) for q in queries])
    false: dict[str, list[NDArray]] = {SCORES: [], BITS: [], YES_NO: []}
    right, wrong = [], []
    for _ in range(config.studies):
        agree = coins(n, d, rng)
        for who, accuracy in votes(agree, queries).items():
            false[who].append(accuracy >= bar)
        explored, held = rng.binomial(n, 0.5, d) / n, (1 + agree.mean(0)) / 2
        false[YES_NO].append(first_yes(explored, held, queries, n) >= 0)
        explored[0], held[0] = rng.binomial(n, TRUE, 2) / n
        found = first_yes(explored, held, queries, n)
        right.append((found == 0) & (explored[0] > 0.5))
        wrong.append((found >= 0) & ~right[-1])
    deceived = [[until_deceived(s, rng) for s in SIZES] for _ in range(config.studies)]
    yes = [[until_yes(s, rng) for s in EXACT] for _ in range(config.studies)]
    return xr.Dataset(
        {
            "false": (("who", "study", "query"), [false[who] for who in false]),
            "right": (("study", "query"), right),
            "wrong": (("study", "query"), wrong),
            "deceived": ("samples", np.median(deceived, 0)),
            "yes": ("exact", np.median(yes, 0)),
        },
        {"who": list(false), "query": queries, "samples": list(SIZES), "exact": list(EXACT)},
    )


def _reduce(run: Run) -> Tables:
    """Count studies by member."""
    members = [m for _, m in run.members()]
    counted = [m[["false", "right", "wrong"]].sum("study") for m in members]
    table = xr.concat(counted, "member").astype(np.int32)
    table = table.assign_attrs(studies=int(members[0].sizes["study"]))
    return {
        "found": table,
        "deceived": xr.concat([m[["deceived", "yes"]] for m in members], "member"),
    }


def holdout_plan(config: Holdout) -> Plan:
    """Plan 8 members of 125 studies: one minute of one core."""
    names = [f"seed{k}" for k in range(config.seeds)]
    return Plan("holdout-studies", config, {}, names, partial(_member, config), reduce=_reduce)


STORED = {"holdout-studies": lambda m: holdout_plan(Holdout.from_address(m["config"]))}


def load_holdout(config: Holdout, fresh: bool = False) -> Run:
    """Load or compute the studies."""
    return run_or_load(holdout_plan(config), fresh)
