"""Chapter 3: its parameters, and the further networks that it reads."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from nbcore.depths.roster import DepthConfig, Ensemble, ensembles, setting
from nbcore.errors import ParameterError
from nbcore.runs.config import FREE, param
from nbcore.runs.own_folders import apply_layout

#: settings of the chapter's ensembles -> what sets the same for images of your own
OF_ENSEMBLES = dict.fromkeys(["datasets", "networks", "scale", "members", "full_members", "width"])
OF_ENSEMBLES |= {"k": "own_k", "seed": "own_seed", "examples": "own_images"}


@dataclass(frozen=True)
class PredictionDepth(DepthConfig):
    """Chapter 3; `dataset`, `model` and `own_...` are for images of your own.

    They change nothing of the chapter's ensembles, which stay those of the preset.
    """

    slug: ClassVar[str] = "prediction-depth"

    dataset: str = param("", "images of your own: a folder or a name", is_path=True, paper=FREE)
    model: str = param("", "a pretrained network for them: a timm name", paper=FREE)
    own_k: int = param(30, "neighbours of a probe, for them", low=1, in_address=False, paper=FREE)
    own_images: int | None = param(
        None, "at most so many of them", low=4, in_address=False, paper=FREE
    )
    own_seed: int = param(
        0, "changes which of them are held out", low=0, in_address=False, paper=FREE
    )

    def __post_init__(self) -> None:
        apply_layout(self, "datasets", "dataset")

    @classmethod
    def book(cls) -> Self:
        """Three networks on the same CIFAR-10 images, an MLP on Fashion-MNIST: 4 h, 6 GB."""
        return cls(
            datasets=("fashion-mnist", "cifar10", "cifar10", "cifar10"),
            networks=("mlp", "vgg16", "resnet18", "mlp"),
        )

    def check(self) -> None:
        if bool(self.dataset) != bool(self.model):
            raise ParameterError(
                "dataset and model go together: give both a folder of images and a timm model."
            )
        if self.dataset and (changed := self._changed()):
            own = OF_ENSEMBLES[changed[0]]
            raise ParameterError(
                f"{changed[0]} is a setting of the chapter's own networks and would train them "
                f"anew; with images of your own, {f'give {own}' if own else 'leave it out'}."
            )
        super().check()

    def _changed(self) -> list[str]:
        """Name what differs from the preset that is nearest in the ensembles' settings."""
        presets = (type(self).book(), type(self).smoke(), type(self).paper())
        changes = [
            [name for name in OF_ENSEMBLES if getattr(self, name) != getattr(preset, name)]
            for preset in presets
        ]
        return min(changes, key=len)


def companions(config: PredictionDepth) -> dict[str, Ensemble]:
    """Describe chapter 3's further networks, a few members each, by what they are for.

    "noise KEY": a tenth of the labels planted anew; "human-noise KEY": CIFAR-10N's majority labels;
    "other-set KEY": the CIFAR-10 network on another set, with as many examples; "deep N": MLPs of 7
    and of 15 hidden layers on labels of which 40 % are planted.
    """
    keys = list(ensembles(config))
    few = dict(members=0, full_members=3, input_margins=0)
    out = {
        f"noise {keys[0]}": setting(keys[0], config, noise=0.1, **_longer(keys[0], config), **few)
    }
    main = keys[1] if len(keys) > 1 else keys[0]
    if main.startswith("cifar10:"):
        labels = "cifar10n:aggre_label"
        changes = dict(labels=labels, **_longer(main, config))
        out[f"human-noise {main}"] = setting(main, config, **(few | dict(full_members=2) | changes))
    if not keys[0].startswith(main.split(":")[0]):
        other = f"{keys[0].split(':')[0]}:{main.split(':')[1]}"
        same = {"examples": setting(main, config).examples}
        out[f"other-set {other}"] = setting(other, config, **(few | same))
    deep = f"{main.split(':')[0]}:mlp"
    for layers in (7, 15):
        changes = dict(noise=0.4, depth=layers, **_longer(deep, config))
        out[f"deep {layers}"] = setting(deep, config, **(few | dict(full_members=2) | changes))
    return out


def _longer(key: str, config: DepthConfig) -> dict[str, Any]:
    """Double the updates, as in the paper's table 1: wrong labels take longer to learn."""
    return {"steps": 2 * setting(key, config).steps}
