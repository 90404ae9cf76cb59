"""How much prediction depth moves with each choice that its definition leaves open (CLAIMS.md).

One network of an ensemble is trained again from its seed, its neighbours are found once, and the
depths are counted under each choice from the same neighbours.
"""

import ast
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
import xarray as xr
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbcore.depths import ensembles, roster
from nbcore.measures import neighbours
from nbcore.measures.depth import prediction_depth, vote
from nbcore.models import papers, probes
from nbcore.runs.config import Config, param
from nbcore.runs.manifests import Manifest
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training import ensemble, loop

BASE = "the definition"
KS = (10, 20, 30, 50, 100)
#: probes after which a linear classifier is fitted: the input and the first layers (B45)
SEPARABLE = 3


@dataclass(frozen=True)
class Sensitivity(Config):
    """Which ensemble's members are looked at; its own fields identify them."""

    slug: ClassVar[str] = "sensitivity"

    of: str = param("", "address of the ensemble's settings")
    members: int = param(1, "networks", low=1, in_address=False)


def load_sensitivity(config: roster.DepthConfig, fresh: bool = False) -> dict[str, Run]:
    """Load or compute the sensitivity of the first two ensembles: DATASET:NETWORK -> run.

    Tables `choices`: `depth_change`, the share of examples whose depth differs from the
    definition's, and `mean_depth` (member, choice, role), role train or val. `accuracy_by_k`:
    `probe_accuracy` (member, k, probe) of validation examples. `separability`: `accuracy` (member,
    layer), of a logistic regression on the examples it was fitted to, after the input and the first
    layers.
    """
    chosen = dict(list(roster.ensembles(config).items())[:2])
    return {key: run_sensitivity(e, fresh) for key, e in chosen.items()}


def run_sensitivity(config: ensembles.Ensemble, fresh: bool = False, members: int = 1) -> Run:
    """Load or compute the sensitivity of one ensemble's depths; see `load_sensitivity`."""
    return run_or_load(run_plan(config, members), fresh)


