"""Chapter 17's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.sampling_unseen import composition, guidance, observe, runs, steps, weighted
from nbcore.chapters.sampling_unseen.sampler import times
from nbcore.chapters.sampling_unseen.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.panels import panels
from nbcore.measures.bootstrap import Floats

NAMES = {steps.DDPM: "DDPM", steps.DDIM: "DDIM", steps.FLOW: "flow"}


def _said(table: pd.DataFrame) -> str:
    """List the ends of each series, for a description."""
    parts = []
    for name, own in table.groupby("series", sort=False):
        ends = [f"{y:.3g} at {x:g}" for x, y in own[["x", "y"]].iloc[[0, -1]].to_numpy()]
        parts.append(f"{name}: {', '.join(ends)}")
    return "; ".join(parts)


def _means(draws: Floats, x: Floats, series: str) -> pd.DataFrame:
    low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
    ends = dict(low=np.minimum(low, draws[0]), high=np.maximum(high, draws[0]))
    return pd.DataFrame({"x": x, "y": draws[0], "series": series} | ends)


def _lines(x: Floats, curves: dict[str, Floats]) -> pd.DataFrame:
    return pd.concat(
        [pd.DataFrame({"x": x, "y": y, "series": name}) for name, y in curves.items()]
    ).reset_index(drop=True)


def reverse_step() -> Figure:
    """Draw how far a reverse step is from normal, by how much noise it removes."""
    x = np.array(steps.LOWERED)
    curves = {f"target {k + 1}": np.log10(d) for k, d in enumerate(observe.divergences())}
    shown = _lines(x, curves)
    slope = observe.small_steps()[
        "divergence of the reverse step from a normal one slope over log step"
    ]
    return charts.curve(
        shown,
        x_title="variance of the noise removed in a step",
        y_title="log10 of the divergence from a normal, nats",
        x_scale="log",
        title=f"A reverse step is the more normal the smaller: its divergence falls as the step to "
        f"the {slope.value:.1f}",
        subtitle="Three skewed targets; computed on a grid, without samples",
        description=f"Decimal logarithm of the divergence of a reverse step from a normal "
        f"distribution. {_said(shown)}.",
    )


def errors() -> Figure:
    """Draw errors of three samplers by their number of steps."""
    curves = {NAMES[s]: np.log10(steps.errors(s, 1.0)) for s in NAMES}
    shown = _lines(np.array(steps.STEPS, float), curves)
    told = ", ".join(f"{name} {10 ** y[-1]:.1%}" for name, y in curves.items())
    return charts.curve(
        shown,
        x_title="steps",
        y_title="log10 of the relative error",
        x_scale="log",
        x_format="d",
        title=f"Twice the steps, half the error, for all three; after {steps.STEPS[-1]:,} steps: "
        f"{told}",
        subtitle="Error of the standard deviation of a standard normal target, followed exactly",
        description=f"Decimal logarithm of the relative error by steps. {_said(shown)}.",
    )


def variances(study: Study) -> Figure:
    """Draw the variance of guided samples by the power γ, beside the powered distribution."""
    gammas = np.linspace(1, 4, 25)
    curves = {
        k: np.array([guidance.closed_form(k, g) for g in gammas])
        for k in (guidance.DDPM, guidance.DDIM)
    }
    curves["powered distribution"] = np.array([guidance.powered(g) for g in gammas])
    shown = _lines(gammas, curves)
    g = guidance.GAMMA
    ours = {k: study.of("variance", kind=k).mean() for k in (guidance.DDPM, guidance.DDIM)}
    return charts.curve(
        shown,
        x_title="power γ",
        y_title="variance of the samples",
        points=False,
        title="With guidance DDPM and DDIM part, and neither has the powered variance: at γ = "
        f"{g:g} {ours[guidance.DDPM]:.2f} and {ours[guidance.DDIM]:.2f}, not "
        f"{guidance.powered(g):.2f}",
        subtitle="Lines are closed forms, the numbers in the title are of samples; at γ = 1, "
        "without guidance, all agree",
        description=f"Variance of guided samples by power. {_said(shown)}.",
    )


def corrector() -> Figure:
    """Draw how the predictor and corrector approaches guided DDPM."""
    curves = {
        f"γ = {g:g}": np.log10(guidance.differences(g, observe.STEPS)) for g in guidance.GAMMAS[1:]
    }
    shown = _lines(observe.STEPS, curves)
    return charts.curve(
        shown,
        x_title="steps",
        y_title="log10 of the relative difference",
        x_scale="log",
        x_format="d",
        title="A DDIM step and a Langevin step become guided DDPM: at most "
        f"{10 ** shown['y'].to_numpy()[-1]:.1%} apart after {observe.STEPS[-1]:,.0f} steps",
        subtitle="Relative difference of variances, followed exactly; the corrector's power is "
        "2 γ − 1",
        description=f"Decimal logarithm of the difference by steps. {_said(shown)}.",
    )


def compositions(study: Study) -> Figure:
    """Draw how many samples have all objects and nothing else, by setting."""
    rows = []
    for name in composition.SETTINGS:
        for group, what in (("reverse diffusion", "share"), ("Langevin at no noise", "langevin")):
            values = study.of(what, setting=name)
            (row,) = _means(study.over_seeds(values[:, None]), np.zeros(1), group).to_dict(
                "records"
            )
            ends = {"value": row["y"], "low": row["low"], "high": row["high"]}
            rows.append({"category": name, "group": group} | ends)
    table = pd.DataFrame(rows)
    known = table[table["group"] == "reverse diffusion"].set_index("category")["value"]
    works, fails = (known[list(k)] for k in (composition.WORKS, composition.FAILS))
    listed = "; ".join(f"{r.category}, {r.group}: {r.value:.0%}" for r in table.itertuples())
    return charts.bars(
        table,
        x_title="samples with all objects and nothing else",
        x_format="~%",
        zero=True,
        title=f"Conditions about features of their own add up in {works.min():.0%} of the samples "
        f"or more, all others in {fails.max():.0%} at most",
        subtitle="Six features; every condition shows one object only",
        description=f"Share of successful samples. {listed}.",
    )


def overlaps() -> pd.DataFrame:
    """Tabulate the heuristic by setting; a dash where there is no background."""
    rows = [
        {
            "setting": name,
            "overlap": composition.overlap(composition.setting(name)),
            "expected": "works" if name in composition.WORKS else "fails",
        }
        for name in composition.SETTINGS
    ]
    return pd.DataFrame(rows)


def samples(study: Study) -> Figure:
    """Draw where samples of each setting lie: features that should and should not be occupied."""
    table = study.run.table("pictures")["samples"]
    edges = np.arange(0, 8.5, 0.5)
    parts = []
    for name in table["setting"].values:
        own = composition.setting(str(name))
        x = np.clip(np.abs(table.sel(setting=name).values), 0, 7.9)
        for series, feature in (
            ("asked for", slice(0, own.objects)),
            ("not asked for", slice(own.objects, None)),
        ):
            values = x[:, feature].ravel()
            if len(values):
                share = np.histogram(values, edges)[0] / len(values)
                middle = (edges[1:] + edges[:-1]) / 2
                parts.append(
                    pd.DataFrame({"panel": name, "x": middle, "y": share, "series": series})
                )
    shown = pd.concat(parts).reset_index(drop=True)
    at_place = shown[(shown["series"] == "asked for") & ((shown["x"] - 3).abs() < 1)]
    right = at_place.groupby("panel", sort=False)["y"].sum()
    works, fails = (right[list(k)] for k in (composition.WORKS, composition.FAILS))
    listed = "; ".join(f"{k}: {v:.0%}" for k, v in right.items())
    return panels(
        shown,
        x_title="distance from 0",
        y_title="samples",
        height=160,
        title=f"Near 3 lie {works.min():.0%} of the objects asked for where conditions are apart, "
        f"{fails.max():.0%} at most elsewhere",
        subtitle="Distances of features from 0 in samples of reverse diffusion",
        description=f"Histograms of features by setting; near 3 of those asked for: {listed}.",
    )


def particles(study: Study) -> Figure:
    """Draw histograms of weighted particles and of scores alone beside the exact target."""
    middle = (weighted.BINS[1:] + weighted.BINS[:-1]) / 2
    width, parts = weighted.BINS[1] - weighted.BINS[0], []
    for target in runs.TARGETS:
        curves = {"exact": weighted.exact(target)} | {
            how: study.of("histogram", how=how, target=target).mean(0)
            for how in (runs.WEIGHTED, runs.ALONE)
        }
        for series, p in curves.items():
            parts.append(
                pd.DataFrame({"panel": target, "x": middle, "y": p / width, "series": series})
            )
    shown = pd.concat(parts).reset_index(drop=True)
    seen = observe.cooled(study)
    near = all(seen[f"{t} {runs.WEIGHTED} divergence"].value <= 0.02 for t in runs.TARGETS)
    told = [
        f"{t} {seen[f'{t} {runs.WEIGHTED} divergence'].value:.3f} instead of "
        f"{seen[f'control {t} {runs.ALONE} divergence'].value:.2f}"
        for t in runs.TARGETS
    ]
    return panels(
        shown,
        x_title="x",
        y_title="density",
        y_format=".1f",
        title=f"Weights bring particles {'to' if near else 'nearer to'} the target; divergence in "
        f"nats: {', '.join(told)}",
        subtitle="A mixture to the power of 3, and a product of two mixtures",
        description="Histograms of samples beside exact densities of two targets. Divergences: "
        f"{', '.join(told)}.",
    )


def effective(study: Study) -> Figure:
    """Draw the effective sample size on the way."""
    at = times(study.numbers.sizes["level"], weighted.MOST, weighted.LEAST)[1:]
    parts = [_means(study.over_seeds(study.of("effective", target=t)), at, t) for t in runs.TARGETS]
    shown = pd.concat(parts).reset_index(drop=True)
    lowest = float(shown["y"].min())
    return charts.curve(
        shown,
        x_title="variance of the noise",
        y_title="effective share of particles",
        x_scale="log",
        y_format="~%",
        points=False,
        level=(weighted.UNEVEN, "drawn again below this"),
        title=f"On the way at least {lowest:.0%} of the particles count",
        subtitle="Time goes from right to left; means over seeds with 95 % intervals",
        description=f"Effective sample size over particles by noise. {_said(shown)}.",
    )
