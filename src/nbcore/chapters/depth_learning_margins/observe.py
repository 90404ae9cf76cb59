"""Chapter 5's observations: what is recorded in the ledger, and the tables of the page."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nbcore import claims
from nbcore.chapters.depth_learning_margins.study import KINDS, ROLES, LearningView
from nbcore.claims import Observation
from nbcore.depths.roster import DepthConfig
from nbcore.measures.bootstrap import NETWORKS, Floats, draw_weights, estimate
from nbcore.measures.correlation import over_depths
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import Run

Found = Mapping[str, LearningView]
Observed = dict[str, Estimate | None]  # None: not defined here, not recorded


def studies(runs: Mapping[str, Run], config: DepthConfig) -> dict[str, LearningView]:
    """Read the chapter's ensembles by key, in the config's order."""
    return {
        key: LearningView.of(key, run, resamples=config.resamples, seed=config.seed)
        for key, run in runs.items()
    }


def main(found: Found) -> LearningView:
    """Pick the ensemble most like the paper's figures 5 and 6: VGG16, on CIFAR-10 if present."""
    return found[min(found, key=lambda k: ("vgg16" not in k, "cifar10" not in k))]


def record(
    found: Found,
    runs: Mapping[str, Run],
    separability: Run | None,
    config: DepthConfig,
    preset: str,
) -> dict[str, Observation]:
    """Record every claim that these ensembles can answer; leave out numbers that are undefined.

    separability: the sensitivity run of the main ensemble, if there is one.
    """
    centre = main(found)
    ready: dict[str, Observed] = {
        "B14": {
            "smallest spearman over depths of iteration learned": _worst(
                (over_depths(s.by_depth("val")[0]), s.networks) for s in found.values()
            )
        },
        "B15": _example_by_example(found),
        "B16": _at_the_input([s for k, s in found.items() if k.startswith("fashion-mnist:")]),
        "B20": _everywhere(found),
    }
    if centre.key.endswith("vgg16"):
        ready |= {"B17": _correlations(centre), "B18": _deepest(centre)}
        ready |= {"B19": _spreads(centre)}
    if separability is not None:
        ready["B45"] = {"training accuracy after the first convolution": _separated(separability)}
    fashion = next((k for k in found if k.startswith("fashion-mnist:")), centre.key)
    source: dict[str, Run] = {"B16": runs[fashion]}
    if separability is not None:
        source["B45"] = separability
    out = {}
    claims.forget(config.slug)
    for key, observed in ready.items():
        if known := {k: v for k, v in observed.items() if v is not None}:
            about = _about(key, found, centre)
            out[key] = claims.record(
                key,
                known,
                run=source.get(key, runs[centre.key]),
                subject="; ".join(found[k].name for k in about),
                preset=preset,
                setup=config.setup(key, _asked(key, config) or about),
            )
    return out


def _about(key: str, found: Found, centre: LearningView) -> list[str]:
    """Name the ensembles that a claim's numbers come from; of several, the least favourable."""
    if key in ("B17", "B18", "B19", "B45"):
        return [centre.key]
    fashion = [k for k in found if k.startswith("fashion-mnist:")]
    return fashion if key == "B16" and fashion else list(found)


def _asked(key: str, config: DepthConfig) -> list[str]:
    """Name the ensembles of the paper that a claim is about; empty means those that were read."""
    paper = list(type(config).paper().parts())
    return {
        "B14": [k for k in paper if k.endswith(":vgg16")],
        "B15": paper,
        "B16": [k for k in paper if k.startswith("fashion-mnist:")],
        "B20": paper,
    }.get(key, [])


def _worst(parts: Iterable[tuple[Floats | None, int]], largest: bool = False) -> Estimate | None:
    """Pick the smallest (or largest) of several numbers, chosen again in every draw."""
    known = [(d, n) for d, n in parts if d is not None and np.isfinite(d[0])]
    if not known:
        return None
    stack = np.stack([-d if largest else d for d, _ in known])
    at, worst = int(stack[:, 0].argmin()), np.fmin.reduce(stack)
    return estimate(-worst if largest else worst, known[at][1], "1")


def _example_by_example(found: Found) -> Observed:
    words = {"train": "training", "val": "validation"}
    return {
        f"smallest {words[role]} spearman with iteration learned": _worst(
            (s.depth_and_learning(role), s.networks) for s in found.values()
        )
        for role in ROLES
    }


