"""How long an ensemble takes on many machines: simulated from the seconds of stored members.

`book/bigger.md` is the page's text; the line `<!-- many-machines -->` there is replaced.
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nbcore.runs.run import Run, all_runs

PLACE = "<!-- many-machines -->"
MEMBERS = 250
COUNTS = (1, 8, 64)


class Measured(NamedTuple):
    """A stored run whose members' seconds are used.

    what: in words. unit: GPU or core. at_once: members that shared one when it was measured, which
    the seconds already contain.
    """

    what: str
    unit: str
    at_once: int


#: the addresses of stored ensembles, and how their members were computed
RUNS = {
    "59e8bc786f20": Measured("MLP of the paper's size, 7 × 2,048, all of CIFAR-10", "GPU", 1),
    "bca97369e757": Measured(
        "VGG16 of the paper's size, all of CIFAR-10, beside other trainings", "GPU", 5
    ),
    "d993854efd87": Measured("ResNet18 of width 16, 5,000 images of CIFAR-10", "GPU", 10),
    "f551c6c8fcbd": Measured("VGG16 of width 16, 5,000 images of CIFAR-10", "core", 1),
    "ec898f862a41": Measured("MLP, 7 × 256, 5,000 images of CIFAR-10", "core", 1),
}


def simulate(seconds: Sequence[float], slots: int) -> float:
    """Return when the last member ends if each free slot takes the next one at once.

    seconds: of the members, in their order; slots: how many run at a time. ValueError for none.
    """
    if slots < 1:
        raise ValueError(f"slots must be 1 or more, not {slots}")
    free = [0.0] * slots
    for each in seconds:
        heapq.heappush(free, heapq.heappop(free) + each)
    return max(free)


def drawn(run: Run, members: int = MEMBERS, seed: int = 0) -> list[float]:
    """Draw so many members' seconds with replacement from those of a run."""
    known = [float(entry["seconds"]) for entry in run.manifest["members"].values()]
    return np.random.default_rng(seed).choice(known, members).tolist()


def in_words(seconds: float) -> str:
    """Round a time to two digits, in hours or minutes."""
    return f"{seconds / 3600:.2g} h" if seconds >= 3600 else f"{seconds / 60:.2g} min"


def table() -> str:
    """Tabulate (Markdown) the time of `MEMBERS` members on 1, 8 and 64 units, and unit-hours."""
    stored = {run.path.name: run for run in all_runs() if run.origin == "stored"}
    counts = " | ".join("1 unit" if n == 1 else f"{n} units" for n in COUNTS)
    rows = [f"| network | measured on | s a member | {counts} | unit-hours |"]
    rows.append("|---" * (4 + len(COUNTS)) + "|")
    for address, how in RUNS.items():
        run = stored[address]
        entries = list(run.manifest["members"].values())
        seconds = drawn(run)
        ends = [simulate(seconds, n * how.at_once) for n in COUNTS]
        shared = f", {how.at_once} at a time" if how.at_once > 1 else ""
        there = f"{len(entries)} member" + "s" * (len(entries) > 1)
        where = f"{there} on one {how.unit}{shared}: {entries[0]['hardware']}"
        rows.append(
            f"| {how.what} | {where} | {np.mean([e['seconds'] for e in entries]):.0f} | "
            + " | ".join(map(in_words, ends))
            + f" | {sum(seconds) / how.at_once / 3600:.2g} |"
        )
    return "\n".join(rows)


def fill(text: str) -> str:
    """Put the table in its place in the page's text."""
    return text.replace(PLACE, table())
