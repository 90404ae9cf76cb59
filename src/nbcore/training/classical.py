"""A dozen scikit-learn models on digits and on shifted digits: a line in two seconds."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier


def shift_digits(images: np.ndarray, pixels: float = 0.4) -> np.ndarray:
    """Move the digits right by a part of a pixel: (n, 8, 8) -> (n, 8, 8).

    The sampling is linear and nothing is random. The default is a mild shift: every model
    loses accuracy, none falls to chance.
    """
    return ndimage.shift(np.asarray(images, float), (0, 0, pixels), order=1)


def _digit_models() -> Iterator[tuple[str, Callable, int]]:
    """Yield (name, estimator factory, number of training images), weakest first."""

    def linear():
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))

    yield "decision tree, depth 2", lambda: DecisionTreeClassifier(max_depth=2), 898
    yield "logistic regression, 12 images", linear, 12
    yield "decision tree, depth 4", lambda: DecisionTreeClassifier(max_depth=4), 898
    yield "nearest neighbour, 20 images", lambda: KNeighborsClassifier(1), 20
    yield "one random tree", lambda: RandomForestClassifier(1), 898
    yield "nearest neighbour, 50 images", lambda: KNeighborsClassifier(1), 50
    yield "logistic regression, 60 images", linear, 60
    yield "nearest class mean", lambda: NearestCentroid(), 898
    yield "five random trees", lambda: RandomForestClassifier(5), 898
    yield "nearest neighbour, 150 images", lambda: KNeighborsClassifier(1), 150
    yield "network, 64 hidden units", lambda: MLPClassifier((64,), max_iter=60), 898
    yield "100 random trees", lambda: RandomForestClassifier(100), 898
    yield "5 nearest neighbours", lambda: KNeighborsClassifier(5), 898
    yield "support vectors", lambda: SVC(), 898


def digits_testbed(seed: int = 0, pixels: float = 0.4) -> xr.Dataset:
    """Train fourteen scikit-learn models on half of the digits, test them on the other half.

    Returns a Dataset with `id_correct` and `ood_correct`, bool, dims (model: 14, example: 899):
    whether each model is right on each held-out digit, as it is and shifted by `pixels`.
    `id_correct.mean("example")` is the accuracy, a fraction. Same seed, same numbers; about
    one second on one core, no files and no network.
    """
    digits = load_digits()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(digits.target))
    train, test = order[:898], order[898:]
    flat = digits.data
    shifted = shift_digits(digits.images[test], pixels).reshape(len(test), -1)
    names, inside, outside = [], [], []
    for name, make, n_train in _digit_models():
        model = make()
        if "random_state" in model.get_params():
            model.set_params(random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a network stopped early is one of the models
            model.fit(flat[train[:n_train]], digits.target[train[:n_train]])
        names.append(name)
        inside.append(model.predict(flat[test]) == digits.target[test])
        outside.append(model.predict(shifted) == digits.target[test])
    dims = ("model", "example")
    return xr.Dataset(
        {"id_correct": (dims, np.array(inside)), "ood_correct": (dims, np.array(outside))},
        coords={"model": names, "example": test},
        attrs={"seed": seed, "shift": f"moved right by {pixels:g} pixel"},
    )
