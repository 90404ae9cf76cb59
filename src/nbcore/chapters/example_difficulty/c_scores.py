"""C-scores estimated here: small networks, each trained on a random half, vote on the other half.

    run = run_c_scores(CScoreRun.resolve("smoke"))
    scores(run).score     # (example,) held-out accuracy of each training example, low is hard

The C-score of an example is the chance that a network which was not trained on it classifies it
correctly (ER 5.3 and C.8, after Jiang et al. 2021). A member is a network trained on a random half
of the training set; what it says of the other half is one vote on each of those examples.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import xarray as xr

from nbcore import data as nbdata
from nbcore.chapters.example_difficulty.networks import CScoreRun
from nbcore.data.images import ImageSet
from nbcore.depths.ensembles import member_seed
from nbcore.depths.tables import THUMBNAILS
from nbcore.errors import ParameterError
from nbcore.measures import cscores
from nbcore.models import small
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training import ensemble, loop
from nbcore.training.kinds import CNNS


def run_c_scores(config: CScoreRun, fresh: bool = False) -> Run:
    """Load or compute the members: tables `members`, `examples`, `thumbnails`, see `_reduce`."""
    nbdata.tell(config.dataset, held_out=True)
    return run_or_load(run_plan(config), fresh)


def run_plan(config: CScoreRun) -> Plan:
    """Plan the run of C-scores."""
    return Plan(
        config.slug,
        config,
        {"images": config.dataset},
        config.names(),
        partial(member, config),
        reduce=partial(_reduce, config),
        join=partial(_join, config),
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    found = data_names(manifest)["images"]
    return run_plan(CScoreRun.from_address(manifest["config"], dataset=found))


STORED = {CScoreRun.slug: _stored}


def votes(run: Run, members: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return (correct, held_out), bool (member, example), as `measures.cscores` takes them.

    members: those that count; None: all that the run has.
    """
    table = run.table("members")
    table = table if members is None else table.sel(member=list(members))
    return _unpacked(table, "correct"), _unpacked(table, "held_out")


def scores(run: Run, members: Sequence[str] | None = None) -> cscores.CScores:
    """Compute the score of every training example, with its standard error and number of votes."""
    return cscores.c_scores(*votes(run, members))


def load_training_set(config: CScoreRun) -> ImageSet:
    """Load the examples that are scored, in their published order: what a set has to train on."""
    return _load(config.dataset, config.image_size)


@lru_cache(maxsize=2)
def _load(dataset: str, size: int | None) -> ImageSet:
    return nbdata.train_test(dataset, size).train


def member(config: CScoreRun, name: str) -> xr.Dataset:
    """Train one network and let it classify every example.

    Returns `held_out` and `correct` (example), and `loss`, its last mean training loss.
    """
    index, images = int(name.rpartition("-")[2]), load_training_set(config)
    if min(images.images.shape[1:3]) < 8:
        raise ParameterError(
            f"{config.dataset} has images of {images.images.shape[2]}×{images.images.shape[1]} "
            "pixels, but the networks halve them three times; give image_size=8 or more."
        )
    held = ensemble.held_out_mask(len(images), index, config.share, config.splits, config.seed)
    seed, (width, residual) = member_seed(config, index), CNNS[config.kind]
    net = small.small_cnn(width, len(images.classes), residual, images.images.shape[-1], seed)
    history = loop.train(
        net,
        (images.images[~held], images.labels[~held]),
        {},
        config.recipe(int((~held).sum())),
        seed=seed,
        device=config.device,
        precision=config.precision,
    )
    place = loop.pick_device(config.device)
    said = loop.predict(
        net, loop.as_tensor(images.images), place, loop.pick_precision(config.precision, place)
    )
    return xr.Dataset(
        {
            "held_out": ("example", held),
            "correct": ("example", said.numpy() == images.labels),
            "loss": ((), history["loss"].values[-1]),
        }
    )


def _reduce(config: CScoreRun, run: Run) -> Tables:
    """Make the tables that pages need of the members.

    members: `held_out` and `correct` as packed bits (member, byte), attrs `examples`;
    `accuracy_train`, `accuracy_held_out`, fractions, and `loss` (member). examples: `label`
    (example), attrs `classes`. thumbnails: `image` (thumb, height, width, channel) of `example`.
    """
    rows = [_row(part).expand_dims(member=[name]) for name, part in run.members()]
    members = xr.concat(rows, "member", combine_attrs="override")
    images = load_training_set(config)
    examples = xr.Dataset(
        {"label": ("example", images.labels.astype(np.int16))},
        attrs={"classes": list(images.classes)},
    )
    return {"members": members, "examples": examples, "thumbnails": _thumbnails(images, members)}


def _row(member: xr.Dataset) -> xr.Dataset:
    held, right = member["held_out"].values, member["correct"].values
    out: dict[str, Any] = {
        k: ("byte", np.packbits(member[k].values)) for k in ("held_out", "correct")
    }
    out["accuracy_train"] = (), np.float32(right[~held].mean())
    out["accuracy_held_out"] = (), np.float32(right[held].mean())
    out["loss"] = (), np.float32(member["loss"].values)
    return xr.Dataset(out, attrs={"examples": len(held)})


def _join(config: CScoreRun, old: Tables, new: Tables) -> Tables:
    """Join the tables of two disjoint groups of members: equal to `_reduce` of all members."""
    parts = [old["members"], new["members"]]
    members = xr.concat(parts, "member", combine_attrs="override").sortby("member")
    pictures = _thumbnails(load_training_set(config), members)
    return {"members": members, "examples": old["examples"], "thumbnails": pictures}


def _unpacked(members: xr.Dataset, name: str) -> np.ndarray:
    return np.unpackbits(members[name].values, axis=-1, count=members.attrs["examples"]).astype(
        bool
    )


def _thumbnails(images: ImageSet, members: xr.Dataset) -> xr.Dataset:
    """Choose the pictures to store: per class the easiest and the hardest, the rest at random.

    Ties are in random order.
    """
    score = cscores.c_scores(_unpacked(members, "correct"), _unpacked(members, "held_out")).score
    order = np.random.default_rng(0).permutation(len(images))
    ranked = order[np.argsort(score[order], kind="stable")]
    ranked = ranked[~np.isnan(score[ranked])]
    each = max(2 * THUMBNAILS // (5 * len(images.classes)), 1)
    chosen: list[int] = []
    for k in range(len(images.classes)):
        own = ranked[images.labels[ranked] == k]
        chosen += [*own[:each].tolist(), *own[::-1][:each].tolist()]
    kept = np.array(list(dict.fromkeys(chosen + order.tolist()))[:THUMBNAILS])
    dims = ("thumb", "height", "width", "channel")
    return xr.Dataset({"image": (dims, images.images[kept]), "example": ("thumb", kept)})
