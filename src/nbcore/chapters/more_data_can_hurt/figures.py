"""Chapter 14's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.more_data_can_hurt import annealing, features, kernels, networks, observe
from nbcore.chapters.more_data_can_hurt.curves import double, errors, fragile, outcomes, rows, said
from nbcore.chapters.more_data_can_hurt.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.panels import panels
from nbcore.charts.risk import descent_paths, risk_explorer
from nbcore.charts.tables import Table, bullets, sentence
from nbcore.charts.words import signed
from nbcore.claims import readable
from nbcore.measures.bootstrap import Floats, interval
from nbcore.measures.generalization.ridge import exact_risk

EXCESS = "excess risk (‖β‖² = 1)"


def risk(study: Study) -> Figure:
    """Draw risk, bias and variance of least squares over n, with the exact risk."""
    table = study.linear.sel(ridge=0.0)
    d = int(table["dimension"])
    sigma = study.runs["linear"].manifest["config"]["sigma"]
    n = np.rint(table["ratio"].values * d)
    parts = {
        "risk": table["bias"] + table["variance"],
        "bias": table["bias"],
        "variance": table["variance"],
    }
    shares = [rows(study.over_seeds(v.values), n, k) for k, v in parts.items()]
    theory = [exact_risk(int(k), d) for k in n]
    exact = pd.DataFrame({"x": n, "y": [b + sigma**2 * v for b, v in theory]})
    shares.append(exact.assign(low=exact["y"], high=exact["y"], series="exact risk"))
    shown = pd.concat(shares).reset_index(drop=True)
    own = shown[shown["series"] == "risk"]
    early, late = (own.iloc[int((own["x"] - r * d).abs().argmin())] for r in (0.5, observe.LATE))
    if late["x"] >= d:
        late = own[own["x"] < d].iloc[-1]
    drawn = shown[shown["y"] >= 0.01]  # beyond n = d there is no bias, and 0 has no logarithm
    drawn = drawn.assign(low=drawn["low"].clip(lower=0.01))
    return charts.curve(
        drawn.assign(**{name: np.log10(drawn[name]) for name in ("y", "low", "high")}),
        x_title="examples n",
        y_title=f"log10 of {EXCESS}",
        x_scale="log",
        y_domain=(-2, 1),
        title=f"In {d} dimensions {late['x']:.0f} examples do worse than {early['x']:.0f}",
        subtitle=f"Excess risk {early['y']:.2f} and {late['y']:.2f}; least squares, noise {sigma:g}"
        f", {table.sizes['draw']} draws, 95 % intervals; beyond n = d there is no bias, and more "
        "examples help",
        description=f"Excess risk of least squares in {d} dimensions against the number of "
        f"examples, with its bias and variance. {said(shown)}.",
    )


def ridges(study: Study) -> Figure:
    """Draw risks along n and along d, with the best ridge and a tenth of it."""
    table, best = study.linear, min(study.linear["ridge"].values, key=lambda r: abs(r - 0.25))
    tenth = min(table["ridge"].values, key=lambda r: abs(r - best / 10))
    d = int(table["dimension"])
    along_d = study.runs["linear"].table("along_d")["risk"]
    risk_ = (table["bias"] + table["variance"]).transpose("draw", "ridge", "ratio")
    names = ("best ridge", "a tenth of it")
    drawn = []
    for name, ridge, share in zip(names, (best, tenth), (1.0, 0.1), strict=True):
        own = study.over_seeds(risk_.sel(ridge=ridge).values)
        n = table["ratio"].values * d
        drawn.append(rows(own, n, name).assign(panel=f"along n, d = {d}"))
        own = study.over_seeds(along_d.sel(share=share).values)
        drawn.append(rows(own, along_d["d"].values, name).assign(panel=f"along d, n = {d}"))
    shown = pd.concat(drawn).reset_index(drop=True)
    seen = observe.tuned(study)
    steps = [seen[f"along {k} optimal ridge largest step"].high for k in "nd"]
    falls = "falls with every step" if max(steps) < 0 else "does not surely fall at every step"
    ups = [k for k in "nd" if seen[f"control along {k} a tenth of it largest rise"].low > 0]
    rises = f"it rises somewhere along {' and along '.join(ups)}" if ups else "no rise is sure"
    return panels(
        shown,
        x_title="examples, dimensions",
        y_title=EXCESS,
        y_format=".2f",
        title=f"With the best ridge the risk {falls}",
        subtitle=f"With a tenth of it {rises}; 95 % intervals",
        description=f"Excess risk along examples and along dimensions. {said(shown)}.",
    )


def explorer(study: Study) -> Figure:
    """Let the reader move noise, ridge, dimension and n."""
    grid = study.runs["linear"].table("grid")
    frame = grid.to_dataframe().reset_index().dropna()
    d = int(grid["dimension"][-1])
    # the run's noise has its own variance, the reader's is put in its place
    frame["variance"] /= study.runs["linear"].manifest["config"]["sigma"] ** 2
    frame = frame.rename(columns={"dimension": "d"}).round(4)
    return risk_explorer(
        frame,
        sigma=0.5,
        d=d,
        ridge=0.0,
        ratio=0.9 if d > 30 else 0.8,
        title="Where more examples hurt, a ridge helps: move noise, ridge, d and n",
        subtitle="The dashed curve takes the best ridge of the menu at every n",
        description="Excess risk of ridge regression against examples over dimensions, for the "
        "chosen noise, ridge and dimension, with the curve of the best ridge. A slider and menus "
        "move them; the ringed point is the chosen n.",
    )


def feature_widths(study: Study) -> Figure:
    """Draw the error of random features along width."""
    images = study.runs["features"].manifest["config"]["images"]
    x, plain = np.round(np.array(features.RATIOS) * images), study.by_width(False)
    return errors(
        study,
        x,
        {"no ridge": plain, "best ridge": study.by_width(True)},
        x_title="random features",
        title=double(study, plain, x, "Random features, test error"),
        subtitle=f"{images} pictures, a fifth of their labels wrong; {len(plain)} seeds, 95 % "
        "intervals",
        description="Test error against the number of random features.",
    )


def most_wrong(mean: Floats, x: Floats, features_: int) -> str:
    """Say at how many pictures the error is largest: as many as features, near, or elsewhere."""
    worst = float(x[int(mean.argmax())])
    if abs(np.log(worst / features_)) < 0.05:
        where = "as many as there are features"
    elif 0.5 < worst / features_ < 2:
        where = f"near the {features_} features"
    else:
        where = f"far from the {features_} features"
    return f"the error is largest at {worst:.0f} pictures, {where}"


def feature_counts(study: Study) -> Figure:
    """Draw the error of random features along the number of pictures."""
    images = study.runs["features"].manifest["config"]["images"]
    x, plain = np.round(np.array(features.GROWTH) * images), study.by_count(False)
    mean = study.over_seeds(plain)[0]
    one, four = (features.GROWTH.index(g) for g in (0.25, 1.0))
    return errors(
        study,
        x,
        {"no ridge": plain, "best ridge": study.by_count(True)},
        x_title="training pictures",
        title=f"Four times the pictures, and the error goes from {mean[one]:.0%} to "
        f"{mean[four]:.0%}",
        subtitle=f"{images} random features: {x[one]:.0f} and {x[four]:.0f} pictures; without a "
        f"ridge {most_wrong(mean, x, images)}",
        description="Test error against the number of training pictures.",
    )


def costs(study: Study, space: str) -> Figure:
    """Draw the cost of fitting noise by kernels over the number of inputs."""
    table = study.runs["kernels"].table("costs")["cost"].sel(space=space)
    order = [kernels.GAUSSIAN, kernels.NEAREST, kernels.TANGENT, kernels.LAPLACE, kernels.RIDGE]
    drawn = []
    for name in order:
        known = table.sel({"method": name}).dropna("n")
        if known.size:
            draws = study.over_seeds(np.log10(known.transpose("member", "n").values))
            drawn.append(rows(draws, known["n"].values, readable(name)))
    shown, seen = pd.concat(drawn).reset_index(drop=True), observe.noise(study)
    slope = seen[f"{space} {kernels.LAPLACE} slope"]
    return charts.curve(
        shown,
        x_title="inputs",
        y_title="log10 of the cost of noise",
        x_scale="log",
        y_domain=(-2.5, 3.5) if space == "circle" else None,
        title=f"On the {space}, Laplace's kernel has a slope of {signed(slope.value)} "
        f"[{signed(slope.low)}, {signed(slope.high)}]: "
        + ("tempered" if max(abs(slope.low), abs(slope.high)) <= 0.1 else "not surely tempered"),
        subtitle=f"Pure noise of variance 1 is fitted; geometric means of {len(table['member'])} "
        "seeds",
        description=f"Cost of noise against inputs on the {space}, log10. {said(shown)}.",
    )


def control() -> Table:
    """Say what the annealed rate gains where test inputs vary as those of training do: nothing."""
    train = annealing.curvature(0)
    small, annealed = (annealing.descend(train, train, s).test_loss for s in ("small", "annealed"))
    # both stop at the first step below one training loss, the annealed one a little further below
    alike = abs(np.log(annealed / small)) < np.log(1.5)
    verdict = "about the same, as it must be" if alike else "which should not be"
    return sentence(
        f"With test inputs like the training ones the test loss is {small:.3g} with the small rate "
        f"and {annealed:.3g} when annealed, {verdict}."
    )


def paths() -> Figure:
    """Draw the paths of both schedules over the training loss."""
    train, test = annealing.curvature(0), np.diag(annealing.TEST)
    found = {s: annealing.descend(train, test, s) for s in ("small", "annealed")}
    drawn = []
    for name, run in found.items():
        pairs = np.unique(np.geomspace(1, len(run.path) // 2, 60).astype(int)) - 1
        step = np.sort([*(2 * pairs), *(2 * pairs + 1)])  # a swing is two steps
        x, y = run.path[step].T
        drawn.append(pd.DataFrame({"series": f"{name} rate", "step": step, "x": x, "y": y}))
    small, annealed = (found[s].test_loss for s in found)
    return descent_paths(
        pd.concat(drawn),
        train,
        annealing.TRUTH,
        (annealing.STOP, 0.05, 0.5),
        title=f"Equal training loss, test loss {small:.2g} with the small rate and {annealed:.2g} "
        "when annealed",
        subtitle="Ellipses of equal training loss around the truth (1, 1); descent starts at 0 and "
        f"stops at {annealing.STOP}",
        description="Paths of two weights by gradient descent: the small rate moves along the "
        "first weight and stops before the second is learned; the annealed one swings across the "
        f"first while it learns the second. Test losses {small:.3g} and {annealed:.3g}.",
    )


def told(study: Study) -> Table:
    """Say what the solvers' numerics leave open, and whether networks fitted their labels."""
    residual = float(study.runs["kernels"].table("costs")["residual"].max())
    fitted = []
    if "sizes" in study.runs:
        last = study.runs["sizes"].table("errors")["error"].sel(set="train", kind=networks.WRONG)
        fit = 100 * last.sel(stop=networks.STOPS[0]).mean("member").values
        fitted.append(
            f"At the end of training networks miss {fit.min():.1f} to {fit.max():.1f} % of the "
            "labels they were given."
        )
    low, high = interval(np.exp(study.over_seeds(study.ratios[0]))[1:])
    large = annealing.descend(annealing.curvature(0), np.diag(annealing.TEST), "large").stopped
    return bullets(
        [
            f"The Gaussian kernel is solved with {kernels.DIGITS} digits; at its inputs the "
            f"largest error is {residual:.0e}.",
            *fitted,
            fragile(outcomes(study)),
            f"Annealing divides the test loss by {low:,.0f} to {high:,.0f} (95 % interval of the "
            "geometric mean).",
            "The large rate alone "
            + ("reaches" if large else "never reaches")
            + " the training loss at which the others stop.",
        ]
    )
