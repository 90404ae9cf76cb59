"""One member of an ensemble: a network trained on a split, its probes, what it says of examples.

Everything random in a member comes from its own number, so members can be computed in any order,
on any worker, and added later.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from nbcore.errors import ParameterError
from nbcore.measures.depth import knn_votes
from nbcore.measures.margins import input_margin, output_margin
from nbcore.models import papers, probes
from nbcore.models.pretrained import Classifier
from nbcore.training import loop
from nbcore.training.recipe import Recipe


class Pool(NamedTuple):
    """The examples of an ensemble: `images` uint8 (n, h, w, c) with the labels trained on, and a
    test set that no member trains on. `original` are the labels before noise was planted."""

    images: np.ndarray
    labels: np.ndarray
    original: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]


class Network(NamedTuple):
    """Which network (see `papers.build`) and where a residual block is probed."""

    architecture: str
    width: int
    depth: int
    in_block: str = "sum"


def held_out_mask(n: int, member: int, share: float, splits: str, seed: int = 0) -> np.ndarray:
    """Choose which examples this member does not train on: (n,) bool.

    splits="folds": members take turns, 1 / share of them with one random partition, so that every
    example is held out equally often; "independent": each member draws its own (PD A). Under both
    a member's split is uniformly random. ParameterError for a share outside (0, 1) or, with folds,
    one that is not one over a whole number.
    """
    if not 0 < share < 1 or not 1 <= round(n * share) < n:
        raise ParameterError(
            f"The held-out share must leave examples on both sides, not {share} of {n}."
        )
    mask = np.zeros(n, bool)
    if splits == "independent":
        rng = np.random.default_rng([seed, 1, member])
        mask[rng.permutation(n)[: round(n * share)]] = True
        return mask
    folds = round(1 / share)
    if abs(folds * share - 1) > 1e-9:
        raise ParameterError(
            f"Folds need a held-out share of one over a whole number, such as 0.1, not {share}; "
            'or give splits="independent".'
        )
    turn, fold = divmod(member, folds)
    mask[np.random.default_rng([seed, 0, turn]).permutation(n)[fold::folds]] = True
    return mask


def train_member(
    pool: Pool,
    network: Network,
    recipe: Recipe,
    held_out: np.ndarray,
    seed: int,
    *,
    k: int = 30,
    input_margins: int = 0,
    device: str = "auto",
    precision: str = "auto",
    checkpoint_file: Path | None = None,
    progress: str | None = None,
) -> xr.Dataset:
    """Train on the examples not held out; then probe all of them, and the test set.

    input_margins: of how many pool examples, and of how many test examples, to measure the input
    margin too (ten times the work of the rest, so 0 by default).
    Dataset, with `_test` after the names for the test set (dim test_example):
      held_out (example) bool; label (example) trained on; final (example) the network's answer;
      votes (example, probe, class) of the k nearest training examples, float32 distances;
      history (checkpoint, example) predictions at `step` (checkpoint) updates; `loss`;
      output_margin (example), input_margin (margin_example: the first examples), logits and pixels.
    """
    side, channels = pool.images.shape[1], pool.images.shape[3]
    model = papers.build(
        network.architecture, network.width, len(pool.classes), channels, side, network.depth, seed
    )
    train = pool.images[~held_out], pool.labels[~held_out]
    sets = {"": (pool.images, pool.labels), "_test": (pool.test_images, pool.test_labels)}
    trained = loop.train(
        model,
        train,
        {"pool" + k: v for k, v in sets.items()},
        recipe,
        seed=seed,
        device=device,
        precision=precision,
        checkpoint_file=checkpoint_file,
        progress=progress,
    )
    dims = {"": "example", "_test": "test_example"}
    variables: dict = {
        "held_out": ("example", held_out),
        "label": ("example", pool.labels.astype(np.int16)),
        "step": trained["step"],
        "loss": trained["loss"],
    }
    for end, (images, _) in sets.items():
        z = probes.logits(model, loop.as_tensor(images)).cpu().numpy()
        if not np.isfinite(z).all():
            raise ParameterError(
                f"The network {model.name} diverged (its logits are not finite); lower lr."
            )
        variables[f"final{end}"] = (dims[end], z.argmax(1).astype(np.int16))
        variables[f"output_margin{end}"] = (dims[end], output_margin(z).astype(np.float32))
        history = trained[f"prediction_pool{end}"].values
        variables[f"history{end}"] = (("checkpoint", dims[end]), history)
        some = loop.as_tensor(images[:input_margins])
        if len(some):
            margin = input_margin(model, some).astype(np.float32)
            variables[f"input_margin{end}"] = (f"margin_{dims[end]}", margin)
    found = probe_votes(model, pool, held_out, papers.probe_points(model, network.in_block), k=k)
    n = len(pool.labels)
    counts = np.stack(list(found.values()), axis=1)
    kind = np.uint8 if k < 256 else np.int32
    variables["votes"] = (("example", "probe", "class"), counts[:n].astype(kind))
    variables["votes_test"] = (("test_example", "probe", "class"), counts[n:].astype(kind))
    return xr.Dataset(variables, coords={"probe": list(found)})


def probe_votes(
    model: Classifier, pool: Pool, held_out: np.ndarray, points: dict[str, str], *, k: int = 30
) -> dict[str, np.ndarray]:
    """Count per probe the (example, class) votes for the pool's examples, then the test set's.

    The bank is what the member trained on, with the labels it was given; a training example finds
    itself among its neighbours, as the paper's definition says nothing of leaving it out.
    """
    images = loop.as_tensor(np.concatenate([pool.images, pool.test_images]))
    bank, labels = np.flatnonzero(~held_out), pool.labels[~held_out]
    out = {}
    for name, embedding in probes.read(model, images, points):
        out[name] = knn_votes(
            embedding[torch.from_numpy(bank).to(embedding.device)],
            labels,
            embedding,
            k,
            n_classes=len(pool.classes),
        )
    return out
