"""Chapter 1's observations: what is recorded in the ledger, and the tables of the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from nbcore import claims
from nbcore.chapters.line.config import Line
from nbcore.chapters.line.scales import r2_by_scale
from nbcore.claims import Observation
from nbcore.lines import noise
from nbcore.lines.public import Testbed
from nbcore.measures import agreement, robustness
from nbcore.measures.bootstrap import interval
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import together

Beds = Mapping[str, Testbed]

#: the testbeds that the chapter is about, in the order of its tables
PUBLIC = (
    "cifar10.1",
    "imagenetv2",
    "imagenet-testbed:imagenetv2",
    "timm:imagenetv2",
    "timm:imagenet-a",
)
#: as tables call them
CALLED = {
    "cifar10.1": "CIFAR-10.1",
    "imagenetv2": "ImageNetV2, its authors' models",
    "imagenet-testbed:imagenetv2": "ImageNetV2, the ImageNet testbed",
    "timm:imagenetv2": "ImageNetV2, timm's models",
    "timm:imagenet-a": "ImageNet-A, timm's models",
}
#: slope and intercept of the paper's CIFAR line, for the claim that only concerns its shape
PAPER_CIFAR = robustness.Line(0.8318, -0.4736, 1.0, 0.0, 0.0, "logit", 30, (0.0, 1.0))


def record(beds: Beds, config: Line, preset: str) -> dict[str, Observation]:
    """Record every claim of the chapter and return the observations by id."""
    cifar, imagenet, timm = (beds[k] for k in ("cifar10.1", "imagenetv2", "timm:imagenetv2"))
    both, every = (cifar, imagenet), (cifar, imagenet, timm)
    found = {
        "A1": (_scales(beds, config), both),
        "A2": (_lines((cifar, imagenet)), both),
        "A3": (_rare(beds), every),
        "A4": (_rule(beds, config.level), every),
        "A26": (_dominance(imagenet), (imagenet,)),
        "A28": (_unsolved(imagenet), (imagenet,)),
        "A35": (_peak(), (cifar,)),
        "A37": (_mixture(imagenet), (imagenet,)),
        "A39": (_binning(timm, config), (timm,)),
    }
    claims.forget(config.slug)
    beside = _origin("A2", (timm,), config, preset) | {"setup": "reduced"}
    claims.relate("A2", _lines((timm,)), **beside)
    return {
        key: claims.record(key, observed, **_origin(key, used, config, preset))
        for key, (observed, used) in found.items()
    }


def _origin(key: str, used: Sequence[Testbed], config: Line, preset: str) -> dict[str, Any]:
    """Say whose numbers these are, and from which runs."""
    models = [f"{len(bed.models):,} models on {' and '.join(bed.axes)}" for bed in used]
    return {
        "run": together(bed.run for bed in used),
        "subject": "; ".join(models),
        "preset": preset,
        "setup": config.setup(key),
        "chapter": config.slug,
    }


def _scales(beds: Beds, config: Line) -> dict[str, Estimate]:
    out = {}
    for name in ("cifar10.1", "imagenetv2"):
        draws, n = r2_by_scale(beds[name], config), len(beds[name].models)
        compared = {f"r2 {scale}": values for scale, values in draws.items()}
        compared["logit minus probit"] = draws["logit"] - draws["probit"]
        compared["probit minus linear"] = draws["probit"] - draws["linear"]
        for what, values in compared.items():
            out[f"{name} {what}"] = _bootstrapped(values, config.level, n)
    return out


def _bootstrapped(draws: np.ndarray, level: float, n: int) -> Estimate:
    """Estimate from draws, the observed value first, with a percentile interval.

    An interval that misses the observed value is widened to include it.
    """
    low, high = interval(draws[1:], level)
    value = float(draws[0])
    return Estimate(value, min(low, value), max(high, value), n, over="models")


def _lines(beds: Sequence[Testbed]) -> dict[str, Estimate]:
    out = {}
    for bed in beds:
        name, fit = bed.name, bed.line
        for what, error in noise.errors(bed)._asdict().items():
            value, half = getattr(fit, what), 1.959964 * error
            out[f"{name} {what}"] = Estimate(
                value, value - half, value + half, fit.n, over="models and images"
            )
    return out


def _rare(beds: Beds) -> dict[str, Estimate]:
    out = {}
    for name in ("cifar10.1", "imagenetv2", "timm:imagenetv2"):
        models = beds[name].models
        high = int(((models["er"] > 0.01) & models["significant"]).sum())
        name = f"{name} share above 1 point and its interval"
        out[name] = Estimate.share(high, len(models), len(models), "models")
    return out


def _rule(beds: Beds, level: float) -> dict[str, Estimate]:
    """Test each decision afresh by the exact binomial chance of so many right answers."""
    agree: dict[bool, list[bool]] = {True: [], False: []}
    for name in ("cifar10.1", "imagenetv2", "timm:imagenetv2"):
        bed = beds[name]
        right = np.rint(bed.models["ood"] * bed.ood_total)
        chance = stats.binom.sf(right - 1, bed.ood_total, bed.line.predict(bed.models["id"]))
        for decided, p in zip(bed.models["significant"], chance, strict=True):
            agree[bool(decided)].append((p < (1 - level) / 2) == bool(decided))
    names = {
        True: "share of significant models whose effective robustness exceeds the interval",
        False: "share of insignificant models inside the interval",
    }
    return {
        names[k]: Estimate.exact(float(np.mean(v)), len(v), "fraction")
        for k, v in agree.items()
        if v
    }


def pairs(bed: Testbed) -> pd.DataFrame:
    """List every pair of models once.

    Columns lower, higher, difference (in accuracy), dominance, independent.
    """
    matrix = bed.run.table("dominance")["dominance"]
    order = bed.models.sort_values("id", kind="stable")
    names, accuracy = order["model"].to_numpy(), order["id"].to_numpy()
    values = matrix.sel(model=names, other=names).values
    i, j = np.triu_indices(len(names), k=1)
    return pd.DataFrame(
        {
            "lower": names[i],
            "higher": names[j],
            "difference": accuracy[j] - accuracy[i],
            "dominance": values[i, j],
            "independent": agreement.independent_dominance(accuracy[i], accuracy[j]),
        }
    )


def _dominance(bed: Testbed) -> dict[str, Estimate]:
    every = pairs(bed)
    excess = every["dominance"] - every["independent"]
    name = "testbed largest dominance above independence"
    return {name: Estimate.exact(excess.max(), len(bed.models), "fraction")}


def _unsolved(bed: Testbed) -> dict[str, Estimate]:
    solvers = bed.run.table("solvers")["solvers"].values
    none = int((solvers == 0).sum())
    n = len(bed.models)
    return {"unsolved share": Estimate.share(none, solvers.size, n, "images; models fixed")}


def _peak() -> dict[str, Estimate]:
    top = optimize.minimize_scalar(
        lambda x: -(x - float(PAPER_CIFAR.predict(x))), bounds=(0.01, 0.99), method="bounded"
    )
    return {
        "peak of the y = x curve": Estimate.exact(-top.fun, 1, "fraction"),
        "accuracy at the peak": Estimate.exact(top.x, 1, "fraction"),
    }


def mixture(bed: Testbed, points: int = 101) -> pd.DataFrame:
    """Mix the weakest and the strongest model: columns share, id, ood, er."""
    ends = bed.models.sort_values("id")[["id", "ood"]].to_numpy()[[0, -1]]
    share = np.linspace(0, 1, points)
    mixed = robustness.mixed_classifier(ends[0], ends[1], share)
    er = robustness.effective_robustness(mixed[:, 0], mixed[:, 1], bed.line)
    return pd.DataFrame({"share": share, "id": mixed[:, 0], "ood": mixed[:, 1], "er": er})


def _mixture(bed: Testbed) -> dict[str, Estimate]:
    """Compute a mixture's distance from the chord, and its effective robustness inside it.

    The distance is by the cross product. The two models need not stand on the line themselves, so
    the baseline here is a line through both of them in logits.
    """
    mixed = mixture(bed)
    ends = mixed[["id", "ood"]].to_numpy()[[0, -1]]
    step = ends[1] - ends[0]
    offset = mixed[["id", "ood"]].to_numpy() - ends[0]
    away = np.abs(step[0] * offset[:, 1] - step[1] * offset[:, 0]) / np.hypot(*step)
    logits = robustness.SCALES["logit"][0](ends)
    slope = (logits[1, 1] - logits[0, 1]) / (logits[1, 0] - logits[0, 0])
    own = robustness.Line(
        slope, logits[0, 1] - slope * logits[0, 0], 1, 0, 0, "logit", 2, (ends[0, 0], ends[1, 0])
    )
    er = robustness.effective_robustness(mixed["id"], mixed["ood"], own)[1:-1]
    return {
        "largest distance from the chord": Estimate.exact(away.max(), 2, "fraction"),
        "smallest effective robustness inside the chord": Estimate.exact(er.min(), 2, "fraction"),
    }


def _binning(bed: Testbed, config: Line) -> dict[str, Estimate]:
    """Compare our averages with scipy's, on the effective robustness of all timm models."""
    x, y = bed.models["id"].to_numpy(), bed.models["er"].to_numpy()
    ours = robustness.binned_average(x, y, config.bins)
    worst = 0.0
    for what, values in (("mean", ours.mean), ("std", ours.std)):
        theirs = stats.binned_statistic(x, y, what, config.bins).statistic
        worst = max(worst, float(np.nanmax(np.abs(values - theirs))))
    return {"largest difference from scipy": Estimate.exact(worst, x.size, "fraction")}


