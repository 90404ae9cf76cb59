"""Chapter 7's observations: what is recorded in the ledger."""

import numpy as np
import pandas as pd

from nbcore import claims
from nbcore.chapters.example_difficulty.config import PUBLISHED_SCORES, ExampleDifficulty
from nbcore.chapters.example_difficulty.runs import DifficultyStudy
from nbcore.claims import Observation
from nbcore.data.catalog import CATALOG
from nbcore.data.sources import short_name
from nbcore.lines import compare
from nbcore.lines.curves import Curve, Study
from nbcore.measures.bootstrap import estimate
from nbcore.measures.cscores import spearman
from nbcore.measures.estimate import Estimate
from nbcore.runs.manifests import data_names

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
    "c-scores-hard": "hard by our C-scores",
    "c-scores-easy": "easy by our C-scores",
}


def words(condition: str) -> str:
    """Name a condition as the page does."""
    start = condition.partition("-")[0]
    return f"{STARTS[start]}, {choice(condition)}" if start in STARTS else choice(condition)


def choice(condition: str) -> str:
    """Name a condition where its start is clear: by its examples, or the pretraining of A17."""
    start, _, name = condition.partition("-")
    if start == "pretrain":
        return f"{int(name):,} images" if int(name) else "no pretraining"
    if name.startswith("phase-out-"):
        return f"down to {int(name.removeprefix('phase-out-')):,}"
    return WORDS.get(name, name)


def difficulty(config: ExampleDifficulty) -> str:
    """Say by what measure the examples of this page are hard or easy."""
    if config.difficulty == "c-scores":
        return f"C-scores of {config.score_members} networks trained here"
    if config.difficulty == "depth":
        return "prediction depth"
    if config.difficulty == PUBLISHED_SCORES or config.difficulty in CATALOG:
        return "the published C-scores"
    return f"the scores in {short_name(config.difficulty)}"


def pretrained_on(study: DifficultyStudy) -> str:
    """Name the pictures on which the networks of A17 were pretrained, and what they show."""
    names = data_names(study.pretraining.manifest) if study.pretraining else {}
    name = names.get("pretraining", study.config.pretrain_set)
    known = CATALOG.get(name)
    return f"{known.title or known.name}: {known.about}" if known else short_name(name)


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
            doubt=study.doubt(key),
        )
        for key, seen in observed.items()
        if seen
    }


def _peaks(c: dict[str, Curve], start: str, who: str) -> Observed:
    out = {}
    for a, b in (("hard", "random"), ("random", "easy")):
        one, other = c.get(f"{start}-{a}"), c.get(f"{start}-{b}")
        if one and other and one.covered.any() and other.covered.any():
            out[f"{who} {a} minus {b} peak"] = compare.peak_difference(one, other)
    return out


def _ends(c: dict[str, Curve], start: str, who: str) -> Observed:
    out, best = {}, c.get(f"{start}-random")
    for rival in ("hard", "easy"):
        other = c.get(f"{start}-{rival}")
        if best and other:
            name = f"{who} random minus {rival} final accuracy"
            out[name] = compare.number(best.id[:, -1] - other.id[:, -1], best, other)
    return out


def schedule_names(study: Study, start: str) -> list[str]:
    """Name the conditions with all examples and with schedules, as far as they were run."""
    return [n for n in study.curves if n == f"{start}-all" or n.startswith(f"{start}-phase-out-")]


def _schedules(c: dict[str, Curve], start: str, who: str) -> Observed:
    """Estimate a schedule's largest difference to all examples, minus the testbed's interval."""
    found = {n: d for n, d in schedule_differences(c, start).items() if len(d.at)}
    if not found:
        return {}
    curves = [c[f"{start}-all"], *(c[name] for name in found)]
    name = f"{who} largest difference beyond the interval"
    return {name: compare.largest_beyond(list(found.values()), *curves)}


def schedule_differences(c: dict[str, Curve], start: str) -> dict[str, compare.Difference]:
    """Compare every schedule with training on all examples, at the same ID accuracy.

    At each checkpoint of a schedule the ER minus that of training on all examples. Only the latter
    is interpolated: a schedule's own accuracy rises and falls.
    """
    base = c.get(f"{start}-all")
    return {
        name: compare.at_equal_accuracy(curve, base)
        for name, curve in c.items()
        if base and name.startswith(f"{start}-phase-out-") and both_covered(base, curve)
    }


def both_covered(a: Curve, b: Curve) -> bool:
    """Say whether the line covers a part of each of two curves."""
    return bool(a.covered.any() and b.covered.any())


def phase_ends(study: DifficultyStudy, name: str) -> np.ndarray:
    """Find the last checkpoint of each of a condition's phases; none where it was not run."""
    table = study.run.table("curves")
    mine = [m for m in table["member"].values if str(m).startswith(f"{name}-seed")]
    if name not in study.curves or "phase" not in table or not mine:
        return np.empty(0, int)
    phase = table["phase"].sel(member=mine[0]).values[: len(study.curves[name].steps)]
    return np.flatnonzero(np.append(np.diff(phase) > 0, True))


def switch(study: DifficultyStudy, name: str) -> int | None:
    """Find the last checkpoint of a condition's first phase.

    None where it has one phase only, or was not run.
    """
    ends = phase_ends(study, name)
    return int(ends[0]) if len(ends) > 1 else None


def banded(x: np.ndarray, draws: np.ndarray) -> pd.DataFrame:
    """Make rows of a chart from (draw, point): what was observed, and 95 % of the draws."""
    low, high = np.quantile(draws[1:], (0.025, 0.975), axis=0)
    return pd.DataFrame({"x": x, "y": draws[0], "low": low, "high": high})


def changes(study: DifficultyStudy, name: str) -> dict[str, np.ndarray]:
    """Compute what changes by going on: (draw,) "id" and "ood" accuracy and "er".

    "er" only where the line covers both ends; empty for a condition that does not go on.
    """
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
            curve = study.curves["full-then-hard"]
            out[f"change of {name}"] = compare.number(found[key], curve)
    return out


def pretraining_sizes(c: dict[str, Curve]) -> dict[int, Curve]:
    """List the curves by number of pretraining images, those that the line covers somewhere."""
    found = {int(n.removeprefix("pretrain-")): v for n, v in c.items() if n.startswith("pretrain-")}
    return {n: found[n] for n in sorted(found) if found[n].covered.any()}


def size_correlation(c: dict[str, Curve]) -> np.ndarray:
    """Correlate the number of pretraining images with the peak: Spearman, (draw,).

    The peak is chosen in every draw, among equally many checkpoints of each curve: those nearest in
    accuracy to the shortest curve's.
    """
    curves = list(pretraining_sizes(c).values())
    shortest = min(curves, key=lambda curve: curve.covered.sum())
    peaks = [curve.er[:, compare.matched(curve, shortest)[0]].max(1) for curve in curves]
    order = np.arange(len(curves))
    return np.array([spearman(order, draw) for draw in np.stack(peaks, 1)])


def _sizes(c: dict[str, Curve]) -> Observed:
    found = pretraining_sizes(c)
    if len(found) < 3:
        return {}
    curves = list(found.values())
    over = compare.over(*curves)
    seen = estimate(size_correlation(c), min(x.seeds for x in curves), "1", over)
    return {"spearman of pretraining size with peak": seen} if seen.defined else {}
