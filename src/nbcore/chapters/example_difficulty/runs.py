"""Chapter 7's members: one network each, trained on the examples of its condition.

    run = run_example_difficulty(ExampleDifficulty.resolve("smoke"))
    result = study(ExampleDifficulty.resolve("smoke"))    # curves against chapter 2's line

Every member is its own process where there are several workers: it loads the images once, and the
features of the last layers are read from one file, of which a member takes its own rows.
"""

import io
import sys
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np
import torch
import xarray as xr

from nbcore import files
from nbcore.chapters.example_difficulty.choices import plan
from nbcore.chapters.example_difficulty.conditions import (
    conditions,
    member_names,
    pretraining,
    pretraining_names,
)
from nbcore.chapters.example_difficulty.config import ExampleDifficulty, beside, roles
from nbcore.chapters.example_difficulty.pretraining import run_pretraining
from nbcore.lines import curves, packing
from nbcore.lines.config import data_of
from nbcore.lines.trained import Sets, build, cache_key, load_sets, run_testbed
from nbcore.paths import cache_dir
from nbcore.runs.manifests import Manifest
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, find_runs, run_or_load
from nbcore.training import loop, phases


@dataclass
class DifficultyStudy(curves.Study):
    """Chapter 2's `Study`: a curve per condition, and the run that the `pretrain-N` ones are from.

    The steps of a condition of several phases run on; `run.table("curves")["phase"]` says which
    phase a checkpoint belongs to.
    """

    config: ExampleDifficulty = field(default_factory=ExampleDifficulty)
    pretraining: Run | None = None


def study(
    config: ExampleDifficulty, role: str = "ood", shuffled: bool = False, fresh: bool = False
) -> DifficultyStudy:
    """Load or compute the runs and chapter 2's testbed, and measure all curves against its line.

    role: which shifted set ("ood", "ood2", ...). shuffled: the control, in which that set's labels
    are shuffled. All curves are of the same images and share their bootstrap draws, so differences
    between them are paired. Raises ParameterError when the set was not measured.
    """
    bed, runs = run_testbed(beside(config)), []
    if conditions(config):
        runs.append(run_example_difficulty(config, fresh))
    if pretraining_names(config):
        runs.append(run_pretraining(pretraining(config), fresh))
    wanted = [*conditions(config), *pretraining_names(config)]
    found = curves.by_condition(*(run.table("curves") for run in runs))
    parts = {name: found[name] for name in wanted}
    measured = curves.measure(
        bed,
        runs[0],
        parts,
        config.line_models,
        config.resamples,
        role,
        shuffled,
        config.models_beside,
    )
    more = runs[-1] if pretraining_names(config) else None
    return DifficultyStudy(**vars(measured), config=config, pretraining=more)


def run_example_difficulty(config: ExampleDifficulty, fresh: bool = False) -> Run:
    """Load or compute the run: table `curves` as `packing.pack` makes it, one row a member."""
    names = member_names(config)
    if fresh or not _is_there(config, names):
        _prepare(config)
    return run_or_load(run_plan(config), fresh)


def run_plan(config: ExampleDifficulty) -> Plan:
    """Plan the run of the chapter's own networks."""
    return Plan(
        config.slug,
        config,
        roles(config),
        member_names(config),
        partial(compute, config),
        reduce=packing.curves,
        join=packing.joined_curves,
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    return run_plan(ExampleDifficulty.from_address(manifest["config"], **data_of(manifest)))


STORED = {ExampleDifficulty.slug: _stored}


def _is_there(config: ExampleDifficulty, names: list[str]) -> bool:
    found = find_runs(config.slug, config, roles(config)).values()
    return any(set(names) <= set(run.manifest["members"]) for run in found)


def _prepare(config: ExampleDifficulty) -> None:
    """Compute what all members need before any of them starts, and refuse bad parameters."""
    _sets(config)
    for condition in conditions(config).values():
        plan(config, condition)


def compute(config: ExampleDifficulty, name: str) -> xr.Dataset:
    """Train one condition with one seed: its predictions along training (`phases.train_phases`)."""
    label, seed = name.rsplit("-seed", 1)
    condition, sets = conditions(config)[label], _sets(config)
    progress = name if sys.stderr.isatty() else None
    data: loop.Data = sets.train
    evaluations: dict[str, loop.Data] = dict(sets.evaluations)
    if condition.start == "head":
        banks = features(config)
        data = banks["train"], sets.train[1]
        evaluations = {k: (np.array(banks[k]), y) for k, (_, y) in sets.evaluations.items()}
        with torch.random.fork_rng():
            torch.manual_seed(int(seed))
            model: torch.nn.Module = torch.nn.Linear(banks["train"].shape[1], sets.classes)
    else:
        trained = condition.start == "full"
        model = build(beside(config), trained, config.size, sets.classes, int(seed))
    return phases.train_phases(
        model,
        data,
        plan(config, condition, int(seed)),
        evaluations,
        seed=int(seed),
        device=config.device,
        progress=progress,
    )


def _sets(config: ExampleDifficulty) -> Sets:
    """Load the training and evaluation images, those of chapter 2."""
    return load_sets(config.id, config.ood, config.image_size, config.test_images)


def features(config: ExampleDifficulty) -> dict[str, np.ndarray]:
    """Compute the penultimate features (n, dim) of "train" and every role, once per machine.

    They are float32 files mapped into memory: a member reads the rows that it trains on.
    """
    base, sets = beside(config), _sets(config)
    name = cache_key(base, "all-features")
    images = {"train": sets.train[0], **{k: x for k, (x, _) in sets.evaluations.items()}}
    net = cache(partial(build, base, True, config.feature_size, 2, 0))
    bar = "features of " if sys.stderr.isatty() else None
    banks = {}
    for role, pixels in images.items():

        def make(role: str = role, pixels: np.ndarray = pixels) -> memoryview:
            # single precision everywhere, so that machines agree
            bank = loop.cached_features(
                net(), pixels, config.device, "float32", bar and f"{bar}{role}"
            )
            np.save(buffer := io.BytesIO(), bank.numpy())
            return buffer.getbuffer()

        file = files.kept(cache_dir() / "features" / f"{name}-{role}.npy", make)
        banks[role] = files.mapped(file)
    return banks
