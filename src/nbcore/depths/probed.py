"""Ensembles on a whole data set of which a part is probed: the paper's width and size, on a GPU.

What a probe costs grows with the bank times the examples that are asked about. Here every member
trains on nearly all of a large pool, its bank is all that it trained on, and the depth is measured
of a fixed part of the pool, the *probed examples*. Held out are only such: each member leaves out a
random half of them, and members take turns, so that every probed example has as many depths held
out as trained on. The rest of the pool is trained on by all members; so what is said of a held-out
example holds for training sets that have this rest in common, which the paper's have not.

The tables are those of `depths.tables`, with the probed examples in the place of the pool.
"""

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np
import torch
import xarray as xr
from filelock import FileLock
from torch import Tensor

from nbcore import data as nbdata
from nbcore.depths import tables
from nbcore.depths.ensembles import FULL, load_pool, member_seed, network
from nbcore.depths.roster import Ensemble
from nbcore.errors import ParameterError
from nbcore.measures import blocks
from nbcore.measures.depth import knn_votes
from nbcore.measures.margins import input_margin, output_margin
from nbcore.measures.selection import balanced_subset
from nbcore.models import papers, probes
from nbcore.models.pretrained import Classifier
from nbcore.paths import cache_dir
from nbcore.runs.config import AT_LEAST, param
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, address, run_or_load
from nbcore.training import loop
from nbcore.training.device import pick_device
from nbcore.training.ensemble import Pool, held_out_mask


@dataclass(frozen=True)
class ProbedEnsemble(Ensemble):
    """One data set, one network, many members, depths of a part of the pool."""

    slug: ClassVar[str] = "probed-ensemble"

    probed: int = param(
        10_000, "examples whose depth is measured, class-balanced", low=4, paper=AT_LEAST
    )

    @classmethod
    def book(cls) -> "ProbedEnsemble":
        """VGG16 of the paper's width, by its schedule, on all of CIFAR-10: for a GPU."""
        return cls(
            dataset="cifar10",
            examples=50_000,
            test_examples=2_000,
            architecture="vgg16",
            width=64,
            steps=6_000,
            batch=256,
            lr=0.04,
            drop_at=(5 / 6,),
            checkpoints=20,
            input_margins=1_000,
            members=24,
            full_members=4,
        )


class Part(NamedTuple):
    """The probed examples as a pool of their own, and which of the whole pool they are."""

    pool: Pool
    index: np.ndarray  # type: ignore[assignment]  # hides tuple.index, which nobody calls


