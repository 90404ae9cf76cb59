"""Chapter 9's parameters: four ways to train one network, and which members there are to be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

from nbcore.chapters.margins_and_depth.descent import CE, HINGE, Descent
from nbcore.errors import ParameterError, did_you_mean
from nbcore.runs.config import AT_LEAST, FREE, Config, param

CE_SGD, CE_GD, HINGE_SGD, HINGE_GD = SETTINGS = ("ce-sgd", "ce-gd", "0-hinge-sgd", "0-hinge-gd")
UNTRAINED = "untrained"
#: those that take minutes on a CPU; the others take hours
QUICK = (UNTRAINED, CE_SGD, HINGE_SGD)
FULL_BATCH = (CE_GD, HINGE_GD)
#: how pages name them
NAMES = {
    CE_SGD: "cross-entropy, SGD",
    CE_GD: "cross-entropy, GD",
    HINGE_SGD: "0-hinge, SGD",
    HINGE_GD: "0-hinge, GD",
    UNTRAINED: "untrained",
}


class Member(NamedTuple):
    """What a member's name says, `0-hinge-gd-seed1`: a setting, or "untrained", and a seed."""

    setting: str
    seed: int


@dataclass(frozen=True)
class MarginsAndDepth(Config):
    """Chapter 9. Rates are per step; accuracies, and margins where not said, of test images."""

    slug: ClassVar[str] = "margins-and-depth"

    dataset: str = param("cifar10", "data set: a name or a folder", in_address=False, is_path=True)
    train_images: int = param(2_048, "training images, class-balanced", low=20, paper=AT_LEAST)
    test_images: int = param(1_000, "test images, class-balanced", low=10, paper=AT_LEAST)
    image_size: int | None = param(None, "side to bring the images to, pixels", low=4, high=512)
    width: int = param(16, "channels of VGG16's first convolution", low=1, high=512)
    batch: int = param(32, "images an update of SGD", low=1)
    ce_sgd_lr: float = param(0.01, "cross-entropy with SGD: rate", low=0.0)
    ce_sgd_steps: int = param(2_304, "its updates", low=2)
    ce_sgd_drop_at: tuple[float, ...] = param(
        (2 / 3,), "shares of them where its rate drops to a fifth", low=0.0, high=1.0
    )
    hinge_sgd_lr: float = param(0.003, "0-hinge with SGD: rate", low=0.0)
    hinge_sgd_steps: int = param(2_304, "its updates, the last third at a fifth of the rate", low=2)
    momentum: float = param(0.9, "momentum", low=0.0, high=1.0)
    hinge_gd_momentum: float = param(0.95, "of 0-hinge with GD", low=0.0, high=1.0)
    ce_gd_rates: tuple[float, ...] = param(
        (0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002),
        "cross-entropy with GD: rates to try, from that of SGD down",
        low=0.0,
    )
    ce_gd_steps: int = param(8_000, "its updates", low=2)
    hinge_gd_rates: tuple[float, ...] = param(
        (0.003, 0.001, 0.0005, 0.0002, 0.0001, 0.00005),
        "0-hinge with GD: rates to try, from that of SGD down",
        low=0.0,
    )
    hinge_gd_steps: int = param(8_000, "its updates", low=2)
    scan_steps: int = param(100, "updates with each rate that is tried", low=4)
    window: int = param(20, "updates over which the loss is averaged", low=1)
    checkpoints: int = param(
        14, "evaluations along training, in log steps", low=2, high=1000, paper=AT_LEAST
    )
    k: int = param(30, "neighbours of a probe", low=1)
    precision: str = param(
        "auto",
        "of training; auto is float32 for 0-hinge",
        choices=("auto", "float32", "bfloat16"),
        paper=FREE,
    )
    train: tuple[str, ...] = param(
        QUICK, "settings to train if they are not there yet", in_address=False, paper=FREE
    )
    seeds: int = param(
        3, "networks with SGD, and untrained ones", low=1, in_address=False, paper=AT_LEAST
    )
    full_batch_seeds: int = param(2, "networks with GD", low=1, in_address=False, paper=AT_LEAST)
    block: int = param(
        0, "images passed at once in a step of GD; 0: all", low=0, in_address=False, paper=FREE
    )
    resamples: int = param(1_000, "draws over seeds", low=10, in_address=False, paper=FREE)
    workers: int = param(1, "processes", low=1, high=64, in_address=False, paper=FREE)
    device: str = param("auto", "auto, cpu or cuda", in_address=False, paper=FREE)

    @classmethod
    def book(cls) -> Self:
        """CIFAR-10. A network with SGD: 3 to 8 minutes of a busy core; with GD: hours."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Digits at 16 pixels, networks of width 4, few steps, all four ways: 15 seconds."""
        return cls(
            dataset="digits",
            train_images=100,
            test_images=100,
            image_size=16,
            width=4,
            batch=25,
            ce_sgd_lr=0.02,
            ce_sgd_steps=60,
            hinge_sgd_lr=0.02,
            hinge_sgd_steps=60,
            ce_gd_rates=(1.0, 0.05),
            ce_gd_steps=40,
            hinge_gd_rates=(0.1, 0.01),
            hinge_gd_steps=40,
            scan_steps=20,
            window=4,
            checkpoints=8,
            k=5,
            train=(UNTRAINED, *SETTINGS),
            full_batch_seeds=3,
        )

    @classmethod
    def paper(cls) -> Self:
        """Table 3 of the paper: about a million steps of GD on 4,096 images, days of a GPU each."""
        return cls(
            train_images=4_096,
            width=64,
            batch=256,
            ce_sgd_lr=4e-3,
            ce_sgd_drop_at=(),
            ce_sgd_steps=3_200,
            hinge_sgd_lr=4e-2,
            hinge_sgd_steps=7_500,
            ce_gd_rates=(6.4e-6,),
            ce_gd_steps=1_200_000,
            hinge_gd_rates=(6.4e-5,),
            hinge_gd_steps=800_000,
            seeds=5,
            full_batch_seeds=5,
        )

    def check(self) -> None:
        """Refuse settings that do not exist, and rates to try that do not fall."""
        for name in self.train:
            if name not in (UNTRAINED, *SETTINGS):
                raise ParameterError(
                    f"There is no setting {name!r} to train; "
                    f"{did_you_mean(name, (UNTRAINED, *SETTINGS))}"
                )
        for name, rates in (
            ("ce_gd_rates", self.ce_gd_rates),
            ("hinge_gd_rates", self.hinge_gd_rates),
        ):
            if not rates or list(rates) != sorted(rates, reverse=True) or min(rates) <= 0:
                raise ParameterError(
                    f"{name} must list rates above 0 from the largest to the smallest, not {rates}."
                )
        if self.scan_steps < 2 * self.window:
            raise ParameterError(
                f"scan_steps must hold two windows of {self.window} updates or more, not "
                f"{self.scan_steps}."
            )
        if self.k > self.train_images:
            raise ParameterError(
                f"k is {self.k}, but a network trains on {self.train_images} images; give a "
                "smaller k."
            )

    def wanted(self, setting: str) -> list[str]:
        """Name the members of a setting that the chapter asks for."""
        count = self.full_batch_seeds if setting in FULL_BATCH else self.seeds
        return [f"{setting}-seed{k}" for k in range(count)]

    def names(self, settings: Sequence[str] | None = None) -> list[str]:
        """Name the members of these settings, of those in `train` unless given."""
        return [m for s in (self.train if settings is None else settings) for m in self.wanted(s)]

    def descent(self, setting: str, lr: float = 0.0) -> Descent:
        """Give the way of training of a setting; of GD with this rate."""
        plain = Descent(
            CE,
            self.ce_gd_steps,
            lr,
            self.momentum,
            checkpoints=self.checkpoints,
            window=self.window,
        )
        noisy = replace(plain, batch=self.batch)
        if setting == CE_SGD:
            own = replace(noisy, steps=self.ce_sgd_steps, lr=self.ce_sgd_lr)
            return replace(own, drop_at=self.ce_sgd_drop_at)
        if setting == HINGE_SGD:
            own = replace(noisy, steps=self.hinge_sgd_steps, lr=self.hinge_sgd_lr)
            return replace(own, loss=HINGE, drop_at=(2 / 3,))
        if setting == HINGE_GD:
            steps, pull = self.hinge_gd_steps, self.hinge_gd_momentum
            return replace(plain, loss=HINGE, steps=steps, momentum=pull)
        return plain

    def rates(self, setting: str) -> tuple[float, ...]:
        """List the rates to try for a setting of GD."""
        return self.ce_gd_rates if setting == CE_GD else self.hinge_gd_rates


def member(name: str) -> Member:
    """Read a member's name; ParameterError for one that is not of its form."""
    setting, _, seed = name.rpartition("-seed")
    if setting not in (UNTRAINED, *SETTINGS) or not seed.isdigit():
        raise ParameterError(
            f"A network of this chapter is named SETTING-seedN, such as 0-hinge-gd-seed0, not "
            f"{name!r}."
        )
    return Member(setting, int(seed))
