"""Chapter 6's observations: what is recorded in the ledger, and the tables of the page."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from nbcore import claims
from nbcore.chapters.zero_shot_class_maps import network_checks
from nbcore.chapters.zero_shot_class_maps.config import CLIP, HOW, ZeroShot
from nbcore.chapters.zero_shot_class_maps.dominance import CONVERGED, Dominance
from nbcore.chapters.zero_shot_class_maps.network_study import NetworkStudy
from nbcore.chapters.zero_shot_class_maps.study import ZeroShotStudy
from nbcore.claims import STAND_IN, Observation
from nbcore.lines import compare
from nbcore.lines.curves import Curve
from nbcore.lines.tables import network
from nbcore.measures.bootstrap import interval, peak_estimate
from nbcore.measures.estimate import Estimate

Observed = dict[str, Estimate]

WORDS = {
    "max": "zero-shot, maximum",
    "mean": "zero-shot, mean",
    "sum": "zero-shot, sum",
    "logit-max": "zero-shot, maximum of logits",
    "logit-mean": "zero-shot, mean of logits",
    "logit-sum": "zero-shot, sum of logits",
    "probe": "linear probe (L-BFGS)",
    "fresh-head": "fresh head",
    "mapped-head": "mapped head",
    "mapped-head-all": "mapped head, against all classes",
    "full": "whole network (chapter 2)",
}


def words(name: str) -> str:
    """Name a condition as the page names it."""
    return WORDS.get(name) or f"mapped head, λ = {name.removeprefix('pull-')}"


def record(
    study: ZeroShotStudy,
    found: Dominance,
    config: ZeroShot,
    preset: str,
    networks: NetworkStudy | None = None,
) -> dict[str, Observation]:
    """Record every claim whose models were run; of several `networks` what they were asked."""
    c = study.curves
    ready = {name for name, curve in c.items() if curve.covered[-1]}
    peaks = {name for name, curve in c.items() if curve.covered.any()}
    clip = config.model.startswith(CLIP)
    parts: dict[str, tuple[bool, Callable[[], Observed]]] = {
        "A14": ("max" in ready and not clip, lambda: _excess(c["max"], "zero-shot bit")),
        "A15": ({"max", "probe"} <= ready and clip, lambda: _clip(c)),
        "A16": ({*HOW} <= ready and "fresh-head" in peaks, lambda: _rules(c)),
        "A26": (CONVERGED in found.models, lambda: _dominance(found)),
        "A33": (
            {"mapped-head", "fresh-head"} <= ready,
            lambda: {
                "mapped head end gain beyond the interval": _gain(c["mapped-head"], c["fresh-head"])
            },
        ),
        "A34": ("mapped-head" in c and any(n.startswith("pull-") for n in c), lambda: _pulls(c)),
    }
    bed = f"{len(study.models)} small networks and classical models on {config.id}"
    claims.forget(config.slug)
    common: dict[str, Any] = {"preset": preset, "chapter": config.slug}
    several = network_checks.observed(networks) if networks else {}
    out = {}
    for key in sorted({*parts, *several}):
        possible, observe = parts.get(key, (False, dict))
        seen = observe() if possible else {}
        about: dict[str, Any] = {"run": study.run, "setup": config.setup(key)}
        about["subject"] = bed if key == "A26" else config.subject
        if networks and key in several:
            # what several networks say takes the place of what one said, check by check
            subject = network_checks.subject(networks, config, key)
            about = {"run": networks.run, "setup": STAND_IN, "subject": subject}
            seen = seen | several[key] if key == "A26" else several[key]
        if seen:
            out[key] = claims.record(key, seen, **about, **common)
    return out


def _excess(curve: Curve, who: str) -> Observed:
    return {f"{who} excess over the interval": compare.number(curve.excess()[:, -1], curve)}


def _clip(c: dict[str, Curve]) -> Observed:
    plain, probe = c["max"], c["probe"]
    return _excess(plain, "zero-shot clip") | {
        "zero-shot minus linear probe effective robustness": compare.number(
            plain.er[:, -1] - probe.er[:, -1], plain, probe
        ),
        "linear probe effective robustness": compare.number(probe.er[:, -1], probe),
    }


def _rules(c: dict[str, Curve]) -> Observed:
    """Compare the three ways of combining softmax scores, and these with the fresh head's peak.

    A reading is a single network, so there are no checkpoints of it to set against the curve's;
    that a peak is the highest of several is in the interval.
    """
    three, fresh = [c[how] for how in HOW], c["fresh-head"]
    apart = [
        compare.shifted(
            compare.absolute(compare.number(a.er[:, 0] - b.er[:, 0], a, b)),
            -max(a.band[0], b.band[0]),
        )
        for a, b in combinations(three, 2)
    ]
    gains = [a.er[:, :1] - a.band[0] for a in three]
    over = compare.over(*three, fresh)
    positive = sum(bool(a.er[0, 0] > 0) for a in three)
    return {
        "largest difference beyond the interval": compare.largest(apart),
        "share of models with positive effective robustness": Estimate.share(
            positive, 3, 3, "models"
        ),
        "largest gain over the fine-tuning peak beyond the interval": peak_estimate(
            np.concatenate(gains, 1), fresh.seeds, "fraction", over, fresh.er[:, fresh.covered]
        ),
    }


def _gain(a: Curve, b: Curve) -> Estimate:
    """Compute effective robustness of `a` minus `b` at the end, beyond the interval there."""
    return compare.number(a.er[:, -1] - b.er[:, -1] - a.band[-1], a, b)


def _pulls(c: dict[str, Curve]) -> Observed:
    if "pull-100" not in c:
        return {}
    base = c["mapped-head"]
    lost = base.id[:, -1] - c["pull-100"].id[:, -1]
    return {"accuracy lost with lambda 100": compare.number(lost, base, c["pull-100"])}


def _dominance(found: Dominance) -> Observed:
    """Give the largest excess over independence of any pair of the testbed."""
    excess = found.pairs["dominance"] - found.pairs["independent"]
    return {
        "testbed largest dominance above independence": Estimate.exact(
            excess.max(), len(found.models[CONVERGED]), "fraction"
        )
    }


def _points(draws: np.ndarray) -> str:
    low, high = (100 * x for x in interval(draws[1:]))
    return f"{100 * draws[0]:+.1f} [{low:+.1f}, {high:+.1f}]"


def combinations_table(study: ZeroShotStudy) -> pd.DataFrame:
    """Tabulate each rule and the probe: ID and OOD accuracy in percent, ER with its interval.

    ER and chance band are in points.
    """
    rows = []
    for name, c in study.curves.items():
        if name in study.rules or name == "probe":
            inside = c.covered[-1]
            rows.append(
                {
                    "reading": words(name),
                    "ID": f"{100 * c.id[0, -1]:.1f}",
                    "shifted": f"{100 * c.ood[0, -1]:.1f}",
                    "effective robustness": _points(c.er[:, -1]) if inside else "outside the line",
                    "chance": f"{100 * c.band[-1]:.1f}" if inside else "–",
                }
            )
    return pd.DataFrame(rows)


def recalls(study: ZeroShotStudy) -> pd.DataFrame:
    """Tabulate per class its sources, how its ID images are recognised, how often it is said.

    Columns: class, sources (their number), then `right, HOW` and `said, HOW` as fractions.
    """
    plain, rows = study.plain, []
    labels, classes = plain["label_id"].values, plain.attrs["classes"]
    for k, name in enumerate(classes):
        row = {"class": name, "sources": int((plain["source_target"].values == name).sum())}
        said = {how: plain["prediction_id"].sel(rule=how).values == k for how in HOW}
        row |= {f"right, {how}": float(s[labels == k].mean()) for how, s in said.items()}
        row |= {f"said, {how}": float(s.mean()) for how, s in said.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def confusion_matrix(study: ZeroShotStudy, how: str = "max") -> np.ndarray:
    """Compute the [true, predicted] shares of each true class's ID images."""
    plain, k = study.plain, len(study.plain.attrs["classes"])
    said = plain["prediction_id"].sel(rule=how).values.astype(int)
    counts = np.bincount(plain["label_id"].values.astype(int) * k + said, minlength=k * k)
    counts = counts.reshape(k, k).astype(float)
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(1, keepdims=True)


