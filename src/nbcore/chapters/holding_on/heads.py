"""Last layers of pretrained networks: trained, replayed, and mixed with the ones they started from.

The pretrained end of a path is the network's own head read through the class map: it knows the
task before any training. A head of zeros or chance would not do. It knows nothing, and from zero
the straight path only scales the logits, which changes no answer.

The control walks as far, in weights, from the same start in a random direction.
"""

import sys
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar

import torch
import xarray as xr

from nbcore.chapters.holding_on.config import HoldingOn
from nbcore.lines.config import LineConfig, data_of, data_roles, look_at
from nbcore.lines.mapped import Mapped, old_features, open_mapped
from nbcore.lines.packing import curves, joined_curves
from nbcore.runs import contents
from nbcore.runs.config import Config, param
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.run import Run
from nbcore.runs.store import run_or_load
from nbcore.training import loop, replay
from nbcore.training.interpolation import evaluate_path
from nbcore.training.recipe import Recipe

FRESH, MAPPED, PATH, RANDOM = "fresh head", "mapped head", "path", "random path"
REPLAY, WEIGHTED = "replay", "replay, weight 100"
HEAVY = 100.0
ALL = (FRESH, MAPPED, PATH, RANDOM, REPLAY, WEIGHTED)
OLD = "old"
#: seeds 0 to 7 of such heads are on other pages
FIRST_SEED = 10


@dataclass(frozen=True)
class HeldHeads(Config):
    """Which last layers are trained on what."""

    slug: ClassVar[str] = "held-heads"

    id: str = param("cifar10", "data set to train on", in_address=False, is_path=True)
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets", in_address=False, is_path=True
    )
    replay_set: str = param(
        "tiny-imagenet-32", "old images to replay", in_address=False, is_path=True
    )
    class_map: str = param("cifar10", "the class map", is_path=True)
    weights: str | None = param(None, "state dict of the one network", is_path=True)
    image_size: int = param(32, "side to which all images are first brought")
    side: int = param(128, "side that the networks see")
    train_images: int = param(10_000, "training images")
    test_images: int = param(4_000, "ID test images, class-balanced")
    old_images: int = param(2_000, "old images to replay, class-balanced; half as many to test on")
    steps: int = param(1_000, "steps of training")
    lr: float = param(0.01, "rate")
    batch: int = param(64, "images a step, new and replayed")
    checkpoints: int = param(25, "evaluations, in log steps")
    points: int = param(11, "points of a path")
    networks: tuple[str, ...] = param((), "networks", in_address=False)
    conditions: tuple[str, ...] = param(ALL, "what is done with each", in_address=False)
    seeds: int = param(3, "seeds of each", in_address=False)
    workers: int = param(1, "processes", in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)

    def before_computing(self) -> None:
        """Refuse a network that cannot read images of this side."""
        look_at(self.networks, [self.side])

    def address(self) -> dict[str, Any]:
        """Return the address as usual, but with files of one's own by their content."""
        out = super().address()
        out["class_map"] = contents.of_map(self.class_map)
        if self.weights is not None:
            out["weights"] = contents.of_file(self.weights)
        return out


def beside(config: HoldingOn) -> HeldHeads:
    """Return the run that goes with the chapter's config."""
    return HeldHeads(
        id=config.id,
        ood=config.ood,
        replay_set=config.replay_set,
        class_map=config.class_map,
        weights=config.weights,
        image_size=config.image_size,
        side=config.feature_size,
        train_images=config.train_images,
        test_images=config.test_images,
        old_images=config.head_replay,
        steps=config.head_steps,
        lr=config.head_lr,
        batch=config.head_batch,
        checkpoints=config.checkpoints,
        points=config.points,
        networks=config.compared,
        conditions=tuple(c for c in ALL if not config.conditions or c in config.conditions),
        seeds=config.seeds,
        workers=config.workers,
        device=config.device,
    )


def condition(network: str, what: str) -> str:
    """Name a condition: `mobilenet_v2: replay, weight 100`."""
    return f"{network}: {what}"