def run_probed(config: ProbedEnsemble, fresh: bool = False) -> Run:
    """Load or compute such an ensemble. ParameterError for a part that is no part, or k too large.

    Tables as `depths.tables.reduce` makes them, of the probed examples.
    """
    if config.probed > config.examples or config.probed % 2:
        raise ParameterError(
            f"Of a pool of {config.examples} examples an even number can be probed, of which "
            f"members hold out one half in turn, not {config.probed}."
        )
    if config.k > (bank := config.examples - config.probed // 2):
        raise ParameterError(
            f"k is {config.k}, but a member trains on {bank} examples; give a smaller k."
        )
    nbdata.tell(config.dataset, held_out=True)
    return run_or_load(run_plan(config), fresh)


def run_plan(config: ProbedEnsemble) -> Plan:
    """Plan the computation of such an ensemble."""
    return Plan(
        config.slug,
        config,
        config.roles(),
        config.names(),
        partial(member, config),
        reduce=partial(_reduce, config),
        join=partial(tables.join, pool=partial(_probed_pool, config)),
        workers=config.workers,
        device=str(pick_device(config.device)),
        only_on_gpu="a VGG16 of width 64 takes a day on two cores" if config.width >= 64 else "",
    )


def _stored(manifest: Manifest) -> Plan:
    named = data_names(manifest)["images"]
    return run_plan(ProbedEnsemble.from_address(manifest["config"], dataset=named))


STORED = {ProbedEnsemble.slug: _stored}


def _reduce(config: ProbedEnsemble, run: Run) -> Tables:
    return tables.reduce(run, partial(_probed_pool, config), folds=2)


def probed_part(config: ProbedEnsemble) -> Part:
    """Choose the probed examples of the pool, evenly over the classes, the same for all members."""
    pool = load_pool(config)
    index = np.sort(balanced_subset(pool.labels, config.probed, config.seed))
    part = pool._replace(
        images=pool.images[index], labels=pool.labels[index], original=pool.original[index]
    )
    return Part(part, index)


def _probed_pool(config: ProbedEnsemble) -> Pool:
    return probed_part(config).pool


def held_out_of(config: ProbedEnsemble, name: str) -> tuple[np.ndarray, int]:
    """Say which probed examples a member holds out, (probed,) bool, and its number for seeds."""
    kind, _, number = name.rpartition("-")
    if kind == "full":
        return np.zeros(config.probed, bool), int(number) + FULL
    index = int(number)
    return held_out_mask(config.probed, index, 0.5, "folds", config.seed), index


def member(config: ProbedEnsemble, name: str) -> xr.Dataset:
    """Train one member by its name, then probe it: a Dataset as of `ensemble.train_member`.

    Of the pool only the probed examples are in it.
    """
    pool, part = load_pool(config), probed_part(config)
    held_out, number = held_out_of(config, name)
    rest = np.ones(len(pool.labels), bool)
    rest[part.index] = False
    common = pool.images[rest], pool.labels[rest]
    own = part.pool.images[~held_out], part.pool.labels[~held_out]
    train = tuple(np.concatenate(both) for both in zip(common, own, strict=True))
    place, net = pick_device(config.device), network(config)
    side, channels = pool.images.shape[1], pool.images.shape[3]
    seed = member_seed(config, number)
    model = papers.build(
        net.architecture, net.width, len(pool.classes), channels, side, net.depth, seed
    )
    sums = {role: nbdata.checksum(d) for role, d in config.roles().items()}
    kept = cache_dir() / "partial" / f"probed-{address(config.slug, config, sums)}-{name}.pt"
    sets = {"": (part.pool.images, part.pool.labels), "_test": (pool.test_images, pool.test_labels)}
    trained = loop.train(
        model,
        (torch.from_numpy(train[0]).to(place), torch.from_numpy(train[1]).to(place)),
        {"pool" + k: (torch.from_numpy(x).to(place), y) for k, (x, y) in sets.items()},
        config.recipe(),
        seed=seed,
        device=config.device,
        precision=config.precision,
        checkpoint_file=kept,
        progress=name if config.workers == 1 and sys.stderr.isatty() else None,
    )
    found = _answers(model, sets, config.input_margins if name.startswith("full") else 0)
    votes, names = _votes(config, model, train, part.pool, held_out, pool.test_images)
    for dim, end in tables.END.items():
        found[f"history{end}"] = ("checkpoint", dim), trained[f"prediction_pool{end}"].values
        found[f"votes{end}"] = (dim, "probe", "class"), votes[dim]
    found |= {
        "held_out": ("example", held_out),
        "label": ("example", part.pool.labels.astype(np.int16)),
        "step": trained["step"],
        "loss": trained["loss"],
    }
    return xr.Dataset(found, coords={"probe": names})


def _answers(model: Classifier, sets: dict, input_margins: int) -> dict:
    """Read the trained network's answers and margins, by variable as a Dataset takes them."""
    out: dict = {}
    for dim, end in tables.END.items():
        images = sets[end][0]
        z = probes.logits(model, loop.as_tensor(images)).cpu().numpy()
        if not np.isfinite(z).all():
            raise ParameterError(
                f"The network {model.name} diverged (its logits are not finite); lower lr."
            )
        out[f"final{end}"] = (dim, z.argmax(1).astype(np.int16))
        out[f"output_margin{end}"] = (dim, output_margin(z).astype(np.float32))
        if input_margins:
            some = loop.as_tensor(images[:input_margins])
            margin = input_margin(model, some).astype(np.float32)
            out[f"input_margin{end}"] = (f"margin_{dim}", margin)
    return out


def _votes(
    config: ProbedEnsemble,
    model: Classifier,
    train: tuple[np.ndarray, ...],
    probed: Pool,
    held_out: np.ndarray,
    test_images: np.ndarray,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Count votes by what is asked about, (example, probe, class), and name the probes.

    The bank is all that the member trained on, and comes first; the probed examples of it are its
    last rows, so that bank and queries are two views of one array.
    """
    place, own = next(model.parameters()).device, int((~held_out).sum())
    bank, labels = len(train[0]), train[1]
    seen = np.concatenate([train[0], probed.images[held_out], test_images])
    images = loop.as_tensor(torch.from_numpy(seen).to(place))
    found = {}
    # one member at a time on a GPU, whose memory holds all embeddings of a few layers once
    with FileLock(cache_dir() / "locks" / "probing") if place.type == "cuda" else nullcontext():
        for name, embedding in _read(model, images, papers.probe_points(model, config.in_block)):
            found[name] = knn_votes(
                embedding[:bank],
                labels,
                embedding[bank - own :],
                config.k,
                n_classes=len(probed.classes),
            )
    counts = np.stack(list(found.values()), axis=1).astype(np.uint8 if config.k < 256 else np.int32)
    order = np.concatenate([np.flatnonzero(~held_out), np.flatnonzero(held_out)])
    votes = {"example": np.empty_like(counts[: len(order)]), "test_example": counts[len(order) :]}
    votes["example"][order] = counts[: len(order)]
    return votes, list(found)


def _read(model: Classifier, images: Tensor, points: dict[str, str]):
    on_gpu = images.is_cuda
    return probes.read(
        model,
        images,
        points,
        batch=1_000 if on_gpu else None,
        max_bytes=36 * 2**30 if on_gpu else blocks.PROBE_BYTES,
    )
