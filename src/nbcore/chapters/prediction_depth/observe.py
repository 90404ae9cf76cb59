"""Chapter 3's observations: the runs that it reads, and what they say on the ledger's checks."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import xarray as xr

from nbcore import claims
from nbcore.chapters.prediction_depth import agreement as statistics
from nbcore.chapters.prediction_depth import sensitivity
from nbcore.chapters.prediction_depth.agreement import Floats, Pair
from nbcore.chapters.prediction_depth.config import PredictionDepth
from nbcore.chapters.prediction_depth.runs import at_full_size, load_companions
from nbcore.claims import Observation
from nbcore.depths.ensembles import load
from nbcore.depths.roster import nice_name
from nbcore.depths.view import EnsembleView
from nbcore.measures.bootstrap import (
    NETWORKS_FIXED,
    auroc_draws,
    ensemble_mean_draws,
    estimate,
    members_label,
)
from nbcore.measures.correlation import curve_correlation
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import Run, together

Observed = dict[str, Estimate]

#: names of data sets in the ledger's checks, in the paper's order of mean depth
LEDGER = {
    "fashion-mnist": "fashion-mnist",
    "svhn": "svhn",
    "cifar10": "cifar-10",
    "cifar100": "cifar-100",
}


@dataclass
class Study:
    """The runs that this chapter reads, by DATASET:NETWORK (companions: by what they are for)."""

    config: PredictionDepth
    runs: dict[str, Run]
    companions: dict[str, Run] = field(default_factory=dict)
    sensitivity: dict[str, Run] = field(default_factory=dict)
    full_size: dict[str, Run] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The first key, on which labels are planted."""
        return next(iter(self.runs))

    @property
    def main(self) -> str:
        """The key whose figures stand for all: the second, as for the companions."""
        return list(self.runs)[min(1, len(self.runs) - 1)]

    @property
    def draws(self) -> int:
        return self.config.resamples

    def companion(self, purpose: str) -> tuple[str, Run] | None:
        """Find (key, run) of the first companion for this purpose, such as "noise"; else None."""
        found = ((k, r) for k, r in self.companions.items() if k.partition(" ")[0] == purpose)
        name, run = next(found, ("", None))
        return (name.partition(" ")[2], run) if run else None

    @cached_property
    def agreement(self) -> list[Pair]:
        """See `agreement.agreement`; computed once."""
        views = {key: EnsembleView.of(key, run) for key, run in self.runs.items()}
        return statistics.agreement(views, self.draws)


def gather(config: PredictionDepth, fresh: bool = False) -> Study:
    """Load or compute every run of the chapter."""
    return Study(
        config,
        load(config, fresh),
        load_companions(config, fresh),
        sensitivity.load_sensitivity(config, fresh),
        at_full_size(config),
    )


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record every claim of which at least one check could be observed."""
    main = study.runs[study.main]
    noise, deep = study.companion("noise"), study.companions.get("deep 15")
    parts: dict[str, tuple[Run | None, Callable[[], Observed]]] = {
        "B1": (main, lambda: _data_sets(study)),
        "B2": (noise and noise[1], lambda: _wrong_labels(study)),
        "B3": (main, lambda: _agree(study.agreement)),
        "B4": (main, lambda: _alike(study.agreement)),
        "B40": (main, lambda: _accuracies(by_data_set(study), study.draws)),
        "B41": (main, lambda: _undefined(study)),
        "B44": (deep, lambda: _deep(study)),
    }
    deep_key = f"{study.main.partition(':')[0]}:mlp"
    about = {"B2": [noise[0]] if noise else [], "B44": [deep_key]}
    config = study.config
    claims.forget(config.slug)
    out = {
        key: claims.record(
            key,
            seen,
            run=run,
            subject="; ".join(map(nice_name, about.get(key, study.runs))),
            preset=preset,
            setup=config.setup(key),
        )
        for key, (run, observe) in parts.items()
        if run is not None and (seen := observe())
    }
    if study.full_size:  # the networks that the claim is about, as far as they were run
        out["B40"] = claims.record(
            "B40",
            _accuracies(_by_network(study.full_size), study.draws),
            run=together(study.full_size.values()),
            subject="; ".join(map(nice_name, study.full_size)),
            preset="paper",
            setup=as_found(study.full_size).setup("B40", list(study.full_size)),
        )
    return out


def as_found(runs: dict[str, Run]) -> PredictionDepth:
    """Return the paper's config, but with these ensembles and as many networks as they have.

    Only networks on the whole pool are counted: their accuracy is what the paper lists.
    """
    full = [int(EnsembleView.of(key, run).full.sum()) for key, run in runs.items()]
    datasets, networks = zip(*(key.rsplit(":", 1) for key in runs), strict=True)
    return replace(
        PredictionDepth.paper(), datasets=datasets, networks=networks, full_members=min(full)
    )


def by_data_set(study: Study) -> dict[str, dict[str, Run]]:
    """Sort the runs: network -> data set -> run.

    The companion on another set stands in where no ensemble was run on that set.
    """
    extra = study.companion("other-set")
    return _by_network(({extra[0]: extra[1]} if extra else {}) | study.runs)


def _by_network(runs: dict[str, Run]) -> dict[str, dict[str, Run]]:
    out: dict[str, dict[str, Run]] = {}
    for key, run in runs.items():
        dataset, _, network = key.rpartition(":")
        out.setdefault(network, {})[dataset] = run
    return out


def full_depths(run: Run) -> Floats:
    """Read the training depths (member, example) of the networks on the whole pool, or of all.

    NaN where undefined. All networks are taken only where none is on the whole pool.
    """
    view = EnsembleView.of("", run)
    return view.depths("train")[view.fullest]


def training_depth(run: Run, resamples: int) -> tuple[Floats, int]:
    """Bootstrap the mean of `full_depths` (draw,); also return the number of those networks."""
    depth = full_depths(run)
    return ensemble_mean_draws(depth, resamples), len(depth)


def _data_sets(study: Study) -> Observed:
    """Estimate B1 for the paper's ResNet18; else for the network that most sets were run with."""
    networks = by_data_set(study)
    best = max(networks, key=lambda n: (n == "resnet18" and len(networks[n]) > 1, len(networks[n])))
    sets = networks[best]
    out: Observed = {}
    for low, high in pairwise(LEDGER):
        if low in sets and high in sets:
            (a, n), (b, m) = (training_depth(sets[s], study.draws) for s in (low, high))
            name = f"{LEDGER[high]} minus {LEDGER[low]} mean depth"
            out[name] = estimate(b - a, min(n, m), "layer", members_label(min(n, m)))
    return out


