"""The live cell's experiment: a network that has met the shift in pretraining, and a random start.

Eight models of digits 0 to 4 give the line between those digits and the same moved to the right.
One network is pretrained on *other* digits, 5 to 9, in several positions, as ImageNet has its
objects in many; then it is fine-tuned on digits 0 to 4 in their own position alone. The other
starts from random weights. All of it is trained when it is asked for, and kept nowhere.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from nbcore import data as nbdata
from nbcore.lines.curves import Study, by_condition, measure
from nbcore.lines.packing import pack
from nbcore.measures.selection import balanced_subset
from nbcore.models.pretrained import Classifier
from nbcore.models.small import small_cnn
from nbcore.runs.run import Run
from nbcore.training import loop, testbed
from nbcore.training.classical import shift_digits
from nbcore.training.recipe import Recipe

BED = ("knn-10", "knn-30", "knn-300", "mlp-300", *(f"plain16-{n}" for n in (10, 30, 90, 300)))
CONDITIONS = ("full", "random")
#: pixels to the right that the shifted test digits are moved; where pretraining has its digits
SHIFT, POSITIONS = 0.8, (-1.0, -0.5, 0.0, 0.5, 1.0)
TRAIN_IMAGES, STEPS, PRETRAINING, EPOCHS = 300, 60, 300, 0.4


class Digits(NamedTuple):
    """Digits 0 to 4 to train on and to test on, as they are ("id") and moved ("ood"); 5 to 9."""

    train: tuple[np.ndarray, np.ndarray]
    evaluations: dict[str, tuple[np.ndarray, np.ndarray]]
    others: tuple[np.ndarray, np.ndarray]


def digits(shift: float = SHIFT) -> Digits:
    """Split all digits of scikit-learn: 300 of 0 to 4 to train on, the other 601 to test on."""
    images, labels = (
        np.concatenate([getattr(nbdata.load("digits", part), k) for part in ("train", "test")])
        for k in ("images", "labels")
    )
    low = labels < 5
    own, names = images[low], labels[low]
    picked = balanced_subset(names, TRAIN_IMAGES)
    rest = np.setdiff1d(np.arange(len(names)), picked)
    test = own[rest]
    return Digits(
        (own[picked], names[picked]),
        {"id": (test, names[rest]), "ood": (moved(test, shift), names[rest])},
        (
            np.concatenate([moved(images[~low], by) for by in POSITIONS]),
            np.tile(labels[~low] - 5, len(POSITIONS)),
        ),
    )


def moved(images: np.ndarray, pixels: float) -> np.ndarray:
    """Move uint8 digits (n, 8, 8, 1) to the right."""
    return np.rint(shift_digits(images[..., 0], pixels))[..., None].astype(np.uint8)


def study(seeds: Sequence[int] = range(3), resamples: int = 200) -> Study:
    """Train everything; measure both conditions, mean over `seeds`, against the line."""
    sets = digits()
    bed = {name: testbed.train_member(name, *sets[:2], epochs=EPOCHS) for name in BED}
    trained = {f"{c}-seed{s}": _train(c, s, sets) for s in seeds for c in CONDITIONS}
    models, curves = pack(bed.items()), pack(trained.items())
    kept, run = _in_memory("models", models), _in_memory("curves", curves)
    return measure(kept, run, by_condition(curves), BED, resamples)


def ahead(found: Study) -> int:
    """Count the seeds of which the pretrained network's peak is above that of the random start."""
    peaks = []
    for name in CONDITIONS:
        c = found.curves[name]
        inside = found.line.covers(c.id_by_seed)
        peaks.append(np.where(inside, c.er_by_seed, -np.inf).max(1))
    return int((peaks[0] > peaks[1]).sum())


def _train(condition: str, seed: int, sets: Digits) -> xr.Dataset:
    net = small_cnn(16, 5, channels=1, seed=seed)
    if condition == "full":
        _pretrain(net, seed, sets)
    recipe = Recipe(steps=STEPS, batch=32, lr=0.02, checkpoints=12, first=1)
    return loop.train(net, sets.train, sets.evaluations, recipe, seed=seed, device="cpu")


def _pretrain(net: Classifier, seed: int, sets: Digits) -> None:
    recipe = Recipe(steps=PRETRAINING, batch=64, lr=0.05, checkpoints=2)
    loop.train(net, sets.others, {}, recipe, seed=seed, device="cpu")
    net.replace_head(5)


def _in_memory(name: str, table: xr.Dataset) -> Run:
    manifest = {"experiment": "toy", "members": {}, "tables": {name: {}}}
    return Run(Path(), manifest, "computed", {f"table-{name}.zarr.zip": table})
