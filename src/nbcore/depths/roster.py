"""Chapters 3 to 5: their parameters, and the ensembles that they read."""

from dataclasses import dataclass
from typing import Any, Self

from nbcore.depths.ensembles import Ensemble, run_ensemble
from nbcore.errors import ParameterError
from nbcore.runs.config import FREE, Config, param
from nbcore.runs.own_folders import apply_layout, layout_param
from nbcore.runs.store import Run

NETWORKS = ("mlp", "vgg16", "resnet18")
NICE = {
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "digits": "digits",
    "mlp": "MLP",
    "vgg16": "VGG16",
    "resnet18": "ResNet18",
}

#: what two cores can train in minutes a member, by network: the published setting
SMALL: dict[str, dict[str, Any]] = {
    "mlp": dict(width=256, depth=7, batch=128, lr=0.01, steps=1000, drop_at=(0.5, 0.8)),
    "vgg16": dict(width=16, batch=128, lr=0.03, steps=1100, drop_at=(0.7, 0.9)),
    "resnet18": dict(width=16, batch=128, lr=0.04, steps=400, drop_at=(0.5, 0.8)),
}
ROSTER: dict[str, dict[str, Any]] = {
    "fashion-mnist:mlp": dict(
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
    "cifar10:vgg16": dict(members=50, full_members=10, input_margins=1000),
    "cifar10:resnet18": dict(members=50, full_members=10, input_margins=1000),
    "cifar10:mlp": dict(members=50),
}
SMALL_POOL = dict(examples=5000, test_examples=1000, held_out=0.2, checkpoints=12, members=10)

#: table 1 of the paper: rate, momentum, updates between the drops; batches of 256 are assumed
PAPER: dict[str, tuple[float, float, tuple[int, ...]]] = {
    "svhn:resnet18": (0.04, 0.95, (7000,)),
    "svhn:vgg16": (0.04, 0.9, (3000, 6000, 1000)),
    "svhn:mlp": (0.04, 0.9, (2500, 5500, 2000)),
    "fashion-mnist:resnet18": (0.01, 0.95, (4000, 3000)),
    "fashion-mnist:vgg16": (0.01, 0.95, (3000, 6000, 1000)),
    "fashion-mnist:mlp": (0.04, 0.5, (10_000, 2500)),
    "cifar10:resnet18": (0.04, 0.95, (7000,)),
    "cifar10:vgg16": (0.04, 0.9, (5000, 1000)),
    "cifar10:mlp": (0.02, 0.9, (5000, 1250, 1000)),
    "cifar100:resnet18": (0.1, 0.95, (6000,)),
    "cifar100:vgg16": (0.04, 0.9, (2500, 7500)),
    "cifar100:mlp": (0.1, 0.95, (2500, 6000, 1500)),
}
POOL_SIZES = {"svhn": 73_257, "fashion-mnist": 60_000, "cifar10": 50_000, "cifar100": 50_000}


@dataclass(frozen=True)
class DepthConfig(Config):
    """Which ensembles a chapter reads: data sets and networks, paired. None: the roster's value."""

    datasets: tuple[str, ...] = param(
        ("fashion-mnist", "cifar10"),
        "data sets: names or folders",
        in_address=False,
        is_path=True,
        paper=FREE,
    )
    networks: tuple[str, ...] = param(
        ("mlp", "vgg16"), "a network each: mlp, vgg16, resnet18", paper=FREE
    )
    scale: str = param(
        "small", "size of networks and pools", choices=("tiny", "small", "paper"), paper=FREE
    )
    examples: int | None = param(None, "training examples in each pool", low=4, paper=FREE)
    members: int | None = param(
        None, "networks on random splits", low=0, in_address=False, paper=FREE
    )
    full_members: int | None = param(
        None, "networks on a whole pool", low=0, in_address=False, paper=FREE
    )
    width: int | None = param(None, "width of the networks", low=1, paper=FREE)
    k: int = param(30, "neighbours of a probe", low=1, paper=FREE)
    seed: int = param(0, "changes every draw", low=0, paper=FREE)
    resamples: int = param(
        500, "bootstrap resamples", low=20, high=10_000, in_address=False, paper=FREE
    )
    workers: int = param(2, "processes", low=1, high=64, in_address=False, paper=FREE)
    device: str = param("auto", "auto, cpu or cuda", in_address=False, paper=FREE)
    layout: str | None = layout_param()

    def __post_init__(self) -> None:
        apply_layout(self, "datasets")

    @classmethod
    def smoke(cls) -> Self:
        """Digits, tiny networks, ten members each: about 40 seconds on one core, 1 GB."""
        return cls(
            datasets=("digits", "digits"),
            networks=("mlp", "resnet18"),
            scale="tiny",
            resamples=100,
            workers=1,
        )

    @classmethod
    def paper(cls) -> Self:
        """Table 1's networks on whole data sets, 250 + 25 members each: GPU weeks."""
        pairs = [key.split(":") for key in PAPER]
        datasets, networks = zip(*pairs, strict=True)
        return cls(datasets=datasets, networks=networks, scale="paper")

    def parts(self) -> dict[str, Ensemble]:
        """Give the ensembles by DATASET:NETWORK: where the fields above say what is in them."""
        return ensembles(self)

    def check(self) -> None:
        for name in self.networks:
            if name not in NETWORKS:
                raise ParameterError(f"networks must be of {', '.join(NETWORKS)}, not {name!r}.")
        if len(self.datasets) != len(self.networks):
            raise ParameterError(
                f"datasets and networks are paired, but there are {len(self.datasets)} and "
                f"{len(self.networks)}; give one network for each data set."
            )


def nice_name(key: str) -> str:
    """For people: "cifar10:vgg16" is "CIFAR-10, VGG16"; a folder is its last part."""
    dataset, _, network = key.rpartition(":")
    return f"{NICE.get(dataset, dataset.rstrip('/').rsplit('/', 1)[-1])}, {NICE[network]}"


def ensembles(config: DepthConfig) -> dict[str, Ensemble]:
    """DATASET:NETWORK -> the ensemble, in the order of the config."""
    config.check()
    keys = [f"{d}:{n}" for d, n in zip(config.datasets, config.networks, strict=True)]
    return {key: setting(key, config) for key in keys}


def setting(key: str, config: DepthConfig, **changes: Any) -> Ensemble:
    """The ensemble of DATASET:NETWORK at the config's scale, with single fields changed."""
    dataset, _, network = key.rpartition(":")
    base: dict[str, Any] = {"tiny": _tiny, "small": _small, "paper": _paper}[config.scale](key)
    given = {
        name: getattr(config, name)
        for name in ("examples", "members", "full_members", "width")
        if getattr(config, name) is not None
    }
    base |= given | dict(k=config.k, seed=config.seed)
    base |= dict(workers=config.workers, device=config.device)
    return Ensemble(dataset=dataset, architecture=network, **(base | changes))


def _small(key: str) -> dict[str, Any]:
    return SMALL_POOL | SMALL[key.rpartition(":")[2]] | ROSTER.get(key, {})


def _tiny(key: str) -> dict[str, Any]:
    settings = dict(
        examples=500,
        test_examples=100,
        held_out=0.2,
        checkpoints=10,
        members=10,
        full_members=4,
        input_margins=100,
    )
    if key.endswith("mlp"):
        return settings | dict(width=32, depth=4, batch=32, lr=0.02, steps=300)
    return settings | dict(width=4, batch=64, lr=0.15, steps=110)


def _paper(key: str) -> dict[str, Any]:
    dataset, _, network = key.rpartition(":")
    known = {k: v for k, v in PAPER.items() if k.endswith(network)}
    lr, momentum, parts = PAPER.get(key) or known[f"cifar10:{network}"]
    drops = tuple(sum(parts[: i + 1]) / sum(parts) for i in range(len(parts) - 1))
    return dict(
        examples=POOL_SIZES.get(dataset, 50_000),
        test_examples=10_000,
        splits="independent",
        width=2048 if network == "mlp" else 64,
        depth=7,
        batch=256,
        lr=lr,
        momentum=momentum,
        steps=sum(parts),
        drop_at=drops,
        checkpoints=20,
        members=250,
        full_members=25,
        input_margins=2000,
    )


def load(config: DepthConfig, fresh: bool = False) -> dict[str, Run]:
    """The run of every ensemble, stored or computed."""
    return {key: run_ensemble(e, fresh) for key, e in ensembles(config).items()}
