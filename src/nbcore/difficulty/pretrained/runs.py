"""Judge images by heads on a pretrained network's features: a run like any other, but in minutes.

Its members are the labels as they are given and two copies in which some are changed (`advice`).
The features, which take nearly all of the time, are kept by themselves (`features`), so other
labels, splits or settings of the same images take seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import ClassVar

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit

from nbcore.data import readers
from nbcore.data.fetch import obtain
from nbcore.data.scores import load_labels
from nbcore.data.splits import splits_of
from nbcore.depths.ensembles import plant_noise
from nbcore.difficulty.pretrained import advice, features, suspicion
from nbcore.difficulty.pretrained.advice import ALIKE, GIVEN, PAIRS, Advice, advise
from nbcore.difficulty.pretrained.duplicates import also_in, duplicates, unlike
from nbcore.difficulty.pretrained.features import PENULTIMATE, Features
from nbcore.difficulty.pretrained.measured import Bank, Measured, masks, measure
from nbcore.difficulty.rows import rows_of
from nbcore.difficulty.sample import Sample, look
from nbcore.runs.config import Config, param
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, run_or_load
from nbcore.training import loop

#: columns of the table `duplicates`, see `duplicates.duplicates`
PAIR = {"one": int, "other": int, "exact": bool, "similarity": float, "same_label": bool}


@dataclass(frozen=True)
class OnFeatures(Config):
    """Which images, network, splits and labels."""

    slug: ClassVar[str] = "difficulty-heads"

    dataset: str = param("", "images: a name or a folder", in_address=False, is_path=True)
    network: str = param("efficientnet_lite0", "a pretrained network: a timm name")
    side: int | None = param(None, "side in pixels of what the network sees", low=16)
    numbers: int = param(features.NUMBERS, "numbers kept at a probe", low=1, high=features.MOST)
    members: int = param(50, "heads, each on a random split", low=2)
    held_out: float = param(0.2, "share that a head does not see", low=0.0, high=1.0)
    examples: int = param(10_000, "at most so many images", low=4)
    k: int = param(30, "neighbours of a probe", low=1)
    labels: str = param("", "other labels, such as cifar10n:worse_label")
    noise: float = param(0.0, "share of labels to draw anew", low=0.0, high=1.0)
    seed: int = param(0, "changes every draw", low=0)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)


def run_on_features(config: OnFeatures, fresh: bool = False) -> Run:
    """Load or compute the run: tables `members`, `examples` (of the given labels), `duplicates`."""
    plan = Plan(
        config.slug,
        config,
        {"images": config.dataset},
        [GIVEN, ALIKE, PAIRS],
        partial(_member, config),
        reduce=partial(_reduce, config),
        device=str(loop.pick_device(config.device)),
    )
    return run_or_load(plan, fresh)


@lru_cache(maxsize=2)
def _seen(config: OnFeatures) -> tuple[Sample, np.ndarray, Features, Bank]:
    """Look at the images, extract their features and find the neighbours, once a process."""
    sample = look(config.dataset)
    positions = sample.some(config.examples, config.seed)
    if isinstance(sample.raw, np.ndarray):
        raw = sample.raw[positions]
    else:
        raw = [sample.raw[i] for i in positions]
    found = extract_from(raw, sample, config)
    return sample, positions, found, Bank.of(found, config.k)


def extract_from(raw, sample: Sample, config: OnFeatures) -> Features:
    """Extract the features of some images of a sample; see `features.extract`."""
    side = config.side
    if side is None and sample.native:
        side = features.side_for(features.load_network(config.network), sample.native)
    return features.extract(
        raw, config.network, side, numbers=config.numbers, device=config.device, name=config.dataset
    )


def labels_of(config: OnFeatures, sample: Sample, positions: np.ndarray) -> np.ndarray:
    """Return the labels to be judged: the images' own, other ones, or some drawn anew."""
    given = sample.labels
    if config.labels:
        name, _, column = config.labels.partition(":")
        given = load_labels(name, column, sample.labels)
    used = given[positions]
    if config.noise:
        used = plant_noise(used, config.noise, len(sample.classes), config.seed)
    return used


def _member(config: OnFeatures, name: str) -> xr.Dataset:
    """Measure one version of the labels.

    `changed` (example): which were changed on purpose; `pair` (class): see `advice.confused`.
    """
    sample, positions, _, bank = _seen(config)
    labels, classes = labels_of(config, sample, positions), len(sample.classes)
    changed = np.zeros(len(labels), bool)
    used, pair = labels, advice.confused(bank.found[PENULTIMATE], labels, classes)
    if name != GIVEN:
        share = advice.share_to_change(len(labels))
        used, changed = advice.changed_labels(labels, name, pair, share, config.seed)
    held = masks(len(labels), config.members, config.held_out, config.seed)
    original = sample.labels[positions] if name == GIVEN else labels
    out = measure(bank, used, sample.classes, held, original)
    return pack(out, changed).assign(pair=("class", pair))


