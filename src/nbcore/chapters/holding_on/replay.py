"""A small network, pretrained here, that is fine-tuned with and without replay of its old images.

All conditions of a seed start from the same weights and the same fresh head, and see the same
batches of new images; the pretrained network is one for all seeds. Along training three things are
predicted: the new test images, the shifted ones, and test images of the old set through the old
head. Of the condition without replay the straight path of weights is walked too. It starts at the
pretrained network with a last layer that was trained on its frozen features: that is of use, as the
fresh head is not.
"""

import hashlib
import sys
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np
import torch
import xarray as xr

from nbcore import data as nbdata
from nbcore.chapters.holding_on.config import HoldingOn
from nbcore.errors import ParameterError, did_you_mean
from nbcore.lines.config import SHIFTED, LineConfig, data_of, data_roles
from nbcore.lines.packing import pack, side_by_side
from nbcore.lines.trained import kept_features, load_sets
from nbcore.measures.selection import balanced_subset
from nbcore.models import small
from nbcore.models.pretrained import Classifier
from nbcore.runs.config import Config, param
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.run import Run, Tables
from nbcore.runs.store import run_or_load
from nbcore.training import loop, replay
from nbcore.training.kinds import CNNS
from nbcore.training.recipe import Recipe

Images = tuple[np.ndarray, np.ndarray]
NONE, WEIGHT, SHUFFLED = "no replay", "weight ", ", shuffled labels"
#: the role of the old set's test images
OLD = "old"
SHUFFLE_SEED = 20_220_924
#: of what the recipes have in common
DECAY, DROP, FIRST = 1e-4, (0.7,), 20


@dataclass(frozen=True)
class ReplayRun(Config):
    """Which network is fine-tuned on what, and what it replays."""

    slug: ClassVar[str] = "replay"

    id: str = param("cifar10", "data set to fine-tune on", in_address=False, is_path=True)
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets", in_address=False, is_path=True
    )
    replay_set: str = param(
        "tiny-imagenet-32", "pictures to pretrain on and to replay", in_address=False, is_path=True
    )
    image_size: int = param(32, "side of all images")
    test_images: int = param(4_000, "ID test images, class-balanced")
    old_images: int = param(2_000, "test images of the old set, class-balanced")
    train_images: int = param(2_500, "training images, class-balanced")
    kind: str = param("res16", "network, of the testbed's", choices=tuple(CNNS))
    pretrain_steps: int = param(1_500, "steps of pretraining")
    pretrain_batch: int = param(128, "images a step of pretraining")
    pretrain_lr: float = param(0.05, "rate of pretraining")
    steps: int = param(300, "steps of fine-tuning")
    batch: int = param(32, "images a step, and of each replayed batch")
    lr: float = param(0.01, "rate of fine-tuning")
    checkpoints: int = param(7, "evaluations, in log steps")
    points: int = param(11, "points of the path")
    head_steps: int = param(1_200, "steps of the last layer at the start of the path")
    conditions: tuple[str, ...] = param((), "what is replayed, by name", in_address=False)
    seeds: int = param(3, "seeds of each", in_address=False)
    workers: int = param(1, "processes", in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)


def batches(k: int) -> str:
    """Name the condition of k replayed batches for each new one: `10 batches`."""
    return f"{k} batch" if k == 1 else f"{k} batches"


def beside(config: HoldingOn) -> ReplayRun:
    """Return the run that goes with the chapter's config."""
    fewest = config.replay_batches[:1]
    conditions = [NONE, *map(batches, config.replay_batches)]
    conditions += [f"{batches(k)}{SHUFFLED}" for k in fewest]
    conditions += [f"{WEIGHT}{w:g}" for w in config.replay_weights]
    return ReplayRun(
        id=config.id,
        ood=config.ood,
        replay_set=config.replay_set,
        image_size=config.image_size,
        test_images=config.test_images,
        train_images=config.tune_images,
        kind=config.kind,
        pretrain_steps=config.pretrain_steps,
        steps=config.tune_steps,
        batch=config.tune_batch,
        lr=config.tune_lr,
        head_steps=4 * config.tune_steps,
        points=config.points,
        conditions=tuple(c for c in conditions if not config.conditions or c in config.conditions),
        seeds=config.seeds,
        workers=config.workers,
        device=config.device,
    )