def run_heads(config: HeldHeads, fresh: bool = False) -> Run:
    """Load or compute the run: table `curves` as `packing.pack` makes it."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: HeldHeads) -> Plan:
    """Say what computes the run; members network by network, so that each is opened once."""
    seeds = range(FIRST_SEED, FIRST_SEED + config.seeds)
    names = [
        f"{condition(network, what)}-seed{s}"
        for network in config.networks
        for s in seeds
        for what in config.conditions
    ]
    return Plan(
        config.slug,
        config,
        data_roles(LineConfig(id=config.id, ood=config.ood)) | {"replay": config.replay_set},
        names,
        partial(member, config),
        reduce=curves,
        join=joined_curves,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    found = {**data_of(manifest), "replay_set": data_names(manifest)["replay"]}
    return run_plan(HeldHeads.from_address(manifest["config"], **found))


STORED = {HeldHeads.slug: _stored}


def line_of(config: HeldHeads, network: str) -> LineConfig:
    """Give the config by which chapters 2 and 6 keep this network's features."""
    return LineConfig(
        model=network,
        weights=config.weights,
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        feature_size=config.side,
        test_images=config.test_images,
    )


def member(config: HeldHeads, name: str) -> xr.Dataset:
    """Compute one member: predictions along training, or along a path."""
    start, seed = name.rsplit("-seed", 1)
    network, what = start.split(": ", 1)
    if what == FRESH:
        return _fresh(config, network, int(seed))
    if what in (REPLAY, WEIGHTED):
        return _replayed(config, network, int(seed), HEAVY if what == WEIGHTED else 1.0)
    curve, model = _mapped(config, network, int(seed))
    if what == MAPPED:
        return curve
    end = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
    begin = {k: torch.zeros_like(v) for k, v in end.items()}
    there = random_end(end, int(seed)) if what == RANDOM else end
    tests = _evaluations(_open(config, network))
    path = evaluate_path(model, begin, there, config.points, tests, config.device)
    model.load_state_dict(end)
    return path


def _open(config: HeldHeads, network: str) -> Mapped:
    return open_mapped(line_of(config, network), config.class_map, config.train_images)


def _trained(
    config: HeldHeads,
    network: str,
    seed: int,
    memory: replay.Memory | None = None,
    old_test: loop.Data | None = None,
) -> tuple[xr.Dataset, replay.SharedHead]:
    """Train the mapped head, with replay if there is a memory: its curve and itself."""
    found = _open(config, network)
    model = replay.SharedHead(found.weight, found.bias, list(found.targets.values()))
    curve = replay.train(
        model,
        (found.banks["train"], found.labels),
        memory,
        _evaluations(found),
        {} if old_test is None else {OLD: old_test},
        _recipe(config),
        seed=seed,
        device=config.device,
        progress=f"{network}, mapped head" if sys.stderr.isatty() else None,
    )
    return curve, model


def _replayed(config: HeldHeads, network: str, seed: int, weight: float) -> xr.Dataset:
    half = max(config.old_images // 2, 1)
    old, old_test = old_features(
        line_of(config, network), _open(config, network), config.replay_set, config.old_images, half
    )
    return _trained(config, network, seed, replay.Memory(old, 1, weight), old_test)[0]


#: one training gives the curve and both paths
_mapped = lru_cache(maxsize=1)(_trained)


def random_end(end: dict[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """Draw displacements of the lengths of `end`'s in a random direction, tensor by tensor.

    Only weights that training moved are: those of sources outside the class map have no effect.
    """
    rng = torch.Generator().manual_seed(seed)
    drawn = {k: torch.randn(v.shape, generator=rng) * (v != 0) for k, v in end.items()}
    return {k: v * (end[k].norm() / v.norm()) for k, v in drawn.items()}


def _fresh(config: HeldHeads, network: str, seed: int) -> xr.Dataset:
    found = _open(config, network)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = torch.nn.Linear(found.weight.shape[1], len(found.targets))
    return loop.train(
        head,
        (found.banks["train"], found.labels),
        _evaluations(found),
        _recipe(config),
        seed=seed,
        device=config.device,
        precision="float32",
        progress=f"{network}, fresh" if sys.stderr.isatty() else None,
    )


def _evaluations(found: Mapped) -> dict[str, Any]:
    return {role: (found.banks[role], y) for role, y in found.truth.items()}


def _recipe(config: HeldHeads) -> Recipe:
    return Recipe(
        config.steps,
        config.batch,
        config.lr,
        weight_decay=0.0,
        drop_at=(0.7,),
        checkpoints=config.checkpoints,
    )
