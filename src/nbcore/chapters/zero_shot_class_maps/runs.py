"""Chapter 6's members: the network read through its class map, and last layers trained from there.

The network runs once over all images; its penultimate features are kept, and everything else is
arithmetic on them: the zero-shot scores, the linear probe, and every trained last layer.
"""

import sys
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nbcore.chapters.zero_shot_class_maps.config import RULES, ZeroShot, beside, heads, member_names
from nbcore.chapters.zero_shot_class_maps.sources import (
    features,
    load_images,
    open_source,
    read_class_map,
    train_labels,
)
from nbcore.lines.config import data_of, data_roles
from nbcore.lines.trained import run_testbed
from nbcore.measures import agreement, zeroshot
from nbcore.runs.manifests import Manifest
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training import heads as training_heads
from nbcore.training import loop
from nbcore.training.recipe import Recipe

SHUFFLE_SEED = 20_220_923
THUMBNAILS = 96


def run_zero_shot(config: ZeroShot, fresh: bool = False) -> Run:
    """Load or compute the run: tables `curves`, `zero_shot` and `gallery` (see `_reduce`)."""
    return run_or_load(run_plan(config), fresh)


def run_plan(config: ZeroShot) -> Plan:
    """Plan the computation of the run."""
    return Plan(
        config.slug,
        config,
        data_roles(beside(config)),
        member_names(config),
        partial(compute, config),
        reduce=partial(_reduce, config),
        workers=config.workers,
        device=str(loop.pick_device(config.device)),
        needed=("zero-shot",),
    )


def _stored(manifest: Manifest) -> Plan:
    return run_plan(ZeroShot.from_address(manifest["config"], **data_of(manifest)))


STORED = {ZeroShot.slug: _stored}


def compute(config: ZeroShot, name: str) -> xr.Dataset:
    """Compute one member: `zero-shot`, `probe`, or a last layer with its seed (`loop.train`)."""
    if name == "zero-shot":
        return zero_shot(config)
    sets, _ = load_images(config)
    banks, labels = features(config), train_labels(config)
    evaluations = {k: (banks[k], y) for k, (_, y) in sets.evaluations.items()}
    if name == "probe":
        return _probe(banks["train"], labels, evaluations)
    condition, seed = name.rsplit("-seed", 1)
    head = heads(config)[condition]
    recipe = Recipe(
        steps=config.steps,
        batch=config.batch,
        lr=config.lr,
        checkpoints=config.checkpoints,
        weight_decay=2 * head.pull,
        first=min(4, config.steps),
    )
    if head.mapped:
        source, targets = open_source(config), read_class_map(config).targets
        model: torch.nn.Module = training_heads.MappedHead(
            source.weight, source.bias, list(targets.values()), head.over
        )
    else:
        with torch.random.fork_rng():
            torch.manual_seed(int(seed))
            model = torch.nn.Linear(banks["train"].shape[1], sets.classes)
    return loop.train(
        model,
        (banks["train"], labels),
        evaluations,
        recipe,
        seed=int(seed),
        device=config.device,
        precision="float32",
        progress=name if sys.stderr.isatty() else None,
    )


def zero_shot(config: ZeroShot) -> xr.Dataset:
    """Predict without training: per role, by every rule, with what is behind the predictions.

    prediction_ROLE (rule, example), label_ROLE; source_ROLE: the strongest mapped source;
    inside_ROLE: whether the strongest source of all is mapped; control_ROLE (how, shuffle): the
    accuracy through shuffled maps. Sources are described by `source_index` and `source_word`.
    """
    (sets, _), source, found = load_images(config), open_source(config), read_class_map(config)
    banks, columns = features(config), np.array(found.columns)
    variables: dict[str, Any] = {}
    for role, (_, labels) in sets.evaluations.items():
        logits = (banks[role] @ source.weight.T + source.bias).double()
        chances, raw = torch.softmax(logits, 1).numpy(), logits.numpy()
        said = [zeroshot.class_scores(chances, found.targets, how) for how in zeroshot.HOW]
        said += [zeroshot.combine(raw, found.targets, how) for how in zeroshot.HOW]
        example = f"example_{role}"
        predictions = np.stack([s.argmax(1) for s in said]).astype(np.int16)
        variables[f"prediction_{role}"] = (("rule", example), predictions)
        variables[f"label_{role}"] = (example, labels.astype(np.int16))
        strongest = columns[chances[:, columns].argmax(1)]
        variables[f"source_{role}"] = (example, strongest.astype(np.int16))
        inside = np.isin(chances.argmax(1), columns)
        variables[f"inside_{role}"] = (example, inside)
        control = [
            [
                (zeroshot.class_scores(chances, wrong, how).argmax(1) == labels).mean()
                for seed in range(config.shuffles)
                for wrong in [zeroshot.shuffled_map(found.targets, chances.shape[1], seed)]
            ]
            for how in zeroshot.HOW
        ]
        variables[f"control_{role}"] = (("how", "shuffle"), np.array(control))
    variables["source_index"] = ("source", columns.astype(np.int32))
    variables["source_word"] = ("source", np.array([source.words[i] for i in columns], np.str_))
    owner = [t for t, sources in found.targets.items() for _ in sources]
    variables["source_target"] = ("source", np.array(owner, np.str_))
    names = {"rule": list(RULES), "how": list(zeroshot.HOW)}
    return xr.Dataset(variables, names, attrs={"classes": list(found.targets)})


