"""Several pretrained networks read through one class map, and last layers that start from it.

Everything but the features is arithmetic of seconds, so one stored run holds all networks. What is
asked of it, and how, was written down before any of its networks was evaluated on a shifted set:
see `network_checks`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nbcore.chapters.zero_shot_class_maps.config import HOW, ZeroShot
from nbcore.chapters.zero_shot_class_maps.sources import (
    load_images,
    open_source,
    read_class_map,
    train_images,
    train_labels,
)
from nbcore.lines.config import LineConfig, data_of, data_roles, look_at
from nbcore.lines.packing import curves, joined_curves
from nbcore.lines.trained import cache_key, kept_features
from nbcore.measures import zeroshot
from nbcore.runs import contents
from nbcore.runs.config import Config, param
from nbcore.runs.manifests import Manifest
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, run_or_load
from nbcore.training import heads, loop
from nbcore.training.recipe import Recipe

#: mean length to which every network's features are brought: one rate and one λ then mean the same
#: for all, and no logit changes; it is about that of EfficientNet-Lite0
LENGTH = 32.0
#: seeds 0 to 4 of EfficientNet-Lite0 were known when the checks of A26, A27 and A34 were amended
FIRST_SEED = 5
FRESH, MAPPED, PULLED, SHUFFLED = "fresh head", "mapped head", "λ = ", "shuffled maps"


@dataclass(frozen=True)
class MappedHeads(Config):
    """Which networks are read, and how their last layers are trained: 10 minutes of one core."""

    slug: ClassVar[str] = "mapped-heads"

    id: str = param("cifar10", "data set to train and test on", in_address=False, is_path=True)
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets", in_address=False, is_path=True
    )
    class_map: str = param("cifar10", "the class map, as chapter 6 takes it", is_path=True)
    image_size: int = param(32, "side to which all images are first brought")
    side: int = param(128, "side that the networks see")
    train_images: int = param(10_000, "training images")
    test_images: int = param(4_000, "ID test images, class-balanced")
    steps: int = param(1_000, "steps of training")
    lr: float = param(0.01, "rate")
    batch: int = param(64, "images a step")
    checkpoints: int = param(25, "evaluations, in log steps")
    shuffles: int = param(20, "shuffled class maps of the control")
    networks: tuple[str, ...] = param((), "networks", in_address=False)
    pulls: tuple[float, ...] = param((), "λ of the pulls", in_address=False)
    seeds: int = param(3, "seeds of each last layer", in_address=False)
    workers: int = param(2, "processes", in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)

    def before_computing(self) -> None:
        """Refuse a network that cannot read images of this side."""
        look_at(self.networks, [self.side])

    def address(self) -> dict[str, Any]:
        """Return the address as usual, but with a map of one's own by its content."""
        out = super().address()
        out["class_map"] = contents.of_map(self.class_map)
        return out


def beside(config: ZeroShot) -> MappedHeads:
    """Return the run that goes with chapter 6's config: same images, same map."""
    return MappedHeads(
        id=config.id,
        ood=config.ood,
        class_map=config.class_map,
        image_size=config.image_size,
        side=config.feature_size,
        train_images=config.train_images,
        test_images=config.test_images,
        steps=min(config.steps, MappedHeads.steps),
        networks=config.compared,
        pulls=config.network_pulls,
        seeds=config.network_seeds,
        workers=config.workers,
        device=config.device,
    )


def pulled(pull: float) -> str:
    """Name the mapped head that is pulled to its start: `λ = 0.01`."""
    return f"{PULLED}{pull:g}"


def condition(network: str, what: str) -> str:
    """Name a condition: `mobilenet_v2, fresh head`."""
    return f"{network}, {what}"


def member_names(config: MappedHeads) -> list[str]:
    """List the members, network by network, so that a process opens each network once."""
    trained = [FRESH, MAPPED, *map(pulled, config.pulls)]
    seeds = range(FIRST_SEED, FIRST_SEED + config.seeds)
    whats = [f"{what}-seed0" for what in (*HOW, SHUFFLED)]
    whats += [f"{what}-seed{seed}" for seed in seeds for what in trained]
    return [condition(network, what) for network in config.networks for what in whats]


