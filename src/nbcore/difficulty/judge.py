"""How difficult is each image of a set, and whose label is to be doubted?

    nbcore difficulty ./my-images
    nbcore difficulty digits -p noise=0.1 -p members=20

An ensemble is trained on random splits of the images, or taken where it is stored; more members
extend it. What it says of each image is in `difficulty.rows`, the rule for the suggestions in
`measures.relabelling.suggest`.
"""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from nbcore import data as nbdata
from nbcore import files
from nbcore.depths import ensembles, roster
from nbcore.depths.architectures import ARCHITECTURES
from nbcore.depths.ensembles import FULL, Ensemble
from nbcore.depths.roster import DepthConfig
from nbcore.depths.view import ROLES, EnsembleView
from nbcore.difficulty.review.identity import image_ids
from nbcore.difficulty.rows import rows
from nbcore.difficulty.sample import Sample, enough, look
from nbcore.errors import ParameterError
from nbcore.measures.corners import corner_size
from nbcore.runs.config import Config, param
from nbcore.runs.own_folders import apply_layout, layout_param
from nbcore.runs.store import Run
from nbcore.training import loop
from nbcore.training.ensemble import held_out_mask

#: so many images are used at most, unless you say more
EXAMPLES = 10_000
GIVEN = ("width", "held_out", "examples", "image_size", "steps", "batch", "lr")


@dataclass(frozen=True)
class Difficulty(Config):
    """What `nbcore difficulty` can be told. None: chosen by the number and size of the images."""

    slug: ClassVar[str] = "difficulty"

    dataset: str = param("", "images: a name or a folder", is_path=True)
    network: str | None = param(None, "network to train", choices=tuple(ARCHITECTURES))
    width: int | None = param(None, "its width", low=1)
    members: int = param(10, "networks, each on a random split", low=2, high=FULL)
    held_out: float | None = param(None, "share that a network does not see, such as 0.2")
    examples: int | None = param(None, "at most so many images, even over the classes", low=4)
    image_size: int | None = param(None, "side to bring the images to, pixels", low=4, high=512)
    steps: int | None = param(None, "updates", low=4)
    batch: int | None = param(None, "images an update", low=1)
    lr: float | None = param(None, "first learning rate", low=0.0)
    k: int = param(30, "neighbours of a probe", low=1)
    labels: str = param("", "other labels, such as cifar10n:worse_label")
    noise: float = param(0.0, "share of labels to draw anew, to try this out", low=0.0, high=1.0)
    agreement: float = param(2 / 3, "share that must agree on another class", low=0.0, high=1.0)
    softmax: bool = param(False, "where labels are known: train again to give cleanlab softmax")
    gap: float = param(0.0, "share of the network by which it is seen earlier", low=-1.0, high=1.0)
    corner: int = param(0, "images of a corner; 0: 0.2 %, at least 20", low=0)
    pictures: int = param(500, "pictures in the gallery", low=0, high=500)
    seed: int = param(0, "changes every draw", low=0)
    fresh: bool = param(False, "train anew, whatever is stored")
    workers: int | None = param(None, "processes", low=1, high=64)
    device: str = param("auto", "auto, cpu or cuda", choices=("auto", "cpu", "cuda"))
    layout: str | None = layout_param()

    def __post_init__(self) -> None:
        apply_layout(self, "dataset")


class Judged(NamedTuple):
    """What came out: the images, where each row's image is among them, the run, the table.

    table: as `difficulty.rows.rows`; `named` makes of it what people read.
    """

    config: Difficulty
    sample: Sample
    positions: np.ndarray
    ensemble: Ensemble
    run: Run
    table: pd.DataFrame


def judge(config: Difficulty) -> Judged:
    """Train or find the ensemble, and measure every image.

    DataError: no such images, one class only, too few of a class, an unreadable image.
    ParameterError: fewer images than a corner holds or than neighbours are looked for, a share to
    hold out that is not one over a whole number.
    """
    nbdata.tell(config.dataset)
    sample = look(config.dataset)
    ensemble = plan(config, sample)
    positions = sample.some(ensemble.examples, ensemble.seed)
    n, corner = len(positions), config.corner or corner_size(len(positions))
    if n < corner:
        raise ParameterError(
            f"A corner is to hold {corner} images, but {config.dataset} has only {n}; ask for "
            "fewer, as in corner=5, or give more images."
        )
    held_out_mask(n, 0, ensemble.held_out, ensemble.splits)  # refuses a share without folds
    enough(sample, positions, round(1 / ensemble.held_out), config.dataset)
    ensembles.load_pool(ensemble)  # an image that cannot be read is found before the training
    run = ensembles.run_ensemble(ensemble, config.fresh)
    table = rows(run, corner, config.agreement, config.gap)
    return Judged(config, sample, positions, ensemble, run, table)


