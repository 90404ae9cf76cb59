"""Chapter 2: effective robustness while a pretrained network is fine-tuned, against a testbed.

Two stored runs: a testbed trained from scratch, which gives the line, and the fine-tuning
conditions with their seeds, all evaluated on the same images. `study` measures both together.
"""

import sys
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
import xarray as xr

from nbcore.chapters.rise_and_fall.config import RiseAndFall, conditions, member_names
from nbcore.lines.config import data_of, data_roles
from nbcore.lines.curves import Study, by_condition, measure
from nbcore.lines.packing import curves
from nbcore.lines.trained import Sets, bank_features, build, cache_key, run_testbed, testbed_sets
from nbcore.measures.selection import balanced_subset
from nbcore.paths import cache_dir
from nbcore.runs.manifests import Manifest
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop
from nbcore.training.recipe import Recipe


def run_conditions(config: RiseAndFall, fresh: bool = False) -> Run:
    """Load or compute the fine-tuning runs: table `curves` as `packing.curves` makes it."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: RiseAndFall) -> Plan:
    """Plan the computation of the fine-tuning runs."""
    return Plan(
        config.slug,
        config,
        data_roles(config),
        member_names(config),
        partial(_member, config),
        reduce=curves,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    return run_plan(RiseAndFall.from_address(manifest["config"], **data_of(manifest)))


STORED = {RiseAndFall.slug: _stored}


def _member(config: RiseAndFall, name: str) -> xr.Dataset:
    """Train one condition with one seed; return its predictions along training (`loop.train`)."""
    condition, seed = name.rsplit("-seed", 1)
    c, sets = conditions(config)[condition], testbed_sets(config)
    images, labels = sets.train
    picked = balanced_subset(labels, min(config.train_images, len(labels)))
    recipe = Recipe(
        steps=c.steps,
        batch=config.batch,
        lr=c.lr,
        loss=c.loss,
        augment=c.whole,
        drop_at=(0.7,) if c.whole else (),
        weight_decay=1e-4 if c.whole else 0.0,
        checkpoints=config.checkpoints,
        first=c.first,
    )
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
    partial_file = cache_dir() / "partial" / f"{cache_key(config, condition)}-{seed}.pt"
    return loop.train(
        model,
        training,
        evaluations,
        recipe,
        seed=int(seed),
        device=config.device,
        checkpoint_file=partial_file,
        progress=name if sys.stderr.isatty() else None,
    )


def _features(
    config: RiseAndFall, size: int | None, images: np.ndarray, sets: Sets
) -> dict[str, torch.Tensor]:
    """Compute penultimate features of training and evaluation images, once per machine."""
    what = "features" if size == config.feature_size else f"features-{size}"
    return bank_features(config, what, size, images, sets)


def study(
    config: RiseAndFall, role: str = "ood", shuffled: bool = False, fresh: bool = False
) -> Study:
    """Load or compute both runs and measure the conditions against the testbed's line.

    role: which shifted set ("ood", "ood2", ...). shuffled: the control, in which that set's labels
    are shuffled and nobody can be robust. Raises ParameterError when the set was not measured.
    """
    bed, run = run_testbed(config, fresh), run_conditions(config, fresh)
    parts = by_condition(run.table("curves"))
    return measure(
        bed, run, parts, config.line_models, config.resamples, role, shuffled, config.models_beside
    )
