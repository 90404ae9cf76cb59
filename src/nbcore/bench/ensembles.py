"""Members of an ensemble in processes of one thread beside the plain loop with as many threads."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np

from nbcore import data as nbdata
from nbcore.bench.clock import alternate, threads
from nbcore.bench.record import Comparison, Found, Quantity
from nbcore.errors import ParameterError
from nbcore.models import papers, small
from nbcore.runs.config import Config, param
from nbcore.runs.engines import compute_members
from nbcore.training import loop
from nbcore.training.recipe import Recipe

#: by how much the mean accuracies of both sides may differ
WITHIN = 0.005
#: networks that are trained: the fully connected one of the book, and one of convolutions
MLP, CNN = "mlp", "cnn"


@dataclass(frozen=True)
class Ensembles(Config):
    """Members, and how long each is trained. About four minutes of one core."""

    slug: ClassVar[str] = "ensembles"

    dataset: str = param("cifar10", "images, by name")
    examples: int = param(10_000, "images a member is trained on", low=50)
    members: int = param(8, "members", low=2)
    workers: int = param(2, "processes of ours, and threads of the loop", low=2)
    networks: tuple[str, ...] = param((MLP, CNN), "which networks: mlp, cnn")
    mlp_steps: int = param(300, "updates of mlp: 7 layers", low=2)
    cnn_steps: int = param(100, "updates of cnn: 3 convolutions with batch norm", low=2)
    batch: int = param(128, "images an update", low=2)
    width: int = param(256, "of mlp", low=2)
    channels: int = param(16, "of cnn's first convolution", low=1)
    rounds: int = param(3, "times that both sides train all", low=1)

    @classmethod
    def smoke(cls) -> "Ensembles":
        """Digits, four members: half a minute, most of it the start of processes."""
        return cls(
            dataset="digits",
            examples=1_000,
            members=4,
            networks=(MLP,),
            mlp_steps=60,
            cnn_steps=30,
            batch=64,
            width=64,
            channels=8,
            rounds=1,
        )


@lru_cache(maxsize=1)
def _images(dataset: str, examples: int) -> tuple[Any, Any]:
    train, test = (nbdata.load(dataset, split) for split in ("train", "test"))
    return (train.images[:examples], train.labels[:examples]), (test.images, test.labels)


def member(config: Ensembles, name: str) -> dict[str, Any]:
    """Train one member by its name, NETWORK-NUMBER; return its test accuracy and answers."""
    kind, _, number = name.rpartition("-")
    seed = int(number)
    train, test = _images(config.dataset, config.examples)
    side, channels = train[0].shape[1], train[0].shape[3]
    classes = int(train[1].max()) + 1
    if kind == MLP:
        net = papers.build("mlp", config.width, classes, channels, side, 7, seed)
    else:
        net = small.small_cnn(config.channels, classes, channels=channels, seed=seed)
    steps = config.mlp_steps if kind == MLP else config.cnn_steps
    recipe = Recipe(steps, config.batch, lr=0.02, checkpoints=2)
    trained = loop.train(net, train, {"test": test}, recipe, seed=seed, device="cpu")
    answers = trained["prediction_test"].values[-1]
    return {"accuracy": float((answers == test[1]).mean()), "answers": answers}


def run(config: Ensembles) -> Found:
    """Compare both sides for every network: all of it, and training without the start."""
    for network in config.networks:
        if network not in (MLP, CNN):
            raise ParameterError(f"networks are {MLP} and {CNN}, not {network!r}.")
    _images(config.dataset, config.examples)
    comparisons: list[Comparison] = []
    quantities: list[Quantity] = []
    for network in config.networks:
        of_one, both = _network(config, network)
        comparisons += of_one
        quantities += both
    return Found(tuple(comparisons), tuple(quantities))


def _network(config: Ensembles, network: str) -> tuple[list[Comparison], list[Quantity]]:
    names = [f"{network}-{i}" for i in range(config.members)]
    train = partial(member, config)
    inside: list[float] = []

    def ours() -> list[float]:
        done = list(compute_members(train, names, config.workers, engine="local"))
        inside.append(sum(seconds for *_, seconds in done) / config.workers)
        by_name = {name: out for name, out, _ in done}
        return [by_name[name]["accuracy"] for name in names]

    def plain() -> list[float]:
        with threads(config.workers):
            return [train(name)["accuracy"] for name in names]

    done = alternate({"ours": ours, "plain": plain}, config.rounds)
    means = {side: float(np.mean(done[side].result)) for side in done}
    c = config.channels
    shape = f"7 × {config.width}" if network == MLP else f"{c}-{2 * c}-{4 * c}"
    what = f"{config.members} members, {network} {shape}"
    workers = f"nbcore, {config.workers} workers of one thread"
    peer = f"a loop with {config.workers} threads"
    same: dict[str, Any] = {
        "same": "mean test accuracy",
        "difference": round(abs(means["ours"] - means["plain"]), 6),
        "within": WITHIN,
    }
    whole = Comparison(
        what,
        workers,
        peer,
        done["ours"].rounds,
        done["plain"].rounds,
        **same,
        note="with the start of the processes",
    )
    training = Comparison(
        what,
        workers,
        peer,
        tuple(round(s, 6) for s in inside),
        done["plain"].rounds,
        **same,
        note="training alone: members' seconds over workers",
    )
    accuracy = [
        Quantity(f"test accuracy, {network}, {name}", round(means[key], 5), "")
        for key, name in (("ours", workers), ("plain", peer))
    ]
    return [whole, training], accuracy