def _at_the_input(fashion: list[LearningView]) -> Observed:
    words = {"train": "training", "val": "validation"}
    out: Observed = {}
    for role in ROLES:
        seen = _worst((s.at_input(role), s.networks) for s in fashion)
        if seen:
            out[f"smallest {words[role]} share at depth 0"] = dataclasses.replace(
                seen, unit="fraction"
            )
    return out


def _correlations(centre: LearningView) -> Observed:
    out: Observed = {}
    for kind in KINDS:
        draws = centre.depth_and_margin(kind, "test")
        seen = _worst([(draws, centre.test_networks)])
        out[f"{kind} margin correlation (reduced setup)"] = seen
        out[f"{kind} margin correlation"] = seen
    return out


def _deepest(centre: LearningView) -> Observed:
    """Find the largest mean depth of a test image; the interval is over networks drawn again."""
    depth = centre.members["depth_test"].values[centre.fullest].astype(float)
    depth[depth < 0] = np.nan
    weights = draw_weights(len(depth), centre.resamples, centre.seed)
    known = ~np.isnan(depth)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ np.nan_to_num(depth)) / (weights @ known)
    largest = np.nanmax(means, 1, initial=-1.0)
    if largest[0] < 0:
        return {"largest mean depth": None}
    seen = estimate(largest, len(depth), "layer", NETWORKS)
    return {"largest mean depth": seen}


def _spreads(centre: LearningView) -> Observed:
    out: Observed = {}
    for kind in KINDS:
        curves = centre.margin_spread(kind)
        draws = None if curves is None else over_depths(curves)
        seen = _worst([(draws, centre.test_networks)])
        out[f"spearman over depths of {kind} margin variance"] = seen
    return out


def _everywhere(found: Found) -> Observed:
    return {
        f"largest {kind} margin correlation": _worst(
            (
                (s.depth_and_margin(kind, role), s.test_networks)
                for s in found.values()
                for role in ("train", "test")
            ),
            largest=True,
        )
        for kind in KINDS
    }


def separability(run: Run) -> pd.DataFrame:
    """Tabulate the training accuracy of a logistic regression by layer.

    Columns layer, accuracy (mean over networks), low, high (smallest and largest network).
    """
    accuracy = run.table("separability")["accuracy"]
    parts = {
        "accuracy": accuracy.mean("member"),
        "low": accuracy.min("member"),
        "high": accuracy.max("member"),
    }
    return pd.DataFrame({"layer": list(map(str, accuracy["layer"].values))} | parts)


def _separated(run: Run) -> Estimate | None:
    """Give the accuracy after the first convolution: mean and range over networks."""
    table, n = separability(run), run.table("separability").sizes["member"]
    found = table.loc[table["layer"] == "conv1", ["accuracy", "low", "high"]].to_numpy()
    if not len(found):
        return None
    value, low, high = map(float, found[0])
    return Estimate(value, low, high, n, "fraction", "the range of networks")


def ensembles_table(found: Found) -> pd.DataFrame:
    """Tabulate what the page rests on: networks, examples, evaluations in training, accuracy."""
    rows = []
    for s in found.values():
        step = s.members["step"].values
        rows.append(
            {
                "ensemble": s.name,
                "networks on splits": s.networks,
                "on all": int(s.full.sum()),
                "images": s.members.sizes["example"],
                "layers": s.last,
                "evaluations": step.shape[-1],
                "updates": int(step.max()),
                "training accuracy": _last_accuracy(s, "train"),
                "held out": _last_accuracy(s, "val"),
            }
        )
    return pd.DataFrame(rows)


def _last_accuracy(s: LearningView, role: str) -> float:
    return float(s.members[f"accuracy_{role}"].isel(checkpoint=-1)[~s.full].mean())


def checkpoint_steps(s: LearningView) -> NDArray:
    """Return the (checkpoint,) updates after which all networks were evaluated."""
    step = s.members["step"].values
    return step.reshape(-1, step.shape[-1])[0]


def checkpoints_table(s: LearningView) -> pd.DataFrame:
    """Show how coarse the step learned is: the share of held-out predictions per checkpoint."""
    step, mask = checkpoint_steps(s), s.seen("val") & s.settled
    count = np.bincount(s.members["learned"].values[mask], minlength=len(step))
    return pd.DataFrame(
        {
            "evaluated after updates": step,
            "learned since the one before": count / max(mask.sum(), 1),
        }
    )
