"""Whole networks fine-tuned on large images, and the path of weights from their last layers.

One stored run holds them all, computed in pieces. A member is NETWORK@SIDE, rate R-seedS; one that
was interrupted goes on where it stopped, and a piece adds its members to those that are there.

When a network is trained, the straight path to it is evaluated too. It starts at the pretrained
network with a last layer that was trained on its frozen features: a classifier that is of use, as
the fresh last layer of step 0 is not, and one that comes from that same step 0, since both ends
were given the same fresh layer (by seed).
"""

import hashlib
import io
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
import xarray as xr

from nbcore import files
from nbcore.errors import ParameterError
from nbcore.lines.config import OWN_NET, LineConfig, data_of, data_roles
from nbcore.lines.packing import pack, side_by_side
from nbcore.lines.trained import Sets, bank_features, build, cache_key, testbed_sets
from nbcore.measures.selection import balanced_subset
from nbcore.paths import cache_dir
from nbcore.runs.config import Config, param
from nbcore.runs.manifests import Manifest
from nbcore.runs.plan import Plan
from nbcore.runs.run import Run, Tables
from nbcore.training import loop
from nbcore.training.interpolation import State, evaluate_path
from nbcore.training.recipe import Recipe

Images = tuple[np.ndarray, np.ndarray]
#: what a member trained with squared error has in its name
SQUARED = "squared error"


@dataclass(frozen=True)
class WholeNetworks(Config):
    """How whole networks are fine-tuned, and where on the path to them accuracy is measured."""

    slug: ClassVar[str] = "whole-networks"

    id: str = param("cifar10", "data set to train on", in_address=False, is_path=True)
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets", in_address=False, is_path=True
    )
    image_size: int = param(32, "side to which all images are first brought")
    train_images: int = param(10_000, "training images")
    test_images: int = param(4_000, "ID test images, class-balanced")
    passes: float = param(8.0, "passes over the training images")
    batch: int = param(64, "images a step")
    checkpoints: int = param(20, "evaluations, in log steps")
    points: int = param(11, "points of the path, both ends among them")
    head_steps: int = param(6_000, "steps of the last layer at the start of the path")
    head_lr: float = param(0.001, "its rate")
    members: tuple[str, ...] = param((), "NETWORK@SIDE, rate R-seedS", in_address=False)
    workers: int = param(2, "processes", in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)


class Member(NamedTuple):
    """What a member's name says: `efficientnet_lite0@128, squared error, rate 0.01-seed0`."""

    network: str
    side: int
    loss: str
    lr: float
    seed: int


def member(name: str) -> Member:
    """Read a member's name; ParameterError for one that is not of its form."""
    try:
        condition, seed = name.rsplit("-seed", 1)
        what, lr = condition.split(", rate ")
        where, _, loss = what.partition(", ")
        network, side = where.rsplit("@", 1)
        if loss in ("", SQUARED):
            found = "mse" if loss else "cross-entropy"
            return Member(network, int(side), found, float(lr), int(seed))
    except ValueError:
        pass
    raise ParameterError(
        f"A whole network is named NETWORK@SIDE, rate R-seedS, such as 'efficientnet_lite0@128, "
        f"rate 0.001-seed0', not {name!r}."
    )


