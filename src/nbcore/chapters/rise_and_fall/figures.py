"""Chapter 2's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.rise_and_fall import observe as page
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.lines.curves import Study
from nbcore.lines.figures import covered, uncovered
from nbcore.lines.figures import curves as er_curves
from nbcore.lines.frames import frame
from nbcore.lines.tables import families_of, words


def testbed(study: Study, shifted: str) -> Figure:
    """Draw the trained testbed on logit axes, by family, its line, and its curve where it bends."""
    models = study.models.assign(group=families_of(study.models["model"]))
    parts, fit, said = [models.sort_values("group")], study.line, ""
    if len(study.apart):
        parts.append(study.apart.assign(group="classical, not in the fit"))
    curve = None
    if study.bend is not None and study.bend.significant:
        grid = np.linspace(*fit.id_range, 60)
        curve = pd.DataFrame(
            dict(zip(("ood", "ood_low", "ood_high"), study.bend.band(grid), strict=True))
        ).assign(id=grid)
        said = " A dashed curve in its band shows the bend."
    return charts.accuracy_scatter(
        pd.concat(parts),
        fit,
        scale="logit",
        title=f"{fit.n} models trained here: slope {fit.slope:.2f}, R² {fit.r2:.3f}"
        + (", but it bends" if curve is not None else ""),
        subtitle=f"{study.id_total:,} ID and {study.ood_total:,} shifted images, 95 % intervals",
        description=f"Accuracy on {shifted} against ID accuracy of {fit.n} models trained from "
        f"scratch, on logit axes. The line has slope {fit.slope:.2f}, intercept "
        f"{fit.intercept:.2f} and R² {fit.r2:.3f}.{said}",
        y_title=f"{shifted} accuracy",
        curve=curve,
    )


def nothing(study: Study, conditions: list[str]) -> Table:
    """Return a sentence in the place of a figure that a rerun gives no data for."""
    return uncovered(study, conditions, words)


def curves(study: Study, conditions: list[str]) -> Figure | Table:
    """Draw effective robustness along ID accuracy, mean over seeds, for these conditions."""
    kept = covered(study, conditions)
    if not kept:
        return nothing(study, conditions)
    best = max((study.curves[c] for c in kept), key=lambda c: c.er[0, c.peak])
    top = 100 * best.er[0, best.peak]
    return er_curves(
        study,
        kept,
        words,
        f"{words(best.name).capitalize()} peaks highest, at {top:+.1f} points",
        "Mean over seeds with 95 % intervals; the testbed (dots), its chance (shaded)",
    )


def course(study: Study, conditions: list[str]) -> Figure | Table:
    """Draw ID and OOD accuracy over training steps."""
    if not set(conditions) & set(study.curves):
        return nothing(study, conditions)
    table = frame(study)
    table = table[table["condition"].isin(conditions) & (table["step"] > 0)]
    parts = [
        pd.DataFrame(
            {
                "x": table["step"],
                "y": table[axis],
                "series": [f"{words(c)}, {name}" for c in table["condition"]],
            }
        )
        for axis, name in (("id", "ID"), ("ood", "shifted"))
    ]
    last = {c: study.curves[c] for c in conditions if c in study.curves}
    order = sorted(last, key=lambda k: last[k].ood[0, -1])
    first, rest = words(order[-1]), words(order[0])
    gain = last[order[-1]].ood[0, -1] - last[order[0]].ood[0, -1]
    said = "; ".join(
        f"{words(k)} ends at {100 * c.id[0, -1]:.0f} % ID and {100 * c.ood[0, -1]:.0f} % "
        "shifted accuracy"
        for k, c in last.items()
    )
    return charts.curve(
        pd.concat(parts).sort_values(["series", "x"]),
        title=f"The {first} ends {100 * gain:.1f} points above the {rest} on shifted images",
        subtitle=said,
        description=f"ID and shifted accuracy over training steps, mean over seeds. {said}.",
        x_title="step",
        y_title="accuracy",
        x_scale="log",
        y_format="~%",
    )


def peaks(study: Study) -> Figure | Table:
    """Draw the peak of each condition minus that of the whole network, paired over images."""
    if not covered(study, ["full"]) or len(covered(study, list(study.curves))) < 2:
        return nothing(study, ["full"])
    table = page.differences(study)
    apart = int(((table["low"] > 0) | (table["high"] < 0)).sum())
    return charts.bars(
        table,
        title=f"{apart} of {len(table)} conditions peak apart from the whole network",
        subtitle="Peak effective robustness minus the whole network's, same images",
        description="Difference of peak effective robustness in points to fine-tuning the whole "
        "network, with 95 % bootstrap intervals over images and seeds: "
        + "; ".join(f"{r.category} {r.value:+.1f}" for r in table.itertuples())
        + ".",
        x_title="difference of peaks (points)",
        x_format="+.1f",
        zero=True,
        reference=(0.0, "whole network"),
    )


def gap_share(study: Study, conditions: list[str]) -> Figure | Table:
    """Draw effective robustness as a share of the gap to y = x, over steps."""
    if not covered(study, conditions):
        return nothing(study, conditions)
    table = frame(study)
    table = table[table["covered"] & table["condition"].isin(conditions)]
    seen = pd.DataFrame(
        {"x": table["step"], "y": table["gap_share"], "series": table["condition"].map(words)}
    )
    ends = seen.groupby("series")["y"].agg(["first", "last"])
    top = str(ends["first"].idxmax())
    share = {k: 100 * float(ends[k].to_dict()[top]) for k in ("first", "last")}
    said = "; ".join(f"{i}: {r['first']:+.2f} to {r['last']:+.2f}" for i, r in ends.iterrows())
    return charts.curve(
        seen,
        subtitle=said,
        title=f"The {top} closes {share['first']:.0f} % of the gap at first, "
        f"{share['last']:.0f} % in the end",
        description=f"Effective robustness divided by the gap between y = x and the line. {said}.",
        x_title="step",
        y_title="share of the gap",
        x_scale="log",
        level=(0.0, "the line"),
    )
