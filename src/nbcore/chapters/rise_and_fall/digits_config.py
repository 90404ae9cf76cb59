"""What chapter 2's digits are trained on, which networks learn them, and the line's models."""

from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, NamedTuple

from nbcore.chapters.rise_and_fall.config import NETWORKS
from nbcore.lines.config import LineConfig
from nbcore.runs.config import Config, param
from nbcore.training.kinds import CNNS

#: the line: networks from scratch, and the classical models shown beside it. Both were written down
#: before any was evaluated on USPS. No random flips: a mirrored 2 is no digit.
LINE = (
    *("plain8-50", "plain8-200", "plain8-1000", "plain8-5000"),
    *("plain8-short-20000", "plain8-short-60000"),
    *("plain16-100", "plain16-500", "plain16-2000", "plain16-short-10000"),
    *("vgg8-100", "vgg8-500", "vgg8-2000", "vgg8-10000", "vgg8-short-60000"),
    *("resnet8-100", "resnet8-300", "resnet8-1000", "resnet8-5000", "resnet8-short-20000"),
    *("resnet16-200", "resnet16-1000", "resnet16-short-5000"),
)
BESIDE = (
    *("mean-60000", "knn-100", "knn-1000", "knn-10000", "knn-60000"),
    *("logistic-100", "logistic-1000", "logistic-10000", "forest-1000", "forest-10000"),
    *("patches-1000", "patches-5000", "mlp-300", "mlp-3000", "mlp-20000"),
)
HEAD, WHOLE, RANDOM = "last-layer", "whole", "random"


class Condition(NamedTuple):
    """One way of training: what is trained, of which network, on how many digits.

    how: `HEAD`, `WHOLE` or `RANDOM`; start: a pretrained network, or the pictures on which a small
    one is pretrained here; of a random start, the small network's kind.
    """

    how: str
    start: str
    images: int

    @property
    def name(self) -> str:
        """Name it as members are: `last-layer, mobilenet_v2, 1000`."""
        return ", ".join(map(str, self))


@dataclass(frozen=True)
class Digits(Config):
    """Which networks learn digits, how, and on what. 30 core-minutes with its testbed, 4 GB."""

    slug: ClassVar[str] = "mnist-usps"

    id: str = param("mnist", "digits to train on", in_address=False)
    ood: tuple[str, ...] = param(("usps",), "shifted digits", in_address=False)
    image_size: int = param(28, "side to which all images are first brought")
    test_images: int = param(5_000, "ID test images, class-balanced")
    batch: int = param(64, "images a step")
    networks: tuple[str, ...] = param(NETWORKS, "pretrained networks", in_address=False)
    side: int = param(64, "side that they see")
    sizes: tuple[int, ...] = param(
        (5_000, 1_000, 100), "digits that last layers learn, main number first", in_address=False
    )
    head_steps: int = param(3_000, "steps of last-layer training")
    head_lr: float = param(0.001, "its rate")
    head_checkpoints: int = param(40, "its evaluations, in log steps")
    pictures: tuple[str, ...] = param(
        ("fashion-mnist", "tiny-imagenet-32"),
        "pictures on which a small network is pretrained here",
        in_address=False,
    )
    kind: str = param("cnn16", "the small network", choices=tuple(CNNS))
    pretrain_steps: tuple[int, ...] = param((1_000, 3_000), "steps of pretraining, by pictures")
    pretrain_lr: float = param(0.1, "rate of pretraining")
    whole: tuple[str, ...] = param(
        (), "pretrained networks that are fine-tuned whole too", in_address=False
    )
    steps: int = param(300, "steps where the whole network is trained")
    lr: float = param(0.01, "rate of whole fine-tuning")
    random_lr: float = param(0.05, "rate from random weights")
    checkpoints: int = param(12, "evaluations of whole networks, in log steps")
    seeds: int = param(3, "seeds of each", low=1, in_address=False)
    testbed: tuple[str, ...] = param(LINE, "models of the line, KIND-N", in_address=False)
    beside: tuple[str, ...] = param(BESIDE, "models shown beside it", in_address=False)
    epochs: float = param(0.5, "training of the testbed's networks, relative", in_address=False)
    resamples: int = param(500, "bootstrap resamples of images and seeds", in_address=False)
    workers: int = param(2, "processes", in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)

    @property
    def most(self) -> int:
        """How many digits the largest training set has; each smaller one is the start of it."""
        return max(self.sizes)

    def line(self) -> LineConfig:
        """Give the config by which the digits and the testbed are loaded."""
        return LineConfig(
            id=self.id,
            ood=self.ood,
            image_size=self.image_size,
            feature_size=self.side,
            test_images=self.test_images,
            testbed=self.testbed,
            apart=self.beside,
            epochs=self.epochs,
            workers=self.workers,
            device=self.device,
        )


def conditions(config: Digits) -> list[Condition]:
    """List the conditions, those on the main number of digits first."""
    main, starts = config.sizes[0], (*config.networks, *config.pictures)
    found = [Condition(HEAD, start, main) for start in starts]
    found += [Condition(RANDOM, config.kind, main)]
    found += [Condition(WHOLE, start, main) for start in (*config.pictures, *config.whole)]
    return found + [Condition(HEAD, start, n) for n in config.sizes[1:] for start in starts]


def member_names(config: Digits) -> list[str]:
    """Name the members; neighbours start from other networks, so that workers share no features."""
    alike = groupby(conditions(config), key=lambda c: (c.how, c.images))
    blocks = [[c.name for c in block] for _, block in alike]
    return [f"{n}-seed{s}" for block in blocks for s in range(config.seeds) for n in block]
