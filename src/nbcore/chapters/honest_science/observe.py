"""Chapter 19's observations: what is recorded in the ledger."""

import numpy as np
from numpy.typing import NDArray

from nbcore import claims
from nbcore.chapters.honest_science import holdout, links, simple
from nbcore.chapters.honest_science.study import Study
from nbcore.claims import Observation
from nbcore.measures.bootstrap import Floats, estimate
from nbcore.measures.estimate import Estimate
from nbcore.measures.generalization.curves import slopes

#: the run that each claim rests on
RESTS_ON = {"C37": "simple", "C38": "holdout", "C39": "links"}
SEEDS, STUDIES, GRAPHS = "seeds", "studies", "graphs"
#: where the opponent of the run's own strength stands among `moves`
OWN = -1.0


def bit_and_score(study: Study) -> str:
    """Say from how many queries on a bit deceives as many studies as a score (95 %, two shares)."""
    x = study.runs["holdout"].table("found")["query"].values
    counts, n = zip(*(study.studies(who) for who in (holdout.SCORES, holdout.BITS)), strict=True)
    return _bit_and_score(x, counts[0] / n[0], counts[1] / n[1], n[0])


def _bit_and_score(queries: NDArray[np.int64], scores: Floats, bits: Floats, n: int) -> str:
    error = 1.96 * np.sqrt((scores * (1 - scores) + bits * (1 - bits)) / n)
    fewer = np.flatnonzero(scores - bits > error)
    if not len(fewer):
        return "The bit deceives as many studies as the score, however many queries are asked."
    told = f"At {queries[fewer[0]]:,} queries the bit deceives fewer studies than the score"
    told += f" ({bits[fewer[0]]:.0%} against {scores[fewer[0]]:.0%})"
    if fewer[-1] == len(queries) - 1:
        return f"{told}, and it still does at {queries[-1]:,}."
    return f"{told}; from {queries[fewer[-1] + 1]:,} on as many."


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record the three claims and return the observations by id."""
    observe = {"C37": robust, "C38": discoveries, "C39": questions}
    claims.forget(study.config.slug)
    return {
        key: claims.record(
            key,
            measure(study),
            run=study.runs[RESTS_ON[key]],
            subject=subject(study, key),
            preset=preset,
            setup=study.config.setup(key, [RESTS_ON[key]]),
            chapter=study.config.slug,
        )
        for key, measure in observe.items()
    }


def subject(study: Study, key: str) -> str:
    """Say in words what a claim was observed of."""
    c = study.runs[RESTS_ON[key]].manifest["config"]
    if key == "C37":
        return f"{c['features']:,} features that agree with the label with chance {c['agrees']:g}"
    if key == "C38":
        return f"{c['features']:,} features of coins, {c['samples']:,} samples to hold out"
    return f"graphs of {' and '.join(f'{n:,}' for n in c['nodes'])} nodes"


def chosen(study: Study, moves: float) -> list[str]:
    """Choose each member's best linear classifier against an opponent, by examples of its own."""
    table = study.runs["simple"].table("classifiers")["linear"]
    seen = table.sel(set="choice", moves=moves).transpose("member", ...)
    return [str(table["classifier"].values[k]) for k in seen.values.argmax(1)]


def accuracies(study: Study, names: list[str], moves: float) -> Floats:
    """Return the test accuracy of one named linear classifier of each member: (member,)."""
    return np.array([study.accuracy(name, moves)[k] for k, name in enumerate(names)])


