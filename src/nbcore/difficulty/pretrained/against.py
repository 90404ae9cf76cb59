"""Who finds wrong labels best? All evidence, its parts, and the tools that people use.

    for config in conditions(Against()):
        run_against(config)  # resumed where it was stopped; a member is one seed of one condition

Every method sees the same images, features, folds and labels. What the evidence is made of was
chosen on the last images of the training set, the table is computed on others; its weights come
from labels changed on purpose (`advice`), never from which labels are wrong. cleanlab (Northcutt et
al. 2021) gets held-out probabilities of heads on the same features and folds.
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr

from nbcore import data as nbdata
from nbcore.data.scores import load_labels
from nbcore.difficulty.compare import cleanlab_issues
from nbcore.difficulty.pretrained import advice, features, heads, suspicion
from nbcore.difficulty.pretrained.advice import ALIKE, PAIRS, advise
from nbcore.difficulty.pretrained.measured import Bank, Measured, masks, measure
from nbcore.difficulty.pretrained.suspicion import KINDS, USED
from nbcore.errors import ParameterError
from nbcore.measures.bootstrap import draw_weights, seed_weights
from nbcore.measures.relabelling import INSPECT, RELABEL
from nbcore.runs.config import Config, param
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training import loop

#: the last images of a training set serve to choose the evidence, never for the table
CHOICE = 10_000
OURS, CLEANLAB, KNN, LOSS = "all evidence", "cleanlab", "neighbours' votes", "training loss"
#: classes of CIFAR-10 that are taken for each other, in the numbers of their labels
PAIRED = {"cifar10": (2, 9, 0, 5, 7, 3, 2, 4, 0, 1)}


@dataclass(frozen=True)
class Against(Config):
    """One condition: images, and how their labels are wrong. About 4 core-minutes of 10,000."""

    slug: ClassVar[str] = "label-errors"

    dataset: str = param("cifar10", "images, by name", in_address=False)
    share: float = param(0.1, "of labels changed; 0 with other labels", low=0.0, high=0.9)
    kind: str = param(ALIKE, "to any class, or in pairs", choices=(ALIKE, PAIRS))
    labels: str = param("", "other labels, such as cifar10n:worse_label")
    images: int = param(10_000, "of the training set", low=100)
    seeds: int = param(5, "draws of changed labels and of splits", low=1, in_address=False)
    heads: int = param(10, "heads a seed", low=5)
    side: int = param(96, "side that the network sees, pixels", low=32)
    network: str = param("efficientnet_lite0", "pretrained network")
    resamples: int = param(200, "of images, for intervals", low=10)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)

    @classmethod
    def smoke(cls) -> "Against":
        """One seed on 300 digits, enlarged to 32 pixels: seconds."""
        return cls(dataset="digits", images=300, seeds=1, side=32, resamples=20)


#: the conditions of the published table, but for the data set of one
CONDITIONS = (
    *({"share": s, "kind": kind} for kind in (ALIKE, PAIRS) for s in (0.05, 0.1, 0.2)),
    {"labels": "cifar10n:aggre_label", "share": 0.0},
    {"labels": "cifar10n:worse_label", "share": 0.0},
    {"dataset": "fashion-mnist", "side": 84, "share": 0.1},
    {"dataset": "fashion-mnist", "side": 84, "share": 0.1, "kind": PAIRS},
)


def conditions(base: Against) -> list[Against]:
    """List the conditions of the table, otherwise as `base`."""
    return [replace(base, **given) for given in CONDITIONS]  # type: ignore[arg-type]


def run_against(config: Against, fresh: bool = False) -> Run:
    """Load or compute one condition, a member a seed; see `_member` and `_reduce`."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: Against) -> Plan:
    """Plan one condition."""
    return Plan(
        config.slug,
        config,
        {"images": config.dataset},
        [f"seed-{i}" for i in range(config.seeds)],
        partial(_member, config),
        reduce=_reduce,
        device=str(loop.pick_device(config.device)),
    )


STORED = {
    Against.slug: lambda manifest: run_plan(
        Against.from_address(manifest["config"], dataset=manifest["data"]["images"]["name"])
    )
}


