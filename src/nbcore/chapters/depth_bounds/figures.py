"""Chapter 4's figures: every title states what the numbers of this run say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.depth_bounds import tables
from nbcore.chapters.depth_bounds.scores import Floats, Scores
from nbcore.chapters.depth_bounds.study import Bounds, Study
from nbcore.charts.base import Figure
from nbcore.charts.density import density
from nbcore.charts.tables import Table, sentence
from nbcore.depths.roster import nice_name
from nbcore.measures.bootstrap import interval
from nbcore.measures.bounds import Bound, BoundResult
from nbcore.text import typeset

DEPTH = "mean depth (input 0, softmax 1)"
#: cells along the depth axis
CELLS = np.linspace(0, 1, 31)


def nothing(words: str) -> Table:
    """Return a sentence to stand in the place of a figure that a rerun gives no data for."""
    return sentence(f"Not drawn: {words}")


def percent(share: Any) -> str:
    return f"{100 * share:.1f} %"


def size(found: Bounds) -> str:
    """Say for subtitles how many networks, examples and predictions there are."""
    held = found.sample.predictions
    return (
        f"{found.sample.networks} networks, {len(held):,} examples, each held out from "
        f"{held.min()}" + (f" to {held.max()}" if np.ptp(held) else "")
    )


def _steps(found: Bounds) -> Floats:
    """Compute cell edges around the values that a share of so many predictions can take."""
    most = int(found.sample.predictions.max())
    n = most if most <= 30 else 30
    return (np.arange(n + 2) - 0.5) / n


def histograms(found: Bounds) -> Figure | Table:
    """Draw consistency score against mean depth: all, and by whether the consensus is the label."""
    s, name = found.whole, nice_name(found.sample.key)
    known = (s.consensus >= 0) & np.isfinite(s.depth)
    if not known.any():
        return nothing("no example has both a depth and a consistency score.")
    right = "consensus = label", known & found.right
    wrong = "consensus ≠ label", known & ~found.right
    groups = [("all", known), *((words, part) for words, part in (right, wrong) if part.any())]
    lines: dict[str, tuple] = {}
    if found.lower is not None:
        low = found.lower.bound
        lines["lower bound"] = (low.slope, low.intercept, right[0])
        lines["its reflection in ½"] = (-low.slope, 1 - low.intercept, wrong[0])
    if found.upper is not None:
        lines["upper bound"] = (found.upper.slope, found.upper.intercept, wrong[0])
    return density(
        np.concatenate([s.depth[part] for _, part in groups]),
        np.concatenate([s.consistency[part] for _, part in groups]),
        panels=[words for words, part in groups for _ in range(part.sum())],
        lines=lines,
        bins=(CELLS, _steps(found)),
        x_title="mean depth",
        y_title="consistency score",
        title=f"{name}: {_verdict(found.lower, 'below')}",
        subtitle=f"{size(found)}; lines fitted on one half of the networks",
        description=f"{name}: histograms of consistency score against mean prediction depth. "
        f"The consensus is the label for {percent(right[1].sum() / known.sum())} of the examples. "
        + (_words(found.lower.bound) if found.lower else ""),
    )


def _verdict(result: BoundResult | None, side: str) -> str:
    if result is None:
        return "too few examples for a bound"
    return (
        f"{percent(result.share_beyond)} of the scoring half lie {side} the line, "
        f"{percent(result.control_share)} with shuffled depths"
    )


def _words(line: Bound) -> str:
    return f"The {line.side} bound starts at {line.intercept:.2f} with slope {line.slope:+.2f}."


def agreement(result: Study) -> Figure | Table:
    """Draw consensus-consistency against mean depth, one panel per ensemble (figure 4 left)."""
    return _panels(
        result, lambda s: s.agreement, lambda f: f.agreement, "consensus-consistency", "below"
    )


def entropy(result: Study) -> Figure | Table:
    """Draw the entropy of predictions against mean depth, one panel per ensemble (figure C.22)."""
    return _panels(result, lambda s: s.entropy, lambda f: f.entropy, "entropy (nats)", "above")


def _panels(
    result: Study,
    score: Callable[[Scores], Floats],
    bound: Callable[[Bounds], BoundResult | None],
    words: str,
    side: str,
) -> Figure | Table:
    kept = {nice_name(k): f for k, f in result.found.items() if bound(f) is not None}
    if not kept:
        return nothing(f"no ensemble has enough examples for a bound on {words}.")
    fits = {name: r for name, f in kept.items() if (r := bound(f)) is not None}
    lines = {
        typeset(f"{name}: slope {r.bound.slope:+.2f}"): (r.bound.slope, r.bound.intercept, name)
        for name, r in fits.items()
    }
    most = max(fits, key=lambda name: fits[name].share_beyond)
    height = np.concatenate([score(f.whole) for f in kept.values()])
    steps = _steps(next(iter(kept.values()))) if words != "entropy (nats)" else 24
    return density(
        np.concatenate([f.whole.depth for f in kept.values()]),
        height,
        panels=[name for name, f in kept.items() for _ in f.whole.depth],
        lines=lines,
        bins=(CELLS, steps),
        x_title=DEPTH if len(kept) < 3 else "mean depth",
        y_title=words,
        title=f"At most {percent(fits[most].share_beyond)} lie {side} a line, "
        f"at least {percent(min(r.control_share for r in fits.values()))} with shuffled depths",
        subtitle="; ".join(f"{name}: {size(f)}" for name, f in kept.items()),
        description=f"Histograms of {words} against mean prediction depth, with bounds fitted on "
        "one half of the networks and scored on the other. "
        + " ".join(f"{name}: {_words(r.bound)}" for name, r in fits.items()),
    )


#: course -> words for its figure: what it is of, and the axis
COURSES = {
    "accuracy": ("the network is right", "accuracy"),
    "agreement": ("the other networks agree", "consensus-consistency of the others"),
    "entropy": ("the other networks' answers scatter", "entropy of the others (nats)"),
}


def along(result: Study, what: str) -> Figure | Table:
    """Draw a mean at each depth of single networks' predictions, with intervals, per ensemble."""
    words, title = COURSES[what]
    parts, said = [], []
    for key, every in result.along.items():
        seen = every[what]
        if seen is None or len(seen.depth) < 2:
            continue
        low, high = np.nanquantile(seen.draws[1:], [0.025, 0.975], axis=0)
        mean = seen.draws[0]
        name = f"{nice_name(key)} ({seen.n} networks)"
        parts.append(
            pd.DataFrame(
                {
                    "x": seen.depth,
                    "y": mean,
                    "low": np.minimum(low, mean),
                    "high": np.maximum(high, mean),
                    "series": name,
                }
            )
        )
        said.append((name, mean[0], mean[-1], seen.spearman()[0]))
    if not parts:
        return nothing(f"too few networks to say how often {words}; give full_members=4 or more.")
    show = (lambda v: f"{v:.2f}") if what == "entropy" else (lambda v: f"{100 * v:.0f} %")
    first = said[0]
    return charts.curve(
        pd.concat(parts),
        title=f"From first to last depth, {title} goes from {show(first[1])} to {show(first[2])}",
        subtitle=f"{first[0].partition(' (')[0]}; rank correlation with depth "
        + ", ".join(f"{rank:+.2f} ({name.partition(' (')[0]})" for name, *_, rank in said),
        description=f"{title.capitalize()} at each depth at which one network decides, with 95 % "
        "bootstrap intervals over images. "
        + "; ".join(
            f"{n}: {show(a)} to {show(b)}, rank correlation {r:+.2f}" for n, a, b, r in said
        )
        + ".",
        x_title="depth in one network (input 0, softmax 1)",
        y_title=title,
        y_format="" if what == "entropy" else "~%",
    )


