"""Ensembles of networks over random splits: what chapters 3 to 5 and 8 are computed from."""

import hashlib
import sys
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Protocol

import numpy as np
import xarray as xr

from nbcore import data as nbdata
from nbcore.data.scores import load_labels
from nbcore.depths import tables
from nbcore.depths.roster import DepthConfig, Ensemble
from nbcore.errors import ParameterError
from nbcore.measures.depth import knn_votes
from nbcore.measures.selection import balanced_subset
from nbcore.models import papers, probes
from nbcore.paths import cache_dir
from nbcore.runs.criteria import Finding, same_votes
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, address, run_or_load
from nbcore.training import ensemble, loop

#: members that train on the whole pool are numbered from here, so that no seed is used twice
FULL = 100_000


def load(config: DepthConfig, fresh: bool = False) -> dict[str, Run]:
    """Load the run of every ensemble of a chapter, stored or computed: DATASET:NETWORK -> run."""
    return {key: run_ensemble(e, fresh) for key, e in config.parts().items()}


def run_ensemble(config: Ensemble, fresh: bool = False, least: int = 2) -> Run:
    """Load or compute an ensemble: tables as `depths.tables.reduce` makes them.

    least: how many members it must have; 1 where the depths of a single network will do.
    """
    if (came := config.members + config.full_members) < least:
        needed = "one member" if least == 1 else "two members"
        raise ParameterError(f"An ensemble needs {needed} or more, not {came}.")
    bank = config.examples - round(config.held_out * config.examples * (config.members > 0))
    if config.k > bank:
        raise ParameterError(
            f"k is {config.k}, but a member trains on about {bank} examples; give a smaller k."
        )
    nbdata.tell(config.dataset, held_out=not config.whole)
    return run_or_load(run_plan(config), fresh)


def run_plan(config: Ensemble) -> Plan:
    """Plan the computation of an ensemble."""
    return Plan(
        config.slug,
        config,
        config.roles(),
        config.names(),
        partial(member, config),
        reduce=partial(_reduce, config),
        join=partial(tables.join, pool=partial(load_pool, config)),
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
        only_on_gpu=(
            f"an MLP of width {config.width} takes an hour on two cores"
            if config.architecture == "mlp" and config.width >= 2048
            else ""
        ),
        check=partial(_input_votes_again, config),
    )


def _input_votes_again(config: Ensemble, run: Run) -> Iterator[Finding]:
    """Compare the votes at the input probe of all members on splits, which no training touches."""
    if "votes" not in run.manifest["tables"]:
        return
    stored = run.table("votes")["votes"].sel(probe=probes.INPUT).values
    pool, votes = load_pool(config), np.zeros(stored.shape, np.int64)
    n, channels, classes = len(pool.labels), pool.images.shape[3], len(pool.classes)
    model = papers.build("mlp", 1, classes, channels, pool.images.shape[1], 1)
    _, seen = next(probes.read(model, loop.as_tensor(pool.images), {}))
    for index in (int(name[-3:]) for name in run.member_names if name.startswith("split")):
        held = ensemble.held_out_mask(n, index, config.held_out, config.splits, config.seed)
        bank, labels = seen[~held], pool.labels[~held]
        half = index // (_folds(config) or 1) % 2
        votes[half, held] += knn_votes(bank, labels, seen[held], config.k, n_classes=classes)
    yield same_votes(votes, stored)


def stored_config(manifest: Manifest) -> Ensemble:
    """Read the config of an ensemble from the manifest of a run that was stored with it."""
    return Ensemble.from_address(manifest["config"], dataset=data_names(manifest)["images"])


STORED = {Ensemble.slug: lambda manifest: run_plan(stored_config(manifest))}


def _folds(config: Ensemble) -> int | None:
    """Return how many members share a partition; None where each draws its own split."""
    return round(1 / config.held_out) if config.splits == "folds" else None


def _reduce(config: Ensemble, run: Run) -> Tables:
    return tables.reduce(run, partial(load_pool, config), _folds(config))


def member(config: Ensemble, name: str) -> xr.Dataset:
    """Train one member by its name; see `ensemble.train_member`."""
    kind, _, number = name.rpartition("-")
    index = int(number)
    pool = load_pool(config)
    n = len(pool.labels)
    if kind == "full":
        held_out, index = np.zeros(n, bool), index + FULL
    else:
        held_out = ensemble.held_out_mask(n, index, config.held_out, config.splits, config.seed)
    sums = {role: nbdata.checksum(d) for role, d in config.roles().items()}
    where = cache_dir() / "partial" / f"ensemble-{address(config.slug, config, sums)}-{name}.pt"
    return ensemble.train_member(
        pool,
        network(config),
        config.recipe(),
        held_out,
        member_seed(config, index),
        k=config.k,
        input_margins=config.input_margins if kind == "full" else 0,
        device=config.device,
        precision=config.precision,
        checkpoint_file=where,
        progress=name if config.workers == 1 and sys.stderr.isatty() else None,
    )


class Seeded(Protocol):
    """A config whose `seed` changes every draw."""

    @property
    def seed(self) -> int: ...


def member_seed(config: Seeded, index: int) -> int:
    """Make a seed from the config's seed and the member's number, below 2**28."""
    text = f"{config.seed} {index}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:7], 16)


def network(config: Ensemble) -> ensemble.Network:
    return ensemble.Network(config.architecture, config.width, config.depth, config.in_block)


def load_pool(config: Ensemble) -> ensemble.Pool:
    """Load the examples of an ensemble, the same for every member; labels as the config says."""
    c = config
    return _pool(
        c.dataset, c.examples, c.test_examples, c.image_size, c.labels, c.noise, c.seed, c.whole
    )


@lru_cache(maxsize=4)
def _pool(
    dataset: str,
    examples: int,
    test_examples: int,
    size: int | None,
    labels: str,
    noise: float,
    seed: int,
    whole: bool,
) -> ensemble.Pool:
    if whole:  # what it is tested on are then some of its own examples, which nothing reads
        train = test = nbdata.load(dataset, "train", size)
    else:
        train, test, _ = nbdata.train_test(dataset, size)
    given = train.labels
    if labels:
        name, _, column = labels.partition(":")
        given = load_labels(name, column, train.labels)
    chosen = chosen_examples(train.labels, examples, seed)
    tested = balanced_subset(test.labels, min(test_examples, len(test)), seed)
    original, used = train.labels[chosen], given[chosen]
    if noise:
        used = plant_noise(used, noise, len(train.classes), seed)
    return ensemble.Pool(
        train.images[chosen],
        used,
        original,
        test.images[tested],
        test.labels[tested],
        train.classes,
    )


def chosen_examples(labels: np.ndarray, examples: int, seed: int = 0) -> np.ndarray:
    """Return an ensemble's pool as indices into a training set, in the order of the pool."""
    return balanced_subset(labels, min(examples, len(labels)), seed)


def plant_noise(labels: np.ndarray, share: float, n_classes: int, seed: int = 0) -> np.ndarray:
    """Draw a random `share` of the labels anew from all classes (PD figure 5).

    On average one in `n_classes` of these stays what it was.
    """
    rng = np.random.default_rng([seed, 2])
    changed = rng.permutation(len(labels))[: round(share * len(labels))]
    out = labels.copy()
    out[changed] = rng.integers(n_classes, size=len(changed))
    return out