@lru_cache(maxsize=1)
def _images(
    dataset: str, images: int, network: str, side: int, device: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], Bank]:
    """Return (labels of the training set, positions used, classes, features and neighbours)."""
    train = nbdata.load(dataset, "train")
    apart = CHOICE if len(train) > 3 * CHOICE else 0
    order = np.random.default_rng(8).permutation(len(train) - apart)
    positions = np.sort(order[:images])
    found = features.extract(train.images[positions], network, side, device=device, name=dataset)
    return train.labels, positions, train.classes, Bank.of(found, 30)


def _labels(config: Against, true: np.ndarray, at: np.ndarray, bank: Bank, seed: int) -> np.ndarray:
    """Return the labels that are judged: other ones, or some changed."""
    if config.labels:
        name, _, column = config.labels.partition(":")
        return load_labels(name, column, true)[at]
    classes = int(true.max()) + 1
    pair = np.array(
        PAIRED.get(config.dataset)
        or advice.confused(list(bank.found.values())[-1], true[at], classes)
    )
    return advice.changed_labels(true[at], config.kind, pair, config.share, 1000 + seed)[0]


def _member(config: Against, name: str) -> xr.Dataset:
    """Judge the labels of one seed by every method.

    Over method and draw (0: all images as they are; else images drawn with replacement, the same
    for every seed): average_precision, at_100 and at_true, the precision of that many most suspect
    labels. Over action ("relabel", "inspect"): suggested, hits, expected with _low and _high. And
    share (estimated, with _low and _high), wrong (how many are), examples, accuracy (held out, of
    right labels).
    """
    seed = int(name.rpartition("-")[2])
    true, at, classes, bank = _images(
        config.dataset, config.images, config.network, config.side, config.device
    )
    labels, held = _labels(config, true, at, bank, seed), masks(len(at), config.heads, 0.2, seed)
    wrong = labels != true[at]
    if not wrong.any():
        raise ParameterError("No label is wrong in this condition; give a share, or other labels.")
    m = measure(bank, labels, classes, held)
    pair = advice.confused(list(bank.found.values())[-1], labels, len(classes))
    copies = {}
    for how in (ALIKE, PAIRS):
        used, changed = advice.changed_labels(
            labels, how, pair, advice.share_to_change(len(at)), seed
        )
        copies[how] = measure(bank, used, classes, held), changed
    found = advise(m, copies, pair, seed=seed)
    plain = heads.fit(bank.final, labels, held, len(classes), cleaned=False)
    ranked = rankings(m, copies, plain.logits) | {OURS: found.score}
    weights = np.asarray(draw_weights(len(at), config.resamples, 0), float)
    scores = {method: curve_points(r, wrong, weights) for method, r in ranked.items()}
    out: dict = {
        what: (("method", "draw"), np.stack([s[what] for s in scores.values()]).astype(np.float32))
        for what in ("average_precision", "at_100", "at_true")
    }
    for i, what in enumerate(("expected", "expected_low", "expected_high")):
        out[what] = "action", np.array([found.expected[a][i] for a in (RELABEL, INSPECT)])
    chosen = [found.action == a for a in (RELABEL, INSPECT)]
    out["suggested"] = "action", np.array([c.sum() for c in chosen])
    out["hits"] = "action", np.array([(c & wrong).sum() for c in chosen])
    out |= {
        f"share{end}": ((), x) for end, x in zip(("", "_low", "_high"), found.share, strict=True)
    }
    right = m.logits.argmax(1) == true[at]
    out |= {"wrong": ((), wrong.sum()), "examples": ((), len(at)), "accuracy": ((), right.mean())}
    return xr.Dataset(out, coords={"method": list(scores), "action": [RELABEL, INSPECT]})