def run_networks(config: MappedHeads, fresh: bool = False) -> Run:
    """Load or compute the run: table `curves` as `packing.pack` makes it, one row a member."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: MappedHeads) -> Plan:
    """Say what computes the run."""
    return Plan(
        config.slug,
        config,
        data_roles(LineConfig(id=config.id, ood=config.ood)),
        member_names(config),
        partial(member, config),
        reduce=curves,
        join=joined_curves,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    return run_plan(MappedHeads.from_address(manifest["config"], **data_of(manifest)))


STORED = {MappedHeads.slug: _stored}


class Prepared(NamedTuple):
    """A network as its members need it.

    banks: features (n, dim) of "train" and every role, of mean length `LENGTH`; weight (source,
    dim) and bias (source,): its head on these; targets: {class: source indices}; labels: of the
    training images; truth: by role.
    """

    banks: dict[str, Tensor]
    weight: Tensor
    bias: Tensor
    targets: dict[str, tuple[int, ...]]
    labels: np.ndarray
    truth: dict[str, np.ndarray]


@lru_cache(maxsize=1)
def prepare(config: MappedHeads, network: str) -> Prepared:
    """Open a network: its features, computed once per machine as chapter 2's are, and its head."""
    chapter = ZeroShot(
        model=network,
        id=config.id,
        ood=config.ood,
        class_map=config.class_map,
        image_size=config.image_size,
        feature_size=config.side,
        train_images=config.train_images,
        test_images=config.test_images,
        device=config.device,
    )
    line = LineConfig(
        model=network,
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        feature_size=config.side,
        test_images=config.test_images,
    )
    (sets, _), source = load_images(chapter), open_source(chapter)
    targets, pictures = read_class_map(chapter).targets, {"train": train_images(chapter)}
    pictures |= {role: x for role, (x, _) in sets.evaluations.items()}

    def make() -> dict[str, Tensor]:
        bar = f"{network}, features of" if sys.stderr.isatty() else None
        return {
            k: loop.cached_features(source.net, x, config.device, progress=bar and f"{bar} {k}")
            for k, x in pictures.items()
        }

    banks = kept_features(cache_key(line, f"features-{len(pictures['train'])}"), make)
    banks, weight = of_one_length(banks, source.weight)
    truth = {role: y for role, (_, y) in sets.evaluations.items()}
    return Prepared(banks, weight, source.bias, targets, train_labels(chapter), truth)


def of_one_length(
    banks: dict[str, Tensor], weight: Tensor, length: float = LENGTH
) -> tuple[dict[str, Tensor], Tensor]:
    """Scale features so that those of "train" have this root mean squared length; no logit changes.

    banks: (n, dim) each; weight (source, dim) of the head is divided by what they are multiplied
    with.
    """
    scale = length / float(banks["train"].square().sum(1).mean().sqrt())
    return {k: x * scale for k, x in banks.items()}, weight / scale


def member(config: MappedHeads, name: str) -> xr.Dataset:
    """Compute one member: predictions along training (`loop.train`), or of a single reading."""
    start, seed = name.rsplit("-seed", 1)
    network, what = start.rsplit(", ", 1)
    found = prepare(config, network)
    if what in HOW:
        return _read(found, [found.targets], what)
    if what == SHUFFLED:
        maps = [
            zeroshot.shuffled_map(found.targets, len(found.weight), k)
            for k in range(config.shuffles)
        ]
        return _read(found, maps, "max")
    pull = float(what.removeprefix(PULLED)) if what.startswith(PULLED) else 0.0
    if what == FRESH:
        with torch.random.fork_rng():
            torch.manual_seed(int(seed))
            head: torch.nn.Module = torch.nn.Linear(found.weight.shape[1], len(found.targets))
    else:
        head = heads.MappedHead(found.weight, found.bias, list(found.targets.values()))
    recipe = Recipe(
        steps=config.steps,
        batch=config.batch,
        lr=config.lr,
        weight_decay=2 * pull,
        checkpoints=config.checkpoints,
    )
    return loop.train(
        head,
        (found.banks["train"], found.labels),
        {role: (found.banks[role], y) for role, y in found.truth.items()},
        recipe,
        seed=int(seed),
        device=config.device,
        precision="float32",
        progress=name if sys.stderr.isatty() else None,
    )


def _read(found: Prepared, maps: Sequence[zeroshot.Map], how: str) -> xr.Dataset:
    """Read a network without training: prediction_ROLE (map, example), the maps as checkpoints."""
    variables: dict[str, Any] = {"step": ("checkpoint", np.arange(len(maps), dtype=float))}
    for role, labels in found.truth.items():
        logits = (found.banks[role] @ found.weight.T + found.bias).double()
        chances = torch.softmax(logits, 1).numpy()
        said = [zeroshot.class_scores(chances, one, how).argmax(1) for one in maps]
        axes = ("checkpoint", f"example_{role}")
        variables[f"prediction_{role}"] = (axes, np.stack(said).astype(np.int16))
        variables[f"label_{role}"] = (axes[1], labels.astype(np.int16))
    return xr.Dataset(variables)
