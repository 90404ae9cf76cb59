"""Chapter 7's small networks: those behind the C-scores, and those of the stand-in for A17."""

from dataclasses import dataclass, replace
from typing import ClassVar

from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.lines.config import data_roles
from nbcore.runs.config import Config, param
from nbcore.training.kinds import CNNS
from nbcore.training.recipe import Recipe


@dataclass(frozen=True)
class CScoreRun(Config):
    """Which networks vote on which training set."""

    slug: ClassVar[str] = "c-scores"

    dataset: str = param("cifar10", "data set: a name or a folder", in_address=False, is_path=True)
    image_size: int | None = param(None, "side to bring the images to, pixels", low=8, high=512)
    kind: str = param("res16", "network, of the testbed's", choices=tuple(CNNS))
    share: float = param(0.5, "share of the examples that a member does not train on")
    splits: str = param("folds", "how members are split", choices=("folds", "independent"))
    epochs: float = param(5.0, "passes over a member's half", low=0.01)
    batch: int = param(64, "images an update", low=1)
    lr: float = param(0.05, "first learning rate", low=0.0)
    augment: bool = param(False, "random crops and flips")
    precision: str = param("auto", "of training", choices=("auto", "float32", "bfloat16"))
    seed: int = param(0, "changes every draw", low=0)
    members: int = param(40, "networks", low=2, in_address=False)
    workers: int = param(2, "processes", low=1, high=64, in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)

    @classmethod
    def smoke(cls) -> "CScoreRun":
        """Digits, ten networks: five seconds, 1 GB."""
        return cls(dataset="digits", kind="cnn16", epochs=2.0, batch=32, members=10, workers=1)

    @classmethod
    def book(cls) -> "CScoreRun":
        """All 50,000 CIFAR-10 training images, 40 networks: 21 min on two cores, 3 GB."""
        return cls()

    @classmethod
    def paper(cls) -> "CScoreRun":
        """As accurate and as many networks as the published scores ask for: GPU days."""
        return cls(kind="res32", epochs=100.0, batch=128, augment=True, members=2000)

    def names(self) -> list[str]:
        """List the members: `half-000` and so on."""
        return [f"half-{i:03}" for i in range(self.members)]

    def recipe(self, examples: int) -> Recipe:
        """Describe the training of a member on `examples` images."""
        batch = min(self.batch, examples)
        return Recipe(
            steps=max(round(self.epochs * examples / batch), 1),
            batch=batch,
            lr=self.lr,
            weight_decay=5e-4,
            drop_at=(0.6, 0.85),
            factor=0.15,
            augment=self.augment,
            checkpoints=2,
        )


@dataclass(frozen=True)
class PretrainingSize(Config):
    """What the `pretrain-N` members depend on; chapter 7 fills it in (`pretraining`)."""

    slug: ClassVar[str] = "pretraining-size"

    id: str = param("cifar10", "data set to fine-tune on", in_address=False, is_path=True)
    ood: tuple[str, ...] = param(
        ("cinic10-imagenet",), "shifted test sets, same classes", in_address=False, is_path=True
    )
    image_size: int = param(32, "side of all images, pixels", low=8, high=1024)
    test_images: int = param(4_000, "ID test images, class-balanced", low=10)
    subset: int = param(5_000, "random training images, class-balanced", low=2)
    pretrain_set: str = param(
        "fashion-mnist", "pictures to pretrain on", in_address=False, is_path=True
    )
    images: tuple[int, ...] = param(
        (0, 600, 6_000, 60_000), "how many of them; 0 is no pretraining", in_address=False
    )
    kind: str = param("res32", "network, of the testbed's", choices=tuple(CNNS))
    pretrain_steps: int = param(1_500, "steps of pretraining, whatever the number", low=4)
    pretrain_lr: float = param(0.05, "rate of pretraining", low=0.0)
    steps: int = param(1_200, "steps of fine-tuning", low=4)
    lr: float = param(0.02, "rate of fine-tuning, whatever the pretraining", low=0.0)
    batch: int = param(128, "images a step", low=1)
    checkpoints: int = param(12, "evaluations, in log steps", low=4, high=1000)
    seeds: int = param(3, "seeds", low=1, in_address=False)
    conditions: tuple[str, ...] = param((), "those to run; none means all", in_address=False)
    workers: int = param(2, "processes", low=1, high=64, in_address=False)
    device: str = param("auto", "auto, cpu or cuda", in_address=False)

    def names(self) -> list[str]:
        """List the members: `pretrain-600-seed0` and so on."""
        wanted = self.conditions or tuple(f"pretrain-{n}" for n in self.images)
        return [f"{name}-seed{s}" for s in range(self.seeds) for name in wanted]

    def roles(self) -> dict[str, str]:
        """Map each role to its data set: those of chapter 2, and "pretraining"."""
        tested = replace(RiseAndFall.book(), id=self.id, ood=self.ood)
        return data_roles(tested) | {"pretraining": self.pretrain_set}
