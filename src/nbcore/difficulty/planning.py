"""The settings of `nbcore difficulty`, and what is planned by the number and size of the images."""

import dataclasses
import os
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nbcore import data as nbdata
from nbcore.depths import roster
from nbcore.depths.architectures import ARCHITECTURES
from nbcore.depths.ensembles import FULL, Ensemble
from nbcore.depths.roster import DepthConfig
from nbcore.difficulty.pretrained import features
from nbcore.difficulty.pretrained.runs import OnFeatures
from nbcore.difficulty.sample import Sample
from nbcore.errors import ParameterError
from nbcore.models.pretrained import OFFLINE
from nbcore.runs.config import Config, param
from nbcore.runs.own_folders import apply_layout, layout_param
from nbcore.training import loop

#: so many images are used at most, unless you say more
EXAMPLES = 10_000
GIVEN = ("width", "held_out", "examples", "image_size", "steps", "batch", "lr")
#: members on random splits: networks that are trained, heads on features that are there
MEMBERS, HEADS = 10, 50
#: what only networks that are trained have
TRAINED_ONLY = ("width", "steps", "batch", "lr")


@dataclass(frozen=True)
class Difficulty(Config):
    """What `nbcore difficulty` can be told. None: chosen by the number and size of the images."""

    slug: ClassVar[str] = "difficulty"

    dataset: str = param("", "images: a name or a folder", is_path=True)
    network: str | None = param(
        None, "pretrained, a timm name; or to train: " + ", ".join(ARCHITECTURES)
    )
    width: int | None = param(None, "its width", low=1)
    members: int | None = param(None, "networks, or heads, on random splits", low=2, high=FULL)
    held_out: float | None = param(None, "share that a network does not see, such as 0.2")
    examples: int | None = param(None, "at most so many images, even over the classes", low=4)
    image_size: int | None = param(None, "side to bring the images to, pixels", low=4, high=512)
    steps: int | None = param(None, "updates", low=4)
    batch: int | None = param(None, "images an update", low=1)
    lr: float | None = param(None, "first learning rate", low=0.0)
    k: int = param(30, "neighbours of a probe", low=1)
    precision: float = param(0.8, "wanted of relabel, with a pretrained network", low=0.0, high=1.0)
    labels: str = param("", "other labels, such as cifar10n:worse_label")
    noise: float = param(0.0, "share of labels to draw anew, to try this out", low=0.0, high=1.0)
    agreement: float = param(
        2 / 3, "trained: share that must agree on another class", low=0.0, high=1.0
    )
    softmax: bool = param(False, "where labels are known: train again to give cleanlab softmax")
    gap: float = param(
        0.0, "trained: share of the network by which it is seen earlier", low=-1.0, high=1.0
    )
    corner: int = param(0, "images of a corner; 0: 0.2 %, at least 20", low=0)
    pictures: int = param(500, "pictures in the gallery", low=0, high=500)
    seed: int = param(0, "changes every draw", low=0)
    fresh: bool = param(False, "train anew, whatever is stored")
    workers: int | None = param(None, "processes", low=1, high=64)
    device: str = param("auto", "auto, cpu or cuda", choices=("auto", "cpu", "cuda"))
    layout: str | None = layout_param()

    def __post_init__(self) -> None:
        apply_layout(self, "dataset")


def plan(config: Difficulty, sample: Sample) -> Ensemble | OnFeatures:
    """Choose what judges these images: heads on a pretrained network, or networks to be trained.

    Small grey images get MLPs, as a network pretrained on photographs knows little of them; all
    others get heads on `efficientnet_lite0`. Where a network to be trained is named, it is one of
    the book's ensembles if it fits, else one by the images' size.
    """
    network = config.network or ("mlp" if sample.grey and sample.native else OFFLINE)
    return trained(config, sample, network) if network in ARCHITECTURES else on(config, network)


def on(config: Difficulty, network: str) -> OnFeatures:
    """Plan heads on a pretrained network.

    ParameterError: one that cannot be had, or settings of networks to be trained.
    """
    features.load_network(network)
    given = [name for name in TRAINED_ONLY if getattr(config, name) is not None]
    if given:
        raise ParameterError(
            f"{given[0]} is a setting of networks that are trained ({', '.join(ARCHITECTURES)}), "
            f"but {network!r} comes pretrained; leave it out, or name one of those as network."
        )
    return OnFeatures(
        dataset=config.dataset,
        network=network,
        side=config.image_size,
        members=config.members or HEADS,
        held_out=config.held_out or 0.2,
        examples=config.examples or EXAMPLES,
        k=config.k,
        labels=config.labels,
        noise=config.noise,
        seed=config.seed,
        device=config.device,
    )


def trained(config: Difficulty, sample: Sample, network: str) -> Ensemble:
    """Plan an ensemble of networks to be trained.

    Batches grow with the images, the rate with the batches. A tenth or a fifth is held out, so that
    ten members hold out every image.
    """
    key = f"{config.dataset}:{network}"
    own = {name: getattr(config, name) for name in GIVEN if getattr(config, name) is not None}
    own |= dict(
        k=config.k,
        seed=config.seed,
        labels=config.labels,
        noise=config.noise,
        members=config.members or MEMBERS,
        full_members=0,
        device=config.device,
        workers=config.workers or _workers(config),
    )
    known = ARCHITECTURES[network]
    if config.dataset in known.book:
        base = roster.setting(key, DepthConfig())
        if config.noise or config.labels:  # as chapter 8: wrong labels take longer to learn
            steps = round(base.steps * (2.0 if config.noise else 1.5))
            own = dict(steps=steps, held_out=0.2, input_margins=0) | own
        return dataclasses.replace(base, **own)
    width, lr, passes, least = known.own
    n = min(config.examples or EXAMPLES, len(sample.labels))
    training = n - round(n * (config.held_out or 0.2))
    batch = config.batch or int(np.clip(2 ** np.round(np.log2(max(training / 30, 1))), 16, 256))
    settings: dict[str, Any] = dict(
        held_out=0.2,
        image_size=sample.side,
        width=width,
        batch=batch,
        lr=lr * (batch / 128) ** 0.5,
        steps=max(passes * training // batch, least),
        checkpoints=12,
        test_examples=len(sample.classes),
        whole=not nbdata.has_test(config.dataset),
    )
    own["examples"] = n
    return Ensemble(dataset=config.dataset, architecture=network, **(settings | own))


def _workers(config: Difficulty) -> int:
    if loop.pick_device(config.device).type == "cuda":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, config.members or MEMBERS, 8)
