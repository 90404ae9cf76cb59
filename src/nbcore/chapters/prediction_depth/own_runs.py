"""Prediction depth of your own images in a pretrained network, with a head fitted to your labels.

    nbcore run prediction-depth -p dataset=./my-images -p model=efficientnet_lite0

The network stays as it is; a logistic regression on its penultimate features becomes its head. Then
every image is probed at the network's blocks: at each probe, its k nearest training images vote.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
import xarray as xr
from PIL import Image
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from nbcore.chapters.prediction_depth import own_images
from nbcore.chapters.prediction_depth.own_images import BUDGET, Images
from nbcore.data import tell
from nbcore.data.sources import short_name
from nbcore.errors import ParameterError
from nbcore.measures import blocks, depth
from nbcore.models import fits, pretrained, probes
from nbcore.models.pretrained import Classifier
from nbcore.paths import build_dir
from nbcore.runs.config import Config, param
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop

#: so many pictures travel with the run, of this side in pixels
PICTURES, SIDE = 120, 56


@dataclass(frozen=True)
class OwnDepths(Config):
    """One folder of images, one network."""

    slug: ClassVar[str] = "own-depths"

    dataset: str = param("", "images: a folder or a name", in_address=False, is_path=True)
    model: str = param(pretrained.OFFLINE, "a pretrained network: a timm name")
    examples: int = param(0, "at most so many images; 0: as many as memory allows", low=0)
    held_out: float = param(0.2, "share held out where the images have no test split")
    k: int = param(30, "neighbours of a probe", low=1)
    seed: int = param(0, "changes what is held out", low=0)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)


def run_own(config: OwnDepths, fresh: bool = False) -> Run:
    """Load or compute the run; its one member is `images`, as `measure` returns it."""
    tell(config.dataset)
    plan = Plan(
        config.slug,
        config,
        {"images": config.dataset},
        ["images"],
        partial(_member, config),
        device=str(loop.pick_device(config.device)),
    )
    return run_or_load(plan, fresh)


def _member(config: OwnDepths, name: str) -> xr.Dataset:
    return measure(config)


def measure(config: OwnDepths) -> xr.Dataset:
    """Fit the head, probe every image; about 4 GB of memory at most, and the network's own.

    Dataset over image, probe ("input" first, "softmax" last): `file` (image), `label`,
    `prediction` (image) indices into attrs["classes"], `held_out` (image) bool, `depth` (image) 0
    to the last probe, -1 undefined, `votes` (image, probe) 0 to k for the image's label, and
    `thumbnail` (picture, height, width, channel) uint8 of the images `pictured` (picture), see
    `pick`; attrs `size` (the network's input in pixels), `k`, `found` (of how many images), and
    `notes` on how they were read.
    DataError: see `own_images.load`. ParameterError: an unknown model, k larger than the number of
    training images, a network whose embeddings are not finite.
    """
    model = pretrained.create(config.model, seed=config.seed)
    model.size = fits.own_side(model)
    points = probes.block_points(model)
    model.to(loop.pick_device(config.device))
    chosen = own_images.load(
        config.dataset,
        model.size,
        lambda image: _room(model, points, image),
        config.examples,
        config.held_out,
        config.seed,
    )
    n = chosen.training
    if config.k > n:
        raise ParameterError(
            f"There are only {n} training images to find {config.k} neighbours among; give a "
            "smaller own_k or more images."
        )
    fit_head(model, chosen, config.device)
    final, said, votes = _probe(model, points, chosen, config.k)
    depths = depth.prediction_depth(said, final)
    held_out = np.arange(len(final)) >= n
    pictured = pick(depths, chosen.labels, held_out, len(chosen.classes))
    shown = ("picture", "height", "width", "channel"), _thumbnails(chosen.images[pictured])
    return xr.Dataset(
        {
            "file": ("image", chosen.files),
            "label": ("image", chosen.labels),
            "prediction": ("image", final),
            "held_out": ("image", held_out),
            "depth": ("image", depths),
            "votes": (("image", "probe"), votes),
            "pictured": ("picture", pictured),
            "thumbnail": shown,
        },
        coords={"probe": ["input", *points, "softmax"]},
        attrs={
            "classes": list(chosen.classes),
            "found": chosen.found,
            "k": config.k,
            "notes": list(chosen.notes),
            "size": model.size,
        },
    )


def fit_head(model: Classifier, images: Images, device: str = "auto") -> None:
    """Put a logistic regression on the model's standardised features in the place of its head."""
    starts = range(0, images.training, blocks.PICTURES)
    parts = [
        loop.cached_features(model, images.images[i : i + blocks.PICTURES], device, "float32")
        for i in tqdm(starts, "features", leave=False, delay=2)
    ]
    x = torch.cat(parts)[: images.training].double().numpy()
    if bad := int((~np.isfinite(x)).any(1).sum()):
        raise _not_finite(model, f"{bad} of {len(x)} rows of the features hold NaN or infinity.")
    mean, std = x.mean(0), x.std(0) + 1e-6
    fitted = LogisticRegression(max_iter=1000).fit((x - mean) / std, images.labels[: len(x)])
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:  # of two classes the logits' difference is fitted
        weight, bias = (np.stack([-z[0], z[0]]) / 2 for z in (weight, bias))
    weight = weight / std
    model.replace_head(len(weight))
    head = model.head
    assert isinstance(head, torch.nn.Linear | torch.nn.Conv2d) and head.bias is not None
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight).view_as(head.weight))
        head.bias.copy_(torch.from_numpy(bias - weight @ mean))
    model.to(loop.pick_device(device))


