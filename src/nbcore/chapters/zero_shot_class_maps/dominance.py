"""Who is right where better models are wrong (ER §5.4): this chapter's models among the testbed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nbcore.chapters.zero_shot_class_maps.study import ZeroShotStudy
from nbcore.lines.curves import Curve
from nbcore.measures import agreement
from nbcore.measures.bootstrap import seed_weights
from nbcore.measures.robustness import clopper_pearson

#: the models that are compared: name on the page -> (condition, which checkpoint)
STATES = {
    "zero-shot": ("max", "end"),
    "fresh head, peak": ("fresh-head", "peak"),
    "fresh head, end": ("fresh-head", "end"),
    "whole network, peak": ("full", "peak"),
    "whole network, end": ("full", "end"),
    "linear probe": ("probe", "end"),
}
#: those that have effective robustness, and what the first of them converges to
ROBUST, CONVERGED = ("zero-shot", "fresh head, peak"), "fresh head, end"


@dataclass
class Dominance:
    """Draw 0 is what was observed; the others resample images, and other seeds stand in.

    pairs: every testbed pair (lower, higher, difference, dominance, independent); largest:
    (draw,) of the pair that is observed to be the largest. models[state]: DataFrame of that state
    against each testbed model (difference, dominance, independent; mean over seeds); draws[state]:
    (testbed model, draw); accuracy[state]: mean over seeds; twin[state]: the testbed model of
    nearest accuracy; beyond[state]: (draw,) mean dominance minus the twin's, over the other models.
    """

    pairs: pd.DataFrame
    largest: np.ndarray
    models: dict[str, pd.DataFrame]
    draws: dict[str, np.ndarray]
    accuracy: dict[str, float]
    twin: dict[str, str]
    beyond: dict[str, np.ndarray]

    def top(self, state: str) -> np.ndarray:
        """Return the (draw,) dominance of the pair in which the state's is seen to be largest.

        A pair is the state and one testbed model.
        """
        return self.draws[state][int(self.draws[state][:, 0].argmax())]


def states(study: ZeroShotStudy) -> dict[str, np.ndarray]:
    """Return right or wrong (seed, example) of each state that was run and that the line covers."""
    out = {}
    for state, (name, at) in STATES.items():
        curve = study.curves.get(name)
        if curve is not None and curve.covered.any():
            out[state] = study.bits[name][:, _checkpoint(curve, at)]
    return out


def _checkpoint(curve: Curve, at: str) -> int:
    return curve.peak if at == "peak" else len(curve.steps) - 1


def dominance(study: ZeroShotStudy) -> Dominance:
    """Compute dominance on ID images: of all testbed pairs, and of each state with the testbed.

    The lower of a pair is the one that is less accurate on all images, in every draw.
    """
    right, weights = study.testbed_bits, study.weights
    order = np.argsort(right.mean(1), kind="stable")
    right, names = right[order], study.models["model"].to_numpy()[order]
    accuracy = right.mean(1)
    matrix = agreement.dominance_matrix(right)
    i, j = np.triu_indices(len(right), k=1)
    pairs = _frame(names[i], names[j], accuracy[i], accuracy[j], matrix[i, j])
    worst = int(matrix[i, j].argmax())
    largest = _share(right[i[worst]] & ~right[j[worst]], weights)
    rng = np.random.default_rng(0)
    models, draws, own, twin, beyond = {}, {}, {}, {}, {}
    for state, bits in states(study).items():
        own[state] = float(bits.mean())
        lower = accuracy <= own[state]  # the testbed models that are the lower of the pair
        each = np.where(lower[:, None, None], right[:, None] & ~bits, ~right[:, None] & bits)
        shares = np.stack([_share(one, weights) for one in each])  # model, seed, draw
        draws[state] = _over_seeds(shares, rng)
        value = draws[state][:, 0]
        low = np.where(lower, accuracy, own[state])
        high = np.where(lower, own[state], accuracy)
        models[state] = _frame(names, names, low, high, value)
        near = int(np.abs(accuracy - own[state]).argmin())
        twin[state], rest = str(names[near]), np.arange(len(right)) != near
        low_rest = (np.arange(len(right)) < near)[:, None]
        theirs = np.where(low_rest, right & ~right[near], ~right & right[near])[rest]
        beyond[state] = draws[state][rest].mean(0) - _share(theirs, weights).mean(0)
    return Dominance(pairs, largest, models, draws, own, twin, beyond)


def _frame(lower, higher, low, high, value) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "lower": lower,
            "higher": higher,
            "difference": np.asarray(high) - low,
            "dominance": value,
            "independent": agreement.independent_dominance(low, high),
        }
    )


def _share(events: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the share of images with an event, per draw: (..., example) bool -> (..., draw)."""
    return (events.astype(np.float32) @ weights).astype(float) / len(weights)


def _over_seeds(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Average over seeds: (model, seed, draw) -> (model, draw).

    From draw 1 on other seeds stand in, as `bootstrap.seed_weights` says.
    """
    _, seeds, draws = shares.shape
    return np.einsum("ds,msd->md", seed_weights(seeds, draws - 1, rng), shares)


def unsolved(study: ZeroShotStudy) -> pd.DataFrame:
    """Compute, of the ID images that no testbed model solves, the share that each model solves.

    One row per state, then one per testbed model, which is scored on what no *other* testbed model
    solves (ER figure 5c). Columns: model, group, id, solved, of, share, low, high (Clopper-Pearson;
    for several seeds at their mean count).
    """
    right = study.testbed_bits
    counts = agreement.solved_counts(right)
    rows = []
    for state, bits in states(study).items():
        hits = bits[:, counts == 0].sum(1).mean() if (counts == 0).any() else 0.0
        rows.append((state, "this chapter", bits.mean(), hits, int((counts == 0).sum())))
    for name, own in zip(study.models["model"], right, strict=True):
        others = counts - own == 0
        rows.append((name, "testbed", own.mean(), float(own[others].sum()), int(others.sum())))
    table = pd.DataFrame(rows, columns=["model", "group", "id", "solved", "of"])
    table = table[table["of"] > 0].reset_index(drop=True)
    low, high = clopper_pearson(table["solved"], table["of"])
    return table.assign(share=table["solved"] / table["of"], low=low, high=high)
