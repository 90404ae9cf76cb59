"""Chapter 18's observations: what is recorded in the ledger."""

import numpy as np
from scipy import stats

from nbcore import claims
from nbcore.chapters.sequences_and_rewards import meanings, rewards, tasks
from nbcore.chapters.sequences_and_rewards.config import HINTED, PLAIN
from nbcore.chapters.sequences_and_rewards.study import Study
from nbcore.claims import Observation
from nbcore.measures.bootstrap import Floats, estimate
from nbcore.measures.estimate import Estimate

SEEDS = "seeds"
#: claim -> what it was measured on, the run that is named first, and all runs
SUBJECTS = {
    "C1": ("seven tasks, three of them also with hints", PLAIN, [PLAIN, HINTED]),
    "C3": ("the mode of ten symbols", "rewards", ["rewards"]),
    "C16": ("worded answers with three meanings", "meanings", ["meanings"]),
}
JUDGED = ("counting", "mode", "sort", "copy of different numbers", "copy with repeats")
#: tasks that hints are to improve
HELPED = ("parity", "addition")


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record the three claims and return the observations by id."""
    claims.forget(study.config.slug)
    observe = {"C1": longer, "C3": tuned, "C16": worded}
    return {
        key: claims.record(
            key,
            measure(study),
            run=study.runs[SUBJECTS[key][1]],
            subject=SUBJECTS[key][0],
            preset=preset,
            setup=study.config.setup(key, SUBJECTS[key][2]),
            chapter=study.config.slug,
        )
        for key, measure in observe.items()
    }


def _mean(study: Study, values: Floats, unit: str = "fraction") -> Estimate:
    # means of equal numbers differ by rounding alone, which is no interval
    return estimate(study.over_seeds(values).round(9), len(values), unit, SEEDS)


def longer(study: Study) -> dict[str, Estimate]:
    """Measure accuracies at longer lengths, and what hints add (C1)."""
    out = {
        "smallest accuracy at the longest training length of tasks with a short program": smallest(
            study
        )
    }
    for task in (*JUDGED, *HELPED):
        out[f"{task} accuracy at twice the length"] = _mean(study, study.at(task, 2.0))
    for task in HELPED:
        hinted = f"{task}, hinted"
        gain = study.at(hinted, 1.5) - study.at(task, 1.5)
        name = f"{task} hinted minus plain at one and a half times the length"
        out[name] = _mean(study, gain)
        out[f"{task} hinted accuracy at twice the length"] = _mean(study, study.at(hinted, 2.0))
    beyond = study.at("mode", 2.0) - study.interpolator[-1]
    name = "mode accuracy minus that of the least-degree interpolator at twice the length"
    lost = study.astray("parity, hinted")
    return out | {
        name: _mean(study, beyond),
        "control parity hinted with misplaced indices": _mean(study, lost),
    }


def smallest(study: Study) -> Estimate:
    """Estimate the least accuracy, over tasks with a short program, where training ends."""
    known = [name for name, task in tasks.TASKS.items() if task.short]
    by_task = np.stack([study.at(name, 1.0) for name in known], 1)
    return estimate(study.over_seeds(by_task).min(1).round(9), len(by_task), "fraction", SEEDS)


def tuned(study: Study) -> dict[str, Estimate]:
    """Compare gradients with deviations, and rewards after as many steps (C3)."""
    both = [study.tuning(k) for k in PAIR]
    spread, pull = (v.reshape(len(v), -1) for v in both)
    related = [stats.spearmanr(s, g).statistic for s, g in zip(spread, pull, strict=True)]
    ratios = {
        before: (norms := study.tuning(name).mean(2))[:, -1] / norms[:, 0]
        for before, name in (("", "gradient"), ("control supervised ", "taught_gradient"))
    }
    over = "gradient norm where a reward is rare over where it is frequent"
    rare = study.tuning("chance").mean(2)[:, -1]
    return {
        "rank correlation of gradient norm and reward deviation over inputs": _mean(
            study, np.array(related), "1"
        ),
        **{before + over: _mean(study, values, "1") for before, values in ratios.items()},
        "reward where it is rare": _mean(study, rare),
        "rare reward after ten times the steps of a frequent one": _mean(
            study, study.later(rewards.FAR)
        ),
        "rare reward then after a lesson on a hundredth of the inputs": _mean(
            study, study.later(rewards.TAUGHT)
        ),
        "control rare reward then after a wrong lesson": _mean(
            study, study.later(rewards.MISTAUGHT)
        ),
    }


#: what is correlated over inputs
PAIR = ("deviation", "gradient")


def worded(study: Study) -> dict[str, Estimate]:
    """Measure calibration of meanings as trained, after rewards and after steps (C16)."""
    before = "smooth calibration error of meanings"
    names = {
        f"{before} as trained": meanings.BASE,
        f"{before} after rewards": meanings.TUNED,
        f"{before} after steps": meanings.CHAINED,
        f"control {before} after shuffled rewards": meanings.SHUFFLED,
    }
    sure = [study.answers(way)[0].mean(1) for way in (meanings.TUNED, meanings.BASE)]
    return {name: _mean(study, study.calibration(way)) for name, way in names.items()} | {
        "confidence after rewards minus confidence as trained": _mean(study, sure[0] - sure[1])
    }
