"""Processes killed at seeded points of progress: what the tests and `torture.py` do to nbcore.

A process is killed with SIGKILL before its n-th operation on a file, or in the middle of the n-th
file that it writes. The operations are counted by an audit hook, in a process of its own: nothing
in nbcore knows of it. Each trial has `prepare`, what was there before; `act`, which is killed; and
`whole`, what must hold afterwards, first as it was left and then when the same is done again.
"""

import hashlib
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar, NamedTuple

import numpy as np
import xarray as xr
import yaml

from nbcore import data, files
from nbcore.data import catalog
from nbcore.runs import config, provenance, store
from nbcore.runs.verify import verify_all

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree"}
ROOT = Path(__file__).parents[1]
#: a fork of a process that has imported all this and started no thread: quick, and clean
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["nbcore.depths.ensembles", "nbcore.publish.book", "pooch"])


class Trial(NamedTuple):
    """See the module; each of the three takes the folder that all happens in."""

    prepare: Callable[[Path], None]
    act: Callable[[Path], None]
    whole: Callable[[Path, bool], None]


@contextmanager
def places(root: Path) -> Iterator[None]:
    """Cache, results and build folder under `root`, and no network but the loopback."""
    own = {"NBCORE_CACHE": "cache", "NBCORE_RESULTS": "results", "NBCORE_BUILD": "build"}
    wanted = {name: str(root / folder) for name, folder in own.items()} | {"no_proxy": "*"}
    if (root / "project").is_dir():
        wanted["NBCORE_ROOT"] = str(root / "project")
    before = dict(os.environ)
    os.environ.update(wanted)
    for name in ("NBCORE_DATA", "NBCORE_OFFLINE", "NBCORE_OBSERVATIONS"):
        os.environ.pop(name, None)
    provenance._today.cache_clear()  # a new process would know nothing of what lies there
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _count(root: Path, at: int, size: int | None) -> list[int]:
    """Count what this process does to files under `root`; die at number `at`, see the module."""
    done, inside = [0], str(root)

    def hook(event: str, arguments: tuple) -> None:
        if event not in CHANGES and event != "open":
            return
        path = str(arguments[0])
        writes = event in CHANGES or bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        within = path.startswith(inside) or arguments[-1] not in (-1, None) and event != "open"
        if not writes or not within or path.endswith(".lock"):
            return  # a name with the descriptor of its folder is from removing a tree
        done[0] += 1
        if done[0] == at and (size is None or event != "open"):
            os.kill(os.getpid(), signal.SIGKILL)
        if done[0] == at:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # writing more than this kills
            resource.setrlimit(resource.RLIMIT_FSIZE, (size or 0, resource.RLIM_INFINITY))

    sys.addaudithook(hook)
    return done


def _child(act: Callable[[Path], None], root: Path, at: int, size: int | None, told: Any) -> None:
    with places(root), open(os.devnull, "w") as nowhere:
        sys.stderr = nowhere
        done = _count(root, at, size)
        act(root)
        told.send(done[0])


def run(act: Callable[[Path], None], root: Path, at: int = 0, size: int | None = None) -> int:
    """Do it in a process of its own, killed at `at`; the number of operations, -1 if killed."""
    told, telling = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_child, args=(act, root, at, size, telling))
    process.start()
    telling.close()
    process.join()
    if process.exitcode == 0:
        return told.recv()
    assert process.exitcode in (-signal.SIGKILL, -signal.SIGXFSZ), process.exitcode
    return -1


class Outcome(NamedTuple):
    """How many of the processes were killed before their end, and what did not hold afterwards."""

    killed: int
    broken: list[str]


def torment(trial: Trial, folder: Path, kills: int, seed: int = 0) -> Outcome:
    """Kill a trial so many times, each from a new start, and see what is left."""
    rng, before = np.random.default_rng(seed), folder / "before"
    before.mkdir(parents=True)
    with places(before):
        trial.prepare(before)
    shutil.copytree(before, folder / "straight", symlinks=True)
    operations = run(trial.act, folder / "straight")
    points = rng.permutation(np.resize(np.arange(1, operations + 1), kills * operations))[:kills]
    killed, broken = 0, []
    for number, at in enumerate(sorted(points)):
        root = folder / f"kill-{number}-at-{at}"
        shutil.copytree(before, root, symlinks=True)
        size = int(rng.integers(1, 400)) if number % 2 else None
        killed += run(trial.act, root, int(at), size) < 0
        try:
            with places(root):
                trial.whole(root, False)
                trial.act(root)
                trial.whole(root, True)
        except Exception as error:
            broken.append(f"at operation {at} of {operations} ({size or 'before'}): {error!r}")
        shutil.rmtree(root)
    return Outcome(killed, broken)


def no_leftovers(root: Path) -> None:
    """Nothing temporary is left, and all that is stored holds."""
    left = [p for p in root.rglob("*") if p.name.endswith((".tmp", ".old"))]
    assert not left, left
    faults = [fault for c in verify_all() for fault in c.faults]
    assert not faults, faults


