"""From a stored ensemble to one row an example: every measure of its difficulty, and what to do."""

import numpy as np
import pandas as pd

from nbcore.depths.view import EnsembleView
from nbcore.errors import ParameterError
from nbcore.measures.agreement import (
    consensus_class,
    consensus_consistency,
    consistency_score,
    held_out_mean,
    prediction_entropy,
)
from nbcore.measures.corners import corner_examples, corner_size, placed
from nbcore.measures.relabelling import RELABEL, doubt, suggest
from nbcore.runs.store import Run


def rows(run: Run, corner: int = 0, agreement: float = 2 / 3, gap: float = 0.0) -> pd.DataFrame:
    """Make one row per example of an ensemble's pool, in its order; networks on all of it left out.

    Columns, "_val" over the members that held the example out and "_train" over those that trained
    on it: n (how many), depth (mean; those with a depth, from 0 the input), learned (mean updates
    after which the prediction stays), output_margin (mean, logits). consensus (class number, -1
    where never held out), consistency, consensus_consistency and entropy (nats) of the held-out
    predictions; label and original (class numbers; they differ where noise was planted or other
    labels were given); corner ("" for none), of so many examples, 0 for `corner_size`; action,
    suggested (class number, -1 for none) and doubt as `measures.relabelling.suggest` and `doubt`.
    attrs: classes, last_probe, steps.
    ParameterError: fewer examples with both depths than a corner has; no member on a split.
    """
    view = EnsembleView.of(run.path.name, run)
    if not view.networks:
        raise ParameterError(
            f"No member of the run {run.path.name} holds examples out, so there is nothing to "
            "compare their labels with; give it members on random splits."
        )
    return rows_of(view.some(view.split), corner, agreement, gap)


def rows_of(
    view: EnsembleView, corner: int = 0, agreement: float = 2 / 3, gap: float = 0.0
) -> pd.DataFrame:
    """Make the rows of a view of networks on random splits; columns and errors as `rows`."""
    label, examples = view.label, view.examples
    asked = view.answers, label, view.held_out, len(view.classes)
    out = pd.DataFrame(
        {
            "index": np.arange(len(label)),
            "label": label,
            "original": examples["original_label"].values.astype(np.int64),
            "consensus": consensus_class(*asked),
            "consistency": consistency_score(*asked),
            "consensus_consistency": consensus_consistency(*asked),
            "entropy": prediction_entropy(*asked),
        }
    )
    for role in ("val", "train"):
        out = out.join(_by_role(view, role))
    last = view.last
    depths = out["depth_val"].to_numpy(), out["depth_train"].to_numpy()
    seen = label, out["consensus"].to_numpy(), out["consensus_consistency"].to_numpy()
    out["corner"] = _corners(*depths, corner or corner_size(len(out)))
    out["action"] = suggest(*seen, *depths, last, min_agreement=agreement, min_gap=gap)
    out["suggested"] = np.where(out["action"] == RELABEL, out["consensus"], -1)
    out["doubt"] = doubt(*seen, *depths, last)
    out.attrs = {
        "classes": view.classes,
        "last_probe": last,
        "steps": int(view.members["step"].values.max()),
    }
    return out


def _by_role(view: EnsembleView, role: str) -> pd.DataFrame:
    """Return the columns of `rows` over the members that have an example in this role."""
    mask, split = view.seen(role), view.members
    depth, learned = (split[v].values.astype(float) for v in ("depth", "learned"))
    at = split["learned"].values  # -1, undefined, takes the last step and is masked
    steps = split["step"].values
    updates = steps[at] if steps.ndim == 1 else np.take_along_axis(steps, at, 1)
    return pd.DataFrame(
        {
            f"n_{role}": mask.sum(0),
            f"n_depth_{role}": (mask & (depth >= 0)).sum(0),
            f"depth_{role}": view.mean_depth(role),
            f"learned_{role}": held_out_mean(np.where(learned < 0, np.nan, updates), mask),
            f"output_margin_{role}": view.examples[f"output_margin_{role}"].values.astype(float),
        }
    )


def _corners(depth_val: np.ndarray, depth_train: np.ndarray, n: int) -> np.ndarray:
    """Name each example's corner, "" for none: (example,); of two corners the first counts."""
    both = placed(depth_val, depth_train)
    known = int(both.sum())
    if known < n:
        raise ParameterError(
            f"A corner is to hold {n} examples, but only {known} of {len(depth_val)} have a depth "
            "both held out and in training; ask for fewer, as in corner=10, or give more images."
        )
    out = np.full(len(depth_val), "", dtype=object)
    if np.ptp(depth_val[both]) == 0 or np.ptp(depth_train[both]) == 0:
        return out  # all are equally deep: a plane without corners
    for name, found in reversed(corner_examples(depth_val, depth_train, n).items()):
        out[found] = name
    return out
