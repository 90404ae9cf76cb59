"""Chapter 13's observations: what is recorded in the ledger."""

from datetime import UTC, datetime

import numpy as np
from scipy import stats

from nbcore import claims
from nbcore.chapters.meaning_of_a_probability import coins, grouped, runs
from nbcore.chapters.meaning_of_a_probability.study import Study
from nbcore.chapters.meaning_of_a_probability.tables import WHAT
from nbcore.claims import Observation
from nbcore.measures.bootstrap import Floats, estimate
from nbcore.measures.calibration.binned import binned_ece
from nbcore.measures.calibration.smooth import GRID, smooth_ece, smooth_reliability
from nbcore.measures.estimate import Estimate
from nbcore.runs import provenance
from nbcore.runs.store import together

SPLITS, SEEDS = "splits of the rows", "seeds"
#: as well as multicalibration, and a violation, see the ledger
AS_WELL, VIOLATION = 0.005, 0.05
#: how far predictions of whole percents are moved
NUDGE = 1e-6


def rests_on(study: Study, key: str) -> tuple[str, ...]:
    """Name the runs that a claim rests on."""
    tables = tuple(f"table {t}" for t in study.tables)
    return {
        "C6": ("gap",),
        "C10": ("auditors",),
        "C11": ("predictors",),
        "C12": (f"table {study.largest_table}",),
        "C23": tables,
        "C24": ("predictors", *tables),
    }[key]


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record the six claims and return the observations by id."""
    observe = {
        "C6": gaps,
        "C10": audits,
        "C11": distances,
        "C12": smoothness,
        "C23": remedies,
        "C24": corrections,
    }
    claims.forget(study.config.slug)
    out = {}
    for key, measure in observe.items():
        parts = rests_on(study, key)
        known = [study.runs[p] for p in parts if p in study.runs]
        seen = {name: e for name, e in measure(study).items() if e.defined}
        out[key] = claims.record(
            key,
            seen,
            run=together(known) if known else computed(),
            subject=subject(study, key),
            preset=preset,
            setup=study.config.setup(key, parts),
            chapter=study.config.slug,
        )
    return out


def computed() -> dict[str, str]:
    """Describe numbers that the page itself computed."""
    today = datetime.now(UTC).isoformat(timespec="seconds")
    where = {"origin": "computed", "hardware": provenance.hardware("cpu")}
    return where | {"date": today[:10], "oldest": today}


def subject(study: Study, key: str) -> str:
    """Say in words what a claim was observed of."""
    tables, n = " and ".join(WHAT[t] for t in study.tables), study.config.predictors
    return {
        "C6": f"one hidden layer on {study.config.dataset}",
        "C10": f"one hidden layer on two classes of {study.config.dataset}",
        "C11": f"coins, and {n} random predictors of up to {coins.MOST} inputs",
        "C12": f"logistic regression of {WHAT[study.largest_table]}",
        "C23": f"five models of {tables}",
        "C24": f"{n} random predictors; five models of {tables}",
    }[key]


def distances(study: Study) -> dict[str, Estimate]:
    """Compare the measures of small predictors with their distance from calibration (C11)."""
    moved = study.coins
    both = {k: np.concatenate([moved[k], study.predictors[k]]) for k in coins.MEASURES}
    distance, smooth = both["distance"], both["smooth calibration error"]
    some = distance > 1e-12  # of a calibrated predictor all errors but ECE are 0

    def most(above: Floats, below: Floats) -> Estimate:
        return Estimate.exact((above[some] / below[some]).max(), int(some.sum()))

    least = moved["move"].to_numpy().argmin()
    ece, root = both["expected calibration error"], 4 * np.sqrt(distance)
    kernel = both["kernel error"]
    return {
        "expected calibration error of a coin moved by a millionth": Estimate.exact(
            ece[least], len(ece)
        ),
        "smooth calibration error over twice the distance largest": most(smooth, 2 * distance),
        "distance over four roots of twice the smooth error largest": most(
            distance, 4 * np.sqrt(2 * smooth)
        ),
        "distance over interval error largest": most(distance, both["interval error"]),
        "interval error over four roots of the distance largest": most(
            both["interval error"], root
        ),
        "kernel error over the root of twice the distance largest": most(
            kernel, np.sqrt(2 * distance)
        ),
        "smooth calibration error over root two kernel errors largest": most(
            smooth, np.sqrt(2) * kernel
        ),
        "control expected calibration error over four roots of the distance largest": most(
            ece, root
        ),
    }


def corrections(study: Study) -> dict[str, Estimate]:
    """Compare the post-processing gap with the smooth error, and two models (C24)."""
    known = study.predictors
    gaps: list[Floats] = [known["gap"].to_numpy()]
    smooth: list[Floats] = [known["smooth calibration error"].to_numpy()]
    differences = []
    for table in study.tables:
        found = study.errors(table).transpose("member", "model", "set", ...)
        gaps.append(found["gap"].values.ravel())
        smooth.append(found["smooth"].values.ravel())
        at = [grouped.MODELS.index(m) for m in (grouped.BAYES, grouped.LOGISTIC)]
        own = found["gap"].values[..., grouped.SETS.index("train")][:, at]
        differences.append(study.over_members(own[:, 0] - own[:, 1]))
    gap, error = np.concatenate(gaps), np.concatenate(smooth)
    other, n = np.roll(error, 1), len(gap)
    least = min(differences, key=lambda draws: float(draws[0]))
    return {
        "gap minus the smooth error squared smallest": Estimate.exact((gap - error**2).min(), n),
        "gap minus twice the smooth error largest": Estimate.exact((gap - 2 * error).max(), n),
        "control gap minus twice another's smooth error largest": Estimate.exact(
            (gap - 2 * other).max(), n
        ),
        "naive bayes gap minus logistic regression gap smallest over tables": estimate(
            least, study.splits, "1", SPLITS
        ),
    }


def smoothness(study: Study) -> dict[str, Estimate]:
    """Measure how errors of one model depend on bins, grid and small moves (C12)."""
    found = study.predictions(study.largest_table)
    rows = []
    for p, y in zip(found["logistic"].values.astype(float), found["outcome"].values, strict=True):
        p = np.clip(p, 0, 1)
        own, whole = smooth_ece(p, y), np.round(p, 2)
        moved = np.clip(whole - NUDGE, 0, 1)
        at = (np.arange(GRID) + 0.5) / GRID
        curve, density = smooth_reliability(p, y, own, at)
        rows.append(
            [
                binned_ece(p, y, 200) / binned_ece(p, y, 5),
                smooth_ece(p, y, GRID // 2) / own - 1,
                abs(binned_ece(moved, y, 10) - binned_ece(whole, y, 10)),
                abs(smooth_ece(moved, y) - smooth_ece(whole, y)),
                (np.abs(curve - at) * density).mean() - own,
            ]
        )
    draws = study.over_members(np.array(rows))
    names = {
        "binned error at 200 bins over that at 5": "1",
        "smooth error on half the grid over that on the whole minus 1": "1",
        "change of the binned error when whole percents move by a millionth": "fraction",
        "change of the smooth error then": "fraction",
        "distance of the smooth diagram from the diagonal minus the smooth error": "fraction",
    }
    return {
        name: estimate(own, len(rows), unit, SPLITS)
        for (name, unit), own in zip(names.items(), draws.T, strict=True)
    }


def remedies(study: Study) -> dict[str, Estimate]:
    """Measure what multicalibration gains, and whether plain remedies do as well (C23)."""
    n = study.splits

    def extreme(model: str, remedy: str, sign: int) -> Estimate:
        """Take the table with the largest (sign 1) or smallest mean gain."""
        at = grouped.MODELS.index(model)
        draws = [study.over_members(study.gain(t, remedy)[:, at]) for t in study.tables]
        return estimate(max(draws, key=lambda d: sign * float(d[0])), n, "fraction", SPLITS)

    served, errors = [], []
    for table in study.tables:
        with_ = {r: study.over_members(study.largest(table, r)) for r in grouped.REMEDIES}
        plain = np.minimum(with_[grouped.PLATT], with_[grouped.ISOTONIC])
        served.append(plain <= with_[grouped.MULTI] + AS_WELL)
        own = study.over_members(study.errors(table)["error"].sel(remedy=grouped.NONE).values)
        errors.append(np.stack([own, with_[grouped.NONE]], -1))
    share = np.concatenate(served, 1).mean(1)
    pairs = np.concatenate(errors, 1)
    ranks = np.array([stats.spearmanr(*draw.T).statistic for draw in pairs])
    largest, smallest = "largest over tables", "smallest over tables"
    return {
        f"logistic regression gain by multicalibration {largest}": extreme(
            grouped.LOGISTIC, grouped.MULTI, 1
        ),
        f"naive bayes gain by multicalibration {smallest}": extreme(
            grouped.BAYES, grouped.MULTI, -1
        ),
        "share of models that a plain remedy serves as well": estimate(
            share, n, "fraction", SPLITS
        ),
        "rank correlation of error and largest group error over models": estimate(
            ranks, n, "1", SPLITS
        ),
        f"control logistic regression gain with shuffled outcomes {largest}": extreme(
            grouped.LOGISTIC, grouped.SHUFFLED, 1
        ),
    }


def gaps(study: Study) -> dict[str, Estimate]:
    """Compare the calibration gap with the generalization gap along training (C6)."""
    table, (own, bound) = study.gap, study.gaps()
    n = len(own)
    train = table["smooth"].sel(set="train").isel(checkpoint=-1).transpose("member", "setting")
    ends = study.over_members(train.values)
    flipped = study.over_members(table["flipped"].transpose("member", "setting").values)
    few, many = (runs.SETTINGS.index(s) for s in (runs.FEW, runs.MANY))
    return {
        "training calibration error at the end largest over settings": _top(ends, n),
        "calibration gap minus generalization gap largest along training": _top(
            study.over_members(own - bound), n
        ),
        "calibration gap with few pictures minus with many": estimate(
            study.over_members(own[:, few, -1] - own[:, many, -1]), n, "fraction", SEEDS
        ),
        "control training error of flipped confidence": estimate(
            flipped.min(1), n, "fraction", SEEDS
        ),
        "control calibration gap minus the gap of another moment largest": _top(
            study.over_members(own - bound[..., ::-1]), n
        ),
    }


def _top(draws: Floats, n: int) -> Estimate:
    """Estimate the point (draw, ...) with the highest mean, with its own interval."""
    flat = draws.reshape(len(draws), -1)
    return estimate(flat[:, flat[0].argmax()], n, "fraction", SEEDS)


def audits(study: Study) -> dict[str, Estimate]:
    """Follow violation and loss over widths, on the training pictures (C10)."""
    found = study.audited.sel(set="train").transpose("member", "width", ...)
    width = list(found["width"].values)
    v, loss = (study.over_members(found[k].values) for k in ("violation", "loss"))
    n, least = found.sizes["member"], study.runs["auditors"].manifest["config"]["auditor"]
    above = [i for i, w in enumerate(width) if w > least]
    twice = [(i, width.index(2 * width[i])) for i in above if 2 * width[i] in width]
    nets = [i for i, w in enumerate(width) if w != runs.LINEAR]
    ranks = np.array(
        [stats.spearmanr(a, b).statistic for a, b in zip(v[:, nets], loss[:, nets], strict=True)]
    )
    falls = np.stack([v[:, i] ** 2 - (loss[:, i] - loss[:, j]) for i, j in twice], 1)
    top = falls[:, falls[0].argmax()]
    return {
        "share of widths above the auditor's with a violation above .05": estimate(
            (v[:, above] > VIOLATION).mean(1), n, "fraction", SEEDS
        ),
        "violation squared minus the fall of the loss to twice the width largest above the "
        "auditor's": estimate(top, n, "1", SEEDS),
        "rank correlation of violation and loss over widths": estimate(ranks, n, "1", SEEDS),
        "control linear violation": estimate(v[:, width.index(runs.LINEAR)], n, "fraction", SEEDS),
    }