def control(study: ZeroShotStudy) -> pd.DataFrame:
    """Tabulate mean accuracy through shuffled maps with its interval, beside the map's own."""
    rows = []
    for role, title in (("id", "ID"), (study.role, "shifted")):
        for how in HOW:
            drawn = study.plain[f"control_{role}"].sel(how=how).values
            half = 1.96 * drawn.std(ddof=1) / np.sqrt(len(drawn))
            axis = "id" if role == "id" else "ood"
            rows.append(
                {
                    "images": title,
                    "combined by": how,
                    "the map": f"{100 * getattr(study.curves[how], axis)[0, 0]:.1f}",
                    "shuffled maps, mean": f"{100 * drawn.mean():.1f} ± {100 * half:.1f}",
                    "single shuffles": f"{100 * drawn.min():.0f} to {100 * drawn.max():.0f}",
                }
            )
    return pd.DataFrame(rows)


def heads_table(study: ZeroShotStudy) -> pd.DataFrame:
    """Tabulate each trained head's ID accuracy and ER at start, peak and end (percent, points)."""
    rows = []
    for name, c in study.curves.items():
        if name in study.rules or name == "probe" or not c.covered.any():
            continue
        row: dict[str, object] = {"head": words(name), "seeds": c.seeds}
        row["checkpoints"] = len(c.steps)
        row |= {"ID, end": f"{100 * c.id[0, -1]:.1f}", "shifted, end": f"{100 * c.ood[0, -1]:.1f}"}
        top = compare.peak(c)
        ends = f"[{100 * top.low:+.1f}, {100 * top.high:+.1f}]"
        row["peak"] = f"{100 * top.value:+.1f} {ends} at {100 * c.id[0, c.peak]:.0f} %"
        row["end"] = _points(c.er[:, -1]) if c.covered[-1] else "outside the line"
        rows.append(row)
    return pd.DataFrame(rows)


def dominance_table(study: ZeroShotStudy, found: Dominance) -> pd.DataFrame:
    """Tabulate each model's largest dominance, and its mean beside that of its twin.

    The largest is also given minus the testbed's largest; the twin is the testbed model of nearest
    accuracy.
    """
    rows = []
    for state, frame in found.models.items():
        top = frame.nlargest(1, "dominance").iloc[0]
        rows.append(
            {
                "model": state,
                "ID": f"{100 * found.accuracy[state]:.1f}",
                "largest": f"{100 * top['dominance']:.1f}",
                "with": network(top["lower"]),
                "minus the testbed's largest": _points(found.top(state) - found.largest),
                "equally accurate": network(found.twin[state]),
                "mean minus that model's": _points(found.beyond[state]),
            }
        )
    return pd.DataFrame(rows)