def _probe(
    model: Classifier, points: dict[str, str], chosen: Images, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the network's answers (image,), and the probes' answers and votes (image, probe).

    The votes are those for the image's label. The training images are the bank of neighbours, and
    each of them finds itself too, as in the book's ensembles.
    """
    images, n, said, votes = loop.as_tensor(chosen.images), chosen.training, [], []
    final = probes.logits(model, images, blocks.PICTURES).argmax(1).cpu().numpy()
    read = probes.read(model, images, points, blocks.PICTURES, BUDGET)
    for name, embedding in tqdm(read, "probes", len(points) + 2, leave=False, delay=2):
        bank = embedding[:n]  # a view: it takes no memory of its own
        try:
            found = depth.knn_votes(
                bank, chosen.labels[:n], embedding, k, n_classes=len(chosen.classes)
            )
        except ValueError as error:
            raise _not_finite(model, f"at the probe {name}, {error}") from None
        said.append(found.argmax(1))
        votes.append(found[np.arange(len(found)), chosen.labels])
    return final, np.stack(said, 1), np.stack(votes, 1)


def _not_finite(model: Classifier, what: str) -> ParameterError:
    return ParameterError(
        f"The network {model.name!r} does not give finite numbers for these images: {what} Use "
        "another network, or one with other weights."
    )


def pick(depths: np.ndarray, labels: np.ndarray, held_out: np.ndarray, classes: int) -> np.ndarray:
    """Choose per class, in order of depth, the held-out images of smallest and of largest depth.

    At most five of each, and fewer where there are many classes or few images; images without a
    depth are left out.
    """
    each = min(max(PICTURES // (2 * classes), 1), 5)
    out: list[int] = []
    for c in range(min(classes, PICTURES // 2)):
        own = np.flatnonzero((labels == c) & held_out & (depths >= 0))
        own = own[np.argsort(depths[own], kind="stable")]
        out += own.tolist() if len(own) <= 2 * each else [*own[:each], *own[-each:]]
    return np.array(out, np.int64)


def table(measured: xr.Dataset) -> pd.DataFrame:
    """Tabulate the images: file, label, split, prediction, correct, depth, votes for the label."""
    names = np.array(measured.attrs["classes"], dtype=object)
    label, said = (measured[v].values for v in ("label", "prediction"))
    frame = pd.DataFrame(
        {
            "file": measured["file"].values,
            "label": names[label],
            "split": np.where(measured["held_out"], "held out", "training"),
            "prediction": names[said],
            "correct": said == label,
            "depth": measured["depth"].values,
        }
    )
    columns = [f"votes {name}" for name in measured["probe"].values]
    return pd.concat([frame, pd.DataFrame(measured["votes"].values, columns=columns)], axis=1)


def write_table(run: Run, dataset: str) -> Path:
    """Write the table as CSV among the build products; returns where."""
    target = build_dir() / "own-depths" / f"{short_name(dataset)}-{run.path.name}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    table(run.member("images")).to_csv(target, index=False, errors="backslashreplace")
    return target


def _room(model: Classifier, points: dict[str, str], image: np.ndarray) -> int:
    """Compute how many images' embeddings at the widest probe fit into the budget."""
    one = loop.as_tensor(image)
    return BUDGET // (4 * max(e.shape[1] for _, e in probes.read(model, one, points)))


def _thumbnails(images: np.ndarray) -> np.ndarray:
    out = np.empty((len(images), SIDE, SIDE, images.shape[-1]), np.uint8)
    for i, x in enumerate(images):
        grey = x[..., 0] if x.shape[-1] == 1 else x
        small = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        out[i] = np.atleast_3d(np.asarray(small))
    return out
