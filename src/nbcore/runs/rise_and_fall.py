"""Chapter 2: effective robustness while a pretrained network is fine-tuned, against a testbed.

Two stored runs: a testbed trained from scratch, which gives the line, and the fine-tuning
conditions with their seeds, all seen by the same evaluation images. `er_curves` reads them.
"""

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
import xarray as xr
from filelock import FileLock

from nbcore import data as nbdata
from nbcore.errors import DataError, ParameterError, did_you_mean
from nbcore.models import pretrained, small
from nbcore.paths import cache_dir
from nbcore.runs.presets import Config, param
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop, testbed
from nbcore.training.classical import shift_digits

#: the embedded stand-in for a shift: digits below 5; their shifted copies; a network pretrained on
#: the digits from 5 up
SHIFTED, OWN_NET = "digits-shifted", "digits-network"
#: the testbed of the published run: what a dozen of CPU minutes less leave of the whole roster
SLOW = ("cnn32-3000", "cnn32-50000", "res32-10000", "patches-20000")
PUBLISHED = tuple(m for m in testbed.ROSTER if m not in SLOW)
SHUFFLE_SEED = 20_220_922


class Condition(NamedTuple):
    """One way of training the network; `whole` False trains the last layer on cached features."""

    pretrained: bool = True
    whole: bool = True
    size: int | None = 64
    lr: float = 0.01
    loss: str = "cross-entropy"
    steps: int = 600
    first: int = 4  # the first checkpoint after step 0


@dataclass(frozen=True)
class RiseAndFall(Config):
    """Chapter 2. Image counts, sizes in pixels, rates per step; all models see the same images."""

    slug: ClassVar[str] = "rise-and-fall"

    model: str = param("efficientnet_lite0", "pretrained network: a timm or torchvision name")
    weights: str | None = param(
        None, "state dict to use instead of the published weights", is_path=True
    )
    id: str = param(
        "cifar10", "data set to train on: a name or a folder", counts_members=True, is_path=True
    )
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets, same classes", counts_members=True, is_path=True
    )
    image_size: int = param(32, "side to which all images are first brought", low=8, high=1024)
    train_images: int = param(10_000, "training images for the network", low=10)
    test_images: int = param(4_000, "ID test images, class-balanced", low=10)
    conditions: tuple[str, ...] = param(
        (), "conditions to run; none means all", counts_members=True
    )
    seeds: int = param(3, "seeds where the whole network is trained", low=1, counts_members=True)
    head_seeds: int = param(5, "seeds where the last layer is", low=1, counts_members=True)
    feature_size: int = param(128, "side for last-layer training", low=8, high=1024)
    size: int = param(64, "side for whole-network training", low=8, high=1024)
    small_size: int = param(32, "side of the small random start (A38)", low=8, high=1024)
    steps: int = param(600, "steps of fine-tuning", low=4)
    random_steps: int = param(450, "steps from random weights", low=4)
    small_steps: int = param(1000, "steps from random weights on small images", low=4)
    head_steps: int = param(6000, "steps of last-layer training", low=4)
    batch: int = param(64, "images a step", low=1)
    lr: float = param(0.01, "rate of fine-tuning", low=0.0)
    random_lr: float = param(0.05, "rate from random weights", low=0.0)
    head_lrs: tuple[float, ...] = param((0.001, 0.01, 0.0001), "last-layer rates, main one first")
    mse_lr: float = param(0.003, "last-layer rate with squared error", low=0.0)
    checkpoints: int = param(10, "evaluations, in log steps", low=3, high=1000)
    testbed: tuple[str, ...] = param(PUBLISHED, "models of the line, KIND-N", counts_members=True)
    epochs: float = param(1.0, "training of the testbed's networks, relative", low=0.01, high=100)
    resamples: int = param(
        500, "bootstrap resamples of images and seeds", low=20, high=10_000, counts_members=True
    )
    workers: int = param(2, "processes", low=1, high=64, counts_members=True)
    device: str = param("auto", "auto, cpu or cuda", counts_members=True)

    @classmethod
    def smoke(cls) -> "RiseAndFall":
        """Digits: pretrained on 5-9, fine-tuned on 0-4, shifted copies. 30 seconds, 1 GB."""
        kinds = ("mean", "knn", "logistic", "patches", "mlp", "cnn16")
        bed = [f"{k}-{n}" for k in kinds for n in (10, 30, 450)]
        return cls(
            model=OWN_NET, id="digits", ood=(SHIFTED,), image_size=8, train_images=400,
            test_images=250, seeds=2, head_seeds=2, feature_size=8, size=8, small_size=8,
            steps=60, random_steps=60, small_steps=60, head_steps=300, batch=32, lr=0.02,
            head_lrs=(0.01, 0.1),
            mse_lr=0.01, checkpoints=8, testbed=tuple(bed), epochs=0.15, workers=1,
        )  # fmt: skip

    @classmethod
    def book(cls) -> "RiseAndFall":
        """EfficientNet-Lite0 on 10,000 CIFAR-10 images, CINIC-10's ImageNet part: 60 min, 8 GB."""
        return cls()

    @classmethod
    def paper(cls) -> "RiseAndFall":
        """ResNet-50, or another of the six, at 224 pixels, 100 epochs, CIFAR-10.1: GPU days."""
        return cls(
            model="resnet50", ood=("cifar10.1-v6",), train_images=50_000, test_images=10_000,
            seeds=5, feature_size=224, size=224, steps=78_000, random_steps=195_000,
            small_steps=195_000,
            head_steps=78_000, lr=0.001, random_lr=0.01, head_lrs=(0.0001, 0.001, 0.01),
            mse_lr=0.001, checkpoints=100, testbed=testbed.ROSTER,
        )  # fmt: skip


