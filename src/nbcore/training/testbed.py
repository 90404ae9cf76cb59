"""A testbed trained from scratch: weak to strong models of many kinds, the line's raw material.

A model of a testbed is written KIND-N: one of `KINDS`, trained on N images drawn evenly over the
classes. Which there are is said in `kinds`.
"""

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import adaptive_avg_pool2d, conv2d, relu

from nbcore.measures import blocks
from nbcore.measures.selection import balanced_subset
from nbcore.models.small import mlp, small_cnn, small_vgg
from nbcore.training.kinds import CONVOLUTIONS, SKLEARN, split_name
from nbcore.training.loop import Data, train
from nbcore.training.recipe import Recipe


def train_member(
    model: str,
    train_data: tuple[np.ndarray, np.ndarray],
    evaluations: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    seed: int = 0,
    epochs: float = 1.0,
    device: str = "auto",
) -> xr.Dataset:
    """Train one testbed model and predict every evaluation set.

    train_data, evaluations[name]: uint8 images (n, h, w, c) and labels (n,). `epochs` scales the
    training of networks. Returns `prediction_NAME` and `label_NAME` (example_NAME), int16; attrs
    say what was trained. A model that asks for more images than there are takes all.
    """
    kind, n = split_name(model)
    images, labels = train_data
    picked = balanced_subset(labels, min(n, len(labels)), seed)
    data = images[picked], labels[picked]
    if kind in SKLEARN:
        predictions = _fit_sklearn(kind, data, evaluations, seed)
    else:
        predictions = _fit_network(kind, data, evaluations, seed, epochs, device)
    variables = {}
    for name, (_, truth) in evaluations.items():
        dims = f"example_{name}"
        variables[f"prediction_{name}"] = (dims, np.asarray(predictions[name], np.int16))
        variables[f"label_{name}"] = (dims, np.asarray(truth, np.int16))
    return xr.Dataset(variables, attrs={"kind": kind, "images": len(picked)})


def _fit_network(kind: str, data: Data, evaluations, seed: int, epochs: float, device: str):
    images, labels = data
    classes, channels = int(labels.max()) + 1, images.shape[-1]
    passes, crops, lr = 1.0, False, 0.02
    if kind == "mlp":
        net = mlp(images.shape[1], 512, 2, classes, channels, seed)
    else:
        family, width, passes, crops = CONVOLUTIONS[kind]
        lr = 0.1
        if family == "vgg":
            net = small_vgg(width, classes, channels, seed)
        else:
            net = small_cnn(width, classes, family == "resnet", channels, seed)
    # few images get more passes: 60 over 300, 10 over 50,000
    passes *= epochs * 10 * (50_000 / len(labels)) ** 0.35
    recipe = Recipe(
        steps=max(int(passes * len(labels) / 128), 2),
        batch=min(128, len(labels)),
        lr=lr,
        weight_decay=5e-4,
        drop_at=(0.6, 0.85),
        factor=0.15,
        augment=crops and min(images.shape[1:3]) >= 16,
        checkpoints=2,
    )
    history = train(net, data, evaluations, recipe, seed=seed, device=device)
    return {k: history[f"prediction_{k}"].values[-1] for k in evaluations}


def _fit_sklearn(kind: str, data, evaluations, seed: int):
    images, labels = data
    features = _patch_features(images, seed) if kind == "patches" else _pixels
    estimator = {
        "mean": lambda: NearestCentroid(),
        "logistic": lambda: make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=30, C=1e-3)
        ),
        "knn": lambda: KNeighborsClassifier(10, weights="distance", algorithm="brute"),
        "forest": lambda: RandomForestClassifier(100, max_features=32, random_state=seed),
        "patches": lambda: make_pipeline(StandardScaler(), RidgeClassifier(alpha=100.0)),
    }[kind]()
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # stopping early is the regulariser
        estimator.fit(features(images), labels)
    return {k: estimator.predict(features(x)) for k, (x, _) in evaluations.items()}


def _pixels(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _patch_features(images: np.ndarray, seed: int, n_filters: int = 192):
    """Make a function of responses to random training patches, averaged over quadrants.

    Nothing is learned.
    """
    rng = np.random.default_rng(seed)
    side = images.shape[1]
    width = min(6, side // 2)
    where = rng.integers(0, side - width + 1, (n_filters, 2))
    chosen = rng.integers(0, len(images), n_filters)
    patches = np.stack(
        [images[i, r : r + width, c : c + width] for i, (r, c) in zip(chosen, where, strict=True)]
    ).astype(np.float32)
    patches -= patches.mean((1, 2), keepdims=True)
    patches /= np.sqrt((patches**2).sum((1, 2, 3), keepdims=True)) + 10
    filters = torch.from_numpy(patches).permute(0, 3, 1, 2).contiguous()

    def features(x: np.ndarray) -> np.ndarray:
        out = []
        for block in torch.from_numpy(x).split(blocks.PATCHES):
            response = conv2d(block.permute(0, 3, 1, 2).float() / 64, filters, stride=2)
            both = torch.cat([relu(response - 0.5), relu(-response - 0.5)], 1)
            out.append(adaptive_avg_pool2d(both, 2).flatten(1))
        return torch.cat(out).numpy()

    return features
