"""A second natural shift, which owes nothing to ImageNet: MNIST's digits against USPS's.

Chapter 2's shifted photographs come from ImageNet, as its network's pretraining does, so that
robustness to them can be familiarity. Here nobody has seen the shifted set: last layers on MNIST
digits are tested on digits from envelopes. Both sets are brought to 28x28 pixels, which leaves
MNIST's as they are and enlarges USPS's 16x16 (bicubic); grey is repeated to three channels for
networks pretrained in colour, and those of ImageNet see 64x64 (bicubic).
"""

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import ClassVar, NamedTuple

import numpy as np
import torch
import xarray as xr

from nbcore import data as nbdata
from nbcore.chapters.rise_and_fall.config import NETWORKS
from nbcore.lines.config import LineConfig, data_of, data_roles
from nbcore.lines.curves import Study, by_condition, measure
from nbcore.lines.packing import curves, joined_curves
from nbcore.lines.trained import Sets, cache_key, kept_features, run_testbed, testbed_sets
from nbcore.measures.selection import balanced_subset
from nbcore.models import pretrained, small
from nbcore.paths import cache_dir
from nbcore.runs.config import Config, param
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop
from nbcore.training.kinds import CNNS
from nbcore.training.recipe import Recipe

#: the line: networks from scratch, and the classical models shown beside it. Both were written down
#: before any was evaluated on USPS. No random flips: a mirrored 2 is no digit.
LINE = (
    *("plain8-50", "plain8-200", "plain8-1000", "plain8-5000"),
    *("plain8-short-20000", "plain8-short-60000"),
    *("plain16-100", "plain16-500", "plain16-2000", "plain16-short-10000"),
    *("vgg8-100", "vgg8-500", "vgg8-2000", "vgg8-10000", "vgg8-short-60000"),
    *("resnet8-100", "resnet8-300", "resnet8-1000", "resnet8-5000", "resnet8-short-20000"),
    *("resnet16-200", "resnet16-1000", "resnet16-short-5000"),
)
BESIDE = (
    *("mean-60000", "knn-100", "knn-1000", "knn-10000", "knn-60000"),
    *("logistic-100", "logistic-1000", "logistic-10000", "forest-1000", "forest-10000"),
    *("patches-1000", "patches-5000", "mlp-300", "mlp-3000", "mlp-20000"),
)
HEAD, WHOLE, RANDOM = "last-layer", "whole", "random"


class Condition(NamedTuple):
    """One way of training: what is trained, of which network, on how many digits.

    how: `HEAD`, `WHOLE` or `RANDOM`; start: a pretrained network, or the pictures on which a small
    one is pretrained here; of a random start, the small network's kind.
    """

    how: str
    start: str
    images: int

    @property
    def name(self) -> str:
        """Name it as members are: `last-layer, mobilenet_v2, 1000`."""
        return ", ".join(map(str, self))


