"""Chapter 7's observations: what is recorded in the ledger."""

import numpy as np
from scipy import stats

from nbcore import claims
from nbcore.chapters.example_difficulty.config import ExampleDifficulty
from nbcore.chapters.example_difficulty.runs import DifficultyStudy
from nbcore.claims import Observation
from nbcore.lines.curves import Curve, Study, at_equal_accuracy
from nbcore.measures.bootstrap import estimate
from nbcore.measures.estimate import Estimate

Observed = dict[str, Estimate]

#: start of a condition -> how the page calls it, and how the ledger does
STARTS = {"full": "pretrained", "head": "last layer", "scratch": "random start"}
JUDGED = {"full": "pretrained", "scratch": "from scratch"}
WORDS = {
    "all": "all examples",
    "then-hard": "all, then hard",
    "then-random": "all, then random",
    "shuffled-hard": "hard, shuffled",
    "depth-hard": "hard by depth",
    "depth-easy": "easy by depth",
}


def words(condition: str) -> str:
    """A condition as the page names it."""
    start = condition.partition("-")[0]
    return f"{STARTS[start]}, {choice(condition)}" if start in STARTS else choice(condition)


def choice(condition: str) -> str:
    """A condition where its start is clear: by its examples, or the pretraining of A17."""
    start, _, name = condition.partition("-")
    if start == "pretrain":
        return f"{int(name):,} images" if int(name) else "no pretraining"
    if name.startswith("phase-out-"):
        return f"down to {int(name.removeprefix('phase-out-')):,}"
    return WORDS.get(name, name)


def record(
    study: DifficultyStudy, config: ExampleDifficulty, preset: str
) -> dict[str, Observation]:
    """Record every claim of which at least one condition was run and is covered by the line."""
    c = study.curves
    observed = {"A17": _sizes(c), "A22": {}, "A23": {}, "A24": {}, "A25": _going_on(study)}
    for start, who in JUDGED.items():
        observed["A22"] |= _peaks(c, start, who)
        observed["A23"] |= _ends(c, start, who)
        observed["A24"] |= _schedules(c, start, who)
    runs = {"A17": study.pretraining or study.run}
    subjects = {"A17": f"small networks pretrained on {config.pretrain_set}"}
    claims.forget(config.slug)
    return {
        key: claims.record(
            key,
            seen,
            run=runs.get(key, study.run),
            subject=subjects.get(key, config.subject),
            preset=preset,
            setup=config.setup(key),
        )
        for key, seen in observed.items()
        if seen
    }


def peak_difference(a: Curve, b: Curve) -> np.ndarray:
    """(draw,) peak effective robustness of `a` minus that of `b`; each where it was observed."""
    return a.er[:, a.peak] - b.er[:, b.peak]


def _peaks(c: dict[str, Curve], start: str, who: str) -> Observed:
    out = {}
    for a, b in (("hard", "random"), ("random", "easy")):
        one, other = c.get(f"{start}-{a}"), c.get(f"{start}-{b}")
        if one and other and one.covered.any() and other.covered.any():
            out[f"{who} {a} minus {b} peak"] = estimate(
                peak_difference(one, other), one.seeds, "fraction"
            )
    return out


def _ends(c: dict[str, Curve], start: str, who: str) -> Observed:
    out, best = {}, c.get(f"{start}-random")
    for rival in ("hard", "easy"):
        other = c.get(f"{start}-{rival}")
        if best and other:
            name = f"{who} random minus {rival} final accuracy"
            out[name] = estimate(best.id[:, -1] - other.id[:, -1], best.seeds, "fraction")
    return out


def schedule_names(study: Study, start: str) -> list[str]:
    """Training on all examples and the schedules, as far as they were run."""
    return [n for n in study.curves if n == f"{start}-all" or n.startswith(f"{start}-phase-out-")]


def _schedules(c: dict[str, Curve], start: str, who: str) -> Observed:
    """The largest difference of any schedule to all examples, minus the testbed's interval."""
    worst = []
    for _, _, difference, band in schedule_differences(c, start):
        beyond = np.abs(difference) - band
        worst.append(beyond[:, int(np.argmax(beyond[0]))])
    if not worst:
        return {}
    largest = max(worst, key=lambda draws: draws[0])
    return {
        f"{who} largest difference beyond the interval": estimate(
            largest, c[f"{start}-all"].seeds, "fraction"
        )
    }


def schedule_differences(
    c: dict[str, Curve], start: str
) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Of every schedule: its name, ID accuracies (point,), ER minus that of training on all
    examples at the same accuracy (draw, point), and the testbed's half-width there (point,)."""
    base, out = c.get(f"{start}-all"), []
    for name, curve in c.items():
        if name.startswith(f"{start}-phase-out-") and base and both_covered(base, curve):
            grid, difference = at_equal_accuracy(curve, base)
            if len(grid):
                order = np.argsort(base.id[0])
                band = np.interp(grid, base.id[0][order], base.band[order])
                out.append((name, grid, difference, band))
    return out


def both_covered(a: Curve, b: Curve) -> bool:
    """Whether the line covers a part of each of two curves."""
    return bool(a.covered.any() and b.covered.any())


def switch(study: DifficultyStudy, name: str) -> int | None:
    """The last checkpoint of the first phase of a condition with more than one; None: there is
    none."""
    table = study.run.table("curves")
    if name not in study.curves or "phase" not in table:
        return None
    first = [str(m) for m in table["member"].values if str(m).startswith(f"{name}-seed")][0]
    phase = table["phase"].sel(member=first).values[: len(study.curves[name].steps)]
    return int(np.flatnonzero(phase == 0)[-1]) if (phase > 0).any() else None


def changes(study: DifficultyStudy, name: str) -> dict[str, np.ndarray]:
    """By going on: (draw,) change of "id" and "ood" accuracy and, where the line covers both
    ends, of "er"; empty for a condition that does not go on."""
    at = switch(study, name)
    if at is None:
        return {}
    c = study.curves[name]
    out = {"id": c.id[:, -1] - c.id[:, at], "ood": c.ood[:, -1] - c.ood[:, at]}
    if c.covered[at] and c.covered[-1]:
        out["er"] = c.er[:, -1] - c.er[:, at]
    return out


def _going_on(study: DifficultyStudy) -> Observed:
    found, out = changes(study, "full-then-hard"), {}
    for key, name in (("er", "effective robustness"), ("id", "in-distribution accuracy")):
        if key in found:
            seeds = study.curves["full-then-hard"].seeds
            out[f"change of {name}"] = estimate(found[key], seeds, "fraction")
    return out


def pretraining_sizes(c: dict[str, Curve]) -> dict[int, Curve]:
    """Number of pretraining images -> curve, for those that the line covers somewhere."""
    found = {int(n.removeprefix("pretrain-")): v for n, v in c.items() if n.startswith("pretrain-")}
    return {n: found[n] for n in sorted(found) if found[n].covered.any()}


def size_correlation(c: dict[str, Curve]) -> np.ndarray:
    """(draw,) Spearman of the number of pretraining images with the peak."""
    found = pretraining_sizes(c)
    peaks = np.array([curve.er[:, curve.peak] for curve in found.values()])
    order = np.arange(len(found))
    return np.nan_to_num([stats.spearmanr(order, draw).statistic for draw in peaks.T])


def _sizes(c: dict[str, Curve]) -> Observed:
    found = pretraining_sizes(c)
    if len(found) < 3:
        return {}
    seeds = next(iter(found.values())).seeds
    name = "spearman of pretraining size with peak"
    return {name: estimate(size_correlation(c), seeds, "1")}
