"""Chapter 7's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.example_difficulty import observe as page
from nbcore.chapters.example_difficulty import tables
from nbcore.chapters.example_difficulty.conditions import CHOICES
from nbcore.chapters.example_difficulty.runs import DifficultyStudy
from nbcore.charts.base import Figure
from nbcore.charts.finetuning import trade_off
from nbcore.charts.panels import panels
from nbcore.charts.tables import Table
from nbcore.lines import compare
from nbcore.lines.curves import Study
from nbcore.lines.figures import covered, curves, instead
from nbcore.measures.bootstrap import estimate

SUBTITLE = "Mean over seeds with 95 % intervals; the testbed (dots), its chance (shaded)"


def choices(study: DifficultyStudy, start: str) -> Figure | Table:
    """Draw the effective robustness of a network that learned hard, random and easy examples."""
    names = [f"{start}-{choice}" for choice in CHOICES]
    kept = covered(study, names)
    tops = {n: 100 * study.curves[n].er[0, study.curves[n].peak] for n in kept}
    order = sorted(tops, key=lambda n: tops[n], reverse=True)
    said = ", ".join(f"{n.partition('-')[2]} {tops[n]:+.1f}" for n in order)
    who = page.STARTS[start].capitalize()
    low = [page.choice(n) for n in names if n in study.curves and n not in kept]
    by = f"; hard and easy by {page.difficulty(study.config)}"
    below = f"; {', '.join(low)}: never within the line's accuracies" if low else ""
    title = f"{who}: peaks of {said} points"
    return curves(study, names, page.choice, title, SUBTITLE + by + below)


def final_against_peak(study: Study) -> Figure | Table:
    """Draw final ID accuracy against peak effective robustness, hard, random and easy."""
    table = tables.ends_and_peaks(study)
    if table.empty:
        return instead("Not drawn: no condition reached accuracies that the line covers.")
    best = table.loc[table.groupby("kind", sort=False)["x"].idxmax()]
    said = ", ".join(f"{r['series']} ({r['kind']})" for r in best.to_dict("records"))
    words = "; ".join(
        f"{r['kind']}, {r['series']}: {100 * r['x']:.1f} % and {100 * r['y']:+.1f}"
        for r in table.to_dict("records")
    )
    return trade_off(
        table,
        title=f"The most accurate in the end: {said}",
        subtitle="Where training ends, and how high above the line it once was; 95 % intervals",
        description=f"Final ID accuracy and peak effective robustness in points. {words}.",
    )


def gains(study: Study) -> Figure | Table:
    """Draw the peak of every choice of examples minus that of random ones, controls included."""
    table = tables.gains(study)
    if table.empty:
        return instead("Not drawn: no choice of examples was run beside a random one.")
    rows = table.to_dict("records")
    apart = [r for r in rows if r["low"] > 0 or r["high"] < 0]
    words = "; ".join(f"{r['category']} ({r['group']}) {r['value']:+.1f}" for r in rows)
    hard = [r for r in rows if r["category"] == "hard"]
    above = sum(r["low"] > 0 for r in hard)
    return charts.bars(
        table,
        x_title="difference of peaks (points)",
        x_format="+.1f",
        zero=True,
        reference=(0.0, ""),
        title=f"Hard examples peak above random ones, beyond chance, for {above} of {len(hard)} "
        "networks",
        subtitle=f"Peak effective robustness minus that after random examples, same images, 95 % "
        f"intervals; {len(apart)} of {len(table)} differences leave 0",
        description=f"Differences of peak effective robustness to random examples: {words}.",
    )


def schedules(study: Study, start: str) -> Figure | Table:
    """Draw effective robustness along training, on all examples and on ever fewer, harder ones."""
    names = page.schedule_names(study, start)
    if not names:
        return instead(f"Not drawn: no schedule ({page.STARTS[start]}); extended=true runs them.")
    ends = {n: study.curves[n] for n in covered(study, names)}
    last = [100 * c.er[0, c.end] for c in ends.values()]
    who = page.STARTS[start].capitalize()
    title = f"{who}: none of these reached the line"
    if last:
        title = f"{who}: with or without a schedule the ends are within {np.ptp(last):.1f} points"
    return curves(
        study, names, page.choice, title, f"{SUBTITLE}; lines join checkpoints as they came"
    )


def schedule_differences(study: Study) -> Figure | Table:
    """Draw every schedule's effective robustness minus that of all examples at equal accuracy."""
    parts, most = [], {}
    for start, who in page.STARTS.items():
        for name, found in page.schedule_differences(study.curves, start).items():
            if not len(found.at):
                continue
            label = page.choice(name)
            rows = page.banded(study.curves[name].steps[found.at], 100 * found.draws)
            parts.append(rows.assign(panel=who, series=label))
            at = int(np.argmax(np.abs(found.draws[0]) - found.band))
            most[f"{who}, {label}"] = (found.draws[0, at], found.band[at])
    if not parts:
        return instead("Not drawn: no schedule passes where training on all examples does.")
    beyond = sum(abs(d) > b for d, b in most.values())
    words = "; ".join(f"{k}: {100 * d:+.1f} against {100 * b:.1f}" for k, (d, b) in most.items())
    return panels(
        pd.concat(parts),
        x_title="step of the schedule",
        x_format=",d",
        y_format="+.1f",
        y_title="difference of ER (points)",
        title="Schedules that leave the curve of all examples by more than the testbed's interval: "
        f"{beyond} of {len(most)}",
        subtitle="Effective robustness minus that of training on all examples where it had the "
        "same ID accuracy, with 95 % intervals",
        description="Difference of effective robustness in points along the steps of a schedule; "
        f"the largest of each, against the half-width of the testbed's interval there: {words}.",
    )


