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
from functools import partial

import numpy as np
import torch
import xarray as xr

from nbcore import data as nbdata
from nbcore.chapters.rise_and_fall.digits_config import (
    HEAD,
    RANDOM,
    WHOLE,
    Condition,
    Digits,
    conditions,
    member_names,
)
from nbcore.lines.config import data_of, data_roles
from nbcore.lines.curves import Study, by_condition, measure
from nbcore.lines.packing import curves, joined_curves
from nbcore.lines.trained import Sets, cache_key, kept_features, run_testbed, testbed_sets
from nbcore.measures.selection import balanced_subset
from nbcore.models import pretrained, small
from nbcore.paths import cache_dir
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, find_runs, run_or_load
from nbcore.training import loop
from nbcore.training.kinds import CNNS
from nbcore.training.recipe import Recipe


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


def computed(config: Digits) -> bool:
    """Say whether all members are stored or kept: a page does not train networks for half an hour
    unasked.
    """
    plan = run_plan(config)
    runs = find_runs(plan.experiment, config, plan.data).values()
    return any(set(plan.members) <= set(r.manifest["members"]) for r in runs)


def study(
    config: Digits, shuffled: bool = False, with_classical: bool = False, line_only: bool = False
) -> Study:
    """Load or compute both runs and measure the conditions against the line, as `runs.study` does.

    shuffled: the control, in which USPS's labels are shuffled. with_classical: against the line
    through all models, the classical ones too. line_only: without the conditions.
    """
    bed = run_testbed(config.line())
    run = bed if line_only else run_digits(config)
    found = {} if line_only else by_condition(run.table("curves"))
    parts = {c.name: found[c.name] for c in conditions(config) if c.name in found}
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