def fits_table(beds: Beds) -> pd.DataFrame:
    """Tabulate per testbed: models, slope and intercept with 95 % intervals, R², ID range.

    The intervals are over models and images, see `lines.noise`.
    """
    rows = []
    for name, bed in beds.items():
        fit, error = bed.line, noise.errors(bed)
        rows.append(
            {
                "testbed": CALLED[name],
                "models": fit.n,
                "slope": f"{fit.slope:.3f} ± {1.96 * error.slope:.3f}",
                "intercept": f"{fit.intercept:+.3f} ± {1.96 * error.intercept:.3f}",
                "R²": f"{fit.r2:.4f}",
                "ID accuracy, %": f"{100 * fit.id_range[0]:.1f} to {100 * fit.id_range[1]:.1f}",
            }
        )
    return pd.DataFrame(rows)


def scales_table(beds: Beds, config: Line) -> pd.DataFrame:
    """Tabulate R² with its bootstrap interval, one row per testbed, one column per scale."""
    rows = []
    for name, bed in beds.items():
        row: dict[str, object] = {"testbed": CALLED[name], "models": len(bed.fitted)}
        for scale, draws in r2_by_scale(bed, config).items():
            low, high = interval(draws[1:], config.level)
            row[scale] = f"{draws[0]:.4f} [{low:.4f}, {high:.4f}]"
        rows.append(row)
    return pd.DataFrame(rows)


def families_table(bed: Testbed) -> pd.DataFrame:
    """Tabulate models, mean effective robustness and significant ones by pretraining data.

    The interval of the mean is 1.96 standard errors over the models, taken as independent.
    """
    groups = bed.models.groupby("pretraining")
    table = groups.agg(
        models=("er", "size"), mean=("er", "mean"), se=("er", "sem"), robust=("significant", "sum")
    )
    table = table.sort_values("mean", ascending=False).reset_index()
    points = [
        f"{100 * m:+.2f} ± {196 * se:.2f}" for m, se in zip(table["mean"], table["se"], strict=True)
    ]
    return pd.DataFrame(
        {
            "pretraining data": table["pretraining"],
            "models": table["models"],
            "mean ER, points": points,
            "significant": table["robust"].astype(int),
        }
    )