def rankings(
    m: Measured, copies: dict[str, tuple[Measured, np.ndarray]], plain: np.ndarray
) -> dict[str, np.ndarray]:
    """Rank the labels by every method but the whole evidence: method -> (example,), more is worse.

    "without KIND" and "and neighbours": the evidence with less or more, weighed anew; cleanlab:
    what confident learning finds first, both parts by self-confidence, and its two scores alone.
    plain (example, class): held-out logits of heads that were trained on every label, as people
    give them to cleanlab; "cleaned heads": those that the evidence rests on.
    """
    out, label = {}, m.view.label
    sets = {f"without {kind}": [k for k in USED if k != kind] for kind in USED}
    for name, kinds in (sets | {"and neighbours": list(KINDS)}).items():
        weights = suspicion.weigh(
            [copy.evidence(kinds) for copy, _ in copies.values()],
            [mask for _, mask in copies.values()],
            first=2 if "probability" in kinds else 0,
        )
        out[name] = weights.score(m.evidence(kinds))
    for name, logits in ((CLEANLAB, plain), (f"{CLEANLAB}, cleaned heads", m.logits)):
        p = suspicion.softmax(logits)
        issues, quality = cleanlab_issues(label, p)
        out[name] = issues + quality / 4  # quality is from -1 to 0
        out[f"{name}, self-confidence"] = quality
        out[f"{name}, normalised margin"] = cleanlab_issues(label, p, "low_normalized_margin")[1]
    return out | {KNN: -m.neighbours, LOSS: m.loss}


def curve_points(
    scores: np.ndarray, wrong: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute average precision, and precision at 100 and at the true number: (draw,) each.

    scores, wrong (example,); weights (draw, example): how often an example counts. Tied scores keep
    the examples' order.
    """
    order = np.argsort(-scores, kind="stable")
    w, bad = weights[:, order], wrong[order]
    taken, hits = np.cumsum(w, 1), np.cumsum(w * bad, 1)
    precision = hits / np.maximum(taken, 1)
    total = hits[:, -1]
    rows = np.arange(len(w))

    def at(number: np.ndarray) -> np.ndarray:
        enough = (taken >= np.minimum(number, taken[:, -1])[:, None]).argmax(1)
        return precision[rows, enough]

    return {
        "average_precision": (precision * w * bad).sum(1) / np.maximum(total, 1),
        "at_100": at(np.full(len(w), 100)),
        "at_true": at(total),
    }


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(seed=[name]) for name, m in run.members()]
    return {"methods": xr.concat(rows, "seed")}


def methods_table(run: Run, what: str = "average_precision", seed: int = 0) -> pd.DataFrame:
    """Tabulate the methods of a condition: mean over seeds, and all evidence minus each, paired.

    Columns: method, value, low, high, ahead, ahead_low, ahead_high: 95 % intervals over images,
    drawn with replacement, and seeds (`bootstrap.seed_weights`).
    """
    x = run.table("methods")[what].transpose("method", "draw", "seed")
    values = x.values.astype(float)
    seeds = seed_weights(x.sizes["seed"], x.sizes["draw"] - 1, np.random.default_rng([seed, 19]))
    spread = (values * seeds).sum(2)
    mean, spread = spread[:, 0], spread[:, 1:]
    names = [str(n) for n in x["method"].values]
    ours = names.index(OURS)
    rows = []
    for i, name in enumerate(names):
        low, high = np.clip(np.quantile(spread[i], [0.025, 0.975]), 0.0, 1.0)
        less, more = np.quantile(spread[ours] - spread[i], [0.025, 0.975])
        rows.append((name, mean[i], low, high, mean[ours] - mean[i], less, more))
    columns = ["method", "value", "low", "high", "ahead", "ahead_low", "ahead_high"]
    return pd.DataFrame(rows, columns=columns).sort_values("value", ascending=False)


def calibration(run: Run) -> pd.DataFrame:
    """Compare the expected with the true precision of suggestions, one row a seed and action.

    Columns: seed, action, suggested, expected with _low and _high, true, share of wrong labels as
    estimated with _low and _high, share_true.
    """
    x = run.table("methods")
    rows = []
    for seed in x["seed"].values:
        one = x.sel(seed=seed)
        whole = {c: float(one[c]) for c in ("share", "share_low", "share_high")}
        whole["share_true"] = float(one["wrong"] / one["examples"])
        for action in x["action"].values:
            a = one.sel(action=action)
            n = int(a["suggested"])
            row = {"seed": str(seed), "action": str(action), "suggested": n}
            row |= {c: float(a[c]) for c in ("expected", "expected_low", "expected_high")}
            rows.append(row | {"true": float(a["hits"]) / n if n else float("nan")} | whole)
    return pd.DataFrame(rows)