def run_plan(config: ensembles.Ensemble, members: int = 1) -> Plan:
    """Plan the run for the sensitivity of one ensemble's depths."""
    setting = Sensitivity(of=repr(sorted(config.address().items())), members=members)
    return Plan(
        setting.slug,
        setting,
        config.roles(),
        [f"split-{i:03}" for i in range(members)],
        partial(member, config),
        reduce=_reduce,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    address = dict(ast.literal_eval(manifest["config"]["of"]))
    return run_plan(ensembles.stored_config({**manifest, "config": address}))


STORED = {Sensitivity.slug: _stored}


def member(config: ensembles.Ensemble, name: str) -> xr.Dataset:
    """Train one network of the ensemble again, and compute its depths under every choice."""
    pool, index = ensembles.load_pool(config), int(name.rpartition("-")[2])
    held = ensemble.held_out_mask(
        len(pool.labels), index, config.held_out, config.splits, config.seed
    )
    model = _train(config, pool, held, ensembles.member_seed(config, index))
    images = loop.as_tensor(pool.images)
    final = probes.logits(model, images).argmax(1).cpu().numpy()
    said: dict[str, list[np.ndarray]] = {}
    by_k, names = [], []
    separable: dict[str, float] = {}
    for probe, embedding in probes.read(model, images, papers.probe_points(model, config.in_block)):
        names.append(probe)
        votes, at_k = _votes(embedding, pool.labels, held, config.k, len(pool.classes))
        by_k.append([(v == pool.labels)[held].mean() for v in at_k.values()])
        for choice, answer in votes.items():
            said.setdefault(choice, []).append(answer)
        if len(separable) < SEPARABLE:
            separable[probe] = linear_accuracy(embedding[~held].cpu().numpy(), pool.labels[~held])
    changed, mean = _compare(said, final, pool.labels, held)
    return xr.Dataset(
        {
            "depth_change": (("choice", "role"), np.array(list(changed.values()))),
            "mean_depth": (("choice", "role"), np.array(list(mean.values()))),
            "probe_accuracy": (("k", "probe"), np.array(by_k).T),
            "accuracy": ("layer", list(separable.values())),
        },
        coords={
            "choice": list(changed),
            "role": ["train", "val"],
            "k": list(at_k),
            "probe": names,
            "layer": list(separable),
        },
    )


def _train(config: ensembles.Ensemble, pool, held, seed):
    model = papers.build(
        config.architecture,
        config.width,
        len(pool.classes),
        pool.images.shape[3],
        pool.images.shape[1],
        config.depth,
        seed,
    )
    loop.train(
        model,
        (pool.images[~held], pool.labels[~held]),
        {},
        config.recipe(),
        seed=seed,
        device=config.device,
        precision=config.precision,
    )
    return model


def _votes(embedding, labels, held, k, n_classes):
    """Compute what a probe says of every example under each choice, and by number of neighbours."""
    bank, own = embedding[~held], labels[~held]
    most = min(max(KS), len(own) - 1)
    found = neighbours.nearest(bank, embedding, most + 1)
    at_k = {n: vote(own[found[:, : min(n, most)]], n_classes) for n in KS}
    near = own[found[:, :k]]
    votes = {BASE: vote(near, n_classes)}
    votes |= {f"ties: {tie}": vote(near, n_classes, tie) for tie in ("nearest", "highest")}
    votes |= {f"k = {n}": answer for n, answer in at_k.items() if n != k}
    itself = np.full(len(labels), -1)
    itself[~held] = np.arange(len(own))
    others = found != itself[:, None]
    others[others.all(1), -1] = False  # held out, or crowded out by copies: nothing to leave out
    votes["the query left out"] = vote(own[found[others].reshape(len(found), -1)[:, :k]], n_classes)
    for dtype in (torch.bfloat16, torch.float64):
        near = own[_computed_in(dtype, bank, embedding, k)]
        votes[f"{str(dtype).removeprefix('torch.')} distances"] = vote(near, n_classes)
    among = vote(
        labels[held][neighbours.nearest(embedding[held], embedding[held], min(k, held.sum()))],
        n_classes,
    )
    votes["validation points among validation points"] = votes[BASE].copy()
    votes["validation points among validation points"][held] = among
    return votes, at_k


def _computed_in(dtype, bank, embedding, k):
    """Find (example, k) neighbours by distances in `dtype`, without any care for its rounding."""
    bank = bank.to(dtype)
    squares = (bank * bank).sum(1)
    found = [
        torch.addmm(squares, part.to(dtype), bank.T, alpha=-2).topk(k, largest=False).indices.cpu()
        for part in embedding.split(1000)
    ]
    return torch.cat(found).numpy()


def _compare(said, final, labels, held):
    """Compare the depths under each choice: share changed, and mean depth, each (train, val)."""
    probed = {choice: np.stack(answers, axis=1) for choice, answers in said.items()}
    base = probed[BASE]
    depths = {choice: prediction_depth(answers, final) for choice, answers in probed.items()}
    depths["last probe instead of the network"] = prediction_depth(base, base[:, -1])
    depths["true label instead of the prediction"] = prediction_depth(base, labels)
    roles = (~held, held)
    changed = {c: [(d != depths[BASE])[r].mean() for r in roles] for c, d in depths.items()}
    mean = {c: [_mean(d[r]) for r in roles] for c, d in depths.items()}
    return changed, mean


def _mean(depths: np.ndarray) -> float:
    known = depths[depths >= 0]
    return float(known.mean()) if len(known) else float("nan")


def linear_accuracy(x: np.ndarray, y: np.ndarray) -> float:
    """Fit a logistic regression to (x, y), all but unpenalised; return its accuracy on the same."""
    fit = make_pipeline(StandardScaler(), LogisticRegression(C=1e4, max_iter=300, tol=1e-3))
    return float(fit.fit(x, y).score(x, y))


def _reduce(run: Run) -> Tables:
    rows = [m.expand_dims(member=[name]) for name, m in run.members()]
    both = xr.concat(rows, "member", data_vars="all", coords="minimal", compat="override")
    return {
        "choices": both[["depth_change", "mean_depth"]],
        "accuracy_by_k": both[["probe_accuracy"]],
        "separability": both[["accuracy"]],
    }
