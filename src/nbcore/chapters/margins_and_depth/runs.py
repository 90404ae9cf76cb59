"""Chapter 9's networks: trained in one of four ways, then probed along depth.

One stored run holds them all. A member is SETTING-seedN; members come in pieces, since those of
full-batch descent take hours of a CPU, and a piece adds to those that are there. A member that was
interrupted goes on where it stopped.

run = load_networks(config)
run.table("networks")     # see `_member`; rows shorter than others are filled up with NaN
"""

import json
import sys
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from nbcore import data as nbdata
from nbcore import files
from nbcore.chapters.margins_and_depth import descent
from nbcore.chapters.margins_and_depth.config import FULL_BATCH, UNTRAINED, MarginsAndDepth, member
from nbcore.errors import ParameterError
from nbcore.measures.depth import prediction_depth, vote
from nbcore.measures.margins import output_margin
from nbcore.measures.neighbours import nearest
from nbcore.measures.selection import balanced_subset
from nbcore.models import papers, probes
from nbcore.models.pretrained import Classifier
from nbcore.paths import cache_dir
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.run import find_runs
from nbcore.runs.store import Run, Tables, address, run_or_load
from nbcore.training.device import as_tensor, pick_device
from nbcore.training.loop import Data

EXPERIMENT = "margin-networks"
#: of the output margins of a network's images
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Images(NamedTuple):
    """Training and test images, each uint8 (n, h, w, c) with labels, and the classes' names."""

    train: Data
    test: Data
    classes: tuple[str, ...]


def networks_plan(config: MarginsAndDepth) -> Plan:
    """Plan the members of the settings that the config names to be trained.

    Measured on one core of an AMD EPYC: a network with SGD takes minutes, one with GD hours.
    """
    return Plan(
        EXPERIMENT,
        config,
        {"images": config.dataset},
        config.names(),
        partial(_member, config),
        reduce=_reduce,
        join=_join,
        workers=config.workers,
        device=str(pick_device(config.device)),
    )


def _stored(manifest: Manifest) -> Plan:
    named = data_names(manifest)["images"]
    return networks_plan(MarginsAndDepth.from_address(manifest["config"], dataset=named))


STORED = {EXPERIMENT: _stored}


def load_networks(config: MarginsAndDepth, fresh: bool = False) -> Run:
    """Load the networks that are there, and train those of the settings to train that are not.

    Of several runs with all of these, the one with most members is taken.
    """
    config.check()
    nbdata.tell(config.dataset, held_out=True)
    plan = networks_plan(config)
    run = run_or_load(plan, fresh)
    others = find_runs(plan.experiment, plan.config, plan.data).values()
    whole = [r for r in others if r.manifest["tables"] and not fresh]
    return max([run, *whole], key=lambda r: len(r.member_names))


def load_images(config: MarginsAndDepth) -> Images:
    """Load the images, the same for every network. ParameterError for a class without any."""
    return _images(config.dataset, config.train_images, config.test_images, config.image_size)


@lru_cache(maxsize=2)
def _images(dataset: str, n_train: int, n_test: int, side: int | None) -> Images:
    train, test, _ = nbdata.train_test(dataset, side)
    parts = []
    for what, part, n in (("training", train, n_train), ("test", test, n_test)):
        chosen = balanced_subset(part.labels, min(n, len(part.labels)))
        labels = part.labels[chosen]
        if lost := [c for i, c in enumerate(train.classes) if i not in labels]:
            raise ParameterError(
                f"The {len(chosen)} {what} images of {dataset} have none of {', '.join(lost)}; "
                "give more images, or drop the class."
            )
        parts.append((part.images[chosen], labels))
    return Images(parts[0], parts[1], tuple(train.classes))


