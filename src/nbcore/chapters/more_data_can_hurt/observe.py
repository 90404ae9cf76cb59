"""Chapter 14's observations: what is recorded in the ledger."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from nbcore import claims
from nbcore.chapters.more_data_can_hurt import features, kernels, linear, networks
from nbcore.chapters.more_data_can_hurt.study import Study
from nbcore.claims import Observation
from nbcore.measures.bootstrap import Floats, estimate, simultaneous, standard_errors
from nbcore.measures.estimate import Estimate
from nbcore.measures.generalization.curves import rise, slopes
from nbcore.measures.generalization.ridge import exact_risk
from nbcore.runs import provenance
from nbcore.runs.store import together

SEEDS, DRAWS, PROBLEMS = "seeds", "draws of inputs", "problems"
#: the runs that each claim rests on
RESTS_ON = {
    "C8": ("kernels", "sizes"),
    "C31": ("annealing",),
    "C32": ("linear", "features", "widths"),
    "C33": ("linear",),
    "C34": ("features", "widths", "epochs"),
}
#: n over d of the two ends of the rise that is judged
EARLY, LATE = 0.5, 0.95


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record the five claims and return the observations by id."""
    observe = {"C8": noise, "C31": annealed, "C32": tuned, "C33": exact, "C34": descents}
    claims.forget(study.config.slug)
    out = {}
    for key, measure in observe.items():
        parts = RESTS_ON[key]
        runs = [study.runs[p] for p in parts if p in study.runs]
        seen = {name: e for name, e in measure(study).items() if e.defined}
        out[key] = claims.record(
            key,
            seen,
            run=together(runs) if runs else computed(),
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
    c = study.config
    shown, part = c.dataset, c.parts()
    return {
        "C8": f"kernels on noise; one hidden layer on {shown}",
        "C31": f"{c.problems} problems of two weights",
        "C32": f"ridge regression; random features and one hidden layer on {shown}",
        "C33": f"least squares in {part['linear'].address()['dimensions'][-1]} dimensions",
        "C34": f"random features and one hidden layer on {shown}",
    }[key]


def exact(study: Study) -> dict[str, Estimate]:
    """Compare least squares with its exact risk, and two numbers of examples (C33)."""
    table = study.linear
    plain = table.sel(ridge=0.0)
    best = table.sel(ridge=_best(study))
    ratios = list(table["ratio"].values)
    at = [ratios.index(r) for r in (EARLY, max(r for r in ratios if r <= LATE))]
    parts = {
        "risk": plain["bias"] + plain["variance"],
        "bias": plain["bias"],
        "variance": plain["variance"],
        "control optimal ridge risk": best["bias"] + best["variance"],
    }
    away = distances(study)
    out = {
        "largest distance from the exact risk in standard errors": Estimate.exact(
            np.abs(away).max(), table.sizes["draw"]
        )
    }
    for name, values in parts.items():
        found = study.over_seeds(values.values[:, at])
        gap = estimate(found[:, 1] - found[:, 0], table.sizes["draw"], "1", DRAWS)
        out[f"{name} at n = .95 d minus n = .5 d"] = gap
    return out


def distances(study: Study) -> Floats:
    """Measure mean minus exact risk of least squares in standard errors: (ratio,)."""
    table, sigma = study.linear, study.runs["linear"].manifest["config"]["sigma"]
    plain, d = table.sel(ridge=0.0), int(table["dimension"])
    risks = (plain["bias"] + plain["variance"]).values
    n = np.rint(table["ratio"].values * d).astype(int)
    theory = [bias + sigma**2 * noise for bias, noise in (exact_risk(int(k), d) for k in n)]
    return (risks.mean(0) - theory) / (risks.std(0, ddof=1) / np.sqrt(len(risks)))


def _best(study: Study) -> float:
    """Return the best ridge as a share of d: the noise's variance, for a β of norm 1."""
    sigma = study.runs["linear"].manifest["config"]["sigma"]
    return min(linear.RIDGES, key=lambda r: abs(r - sigma**2))


def tuned(study: Study) -> dict[str, Estimate]:
    """Find the largest step of tuned curves, and the rises of those that are not (C32)."""
    best, table = _best(study), study.linear
    risk = (table["bias"] + table["variance"]).transpose("draw", "ridge", "ratio")
    along_d = study.runs["linear"].table("along_d")["risk"]
    tenth = min(linear.RIDGES, key=lambda r: abs(r - best / 10))
    out = {}
    for name, curves, control in (
        ("n", risk.sel(ridge=best), risk.sel(ridge=tenth)),
        ("d", along_d.sel(share=1.0), along_d.sel(share=0.1)),
    ):
        step = study.over_seeds(np.diff(curves.values, axis=-1))
        out[f"along {name} optimal ridge largest step"] = _largest(step, len(curves), "1")
        out[f"control along {name} a tenth of it largest rise"] = risen(
            study, control.values, "1", DRAWS
        )
    kinds = [("random features", "without ridge", study.by_width)]
    if "widths" in study.runs:
        kinds.append(("networks", "without weight decay", study.network_widths))
    for name, without, values in kinds:
        out[f"{name} tuned largest rise with width"] = risen(study, values(True))
        out[f"control {name} {without} largest rise with width"] = risen(study, values(False))
    return out


def _largest(draws: Floats, n: int, unit: str) -> Estimate:
    """Estimate the highest of several means (draw, point) by a band that holds all of them."""
    error = standard_errors(draws)
    reach = simultaneous(draws) * error
    value = float(draws[0].max())
    low, high = float((draws[0] - reach).max()), float((draws[0] + reach).max())
    return Estimate(value, min(low, value), max(high, value), n, unit, DRAWS)


def risen(
    study: Study, values: Floats, unit: str = "fraction", over: str = SEEDS, fallen: bool = False
) -> Estimate:
    """Estimate the largest rise of the mean of curves (member, point), or what falls after it.

    Where it begins and ends is read off the mean curve, and the same in every draw.
    """
    draws = study.over_seeds(values)
    before, peak = rise(draws[0])
    other = draws[:, -1] if fallen else draws[:, before]
    return estimate(draws[:, peak] - other, len(values), unit, over)


def descents(study: Study) -> dict[str, Estimate]:
    """Measure rises and second descents along width, examples and epochs (C34)."""
    wide, n = study.by_width(False), len(study.by_width(False))
    peak = features.RATIOS[rise(study.over_seeds(wide)[0])[1]]
    out = {
        "random features peak minus best narrower": risen(study, wide),
        "random features peak minus widest": risen(study, wide, fallen=True),
        "random features width of the peak over pictures": Estimate.exact(peak, n),
    }
    if "widths" in study.runs:
        nets = study.network_widths(False)
        out["networks peak minus best narrower"] = risen(study, nets)
        out["networks peak minus widest"] = risen(study, nets, fallen=True)
    if "epochs" in study.runs:
        along, clean = (study.epochs(kind) for kind in networks.KINDS)
        out["epochs peak minus best before"] = risen(study, along)
        out["epochs peak minus end"] = risen(study, along, fallen=True)
        out["control right labels epochs peak minus best before"] = risen(study, clean)
    one, four = (features.GROWTH.index(g) for g in (0.25, 1.0))
    for name, is_tuned in (("random features", False), ("control tuned features", True)):
        draws = study.over_seeds(study.by_count(is_tuned))
        gap = estimate(draws[:, four] - draws[:, one], n, "fraction", SEEDS)
        out[f"{name} error on 4 n minus on n pictures"] = gap
    return out


def annealed(study: Study) -> dict[str, Estimate]:
    """Compare the small rate with the annealed one, as ratios of test losses (C31)."""
    names = ("test loss small rate over annealed", "control one curvature small rate over annealed")
    return {
        name: estimate(np.exp(study.over_seeds(logs)), len(logs), "1", PROBLEMS)
        for name, logs in zip(names, study.ratios, strict=True)
    }


#: method -> where it is judged
JUDGED: Mapping[str, Sequence[str]] = {
    kernels.LAPLACE: ("circle", "sphere"),
    kernels.TANGENT: ("circle", "sphere"),
    kernels.RIDGE: ("circle", "sphere"),
    kernels.GAUSSIAN: ("circle",),
}


def noise(study: Study) -> dict[str, Estimate]:
    """Fit the slope of the cost of noise over the number of inputs, in logarithms (C8)."""
    table = study.runs["kernels"].table("costs")["cost"]
    out = {}
    for method, spaces in JUDGED.items():
        for space in spaces:
            costs = table.sel({"space": space, "method": method}).dropna("n")
            own = slopes(costs.transpose("member", "n").values, costs["n"].values)
            mean = estimate(study.over_seeds(own), len(own), "1", SEEDS)
            out[f"{space} {method} slope"] = mean
    return out | (network_noise(study) if "sizes" in study.runs else {})


def network_noise(study: Study) -> dict[str, Estimate]:
    """Fit the slope of what wrong labels cost networks, fitted and stopped early (C8)."""
    out = {}
    n = study.runs["sizes"].table("errors")["n"].values
    draws = {stop: study.over_seeds(study.noise_cost(stop)) for stop in networks.STOPS}
    members = len(study.noise_cost(networks.STOPS[0]))
    names = ("networks trained to interpolation slope", "networks stopped early slope")
    for name, stop in zip(names, networks.STOPS, strict=True):
        out[name] = estimate(slopes(draws[stop], n), members, "1", SEEDS)
    gap = draws[networks.STOPS[0]][:, -1] - draws[networks.STOPS[1]][:, -1]
    what = "cost at the most pictures interpolation minus stopped early"
    return out | {what: estimate(gap, members, "fraction", SEEDS)}
