"""Chapter 12's observations: what is recorded in the ledger."""

from collections.abc import Iterable

import numpy as np

from nbcore import claims
from nbcore.chapters.test_set_remembers import copied, methods, private, taught
from nbcore.chapters.test_set_remembers.study import Study
from nbcore.claims import Observation
from nbcore.measures.bootstrap import Floats, estimate, peak_estimate
from nbcore.measures.estimate import Estimate
from nbcore.measures.generalization.copying import privacy_bound, replaced, slope
from nbcore.runs.store import together

SEEDS = "seeds"


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record the three claims and return the observations by id."""
    c = study.config
    subjects = {
        "C30": f"every way to learn, on {' and '.join(c.datasets)}",
        "C9": f"teachers and students on {c.dataset}",
        "C4": f"one hidden layer on {c.dataset}",
    }
    parts = {"C30": list(c.datasets), "C9": ["taught"], "C4": ["private"]}
    observe = {"C30": copies, "C9": students, "C4": privacy}
    claims.forget(c.slug)
    claims.relate(
        "C30",
        by_data(study),
        run=together(study.runs[p] for p in parts["C30"]),
        subject="each data set alone",
        preset=preset,
        setup=c.setup("C30", parts["C30"]),
        chapter=c.slug,
    )
    return {
        key: claims.record(
            key,
            {name.lower(): seen for name, seen in measure(study).items()},
            run=together(study.runs[p] for p in parts[key]),
            subject=subjects[key],
            preset=preset,
            setup=c.setup(key, parts[key]),
            chapter=c.slug,
        )
        for key, measure in observe.items()
    }


def _mean(study: Study, values: Floats, unit: str = "fraction") -> Estimate:
    return estimate(study.over_seeds(values).round(9), len(values), unit, SEEDS)


def farthest(found: Iterable[Estimate], wanted: float) -> Estimate:
    """Return the estimate whose value is farthest from what was wanted."""
    return max(found, key=lambda e: abs(e.value - wanted))


def largest(found: Iterable[Estimate]) -> Estimate:
    """Return the estimate with the largest value."""
    return max(found, key=lambda e: e.value)


def flips(study: Study, dataset: str, method: str) -> Floats:
    """Fit flips of test images on those of training images, over classes: (member,)."""
    table = study.answers(dataset)
    seen = table["flipped"].sel(finer=method).transpose("member", "class")
    return slope(table["flips"].transpose("member", "class"), seen)


def copies(study: Study) -> dict[str, Estimate]:
    """Compare wrong labels on test images with those in training (C30)."""
    sets, out = study.config.datasets, {}
    both = [(d, m) for d in sets for m in study.asked(d, methods.FITTING)]
    for m in methods.FITTING:
        asked = [d for d, other in both if other == m]
        apart = [_mean(study, study.rate(d, m) - study.planted(d)) for d in asked]
        if apart:
            out[f"{m} rate minus share relabelled"] = farthest(apart, 0)
    rises = [_mean(study, study.rise(d, m)[:, c]) for d, m in both for c in study.others(d)]
    out["other classes largest rise of the wrong label"] = largest(rises)
    changes = [_mean(study, study.change(d, m)) for d, m in both]
    out["other classes largest change of accuracy"] = farthest(changes, 0)
    for m in copied.FINER:
        found = [_mean(study, flips(study, d, m), "1") for d in sets]
        control = m in methods.SMOOTH
        name = f"{m} slope of test flips over training flips by cell"
        out[f"control {name}" if control else name] = (
            largest(found) if control else farthest(found, 1)
        )
    for m in methods.SMOOTH:
        grown = [_mean(study, study.rate(d, m) - study.rate(d, m, copied.RIGHT)) for d in sets]
        out[f"control {m} rise over right labels"] = largest(grown)
    clean = [_mean(study, study.rate(d, m, copied.RIGHT)) for d, m in both]
    out["control right labels largest rate"] = largest(clean)
    fits = [
        _mean(study, study.answers(d)["fit"].sel(learner=m, kind=copied.PLANTED).values)
        for d, m in both
    ]
    out["control smallest share of training labels fitted"] = min(fits, key=lambda e: e.value)
    return out


def by_data(study: Study) -> dict[str, Estimate]:
    """Compare wrong labels with those in training, each data set alone: related evidence."""
    return {
        f"{d}, {m}: rate minus share relabelled": _mean(study, study.rate(d, m) - study.planted(d))
        for d in study.config.datasets
        for m in study.asked(d, methods.FITTING)
    }


def students(study: Study) -> dict[str, Estimate]:
    """Compare students with their teachers (C9)."""
    teacher, by_count = study.teacher(methods.ONE), study.student(methods.ONE)
    student = by_count[:, -1]
    right = study.student(taught.RIGHT)[:, -1]
    last = {k: study.student(k)[:, -1] for k in taught.STUDENTS}
    draws = study.over_seeds(np.stack([teacher, student, right], 1))
    way = (draws[:, 1] - draws[:, 0]) / (draws[:, 2] - draws[:, 0])
    kernel = last[methods.NARROW] - study.teacher(methods.NARROW)
    return {
        "student minus teacher accuracy": _mean(study, student - teacher),
        "kernel teacher student minus teacher accuracy": _mean(study, kernel),
        "student of most minus of fewest pictures accuracy": _mean(study, student - by_count[:, 0]),
        "share of the way from the teacher to a student of right labels": estimate(
            way, len(teacher), "fraction", SEEDS
        ),
        "control student of a label-shuffled teacher accuracy": _mean(study, last[taught.SHUFFLED]),
        "control student that is a 1-NN minus teacher accuracy": _mean(
            study, last[taught.COPIER] - teacher
        ),
        "control student minus the same student without a teacher accuracy": _mean(
            study, student - last[taught.ALONE]
        ),
    }


def worst(study: Study, method: str, less: str = "") -> Estimate:
    """Estimate the largest gap over groups, or how far it exceeds that of another method."""
    draws = study.over_seeds(study.gaps(method))
    other = study.over_seeds(study.gaps(less)) if less else None
    return peak_estimate(draws, len(study.gaps(method)), "fraction", SEEDS, other)


def bounds(study: Study) -> list[float]:
    """Bound the gap of every budget."""
    c = study.config
    return [privacy_bound(*replaced(e, c.delta)) for e in c.epsilons]


def privacy(study: Study) -> dict[str, Estimate]:
    """Compare gaps of private and plain training with each other and with the bound (C4)."""
    names = study.private_methods
    found = [worst(study, m) for m in names]
    loosest = max(zip(found, names, strict=True), key=lambda pair: pair[0].value)[1]
    rare = [_mean(study, study.gaps(m, [private.RARE])[:, 0]) for m in names]
    beyond = [_less(e, b) for e, b in zip(found, bounds(study), strict=True)]
    table = study.runs["private"].table("accuracy")["accuracy"]
    whole = table.sel(training=names[-1], set="train", group="all").values.astype(float)
    stopped = "control SGD stopped at the private training accuracy minus private worst-group gap"
    return {
        "private worst-group gap, largest over budgets": largest(found),
        "private gap of the rare group, largest over budgets": largest(rare),
        "SGD minus private worst-group gap": worst(study, private.SGD, loosest),
        "private worst-group gap minus its bound, largest over budgets": largest(beyond),
        stopped: worst(study, private.STOPPED, names[-1]),
        "control private training accuracy at the largest budget": _mean(study, whole),
    }


def _less(seen: Estimate, bound: float) -> Estimate:
    value, low, high = (x - bound for x in (seen.value, seen.low, seen.high))
    return Estimate(value, low, high, seen.n, seen.unit, seen.over)
