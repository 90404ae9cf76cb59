"""Chapter 7's parameters: which examples a network is trained on, by their difficulty, and how."""

import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from nbcore.chapters.example_difficulty.networks import CScoreRun
from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.data.catalog import CATALOG
from nbcore.depths.roster import DepthConfig, Ensemble, pool_size, setting
from nbcore.lines.config import OWN_NET, SHIFTED, LineConfig, data_roles
from nbcore.runs import contents
from nbcore.runs.config import AT_LEAST, FREE, param

#: measures of difficulty that are computed here, and the scores that others have published
OWN_SCORES, PUBLISHED_SCORES = ("c-scores", "depth"), "published"


@dataclass(frozen=True)
class ExampleDifficulty(LineConfig):
    """Chapter 7. Image counts and the sets are those of chapter 2, so that its line applies."""

    slug: ClassVar[str] = "example-difficulty"
    #: about pretraining on JFT
    stand_ins: ClassVar[tuple[str, ...]] = ("A17",)

    difficulty: str = param(
        "c-scores",
        "c-scores, depth, published, or a file of scores (.npy, .npz, .csv; low is hard)",
        is_path=True,
    )
    subset: int = param(5_000, "hard, random or easy examples, class-balanced", low=2)
    extended: bool = param(
        False,
        "also schedules from random weights, and choices by depth for the whole network",
        in_address=False,
        paper=FREE,
    )
    seeds: int = param(
        3, "seeds where the whole network is trained", low=1, in_address=False, paper=AT_LEAST
    )
    scratch_seeds: int = param(
        2,
        "seeds from random weights, and of the small networks of A17",
        low=1,
        in_address=False,
        paper=AT_LEAST,
    )
    head_seeds: int = param(
        5, "seeds where the last layer is", low=1, in_address=False, paper=AT_LEAST
    )
    control_seeds: int = param(
        1,
        "seeds of the whole network's controls and schedules",
        low=1,
        in_address=False,
        paper=AT_LEAST,
    )
    size: int = param(64, "side for whole-network training", low=8, high=1024)
    steps: int = param(300, "steps of fine-tuning on a subset", low=4)
    random_steps: int = param(600, "steps from random weights on a subset", low=4)
    head_steps: int = param(4_000, "steps of last-layer training", low=4)
    ends: tuple[int, ...] = param(
        (1_000, 5_000, 10_000), "examples left at the end of a schedule", low=2
    )
    phases: int = param(10, "phases of a schedule", low=2, high=100)
    schedule_steps: int = param(300, "steps of fine-tuning on all or on a schedule", low=4)
    random_schedule_steps: int = param(700, "the same from random weights", low=4)
    further_steps: int = param(150, "steps of going on with a subset", low=4)
    batch: int = param(256, "images a step", low=1)
    lr: float = param(0.02, "rate of fine-tuning", low=0.0)
    random_lr: float = param(0.1, "rate from random weights", low=0.0)
    head_lr: float = param(0.001, "rate of last-layer training", low=0.0)
    checkpoints: int = param(12, "evaluations, in log steps", low=4, high=1000, paper=AT_LEAST)
    score_members: int = param(40, "networks behind the C-scores", low=2, paper=FREE)
    depth_members: int = param(1, "networks behind the depths", low=1, paper=FREE)
    pretrain_set: str = param(
        "fashion-mnist",
        "what the networks of A17 are pretrained on",
        is_path=True,
        in_address=False,
        paper=FREE,
    )
    pretrain_images: tuple[int, ...] = param(
        (0, 600, 6_000, 60_000), "how many of its images", low=0, in_address=False, paper=FREE
    )
    pretrain_steps: int = param(
        500, "steps of pretraining, whatever the number", low=4, in_address=False, paper=FREE
    )
    tuned_steps: int = param(
        600, "steps of fine-tuning the networks of A17", low=4, in_address=False, paper=FREE
    )

    @classmethod
    def smoke(cls) -> "ExampleDifficulty":
        """Chapter 2's digits and network, 100 examples of 652: 60 seconds, 1 GB."""
        small = RiseAndFall.smoke()
        return cls(
            difficulty="c-scores",
            subset=100,
            model=OWN_NET,
            id="digits",
            ood=(SHIFTED,),
            image_size=8,
            test_images=250,
            extended=True,
            seeds=2,
            scratch_seeds=2,
            head_seeds=2,
            control_seeds=2,
            feature_size=8,
            size=8,
            steps=60,
            random_steps=60,
            head_steps=300,
            ends=(25,),
            phases=3,
            schedule_steps=60,
            random_schedule_steps=60,
            further_steps=30,
            batch=32,
            lr=0.02,
            head_lr=0.01,
            checkpoints=8,
            score_members=10,
            depth_members=3,
            pretrain_set="digits",
            pretrain_images=(0, 60, 600),
            pretrain_steps=60,
            tuned_steps=60,
            testbed=small.testbed,
            apart=(),
            epochs=small.epochs,
            resamples=100,
            workers=1,
        )

    @classmethod
    def book(cls) -> "ExampleDifficulty":
        """5,000 of 50,000 CIFAR-10 images, 53 networks and 8 small ones: 2 h on two cores, 8 GB."""
        return cls()

    @classmethod
    def paper(cls) -> "ExampleDifficulty":
        """ResNet-18 at 224 pixels, 100 epochs, published C-scores, CIFAR-10.1: GPU days."""
        return cls(
            difficulty=PUBLISHED_SCORES,
            model="resnet18",
            ood=("cifar10.1-v6",),
            test_images=10_000,
            extended=True,
            seeds=5,
            scratch_seeds=5,
            control_seeds=5,
            feature_size=224,
            size=224,
            steps=7_800,
            random_steps=7_800,
            head_steps=7_800,
            phases=100,
            schedule_steps=78_000,
            random_schedule_steps=78_000,
            further_steps=7_800,
            batch=64,
            lr=0.001,
            random_lr=0.01,
            head_lr=0.001,
            checkpoints=100,
            score_members=2_000,
            depth_members=250,
        )

    def sides(self) -> tuple[int, ...]:
        """List the sides in pixels at which last layers and whole networks read images."""
        return self.feature_size, self.size

    def check(self) -> None:
        """Refuse a measure of difficulty that is neither known nor a file."""
        self.address()

    def address(self) -> dict[str, Any]:
        """Return what identifies a run, with files by their content and the runs behind the scores.

        DataError where a file cannot be read, or `difficulty` is neither known nor a file.
        """
        out = super().address()
        known = [k for k, entry in CATALOG.items() if entry.kind == "scores"]
        if self.difficulty not in (*OWN_SCORES, PUBLISHED_SCORES, *known):
            advice = "give c-scores, depth, published, or a file of scores (.npy, .npz, .csv)"
            out["difficulty"] = contents.of_file(self.difficulty, advice)
        if self.weights is not None:
            out["weights"] = contents.of_file(self.weights)
        sources = [score_run(self).address(), depth_run(self).address()]
        out["sources"] = contents.digest(json.dumps(sources, sort_keys=True).encode())
        return out


