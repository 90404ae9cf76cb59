"""Chapter 7's conditions: how a network starts, and which examples it is trained on."""

from typing import NamedTuple

from nbcore.chapters.example_difficulty.config import PUBLISHED_SCORES, ExampleDifficulty
from nbcore.chapters.example_difficulty.networks import PretrainingSize
from nbcore.errors import ParameterError, did_you_mean
from nbcore.lines.config import OWN_NET

CHOICES = ("hard", "random", "easy")
#: by other measures of difficulty than the config's, and by none
BY_DEPTH, BY_OWN = ("depth-hard", "depth-easy"), ("c-scores-hard", "c-scores-easy")
CONTROLS = ("shuffled-hard", *BY_DEPTH, *BY_OWN)


class Condition(NamedTuple):
    """How a network starts, and which examples it is trained on.

    start: "head" (a last layer on the features of the pretrained network), "full" (the whole
    pretrained network), "scratch" (the same from random weights). choice: one of `CHOICES` or
    `CONTROLS`; "all" or "phase-out-N", a schedule; "then-hard" or "then-random", which go on after
    training on everything.
    """

    start: str
    choice: str


def conditions(config: ExampleDifficulty) -> dict[str, Condition]:
    """List the conditions by name, START-CHOICE, the main ones first.

    A measure of difficulty cannot be its own control: by depth, the two depth conditions are left
    out, and the C-scores of networks trained here are a control of the published ones only.
    ParameterError: an unknown name in `config.conditions`.
    """
    others: tuple[str, ...] = BY_DEPTH if config.difficulty != "depth" else ()
    others += BY_OWN if config.difficulty == PUBLISHED_SCORES else ()
    controls = ["shuffled-hard", *others]
    schedules = ["all", *(f"phase-out-{n}" for n in config.ends)]
    pairs = [(start, choice) for start in ("full", "head", "scratch") for choice in CHOICES]
    pairs += [("full", "then-hard"), ("full", "then-random")]
    pairs += [("full", choice) for choice in schedules]
    pairs += [("head", choice) for choice in controls] + [("full", "shuffled-hard")]
    if config.extended or config.conditions:
        pairs += [("scratch", choice) for choice in schedules]
        pairs += [("full", choice) for choice in others]
    table = {f"{start}-{choice}": Condition(start, choice) for start, choice in pairs}
    known = [*table, *(f"pretrain-{n}" for n in config.pretrain_images)]
    for name in config.conditions:
        if name not in known:
            raise ParameterError(f"There is no condition {name!r}; {did_you_mean(name, known)}")
    return {k: v for k, v in table.items() if not config.conditions or k in config.conditions}


def pretraining_names(config: ExampleDifficulty) -> list[str]:
    """List the conditions of the stand-in for A17, `pretrain-N`, as far as they are wanted."""
    names = [f"pretrain-{n}" for n in config.pretrain_images]
    return [n for n in names if not config.conditions or n in config.conditions]


def pretraining(config: ExampleDifficulty) -> PretrainingSize:
    """Describe the networks of A17 so that they fit the chapter's others.

    They have the same images and the same subset.
    """
    return PretrainingSize(
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        test_images=config.test_images,
        subset=config.subset,
        pretrain_set=config.pretrain_set,
        images=config.pretrain_images,
        pretrain_steps=config.pretrain_steps,
        kind="cnn16" if config.model == OWN_NET else "res32",
        steps=config.tuned_steps,
        batch=config.batch,
        checkpoints=config.checkpoints,
        seeds=config.scratch_seeds,
        conditions=tuple(pretraining_names(config)),
        workers=config.workers,
        device=config.device,
    )


def member_names(config: ExampleDifficulty) -> list[str]:
    """List the members, `full-hard-seed0` and so on: first seed 0 of all, then the next seed."""
    table = conditions(config)
    seeds = {k: _seeds(config, v) for k, v in table.items()}
    most = max(seeds.values(), default=0)
    return [f"{name}-seed{s}" for s in range(most) for name in table if s < seeds[name]]


def _seeds(config: ExampleDifficulty, condition: Condition) -> int:
    if condition.start == "head":
        return config.head_seeds
    if condition.choice not in CHOICES:
        return config.control_seeds
    return config.scratch_seeds if condition.start == "scratch" else config.seeds
