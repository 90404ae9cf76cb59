"""Chapter 3's figures of depths; every title states what the numbers of this run say."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.prediction_depth import observe as page
from nbcore.chapters.prediction_depth.agreement import Floats
from nbcore.chapters.prediction_depth.observe import Study
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table, sentence
from nbcore.depths.roster import nice_name
from nbcore.depths.view import ROLES, EnsembleView
from nbcore.measures.bootstrap import auroc_draws, draw_weights, estimate, roc_points
from nbcore.measures.correlation import curve_correlation
from nbcore.runs.store import Run

LAYER = "layer (0: input, {last}: softmax)"
RELATIVE = "depth (0: input, 1: softmax)"
BY_ROLE = {"train": "training images", "val": "held-out images", "test": "test images"}


def nothing(needs: str) -> Table:
    """Return a sentence to stand in the place of a figure that this rerun gives no data for."""
    text = f"Not drawn: this needs {needs}, which these parameters do not run."
    return sentence(text)


def over_members(values: Floats, x: np.ndarray, series: str) -> pd.DataFrame:
    """Average (member, place) over members, with a bootstrap: rows x, y, series, low, high."""
    w = draw_weights(len(values), 500)
    draws = w @ values / w.sum(1, keepdims=True)
    low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
    return pd.DataFrame({"x": x, "y": draws[0], "series": series, "low": low, "high": high})


def decided(study: Study, role: str = "train") -> Figure | Table:
    """Draw where predictions are made: the share of them at each depth, per ensemble."""
    parts, at_input, words = [], {}, ROLES[role]
    for key, run in study.runs.items():
        view = EnsembleView.of(key, run)
        depth, last = view.depths(role), view.last
        depth = depth[~np.isnan(depth).all(1)]
        if len(depth):
            seen = np.stack(
                [(depth == d).sum(1) / (~np.isnan(depth)).sum(1) for d in range(last + 1)], 1
            )
            parts.append(over_members(seen, np.linspace(0, 1, last + 1), view.name))
            at_input[view.name] = seen[:, 0].mean()
    if not parts:
        return nothing(f"networks with {words} examples")
    least, most = (f(at_input, key=at_input.__getitem__) for f in (min, max))
    said = "; ".join(f"{k} {v:.0%}" for k, v in at_input.items())
    return charts.curve(
        pd.concat(parts),
        y_format="~%",
        x_title=RELATIVE,
        y_title="share of predictions",
        title=f"{most} decides {at_input[most]:.0%} of its {words} images at the input, "
        f"{least} {at_input[least]:.0%}",
        subtitle=f"Prediction depth in the {words} split, mean over networks with 95 % intervals",
        description=f"Share of {words} predictions by relative depth. Decided at the input: "
        f"{said}.",
    )


def by_layer(study: Study, key: str) -> Figure:
    """Draw the accuracy of the probes along depth, on images seen in training and on others."""
    view = EnsembleView.of(key, study.runs[key])
    members = (view.some(view.split) if view.networks else view).members
    last, means, parts = view.last, {}, []
    for role, words in BY_ROLE.items():
        values = members[f"probe_accuracy_{role}"].values.astype(float)
        if np.isfinite(values).all():
            parts.append(over_members(values, np.arange(last + 1), words))
            means[words] = values.mean(0)
    gap = means["training images"] - means.get("held-out images", means["test images"])
    said = "; ".join(
        f"{k}: {v[0]:.0%} at the input, {v[-1]:.0%} at the end" for k, v in means.items()
    )
    return charts.curve(
        pd.concat(parts),
        y_format="~%",
        x_title=LAYER.format(last=last),
        y_title="probe accuracy",
        title=f"Images seen in training are ahead by {100 * gap[0]:.1f} points at the input and "
        f"by {100 * gap[-1]:.1f} at the end",
        subtitle=f"{nice_name(key)}: accuracy of the neighbours' vote at every layer",
        description=f"Accuracy of nearest-neighbour probes along depth, {nice_name(key)}. {said}.",
    )


def sets(study: Study) -> Figure | Table:
    """Draw the mean training depth of the same network on different data sets (B1)."""
    rows = []
    for network, runs in page.by_data_set(study).items():
        for dataset, run in runs.items() if len(runs) > 1 else ():
            seen = estimate(*page.training_depth(run, study.draws), "layer")
            last, name = run.table("members").sizes["probe"] - 1, nice_name(f"{dataset}:{network}")
            rows.append(
                {
                    "category": f"{name} (of {last})",
                    "value": seen.value,
                    "low": seen.low,
                    "high": seen.high,
                    "network": network,
                    "n": seen.n,
                }
            )
    if not rows:
        return nothing("one network on two data sets")
    table = pd.DataFrame(rows)
    own = table[table["network"] == table["network"].iloc[-1]]
    low, high = (own.loc[f(own["value"])] for f in (pd.Series.idxmin, pd.Series.idxmax))
    return charts.bars(
        table,
        x_title="mean training depth (layers)",
        x_format=".1f",
        zero=True,
        title=f"{low['category'].partition(' (')[0]} is decided {high['value'] - low['value']:.1f} "
        f"layers earlier than {high['category'].partition(' (')[0]}",
        subtitle=f"Means over all training images and {own['n'].min()} or more seeds, 95 % "
        "intervals",
        description="Mean training depth in layers: "
        + "; ".join(f"{r.category} {r.value:.2f}" for r in table.itertuples())
        + ".",
    )


def _changed(study: Study) -> dict[str, Run]:
    """Find each companion with changed labels, by what was changed."""
    words = {"noise": "planted", "human-noise": "people's"}
    found = {word: study.companion(purpose) for purpose, word in words.items()}
    return {
        f"{word}, {nice_name(pair[0]).partition(',')[0]}": pair[1]
        for word, pair in found.items()
        if pair
    }


def _noisy(study: Study) -> dict[str, tuple[Floats, np.ndarray]]:
    """Read (depths, wrong) of each companion with changed labels, by what was changed."""
    return {name: page.wrong_labels(run) for name, run in _changed(study).items()}


def _lasts(study: Study) -> dict[str, int]:
    """Name the depth of the softmax in each companion of `_noisy`, by the same words."""
    return {name: run.table("members").sizes["probe"] - 1 for name, run in _changed(study).items()}


def roc(study: Study) -> Figure | Table:
    """Draw how well depth finds wrong labels: hits against false alarms, mean over networks."""
    if not (runs := _noisy(study)):
        return nothing("labels that were changed")
    parts, areas = [], {}
    for name, (depth, wrong) in runs.items():
        draws = auroc_draws(depth, wrong, study.draws)
        seen = areas[name] = estimate(draws, len(depth), "1")
        series = f"{name}: {seen.value:.2f} [{seen.low:.2f}, {seen.high:.2f}]"
        points = pd.concat([roc_points(one, wrong) for one in depth], keys=range(len(depth)))
        points = points.groupby(level=1).mean()
        parts.append(points.assign(series=series))
    chance = pd.DataFrame({"x": [0, 1], "y": [0, 1], "series": "chance: 0.50"})
    said = "; ".join(f"{k} {v.value:.2f}" for k, v in areas.items())
    return charts.curve(
        pd.concat([*parts, chance]),
        x_format="~%",
        y_format="~%",
        x_title="right labels flagged",
        y_title="wrong labels found",
        title="One network's depth finds wrong labels with an AUROC of "
        + " and ".join(f"{v.value:.2f} ({k})" for k, v in areas.items()),
        subtitle="Flagged is what lies at least so deep; in the legend the area under each curve",
        description=f"Share of wrong labels found against share of right labels flagged. {said}.",
    )


def labels_by_depth(study: Study) -> Figure | Table:
    """Draw the depths of rightly and of wrongly labelled training examples."""
    if not (runs := _noisy(study)):
        return nothing("labels that were changed")
    parts, means, depths_of = [], {}, _lasts(study)
    for name, (depth, wrong) in runs.items():
        last = depths_of[name]
        for word, mask in (("right", ~wrong), ("wrong", wrong)):
            own = depth[:, mask]
            seen = np.stack(
                [(own == d).sum(1) / (~np.isnan(own)).sum(1) for d in range(last + 1)], 1
            )
            x = np.linspace(0, 1, last + 1)
            parts.append(over_members(seen, x, f"{name}: {word} label"))
            means[f"{name}, {word}"] = float(np.nanmean(own)) / last
    first = list(means)[:2]
    return charts.curve(
        pd.concat(parts),
        y_format="~%",
        x_title=RELATIVE,
        y_title="share of training images",
        title=f"Wrong labels are decided at {means[first[1]]:.0%} of the depth, right ones at "
        f"{means[first[0]]:.0%}",
        subtitle=f"In the title {next(iter(runs))}; means over networks with 95 % intervals",
        description="Distribution of training depth for right and wrong labels; mean relative "
        "depths: " + "; ".join(f"{k} {v:.2f}" for k, v in means.items()) + ".",
    )


def deep(study: Study) -> Figure | Table:
    """Draw probe curves of MLPs with 7 and 15 hidden layers on noisy labels (B44)."""
    curves = page.deep_curves(study)
    if len(curves) < 2:
        return nothing("MLPs of 7 and 15 layers")
    parts = []
    for n in curves:
        members = study.companions[f"deep {n}"].table("members")
        for role, words in (("train", "given labels"), ("test", "test images")):
            values = members[f"probe_accuracy_{role}"].values.astype(float)
            place = np.linspace(0, 1, values.shape[1])
            parts.append(over_members(values, place, f"{n} layers, {words}"))
    rho = curve_correlation(curves[7], curves[15])
    tested = {
        n: float(np.mean(page.test_accuracy(study.companions[f"deep {n}"], 20)[0][0]))
        for n in curves
    }
    return charts.curve(
        pd.concat(parts),
        y_format="~%",
        x_title=RELATIVE,
        y_title="probe accuracy",
        title=f"With 15 layers instead of 7 the network is right on {tested[15]:.1%} of test "
        f"images instead of {tested[7]:.1%}",
        subtitle=f"MLPs on 40 % random labels; training curves correlate with ρ = {rho.value:.2f}",
        description=f"Probe accuracy along relative depth for MLPs of 7 and 15 hidden layers; rank "
        f"correlation {rho.value:.2f}, test accuracies {tested[7]:.3f} and {tested[15]:.3f}.",
    )
