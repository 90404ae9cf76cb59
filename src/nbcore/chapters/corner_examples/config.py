"""Chapter 8: its parameters, the ensembles that it reads, and those with wrong labels."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from nbcore.depths import roster
from nbcore.depths.architectures import ARCHITECTURES
from nbcore.depths.roster import DepthConfig, Ensemble, setting
from nbcore.runs.config import param

#: the human labels whose errors are followed: the majority of three annotators (CIFAR-10N)
HUMAN = "cifar10n:aggre_label"


@dataclass(frozen=True)
class CornerExamples(DepthConfig):
    """Chapter 8; the first ensemble gets planted labels, the second is the cards'."""

    slug: ClassVar[str] = "corner-examples"
    #: about VGG16
    stand_ins: ClassVar[tuple[str, ...]] = ("B21", "B22", "B23")

    corner: int = param(100, "examples in a corner on the cards", low=2, in_address=False)
    planted: float = param(0.1, "share of labels planted to be found", low=0.01, high=0.9)
    noise: float = param(0.4, "share of labels planted to be watched", low=0.01, high=0.9)

    @classmethod
    def book(cls) -> Self:
        """The ensembles of chapters 3 to 5, and half an hour on wrong labels."""
        return cls()

    @classmethod
    def smoke(cls) -> Self:
        """Digits, small MLPs: about 30 seconds on one core, 1 GB."""
        return cls(
            datasets=("digits",),
            networks=("mlp",),
            scale="tiny",
            corner=20,
            resamples=100,
            workers=1,
        )

    @classmethod
    def paper(cls) -> Self:
        """The paper's figures 7 and 8: ResNet18 on CIFAR-10, 250 networks; a GPU for days."""
        return cls(
            datasets=("fashion-mnist", "cifar10"), networks=("resnet18", "resnet18"), scale="paper"
        )


def watched(config: CornerExamples) -> dict[str, Ensemble]:
    """Describe the networks that learn 40 % planted labels (B21 to B23), by DATASET:NETWORK.

    They train on the whole pool: five MLPs, ten networks of other kinds, three in smoke. They take
    more updates than without planted labels, so that they learn every one of these.
    """
    few = dict(members=0, input_margins=0, checkpoints=24, noise=config.noise)
    out = {}
    for key in roster.ensembles(config):
        network = key.rpartition(":")[2]
        few["full_members"] = 3 if config.scale == "tiny" else 5 if network == "mlp" else 10
        steps = round(ARCHITECTURES[network].longer * setting(key, config).steps)
        out[key] = setting(key, config, steps=steps, **few)
    return out


def mislabelled(config: CornerExamples) -> dict[str, Ensemble]:
    """Describe the ensembles on random splits that train on wrong labels, by what they are for.

    "planted KEY": a tenth of the labels drawn anew; "human cifar10:mlp": the majority labels of
    CIFAR-10N, only where the chapter reads CIFAR-10.
    """
    keys = list(roster.ensembles(config))
    out = {f"planted {keys[0]}": _splits(keys[0], config, 2.0, noise=config.planted)}
    if any(key.startswith("cifar10:") for key in keys):
        key = "cifar10:mlp"
        out[f"human {key}"] = _splits(key, config, 1.5, labels=HUMAN)
    return out


def _splits(key: str, config: CornerExamples, longer: float, **changes: Any) -> Ensemble:
    """Describe an ensemble that trains on four fifths of the pool, for `longer` times the updates.

    Thirty networks at the scale "small", at other scales as many as the setting has (ten in smoke).
    """
    base = setting(key, config)
    members = base.members if config.scale != "small" else 30
    changes |= dict(members=members, full_members=0, input_margins=0, held_out=0.2)
    return setting(key, config, steps=round(longer * base.steps), **changes)