def _member(config: MarginsAndDepth, name: str) -> xr.Dataset:
    """Train and probe one network.

    What `descent.descend` returns, with `lr`; `accuracy_test`, `accuracy_train` and `final_margin`,
    the mean over test images, at the end;
    `probe_accuracy_train`, `_test` (probe) of votes of training images, and `_shuffled` of training
    images' votes by shuffled labels; `mean_depth_train`, `_test` in layers, and `undefined` (set),
    the share without a depth; `margin` (set, quantile); what a scan of rates saw: `tried` (rate)
    and `scan_loss` (rate, scan_window).
    """
    setting, seed = member(name)
    sets = load_images(config)
    net, kept = network(config, sets, seed), _partial(config, f"{name}.pt")
    if setting == UNTRAINED:
        net.to(pick_device(config.device))
        found = descent.untouched(net, sets.train, sets.test)
        lr, scan = float("nan"), _no_scan()
    else:
        scan = scanned(config, setting) if setting in FULL_BATCH else _no_scan()
        lr = chosen(scan, setting) if setting in FULL_BATCH else config.descent(setting).lr
        found = descent.descend(
            net,
            sets.train,
            sets.test,
            config.descent(setting, lr),
            seed=seed,
            device=config.device,
            precision=config.precision,
            block=config.block if setting in FULL_BATCH else 0,
            checkpoint_file=kept,
            progress=name if sys.stderr.isatty() and config.workers == 1 else None,
        )
    found = found.assign(lr=((), lr)).merge(scan).merge(probed(config, net, sets, seed))
    kept.unlink(missing_ok=True)
    for part in ("train", "test"):
        found[f"accuracy_{part}"] = (), float(found[f"{part}_accuracy"][-1])
    found["final_margin"] = (), float(found["test_margin"][-1])
    return found.assign_coords(
        {d: range(n) for d, n in found.sizes.items() if d not in found.coords}
    )


def network(config: MarginsAndDepth, sets: Images, seed: int) -> Classifier:
    """Build the untrained network of a seed; it is the same for every setting.

    Its last layer is drawn like all others, and not small as elsewhere in this book: the 0-hinge
    loss does not mind the scale of logits, so that a small start would stay a small margin.
    """
    images = sets.train[0]
    net = papers.build(
        "vgg16", config.width, len(sets.classes), images.shape[3], images.shape[1], seed=seed
    )
    draw = torch.Generator().manual_seed(seed * 1_000_003 + 9)
    last = net.head.weight
    torch.nn.init.kaiming_normal_(last, nonlinearity="relu", generator=draw)  # type: ignore[arg-type]
    return net


def _partial(config: MarginsAndDepth, what: str) -> Path:
    """Say where the cache keeps what is not finished; nothing published is read from there."""
    sums = {"images": nbdata.checksum(config.dataset)}
    return cache_dir() / "partial" / f"{EXPERIMENT}-{address(EXPERIMENT, config, sums)}-{what}"


