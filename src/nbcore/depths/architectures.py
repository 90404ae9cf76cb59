"""The networks that ensembles are trained of, one record each, and what a pool of each size takes.

To add one: its builder in `models.papers`, its record here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Fields = Mapping[str, Any]


class Schedule(NamedTuple):
    """A row of the paper's table 1: rate, momentum, updates between the drops of the rate."""

    lr: float
    momentum: float
    updates: tuple[int, ...]


class Training(NamedTuple):
    """How a network learns the reader's own images, wrong labels too.

    width; lr: rate for batches of 128; passes: over the images; steps: the fewest updates.
    """

    width: int
    lr: float
    passes: int
    steps: int


@dataclass(frozen=True)
class Architecture:
    """All that the book says of one network.

    title: its name for people. tiny, small: fields of an `Ensemble` at that scale: seconds a member
    on digits; minutes a member on two cores, as published. book: data set -> further fields of its
    published ensemble. own: for images of one's own. paper_width, paper: the paper's size, and data
    set -> its schedule (PD table 1). longer: how many times the updates of an ensemble its networks
    need to learn 40 % planted labels.
    """

    title: str
    tiny: Fields
    small: Fields
    own: Training
    paper_width: int
    paper: Mapping[str, Schedule]
    book: Mapping[str, Fields] = field(default_factory=dict)
    longer: float = 2.0


MLP = Architecture(
    title="MLP",
    tiny=dict(width=32, depth=4, batch=32, lr=0.02, steps=300),
    small=dict(width=256, depth=7, batch=128, lr=0.01, steps=1000, drop_at=(0.5, 0.8)),
    own=Training(256, 0.01, 60, 1500),
    paper_width=2048,
    paper={
        "svhn": Schedule(0.04, 0.9, (2500, 5500, 2000)),
        "fashion-mnist": Schedule(0.04, 0.5, (10_000, 2500)),
        "cifar10": Schedule(0.02, 0.9, (5000, 1250, 1000)),
        "cifar100": Schedule(0.1, 0.95, (2500, 6000, 1500)),
    },
    book={
        "fashion-mnist": dict(
            examples=10_000,
            held_out=0.1,
            batch=256,
            lr=0.03,
            steps=1200,
            checkpoints=14,
            members=250,
            full_members=10,
            input_margins=1000,
        ),
        "cifar10": dict(members=50),
    },
    longer=10 / 3,
)
VGG16 = Architecture(
    title="VGG16",
    tiny=dict(width=4, batch=64, lr=0.15, steps=110),
    small=dict(width=16, batch=128, lr=0.03, steps=1100, drop_at=(0.7, 0.9)),
    own=Training(16, 0.03, 60, 1500),
    paper_width=64,
    paper={
        "svhn": Schedule(0.04, 0.9, (3000, 6000, 1000)),
        "fashion-mnist": Schedule(0.01, 0.95, (3000, 6000, 1000)),
        "cifar10": Schedule(0.04, 0.9, (5000, 1000)),
        "cifar100": Schedule(0.04, 0.9, (2500, 7500)),
    },
    book={"cifar10": dict(members=50, full_members=10, input_margins=1000)},
    longer=1.8,
)
RESNET18 = Architecture(
    title="ResNet18",
    tiny=dict(width=4, batch=64, lr=0.15, steps=110),
    small=dict(width=16, batch=128, lr=0.04, steps=400, drop_at=(0.5, 0.8)),
    own=Training(16, 0.04, 30, 600),
    paper_width=64,
    paper={
        "svhn": Schedule(0.04, 0.95, (7000,)),
        "fashion-mnist": Schedule(0.01, 0.95, (4000, 3000)),
        "cifar10": Schedule(0.04, 0.95, (7000,)),
        "cifar100": Schedule(0.1, 0.95, (6000,)),
    },
    book={"cifar10": dict(members=50, full_members=10, input_margins=1000)},
)

#: by the name of their builder in `models.papers`
ARCHITECTURES: dict[str, Architecture] = {"mlp": MLP, "vgg16": VGG16, "resnet18": RESNET18}
#: the pool of a scale, whatever the network
TINY_POOL: Fields = dict(
    examples=500,
    test_examples=100,
    held_out=0.2,
    checkpoints=10,
    members=10,
    full_members=4,
    input_margins=100,
)
SMALL_POOL: Fields = dict(
    examples=5000, test_examples=1000, held_out=0.2, checkpoints=12, members=10
)
#: PD A; batches of 256 are assumed
PAPER_POOL: Fields = dict(
    test_examples=10_000,
    splits="independent",
    depth=7,
    batch=256,
    checkpoints=20,
    members=250,
    full_members=25,
    input_margins=2000,
)


def small(dataset: str, network: str) -> dict[str, Any]:
    """Return the fields of an `Ensemble` at the scale "small", which is the published one."""
    found = ARCHITECTURES[network]
    return {**SMALL_POOL, **found.small, **found.book.get(dataset, {})}


def tiny(dataset: str, network: str) -> dict[str, Any]:
    """Return the fields of an `Ensemble` at the scale "tiny", the same for every data set."""
    return {**TINY_POOL, **ARCHITECTURES[network].tiny}


def paper(dataset: str, network: str, pool: int) -> dict[str, Any]:
    """Return the fields of an `Ensemble` in the paper's own setting, on a pool of `pool` examples.

    A data set that is not in table 1 is trained on as CIFAR-10 is.
    """
    found = ARCHITECTURES[network]
    schedule = found.paper.get(dataset, found.paper["cifar10"])
    steps = sum(schedule.updates)
    drops = (sum(schedule.updates[: i + 1]) for i in range(len(schedule.updates) - 1))
    return {
        **PAPER_POOL,
        "examples": pool,
        "width": found.paper_width,
        "lr": schedule.lr,
        "momentum": schedule.momentum,
        "steps": steps,
        "drop_at": tuple(drop / steps for drop in drops),
    }