#: the shift that owes nothing to ImageNet, with the network of chapter 2's digits
DIGITS = ReplayRun(
    id="mnist",
    ood=("usps",),
    image_size=28,
    test_images=5_000,
    train_images=5_000,
    kind="cnn16",
    pretrain_steps=3_000,
    pretrain_batch=64,
    pretrain_lr=0.1,
    batch=64,
    conditions=(NONE, batches(1), batches(10), f"{batches(1)}{SHUFFLED}"),
)


def run_replay(config: ReplayRun, fresh: bool = False) -> Run:
    """Load or compute the run: tables `curves` and `paths` as `packing.pack` makes them."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: ReplayRun) -> Plan:
    """Say what computes the run."""
    for name in config.conditions:
        read(name)
    return Plan(
        config.slug,
        config,
        data_roles(LineConfig(id=config.id, ood=config.ood)) | {"replay": config.replay_set},
        [f"{name}-seed{s}" for s in range(config.seeds) for name in config.conditions],
        partial(member, config),
        reduce=tables,
        join=joined,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    found = {**data_of(manifest), "replay_set": data_names(manifest)["replay"]}
    return run_plan(ReplayRun.from_address(manifest["config"], **found))


STORED = {ReplayRun.slug: _stored}


def tables(run: Run) -> Tables:
    """Pack curves, and the paths of the members that have one, points in place of checkpoints."""
    walked = [(name, _path_of(found)) for name, found in run.members() if "path_step" in found]
    return {"curves": pack(run.members())} | ({"paths": pack(walked)} if walked else {})


def joined(old: Tables, new: Tables) -> Tables:
    """Join the tables of two disjoint groups of members."""
    parts = {k: [t[k] for t in (old, new) if k in t] for k in old | new}
    return {k: side_by_side(tables).sortby("member") for k, tables in parts.items()}


def _path_of(found: xr.Dataset) -> xr.Dataset:
    names = [str(k) for k in found if str(k).startswith("path_")]
    labels = [str(k) for k in found if str(k).startswith("label_")]
    path = found[names].rename({k: k.removeprefix("path_") for k in names})
    return path.rename({"point": "checkpoint"}).merge(found[labels])


def read(condition: str) -> tuple[int, float, bool]:
    """Read batches, weight and whether labels are shuffled from a condition's name."""
    name, shuffled = condition.removesuffix(SHUFFLED), condition.endswith(SHUFFLED)
    try:
        if name == NONE:
            return 0, 0.0, False
        if name.startswith(WEIGHT):
            return 1, float(name.removeprefix(WEIGHT)), shuffled
        k = int(name.removesuffix("es").removesuffix(" batch"))
        if name == batches(k):
            return k, float(k), shuffled
    except ValueError:
        pass
    known = [NONE, "1 batch", "10 batches", "weight 100", f"1 batch{SHUFFLED}"]
    raise ParameterError(f"Nothing is replayed by {condition!r}; {did_you_mean(name, known)}")


def member(config: ReplayRun, name: str) -> xr.Dataset:
    """Fine-tune one condition with one seed: its predictions along training (`replay.train`)."""
    condition, seed = name.rsplit("-seed", 1)
    sets = load_sets(config.id, config.ood, config.image_size, config.test_images)
    images, labels = sets.train
    picked = balanced_subset(labels, min(config.train_images, len(labels)))
    training = images[picked], labels[picked]
    (old_x, old_y), old_test, _ = old_images(config)
    model = replay.TwoHeaded(pretrained(config), sets.classes, int(seed))
    start = _start(config, model, training, int(seed)) if condition == NONE else {}
    k, weight, shuffled = read(condition)
    if shuffled:
        old_y = np.random.default_rng(SHUFFLE_SEED).permutation(old_y)
    found = replay.train(
        model,
        training,
        replay.Memory((old_x, old_y), k, weight) if k else None,
        sets.evaluations,
        {OLD: old_test},
        _recipe(config),
        seed=int(seed),
        device=config.device,
        progress=name if sys.stderr.isatty() else None,
    )
    return found.merge(_walk(config, model, start, sets.evaluations, old_test)) if start else found


