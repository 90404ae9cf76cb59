"""A store of an ensemble: written by the run engine, read and reduced to the tables of a page."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from nbcore.bench.clock import alternate, threads, watched
from nbcore.bench.record import Comparison, Found, Quantity
from nbcore.depths import tables
from nbcore.errors import StoreError
from nbcore.runs.config import Config, param
from nbcore.runs.engines import changed_environment
from nbcore.runs.manifests import write_manifest
from nbcore.runs.plan import Plan
from nbcore.runs.run import Run, stored_runs
from nbcore.runs.store import run_or_load
from nbcore.training.ensemble import Pool, held_out_mask

#: neighbours of a probe, evaluations along training, test examples
VOTERS, CHECKPOINTS, TESTS = 30, 12, 1_000
#: gigabytes of memory within which a store has to be read and reduced
LIMIT = 8.0


@dataclass(frozen=True)
class Stores(Config):
    """Members and examples of the store. About three minutes of one core, 1 GB of disk."""

    slug: ClassVar[str] = "stores"

    members: int = param(250, "members in the store", low=2)
    written: int = param(20, "of these that the engine writes; others are copies", low=1)
    examples: int = param(60_000, "examples of each", low=100)
    probes: int = param(15, "probes of each", low=2)
    read: int = param(20, "members that are read beside NumPy's archives", low=1)
    rounds: int = param(3, "times that these are read", low=1)
    threads: int = param(1, "threads", low=1)

    @classmethod
    def smoke(cls) -> "Stores":
        """Ten members of 5,000 examples: seconds."""
        return cls(members=12, written=6, examples=5_000, read=4)


@lru_cache(maxsize=1)
def _drawn(examples: int, probes: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw votes (example, probe, class) of one member and labels (example,).

    Shares of votes are those of a stored ensemble, whose examples and probes are repeated.
    """
    for run in stored_runs("ensemble"):
        if "votes" in run.manifest["tables"]:
            break
    else:
        raise StoreError("No stored ensemble has votes; get them with the checkout's results/.")
    counts = run.table("votes")["votes"].sum("half").values.astype(float) + 0.01
    n, p = np.arange(examples) % counts.shape[0], np.arange(probes) * counts.shape[1] // probes
    share = counts[n][:, p]
    share /= share.sum(-1, keepdims=True)
    votes = np.random.default_rng(0).multinomial(VOTERS, share).astype(np.uint8)
    return votes, run.table("examples")["label"].values[n].astype(np.int16)


