"""Chapter 2's parameters: which networks are trained, how, and on what."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from nbcore.errors import ParameterError, did_you_mean
from nbcore.lines.config import OWN_NET, SHIFTED, LineConfig
from nbcore.runs.config import AT_LEAST, FREE, param

#: pretrained networks whose weights need no network, a family of three sizes first
NETWORKS = (
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "mobilenet_v2",
    "squeezenet1_0",
)
#: those of one design in growing size; only these are compared at the side of their pretraining
SERIES = NETWORKS[:3]
#: in the place of a side in pixels: the one that a network was pretrained on
OWN_SIDE = 0
#: the whole networks that claims A5, A7, A8, A11 and A13 ask for, in the order of computing them
WHOLE = tuple(
    f"{network}@128, rate {rate}-seed{seed}"
    for network, rate, seeds in (
        ("efficientnet_lite0", "0.001", (0, 1, 2)),
        ("efficientnet_lite0", "0.01", (0, 1, 2)),
        ("mobilenet_v2", "0.001", (0, 1)),
        ("squeezenet1_0", "0.001", (0, 1)),
    )
    for seed in seeds
)


class Condition(NamedTuple):
    """One way of training the network; `whole` False trains the last layer on cached features."""

    pretrained: bool = True
    whole: bool = True
    size: int | None = 64
    lr: float = 0.01
    loss: str = "cross-entropy"
    steps: int = 600
    first: int = 4  # the first checkpoint after step 0


@dataclass(frozen=True)
class RiseAndFall(LineConfig):
    """Chapter 2. Image counts, sizes in pixels, rates per step; all models see the same images."""

    slug: ClassVar[str] = "rise-and-fall"
    #: about all six networks, another one (A11), or BiT networks with their last layer trained
    stand_ins: ClassVar[tuple[str, ...]] = ("A5", "A6", "A10", "A11", "A12", "A13", "A18", "A36")

    train_images: int = param(10_000, "training images for the network", low=10, paper=AT_LEAST)
    seeds: int = param(
        3, "seeds where the whole network is trained", low=1, in_address=False, paper=AT_LEAST
    )
    head_seeds: int = param(
        5, "seeds where the last layer is", low=1, in_address=False, paper=AT_LEAST
    )
    size: int = param(64, "side for whole-network training", low=8, high=1024)
    small_size: int = param(32, "side of the small random start (A38)", low=8, high=1024)
    steps: int = param(600, "steps of fine-tuning", low=4)
    random_steps: int = param(450, "steps from random weights", low=4)
    small_steps: int = param(1000, "steps from random weights on small images", low=4)
    head_steps: int = param(6000, "steps of last-layer training", low=4)
    batch: int = param(64, "images a step", low=1)
    lr: float = param(0.01, "rate of fine-tuning", low=0.0)
    random_lr: float = param(0.05, "rate from random weights", low=0.0)
    head_lrs: tuple[float, ...] = param((0.001, 0.01, 0.0001), "last-layer rates, main one first")
    mse_lr: float = param(0.003, "last-layer rate with squared error", low=0.0)
    checkpoints: int = param(10, "evaluations, in log steps", low=3, high=1000, paper=AT_LEAST)
    networks: tuple[str, ...] = param(
        (),
        "networks whose last layers are compared; none means all five on CIFAR-10",
        in_address=False,
        paper=FREE,
    )
    head_sizes: tuple[int, ...] = param(
        (128,), "sides they see; 0: the one of pretraining", in_address=False, paper=FREE
    )
    head_checkpoints: int = param(
        100, "their evaluations, in log steps", low=3, high=1000, in_address=False, paper=AT_LEAST
    )
    whole_networks: tuple[str, ...] = param(
        (), "whole networks to train now; none means those kept", in_address=False, paper=FREE
    )
    whole_passes: float = param(
        8.0, "their passes over the images", low=0.01, high=1000, in_address=False, paper=FREE
    )

    def sides(self) -> tuple[int, ...]:
        """List the sides in pixels at which the chosen conditions read images."""
        return tuple(c.size for c in conditions(self).values() if c.size)

    @property
    def compared(self) -> tuple[str, ...]:
        """Networks whose last layers are compared: on images of your own only those you name."""
        published = RiseAndFall()
        ours = (self.id, self.ood) == (published.id, published.ood)
        return self.networks or (NETWORKS if ours else ())

    @property
    def planned(self) -> tuple[str, ...]:
        """Whole networks that are wanted: those the config names, else the claims', on CIFAR-10."""
        published = RiseAndFall()
        ours = (self.id, self.ood) == (published.id, published.ood)
        return self.whole_networks or (WHOLE if ours else ())

    @classmethod
    def smoke(cls) -> "RiseAndFall":
        """Digits: pretrained on 5-9, fine-tuned on 0-4, shifted copies. 30 seconds, 1 GB."""
        kinds = ("mean", "knn", "logistic", "patches", "mlp", "plain16")
        bed = [f"{k}-{n}" for k in kinds for n in (10, 30, 450)]
        return cls(
            model=OWN_NET,
            id="digits",
            ood=(SHIFTED,),
            image_size=8,
            train_images=400,
            test_images=250,
            seeds=2,
            head_seeds=2,
            feature_size=8,
            size=8,
            small_size=8,
            steps=60,
            random_steps=60,
            small_steps=60,
            head_steps=300,
            batch=32,
            lr=0.02,
            head_lrs=(0.01, 0.1),
            mse_lr=0.01,
            checkpoints=8,
            networks=(OWN_NET,),
            head_sizes=(8,),
            head_checkpoints=20,
            whole_networks=tuple(f"{OWN_NET}@8, rate {rate}-seed0" for rate in (0.02, 0.1)),
            testbed=tuple(bed),
            apart=(),
            epochs=0.15,
            workers=1,
        )

    @classmethod
    def book(cls) -> "RiseAndFall":
        """EfficientNet-Lite0 on 10,000 CIFAR-10 images, CINIC-10's ImageNet part: 60 min, 8 GB."""
        return cls()

    @classmethod
    def paper(cls) -> "RiseAndFall":
        """ResNet-50, or another of the six, at 224 pixels, 100 epochs, CIFAR-10.1: GPU days."""
        return cls(
            model="resnet50",
            ood=("cifar10.1-v6",),
            train_images=50_000,
            test_images=10_000,
            seeds=5,
            feature_size=224,
            size=224,
            steps=78_000,
            random_steps=195_000,
            small_steps=195_000,
            head_steps=78_000,
            lr=0.001,
            random_lr=0.01,
            head_lrs=(0.0001, 0.001, 0.01),
            mse_lr=0.001,
            checkpoints=100,
        )


