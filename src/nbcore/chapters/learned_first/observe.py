"""Chapter 15's observations: what is recorded in the ledger."""

import numpy as np

from nbcore import claims
from nbcore.chapters.learned_first import explained, scaling, worlds
from nbcore.chapters.learned_first.study import Study, steps_needed
from nbcore.claims import Observation
from nbcore.measures.bootstrap import Floats, estimate, peak_estimate
from nbcore.measures.estimate import Estimate

SEEDS = "seeds"
#: claim -> the run that it rests on
RESTS_ON = {"C13": "tangent", "C29": "worlds", "C35": "explained"}


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record the three claims and return the observations by id."""
    observe = {"C13": scaled, "C29": coupled, "C35": learned}
    claims.forget(study.config.slug)
    return {
        key: claims.record(
            key,
            {name: e for name, e in measure(study).items() if e.defined},
            run=study.runs[RESTS_ON[key]],
            subject=subject(study, key),
            preset=preset,
            setup=study.config.setup(key, [RESTS_ON[key]]),
            chapter=study.config.slug,
        )
        for key, measure in observe.items()
        if RESTS_ON[key] in study.runs
    }


def subject(study: Study, key: str) -> str:
    """Say in words what a claim was observed of."""
    dataset = study.runs[RESTS_ON[key]].manifest["config"]["dataset"]
    kinds = {
        "C13": "a convolutional network and its tangent kernels",
        "C29": "a convolutional and a fully connected network",
        "C35": "a convolutional network",
    }
    return f"{kinds[key]} on {dataset}"


def _mean(study: Study, values: Floats, unit: str = "fraction") -> Estimate:
    # means of equal numbers differ by rounding alone, which is no interval
    return estimate(study.over_seeds(values).round(9), len(values), unit, SEEDS)


def _at(values: Floats, where: np.ndarray) -> Floats:
    return np.take_along_axis(values, where[:, None], 1)[:, 0]


def learned(study: Study) -> dict[str, Estimate]:
    """Measure what is explained early and late, and what is retained (C35)."""
    known, early = study.known(), study.early()
    with np.errstate(invalid="ignore", divide="ignore"):
        share = {k: study.shared(k) / known for k in explained.EXPLAINERS}
        kept = {
            k: study.shared(k)[:, -1] / study.knows(k) for k in (explained.LINEAR, explained.RANDOM)
        }
    linear, hidden, chance = (share[k] for k in explained.EXPLAINERS)
    fitted = study.counts["accuracy_train"].values.astype(float)
    name = "share explained late by one hidden layer minus by the linear classifier"
    return {
        "share explained by the linear classifier early": _mean(study, _at(linear, early)),
        "share explained by the linear classifier late": _mean(study, linear[:, -1]),
        "share of the linear classifier retained at the end": _mean(study, kept[explained.LINEAR]),
        "retained share of the linear minus a random classifier": _mean(
            study, kept[explained.LINEAR] - kept[explained.RANDOM]
        ),
        name: _mean(study, hidden[:, -1] - linear[:, -1]),
        "error on training pictures at the end": _mean(study, 1 - fitted),
        "control share explained by a random classifier early": _mean(study, _at(chance, early)),
    }


def coupled(study: Study) -> dict[str, Estimate]:
    """Compare soft errors of two networks in all worlds (C29)."""
    out = {}
    for network in worlds.NETWORKS:
        ideal, real, few = (study.soft(network, w) for w in (worlds.IDEAL, worlds.REAL, worlds.FEW))
        name, gaps = network.lower(), real - ideal
        out[f"{name} soft error real minus ideal at the end"] = _mean(study, gaps[:, -1])
        out[f"{name} largest gap along the way"] = peak_estimate(
            study.over_seeds(gaps), len(gaps), "fraction", SEEDS
        )
        out[f"control {name} on 150 pictures soft error minus ideal"] = _mean(
            study, (few - ideal)[:, -1]
        )
    for before, world in (
        ("real world", worlds.REAL),
        ("ideal world", worlds.IDEAL),
        ("control shuffled pixels ideal world", worlds.SHUFFLED),
    ):
        gap = study.soft(worlds.MLP, world) - study.soft(worlds.CNN, world)
        out[f"{before} mlp minus cnn soft error"] = _mean(study, gap[:, -1])
    name = "ideal world share of steps after which the cnn is where the mlp ends"
    return out | {name: _mean(study, share_of_steps(study))}


def share_of_steps(study: Study) -> Floats:
    """Compute after which share of the steps the CNN is where the MLP ends: (member,).

    In the Ideal World, by soft error. Where it never is, 1: no sooner than the MLP itself.
    """
    steps = study.curves["step"].values.astype(float)
    cnn, mlp = (study.soft(k, worlds.IDEAL) for k in worlds.NETWORKS)
    needed = [steps_needed(c, steps, m[-1]) for c, m in zip(cnn, mlp, strict=True)]
    return np.nan_to_num(np.array(needed) / steps[-1], nan=1.0)


def scaled(study: Study) -> dict[str, Estimate]:
    """Compare exponents of a network and of kernels, and kernels along training (C13)."""
    network, start = (study.exponents(k) for k in (scaling.NETWORK, scaling.START))
    later = [study.exponents(k, study.pretrained) for k in (scaling.NETWORK, scaling.PRETRAINED)]
    along = study.scaled["error_along"].transpose("member", "moment").values
    moments = list(scaling.MOMENTS)
    tenth, half, end = (moments.index(m) for m in (0.1, 0.5, 1.0))
    apart = study.scaled["distance"].transpose("member", "moment", "other").values[:, half, end]
    still = study.scaled["distance_lazy"].values.astype(float)
    lazy = study.exponents(scaling.LAZY)
    gains = {
        "exponent of the network minus kernel at the start": network - start,
        "exponent of the network minus widest kernel": network - study.exponents(scaling.WIDE),
        "exponent of the network minus pretrained kernel": later[0] - later[1],
        "kernel distance from half of training to its end minus that of a lazy network from "
        "start to end": apart - still,
        "control exponent of a lazy network minus kernel at the start": lazy - start,
        "control lazy network kernel distance from start to end": still,
    }
    name = "error by the kernel after a tenth of training minus after all of it"
    fell = _mean(study, along[:, tenth] - along[:, end])
    return {k: _mean(study, v, "1") for k, v in gains.items()} | {name: fell}