def run_plan(config: WholeNetworks) -> Plan:
    """Say what computes the run."""
    for name in config.members:
        member(name)
    return Plan(
        config.slug,
        config,
        data_roles(_line(config)),
        config.members,
        partial(_member, config),
        reduce=tables,
        join=joined,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    return run_plan(WholeNetworks.from_address(manifest["config"], **data_of(manifest)))


STORED = {WholeNetworks.slug: _stored}


def tables(run: Run) -> Tables:
    """Pack curves (`packing.pack`) and paths, a path's points in the place of checkpoints."""
    return {
        "curves": pack(run.members()),
        "paths": pack((name, _path_of(found)) for name, found in run.members()),
    }


def joined(old: Tables, new: Tables) -> Tables:
    """Join the tables of two disjoint groups of members."""
    return {k: side_by_side([old[k], new[k]]).sortby("member") for k in old}


def _path_of(found: xr.Dataset) -> xr.Dataset:
    """Take a member's path as a Dataset of its own, of the form that `loop.train` returns."""
    names = [str(k) for k in found if str(k).startswith("path_")]
    labels = [str(k) for k in found if str(k).startswith("label_")]
    path = found[names].rename({k: k.removeprefix("path_") for k in names})
    return path.rename({"point": "checkpoint"}).merge(found[labels])


def _line(config: WholeNetworks, network: str = "", side: int = 0) -> LineConfig:
    """Give the config by which the images and a network's features are loaded and kept."""
    return LineConfig(
        model=network or OWN_NET,
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        feature_size=side or config.image_size,
        test_images=config.test_images,
        device=config.device,
    )


def network_file(config: WholeNetworks, name: str, folder: str = "networks") -> Path:
    """Say where the cache keeps a finished member's weights; they are in no published run."""
    m = member(name)
    what = (sorted(config.address().items()), cache_key(_line(config, m.network, m.side), "whole"))
    key = hashlib.sha256(repr(what).encode()).hexdigest()[:12]
    return cache_dir() / folder / f"{name.replace(', ', '-').replace(' ', '-')}-{key}.pt"


def endpoints(config: WholeNetworks, name: str) -> tuple[State, State]:
    """Load both ends of a finished member's path from the cache: (last layer trained, all trained).

    Each is a state dict of `trained.build`. FileNotFoundError where this machine did not train it.
    """
    kept = _load(network_file(config, name))
    return kept["start"], kept["end"]


def _member(config: WholeNetworks, name: str) -> xr.Dataset:
    """Fine-tune one network and evaluate the path to it: `loop.train`'s Dataset and its path.

    The path: `path_step` (point,) and `path_prediction_ROLE` (point, example_ROLE).
    """
    m = member(name)
    line = _line(config, m.network, m.side)
    sets = testbed_sets(line)
    images, labels = sets.train
    picked = balanced_subset(labels, min(config.train_images, len(labels)))
    training = images[picked], labels[picked]
    model = build(line, True, m.side, sets.classes, m.seed)
    start = _start(config, line, m, model, sets, training)

    def train() -> memoryview:
        found = loop.train(
            model,
            training,
            sets.evaluations,
            _recipe(config, m, len(picked)),
            seed=m.seed,
            device=config.device,
            checkpoint_file=network_file(config, name, "partial"),
            progress=name if sys.stderr.isatty() else None,
        )
        return _bytes({"end": model.state_dict(), "curve": _plain(found)})

    # kept until the path is evaluated too, which may be interrupted
    done = files.kept(network_file(config, name, "partial/trained"), train)
    kept = _load(done)
    path = evaluate_path(
        model, start, kept["end"], config.points, sets.evaluations, device=config.device
    )
    ends = _bytes({"start": start, "end": kept["end"]})
    files.write_checked(network_file(config, name), ends)
    done.unlink()
    curve = xr.Dataset({k: (dims, values.numpy()) for k, (dims, values) in kept["curve"].items()})
    own = path.drop_vars([k for k in path if str(k).startswith("label_")])
    own = own.rename({"checkpoint": "point"} | {k: f"path_{k}" for k in own})
    return curve.merge(own)


def _recipe(config: WholeNetworks, m: Member, images: int) -> Recipe:
    """Give the recipe of chapter 2's whole network, for this many passes over the images."""
    return Recipe(
        steps=max(round(config.passes * (images // config.batch)), 4),
        batch=config.batch,
        lr=m.lr,
        loss=m.loss,
        augment=True,
        drop_at=(0.7,),
        checkpoints=config.checkpoints,
        first=4,
    )


def _start(
    config: WholeNetworks, line: LineConfig, m: Member, model: Any, sets: Sets, training: Images
) -> State:
    """Train the last layer on frozen features, as `last_layers` does; give the whole's weights.

    `model`, whose fresh last layer it starts from, is left as it is.
    """
    banks = bank_features(line, f"features-{len(training[1])}", m.side, training[0], sets)
    state = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    head, name = torch.nn.Linear(model.feature_dim, sets.classes), f"net.{model.head_name}"
    for k, v in head.state_dict().items():
        v.copy_(state[f"{name}.{k}"].reshape(v.shape))
    recipe = Recipe(
        steps=config.head_steps,
        batch=config.batch,
        lr=config.head_lr,
        weight_decay=0.0,
        checkpoints=2,
    )
    loop.train(head, (banks["train"], training[1]), {}, recipe, seed=m.seed, device=config.device)
    for k, v in head.state_dict().items():
        state[f"{name}.{k}"] = v.detach().cpu().reshape(state[f"{name}.{k}"].shape).clone()
    return state


def _plain(found: xr.Dataset) -> dict[str, tuple[list[str], torch.Tensor]]:
    return {str(k): ([*map(str, v.dims)], torch.tensor(v.values)) for k, v in found.items()}


def _bytes(what: Any) -> memoryview:
    torch.save(what, buffer := io.BytesIO())
    return buffer.getbuffer()


def _load(file: Path) -> Any:
    return torch.load(io.BytesIO(files.read_checked(file)), weights_only=True, map_location="cpu")