@dataclass(frozen=True)
class Digits(Config):
    """Which networks learn digits, how, and on what. 30 core-minutes with its testbed, 4 GB."""

    slug: ClassVar[str] = "mnist-usps"

    id: str = param("mnist", "digits to train on", in_address=False)
    ood: tuple[str, ...] = param(("usps",), "shifted digits", in_address=False)
    image_size: int = param(28, "side to which all images are first brought")
    test_images: int = param(5_000, "ID test images, class-balanced")
    batch: int = param(64, "images a step")
    networks: tuple[str, ...] = param(NETWORKS, "pretrained networks", in_address=False)
    side: int = param(64, "side that they see")
    sizes: tuple[int, ...] = param(
        (5_000, 1_000, 100), "digits that last layers learn, main number first", in_address=False
    )
    head_steps: int = param(3_000, "steps of last-layer training")
    head_lr: float = param(0.001, "its rate")
    head_checkpoints: int = param(40, "its evaluations, in log steps")
    pictures: tuple[str, ...] = param(
        ("fashion-mnist", "tiny-imagenet-32"),
        "pictures on which a small network is pretrained here",
        in_address=False,
    )
    kind: str = param("cnn16", "the small network", choices=tuple(CNNS))
    pretrain_steps: tuple[int, ...] = param((1_000, 3_000), "steps of pretraining, by pictures")
    pretrain_lr: float = param(0.1, "rate of pretraining")
    whole: tuple[str, ...] = param(
        (), "pretrained networks that are fine-tuned whole too", in_address=False
    )
    steps: int = param(300, "steps where the whole network is trained")
    lr: float = param(0.01, "rate of whole fine-tuning")
    random_lr: float = param(0.05, "rate from random weights")
    checkpoints: int = param(12, "evaluations of whole networks, in log steps")
    seeds: int = param(3, "seeds of each", low=1, in_address=False)
    testbed: tuple[str, ...] = param(LINE, "models of the line, KIND-N", in_address=False)
    beside: tuple[str, ...] = param(BESIDE, "models shown beside it", in_address=False)
    epochs: float = param(0.5, "training of the testbed's networks, relative", in_address=False)
    resamples: int = param(500, "bootstrap resamples of images and seeds", in_address=False)
    workers: int = param(2, "processes", in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)

    @property
    def most(self) -> int:
        """How many digits the largest training set has; each smaller one is the start of it."""
        return max(self.sizes)

    def line(self) -> LineConfig:
        """Give the config by which the digits and the testbed are loaded."""
        return LineConfig(
            id=self.id,
            ood=self.ood,
            image_size=self.image_size,
            feature_size=self.side,
            test_images=self.test_images,
            testbed=self.testbed,
            apart=self.beside,
            epochs=self.epochs,
            workers=self.workers,
            device=self.device,
        )


def conditions(config: Digits) -> list[Condition]:
    """List the conditions, those on the main number of digits first."""
    main, starts = config.sizes[0], (*config.networks, *config.pictures)
    found = [Condition(HEAD, start, main) for start in starts]
    found += [Condition(RANDOM, config.kind, main)]
    found += [Condition(WHOLE, start, main) for start in (*config.pictures, *config.whole)]
    return found + [Condition(HEAD, start, n) for n in config.sizes[1:] for start in starts]


def member_names(config: Digits) -> list[str]:
    """Name the members; neighbours start from other networks, so that workers share no features."""
    alike = groupby(conditions(config), key=lambda c: (c.how, c.images))
    blocks = [[c.name for c in block] for _, block in alike]
    return [f"{n}-seed{s}" for block in blocks for s in range(config.seeds) for n in block]


