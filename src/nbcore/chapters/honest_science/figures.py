"""Chapter 19's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.honest_science import holdout, links, observe, simple
from nbcore.chapters.honest_science.study import Study
from nbcore.charts.base import Figure
from nbcore.measures.bootstrap import Floats
from nbcore.measures.robustness import clopper_pearson


def _shares(counts: Floats, n: int, x: Floats, series: str) -> pd.DataFrame:
    low, high = clopper_pearson(counts, n)
    return pd.DataFrame({"x": x, "y": counts / n, "low": low, "high": high, "series": series})


def _means(draws: Floats, x: Floats, series: str) -> pd.DataFrame:
    low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
    ends = dict(low=np.minimum(low, draws[0]), high=np.maximum(high, draws[0]))
    return pd.DataFrame({"x": x, "y": draws[0], "series": series} | ends)


def _said(table: pd.DataFrame) -> str:
    """List the ends of each series, for a description."""
    parts = []
    for name, own in table.groupby("series", sort=False):
        first, last = own.iloc[0], own.iloc[-1]
        parts.append(
            f"{name}: {first['y']:.3g} at {first['x']:g}, {last['y']:.3g} at {last['x']:g}"
        )
    return "; ".join(parts)


def discoveries(study: Study) -> Figure:
    """Draw false discoveries by number of queries, for three kinds of answers."""
    x = study.runs["holdout"].table("found")["query"].values
    parts, last = [], {}
    for who in (holdout.SCORES, holdout.BITS, holdout.YES_NO):
        counts, n = study.studies(who)
        parts.append(_shares(counts, n, x, who))
        last[who] = counts[-1] / n
    shown = pd.concat(parts).reset_index(drop=True)
    return charts.curve(
        shown,
        x_title="queries",
        y_title="studies with a false discovery",
        x_scale="log",
        y_format="~%",
        level=(holdout.LEVEL, "promised at most"),
        title=f"After {x[-1]:,} queries {last[holdout.SCORES]:.0%} of the studies that learn "
        f"scores have discovered what is not there, {last[holdout.YES_NO]:.1%} of those told yes "
        "or no",
        subtitle=f"{n:,} studies of coins; 95 % intervals",
        description=f"Share of studies with a false discovery by queries. {_said(shown)}.",
    )


def power(study: Study) -> Figure:
    """Draw how often the one true feature is found, and a false one instead."""
    x = study.runs["holdout"].table("found")["query"].values
    (right, n), (wrong, _) = (study.studies(holdout.YES_NO, k) for k in ("right", "wrong"))
    shown = pd.concat([_shares(right, n, x, "the true one"), _shares(wrong, n, x, "a false one")])
    return charts.curve(
        shown.reset_index(drop=True),
        x_title="queries that are allowed",
        y_title="studies that discover",
        x_scale="log",
        y_format="~%",
        title=f"Told yes or no, {right[-1] / n:.0%} of the studies find the true feature when "
        f"{x[-1]:,} queries are allowed",
        subtitle=f"One of the features is right with chance {holdout.TRUE:g}; {n:,} studies",
        description=f"Share of studies that discover by queries. {_said(shown)}.",
    )


def deceived(study: Study) -> Figure:
    """Draw how many queries it takes until half of the studies are deceived, by samples."""
    table = study.runs["holdout"].table("deceived")
    rows = []
    for key, axis, name in (("deceived", "samples", "scores"), ("yes", "exact", "yes or no")):
        values = np.log10(table[key].transpose("member", ...).values.astype(float))
        rows.append(_means(study.over_seeds(values), table[axis].values, name))
    n = np.array(holdout.SIZES)
    bound = np.log10([holdout.allowed(k, holdout.DECEIVED - 0.5) for k in n])
    sure = pd.DataFrame({"x": n, "y": bound, "low": bound, "high": bound})
    shown = pd.concat([*rows, sure.assign(series="allowed by Hoeffding")]).reset_index(drop=True)
    seen = observe.discoveries(study)
    slope = seen["scores slope of log queries until deceived over log n"]
    last = holdout.EXACT[-1]
    ratio = seen[f"queries until deceived at n = {last} yes or no over scores"]
    return charts.curve(
        shown[shown["y"] > -2],
        x_title="samples n of the holdout set",
        y_title="log10 of queries until deceived",
        x_scale="log",
        x_format="d",
        title=f"With scores the queries until deceived grow as n to the {slope.value:.2f}; at n = "
        f"{last} yes and no allow {ratio.value:,.0f} times as many",
        subtitle=f"Deceived: a useless vote reaches {holdout.DECEIVED:g}; medians of studies, 95 % "
        "intervals over seeds",
        description=f"Decimal logarithm of queries until deceived, by samples. {_said(shown)}.",
    )


def recovery(study: Study) -> Figure:
    """Draw how often both algorithms recover all nodes, by questions asked."""
    table, parts = study.runs["links"].table("budgets"), []
    for who in links.BUDGETS:
        own = table.sel(who=who).transpose("budget", "graph")
        exact, n = (own["wrong_along"].values == 0).sum(1), own.sizes["graph"]
        parts.append(_shares(exact, n, own["questions_along"].values.mean(1), who))
    shown = pd.concat(parts).reset_index(drop=True)
    c = study.runs["links"].manifest["config"]
    nodes, delta = c["nodes"][-1], c["biases"][len(c["biases"]) // 2]
    full = shown[shown["y"] > 0.95].groupby("series", sort=False)["x"].min()
    said = " and ".join(f"from {q:,.0f} {who}" for who, q in full.items()) or "nowhere"
    return charts.curve(
        shown,
        x_title="questions",
        y_title="graphs recovered exactly",
        x_scale="log",
        x_format="~s",
        y_format="~%",
        title=f"All of {nodes:,} nodes are right, in 95 % of the graphs or more, {said}",
        subtitle=f"δ = {delta:g}; of {nodes * (nodes - 1) // 2:,} pairs; {n} graphs, 95 % "
        "intervals",
        description=f"Share of graphs recovered exactly by questions. {_said(shown)}.",
    )


def trade_off(study: Study) -> Figure:
    """Draw adversarial accuracy over accuracy for means of ever more features."""
    table = study.runs["simple"].table("classifiers")["linear"].sel(set="test")
    names = [n for n in table["classifier"].values if str(n).startswith("mean of")]
    plain = table.sel(classifier=names).sel(moves=0.0).transpose("member", ...).values.mean(0)
    parts = []
    for moves in (0.05, 0.1, 0.2, 0.5):
        own = table.sel(classifier=names).sel(moves=moves).transpose("member", ...)
        parts.append(_means(study.over_seeds(own.values), plain, f"moved by {moves:g}"))
    shown = pd.concat(parts).reset_index(drop=True)
    strong = shown[shown["series"] == "moved by 0.5"]["y"].to_numpy()
    falls = "the less robust" if (np.diff(strong) <= 0).all() else "not always the less robust"
    return charts.curve(
        shown,
        x_title="accuracy",
        y_title="accuracy against an opponent",
        x_format="~%",
        y_format="~%",
        title=f"Moved by .5, the more accurate means of features are {falls}: from "
        f"{strong[0]:.0%} down to {strong[-1]:.0%}",
        subtitle=f"Means of 1 feature up to all, {len(names)} sizes from left to right; against "
        "small moves more features are better in both",
        description="Accuracy against opponents over accuracy, for means of few to all features. "
        f"{_said(shown)}.",
    )


def rounding(study: Study) -> Figure:
    """Draw adversarial accuracy by how far the opponent moves, from linear to rounding."""
    table = study.runs["simple"].table("classifiers")
    x = np.array(simple.MOVES)
    plain = f"learned against {simple.TRAINED[0]:g}"
    lines = {"linear, learned": table["linear"].sel(classifier=plain, set="test")}
    words = {1.25: "bent at .8", 2.0: "bent at .5", simple.STEEPNESS[-1]: "rounding"}
    lines |= {name: table["clipped"].sel(steepness=t) for t, name in words.items()}
    parts = [
        _means(study.over_seeds(v.sel(moves=x).transpose("member", ...).values), x, name)
        for name, v in lines.items()
    ]
    shown = pd.concat(parts).reset_index(drop=True)
    seen = observe.robust(study)
    error = seen["rounding adversarial error"].value
    return charts.curve(
        shown,
        x_title="how far the opponent moves each feature",
        y_title="accuracy",
        y_format="~%",
        title="The more a classifier bends, the more it resists: moved by half, rounding errs on "
        f"{error:.1%}, the linear one on {seen['linear adversarial error'].value:.0%}",
        subtitle="Sums of bent features; beyond a move of 1 nothing can resist",
        description=f"Accuracy by how far an opponent moves each feature. {_said(shown)}.",
    )