def going_on(study: DifficultyStudy) -> Figure | Table:
    """Draw both accuracies and effective robustness while training goes on with a subset.

    Accuracies are drawn at every checkpoint; effective robustness only where the line reaches, and
    the subtitle says of which conditions that leaves points out.
    """
    parts, marks, without = [], {}, []
    for name in ("full-then-hard", "full-then-random"):
        at = page.switch(study, name)
        if at is None:
            continue
        c = study.curves[name]
        late = np.arange(len(c.steps)) >= max(at - 3, 0)
        out = int((late & ~c.covered).sum())
        if out:
            without.append(f"{page.words(name)}, {out} of {int(late.sum())}")
        for what, draws, keep in (
            ("ID accuracy", c.id, late),
            ("accuracy on shifted images", c.ood, late),
            ("effective robustness", c.er, late & c.covered),
        ):
            shown = np.flatnonzero(keep)
            rows = page.banded(c.steps[shown], draws[:, shown])
            parts.append(rows.assign(panel=what, series=page.words(name)))
            if shown.size:
                marks[what] = (float(c.steps[at]), "subset")
    if not parts:
        return instead("Not drawn: no condition went on with a subset.")
    found = page.changes(study, "full-then-hard")
    title = "Going on with hard examples was not run"
    if found:
        er = f", effective robustness by {100 * found['er'][0]:+.1f}" if "er" in found else ""
        title = (
            f"Going on with hard examples changes ID accuracy by {100 * found['id'][0]:+.1f}{er}"
        )
        title += " points"
    return panels(
        pd.concat(parts),
        x_title="step",
        x_format=",d",
        y_title="percent",
        marks=marks,
        title=title,
        subtitle="The pretrained network, trained on all examples and then on a subset only; mean "
        "over seeds with 95 % intervals"
        + (
            f"; beyond the line's accuracies, hence without robustness: {'; '.join(without)} points"
            if without
            else ""
        ),
        description="ID accuracy, accuracy on shifted images and effective robustness along the "
        f"steps of training. {title}.",
    )


def pretraining(study: DifficultyStudy) -> Figure | Table:
    """Draw the peak of small networks by the number of images that they were pretrained on."""
    found = page.pretraining_sizes(study.curves)
    if len(found) < 2:
        return instead("Not drawn: fewer than two sizes of pretraining reached the line.")
    rows = []
    for n, c in found.items():
        seen = compare.peak(c)
        rows.append(
            {
                "category": page.words(f"pretrain-{n}"),
                "value": 100 * seen.value,
                "low": 100 * seen.low,
                "high": 100 * seen.high,
            }
        )
    rho = estimate(page.size_correlation(study.curves), len(found), "1")
    words = "; ".join(f"{r['category']} {r['value']:+.1f}" for r in rows)
    return charts.bars(
        pd.DataFrame(rows),
        x_title="peak effective robustness (points)",
        x_format="+.1f",
        zero=True,
        reference=(0.0, "the line"),
        title=f"A stand-in: the rank correlation of pretraining size and peak is {rho.value:+.2f} "
        f"[{rho.low:+.2f}, {rho.high:+.2f}]",
        subtitle=f"Small residual networks pretrained on parts of {page.pretrained_on(study)}, for "
        "the same number of steps, then trained on the same random examples; 95 % intervals",
        description=f"Peak effective robustness by the number of pretraining images: {words}.",
    )