def slopes(result: Study) -> Figure | Table:
    """Draw the slope of the bound on consensus-consistency by task, on equally many predictions."""
    rows = []
    for row in result.slopes.to_dict("records"):
        draws = row["slope"][1:][np.isfinite(row["slope"][1:])]
        value = float(row["slope"][0])
        if np.isfinite(value) and len(draws):
            low, high = interval(draws)
            rows.append(
                {
                    "category": f"{nice_name(row['key'])}: mean depth {row['depth'][0]:.2f}",
                    "value": value,
                    "low": min(low, value),
                    "high": max(high, value),
                    "name": nice_name(row["key"]),
                    "predictions": int(row["predictions"]),
                }
            )
    if not rows:
        return nothing("no ensemble has enough examples for a bound.")
    table = pd.DataFrame(rows).sort_values("value")
    steep = table.iloc[0]
    return charts.bars(
        table.drop(columns=["name", "predictions"]),
        title=f"The bound falls most steeply for {steep['name']}: {steep['value']:+.2f}",
        subtitle="Lower bound on consensus-consistency; an image has "
        f"{' or '.join(map(str, sorted(set(table['predictions']))))} held-out predictions, within "
        "an architecture equally many in all data sets",
        description="Slope of the lower bound on consensus-consistency with 95 % bootstrap "
        "intervals: " + "; ".join(f"{r.category} {r.value:+.2f}" for r in table.itertuples()) + ".",
        x_title="slope (score over the whole depth)",
        x_format="+.2f",
        zero=True,
    )