def member(config: Stores, name: str) -> xr.Dataset:
    """Make one member with the arrays that a trained one has (`ensemble.train_member`)."""
    number = int(name.rpartition("-")[2])
    votes, labels = _drawn(config.examples, config.probes)
    # the same example in another draw, so that no two members are alike
    votes = np.roll(votes, number * max(config.examples // 12, 1), axis=0)
    rng = np.random.default_rng([1, number])
    final = votes[:, -1].argmax(-1).astype(np.int16)
    learned = rng.integers(CHECKPOINTS, size=len(final))
    early = rng.integers(10, size=(CHECKPOINTS, len(final)), dtype=np.int16)
    history = np.where(np.arange(CHECKPOINTS)[:, None] < learned, early, final)
    out: dict = {
        "held_out": ("example", held_out_mask(len(final), number, 0.1, "folds")),
        "label": ("example", labels),
        "step": ("checkpoint", np.arange(CHECKPOINTS)),
        "loss": ("checkpoint", np.linspace(2.3, 0.1, CHECKPOINTS).astype(np.float32)),
    }
    for end, rows in (("", slice(None)), ("_test", slice(min(TESTS, len(final))))):
        dim = f"{end[1:] + '_' if end else ''}example"
        out[f"final{end}"] = dim, final[rows]
        out[f"history{end}"] = ("checkpoint", dim), history[:, rows]
        out[f"votes{end}"] = (dim, "probe", "class"), votes[rows]
        margin = rng.normal(3.0, 2.0, len(final[rows])).astype(np.float32)
        out[f"output_margin{end}"] = dim, margin
    return xr.Dataset(out, coords={"probe": [f"probe{i}" for i in range(config.probes)]})


def run(config: Stores) -> Found:
    """Write a store to a temporary folder, read it beside NumPy's archives, reduce it."""
    folder = Path(tempfile.mkdtemp(prefix="nbcore-bench-"))
    try:
        with changed_environment({"NBCORE_CACHE": str(folder)}), threads(config.threads):
            _drawn(config.examples, config.probes)
            return _measured(config, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(config: Stores, folder: Path) -> Found:
    names = [_name(i) for i in range(min(config.written, config.members))]
    start = time.perf_counter()
    store = run_or_load(Plan(config.slug, config, {}, names, partial(member, config)))
    wrote = time.perf_counter() - start
    _copied(store, config)
    size = sum(f.stat().st_size for f in store.path.iterdir()) / 1e9
    reading, archives = _beside_archives(config, store, folder)
    pool = _pool(config)
    _drawn.cache_clear()
    fresh = Run(store.path, store.manifest, "cached")
    with watched() as memory:
        start = time.perf_counter()
        made = tables.reduce(fresh, lambda: pool, folds=10)
        reduced = time.perf_counter() - start
    peak = memory.most / 1e9
    again = _checked(config, made)
    return Found(
        (reading,),
        (
            Quantity("store on disk", round(size, 4), "GB"),
            Quantity("the same as NumPy's archives", round(archives, 4), "GB"),
            Quantity("made and written, a member", round(wrote / len(names), 4), "s", None, "less"),
            Quantity("read, verified and reduced", round(reduced, 3), "s", None, "less"),
            Quantity("most memory of the process", round(peak, 3), "GB", LIMIT, "less"),
            Quantity("largest error of a table checked by hand", again, "", 1e-6),
        ),
    )


def _name(number: int) -> str:
    return f"split-{number:03d}"


def _copied(store: Run, config: Stores) -> None:
    """Fill the store with copies of the members that are there, under further names."""
    known = store.member_names
    for number in range(len(known), config.members):
        first, name = known[number % len(known)], _name(number)
        source, target = (store.path / f"member-{n}.zarr.zip" for n in (first, name))
        shutil.copyfile(source, target)
        store.manifest["members"][name] = store.manifest["members"][first]
    write_manifest(store.path, store.manifest)


def _beside_archives(config: Stores, store: Run, folder: Path) -> tuple[Comparison, float]:
    """Read some members from the store, and the same from NumPy's compressed archives.

    Also returns the gigabytes that such archives of all members would take.
    """
    some = store.member_names[: min(config.read, config.written)]
    for name in some:
        arrays: dict[str, Any] = _arrays(member(config, name))
        np.savez_compressed(folder / f"{name}.npz", **arrays)
    size = sum((folder / f"{name}.npz").stat().st_size for name in some) / len(some)

    def ours() -> list[dict[str, np.ndarray]]:
        fresh = Run(store.path, store.manifest, "cached")
        return [_arrays(fresh.member(name)) for name in some]

    def archives() -> list[dict[str, np.ndarray]]:
        out = []
        for name in some:
            with np.load(folder / f"{name}.npz", allow_pickle=False) as archive:
                out.append({key: archive[key] for key in archive.files})
        return out

    done = alternate({"ours": ours, "npz": archives}, config.rounds)
    apart = 0.0
    for mine, theirs in zip(done["ours"].result, done["npz"].result, strict=True):
        for key, values in theirs.items():
            apart = max(apart, float(np.abs(mine[key].astype(float) - values).max()))
    comparison = Comparison(
        f"reading {len(some)} members, {config.examples:,} examples, {config.probes} probes",
        "nbcore, zarr in a zip, checksums verified",
        "NumPy, savez_compressed",
        done["ours"].rounds,
        done["npz"].rounds,
        round(done["ours"].memory, 1),
        round(done["npz"].memory, 1),
        "every array",
        apart,
        0.0,
    )
    return comparison, size * config.members / 1e9


def _arrays(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    return {str(name): values.values for name, values in dataset.data_vars.items()}


def _pool(config: Stores) -> Pool:
    """Make the examples that `tables.reduce` shows pictures of: grey squares."""
    _, labels = _drawn(config.examples, config.probes)
    images = np.zeros((len(labels), 4, 4, 1), np.uint8)
    tests = min(TESTS, len(labels))
    classes = tuple(map(str, range(10)))
    known = labels.astype(np.int64)
    return Pool(images, known, known, images[:tests], known[:tests], classes)


def _checked(config: Stores, made: dict[str, xr.Dataset]) -> float:
    """Compute votes and depths of a few examples anew, one at a time: the largest error."""
    at = np.linspace(0, config.examples - 1, 5).astype(int)
    sums = np.zeros((len(at), config.probes, 10))
    depths = np.empty((config.members, len(at)))
    for number in range(config.members):
        one = member(config, _name(number % config.written))
        votes, held = one["votes"].values[at], one["held_out"].values[at]
        sums += votes * held[:, None, None]
        for i, final in enumerate(one["final"].values[at]):
            depth = config.probes
            while depth and votes[i, depth - 1].argmax() == final:
                depth -= 1
            depths[number, i] = depth if depth < config.probes else -1
    stored = made["votes"]["votes"].sum("half").values[at]
    order = np.argsort(made["members"]["member"].values)
    found = made["members"]["depth"].values[order][:, at]
    return float(max(np.abs(stored - sums).max(), np.abs(found - depths).max()))
