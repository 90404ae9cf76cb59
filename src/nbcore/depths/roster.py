"""The ensembles that chapters on depth read: which data sets and networks, in which setting."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from nbcore.data.catalog import CATALOG
from nbcore.depths import architectures
from nbcore.depths.architectures import ARCHITECTURES
from nbcore.errors import ParameterError
from nbcore.runs.config import AT_LEAST, FREE, Config, param
from nbcore.runs.own_folders import apply_layout, layout_param
from nbcore.training.recipe import Recipe

#: training examples of a data set of which the catalogue does not know how many it has
POOL = 50_000


@dataclass(frozen=True)
class Ensemble(Config):
    """One data set, one network, many members."""

    slug: ClassVar[str] = "ensemble"

    dataset: str = param(
        "fashion-mnist", "data set: a name or a folder", in_address=False, is_path=True
    )
    examples: int = param(
        10_000, "training examples in the pool, class-balanced", low=4, paper=AT_LEAST
    )
    test_examples: int = param(1_000, "test examples, class-balanced", low=1, paper=AT_LEAST)
    image_size: int | None = param(None, "side to bring the images to, pixels", low=4, high=512)
    architecture: str = param("mlp", "network", choices=tuple(ARCHITECTURES))
    width: int = param(256, "its width", low=1)
    depth: int = param(7, "hidden layers of the MLP", low=1, high=100)
    in_block: str = param("sum", "where a residual block is probed")
    held_out: float = param(0.1, "share of the pool that a member does not train on")
    splits: str = param("folds", "how members are split", choices=("folds", "independent"))
    labels: str = param("", "other labels, such as cifar10n:worse_label")
    noise: float = param(0.0, "share of labels drawn anew at random", low=0.0, high=1.0)
    steps: int = param(1_200, "updates", low=4)
    batch: int = param(256, "images an update", low=1)
    lr: float = param(0.03, "first learning rate", low=0.0)
    momentum: float = param(0.9, "momentum", low=0.0, high=1.0)
    drop_at: tuple[float, ...] = param(
        (0.5, 0.8), "shares of the updates where the rate drops to 1/5"
    )
    checkpoints: int = param(
        14, "evaluations along training, in log steps", low=3, high=1000, paper=AT_LEAST
    )
    k: int = param(30, "neighbours of a probe", low=1)
    input_margins: int = param(0, "examples whose input margin is measured", low=0, paper=AT_LEAST)
    precision: str = param(
        "auto", "of training", choices=("auto", "float32", "bfloat16"), paper=FREE
    )
    seed: int = param(0, "changes every draw", low=0, paper=FREE)
    members: int = param(250, "networks on random splits", low=0, in_address=False, paper=AT_LEAST)
    full_members: int = param(
        0, "networks on the whole pool", low=0, in_address=False, paper=AT_LEAST
    )
    workers: int = param(2, "processes", low=1, high=64, in_address=False, paper=FREE)
    device: str = param("auto", "auto, cpu or cuda", in_address=False, paper=FREE)

    #: whether a folder without splits is all pool, with no image to test on; `nbcore difficulty`
    #: judges every image, the chapters hold a part of each class out
    whole: bool = param(False, "use all of a folder without splits", in_address=False)

    def address(self) -> dict[str, Any]:
        """Return the address as usual, but mark a pool that is a whole folder as another run."""
        return super().address() | ({"whole": True} if self.whole else {})

    def names(self) -> list[str]:
        """Name the members: `split-000` and so on, then `full-000`."""
        splits = [f"split-{i:03}" for i in range(self.members)]
        return splits + [f"full-{i:03}" for i in range(self.full_members)]

    def roles(self) -> dict[str, str]:
        """Map roles to data sets: the images and, when they are not the images' own, the labels."""
        labels = {"labels": self.labels.partition(":")[0]} if self.labels else {}
        return {"images": self.dataset} | labels

    def recipe(self) -> Recipe:
        return Recipe(
            steps=self.steps,
            batch=self.batch,
            lr=self.lr,
            momentum=self.momentum,
            weight_decay=0.0,
            drop_at=self.drop_at,
            factor=0.2,
            checkpoints=self.checkpoints,
            first=max(self.steps // 40, 1),
        )


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
        pairs = [(d, n) for d in ARCHITECTURES["mlp"].paper for n in reversed(ARCHITECTURES)]
        datasets, networks = zip(*pairs, strict=True)
        return cls(datasets=datasets, networks=networks, scale="paper")

    def parts(self) -> dict[str, Ensemble]:
        """Give the ensembles by DATASET:NETWORK, as the fields above describe them."""
        return ensembles(self)

    def check(self) -> None:
        for name in self.networks:
            if name not in ARCHITECTURES:
                known = ", ".join(ARCHITECTURES)
                raise ParameterError(f"networks must be of {known}, not {name!r}.")
        if len(self.datasets) != len(self.networks):
            raise ParameterError(
                f"datasets and networks are paired, but there are {len(self.datasets)} and "
                f"{len(self.networks)}; give one network for each data set."
            )


def ensembles(config: DepthConfig) -> dict[str, Ensemble]:
    """Give the ensembles by DATASET:NETWORK, in the order of the config."""
    config.check()
    keys = [f"{d}:{n}" for d, n in zip(config.datasets, config.networks, strict=True)]
    return {key: setting(key, config) for key in keys}


def setting(key: str, config: DepthConfig, **changes: Any) -> Ensemble:
    """Build the ensemble of DATASET:NETWORK at the config's scale, with single fields changed."""
    dataset, _, network = key.rpartition(":")
    if config.scale == "paper":
        base = architectures.paper(dataset, network, pool_size(dataset) or POOL)
    elif config.scale == "small":
        base = architectures.small(dataset, network)
    else:
        base = architectures.tiny(dataset, network)
    given = {
        name: getattr(config, name)
        for name in ("examples", "members", "full_members", "width")
        if getattr(config, name) is not None
    }
    base |= given | dict(k=config.k, seed=config.seed)
    base |= dict(workers=config.workers, device=config.device)
    return Ensemble(dataset=dataset, architecture=network, **(base | changes))


def nice_name(key: str) -> str:
    """Name an ensemble for people: "cifar10:vgg16" is "CIFAR-10, VGG16"."""
    dataset, _, network = key.rpartition(":")
    return f"{set_title(dataset)}, {network_title(network)}"


def set_title(dataset: str) -> str:
    """Name a data set for people; a folder by its last part."""
    known = CATALOG[dataset].title if dataset in CATALOG else ""
    return known or dataset.rstrip("/").rsplit("/", 1)[-1]


def network_title(network: str) -> str:
    """Name a network for people."""
    return ARCHITECTURES[network].title


def pool_size(dataset: str) -> int:
    """Count the training examples of a data set that ensembles are trained on whole; else 0."""
    return CATALOG[dataset].pool if dataset in CATALOG else 0
