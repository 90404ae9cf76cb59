"""The suggestion "relabel" beside cleanlab's confident learning, on labels known to be wrong.

    compare(run)                       # probabilities from the stored votes
    compare(run, softmax_of(config))   # from the same networks, trained once more

Both see the same held-out probabilities and labels; which labels are wrong neither sees. cleanlab
(Northcutt et al. 2021) is used as its documentation says: out-of-sample probabilities, the labels
as given, default settings; its other filters stand beside it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nbcore.depths.view import EnsembleView
from nbcore.difficulty.rows import rows
from nbcore.errors import ParameterError
from nbcore.measures.relabelling import RELABEL, Estimate, average_precisions, f1_difference, score
from nbcore.runs.store import Run

#: cleanlab's default first; each with the score that ranks its examples
FILTERS = {
    "prune_by_noise_rate": "self_confidence",
    "confident_learning": "self_confidence",
    "low_normalized_margin": "normalized_margin",
}
OURS, SIMPLE, CHANCE = "relabel (depths and consensus)", "consensus ≠ label", "as many at random"
SAME = "cleanlab's ranking, as many"


def held_out_probabilities(run: Run, kind: str = "votes") -> np.ndarray:
    """Return (example, class) what networks not trained on an example say of it; rows sum to 1.

    An ensemble's tables keep no softmax outputs, so kind is "votes": the share of the k nearest
    training examples of the softmax output, averaged over the members; or "members": the share of
    members that predict a class, which has only as many steps as there are members. NaN: never held
    out. ParameterError for another kind.
    """
    if kind == "votes":
        votes = run.table("votes")["votes"]
        counts = votes.isel(probe=-1).sum("half").values.astype(float)
    elif kind == "members":
        view = EnsembleView.of(run.path.name, run)
        said = [view.held_out & (view.answers == c) for c in range(len(view.classes))]
        counts = np.stack([s.sum(0) for s in said], 1)
    else:
        raise ParameterError(f"Probabilities are of the kind votes or members, not {kind!r}.")
    total = counts.sum(1, keepdims=True)
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


def cleanlab_issues(
    labels: np.ndarray, probabilities: np.ndarray, filter_by: str = "prune_by_noise_rate"
) -> tuple[np.ndarray, np.ndarray]:
    """Find the labels that cleanlab calls wrong.

    Returns (example,) bool, and (example,) how suspect each label is, higher is more.
    """
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise ParameterError(
            "The comparison needs cleanlab, which is not installed; install it with "
            "`pip install 'nbcore[cleanlab]'`."
        ) from None
    found = find_label_issues(labels, probabilities, filter_by=filter_by, n_jobs=1)
    quality = get_label_quality_scores(labels, probabilities, method=FILTERS[filter_by])
    return np.asarray(found, bool), -np.asarray(quality)


def compare(
    run: Run,
    probabilities: str | np.ndarray = "votes",
    *,
    agreement: float = 2 / 3,
    gap: float = 0.0,
    filters: Sequence[str] = tuple(FILTERS),
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare "relabel" with cleanlab's filters and controls; one row per method.

    run: an ensemble whose labels are known to be wrong in places (planted noise, or other labels
    than the images' own, as CIFAR-10N's); probabilities: a kind of `held_out_probabilities` or an
    array (example, class), for cleanlab and its `filters`; agreement, gap: of the rule, see
    `measures.relabelling.suggest`.
    Columns: method, suggested (how many), precision, recall, f1, average_precision (of the
    ranking), each with _low and _high; mended: share of the wrong labels whose suggested class is
    the original one; f1_ahead and average_precision_ahead with _low and _high: "relabel" minus the
    method, paired over examples. attrs: examples, wrong, left_out (never held out).
    ParameterError: no label that is known to be wrong, or cleanlab is missing.
    """
    table = rows(run, corner=1, agreement=agreement, gap=gap)
    kind = probabilities if isinstance(probabilities, str) else "given"
    p = held_out_probabilities(run, kind) if isinstance(probabilities, str) else probabilities
    if np.shape(p) != (len(table), len(run.table("examples").attrs["classes"])):
        raise ParameterError(f"Give a row of probabilities an example, not {np.shape(p)}.")
    name = f"the run {run.path.name}"
    return compare_rows(
        table, p, kind, filters=filters, level=level, resamples=resamples, seed=seed, name=name
    )


