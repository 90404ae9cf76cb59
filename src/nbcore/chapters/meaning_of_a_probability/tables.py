"""Tables to predict a yes or no from, with ten overlapping groups each.

Two come with statsmodels (a package of its own, for running this anew only), one is made of
photographs seen by a pretrained network, one of scikit-learn's digits.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from nbcore import data as nbdata
from nbcore import files
from nbcore.errors import DataError

#: of the tables in statsmodels
CHECKSUMS = {
    "fair": "fd5f3f094a34fc35ca346a14c359e046ed27843038d6921efcd50a7ab21f6af0",
    "randhie": "9f6c87d05aef087a82cc4465310c8cd3f38327be6eafa43bd81fb98c4f3d088c",
}
#: what is predicted, as pages say it
WHAT = {
    "fair": "an affair",
    "randhie": "a visit to a doctor",
    "animals": "a cat or a dog",
    "digits": "a digit of 5 or more",
}
#: photographs of animals that are used, and their side for the network
PHOTOGRAPHS, SIDE = 6000, 96
#: principal components that are kept of their features: as many as all rows settle without labels
COMPONENTS = 50
#: of pictures that are in a group of one kind, such as dark ones
SHARE = 0.3
ANIMALS, PETS = ("bird", "cat", "deer", "dog", "frog", "horse"), ("cat", "dog")


class Table(NamedTuple):
    """features (n, d), outcome (n,) of 0 and 1, groups (n, group) bool and their names."""

    features: np.ndarray
    outcome: np.ndarray
    groups: np.ndarray
    names: tuple[str, ...]


@lru_cache(maxsize=2)
def load_table(name: str) -> Table:
    """Load a table by its name. DataError where it is not there, or another than it was."""
    return {"fair": _fair, "randhie": _randhie, "animals": _animals, "digits": _digits}[name]()


def _csv(name: str) -> pd.DataFrame:
    found = find_spec("statsmodels")
    if found is None or not found.submodule_search_locations:
        raise DataError(
            f"The table {name} comes with statsmodels, which is not installed: install it with "
            "pip install statsmodels, or choose the table digits."
        )
    file = Path(found.submodule_search_locations[0]) / "datasets" / name / f"{name}.csv"
    if not file.is_file() or files.sha256(file) != CHECKSUMS[name]:
        raise DataError(
            f"The table {name} of the statsmodels installed here is missing or another than in its "
            "release 0.15; install that one."
        )
    return pd.read_csv(file)


def _table(features: np.ndarray, outcome: np.ndarray, groups: dict[str, np.ndarray]) -> Table:
    x = np.asarray(features, float)
    x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-9)
    return Table(x, outcome.astype(float), np.stack(list(groups.values()), 1), tuple(groups))


def _fair() -> Table:
    """Women who answered a magazine in 1974: whether there was an affair."""
    t = _csv("fair")
    groups = {
        "up to 25 years": t.age <= 25,
        "37 years and more": t.age >= 37,
        "married 2½ years or less": t.yrs_married <= 2.5,
        "married 16½ years or more": t.yrs_married >= 16.5,
        "no children": t.children == 0,
        "3 children and more": t.children >= 3,
        "religious": t.religious >= 3,
        "unhappy marriage": t.rate_marriage <= 3,
        "school only": t.educ <= 12,
        "graduates": t.educ >= 16,
    }
    jobs = pd.get_dummies(t[["occupation", "occupation_husb"]].astype(int).astype(str))
    rest = t.drop(columns=["affairs", "occupation", "occupation_husb"])
    x = np.concatenate([rest.to_numpy(float), jobs.to_numpy(float)], 1)
    return _table(x, t.affairs.to_numpy() > 0, {k: v.to_numpy() for k, v in groups.items()})


def _randhie() -> Table:
    """Years of insured people in an experiment on insurance: whether they saw a doctor."""
    t = _csv("randhie")
    groups = {
        "free care": t.lncoins == 0,
        "pays half or more": t.lncoins >= np.log(50),
        "own deductible": t.idp == 1,
        "no incentive": t.lpi == 0,
        "limited": t.physlm > 0,
        "few illnesses": t.disea <= 6,
        "many illnesses": t.disea >= 15,
        "good health": t.hlthg == 1,
        "fair or poor health": (t.hlthf == 1) | (t.hlthp == 1),
        "excellent health": (t.hlthg + t.hlthf + t.hlthp) == 0,
    }
    x = t.drop(columns=["mdvis"]).to_numpy(float)
    return _table(x, t.mdvis.to_numpy() > 0, {k: v.to_numpy() for k, v in groups.items()})


def _looks(images: np.ndarray) -> dict[str, np.ndarray]:
    """Group pictures by light, contrast, where the light is, and edges: ten groups."""
    grey, half = images.astype(float).mean(-1), images.shape[1] // 2
    measured = {
        ("dark", "bright"): grey.mean((1, 2)),
        ("low contrast", "high contrast"): grey.std((1, 2)),
        ("light below", "light above"): (grey[:, :half] - grey[:, -half:]).mean((1, 2)),
        ("light right", "light left"): (grey[:, :, :half] - grey[:, :, -half:]).mean((1, 2)),
        ("smooth", "rough"): np.abs(np.diff(grey, axis=2)).mean((1, 2)),
    }
    out: dict[str, np.ndarray] = {}
    for (low, high), value in measured.items():
        ends = np.quantile(value, [SHARE, 1 - SHARE])
        out |= {low: value <= ends[0], high: value >= ends[1]}
    return out


def _animals() -> Table:
    """Photographs of six animals in CIFAR-10, as a pretrained network's features: cat or dog."""
    from nbcore.models.pretrained import create
    from nbcore.training.loop import cached_features

    found = nbdata.load("cifar10", "train")
    kind = np.array(found.classes)[found.labels]
    chosen = np.flatnonzero(np.isin(kind, ANIMALS))
    chosen = np.sort(np.random.default_rng(13).permutation(chosen)[:PHOTOGRAPHS])
    features = cached_features(create(size=SIDE), found.images[chosen], device="cpu")
    x = np.asarray(features, float)
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    x = u[:, :COMPONENTS] * s[:COMPONENTS]
    return _table(x, np.isin(kind[chosen], PETS), _looks(found.images[chosen]))


def _digits() -> Table:
    """Digits that come with scikit-learn: 5 or more, from their pixels."""
    sets = [nbdata.load("digits", split) for split in ("train", "test")]
    images, labels = (np.concatenate([getattr(s, a) for s in sets]) for a in ("images", "labels"))
    return _table(images.reshape(len(images), -1), labels >= 5, _looks(images))