def scanned(config: MarginsAndDepth, setting: str) -> xr.Dataset:
    """Try the rates of a setting on the network of seed 0, from the largest, until one falls.

    Every rate is given `scan_steps` updates. Returns `tried` (rate) and `scan_loss` (rate,
    scan_window), mean losses over windows of updates, NaN after a divergence. The members of a
    setting share one scan, which the cache keeps.
    """

    def scan() -> bytes:
        rows: dict[float, list[float]] = {}
        for rate in config.rates(setting):
            sets = load_images(config)
            how = config.descent(setting, rate).for_scan(config.scan_steps)
            found = descent.descend(
                network(config, sets, 0),
                sets.train,
                sets.test,
                how,
                device=config.device,
                precision=config.precision,
                block=config.block,
            )
            rows[rate] = [float(x) for x in found["window_loss"]]
            if falls(rows[rate], config.scan_steps // config.window):
                break
        return json.dumps(list(rows.items())).encode()

    told = json.loads(
        bytes(files.read_checked(files.kept(_partial(config, f"{setting}.json"), scan)))
    )
    losses = np.full((len(told), config.scan_steps // config.window), np.nan)
    for row, (_, values) in zip(losses, told, strict=True):
        row[: len(values)] = values
    return xr.Dataset(
        {"tried": ("rate", [r for r, _ in told]), "scan_loss": (("rate", "scan_window"), losses)}
    )


def _no_scan() -> xr.Dataset:
    nothing = {
        "tried": ("rate", np.empty(0)),
        "scan_loss": (("rate", "scan_window"), np.empty((0, 0))),
    }
    return xr.Dataset(nothing)


def falls(means: list[float], windows: int) -> bool:
    """Say whether the loss falls from window to window of a scan, to the last or down to 0."""
    steps = zip(means, means[1:], strict=False)
    known = len(means) == windows or (len(means) > 0 and means[-1] == 0)
    return known and bool(np.isfinite(means).all()) and all(b < a or a == 0 for a, b in steps)


def chosen(scan: xr.Dataset, setting: str) -> float:
    """Return the rate that a scan ended with; ParameterError where no rate made the loss fall."""
    last = scan["scan_loss"].values[-1]
    if not falls([x for x in last if np.isfinite(x)], len(last)):
        rate = float(scan["tried"][-1])
        raise ParameterError(
            f"No rate of {setting} makes the loss fall from window to window, down to {rate:g}; "
            "give smaller ones too."
        )
    return float(scan["tried"][-1])


def probed(config: MarginsAndDepth, net: Classifier, sets: Images, seed: int) -> xr.Dataset:
    """Measure votes along depth, prediction depths and margins of a network; see `_member`.

    All is NaN for a network that diverged. The bank are the training images; as elsewhere in this
    book, a training image is among its own neighbours.
    """
    n, labels = len(sets.train[1]), np.asarray(sets.train[1])
    shuffled = np.random.default_rng([seed, 9]).permutation(labels)
    images = as_tensor(np.concatenate([sets.train[0], sets.test[0]]))
    truth = np.concatenate([labels, sets.test[1]])
    z = probes.logits(net, images).cpu().numpy()
    points = papers.probe_points(net)
    names = [probes.INPUT, *points, probes.SOFTMAX]
    finite = bool(np.isfinite(z).all())
    said, by_chance = [], []
    for _, e in probes.read(net, images, points) if finite else ():
        found = nearest(e[:n], e, config.k)
        said.append(vote(labels[found], len(sets.classes)))
        by_chance.append((vote(shuffled[found[:n]], len(sets.classes)) == shuffled).mean())
    nothing = np.full(len(names), np.nan)
    out: dict = {"probe_accuracy_shuffled": ("probe", by_chance if finite else nothing)}
    margins, undefined = np.full((2, len(QUANTILES)), np.nan), [np.nan, np.nan]
    for i, (what, part) in enumerate((("train", slice(0, n)), ("test", slice(n, None)))):
        right = [(s[part] == truth[part]).mean() for s in said]
        depth = float("nan")
        if finite:
            margins[i] = np.quantile(output_margin(z[part]), QUANTILES)
            depths = prediction_depth(np.stack(said, 1)[part], z[part].argmax(1))
            undefined[i] = float((depths < 0).mean())
            depth = float(depths[depths >= 0].mean()) if (depths >= 0).any() else depth
        out[f"probe_accuracy_{what}"] = "probe", right if finite else nothing
        out[f"mean_depth_{what}"] = (), depth
    out |= {"margin": (("set", "quantile"), margins), "undefined": ("set", undefined)}
    coords = {"probe": names, "set": ["train", "test"], "quantile": list(QUANTILES)}
    return xr.Dataset(out, coords)


def _reduce(run: Run) -> Tables:
    return {"networks": _stacked([m.expand_dims(member=[name]) for name, m in run.members()])}


def _join(old: Tables, new: Tables) -> Tables:
    return {"networks": _stacked([old["networks"], new["networks"]])}


def _stacked(parts: list[xr.Dataset]) -> xr.Dataset:
    """Put members below each other; what one has fewer of is filled up with NaN."""
    whole = xr.concat(
        parts, "member", data_vars="all", coords="minimal", join="outer", compat="override"
    )
    return whole.sortby("member")
