"""Chapter 6's figures: every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore.chapters.zero_shot_class_maps import observe as page
from nbcore.chapters.zero_shot_class_maps.config import HOW
from nbcore.chapters.zero_shot_class_maps.dominance import Dominance, unsolved
from nbcore.chapters.zero_shot_class_maps.study import ZeroShotStudy
from nbcore.charts.base import Figure
from nbcore.charts.class_maps import CROWD, among, confusion, map_picture
from nbcore.charts.tables import Table
from nbcore.lines.figures import curves, instead


def class_map(study: ZeroShotStudy) -> Figure:
    """Draw which source classes feed which class, and how often each is the strongest."""
    plain = study.plain
    index = plain["source_index"].values
    used = np.bincount(plain["source_id"].values.astype(int), minlength=index.max() + 1)[index]
    table = pd.DataFrame(
        {
            "target": plain["source_target"].values,
            "source": plain["source_word"].values,
            "images": used,
        }
    )
    sizes = table.groupby("target", sort=False).size()
    most, least = str(sizes.idxmax()), sizes[sizes == sizes.min()]
    idle = int((used == 0).sum())
    few = f"{', '.join(map(str, least.index[:4]))} {'one' if sizes.min() == 1 else sizes.min()}"
    each = " each" if len(least) > 1 else ""
    if sizes.max() == sizes.min():
        title = f"Every class is fed by {sizes.max()} source classes"
    else:
        title = f"{sizes.max()} source classes feed {most}; {few}{each}"
    words = ", ".join(f"{target} {n}" for target, n in sizes.items())
    return map_picture(
        table,
        title=title,
        subtitle=f"{len(index)} source classes; {idle} of them are never the strongest. Colour: "
        f"for how many of {study.id_total:,} ID images a class is the strongest mapped one",
        description=f"A row of cells for each class, one cell per source class that counts as it: "
        f"{words}. {idle} source classes are never the strongest for any ID image.",
        legend="images on which it is the strongest",
        x_title="source classes, by use",
    )


def confusions(study: ZeroShotStudy, how: str = "max") -> Figure:
    """Draw the confusion by class of one way of combining."""
    matrix, classes = page.confusion_matrix(study, how), list(study.plain.attrs["classes"])
    off = np.where(np.eye(len(classes), dtype=bool), -1.0, np.nan_to_num(matrix))
    i, j = np.unravel_index(off.argmax(), off.shape)
    right = np.diag(matrix)
    low, high = int(np.nanargmin(right)), int(np.nanargmax(right))
    return confusion(
        matrix,
        classes,
        title=f"{classes[low].capitalize()} is recognised in {100 * right[low]:.0f} %, "
        f"{classes[high]} in {100 * right[high]:.0f} % of its images",
        subtitle=f"Combined by {how}, ID images, percent of each row. Most frequent mistake: "
        f"{classes[i]} as {classes[j]}, {100 * off[i, j]:.0f} %",
        description=f"Confusion matrix of the zero-shot classifier combined by {how}. Recognised: "
        + ", ".join(f"{c} {100 * r:.0f} %" for c, r in zip(classes, right, strict=True))
        + f". The most frequent mistake is {classes[i]} taken for {classes[j]}.",
    )


def combinations(study: ZeroShotStudy) -> Figure | Table:
    """Draw the three combinations of softmax scores next to the fine-tuning curves."""
    ers = {h: study.curves[h].er[0, 0] for h in HOW if study.curves[h].covered[0]}
    fresh = study.curves.get("fresh-head")
    title = "No combination reaches accuracies that the line covers"
    if ers:
        low, high = (100 * f(ers.values()) for f in (min, max))
        title = f"Without training: {low:+.1f} to {high:+.1f} points above the line"
        if fresh is not None and fresh.covered.any():
            title += f"; fine-tuning peaks at {100 * fresh.er[0, fresh.peak]:+.1f}"
    return curves(
        study,
        [*HOW, "fresh-head", "full"],
        page.words,
        title,
        "95 % intervals; the testbed (dots), its chance (shaded)",
    )


def heads(study: ZeroShotStudy, names: list[str]) -> Figure | Table:
    """Draw trained heads along ID accuracy."""
    ends = {n: study.curves[n] for n in names if n in study.curves and study.curves[n].covered[-1]}
    said = ", ".join(f"{page.words(n)} {100 * c.er[0, -1]:+.1f}" for n, c in ends.items())
    title = "No head ends at an accuracy that the line covers"
    if ends:
        spread = 100 * np.ptp([c.er[0, -1] for c in ends.values()])
        title = f"At the end the heads lie within {spread:.1f} points of one another"
    return curves(
        study, names, page.words, title, f"Effective robustness at the end: {said or 'none'}"
    )


def dominance(study: ZeroShotStudy, found: Dominance) -> Figure:
    """Draw every pair's dominance against its difference in accuracy (ER figure 5a)."""
    bed = found.pairs.assign(
        series=CROWD, label=found.pairs["lower"] + ", " + found.pairs["higher"]
    )
    own = [f.assign(series=s, label=f["lower"]) for s, f in found.models.items()]
    table = pd.concat([bed, *own]).rename(columns={"difference": "x", "dominance": "y"})
    tops = {state: float(found.top(state)[0]) for state in found.models}
    top, most = max(tops, key=lambda k: tops[k]), found.largest[0]
    than = "above" if tops[top] > most else "not above"
    said = "; ".join(f"{state} at most {100 * t:.1f} %" for state, t in tops.items())
    return among(
        table,
        title=f"Largest dominance: {top} {100 * tops[top]:.1f} %, {than} the testbed's "
        f"{100 * most:.1f} %",
        subtitle=f"{len(found.pairs)} pairs of testbed models (grey), and this chapter's models "
        "with each testbed model",
        description="Dominance probability against the difference in ID accuracy. Testbed pairs at "
        f"most {100 * most:.1f} %; {said}.",
        x_title="difference in ID accuracy",
        y_title="dominance probability",
    )


