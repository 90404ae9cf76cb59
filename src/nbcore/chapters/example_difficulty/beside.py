"""What chapter 7 reads beside its own networks: chapter 2's line, C-scores, depths."""

from dataclasses import replace
from typing import Any

from nbcore.chapters.example_difficulty.c_scores import CScoreRun
from nbcore.chapters.example_difficulty.config import ExampleDifficulty
from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.data.catalog import CATALOG
from nbcore.depths.ensembles import Ensemble
from nbcore.depths.roster import DepthConfig, pool_size, setting
from nbcore.lines.config import OWN_NET, data_roles


def beside(config: ExampleDifficulty) -> RiseAndFall:
    """Chapter 2's config on the same images with the same network: its testbed, its network."""
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
        epochs=config.epochs,
        resamples=config.resamples,
        workers=config.workers,
        device=config.device,
    )


def score_run(config: ExampleDifficulty) -> CScoreRun:
    """The networks whose held-out accuracy is the C-score of the training images."""
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
    """The ensemble whose depths are the other measure of difficulty: all training images.

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
    """Images of one's own are brought to one size; those of the catalogue have one."""
    return None if config.id in CATALOG else config.image_size


def roles(config: ExampleDifficulty) -> dict[str, str]:
    """Role -> data set, as in chapter 2."""
    return data_roles(beside(config))
