"""Models on tables, remedies, and errors in overlapping groups (C23, C24, C12).

run = load_groups(config)
run.table("errors"), run.table("predictions")
"""

import warnings
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from nbcore.chapters.meaning_of_a_probability.config import Groups
from nbcore.chapters.meaning_of_a_probability.tables import Table, load_table
from nbcore.measures.calibration.groups import Remedy, group_errors, isotonic, multicalibrate, platt
from nbcore.measures.calibration.smooth import (
    post_processing_gap,
    smooth_calibration_error,
    smooth_ece,
)
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

LOGISTIC, BAYES = "logistic regression", "naive Bayes"
MODELS = (LOGISTIC, "tree", "forest", BAYES, "network")
NONE, PLATT, ISOTONIC, MULTI = "none", "Platt", "isotonic", "multicalibration"
SHUFFLED = "shuffled outcomes"
REMEDIES = (NONE, PLATT, ISOTONIC, MULTI, SHUFFLED)
SETS = ("train", "test")
#: shares of rows to train on, to fit remedies on, and the rest to judge on
TRAIN, FIT = 0.5, 0.25
#: a group with fewer rows to judge on is left out
LEAST = 30
#: rows of either set on which the post-processing gap is computed
MOST = 4000


def _model(name: str, seed: int) -> Any:
    """Make one of `MODELS`, as scikit-learn has it where nothing is said."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neural_network import MLPClassifier
    from sklearn.tree import DecisionTreeClassifier

    return {
        LOGISTIC: lambda: LogisticRegression(max_iter=1000),
        "tree": lambda: DecisionTreeClassifier(min_samples_leaf=5, random_state=seed),
        "forest": lambda: RandomForestClassifier(100, random_state=seed, n_jobs=1),
        BAYES: GaussianNB,
        "network": lambda: MLPClassifier((64,), early_stopping=True, random_state=seed),
    }[name]()


def _remedies(p: np.ndarray, y: np.ndarray, groups: np.ndarray, config: Groups) -> list[Remedy]:
    """Fit `REMEDIES` on predictions of rows not trained on; the last on outcomes of other rows."""
    other = np.random.default_rng(len(p)).permutation(y)
    many = partial(multicalibrate, levels=config.levels, alpha=config.alpha)
    return [
        lambda q, theirs: q,
        platt(p, y),
        isotonic(p, y),
        many(p, y, groups),
        many(p, other, groups),
    ]


def _member(config: Groups, name: str) -> xr.Dataset:
    table, seed = load_table(config.table), int(name.removeprefix("split"))
    n = len(table.outcome)
    order = np.random.default_rng([13, seed]).permutation(n)
    train, fit, test = np.split(order, [int(TRAIN * n), int((TRAIN + FIT) * n)])
    rows = [_judged(config, table, (train, fit, test), m, seed) for m in MODELS]
    size = table.groups[test].sum(0)
    return xr.Dataset(
        {
            "error": (("model", "remedy"), [r["error"] for r in rows]),
            "brier": (("model", "remedy"), [r["brier"] for r in rows]),
            "group_error": (("model", "remedy", "group"), [r["group_error"] for r in rows]),
            "accuracy": ("model", [r["accuracy"] for r in rows]),
            "gap": (("model", "set"), [r["gap"] for r in rows]),
            "smooth": (("model", "set"), [r["smooth"] for r in rows]),
            "p": (("model", "row"), np.array([r["p"] for r in rows], np.float32)),
            "y": ("row", table.outcome[test].astype(np.int8)),
            "size": ("group", size),
        },
        {
            "model": list(MODELS),
            "remedy": list(REMEDIES),
            "group": list(table.names),
            "set": list(SETS),
        },
    )


def _judged(
    config: Groups, table: Table, parts: tuple[np.ndarray, ...], name: str, seed: int
) -> dict[str, Any]:
    """Train a model on the first rows, fit remedies on the second, and judge on the third."""
    train, fit, test = parts
    x, y, groups = table.features, table.outcome, table.groups
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a network that stops before it has converged
        model = _model(name, seed).fit(x[train], y[train])
    p = {k: model.predict_proba(x[v])[:, 1] for k, v in zip("abc", parts, strict=True)}
    remedied = [f(p["c"], groups[test]) for f in _remedies(p["b"], y[fit], groups[fit], config)]
    inside = [group_errors(q, y[test], groups[test]) for q in remedied]
    enough = groups[test].sum(0) >= LEAST
    sets = [(p["a"][:MOST], y[train][:MOST]), (p["c"][:MOST], y[test][:MOST])]
    return {
        "error": [smooth_ece(q, y[test]) for q in remedied],
        "brier": [float(((q - y[test]) ** 2).mean()) for q in remedied],
        "group_error": [np.where(enough, e, np.nan) for e in inside],
        "accuracy": float(((p["c"] > 0.5) == y[test]).mean()),
        "gap": [post_processing_gap(*s) for s in sets],
        "smooth": [smooth_calibration_error(*s) for s in sets],
        "p": p["c"],
    }


def _reduce(run: Run) -> Tables:
    """Keep all errors; predictions of every model on the first split, of the first on all."""
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    whole = xr.concat(rows, "member", data_vars="all", coords="minimal")
    kept = {
        "first": whole["p"].isel(member=0, drop=True),
        "logistic": whole["p"].sel(model=LOGISTIC, drop=True),
        "outcome": whole["y"],
    }
    return {"errors": whole.drop_vars(["p", "y"]), "predictions": xr.Dataset(kept)}


def groups_plan(config: Groups, workers: int = 1) -> Plan:
    """Plan the splits of one table: about two minutes of one core, of the photographs three."""
    pictures = {"animals": {"pictures": "cifar10"}, "digits": {"pictures": "digits"}}
    return Plan(
        "group-calibration",
        config,
        pictures.get(config.table, {}),
        [f"split{k}" for k in range(config.splits)],
        partial(_member, config),
        reduce=_reduce,
        workers=workers,
    )


STORED = {"group-calibration": lambda m: groups_plan(Groups.from_address(m["config"]))}


def load_groups(config: Groups, fresh: bool = False, workers: int = 1) -> Run:
    """Load or compute the errors on one table."""
    return run_or_load(groups_plan(config, workers), fresh)
