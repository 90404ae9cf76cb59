"""At length what the tests do in small: kills, changed bytes, inputs and networks of all kinds.

    python tests/torture.py                                  # an hour or more
    python tests/torture.py --kills 4 --flips 20 --inputs 1000 --sides 32 --book 2 --book-seconds 60

Prints a table as Markdown, with the date, the machine and the scale; exits with 1 if a promise was
broken. `--book` kills the build of the whole book in its `smoke` preset; without `--book-seconds`
it is built once before, to know how long that takes and that the book of before stays.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import accidents
import numpy as np

from nbcore import files
from nbcore.errors import NbcoreError
from nbcore.runs import provenance

sys.path.insert(0, str(Path(__file__).parent / "data"))


class Row(NamedTuple):
    """One line of the table: what was done, how often, what that came to, what did not hold."""

    what: str
    times: int
    seen: str
    broken: list[str]


def kills(n: int, seed: int, folder: Path) -> Iterator[Row]:
    """Kill each of the trials n times."""
    for name, trial in accidents.TRIALS.items():
        found = accidents.torment(trial, folder / name, n, seed)
        seen = f"{found.killed} died before they were done"
        yield Row(f"`kill -9`: {name}", n, seen, found.broken)


def book_kills(n: int, seconds: float, seed: int, folder: Path) -> Iterator[Row]:
    """Kill the build of the whole book n times, at any moment; the book before must stay."""
    rng, html = np.random.default_rng(seed), folder / "build/html"
    with accidents.places(folder):
        os.environ["NBCORE_RESULTS"] = str(accidents.ROOT / "results")  # what the book came with
        if not seconds:
            start = time.monotonic()
            subprocess.run(_book(), check=True, stdout=subprocess.DEVNULL)
            seconds = time.monotonic() - start
        else:
            html.mkdir(parents=True)
            (html / "index.html").write_text("the book of before")
        before, broken, died = _content(html), [], 0
        quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for number, moment in enumerate(np.sort(rng.uniform(0, seconds, n))):
            # sessions of their own, so that kernels die too, as when a machine goes off
            process = subprocess.Popen(_book(), start_new_session=True, **quiet)
            try:
                process.wait(float(moment))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                died += 1
                files.restore_folder(html)
                if _content(html) != before:
                    broken.append(f"book {number}: not the book of before after {moment:.0f} s")
            before = _content(html)
            try:
                accidents.only_unfinished()
            except AssertionError as error:
                broken.append(f"book {number}: {error}")
    yield Row(
        f"`kill -9`: the whole book, within its first {seconds:.0f} s",
        n,
        f"{died} died before they were done",
        broken,
    )


def _book() -> list[str]:
    start = "from nbcore.cli import main; main()"
    return [sys.executable, "-c", start, "book", "--preset", "smoke"]


def _content(folder: Path) -> dict[str, str]:
    there = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): files.sha256(p) for p in there}


def flips(n: int, seed: int, folder: Path) -> Iterator[Row]:
    """Change one byte, n times in every file of a small tree of results and cache."""
    folder.mkdir()
    changed = accidents.stored_tree(folder)
    missed = accidents.unnoticed_flips(folder, changed, n, seed)
    tried = sum(min(n, file.stat().st_size) for file in changed)
    what = f"a byte changed in one of {len(changed)} files of results and cache"
    yield Row(what, tried, f"{tried - len(missed)} noticed by `runs verify`", missed)


def inputs(n: int, seed: int, folder: Path) -> Iterator[Row]:
    """Ask every reader for generated inputs, n in all: a value, or one of nbcore's sentences."""
    from test_generated_images import MAKERS, ask, pick

    def image(form: str) -> Callable[[np.random.Generator, Path], Any]:
        return lambda rng, place: ask(MAKERS[form](rng, place / "in"), pick(rng, [None, 1, 4]))

    readers = {f"images: {form}": image(form) for form in MAKERS}
    readers |= {name: mutated(content, read) for name, (content, read) in READERS.items()}
    for number, (name, reader) in enumerate(readers.items()):
        broken, read, share = [], 0, -(-n // len(readers))
        for case in range(share):
            place = folder / f"{number}-{case}"
            place.mkdir(parents=True)
            try:
                with accidents.places(place):
                    os.environ["NBCORE_OFFLINE"] = "1"
                    reader(np.random.default_rng([seed, number, case]), place)
                read += 1
            except NbcoreError as error:
                if "\n" in str(error) or not str(error):
                    broken.append(f"{name}, case {case}: {error}")
            except Exception as error:
                broken.append(f"{name}, case {case}: {error!r}")
            shutil.rmtree(place, ignore_errors=True)
        yield Row(f"input: {name}", share, f"{read} read, the others refused", broken)


def mutated(
    content: Callable[[Path], bytes], read: Callable[[Path], Any]
) -> Callable[[np.random.Generator, Path], Any]:
    """A reader's input, changed: bytes flipped, cut out, doubled, or hostile ones put in."""

    def reader(rng: np.random.Generator, place: Path) -> Any:
        text = bytearray(content(place))
        for _ in range(int(rng.integers(0, 6))):
            at, end = sorted(rng.integers(0, len(text) + 1, 2))
            end = min(end, at + 20)
            piece = [b"", bytes(text[at:end]) * 2, HOSTILE[rng.integers(len(HOSTILE))]]
            if rng.random() < 0.4 and at < len(text):
                text[at] ^= int(rng.integers(1, 256))
            else:
                text[at:end] = piece[rng.integers(3)]
        target = place / "input"
        target.write_bytes(text)
        return read(target)

    return reader


HOSTILE = [
    b"\0",
    b"\xff\xfe",
    b"\n",
    b",",
    b";",
    b'"',
    b"\t",
    b"nan",
    b"1e999",
    b"[/red]",
    b"!!int",
]
HOSTILE += [b"<script>", b"-1", b"=", b"\xc3", b"{", b"[" * 2000, b"*a", b"&a", b"id", b"9" * 400]


def _written(write: Callable[[Path], Any]) -> Callable[[Path], bytes]:
    def content(place: Path) -> bytes:
        write(place / "whole")
        return (place / "whole").read_bytes()

    return content


def _as(suffix: str, read: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """Read it under a name of its form."""

    def renamed(path: Path) -> Any:
        return read(path.rename(path.with_name(f"input{suffix}")))

    return renamed


def _models(path: Path) -> Any:
    from nbcore.lines.own_models import measure_models

    result = measure_models(path)
    return result.headline(), result.rows(), result.as_dict()


def _scores(path: Path) -> Any:
    from nbcore.data.scores import load_scores

    return load_scores(path, np.arange(6) % 3)


def _map(path: Path) -> Any:
    from nbcore.data.classmaps import load_map

    return load_map(path, ("cat", "dog"), ["tabby", "siamese", "pug"], "a model")


def _assignment(path: Path) -> Any:
    from nbcore.runs.config import config_class, resolve
    from nbcore.runs.values import fields_of, read_assignments

    text = path.read_bytes().decode("utf-8", "surrogateescape")
    known = fields_of(config_class("line"))
    return resolve("line", "smoke", **read_assignments([text], known, "chapter line"))


def _manifest(path: Path) -> Any:
    from nbcore.runs import store

    folder = path.parent / "run"
    folder.mkdir()
    return store.open_run(path.rename(folder / "manifest.json").parent, "cached").summary()


def _example_manifest(place: Path) -> bytes:
    """What a published run has, of the largest kind."""
    found = (accidents.ROOT / "results").glob("rise-and-fall/*/manifest.json")
    return next(found).read_bytes()


def _stored(path: Path) -> Any:
    from nbcore.runs import zarrzip

    return zarrzip.read(path)


def _write_stored(path: Path) -> None:
    from nbcore.runs import zarrzip

    zarrzip.write(path, accidents.numbers("1"))


def _save_npz(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, scores=np.arange(6.0), labels=np.arange(6) % 3)


def _save_npy(path: Path) -> None:
    with open(path, "wb") as file:
        np.save(file, np.arange(6.0))


MODELS = b"model,id,ood\nweak,0.50,0.25\nmid,0.75,0.50\nstrong,0.90,0.75\n"
SCORES = b"score,label\n" + b"".join(b"%d.5,%d\n" % (i, i % 3) for i in range(6))
MAP_YAML = b"cat: [tabby, siamese]\ndog: pug\n"
#: name -> (a whole input, its reader)
READERS: dict[str, tuple[Callable[[Path], bytes], Callable[[Path], Any]]] = {
    "accuracies of models": (lambda _: MODELS, _as(".csv", _models)),
    "scores, .csv": (lambda _: SCORES, _as(".csv", _scores)),
    "scores, .npy": (_written(_save_npy), _as(".npy", _scores)),
    "scores, .npz": (_written(_save_npz), _as(".npz", _scores)),
    "a class map": (lambda _: MAP_YAML, _as(".yaml", _map)),
    "a parameter": (lambda _: b"seed=3", _assignment),
    "a manifest": (_example_manifest, _manifest),
    "a stored table": (_written(_write_stored), _stored),
    "a checked file": (
        _written(lambda path: files.write_checked(path, bytes(500))),
        files.read_checked,
    ),
}


def networks(sides: list[int]) -> Iterator[Row]:
    """Probe the smallest network of every family of timm, with random weights, at each side."""
    import families

    smallest = families.smallest()
    for side in sides:
        read, broken = 0, []
        for name in smallest:
            try:
                families.probe(name, side)
                read += 1
            except NbcoreError as error:
                if "\n" in str(error) or not str(error):
                    broken.append(f"{name}: {error}")
            except Exception as error:
                broken.append(f"{name} at {side} pixels: {error!r}")
        what = f"timm: a network of each family at {side} pixels"
        yield Row(what, len(smallest), f"{read} probed, the others refused", broken)


def main() -> int:
    """Run what the arguments ask for, print the table; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="of each kind of process")
    parser.add_argument("--flips", type=int, default=500, help="in each stored file")
    parser.add_argument("--inputs", type=int, default=10_000, help="over all readers")
    parser.add_argument("--sides", type=int, nargs="*", default=[32, 224], help="of networks")
    parser.add_argument("--book", type=int, default=50, help="kills of the whole book")
    parser.add_argument("--book-seconds", type=float, default=0, help="kill within these")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    start, rows = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        folder = Path(name)
        parts = [
            flips(given.flips, given.seed, folder / "flips") if given.flips else (),
            inputs(given.inputs, given.seed, folder / "inputs") if given.inputs else (),
            networks(given.sides),
            kills(given.kills, given.seed, folder / "kills") if given.kills else (),
        ]
        if given.book:
            parts.append(book_kills(given.book, given.book_seconds, given.seed, folder / "book"))
        print("| what | times | seen | promises broken |\n|---|---|---|---|")
        for row in (row for part in parts for row in part):
            rows.append(row)
            print(f"| {row.what} | {row.times:,} | {row.seen} | {len(row.broken)} |", flush=True)
            for text in row.broken[:20]:  # at once, since what follows can take hours
                print(f"BROKEN {text}", file=sys.stderr, flush=True)
    today, minutes = datetime.now(UTC).date(), (time.monotonic() - start) / 60
    command = " ".join(["python tests/torture.py", *sys.argv[1:]])
    print(f"\n{today}, {provenance.hardware()}, {minutes:.0f} minutes: `{command}`")
    broken = [text for row in rows for text in row.broken]
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
