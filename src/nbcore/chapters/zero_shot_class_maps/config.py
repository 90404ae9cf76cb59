"""Chapter 6's parameters: which classifier is read through which class map, and what follows it."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.data.classmaps import read_map
from nbcore.errors import ParameterError, did_you_mean
from nbcore.lines.config import SHIFTED, LineConfig
from nbcore.models import offline
from nbcore.runs import contents
from nbcore.runs.config import AT_LEAST, FREE, param

#: a network that is trained on all ten digits in a second, for the smoke preset
TEN_DIGITS = "ten-digits"
#: prefix of models of images and text, whose head is made of the class names
CLIP = "clip:"
SCORES, HOW = ("softmax", "logit"), ("max", "mean", "sum")
#: every way of reading the network without training: "max" is that of softmax scores
RULES = tuple(how if score == "softmax" else f"logit-{how}" for score in SCORES for how in HOW)


class Head(NamedTuple):
    """How a last layer is trained.

    mapped: whether it starts from the pretrained rows; over: "ten" or "all", the classes that are
    compared (see `training.heads.MappedHead`); pull: the factor of the squared distance from the
    pretrained weights (ER C.12).
    """

    mapped: bool = True
    pull: float = 0.0
    over: str = "ten"


@dataclass(frozen=True)
class ZeroShot(LineConfig):
    """Chapter 6. Image counts and the sets are those of chapter 2, so that its line applies."""

    slug: ClassVar[str] = "zero-shot-class-maps"
    #: about networks pretrained on JFT, about CLIP, or about six networks
    stand_ins: ClassVar[tuple[str, ...]] = ("A14", "A15", "A16", "A26", "A27")

    model: str = param(
        "efficientnet_lite0", "pretrained classifier: a timm or torchvision name, or clip:NAME"
    )
    weights: str | None = param(
        None, "state dict to use instead of the published weights", is_path=True
    )
    class_map: str = param(
        "cifar10", "cifar10, digits, or a YAML file of target: [synset or index]", is_path=True
    )
    id: str = param(
        "cifar10", "data set to test on: a name or a folder", is_path=True, in_address=False
    )
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets, same classes", in_address=False, is_path=True
    )
    image_size: int = param(32, "side to which all images are first brought", low=8, high=1024)
    feature_size: int = param(128, "side that the network sees", low=8, high=1024)
    train_images: int = param(10_000, "training images of the last layer", low=10, paper=AT_LEAST)
    conditions: tuple[str, ...] = param(
        (), "last layers to train, probe included; none means all", in_address=False, paper=FREE
    )
    seeds: int = param(5, "seeds of each last layer", low=1, in_address=False, paper=AT_LEAST)
    pulls: tuple[float, ...] = param(
        (0.1, 1.0, 100.0), "λ of the pull to the pretrained head", in_address=False
    )
    steps: int = param(6000, "steps of last-layer training", low=4)
    lr: float = param(0.001, "rate of last-layer training", low=0.0)
    batch: int = param(64, "images a step", low=1)
    checkpoints: int = param(12, "evaluations, in log steps", low=3, high=1000, paper=AT_LEAST)
    shuffles: int = param(100, "shuffled class maps of the control", low=2, high=10_000, paper=FREE)
    networks: tuple[str, ...] = param(
        (),
        "networks that are compared; none means all five on CIFAR-10",
        in_address=False,
        paper=FREE,
    )
    network_seeds: int = param(
        3, "seeds of each of their last layers", low=1, in_address=False, paper=AT_LEAST
    )
    network_pulls: tuple[float, ...] = param(
        (0.003, 0.01, 100.0), "λ of their pulls", in_address=False, low=0.0, paper=FREE
    )

    @property
    def compared(self) -> tuple[str, ...]:
        """Networks that are compared: on images or with a map of your own only those you name."""
        published = ZeroShot()
        ours = all(getattr(self, k) == getattr(published, k) for k in ("id", "ood", "class_map"))
        return self.networks or (tuple(offline.NETWORKS) if ours else ())

    @classmethod
    def smoke(cls) -> "ZeroShot":
        """A network of ten digits read as five groups, on chapter 2's digits. 30 seconds, 1 GB."""
        small = RiseAndFall.smoke()
        return cls(
            model=TEN_DIGITS,
            class_map="digits",
            id="digits",
            ood=(SHIFTED,),
            image_size=8,
            feature_size=8,
            train_images=400,
            test_images=250,
            seeds=2,
            pulls=(0.1, 100.0),
            steps=200,
            lr=0.01,
            batch=32,
            checkpoints=8,
            shuffles=50,
            testbed=small.testbed,
            networks=(TEN_DIGITS,),
            network_seeds=2,
            network_pulls=(0.001, 100.0),
            apart=(),
            epochs=small.epochs,
            resamples=100,
            workers=1,
        )

    @classmethod
    def book(cls) -> "ZeroShot":
        """EfficientNet-Lite0 at 128 pixels, 5,527 test images, 27 last layers: 10 min, 4 GB."""
        return cls()

    @classmethod
    def paper(cls) -> "ZeroShot":
        """BiT-M-R152x4 (C.12) at 224 pixels, all images, CIFAR-10.1: GPU hours."""
        return cls(
            model="resnetv2_152x4_bit.goog_in21k_ft_in1k",
            ood=("cifar10.1-v6",),
            feature_size=224,
            train_images=50_000,
            test_images=10_000,
            batch=32_768,
            steps=1000,
            checkpoints=100,
        )

    def check(self) -> None:
        """Refuse a map that cannot be read, and one that a model of images and text cannot use."""
        if self.model.startswith(CLIP) and self.class_map != "cifar10":
            raise ParameterError(
                f"{self.model} makes its classes from the names of the data set's, so it takes no "
                "class_map; leave that out."
            )
        read_map(self.class_map)

    def address(self) -> dict[str, Any]:
        """Return the address as usual, but with files by content: an edited map is another run."""
        out = super().address()
        out["class_map"] = contents.of_map(self.class_map)
        if self.weights is not None:
            out["weights"] = contents.of_file(self.weights)
        return out