def plan(config: Difficulty, sample: Sample) -> Ensemble:
    """Choose the ensemble for these images: one of the book's if it fits, else one by their size.

    Grey images get the MLP and coloured ones VGG16. Batches grow with the images, the rate with the
    batches. A tenth or a fifth is held out, so that ten members hold out every image.
    """
    network = config.network or ("mlp" if sample.grey else "vgg16")
    key = f"{config.dataset}:{network}"
    own = {name: getattr(config, name) for name in GIVEN if getattr(config, name) is not None}
    own |= dict(
        k=config.k,
        seed=config.seed,
        labels=config.labels,
        noise=config.noise,
        members=config.members,
        full_members=0,
        device=config.device,
        workers=config.workers or _workers(config),
    )
    known = ARCHITECTURES[network]
    if config.dataset in known.book:
        base = roster.setting(key, DepthConfig())
        if config.noise or config.labels:  # as chapter 8: wrong labels take longer to learn
            steps = round(base.steps * (2.0 if config.noise else 1.5))
            own = dict(steps=steps, held_out=0.2, input_margins=0) | own
        return dataclasses.replace(base, **own)
    width, lr, passes, least = known.own
    n = min(config.examples or EXAMPLES, len(sample.labels))
    training = n - round(n * (config.held_out or 0.2))
    batch = config.batch or int(np.clip(2 ** np.round(np.log2(max(training / 30, 1))), 16, 256))
    settings: dict[str, Any] = dict(
        held_out=0.2,
        image_size=sample.side,
        width=width,
        batch=batch,
        lr=lr * (batch / 128) ** 0.5,
        steps=max(passes * training // batch, least),
        checkpoints=12,
        test_examples=len(sample.classes),
        whole=not nbdata.has_test(config.dataset),
    )
    own["examples"] = n
    return Ensemble(dataset=config.dataset, architecture=network, **(settings | own))


def _workers(config: Difficulty) -> int:
    if loop.pick_device(config.device).type == "cuda":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, config.members, 8)


def named(judged: Judged) -> pd.DataFrame:
    """Make one row per image as it is written to files: file and id first, classes by name.

    The rest is as in `difficulty.rows.rows`. `position` counts the images of the split; a class
    that is not known (never held out), no suggestion and no corner are empty.
    """
    table, classes = judged.table, np.array([*judged.sample.classes, None], dtype=object)
    files = judged.sample.files[judged.positions]
    out = pd.DataFrame({"file": files, "position": judged.positions, "action": table["action"]})
    out.insert(1, "id", image_ids(judged.sample.raw, judged.positions))
    for column in ("label", "suggested", "consensus", "original"):
        out[column] = classes[table[column].to_numpy()]  # -1 is the None at the end
    rest = [c for c in table if c not in out and c not in ("index", "corner")]
    out = out.join(table[["corner", *rest]])
    if (table["original"] == table["label"]).all():
        out = out.drop(columns="original")
    for column in ("action", "corner"):
        out[column] = out[column].where(out[column] != "", None)
    return out


def summary(judged: Judged) -> dict[str, Any]:
    """Count what was found, for people and scripts."""
    table, e, view = judged.table, judged.ensemble, EnsembleView.of("", judged.run)
    split = view.some(view.split).members
    accuracy = {role: float(split[f"accuracy_{role}"][:, -1].mean()) for role in ROLES}
    return {
        "dataset": judged.config.dataset,
        "images": len(table),
        "of": len(judged.sample.labels),
        "classes": len(judged.sample.classes),
        "network": e.architecture,
        "members": view.networks,
        "side": int(ensembles.load_pool(e).images.shape[1]),
        "held_out_times": [int(table["n_val"].min()), int(table["n_val"].max())],
        "never_held_out": int((table["n_val"] == 0).sum()),
        "training_accuracy": accuracy["train"],
        "held_out_accuracy": accuracy["val"],
        "actions": {a: int((table["action"] == a).sum()) for a in ("keep", "inspect", "relabel")},
        "corners": {c: int(n) for c, n in table["corner"].value_counts().items() if c},
        "origin": judged.run.origin,
    }


def write_rows(judged: Judged, folder: Path) -> dict[str, Path]:
    """Write `difficulty.csv` and `difficulty.parquet` into a folder; returns where."""
    targets = {kind: folder / f"difficulty.{kind}" for kind in ("csv", "parquet")}
    table = named(judged)
    files.write_atomically(
        targets["csv"], lambda path: table.to_csv(path, index=False, errors="backslashreplace")
    )
    files.write_atomically(targets["parquet"], lambda path: table.to_parquet(path, index=False))
    return targets