def unsolved_shares(study: ZeroShotStudy) -> Figure | Table:
    """Draw what each model solves of the images that no testbed model solves (ER figure 5c).

    A testbed model is scored on the images that no other testbed model solves.
    """
    table = unsolved(study)
    own = table[table["group"] == "this chapter"]
    if own.empty:
        return instead("Not drawn: every ID image is solved by some model of the testbed.")
    chance = 1 / len(study.plain.attrs["classes"])
    count, share = int(own["of"].iloc[0]), float(own["of"].iloc[0]) / study.id_total
    best = own.nlargest(1, "share").to_dict("records")[0]
    rows = table.assign(
        x=table["id"],
        y=table["share"],
        label=table["model"],
        series=table["model"].where(table["group"] == "this chapter", CROWD),
    )
    said = "; ".join(
        f"{r['model']} {100 * r['share']:.0f} % [{100 * r['low']:.0f}, {100 * r['high']:.0f}]"
        for r in own.to_dict("records")
    )
    return among(
        rows,
        level=(chance, "random guess"),
        title=f"{best['model'].capitalize()} solves {100 * best['share']:.0f} % of the {count} ID "
        "images that no testbed model solves",
        subtitle=f"{100 * share:.1f} % of {study.id_total:,} images, 95 % intervals; a testbed "
        "model (grey) is scored on what no other one solves",
        description=f"Share of the unsolved ID images that each model solves: {said}. A random "
        f"guess solves {100 * chance:.0f} %.",
        x_title="ID accuracy",
        y_title="share of the unsolved",
    )


def live(study: ZeroShotStudy) -> Figure | Table:
    """Draw the live cell's figure: readings and heads of the digits' network."""
    known = [n for n in (*HOW, "fresh-head", "mapped-head") if n in study.curves]
    best = max(study.rules.values(), key=lambda c: c.id[0, 0])
    return curves(
        study,
        known,
        page.words,
        f"Read as five classes, the network of ten digits is right in {100 * best.id[0, 0]:.0f} %",
        f"{study.id_total} ID digits and as many moved ones; 95 % intervals",
    )
