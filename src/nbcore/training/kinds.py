"""The models of a testbed by name, KIND-N: a kind, trained on N images drawn evenly over classes.

Convolutional kinds have a family and a width, and may have a longer or shorter training and crops:
`vgg16`, `plain8-short`, `resnet32-crops-long`. `CONVOLUTIONAL` is the testbed of the published
runs, with `CLASSICAL` shown beside its line and not in its fit: a line through models of many kinds
bends for the mixture alone. The list was written down before any of its networks was evaluated on a
shifted set, and is never cut by what comes out.
"""

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from nbcore.errors import ParameterError, did_you_mean


class Convolutions(NamedTuple):
    """A convolutional network and its training.

    family: plain (one convolution a stage), vgg (two), or resnet (one and a residual pair). width:
    channels of the first of three stages; the next have twice as many each. passes: over the
    images, relative. crops: random crops and flips.
    """

    family: str
    width: int
    passes: float = 1.0
    crops: bool = False


LENGTHS = {"": 1.0, "-short": 1 / 3, "-long": 3.0}
CONVOLUTIONS = {
    f"{family}{width}{crops}{length}": Convolutions(family, width, LENGTHS[length], bool(crops))
    for family, width, crops, length in product(
        ("plain", "vgg", "resnet"), (8, 16, 32), ("", "-crops"), LENGTHS
    )
}
#: the networks of C-scores, digits, replay and pretraining by size: kind -> (width, residual)
CNNS = {"cnn16": (16, False), "cnn32": (32, False), "res16": (16, True), "res32": (32, True)}
CONVOLUTIONS |= {
    name: Convolutions("resnet" if residual else "plain", width, crops=residual)
    for name, (width, residual) in CNNS.items()
}
SKLEARN = ("mean", "logistic", "knn", "forest", "patches")
KINDS = (*SKLEARN, "mlp", *CONVOLUTIONS)

CLASSICAL = (
    "mean-50000",
    "knn-300",
    "knn-3000",
    "knn-50000",
    "logistic-300",
    "logistic-3000",
    "logistic-50000",
    "forest-1000",
    "forest-10000",
    "patches-1000",
    "patches-5000",
    "mlp-1000",
    "mlp-5000",
    "mlp-20000",
    "mlp-50000",
)
CONVOLUTIONAL = (
    "plain8-100",
    "plain8-300",
    "plain8-2000",
    "plain8-short-10000",
    "plain8-50000",
    "plain16-200",
    "plain16-1000",
    "plain16-5000",
    "plain16-crops-10000",
    "plain16-short-25000",
    "plain16-long-50000",
    "plain32-500",
    "plain32-10000",
    "plain32-crops-50000",
    "vgg8-500",
    "vgg8-10000",
    "vgg16-300",
    "vgg16-2000",
    "vgg16-crops-5000",
    "vgg16-25000",
    "vgg16-crops-50000",
    "vgg32-1000",
    "vgg32-10000",
    "vgg32-crops-50000",
    "resnet8-200",
    "resnet8-5000",
    "resnet8-crops-25000",
    "resnet16-500",
    "resnet16-2000",
    "resnet16-crops-10000",
    "resnet16-short-50000",
    "resnet16-crops-long-50000",
    "resnet32-1000",
    "resnet32-crops-25000",
    "resnet32-crops-50000",
    "resnet32-crops-long-50000",
)


def groups(models: Iterable[str]) -> list[str]:
    """Name a group for each model of a picture: families of convolutional networks, if all are.

    Otherwise what a model looks at: pixels, random features, or what a dense or convolutional
    network learns.
    """
    found = [split_name(m)[0] for m in models]
    if all(kind in CONVOLUTIONS for kind in found):
        return [CONVOLUTIONS[kind].family for kind in found]
    words = {"patches": "random features", "mlp": "dense"} | dict.fromkeys(
        ("mean", "logistic", "knn", "forest"), "pixels"
    )
    return [words.get(kind, "convolutional") for kind in found]


def effort(model: str) -> float:
    """Estimate how long training takes, to order the work by; classical models are quick."""
    kind, n = split_name(model)
    if kind not in CONVOLUTIONS:
        return n / 1e9
    _, width, passes, _ = CONVOLUTIONS[kind]
    return n**0.65 * passes * width


def split_name(model: str) -> tuple[str, int]:
    """Split a name, `vgg16-3000` -> ("vgg16", 3000); ParameterError for anything else."""
    kind, _, n = model.rpartition("-")
    if kind not in KINDS or not n.isdigit():
        raise ParameterError(
            f"A testbed model is written KIND-N, such as vgg16-3000, not {model!r}; "
            f"{did_you_mean(kind or model, KINDS)}"
        )
    return kind, int(n)