def compare_rows(
    table: pd.DataFrame,
    p: np.ndarray,
    kind: str,
    *,
    filters: Sequence[str] = tuple(FILTERS),
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    name: str = "these images",
) -> pd.DataFrame:
    """Compare the suggestions in `rows` with cleanlab's on p (example, class); as `compare`."""
    seen = (table["n_val"] > 0).to_numpy()
    table, label = table[seen], table.loc[seen, "label"].to_numpy()
    wrong = label != table["original"].to_numpy()
    if not wrong.any():
        raise ParameterError(
            f"No label of {name} is known to be wrong; plant some, as in "
            "noise=0.1, or give other labels, as in labels=cifar10n:worse_label."
        )
    found = _methods(table, label, np.asarray(p, float)[seen], filters, seed)
    ranked = average_precisions(
        [f["ranking"] for f in found.values()], wrong, level, max(resamples // 5, 20), seed
    )
    out = []
    for (name, f), precision, ahead in zip(found.items(), *ranked, strict=True):
        row: dict[str, Any] = {"method": name, "suggested": int(f["found"].sum())}
        scores = score(f["found"], wrong, level, resamples, seed)
        for what, value in (scores | {"average_precision": precision}).items():
            row |= _spread(what, value)
        hits = f["found"] & wrong & (f["new"] == table["original"].to_numpy())
        row["mended"] = hits.sum() / wrong.sum()
        apart = f1_difference(found[OURS]["found"], f["found"], wrong, level, resamples, seed)
        out.append(row | _spread("f1_ahead", apart) | _spread("average_precision_ahead", ahead))
    frame = pd.DataFrame(out)
    frame.attrs = {
        "examples": len(label),
        "wrong": int(wrong.sum()),
        "probabilities": kind,
        "left_out": int((~seen).sum()),
    }
    return frame


def _methods(
    table: pd.DataFrame, label: np.ndarray, p: np.ndarray, filters: Sequence[str], seed: int
) -> dict[str, Any]:
    """Collect each method's found (example,) bool, ranking and new, the class it suggests."""
    consensus = table["consensus"].to_numpy()
    ours = (table["action"] == RELABEL).to_numpy()
    out = {
        OURS: dict(found=ours, ranking=table["doubt"].to_numpy(), new=consensus),
        SIMPLE: dict(
            found=consensus != label, ranking=-table["consistency"].to_numpy(), new=consensus
        ),
    }
    for filter_by in filters:
        issues, ranking = cleanlab_issues(label, p, filter_by)
        name = "cleanlab" if filter_by == next(iter(FILTERS)) else f"cleanlab, {filter_by}"
        out[name] = dict(found=issues, ranking=ranking, new=p.argmax(1))
        if name == "cleanlab":  # its ranking, cut where the rule on depths is
            top = np.zeros(len(label), bool)
            top[np.argsort(-ranking, kind="stable")[: ours.sum()]] = True
            out[SAME] = dict(found=top, ranking=ranking, new=p.argmax(1))
    rng = np.random.default_rng([seed, 8])
    drawn = np.zeros(len(label), bool)
    drawn[rng.permutation(len(label))[: ours.sum()]] = True
    out[CHANCE] = dict(found=drawn, ranking=rng.random(len(label)), new=consensus)
    return out


def _spread(name: str, value: Estimate) -> dict[str, float]:
    return {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}


def verdict(table: pd.DataFrame, against: str = "cleanlab") -> str:
    """Say in one sentence who wins by F1 of the suggestions, where its interval leaves out 0."""
    ours, theirs = (table[table["method"] == m].iloc[0] for m in (OURS, against))
    low, high = theirs["f1_ahead_low"], theirs["f1_ahead_high"]
    numbers = (
        f"F1 {ours['f1']:.2f} against {theirs['f1']:.2f} (precision {ours['precision']:.2f} and "
        f"{theirs['precision']:.2f}, recall {ours['recall']:.2f} and {theirs['recall']:.2f}; "
        f"difference {theirs['f1_ahead']:+.3f}, 95 % from {low:+.3f} to {high:+.3f})"
    )
    if low > 0:
        return f"The rule on depths wins over {against}: {numbers}."
    if high < 0:
        return f"{against} wins over the rule on depths: {numbers}."
    return f"Neither the rule on depths nor {against} wins: {numbers}."