def only_unfinished() -> None:
    """What a killed process left may be unfinished, but nothing that counts is damaged."""
    faults = [fault for c in verify_all() for fault in c.faults]
    bad = [f for f in faults if "not in the manifest" not in f and "was killed" not in f]
    assert not [f for f in bad if not f.split(" is damaged")[0].endswith(".tmp")], faults


# the store


@dataclass(frozen=True)
class Toy(config.Config):
    """Numbers instead of networks."""

    slug: ClassVar[str] = "toy"
    size: int = config.param(400, "numbers per member")


def numbers(name: str) -> xr.Dataset:
    return xr.Dataset({"x": ("i", np.random.default_rng(int(name)).random(400))})


def mean(run: store.Run) -> store.Tables:
    parts = xr.concat([d for _, d in run.members()], "member")
    return {"mean": parts.mean("member"), "size": xr.Dataset({"n": len(parts["member"])})}


def toy(n: int, make: Callable[[str], xr.Dataset] = numbers, fresh: bool = False) -> store.Run:
    """A run of n members that takes milliseconds."""
    names = [str(i) for i in range(n)]
    plan = store.Plan("toy", Toy(), {"d": "digits"}, names, make, reduce=mean)
    return store.run_or_load(plan, fresh)


def _toy_whole(root: Path, again: bool) -> None:
    if not again:
        return only_unfinished()
    found = toy(4)
    assert found.origin == "cached"
    for name, member in found.members():
        assert member.identical(numbers(name))
    assert found.table("size")["n"] == 4
    no_leftovers(root)


def _two(root: Path) -> None:
    toy(2)


def _four(root: Path) -> None:
    toy(4)


STORE = Trial(_two, _four, _toy_whole)


# publishing


def _two_published(root: Path) -> None:
    store.publish(toy(2))
    toy(4)


def _publish(root: Path) -> None:
    (run,) = [r for r in store.all_runs() if r.origin == "cached"]
    store.publish(run)


def _published_whole(root: Path, again: bool) -> None:
    (run,) = [r for r in store.all_runs() if r.origin == "stored"]
    n = len(run.member_names)
    assert store.verify(run) == 2 and n in ((4,) if again else (2, 4))
    assert run.table("size")["n"] == n
    if again:
        no_leftovers(root)


PUBLISH = Trial(_two_published, _publish, _published_whole)


# an ensemble

TINY = dict(
    dataset="digits",
    examples=60,
    test_examples=20,
    width=16,
    depth=2,
    steps=12,
    batch=20,
    checkpoints=4,
    k=5,
    held_out=0.2,
    members=2,
    workers=1,
    device="cpu",
)


def _run_tiny() -> store.Run:
    """As it is, but with one thread and a checkpoint after every step."""
    import torch

    from nbcore.depths import ensembles
    from nbcore.training import loop

    threads, train = torch.get_num_threads(), loop.train
    torch.set_num_threads(1)
    loop.train = partial(train, save_every=0.0)  # type: ignore[assignment]
    try:
        return ensembles.run_ensemble(ensembles.Ensemble(**TINY))  # type: ignore[arg-type]
    finally:
        loop.train = train
        torch.set_num_threads(threads)


def _ensemble(root: Path) -> None:
    _run_tiny()


def _ensemble_whole(root: Path, again: bool) -> None:
    only_unfinished()
    if not again:
        return
    straight = Path(root.parent / "straight/cache/runs/ensemble")
    own = _run_tiny()
    other = store.open_run(straight / own.path.name, "cached")
    for kind in ("members", "tables"):
        sums = [{k: e["sha256"] for k, e in r.manifest[kind].items()} for r in (own, other)]
        assert sums[0] == sums[1]
    no_leftovers(root)


def _nothing(root: Path) -> None:
    pass


ENSEMBLE = Trial(_nothing, _ensemble, _ensemble_whole)


# a download