def _recipe(config: ReplayRun) -> Recipe:
    c = config
    rest: dict[str, Any] = {"weight_decay": DECAY, "drop_at": DROP, "checkpoints": c.checkpoints}
    return Recipe(c.steps, c.batch, c.lr, first=min(FIRST, c.steps), **rest)


def _start(config: ReplayRun, model, training: Images, seed: int) -> dict[str, torch.Tensor]:
    """Train the fresh head on frozen features; give the whole's weights and leave `model` as is."""
    state = {k: v.detach().clone() for k, v in model.state_dict().items()}
    features = loop.cached_features(model.net, training[0], config.device)
    head = torch.nn.Linear(*model.fresh.weight.shape[::-1])
    head.load_state_dict(model.fresh.state_dict())
    recipe = Recipe(config.head_steps, 64, 0.05, weight_decay=0.0, drop_at=DROP, checkpoints=2)
    loop.train(head, (features, training[1]), {}, recipe, seed=seed, device=config.device)
    return state | {f"fresh.{k}": v.detach().cpu() for k, v in head.state_dict().items()}


def _walk(config: ReplayRun, model, start, evaluations, old_test: Images) -> xr.Dataset:
    """Evaluate the path to the trained model by both heads: `path_` (point, ...)."""
    end = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    both = replay.walk(
        model, start, end, config.points, evaluations, {OLD: old_test}, config.device
    )
    both = both.drop_vars([k for k in both if str(k).startswith("label_")])
    return both.rename({"checkpoint": "point"} | {k: f"path_{k}" for k in both})


@lru_cache(maxsize=2)
def old_images(config: ReplayRun) -> tuple[Images, Images, int]:
    """Load the old set: images to pretrain on and to replay, test images, number of classes.

    If they are the digits that are fine-tuned on, only 5 to 9, numbered from 0.
    """
    train, test, _ = nbdata.train_test(config.replay_set, config.image_size)
    classes = len(train.classes)
    if SHIFTED in config.ood and config.replay_set == config.id:
        train, test = (part.subset(part.labels >= 5) for part in (train, test))
        pairs, classes = [(part.images, part.labels - 5) for part in (train, test)], classes - 5
    else:
        pairs = [(part.images, part.labels) for part in (train, test)]
    picked = balanced_subset(pairs[1][1], min(config.old_images, len(pairs[1][1])))
    return pairs[0], (pairs[1][0][picked], pairs[1][1][picked]), classes


def pretrained(config: ReplayRun) -> Classifier:
    """Pretrain the small network on the old images, once per machine, or load its weights."""
    c = config
    # named as chapter 2 names its own, so that a network of the same training is found
    what: tuple[Any, ...] = (nbdata.checksum(c.replay_set), c.image_size, c.kind)
    what += (c.pretrain_steps, c.pretrain_lr, c.pretrain_batch)
    what += ("upper",) if SHIFTED in c.ood and c.replay_set == c.id else ()
    key = f"pretrained-{hashlib.sha256(repr(what).encode()).hexdigest()[:12]}"
    state = kept_features(key, partial(_pretrain, config))
    net = _network(config)
    net.load_state_dict(state)
    return net


def _network(config: ReplayRun) -> Classifier:
    (images, _), _, classes = old_images(config)
    width, residual = CNNS[config.kind]
    return small.small_cnn(width, classes, residual, images.shape[-1], 0)


def _pretrain(config: ReplayRun) -> dict[str, torch.Tensor]:
    net, (training, _, _) = _network(config), old_images(config)
    recipe = Recipe(
        steps=config.pretrain_steps,
        batch=min(config.pretrain_batch, len(training[1])),
        lr=config.pretrain_lr,
        weight_decay=5e-4,
        drop_at=(0.6, 0.85),
        factor=0.15,
        checkpoints=2,
    )
    loop.train(net, training, {}, recipe, device=config.device)
    return {k: v.cpu() for k, v in net.state_dict().items()}