def _probe(bank: Tensor, labels: np.ndarray, evaluations) -> xr.Dataset:
    fitted = training_heads.regression_sweep(bank.numpy(), labels)
    variables: dict[str, Any] = {
        "strength": ("strengths", fitted.strengths),
        "accuracy": ("strengths", fitted.accuracies),
    }
    for role, (x, y) in evaluations.items():
        said = fitted.model.predict(x.numpy()).astype(np.int16)
        variables[f"prediction_{role}"] = (f"example_{role}", said)
        variables[f"label_{role}"] = (f"example_{role}", np.asarray(y, np.int16))
    return xr.Dataset(variables, attrs={"chosen": fitted.strength})


def _reduce(config: ZeroShot, run: Run) -> Tables:
    """Make the tables `curves` (right or wrong as packed bits), `zero_shot` and `gallery`."""
    rows = []
    for name, member in run.members():
        parts = {name: member}
        if name == "zero-shot":
            parts = {f"{r}-seed0": member.sel(rule=r, drop=True) for r in RULES}
        elif name == "probe":
            parts = {"probe-seed0": member}
        rows += [_pack(label, part) for label, part in parts.items()]
    curves = xr.concat(
        rows,
        "member",
        join="outer",
        combine_attrs="override",
        coords="minimal",
        compat="override",
        fill_value={k: np.nan if k == "step" else 0 for k in rows[0]},
    )
    if "probe" in run.manifest["members"]:
        curves.attrs["probe_strength"] = float(run.member("probe").attrs["chosen"])
    plain = run.member("zero-shot")
    return {"curves": curves, "zero_shot": plain, "gallery": _gallery(config, curves)}


def _pack(name: str, member: xr.Dataset) -> xr.Dataset:
    """Pack a member's correct_ROLE (member, checkpoint, byte) and step (member, checkpoint).

    Also shuffled_ROLE: the same bits against shuffled labels.
    """
    variables: dict[str, Any] = {}
    attrs = {}
    rounds = len(member["step"]) if "step" in member else 1
    steps = member["step"].values if "step" in member else [0.0]
    variables["step"] = ("checkpoint", np.asarray(steps, float))
    for role in sorted(str(k)[6:] for k in member if str(k).startswith("label_")):
        truth = member[f"label_{role}"].values
        right = (member[f"prediction_{role}"].values == truth).reshape(rounds, -1)
        shuffled = np.random.default_rng(SHUFFLE_SEED).permutation(truth)
        luck = (member[f"prediction_{role}"].values == shuffled).reshape(rounds, -1)
        for kind, bits in (("correct", right), ("shuffled", luck)):
            variables[f"{kind}_{role}"] = (("checkpoint", f"byte_{role}"), np.packbits(bits, -1))
        attrs[f"total_{role}"] = len(truth)
    # the index lets members of fewer checkpoints be padded
    found = xr.Dataset(variables, {"checkpoint": np.arange(rounds)}, attrs)
    return found.expand_dims(member=[name])


def _gallery(config: ZeroShot, curves: xr.Dataset) -> xr.Dataset:
    """Collect images that no testbed model solves and the network does, at some time.

    Variables image, role, example. Those that it solves without training come first; at most
    `THUMBNAILS`, of which at most half are ID.
    """
    sets, _ = load_images(config)
    bed = run_testbed(beside(config)).table("models")
    wanted = [str(m) for m in curves["member"].values if str(m).startswith(("max-", "fresh-head"))]
    images: list[np.ndarray] = []
    roles, examples = [], []
    for role, share in (("id", THUMBNAILS // 2), ("ood", THUMBNAILS)):
        total = curves.attrs[f"total_{role}"]
        theirs = np.unpackbits(bed[f"correct_{role}"].values, axis=-1, count=total).astype(bool)
        mine = np.unpackbits(
            curves[f"correct_{role}"].sel(member=wanted).values, axis=-1, count=total
        ).astype(bool)
        unsolved = agreement.solved_counts(theirs) == 0
        plain = np.asarray(mine[[m.startswith("max-") for m in wanted]].any((0, 1)))
        # an example counts for the trained ones if most seeds solve it at one checkpoint
        seeds = mine[[not m.startswith("max-") for m in wanted]]
        later = (seeds.mean(0) > 0.5).any(0) if len(seeds) else np.zeros_like(plain)
        found = np.flatnonzero(unsolved & (plain | later))
        found = found[np.argsort(~plain[found], kind="stable")][: share - len(images)]
        images += list(sets.evaluations[role][0][found])
        roles += [role] * len(found)
        examples += list(found)
    shape = (0, *sets.train[0].shape[1:])
    pixels = np.stack(images) if images else np.zeros(shape, np.uint8)
    return xr.Dataset(
        {
            "image": (("thumb", "height", "width", "channel"), pixels),
            "role": ("thumb", np.array(roles, np.str_)),
            "example": ("thumb", np.array(examples, np.int32)),
        }
    )
