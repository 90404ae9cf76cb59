"""Chapter 10's parameters: what is fine-tuned, what is replayed, and which paths are walked."""

from dataclasses import dataclass
from typing import ClassVar

from nbcore.data.classmaps import read_map
from nbcore.errors import ParameterError
from nbcore.lines.config import SHIFTED, TEN_DIGITS, LineConfig
from nbcore.models import offline
from nbcore.runs.config import AT_LEAST, FREE, param
from nbcore.training.kinds import CNNS


@dataclass(frozen=True)
class HoldingOn(LineConfig):
    """Chapter 10. Image counts and the sets are those of chapter 2, so that its line applies."""

    slug: ClassVar[str] = "holding-on"
    #: of BiT and of a ResNet-18 of ImageNet
    stand_ins: ClassVar[tuple[str, ...]] = ("A33",)

    class_map: str = param(
        "cifar10", "cifar10, digits, or a YAML file of target: [synset or index]", is_path=True
    )
    networks: tuple[str, ...] = param(
        (), "networks whose last layers are trained; none means all five on CIFAR-10", paper=FREE
    )
    train_images: int = param(10_000, "training images of the last layers", low=10, paper=AT_LEAST)
    head_steps: int = param(1_000, "steps of last-layer training", low=4)
    head_lr: float = param(0.01, "its rate", low=0.0)
    head_batch: int = param(64, "its images a step", low=1)
    head_replay: int = param(2_000, "old images that last layers replay", low=1, paper=AT_LEAST)
    points: int = param(11, "points of a path, both ends among them", low=2, high=101)
    replay_set: str = param(
        "tiny-imagenet-32",
        "what the small network is pretrained on and replays: a name or a folder",
        is_path=True,
    )
    kind: str = param("res16", "the small network, of the testbed's", choices=tuple(CNNS))
    pretrain_steps: int = param(1_500, "steps of its pretraining", low=4)
    tune_images: int = param(2_500, "training images that it is fine-tuned on", low=10)
    tune_steps: int = param(300, "steps of its fine-tuning", low=4)
    tune_lr: float = param(0.01, "rate of its fine-tuning", low=0.0)
    tune_batch: int = param(32, "images a step, and of each replayed batch", low=1)
    replay_batches: tuple[int, ...] = param((1, 10), "replayed batches for each batch", low=1)
    replay_weights: tuple[float, ...] = param(
        (100.0,), "loss weights of one replayed batch, instead of so many batches", low=0.0
    )
    compute: bool = param(
        False,
        "true: train what is not stored yet; false: show what is",
        in_address=False,
        paper=FREE,
    )
    seeds: int = param(3, "seeds of everything that is trained", low=1, paper=AT_LEAST)
    checkpoints: int = param(25, "evaluations of last layers, in log steps", low=3, high=1000)

    @property
    def ours(self) -> bool:
        """Whether the images and the map are those of the published page."""
        published = HoldingOn()
        return all(getattr(self, k) == getattr(published, k) for k in ("id", "ood", "class_map"))

    @property
    def compared(self) -> tuple[str, ...]:
        """Networks whose last layers are trained: on images of your own only those you name."""
        if self.networks or self.model != HoldingOn.model or self.weights:
            return self.networks or (self.model,)
        return tuple(offline.NETWORKS) if self.ours else ()

    @classmethod
    def smoke(cls) -> "HoldingOn":
        """Digits below 5, moved; pretrained on those from 5 up. 20 seconds, 1 GB."""
        kinds = ("mean", "knn", "logistic", "patches", "mlp", "plain16")
        return cls(
            id="digits",
            ood=(SHIFTED,),
            image_size=8,
            feature_size=8,
            test_images=250,
            testbed=tuple(f"{k}-{n}" for k in kinds for n in (10, 30, 450)),
            epochs=0.15,
            resamples=100,
            workers=1,
            class_map="digits",
            networks=(TEN_DIGITS,),
            train_images=400,
            head_steps=100,
            head_batch=32,
            head_replay=200,
            replay_set="digits",
            kind="cnn16",
            pretrain_steps=100,
            tune_images=200,
            tune_steps=40,
            tune_lr=0.02,
            tune_batch=16,
            replay_batches=(1, 2),
            replay_weights=(10.0,),
            compute=True,
            seeds=2,
            checkpoints=8,
        )

    @classmethod
    def book(cls) -> "HoldingOn":
        """Five last layers and a small network of Tiny ImageNet: 50 minutes of one core, 4 GB."""
        return cls()

    @classmethod
    def paper(cls) -> "HoldingOn":
        """C.11's setting but for its network, a ResNet-18 of ImageNet, which is not built here."""
        return cls(
            ood=("cifar10.1-v6",),
            train_images=50_000,
            test_images=10_000,
            replay_set="imagenet",
            tune_images=50_000,
            tune_batch=256,
            tune_lr=0.001,
            tune_steps=19_500,
            replay_batches=(1, 10, 100),
            replay_weights=(),
            compute=True,
            seeds=5,
        )

    def check(self) -> None:
        """Refuse a class map that cannot be read, and weights of several networks."""
        read_map(self.class_map)
        if self.weights and len(self.compared) > 1:
            raise ParameterError(
                f"weights are those of one network, not of {', '.join(self.compared)}; name it by "
                "model."
            )