def robust(study: Study) -> dict[str, Estimate]:
    """Measure linear classifiers and rounding, with and without an opponent (C37)."""
    table = study.runs["simple"].table("classifiers")
    plain = f"learned against {simple.TRAINED[0]:g}"
    accurate, resistant = chosen(study, 0.0), chosen(study, OWN)
    rounding = table["clipped"].sel(steepness=simple.STEEPNESS[-1], moves=OWN)
    gaps = {
        what: accuracies(study, accurate, moves) - accuracies(study, resistant, moves)
        for what, moves in (("accuracy", 0.0), ("adversarial accuracy", OWN))
    }
    values = {
        "linear accuracy": study.accuracy(plain, 0.0),
        "linear accuracy under random noise": table["noisy"].values,
        "linear adversarial error": 1 - study.accuracy(plain, OWN),
        "most robust linear adversarial accuracy": accuracies(study, resistant, OWN),
        "rounding adversarial error": 1 - rounding.values,
        "most accurate minus most robust linear accuracy": gaps["accuracy"],
        "most accurate minus most robust linear adversarial accuracy": gaps["adversarial accuracy"],
        "control moved by more than 1 rounding adversarial error": 1 - table["beyond"].values,
        "control strong features linear adversarial error": 1 - table["strong"].values,
    }
    return {
        # means of equal numbers differ by rounding alone, which is no interval
        name: estimate(study.over_seeds(v).round(9), len(v), "fraction", SEEDS)
        for name, v in values.items()
    }


def discoveries(study: Study) -> dict[str, Estimate]:
    """Count false discoveries and power, and queries until an analyst is deceived (C38)."""
    out = {}
    for name, who, what in (
        ("yes or no false discoveries after most queries", holdout.YES_NO, "false"),
        ("scores false discoveries after most queries", holdout.SCORES, "false"),
        (
            "control yes or no at chance level false discoveries after most queries",
            holdout.BITS,
            "false",
        ),
        ("yes or no power at accuracy .6", holdout.YES_NO, "right"),
    ):
        count, n = study.studies(who, what)
        out[name] = Estimate.share(int(count[-1]), n, n, STUDIES)
    table = study.runs["holdout"].table("deceived")
    scores = table["deceived"].transpose("member", ...)
    own = slopes(scores.values.astype(float), scores["samples"].values)
    n = len(own)
    slope = estimate(study.over_seeds(own), n, "1", SEEDS)
    out["scores slope of log queries until deceived over log n"] = slope
    last = holdout.EXACT[-1]
    ratio = np.log((table["yes"].sel(exact=last) / scores.sel(samples=last)).values)
    name = f"queries until deceived at n = {last} yes or no over scores"
    out[name] = estimate(np.exp(study.over_seeds(ratio)), n, "1", SEEDS)
    return out


def exact(wrong: Floats) -> Estimate:
    """Estimate the share of graphs in which no node has the wrong sign."""
    return Estimate.share(int((wrong == 0).sum()), len(wrong), len(wrong), GRAPHS)


def questions(study: Study) -> dict[str, Estimate]:
    """Count graphs that are recovered exactly, and questions against the stated orders (C39)."""
    run, out = study.runs["links"], {}
    grid, along = run.table("grid"), run.table("budgets")
    orders = {links.CORE: "n log n / δ² + log² n / δ⁶", links.BREADTH: "n log n / δ⁴"}
    for who, order in orders.items():
        cells = grid.sel(who=who).stack(cell=("nodes", "delta")).transpose("cell", "graph")
        shares = [exact(wrong) for wrong in cells["wrong"].values]
        name = f"{who} smallest share recovered exactly at c = {links.JUDGED[who]:g}"
        out[name] = min(shares, key=lambda e: e.value)
        ratio = max(
            cells["questions"].sel(nodes=n, delta=b).values.max() / links.stated(n, b, who)
            for n in grid["nodes"].values
            for b in grid["delta"].values
        )
        out[f"{who} most questions over {order}"] = Estimate.exact(ratio, grid.sizes["graph"])
    few = links.BUDGETS[links.CORE].index(0.25)
    wrong = along["wrong_along"].sel(who=links.CORE).isel(budget=few)
    out["control core first share recovered exactly at c = .25"] = exact(wrong.values)
    sparse = "control breadth-first share recovered exactly with log n / 2 questions a node"
    out[sparse] = exact(along["few"].values)
    tree = along["tree"].values
    half = 1.959964 * tree.std(ddof=1) / np.sqrt(len(tree))
    mean = float(tree.mean())
    out["control one spanning tree share of wrong nodes"] = Estimate(
        mean, mean - half, mean + half, len(tree), "fraction", GRAPHS
    )
    return out