def pack(m: Measured, changed: np.ndarray) -> xr.Dataset:
    """Put what was measured into one dataset, as `unpack` reads it."""
    more = {
        "logits": (("example", "class"), m.logits.astype(np.float32)),
        "neighbours": ("example", m.neighbours.astype(np.float32)),
        "train_loss": ("example", m.loss.astype(np.float32)),
        "changed": ("example", changed),
    }
    return xr.merge([m.members, m.examples]).assign(more).assign_attrs(m.examples.attrs)


def unpack(stored: xr.Dataset) -> tuple[Measured, np.ndarray]:
    """Read what `pack` wrote: what was measured, and which labels had been changed."""
    inside = [name for name, values in stored.data_vars.items() if "member" in values.dims]
    own = ["label", "original_label", "output_margin_train", "output_margin_val"]
    m = Measured(
        stored[[*inside, "step"]].assign_coords(probe=stored["probe"]),
        stored[own].assign_attrs(stored.attrs),
        stored["logits"].values,
        stored["neighbours"].values,
        stored["train_loss"].values,
    )
    return m, stored["changed"].values


def _reduce(config: OnFeatures, run: Run) -> dict[str, xr.Dataset]:
    m, _ = unpack(run.member(GIVEN))
    sample, positions, found, bank = _seen(config)
    first, last = (found.at(p) for p in (features.INPUT, PENULTIMATE))
    pairs = duplicates(first, last, bank.found, m.view.label)
    odd = unlike(last, bank.found[PENULTIMATE])
    twice = {c: ("pair", pairs[c].to_numpy(kind)) for c, kind in PAIR.items()}
    raw = [sample.raw[i] for i in positions]
    leaks = also_in(raw, _other_splits(config.dataset))
    extra = {"unlike": ("example", odd), "also_in": ("example", leaks)}
    return {
        "members": m.members.assign_attrs(side=found.side),
        "examples": m.examples.assign(extra),
        "duplicates": xr.Dataset(twice),
    }


def _other_splits(dataset: str) -> dict[str, tuple[readers.Raw, np.ndarray]]:
    """Read the images, as they are stored, of the splits that are not judged."""
    found = obtain(dataset)
    judged = splits_of(found)[0]
    out = {}
    for split in readers.splits(found):
        if split != judged and len(readers.splits(found)) > 1:
            part = readers.read(found, split)
            out[split] = part.raw, np.asarray(part.files)
    return out


def held_out_softmax(run: Run) -> np.ndarray:
    """Return (example, class) the mean held-out probabilities of the labels as given."""
    return suspicion.softmax(run.member(GIVEN)["logits"].values)


def advice_of(run: Run, precision: float, seed: int = 0) -> Advice:
    """Weigh the evidence in a run whose members are on this machine."""
    given, _ = unpack(run.member(GIVEN))
    copies: Mapping = {name: unpack(run.member(name)) for name in (ALIKE, PAIRS)}
    pair = run.member(GIVEN)["pair"].values
    return advise(given, copies, pair, precision, seed=seed)


def table_of(run: Run, corner: int, found: Advice) -> pd.DataFrame:
    """Make the rows of `difficulty.rows`, with advice, and what else is known of each image.

    action, suggested and doubt follow the advice; doubt is its score, from -2 to 2. More columns:
    wrong (probability that the label is), probability (of the label, held out), duplicate_of (index
    of another image that is nearly the same, -1 for none), unlike (no class resembles the image),
    also_in (the same file in another split, none for nowhere).
    """
    m, _ = unpack(run.member(GIVEN))
    out = rows_of(m.view, corner)
    return with_advice(out, m, found, run.table("duplicates"), run.table("examples"))


def with_advice(
    out: pd.DataFrame, m: Measured, found: Advice, pairs: xr.Dataset, examples: xr.Dataset
) -> pd.DataFrame:
    """Replace the rule on depths by the advice, and add the columns of `table_of`."""
    attrs = out.attrs
    twice = np.full(len(out), -1)
    for one, other in zip(
        pairs["other"].values[::-1].astype(int), pairs["one"].values[::-1].astype(int), strict=True
    ):
        twice[one], twice[other] = other, one
    p = suspicion.softmax(m.logits)
    out["action"] = found.action
    out["suggested"] = np.where(found.action == "relabel", out["consensus"], -1)
    out["doubt"] = np.where(np.isnan(found.wrong), np.nan, 4 * expit(found.score) - 2)
    out["wrong"] = found.wrong
    out["probability"] = p[np.arange(len(out)), out["label"]]
    out["duplicate_of"] = twice
    out["unlike"] = examples["unlike"].values
    if "also_in" in examples:
        out["also_in"] = [str(name) or None for name in examples["also_in"].values]
    out.attrs = attrs
    return out