def wrong_labels(run: Run) -> tuple[Floats, np.ndarray]:
    """Read training depths (member, example), and which labels are not the original ones."""
    examples = run.table("examples")
    wrong = examples["label"].values != examples["original_label"].values
    return full_depths(run), wrong


def auroc(run: Run, resamples: int) -> Estimate:
    """Estimate how well the depth in one network finds the changed labels; mean over networks."""
    depth, wrong = wrong_labels(run)
    n = len(depth)
    return estimate(auroc_draws(depth, wrong, resamples), n, "1", members_label(n))


def _wrong_labels(study: Study) -> Observed:
    noise = study.companion("noise")
    if noise is None:
        return {}
    return {"auroc of depth for wrong labels": auroc(noise[1], study.draws)}


def _agree(pairs: list[Pair]) -> Observed:
    kinds = {
        "seeds": [p.seen for p in pairs if p.same],
        "architectures": [p.seen for p in pairs if not p.same],
    }
    return {
        f"smallest spearman between {name}": min(seen, key=lambda e: e.value)
        for name, seen in kinds.items()
        if seen
    }


def _alike(pairs: list[Pair]) -> Observed:
    """Estimate B4: both correlations of a difference are drawn with the same examples."""
    by = {(p.dataset, p.split, frozenset((p.first, p.second))): p for p in pairs}
    found = []
    for dataset, split in dict.fromkeys((p.dataset, p.split) for p in pairs):
        near, far = (
            by.get((dataset, split, frozenset(names)))
            for names in (("resnet18", "vgg16"), ("vgg16", "mlp"))
        )
        if near and far:
            found.append(estimate(near.draws - far.draws, near.networks, "1"))
    name = "smallest resnet18-vgg16 minus vgg16-mlp spearman"
    return {name: min(found, key=lambda e: e.value)} if found else {}


def test_accuracy(run: Run, resamples: int) -> tuple[Floats, int]:
    """Bootstrap the test accuracy (draw,) of networks on the whole pool, or of all; count them."""
    view = EnsembleView.of("", run)
    truth = view.examples["label_test"].values
    right = (view.members["final_test"].values[view.fullest] == truth).astype(float)
    return ensemble_mean_draws(right, resamples), len(right)


def _accuracies(networks: dict[str, dict[str, Run]], resamples: int) -> Observed:
    out: Observed = {}
    for network, sets in networks.items():
        for dataset in (d for d in sets if d in LEDGER):
            draws, n = test_accuracy(sets[dataset], resamples)
            name = f"{LEDGER[dataset]} {network} accuracy"
            out[name] = estimate(draws, n, "fraction", members_label(n))
    return out


def _undefined(study: Study) -> Observed:
    """Estimate B41 for the ensemble with most undefined depths, over all members' examples."""
    found = [run.table("members")["depth"].values for run in study.runs.values()]
    worst = max(found, key=lambda d: (d < 0).mean())
    return {
        "share of examples without a depth": Estimate.share(
            int((worst < 0).sum()), worst.size, len(worst), NETWORKS_FIXED
        )
    }


def accuracy_by_k(run: Run) -> xr.DataArray:
    """Average the accuracy of the probes on held-out examples over networks, (k, probe)."""
    return run.table("accuracy_by_k")["probe_accuracy"].mean("member").transpose("k", "probe")


def deep_curves(study: Study) -> dict[int, Floats]:
    """Map hidden layers to (probe,) accuracy on training images with the labels given to them."""
    runs = {n: study.companions.get(f"deep {n}") for n in (7, 15)}
    return {
        n: r.table("members")["probe_accuracy_train"].values.mean(0) for n, r in runs.items() if r
    }


def _deep(study: Study) -> Observed:
    curves = deep_curves(study)
    if len(curves) < 2:
        return {}
    short, long = (test_accuracy(study.companions[f"deep {n}"], study.draws) for n in (7, 15))
    n = min(long[1], short[1])
    out = {
        "spearman of the two probe curves over relative depth": curve_correlation(
            curves[7], curves[15]
        ),
        "15 minus 7 layers test accuracy": estimate(
            long[0] - short[0], n, "fraction", members_label(n)
        ),
    }
    return {name: seen for name, seen in out.items() if seen.defined}