def controls(result: Study) -> Figure | Table:
    """Draw the share beyond each bound on the scoring half, with own and with shuffled depths."""
    rows = []
    for key, found in result.found.items():
        for words, bound in tables.named(found).items():
            if bound is not None:
                for group, value, (low, high) in (
                    ("own depths", bound.share_beyond, bound.share_interval),
                    ("shuffled depths", bound.control_share, bound.control_interval),
                ):
                    rows.append(
                        {
                            "category": f"{nice_name(key)}: {words}",
                            "group": group,
                            "value": value,
                            "low": min(low, value),
                            "high": max(high, value),
                        }
                    )
    if not rows:
        return nothing("no ensemble has enough examples for a bound.")
    table = pd.DataFrame(rows)
    own, shuffled = (table[table["group"] == g] for g in ("own depths", "shuffled depths"))
    kept, fail = int((own["value"] <= 0.05).sum()), int((shuffled["low"] > 0.05).sum())
    return charts.bars(
        table,
        title=f"{kept} of {len(own)} bounds hold on the other half; {fail} of {len(own)} controls "
        "fail as they must",
        subtitle="Share of examples beyond the bound; a bound holds up to 5 %, a control must lie "
        "above it with its whole interval",
        description="Share of examples beyond each bound in the half of the networks that it was "
        "not fitted on, with 95 % intervals: "
        + "; ".join(f"{r.category}, {r.group}: {percent(r.value)}" for r in table.itertuples())
        + ".",
        x_title="share of examples beyond the bound",
        x_format="~%",
        zero=True,
        reference=(0.05, "5 %"),
    )


def attempts(result: Study) -> Figure | Table:
    """Draw the share below the bound on consensus-consistency under other choices."""
    parts = [
        tables.attempts(found).assign(group=nice_name(key)) for key, found in result.found.items()
    ]
    table = pd.concat(parts).rename(columns={"variant": "category"})
    if table.empty:
        return nothing("no ensemble has enough examples for a bound.")
    real = table[table["category"] != tables.SHUFFLED]
    worst = real.sort_values("value").iloc[-1]
    held = int((real["value"] <= 0.05).sum())
    return charts.bars(
        table.reset_index(drop=True),
        title=f"The bound holds in {held} of {len(real)} attempts to break it",
        subtitle=f"Weakest: {worst['category']}, {worst['group']}, {percent(worst['value'])}",
        description="Share of examples below the lower bound on consensus-consistency where it "
        "was not fitted: "
        + "; ".join(f"{r.category}, {r.group}: {percent(r.value)}" for r in table.itertuples())
        + ".",
        x_title="share of examples below the bound",
        x_format="~%",
        zero=True,
        reference=(0.05, "5 %"),
    )
