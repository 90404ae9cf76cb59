"""Wrong labels in chapter 8: how they are learned (B21 to B23), and in which corner they are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from nbcore.chapters.corner_examples.study import NAMES, CornerView
from nbcore.depths.roster import nice_name
from nbcore.measures.bootstrap import (
    NETWORKS,
    NETWORKS_FIXED,
    Floats,
    estimate,
    peak_estimate,
    seed_weights,
)
from nbcore.measures.corners import CORNERS, scaled_plane
from nbcore.measures.estimate import Estimate
from nbcore.measures.learning import scaled_steps
from nbcore.measures.robustness import clopper_pearson
from nbcore.runs.store import Run

#: group of `label_noise.GROUPS` -> how figures call it
GROUPS = {
    "original": "changed: original class",
    "given": "changed: label given",
    "clean": "left alone",
    "test": "test",
}


@dataclass(frozen=True)
class Watch:
    """Networks that learned planted labels, all on the same examples.

    In draws other networks stand in for them, see `over_networks`.
    """

    key: str
    name: str
    members: xr.Dataset
    examples: xr.Dataset
    resamples: int
    seed: int = 0

    @property
    def networks(self) -> int:
        return self.members.sizes["member"]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(example,) whether the given label is not the original one."""
        return self.examples["label"].values != self.examples["original_label"].values

    @property
    def steps(self) -> NDArray:
        """(checkpoint,) updates."""
        step = self.members["step"].values
        return step.reshape(-1, step.shape[-1])[0]

    def over_networks(self, values: Floats) -> Floats:
        """Average (member, ...) over members: returns (draw, ...), see `seed_weights`."""
        rng = np.random.default_rng(self.seed)
        return np.tensordot(seed_weights(self.networks, self.resamples, rng), values, 1)

    def curve(self, group: str, along: str) -> Floats:
        """Compute the mean accuracy of a group along "training" or "depth".

        Returns (draw, checkpoint) or (draw, probe).
        """
        name = {"training": "accuracy", "depth": "probe_accuracy"}[along]
        return self.over_networks(self.members[name].sel(group=group).values.astype(float))

    def rise_and_fall(self, along: str) -> tuple[Estimate, Estimate]:
        """Estimate how far the mean curve for the original class rises to its peak, then falls.

        The rise is from the start to the peak, the fall from the peak to the end, both fractions;
        their intervals allow for the choice of the peak.
        """
        curve = self.curve("original", along)
        rise, fall = (
            peak_estimate(curve - curve[:, [at]], self.networks, "fraction", NETWORKS)
            for at in (0, -1)
        )
        return rise, fall

    def wrong_minus_right(self, what: str) -> Floats:
        """Compute how much later ("learned") or deeper ("depth") wrong labels are than others.

        Returns (draw,). The mean scaled step learned, or mean depth, of wrong labels minus that of
        the others; undefined ones are left out.
        """
        values = self.members[what].values
        if what == "learned":
            scaled = np.stack([scaled_steps(row, self.steps) for row in values])
        else:
            scaled = np.where(values >= 0, values, np.nan).astype(float)
        parts = [np.nanmean(scaled[:, mask], 1) for mask in (self.wrong, ~self.wrong)]
        return self.over_networks(parts[0] - parts[1])

    def fitted(self) -> float:
        """Compute the mean training accuracy at the end, changed labels and others together."""
        ends = [self.curve(group, "training")[0, -1] for group in ("given", "clean")]
        share = self.wrong.mean()
        return float(share * ends[0] + (1 - share) * ends[1])


def watches(runs: Mapping[str, Run], resamples: int, seed: int = 0) -> dict[str, Watch]:
    """Read the runs of `load_watched` as chapter 8 needs them, by the same keys.

    A run without wrong labels, or with wrong labels only, is left out: it has nothing to compare.
    """
    out = {}
    for key, run in runs.items():
        watch = Watch(
            key, nice_name(key), run.table("members"), run.table("examples"), resamples, seed
        )
        if watch.wrong.any() and not watch.wrong.all():
            out[key] = watch
    return out


