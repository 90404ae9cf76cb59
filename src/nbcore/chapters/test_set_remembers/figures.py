"""Chapter 12's figures of copied labels and of students: titles say what this run's numbers say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore import data as nbdata
from nbcore.chapters.test_set_remembers import copied, methods, taught
from nbcore.chapters.test_set_remembers.config import PAIRS
from nbcore.chapters.test_set_remembers.observe import flips
from nbcore.chapters.test_set_remembers.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.panels import panels
from nbcore.measures.bootstrap import Floats, estimate

#: a rate counts as copied within this distance of what was planted, as in the ledger
NEAR = 0.08


def named(dataset: str) -> str:
    """Name a data set as the catalogue does."""
    return nbdata.catalog.entry(dataset).title


def row(study: Study, values: Floats, category: str, group: str) -> dict:
    """Make a row of a bar chart: mean over members (member,) with its interval."""
    e = estimate(study.over_seeds(values).round(9), len(values), "fraction")
    return dict(category=category, group=group, value=e.value, low=e.low, high=e.high)


def said(table: pd.DataFrame) -> str:
    """List a bar chart's values in percent, for its description."""
    rows = table[["category", "group", "value"]].itertuples(index=False, name=None)
    return "; ".join(f"{category}, {group}: {value:.1%}" for category, group, value in rows)


def _span(values: pd.Series) -> str:
    low, high = f"{values.min():.0%}", f"{values.max():.0%}"
    return low if low == high else f"{low} to {high}"


def rates(study: Study) -> Figure:
    """Draw how many test images of the class get its wrong label, by method."""
    rows = [
        row(study, study.rate(d, m), m, named(d))
        for m in copied.METHODS
        for d in study.config.datasets
        if study.asked(d, (m,))
    ]
    table = pd.DataFrame(rows)
    planted = float(np.mean([study.planted(d).mean() for d in study.config.datasets]))
    fits, smooth = (
        table[table["category"].isin(k)]["value"] for k in (methods.FITTING, methods.SMOOTH)
    )
    near = int(((fits - planted).abs() <= NEAR).sum())
    return charts.bars(
        table,
        x_title="test images of the class with the wrong label",
        x_format="~%",
        zero=True,
        reference=(planted, "planted"),
        title=f"Of {planted:.0%} relabelled, {_span(fits)} reappear where every label is fitted, "
        f"within {100 * NEAR:.0f} points in {near} of {len(fits)} cases, and {_span(smooth)} "
        "where not",
        subtitle=f"{len(study.planted(study.config.datasets[0]))} seeds, 95 % intervals",
        description=f"Share of the class's test images that get the wrong label. {said(table)}.",
    )


def told_apart(study: Study) -> pd.DataFrame:
    """Tabulate what each method fits, how well it knows the class, and what it copies."""
    rows = []
    for d in study.config.datasets:
        for m in study.asked(d, copied.METHODS):
            fit = study.answers(d)["fit"].sel(learner=m, kind=copied.PLANTED).values.mean()
            known = study.told_apart(d, m)
            clean = study.rate(d, m, copied.RIGHT)
            expected = study.planted(d) * known + clean
            rows.append(
                {
                    "data": named(d),
                    "method": m,
                    "labels fitted": fit,
                    "class known": known.mean(),
                    "wrong without reason": clean.mean(),
                    "expected": expected.mean(),
                    "wrong": study.rate(d, m).mean(),
                }
            )
    return pd.DataFrame(rows)


def elsewhere(study: Study, dataset: str) -> Figure:
    """Draw by how much more often each class gets the wrong label than after right labels."""
    source, target = PAIRS[dataset]
    names = class_names(dataset)
    order = [source, *study.others(dataset)]
    rows = [
        row(study, study.rise(dataset, m)[:, c], names[c], m)
        for c in order
        for m in study.asked(dataset, (methods.ONE, methods.MLP, methods.VGG))
    ]
    table = pd.DataFrame(rows)
    own = table[table["category"] == names[source]]["value"]
    rest = table[table["category"] != names[source]]["value"]
    return charts.bars(
        table,
        x_title=f"more of the label {names[target]} than after right labels",
        x_format="~%",
        zero=True,
        title=f"The label {names[target]} rises by {_span(own)} in {names[source]}, by at most "
        f"{rest.max():.1%} in any other class",
        subtitle=f"{named(dataset)}; class by class, without {names[target]} itself",
        description=f"Rise of the wrong label by class and method. {said(table)}.",
    )


