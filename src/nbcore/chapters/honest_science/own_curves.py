"""Chapter 14's checks on curves, computed again from its stored runs.

`shuffled` puts the points of every unit's curve in another order; `halves` splits the units, which
are draws or seeds. A curve is (unit, ..., point); curves of one unit along one axis move together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbcore import claims
from nbcore.measures.bootstrap import Floats, estimate, seed_weights, simultaneous, standard_errors
from nbcore.measures.estimate import Estimate
from nbcore.measures.generalization.curves import rise, slopes
from nbcore.measures.generalization.ridge import exact_risk
from nbcore.runs.store import Run, stored_runs

Observed = dict[tuple[str, str], Estimate]
#: (unit, ...) -> (draw, ...) means over units
Mean = Callable[[Floats], Floats]
#: axis -> name -> (unit, ..., point)
Arrays = Mapping[str, Mapping[str, Floats]]


@dataclass(frozen=True)
class Curves:
    """Curves of one run, and what is checked about them; at: points of each axis."""

    name: str
    over: str
    arrays: Arrays
    at: Mapping[str, Floats]
    check: Callable[["Curves", Mean], Observed]

    @property
    def units(self) -> int:
        """How many draws or seeds there are."""
        return len(next(iter(next(iter(self.arrays.values())).values())))

    def shuffled(self, rng: np.random.Generator) -> Self:
        """Give each unit the points of its curves in an order of its own."""
        out = {}
        for axis, own in self.arrays.items():
            points = len(self.at[axis])
            order = np.argsort(rng.random((self.units, points)), 1)
            out[axis] = {
                name: np.take_along_axis(
                    v, order.reshape(self.units, *[1] * (v.ndim - 2), points), -1
                )
                for name, v in own.items()
            }
        return self._with(out)

    def halves(self, rng: np.random.Generator) -> tuple[Self, Self]:
        """Split the units at random."""
        order, half = rng.permutation(self.units), self.units // 2
        return self._some(np.sort(order[:half])), self._some(np.sort(order[half:]))

    def without(self, unit: int) -> Self:
        """Leave one unit out."""
        return self._some(np.delete(np.arange(self.units), unit))

    def observed(self, resamples: int) -> Observed:
        """Compute the checks."""
        by = seed_weights(self.units, resamples, np.random.default_rng(14))
        return self.check(self, lambda v: np.tensordot(by, v, 1))

    def _some(self, own: NDArray[np.int64]) -> Any:
        parts = {a: {k: v[own] for k, v in d.items()} for a, d in self.arrays.items()}
        return self._with(parts)

    def _with(self, arrays: Arrays) -> Any:
        return type(self)(self.name, self.over, arrays, self.at, self.check)


def load() -> list[Curves]:
    """Read the runs that are stored with the book; those that are not are left out."""
    made = []
    for experiment in dict.fromkeys(name for name, _ in READERS):
        for run in stored_runs(experiment):
            key = experiment, run.manifest["config"].get("part", "")
            if key in READERS:
                made.append(READERS[key](run))
    return made


def _linear(run: Run) -> Curves:
    n, d = run.table("along_n"), run.table("along_d")
    n = n.isel(ratio=~np.isnan(n["bias"].values[0, 0]))
    bias, variance = (n[k].transpose("draw", "ridge", "ratio") for k in ("bias", "variance"))
    sigma = run.manifest["config"]["sigma"]
    best, tenth = (
        min(n["ridge"].values, key=lambda r: abs(r - share * sigma**2)) for share in (1, 0.1)
    )
    risk = bias + variance
    parts = {
        "risk": risk.sel(ridge=0.0),
        "bias": bias.sel(ridge=0.0),
        "variance": variance.sel(ridge=0.0),
        "best": risk.sel(ridge=best),
        "tenth": risk.sel(ridge=tenth),
    }
    along_d = {
        name: d["risk"].sel(share=share).transpose("draw", "d").values.astype(float)
        for name, share in (("best", 1.0), ("tenth", 0.1))
    }
    dim = int(n["dimension"])
    at = {"n": np.rint(n["ratio"].values * dim), "d": d["d"].values}

    def check(own: Curves, mean: Mean) -> Observed:
        along, out = own.arrays["n"], _linear_steps(own, mean)
        theory = [b + sigma**2 * v for b, v in (exact_risk(int(k), dim) for k in own.at["n"])]
        plain = along["risk"]
        away = (plain.mean(0) - theory) / (plain.std(0, ddof=1) / np.sqrt(len(plain)))
        exact = Estimate.exact(np.abs(away).max(), own.units)
        out["C33", "largest distance from the exact risk in standard errors"] = exact
        early, late = (list(own.at["n"]).index(round(r * dim)) for r in (0.5, 0.95))
        for name, k in [(k, k) for k in ("risk", "bias", "variance")] + [
            ("control optimal ridge risk", "best")
        ]:
            draws = mean(along[k])
            gap = estimate(draws[:, late] - draws[:, early], own.units, "1")
            out["C33", f"{name} at n = .95 d minus n = .5 d"] = gap
        return out

    curves = {k: v.values.astype(float) for k, v in parts.items()}
    return Curves("least squares", "draws", {"n": curves, "d": along_d}, at, check)


def _linear_steps(own: Curves, mean: Mean) -> Observed:
    out: Observed = {}
    for axis in "nd":
        draws = mean(np.diff(own.arrays[axis]["best"], axis=-1))
        reach, value = simultaneous(draws) * standard_errors(draws), float(draws[0].max())
        low, high = float((draws[0] - reach).max()), float((draws[0] + reach).max())
        step = Estimate(value, min(low, value), max(high, value), own.units)
        out["C32", f"along {axis} optimal ridge largest step"] = step
        up = _risen(own, mean(own.arrays[axis]["tenth"]), "1")
        out["C32", f"control along {axis} a tenth of it largest rise"] = up
    return out


def _risen(own: Curves, draws: Floats, unit: str = "fraction", fallen: bool = False) -> Estimate:
    before, peak = rise(draws[0])
    other = draws[:, -1] if fallen else draws[:, before]
    return estimate(draws[:, peak] - other, own.units, unit)


def _chosen(error: xr.DataArray, tuned: bool) -> Floats:
    """Select test errors without ridge, or at the ridge with the fewest errors of choice."""
    at = error.sel(set="choice").argmin("ridge") if tuned else 0
    return error.sel(set="test").isel(ridge=at).transpose("member", ...).values.astype(float)


def _features(run: Run) -> Curves:
    table = run.table("errors")
    arrays = {
        axis: {
            name: _chosen(table[by], tuned) for name, tuned in (("plain", False), ("tuned", True))
        }
        for axis, by in (("width", "by_width"), ("count", "by_count"))
    }
    at = {"width": table["ratio"].values, "count": table["growth"].values}

    def check(own: Curves, mean: Mean) -> Observed:
        wide, tuned = (mean(own.arrays["width"][k]) for k in ("plain", "tuned"))
        peak = own.at["width"][rise(wide[0])[1]]
        out = {
            ("C32", "random features tuned largest rise with width"): _risen(own, tuned),
            ("C32", "control random features without ridge largest rise with width"): _risen(
                own, wide
            ),
            ("C34", "random features peak minus best narrower"): _risen(own, wide),
            ("C34", "random features peak minus widest"): _risen(own, wide, fallen=True),
            ("C34", "random features width of the peak over pictures"): Estimate.exact(
                peak, own.units
            ),
        }
        one, four = (list(own.at["count"]).index(g) for g in (0.25, 1.0))
        for name, k in (("random features", "plain"), ("control tuned features", "tuned")):
            draws = mean(own.arrays["count"][k])
            gap = estimate(draws[:, four] - draws[:, one], own.units, "fraction")
            out["C34", f"{name} error on 4 n minus on n pictures"] = gap
        return out

    return Curves("random features", "seeds", arrays, at, check)


def _widths(run: Run) -> Curves:
    error = run.table("errors")["error"].rename(decay="ridge")
    arrays = {"width": {"plain": _chosen(error, False), "tuned": _chosen(error, True)}}

    def check(own: Curves, mean: Mean) -> Observed:
        plain, tuned = (mean(own.arrays["width"][k]) for k in ("plain", "tuned"))
        free = "control networks without weight decay largest rise with width"
        return {
            ("C32", "networks tuned largest rise with width"): _risen(own, tuned),
            ("C32", free): _risen(own, plain),
            ("C34", "networks peak minus best narrower"): _risen(own, plain),
            ("C34", "networks peak minus widest"): _risen(own, plain, fallen=True),
        }

    return Curves("networks by width", "seeds", arrays, {"width": error["width"].values}, check)


def _epochs(run: Run) -> Curves:
    error = run.table("errors")["error"].sel(set="test").transpose("member", ...)
    kinds = {k: error.sel(kind=f"{k} labels").values.astype(float) for k in ("wrong", "right")}

    def check(own: Curves, mean: Mean) -> Observed:
        wrong, right = (mean(own.arrays["epoch"][k]) for k in ("wrong", "right"))
        clean = "control right labels epochs peak minus best before"
        return {
            ("C34", "epochs peak minus best before"): _risen(own, wrong),
            ("C34", "epochs peak minus end"): _risen(own, wrong, fallen=True),
            ("C34", clean): _risen(own, right),
        }

    at = {"epoch": np.arange(float(error.sizes["checkpoint"]))}
    return Curves("networks by epoch", "seeds", {"epoch": kinds}, at, check)


def _sizes(run: Run) -> Curves:
    error = run.table("errors")["error"].sel(set="test").transpose("member", ...)
    cost = error.sel(kind="wrong labels") - error.sel(kind="right labels")
    stops = {s: cost.sel(stop=s).values.astype(float) for s in ("interpolation", "stopped early")}

    def check(own: Curves, mean: Mean) -> Observed:
        draws = {stop: mean(values) for stop, values in own.arrays["n"].items()}
        out: Observed = {}
        for name, stop in (("trained to interpolation", "interpolation"), ("stopped early",) * 2):
            slope = estimate(slopes(draws[stop], own.at["n"]), own.units, "1")
            out["C8", f"networks {name} slope"] = slope
        gap = draws["interpolation"][:, -1] - draws["stopped early"][:, -1]
        what = "cost at the most pictures interpolation minus stopped early"
        return out | {("C8", what): estimate(gap, own.units, "fraction")}

    return Curves("networks by pictures", "seeds", {"n": stops}, {"n": error["n"].values}, check)


def _kernels(run: Run) -> Curves:
    cost = run.table("costs")["cost"].transpose("member", ..., "n")
    kept, at = {}, {}
    for space in cost["space"].values:
        for method in cost["method"].values:
            own = cost.sel({"space": space, "method": method}).dropna("n")
            if own.sizes["n"] > 1:
                axis = f"{space} {method}"
                kept[axis], at[axis] = {"cost": own.values.astype(float)}, own["n"].values

    def check(own: Curves, mean: Mean) -> Observed:
        wanted = {c.name for c in claims.get("C8").checks}
        return {
            ("C8", f"{axis} slope"): estimate(mean(slopes(v["cost"], own.at[axis])), own.units, "1")
            for axis, v in own.arrays.items()
            if f"{axis} slope" in wanted
        }

    return Curves("kernels", "seeds", kept, at, check)


#: experiment and part of it -> how its run is read
READERS = {
    ("linear-risk", ""): _linear,
    ("random-features", ""): _features,
    ("noisy-networks", "widths"): _widths,
    ("noisy-networks", "epochs"): _epochs,
    ("noisy-networks", "sizes"): _sizes,
    ("noisy-kernels", ""): _kernels,
}