@dataclass(frozen=True)
class TestbedRun(Config):
    """What the testbed's models depend on besides their data."""

    slug: ClassVar[str] = "small-testbed"
    __test__: ClassVar[bool] = False

    image_size: int = param(32, "side of the images")
    test_images: int = param(4_000, "ID test images")
    epochs: float = param(1.0, "training of the networks, relative")


class Sets(NamedTuple):
    """(images, labels) for training and per evaluation set: "id", "ood", "ood2", ..."""

    train: tuple[np.ndarray, np.ndarray]
    evaluations: dict[str, tuple[np.ndarray, np.ndarray]]
    classes: int


def conditions(config: RiseAndFall) -> dict[str, Condition]:
    """The conditions by name: the last layer at each rate and with squared error, all, random."""
    c = config
    head = Condition(whole=False, size=c.feature_size, steps=c.head_steps)
    table = {"last-layer": head._replace(lr=c.head_lrs[0])}
    table["full"] = Condition(size=c.size, lr=c.lr, steps=c.steps)
    for name, size, steps in (
        ("random", c.size, c.random_steps),
        ("random-small", c.small_size, c.small_steps),
    ):
        # a random start passes through chance for long, where no line reaches
        table[name] = Condition(
            False, True, size, c.random_lr, "cross-entropy", steps, max(steps // 15, 4)
        )
    table["last-layer-mse"] = head._replace(lr=c.mse_lr, loss="mse")
    if c.feature_size != c.size:  # the whole network's counterpart on the same images
        table["last-layer-small"] = table["last-layer"]._replace(size=c.size)
    table |= {f"last-layer-lr-{lr:g}": head._replace(lr=lr) for lr in c.head_lrs[1:]}
    for name in c.conditions:
        if name not in table:
            raise ParameterError(f"There is no condition {name!r}; {did_you_mean(name, table)}")
    return {k: v for k, v in table.items() if not c.conditions or k in c.conditions}


def member_names(config: RiseAndFall) -> list[str]:
    """`full-seed0` and so on; the longest first, so that parallel workers end together."""
    table = conditions(config)
    seeds = {k: config.seeds if v.whole else config.head_seeds for k, v in table.items()}
    names = [(v.whole, -s, f"{k}-seed{s}") for k, v in table.items() for s in range(seeds[k])]
    first = [f"{k}-seed0" for k, v in table.items() if not v.whole][:1]  # it caches the features
    rest = [n for *_, n in sorted(names, key=lambda t: t[:2], reverse=True) if n not in first]
    return first + rest


def run_testbed(config: RiseAndFall, fresh: bool = False) -> Run:
    """The models of the line: table `models` as in `_pack`, one row a model."""
    bed = TestbedRun(config.image_size, config.test_images, config.epochs)
    names = [m for m in config.testbed if testbed.split_name(m)]
    # the longest first, so that parallel workers end together
    names.sort(key=lambda m: (m.split("-")[0] in testbed.CNNS, testbed.split_name(m)[1]))
    return run_or_load(
        bed.slug, bed, data_roles(config), names[::-1], partial(_testbed_member, config),
        reduce=lambda run: {"models": _pack(run)}, fresh=fresh, workers=config.workers,
        device=str(loop.pick_device(config.device)), modules=(testbed, loop, small),
    )  # fmt: skip


def run_conditions(config: RiseAndFall, fresh: bool = False) -> Run:
    """The fine-tuning runs: table `curves` as in `_pack`, one row a member (condition, seed)."""
    return run_or_load(
        config.slug, config, data_roles(config), member_names(config), partial(_member, config),
        reduce=lambda run: {"curves": _pack(run)}, fresh=fresh, workers=config.workers,
        device=str(loop.pick_device(config.device)), modules=(loop, pretrained),
    )  # fmt: skip


def data_roles(config: RiseAndFall) -> dict[str, str]:
    """Role -> data set: "id", then "ood", "ood2", ... (a shifted copy is made, so not listed)."""
    roles = {"id": config.id}
    roles |= {"ood" + (str(i + 1) if i else ""): name for i, name in enumerate(config.ood)}
    return {role: name for role, name in roles.items() if name != SHIFTED}


@lru_cache(maxsize=2)
def load_sets(id: str, ood: tuple[str, ...], image_size: int, test_images: int) -> Sets:
    """Training and evaluation images; DataError when an evaluation label has no ID class."""
    training, test = (nbdata.load(id, split, image_size) for split in ("train", "test"))
    classes = len(training.classes)
    if SHIFTED in ood:
        classes = 5
        training, test = (part.subset(part.labels < 5) for part in (training, test))
    picked = testbed.balanced_subset(test.labels, min(test_images, len(test)))
    test = test.subset(np.sort(picked))
    evaluations = {"id": (test.images, test.labels)}
    for i, name in enumerate(ood):
        role = "ood" + (str(i + 1) if i else "")
        if name == SHIFTED:
            moved = shift_digits(test.images[..., 0])[..., None]
            evaluations[role] = (np.rint(moved).astype(np.uint8), test.labels)
            continue
        shifted = nbdata.load(name, "test", image_size)
        if shifted.labels.max() >= classes or shifted.images.shape[-1] != test.images.shape[-1]:
            raise DataError(
                f"{name} has labels up to {shifted.labels.max()} and {shifted.images.shape[-1]} "
                f"channels, but {id} has {classes} classes and {test.images.shape[-1]}; give a "
                "shifted set with the same classes in the same order, and the same mode."
            )
        evaluations[role] = (shifted.images, shifted.labels)
    return Sets((training.images, training.labels), evaluations, classes)


def _sets(config: RiseAndFall) -> Sets:
    return load_sets(config.id, config.ood, config.image_size, config.test_images)


def _testbed_member(config: RiseAndFall, name: str) -> xr.Dataset:
    sets = _sets(config)
    return testbed.train_member(
        name, sets.train, sets.evaluations, epochs=config.epochs, device=config.device
    )


def _member(config: RiseAndFall, name: str) -> xr.Dataset:
    """One condition with one seed: its predictions along training (`loop.train`)."""
    condition, seed = name.rsplit("-seed", 1)
    c, sets = conditions(config)[condition], _sets(config)
    images, labels = sets.train
    picked = testbed.balanced_subset(labels, min(config.train_images, len(labels)))
    recipe = loop.Recipe(
        steps=c.steps, batch=config.batch, lr=c.lr, loss=c.loss, augment=c.whole,
        drop_at=(0.7,) if c.whole else (), weight_decay=1e-4 if c.whole else 0.0,
        checkpoints=config.checkpoints, first=c.first,
    )  # fmt: skip
    training: loop.Data
    evaluations: Mapping[str, loop.Data]
    if c.whole:
        model: torch.nn.Module = build(config, c.pretrained, c.size, sets.classes, int(seed))
        training, evaluations = (images[picked], labels[picked]), sets.evaluations
    else:
        banks = _features(config, c.size, images[picked], sets)
        training = banks["train"], labels[picked]
        evaluations = {k: (banks[k], y) for k, (_, y) in sets.evaluations.items()}
        with torch.random.fork_rng():
            torch.manual_seed(int(seed))
            model = torch.nn.Linear(banks["train"].shape[1], sets.classes)
    partial_file = cache_dir() / "partial" / f"{_key(config, condition)}-{seed}.pt"
    return loop.train(
        model, training, evaluations, recipe, seed=int(seed), device=config.device,
        checkpoint_file=partial_file, progress=name if sys.stderr.isatty() else None,
    )  # fmt: skip


def build(config: RiseAndFall, trained: bool, size: int | None, classes: int, seed: int):
    """The network of the config with a fresh head, pretrained or random."""
    if config.model != OWN_NET:
        return pretrained.create(config.model, classes, trained, size, seed, config.weights)
    net = small.small_cnn(16, 5, channels=1, seed=seed)
    if trained:
        digits = nbdata.load("digits", "train")
        upper = digits.subset(digits.labels >= 5)
        recipe = loop.Recipe(steps=150, batch=32, lr=0.05, checkpoints=2)
        loop.train(net, (upper.images, upper.labels - 5), {}, recipe, device=config.device)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net.replace_head(classes)
    return net


def _features(
    config: RiseAndFall, size: int | None, images: np.ndarray, sets: Sets
) -> dict[str, torch.Tensor]:
    """Penultimate features of the training and evaluation images, computed once per machine."""
    what = "features" if size == config.feature_size else f"features-{size}"
    file = cache_dir() / "features" / f"{_key(config, what)}.pt"
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock"):
        if not file.exists():
            net = build(config, True, size, sets.classes, 0)
            all_images = {"train": images, **{k: x for k, (x, _) in sets.evaluations.items()}}
            bar = "features of" if sys.stderr.isatty() else None
            banks = {
                k: loop.cached_features(net, x, config.device, progress=bar and f"{bar} {k}")
                for k, x in all_images.items()
            }
            torch.save(banks, file.with_suffix(".tmp"))
            file.with_suffix(".tmp").replace(file)
    return torch.load(file, weights_only=True)


def _key(config: RiseAndFall, what: str) -> str:
    weights = (
        hashlib.sha256(Path(config.weights).read_bytes()).hexdigest() if config.weights else ""
    )
    sums = [nbdata.checksum(name) for name in data_roles(config).values()]
    text = repr((config.address(), sums, weights, what))
    return f"{what}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _pack(run: Run) -> xr.Dataset:
    """All members side by side, as bits: what pages need, a fiftieth of the predictions.

    Per role: `correct_ROLE` and, under one shuffle of the labels, `shuffled_ROLE`
    ([member,] checkpoint, byte); `step` and `loss` (member, checkpoint), NaN-padded at the end.
    """
    rows = []
    for name, member in run.members():
        variables: dict[str, Any] = {k: member[k].astype(float) for k in ("step", "loss")
                                     if k in member}  # fmt: skip
        attrs = {}
        for role in sorted(str(k)[6:] for k in member if str(k).startswith("label_")):
            truth, said = member[f"label_{role}"].values, member[f"prediction_{role}"].values
            shuffled = np.random.default_rng(SHUFFLE_SEED).permutation(truth)
            lead = member[f"prediction_{role}"].dims[:-1]
            for kind, target in (("correct", truth), ("shuffled", shuffled)):
                bits = np.packbits(said == target, axis=-1)
                variables[f"{kind}_{role}"] = ((*lead, f"byte_{role}"), bits)
            attrs[f"total_{role}"] = len(truth)
        rows.append(xr.Dataset(variables, attrs=attrs).expand_dims(member=[name]))
    return xr.concat(
        rows,
        "member",
        join="outer",
        fill_value={"step": np.nan, "loss": np.nan},
        combine_attrs="override",
        coords="minimal",
        compat="override",
    )