def conditions(config: RiseAndFall) -> dict[str, Condition]:
    """List the conditions by name: last layer at each rate and with squared error, all, random."""
    c = config
    head = Condition(whole=False, size=c.feature_size, steps=c.head_steps)
    table = {"last-layer": head._replace(lr=c.head_lrs[0])}
    table["full"] = Condition(size=c.size, lr=c.lr, steps=c.steps)
    for name, size, steps in (
        ("random", c.size, c.random_steps),
        ("random-small", c.small_size, c.small_steps),
    ):
        # a random start passes through chance for long, where no line reaches
        table[name] = Condition(
            False, True, size, c.random_lr, "cross-entropy", steps, max(steps // 15, 4)
        )
    table["last-layer-mse"] = head._replace(lr=c.mse_lr, loss="mse")
    if c.feature_size != c.size:  # the whole network's counterpart on the same images
        table["last-layer-small"] = table["last-layer"]._replace(size=c.size)
    table |= {f"last-layer-lr-{lr:g}": head._replace(lr=lr) for lr in c.head_lrs[1:]}
    for name in c.conditions:
        if name not in table:
            raise ParameterError(f"There is no condition {name!r}; {did_you_mean(name, table)}")
    return {k: v for k, v in table.items() if not c.conditions or k in c.conditions}


def member_names(config: RiseAndFall) -> list[str]:
    """Name the members, `full-seed0` and so on.

    The longest come first, so that parallel workers end together; before them comes the member
    that caches the features.
    """
    table = conditions(config)
    seeds = {k: config.seeds if v.whole else config.head_seeds for k, v in table.items()}
    names = [(v.whole, -s, f"{k}-seed{s}") for k, v in table.items() for s in range(seeds[k])]
    first = [f"{k}-seed0" for k, v in table.items() if not v.whole][:1]  # it caches the features
    rest = [n for *_, n in sorted(names, key=lambda t: t[:2], reverse=True) if n not in first]
    return first + rest