def run_plan(config: Digits) -> Plan:
    """Plan the computation: table `curves` as `packing.pack` makes it, one row a member."""
    roles = data_roles(config.line())
    roles |= {f"pretraining{i or ''}": name for i, name in enumerate(config.pictures)}
    return Plan(
        config.slug,
        config,
        roles,
        member_names(config),
        partial(_member, config),
        reduce=curves,
        join=joined_curves,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    names = data_names(manifest)
    pictures = tuple(names[role] for role in sorted(names) if role.startswith("pretraining"))
    found = {**data_of(manifest), "pictures": pictures}
    return run_plan(Digits.from_address(manifest["config"], **found))


STORED = {Digits.slug: _stored}


def run_digits(config: Digits, fresh: bool = False) -> Run:
    """Load or compute the run of all conditions."""
    return run_or_load(run_plan(config), fresh)


def study(config: Digits, shuffled: bool = False, with_classical: bool = False) -> Study:
    """Load or compute both runs and measure the conditions against the line, as `runs.study` does.

    shuffled: the control, in which USPS's labels are shuffled. with_classical: against the line
    through all models, the classical ones too.
    """
    bed, run = run_testbed(config.line()), run_digits(config)
    found = by_condition(run.table("curves"))
    parts = {c.name: found[c.name] for c in conditions(config)}
    fitted = (*config.testbed, *(config.beside if with_classical else ()))
    apart = () if with_classical else config.beside
    return measure(bed, run, parts, fitted, config.resamples, "ood", shuffled, apart)


def _member(config: Digits, name: str) -> xr.Dataset:
    """Train one condition with one seed: its predictions along training (`loop.train`)."""
    label, seed = name.rsplit("-seed", 1)
    how, start, images = label.split(", ")
    condition = Condition(how, start, int(images))
    sets = testbed_sets(config.line())
    pixels, labels = sets.train
    picked = balanced_subset(labels, min(config.most, len(labels)))
    kept = picked[: condition.images]
    inputs: np.ndarray | torch.Tensor = pixels[kept]
    evaluations: Mapping[str, loop.Data] = sets.evaluations
    if how == HEAD:
        banks = _features(config, start, pixels[picked], sets)
        inputs = banks["train"][: condition.images]
        evaluations = {k: (banks[k], y) for k, (_, y) in sets.evaluations.items()}
        with torch.random.fork_rng():
            torch.manual_seed(int(seed))
            model: torch.nn.Module = torch.nn.Linear(inputs.shape[1], sets.classes)
    else:
        model = _network(config, how, start, sets.classes, int(seed))
    return loop.train(
        model,
        (inputs, labels[kept]),
        evaluations,
        _recipe(config, how),
        seed=int(seed),
        device=config.device,
        checkpoint_file=cache_dir() / "partial" / f"{cache_key(config.line(), label)}-{seed}.pt",
        progress=name if sys.stderr.isatty() else None,
    )


def _recipe(config: Digits, how: str) -> Recipe:
    c = config
    if how == HEAD:
        rest = {"weight_decay": 0.0, "first": 4}
        return Recipe(c.head_steps, c.batch, c.head_lr, checkpoints=c.head_checkpoints, **rest)  # type: ignore[arg-type]
    # a random start passes through chance for long, where no line reaches
    lr, first = (c.lr, 4) if how == WHOLE else (c.random_lr, max(c.steps // 15, 4))
    return Recipe(c.steps, c.batch, lr, drop_at=(0.7,), checkpoints=c.checkpoints, first=first)


def _network(config: Digits, how: str, start: str, classes: int, seed: int):
    """Build a network with a fresh head: pretrained by others, pretrained here, or random."""
    width, residual = CNNS[config.kind]
    if how == RANDOM:
        return small.small_cnn(width, classes, residual, 3, seed)
    if start not in config.pictures:
        return pretrained.create(start, classes, True, config.side, seed)
    state = kept_features(_pretraining_key(config, start), partial(_pretrain, config, start))
    known = len(list(state.values())[-1])  # the last layer's bias
    net = small.small_cnn(width, known, residual, 3, 0)
    net.load_state_dict(state)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net.replace_head(classes)
    return net


def _pretrain(config: Digits, name: str) -> dict[str, torch.Tensor]:
    """Pretrain the small network on pictures, once for all seeds: its weights by name."""
    found = nbdata.train_test(name, config.image_size).train
    width, residual = CNNS[config.kind]
    net = small.small_cnn(width, len(found.classes), residual, 3, 0)
    recipe = Recipe(
        steps=config.pretrain_steps[config.pictures.index(name)],
        batch=config.batch,
        lr=config.pretrain_lr,
        weight_decay=5e-4,
        drop_at=(0.6, 0.85),
        factor=0.15,
        checkpoints=2,
    )
    loop.train(net, (found.images, found.labels), {}, recipe, device=config.device)
    return {k: v.cpu() for k, v in net.state_dict().items()}


def _pretraining_key(config: Digits, name: str) -> str:
    c, steps = config, config.pretrain_steps[config.pictures.index(name)]
    what = (nbdata.checksum(name), c.image_size, c.kind, steps, c.pretrain_lr, c.batch)
    return f"pretrained-{hashlib.sha256(repr(what).encode()).hexdigest()[:12]}"


def _features(
    config: Digits, start: str, images: np.ndarray, sets: Sets
) -> dict[str, torch.Tensor]:
    """Compute penultimate features of training and evaluation images, once per machine."""
    everything = {"train": images, **{k: x for k, (x, _) in sets.evaluations.items()}}
    origin = _pretraining_key(config, start) if start in config.pictures else start

    def make() -> dict[str, torch.Tensor]:
        net = _network(config, HEAD, start, sets.classes, 0)
        return {k: loop.cached_features(net, x, config.device) for k, x in everything.items()}

    key = cache_key(config.line(), f"features-{origin}-{len(images)}")
    return kept_features(key, make)