def _home(root: Path) -> dict[str, str]:
    """CIFAR-10.1 in small: the sha256 of the two files that are served."""
    rng, sums = np.random.default_rng(0), {}
    home = root / "home"
    home.mkdir(exist_ok=True)
    arrays = rng.integers(0, 256, (40, 32, 32, 3), np.uint8), np.arange(40, dtype=np.int32) % 10
    for kind, array in zip(("data", "labels"), arrays, strict=True):
        file = home / f"cifar10.1_v6_{kind}.npy"
        np.save(file, array)
        sums[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return sums


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def served(root: Path) -> Iterator[None]:
    """The public home of `cifar10.1-v6` on the loopback."""
    before, sums = catalog.CATALOG["cifar10.1-v6"], _home(root)
    handler = partial(_Handler, directory=str(root / "home"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    catalog.CATALOG["cifar10.1-v6"] = replace(before, base=address, shipped="", get=sums, forms=())
    try:
        yield
    finally:
        catalog.CATALOG["cifar10.1-v6"] = before
        server.shutdown()
        server.server_close()


def _download(root: Path) -> None:
    with served(root):
        data.get("cifar10.1-v6")


def _download_whole(root: Path, again: bool) -> None:
    with served(root):
        if again:
            assert len(data.load("cifar10.1-v6")) == 40
            there = [p.name for p in (root / "cache/data").rglob("*") if p.is_file()]
            assert sorted(n for n in there if not n.endswith(".lock")) == sorted(_home(root))
            no_leftovers(root)


DOWNLOAD = Trial(_nothing, _download, _download_whole)


# the book of one chapter, with stand-ins for the kernel and for Sphinx


def _project(root: Path) -> None:
    """A book of one chapter, built once."""
    from nbcore.teach.archive import ENVIRONMENT

    project = root / "project"
    (project / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks/01_line.py", project / "notebooks")
    shutil.copytree(ROOT / "book", project / "book")
    for name in ("_config.yml", *ENVIRONMENT):
        shutil.copy(ROOT / name, project)
    parts = [{"file": "chapters/01_line"}, {"file": "claims"}, {"file": "status"}]
    toc = {"format": "jb-book", "root": "intro", "chapters": parts}
    (project / "_toc.yml").write_text(yaml.safe_dump(toc))
    with places(root):
        _build(root, "the first")


def _build(root: Path, edition: str = "the second") -> None:
    from nbcore.publish import book

    # what the explorer and the status page read came with the book
    os.environ["NBCORE_RESULTS"] = str(ROOT / "results")
    real = book.execute, book.subprocess, book.kept.key_of
    book.execute = partial(_executed, edition)  # type: ignore[assignment]
    book.kept.key_of = lambda *_: "key"  # type: ignore[assignment]
    book.subprocess = _Sphinx(edition)  # type: ignore[assignment]
    try:
        book.make_book({"preset": "smoke", "fresh": True})  # not what was kept
    finally:
        book.execute, book.subprocess, book.kept.key_of = real


def _executed(edition: str, chapter: Any, output: Path, *_: Any, **__: Any) -> None:
    """What `execute` leaves: a notebook, and an observation."""
    import nbformat

    from nbcore.publish import chapters

    notebook = chapters.read_source(chapter.path)
    meta = {"parameters": {}, "duration": 1.0, "end_time": "2026-01-01T00:00"}
    notebook.metadata["papermill"] = meta
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, output)
    (Path(os.environ["NBCORE_OBSERVATIONS"]) / "edition").write_text(edition)


class _Sphinx:
    """In the place of `subprocess`: writes a site of some pages where Sphinx would."""

    def __init__(self, edition: str) -> None:
        self.edition = edition

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess:
        html = Path(command[command.index("--path-output") + 1]) / "_build/html"
        shutil.rmtree(html, ignore_errors=True)
        for page in ("index", "intro", "chapters/01_line", "claims", "status"):
            file = html / f"{page}.html"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"<div class='claim-run'>{self.edition}</div>" + 500 * " ")
        (html / "_static").mkdir()
        return subprocess.CompletedProcess(command, 0, "", "")


def _book_whole(root: Path, again: bool) -> None:
    from nbcore.teach import archive

    archive.make_archives()  # which is what sees to a book that was being replaced
    pages = {p.read_text().strip() for p in (root / "build/html").rglob("*.html")}
    editions = ["the second"] if again else ["the first", "the second"]
    assert pages in [{f"<div class='claim-run'>{e}</div>"} for e in editions]
    assert len(list((root / "build/html").rglob("*.html"))) == 5
    assert (root / "build/html/_static/vega-bundle.js").stat().st_size > 100_000
    if again:
        assert (root / "build/observations/edition").read_text() == "the second"
        no_leftovers(root)


BOOK = Trial(_project, _build, _book_whole)

TRIALS = {
    "store": STORE,
    "ensemble": ENSEMBLE,
    "download": DOWNLOAD,
    "publish": PUBLISH,
    "book of one chapter": BOOK,
}


# one byte changed


def stored_tree(root: Path) -> list[Path]:
    """Results and a cache with everything that is kept there; the files, to be changed."""
    with places(root):
        store.publish(toy(2))
        toy(3)
        content = os.urandom(3_000)
        files.kept(root / "cache/features/some.pt", lambda: content)
        files.write_checked(root / "cache/partial/member.pt", content)
        _download(root)
    there = (p for p in root.rglob("*") if p.is_file() and "home" not in p.parts)
    return sorted(p for p in there if p.suffix != ".lock" and p.stat().st_size)


def unnoticed_flips(root: Path, changed: list[Path], flips: int, seed: int = 0) -> list[str]:
    """Change one byte of a file, `flips` times for each; the changes that `verify` did not see."""
    rng, missed = np.random.default_rng(seed), []
    with places(root), served(root):
        assert not any(c.faults for c in verify_all())
        for file in changed:
            content = file.read_bytes()
            picked = rng.integers(0, len(content), flips)
            if len(content) <= flips:
                picked = np.arange(len(content))
            for place in picked:
                damaged = bytearray(content)
                damaged[place] ^= int(rng.integers(1, 256))
                file.write_bytes(damaged)
                os.utime(file, ns=(0, int(rng.integers(2**60))))
                if not any(c.faults for c in verify_all()):
                    missed.append(f"{file.relative_to(root)} at {place}")
            file.write_bytes(content)
        assert not any(c.faults for c in verify_all())
    return missed
