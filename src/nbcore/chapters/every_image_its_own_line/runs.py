"""Profiles of the images of ImageNetV2 and CIFAR-10.1 over the models of chapter 1's testbeds.

run = load_profiles(config)
run.table("imagenetv2")     # correlations by image, subsets by split, profiles to page through
"""

import re
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from nbcore import data as nbdata
from nbcore.chapters.every_image_its_own_line.config import Profiles
from nbcore.measures.generalization.profiles import (
    binned_profile,
    equally_hard,
    falling,
    profile_correlation,
    set_correlation,
)
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

BEDS = {"imagenetv2": "testbed-imagenetv2", "cifar10.1": "testbed-cifar10.1"}
#: models that are left out: none, or those trained on image descriptors of before deep learning
ALL, NETWORKS = "all models", "without Fisher vectors"
#: what is chosen in a split
CHOSEN, MATCHED = "falling most", "equally hard"
#: images kept to page through, of each kind, and the bins of their profiles
SHOWN, BINS = 24, 8
KINDS = ("falls", "rises", "between")
#: families by the beginnings of names: architectures, whoever trained them
FAMILIES = (
    (r"fv_|.*random_features", "features"),
    (r"alexnet", "AlexNet"),
    (r"vgg", "VGG"),
    (r"squeezenet", "SqueezeNet"),
    (r"mobilenet", "MobileNet"),
    (r"shake", "shake"),
    (r"p?nas|polynet|darc", "searched"),
    (r"se_|senet|dpn", "SE and DPN"),
    (r"resnext", "ResNeXt"),
    (r"densenet", "DenseNet"),
    (r"bninception|inception|xception", "Inception"),
    (r".*resnet|wrn", "ResNet"),
)


def family(model: str) -> str:
    """Name a model's family; what no rule names is one of its own by its first word."""
    for pattern, name in FAMILIES:
        if re.match(pattern, model.lower()):
            return name
    return re.split(r"[_\-0-9]", model.lower())[0]


def _halves(families: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw families until half of the models or more are in: (model,) bool."""
    order, chosen = rng.permutation(np.unique(families)), np.zeros(len(families), bool)
    for name in order:
        if chosen.sum() >= len(families) / 2:
            break
        chosen |= families == name
    return chosen


def _splits(
    right: np.ndarray, accuracy: np.ndarray, families: np.ndarray, config: Profiles
) -> np.ndarray:
    """Choose on one half and judge on the other: (split, [chosen, matched]) correlations.

    The number of images chosen is that of 10,000; of fewer images, the same share.
    """
    out, n = [], round(config.subset * right.shape[1] / 10_000)
    for k in range(config.splits):
        rng = np.random.default_rng([config.seed, k])
        first = _halves(families, rng)
        chosen = falling(right[first], accuracy[first], n)
        matched = equally_hard(right[first], chosen, rng)
        judged, known = right[~first], accuracy[~first]
        out.append([set_correlation(judged[:, part], known) for part in (chosen, matched)])
    return np.array(out)


def _shown(
    correlation: np.ndarray, solved: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, list[str]]:
    """Pick images to page through: those that fall most, some that rise, some between.

    correlation, solved (image,): with accuracy, and the share of models that are right.
    """
    known = np.flatnonzero(np.isfinite(correlation))
    order = known[np.argsort(correlation[known], kind="stable")]
    rises = np.flatnonzero(correlation > 0.5)
    between = np.flatnonzero((np.abs(correlation) < 0.1) & (np.abs(solved - 0.5) < 0.3))
    parts = [order[:SHOWN], *(rng.permutation(p)[:SHOWN] for p in (rises, between))]
    kinds = [kind for kind, p in zip(KINDS, parts, strict=True) for _ in p]
    return np.concatenate(parts), kinds


def _member(config: Profiles, name: str) -> xr.Dataset:
    bed = nbdata.load_testbed(BEDS[name])
    accuracy = (bed.id_predictions == bed.id_labels).mean(1)
    right = bed.ood_predictions == bed.ood_labels
    names, families = np.array(bed.models), np.array([family(m) for m in bed.models])
    keep = {ALL: np.ones(len(names), bool), NETWORKS: families != "features"}
    correlation = profile_correlation(right, accuracy)
    splits = [_splits(right[m], accuracy[m], families[m], config) for m in keep.values()]
    rng = np.random.default_rng([config.seed, 11])
    permuted = [
        profile_correlation(right, rng.permutation(accuracy)) for _ in range(config.shuffles)
    ]
    own = keep[NETWORKS]  # Fisher vectors alone would decide which images are shown
    networks = profile_correlation(right[own], accuracy[own])
    images, kinds = _shown(networks, right.mean(0), rng)
    at, shares = binned_profile(right, accuracy, BINS)
    out: dict[str, Any] = {
        "correlation": ("image", correlation.astype(np.float32)),
        "solved": ("image", right.sum(0).astype(np.int16)),
        "falling": ("shuffle", [_falls(p, len(names)) for p in [correlation, *permuted]]),
        "held_out": (("models", "split", "subset"), splits),
        "id": ("model", accuracy),
        "ood": ("model", right.mean(1)),
        "at": ("bin", at),
        "share": (("bin", "shown"), shares[:, images].astype(np.float32)),
        "mean_share": ("bin", shares.mean(1)),
        "answer": (("model", "shown"), right[:, images]),
        "shown_image": ("shown", images),
        "shown_correlation": ("shown", networks[images]),
        "kind": ("shown", kinds),
        "label": ("shown", [_class(bed, int(label)) for label in bed.ood_labels[images]]),
    }
    coords = {"model": names, "models": list(keep), "subset": [CHOSEN, MATCHED]}
    return xr.Dataset(out, coords).assign_coords(family=("model", families))


def _falls(correlation: np.ndarray, models: int) -> float:
    """Share of images whose correlation is below 0 by a one-sided test at 2.5 %."""
    from scipy import stats

    t = stats.t.isf(0.025, models - 2)
    edge = t / np.sqrt(models - 2 + t**2)
    return float((np.nan_to_num(correlation) < -edge).mean())


def _class(bed: Any, label: int) -> str:
    return bed.synset[label] if bed.synset else str(label)


def _reduce(run: Run) -> Tables:
    return {name: member for name, member in run.members()}


def profiles_plan(config: Profiles) -> Plan:
    """Plan both testbeds: ten seconds."""
    return Plan(
        "image-profiles", config, BEDS, list(BEDS), partial(_member, config), reduce=_reduce
    )


STORED = {"image-profiles": lambda m: profiles_plan(Profiles.from_address(m["config"]))}


def load_profiles(config: Profiles, fresh: bool = False) -> Run:
    """Load the stored profiles, or compute them."""
    return run_or_load(profiles_plan(config), fresh)