def beside(config: ExampleDifficulty) -> RiseAndFall:
    """Return chapter 2's config on the same images with the same network, for its testbed."""
    small = config.model == OWN_NET
    return replace(
        RiseAndFall.smoke() if small else RiseAndFall.book(),
        model=config.model,
        weights=config.weights,
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        test_images=config.test_images,
        size=config.size,
        feature_size=config.feature_size,
        testbed=config.testbed,
        apart=config.apart,
        epochs=config.epochs,
        resamples=config.resamples,
        workers=config.workers,
        device=config.device,
    )


def score_run(config: ExampleDifficulty) -> CScoreRun:
    """Describe the networks whose held-out accuracy is the C-score of the training images."""
    base = CScoreRun.smoke() if config.model == OWN_NET else CScoreRun.book()
    return replace(
        base,
        dataset=config.id,
        image_size=_side(config),
        members=config.score_members,
        workers=config.workers,
        device=config.device,
    )


def depth_run(config: ExampleDifficulty) -> Ensemble:
    """Describe the ensemble whose depths are the other measure of difficulty: all training images.

    The paper's MLP on the whole set: a minute on a GPU. Tiny networks in the smoke preset.
    """
    small = config.model == OWN_NET
    changes: dict[str, Any] = dict(
        image_size=_side(config),
        members=0,
        full_members=config.depth_members,
        workers=config.workers,
        device=config.device,
    )
    if not pool_size(config.id):
        changes["examples"] = 1_000_000  # all there are
    scale = "tiny" if small else "paper"
    return setting(f"{config.id}:mlp", DepthConfig(scale=scale), **changes)


def _side(config: ExampleDifficulty) -> int | None:
    """Return the side that images of your own are brought to; None for a set of the catalogue."""
    return None if config.id in CATALOG else config.image_size


def roles(config: ExampleDifficulty) -> dict[str, str]:
    """Map each role to its data set, as in chapter 2."""
    return data_roles(beside(config))