def beside(config: ZeroShot) -> RiseAndFall:
    """Make chapter 2's config for the same images and network: its testbed, its curves."""
    small = config.model == TEN_DIGITS
    return replace(
        RiseAndFall.smoke() if small else RiseAndFall.book(),
        **({} if small else {"model": config.model, "weights": config.weights}),  # type: ignore[arg-type]
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        train_images=config.train_images,
        test_images=config.test_images,
        testbed=config.testbed,
        apart=config.apart,
        epochs=config.epochs,
        resamples=config.resamples,
        workers=config.workers,
        device=config.device,
    )


def heads(config: ZeroShot) -> dict[str, Head]:
    """List the trained last layers by name: fresh, mapped, mapped with all classes, each pull."""
    table = {"fresh-head": Head(mapped=False), "mapped-head": Head()}
    table |= {f"pull-{pull:g}": Head(pull=pull) for pull in config.pulls}
    if not config.model.startswith(CLIP):
        table["mapped-head-all"] = Head(over="all")
    for name in config.conditions:
        if name not in table and name != "probe":
            known = [*table, "probe"]
            raise ParameterError(f"There is no condition {name!r}; {did_you_mean(name, known)}")
    return {k: v for k, v in table.items() if not config.conditions or k in config.conditions}


def member_names(config: ZeroShot) -> list[str]:
    """Name the members: `zero-shot`, which caches the features, `probe`, each head and seed."""
    probe = ["probe"] if not config.conditions or "probe" in config.conditions else []
    trained = [f"{name}-seed{s}" for name in heads(config) for s in range(config.seeds)]
    return ["zero-shot", *probe, *trained]