def observed(watch: Watch) -> dict[str, dict[str, Estimate]]:
    """Estimate the checks of B21 to B23: claim -> check -> estimate."""
    n = watch.networks
    rise, fall = watch.rise_and_fall("training")
    up, down = watch.rise_and_fall("depth")
    late, deep = (watch.wrong_minus_right(what) for what in ("learned", "depth"))
    return {
        "B21": {"rise to the peak": rise, "fall from the peak": fall},
        "B22": {"wrong minus true label iteration learned": estimate(late, n, "1", NETWORKS)},
        "B23": {
            "rise along depth to the peak": up,
            "fall along depth from the peak": down,
            "wrong minus true label mean depth": estimate(deep, n, "layer", NETWORKS),
        },
    }


@dataclass(frozen=True)
class Errors:
    """An ensemble and which of its labels are wrong (example,), by what made them wrong."""

    words: str
    view: CornerView
    wrong: NDArray[np.bool_]

    @property
    def overall(self) -> float:
        """The share of wrong labels among the examples in the plane."""
        return float(self.wrong[self.view.placed].mean())

    def enrichment(self, corner: str, size: int | None = None) -> Estimate:
        """Estimate the corner's share of wrong labels, divided by the overall share.

        The interval is Clopper and Pearson's for the corner's share; the overall share is counted,
        not estimated.
        """
        at = self.view.find(size)[corner]
        count, n = int(self.wrong[at].sum()), len(at)
        ends = clopper_pearson(count, n)
        value, low, high = (float(x) / self.overall for x in (count / n, *ends))
        return Estimate(value, low, high, self.view.networks, "1", NETWORKS_FIXED)

    def nearest(self) -> pd.DataFrame:
        """Compute the shares of all placed examples, and of the wrong labels, nearest to a corner.

        One row per corner: `corner`, `all`, `wrong`.
        """
        plane = scaled_plane(*self.view.plane)
        spots = np.array(list(CORNERS.values()), float)
        away = np.hypot(*(plane[:, :, None] - spots.T[:, None, :]))
        near = away[self.view.placed].argmin(1)
        wrong = self.wrong[self.view.placed]
        count = [np.bincount(near[m], minlength=4) / m.sum() for m in (wrong | ~wrong, wrong)]
        return pd.DataFrame({"corner": list(NAMES.values()), "all": count[0], "wrong": count[1]})


def label_errors(
    views: Mapping[str, CornerView], mislabelled: Mapping[str, CornerView]
) -> dict[str, Errors]:
    """Say which labels are wrong, by what made them wrong.

    "planted"; "human": CIFAR-10N's, which the networks were trained on; "disputed": the same human
    labels beside an ensemble that was trained on the original ones.
    """
    out: dict[str, Errors] = {}
    for name, s in mislabelled.items():
        purpose = name.partition(" ")[0]
        wrong = s.label != s.examples["original_label"].values
        words = {"planted": "planted", "human": "CIFAR-10N's"}[purpose]
        if wrong[s.placed].any():
            out[purpose] = Errors(f"{words}: {s.name}", s, wrong)
    human = out.get("human")
    if human is None:
        return out
    people = human.view.examples
    for key, s in views.items():
        if key.startswith("cifar10:") and np.array_equal(people["original_label"], s.label):
            wrong = people["label"].values != s.label
            out["disputed"] = Errors(f"disputed: {s.name}", s, wrong)
    return out


def error_table(errors: Mapping[str, Errors]) -> pd.DataFrame:
    """Make the rows of a chart of `enrichment`, one per ensemble and corner.

    Columns: category (corner), group (what made the labels wrong), value, low, high.
    """
    rows = []
    for e in errors.values():
        for corner, words in NAMES.items():
            seen = e.enrichment(corner)
            rows.append(
                {
                    "category": words,
                    "group": e.words,
                    "value": seen.value,
                    "low": seen.low,
                    "high": seen.high,
                }
            )
    table = pd.DataFrame(rows)
    order = {words: i for i, words in enumerate(NAMES.values())}
    return table.sort_values("category", key=lambda c: c.map(order), kind="stable")


def smallest_enrichment(errors: Mapping[str, Errors]) -> Estimate | None:
    """Return the smallest enrichment of "looks like another class" (B31); None without errors.

    The claim holds only if planted errors, human errors that were trained on, and labels that
    people dispute all gather there, so the smallest of them is judged.
    """
    seen = [e.enrichment("looks_like_another_class") for e in errors.values()]
    return min(seen, key=lambda e: e.value, default=None)