def class_names(dataset: str) -> list[str]:
    """Name the classes as the catalogue does; digits are their own names."""
    found = nbdata.catalog.entry(dataset).classes
    return [str(c) for c in found] if found else [str(c) for c in range(10)]


def cells(study: Study) -> Figure:
    """Draw flips of test images over flips of training images, class by class."""
    parts, told = [], []
    for d in study.config.datasets:
        table = study.answers(d)
        planted = table["flips"].transpose("member", "class").values
        order = planted.argsort(1)
        x = np.take_along_axis(planted, order, 1).mean(0)
        parts.append(pd.DataFrame({"panel": named(d), "x": x, "y": x, "series": "as in training"}))
        for m in copied.FINER:
            seen = table["flipped"].sel(finer=m).transpose("member", "class").values
            draws = study.over_seeds(np.take_along_axis(seen, order, 1))
            low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
            own = {"x": x, "y": draws[0], "low": np.minimum(low, draws[0])}
            own |= {"high": np.maximum(high, draws[0]), "panel": named(d), "series": m}
            parts.append(pd.DataFrame(own))
    for m in copied.FINER:
        slopes = [flips(study, d, m).mean() for d in study.config.datasets]
        told.append(f"{m} {' and '.join(f'{s:.2f}' for s in slopes)}")
    shown = pd.concat(parts).reset_index(drop=True)
    return panels(
        shown,
        x_title="flipped in training",
        y_title="flipped on test images",
        x_format="~%",
        title=f"Slopes of test flips over training flips, class by class: {', '.join(told)}",
        subtitle="Labels are two groups of classes; every class has its own share of flips",
        description=f"Share of test images with the other group's label. {', '.join(told)}.",
    )


def students(study: Study) -> Figure:
    """Draw students' accuracy by how many pictures their teacher labelled."""
    x = study.runs["taught"].table("accuracy")["count"].values.astype(float)
    curves = {"of the teacher": methods.ONE, "of right labels": taught.RIGHT}
    parts, teacher = [], float(study.teacher(methods.ONE).mean())
    for name, kind in curves.items():
        draws = study.over_seeds(study.student(kind))
        low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
        own = {"x": x, "y": draws[0], "low": np.minimum(low, draws[0])}
        parts.append(
            pd.DataFrame(own | {"high": np.maximum(high, draws[0]), "series": f"student {name}"})
        )
    shown = pd.concat(parts).reset_index(drop=True)
    ends = shown["y"].to_numpy()[[len(x) - 1, 2 * len(x) - 1]]
    return charts.curve(
        shown,
        x_title="pictures that the teacher labels",
        y_title="accuracy on test images",
        x_scale="log",
        x_format=",d",
        y_format="~%",
        level=(teacher, "the teacher"),
        title=f"A teacher that is right in {teacher:.0%} makes a student that is right in "
        f"{ends[0]:.0%}; with right labels it would be {ends[1]:.0%}",
        subtitle=f"{len(study.teacher(methods.ONE))} seeds, 95 % intervals",
        description=f"Accuracy of students by number of pictures; teacher {teacher:.1%}, student "
        f"of most pictures {ends[0]:.1%}, of right labels {ends[1]:.1%}.",
    )


def pupils(study: Study) -> Figure:
    """Draw every student beside its teacher, at the most pictures."""
    rows = []
    for kind in taught.STUDENTS:
        if kind in (*taught.TEACHERS, taught.SHUFFLED):
            rows.append(row(study, study.teacher(kind), kind, "teacher"))
        rows.append(row(study, study.student(kind)[:, -1], kind, "student"))
    table = pd.DataFrame(rows)
    own = table[table["group"] == "student"].set_index("category")["value"]
    return charts.bars(
        table,
        x_title="accuracy on test images",
        x_format="~%",
        zero=True,
        title=f"The student of a 1-NN gets to {own[methods.ONE]:.0%}, of shuffled labels to "
        f"{own[taught.SHUFFLED]:.0%}, a student that copies to {own[taught.COPIER]:.0%}, one "
        f"without a teacher to {own[taught.ALONE]:.0%}",
        subtitle="Students of right labels, without a teacher, and that copy have no other teacher",
        description=f"Accuracy of teachers and students. {said(table)}.",
    )
